// SPDX-License-Identifier: PostgreSQL
#include "route/connection_text.hpp"

#include <algorithm>

namespace steward::route {

namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~").find(c) != std::string_view::npos;
}

bool is_socket(const Target& target) { return !target.host.empty() && target.host[0] == '/'; }
bool is_ipv6(std::string_view host) { return host.find(':') != std::string_view::npos; }

std::string percent_encoded(std::string_view text) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_plain(c))
            encoded += c;
        else
            encoded.append({'%', kDigits[byte >> 4U], kDigits[byte & 0xfU]});
    }
    return encoded;
}

std::string quoted(std::string_view value) {
    if (!value.empty() &&
        std::all_of(value.begin(), value.end(), [](char c) { return is_plain(c) || c == '/' || c == ':'; }))
        return std::string(value);
    std::string text = "'";
    for (char c : value) {
        if (c == '\'' || c == '\\') text += '\\';
        text += c;
    }
    return text + '\'';
}

// A host of a URI: the colons of an address stand in brackets, and only a zone's % is encoded there.
std::string uri_host(std::string_view host) {
    if (host[0] == '/' || !is_ipv6(host)) return percent_encoded(host);
    std::string text = "[";
    for (char c : host) text += c == ':' ? std::string(1, c) : percent_encoded({&c, 1});
    return text + ']';
}

void add_host(std::string& list, const std::string& host, int port) {
    if (!list.empty()) list += ',';
    list += host;
    list += ':';
    list += std::to_string(port);
}

// `any` is what libpq does unasked; prefer-standby is only known from its version 14 on.
const char* session_attributes(Access access) { return access == Access::write ? "read-write" : nullptr; }

const char* server_type(Access access) {
    switch (access) {
    case Access::write: return "primary";
    case Access::read_standby: return "preferSecondary";
    case Access::read_primary: break;
    }
    return "any";
}

}  // namespace

std::string connection_string(const Target& target, std::string_view database, Access access) {
    std::string text =
        "host=" + quoted(target.host) + " port=" + std::to_string(target.port) + " dbname=" + quoted(database);
    if (const char* attributes = session_attributes(access)) text += std::string(" target_session_attrs=") + attributes;
    return text;
}

std::string connection_uri(const std::vector<Target>& targets, std::string_view database, Access access) {
    std::string hosts;
    for (const Target& target : targets) add_host(hosts, uri_host(target.host), target.port);
    std::string text = "postgresql://" + hosts + '/' + percent_encoded(database);
    if (const char* attributes = session_attributes(access)) text += std::string("?target_session_attrs=") + attributes;
    return text;
}

std::optional<std::string> jdbc_url(const std::vector<Target>& targets, std::string_view database, Access access) {
    if (targets.empty() || is_socket(targets.front())) return std::nullopt;
    std::string hosts;
    for (const Target& target : targets) {
        if (is_socket(target)) continue;
        const std::string host(target.host);
        add_host(hosts, is_ipv6(host) ? '[' + host + ']' : host, target.port);
    }
    return "jdbc:postgresql://" + hosts + '/' + percent_encoded(database) + "?targetServerType=" + server_type(access);
}

}  // namespace steward::route
