// SPDX-License-Identifier: PostgreSQL
#include "route/connection_text.hpp"

#include <algorithm>

namespace steward::route {

namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~").find(c) != std::string_view::npos;
}

bool is_socket(std::string_view host) { return !host.empty() && host[0] == '/'; }
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
    if (is_socket(host) || !is_ipv6(host)) return percent_encoded(host);
    std::string text = "[";
    for (char c : host) text += c == ':' ? std::string(1, c) : percent_encoded({&c, 1});
    return text + ']';
}

// For jdbc: brackets, and nothing else.
std::string jdbc_host(std::string_view host) {
    return is_ipv6(host) ? '[' + std::string(host) + ']' : std::string(host);
}

std::string joined(const char* scheme, const Endpoints& endpoints, std::string Endpoint::*form,
                   const std::string& database, const char* option, const char* value) {
    std::string text = scheme;
    std::size_t size = text.size() + database.size() + 64;
    for (const Endpoint* endpoint : endpoints) size += (endpoint->*form).size() + 1;
    text.reserve(size);
    for (const Endpoint* endpoint : endpoints) {
        const std::string& host = endpoint->*form;
        if (!host.empty()) text.append(host).append(1, ',');
    }
    text.pop_back();
    text += database;
    if (value != nullptr) text.append(option).append(value);
    return text;
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

Endpoint::Endpoint(std::string_view host, int port) {
    const std::string number = std::to_string(port);
    keywords = "host=" + quoted(host) + " port=" + number;
    uri = uri_host(host) + ':' + number;
    if (!is_socket(host)) jdbc = jdbc_host(host) + ':' + number;
}

DatabaseName::DatabaseName(std::string_view name)
    : keyword("dbname=" + quoted(name)), uri('/' + percent_encoded(name)) {}

std::string connection_string(const Endpoint& endpoint, const DatabaseName& database, Access access) {
    std::string text = endpoint.keywords + ' ' + database.keyword;
    if (const char* attributes = session_attributes(access)) text.append(" target_session_attrs=").append(attributes);
    return text;
}

std::string connection_uri(const Endpoints& endpoints, const DatabaseName& database, Access access) {
    return joined("postgresql://", endpoints, &Endpoint::uri, database.uri,
                  "?target_session_attrs=", session_attributes(access));
}

std::optional<std::string> jdbc_url(const Endpoints& endpoints, const DatabaseName& database, Access access) {
    if (endpoints.empty() || endpoints.front()->jdbc.empty()) return std::nullopt;
    return joined("jdbc:postgresql://", endpoints, &Endpoint::jdbc, database.uri,
                  "?targetServerType=", server_type(access));
}

}  // namespace steward::route
