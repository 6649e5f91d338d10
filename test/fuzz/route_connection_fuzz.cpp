// SPDX-License-Identifier: PostgreSQL
//
// Hosts that can be registered and any name of a database: what clients read out of each form is what went in. Lines are hosts,
// the last one is the database; each host's port is made of its place and length.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "route/connection_text.hpp"
#include "route/node.hpp"

namespace {

using namespace steward::route;

struct Place {
    std::string host;
    std::string port;
    bool operator==(const Place&) const = default;
};

void require(bool holds) {
    if (!holds) std::abort();
}

std::string_view take_until(std::string_view& text, std::string_view ends) {
    const std::size_t end = std::min(text.find_first_of(ends), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end);
    return taken;
}

bool skip(std::string_view& text, std::string_view what) {
    if (text.substr(0, what.size()) != what) return false;
    text.remove_prefix(what.size());
    return true;
}

// As libpq reads keywords.
std::string keyword(std::string_view& text, std::string_view key) {
    require(skip(text, key) && skip(text, "="));
    std::string value;
    if (!skip(text, "'")) {
        value = take_until(text, " ");
        require(value.find_first_of("'\\") == std::string::npos);
    } else {
        while (!skip(text, "'")) {
            skip(text, "\\");
            require(!text.empty());
            value += text[0];
            text.remove_prefix(1);
        }
    }
    require(text.empty() || skip(text, " "));
    return value;
}

std::string decoded(std::string_view text) {
    std::string value;
    for (std::size_t i = 0; i < text.size(); ++i) {
        require(text[i] > ' ' && text[i] < 0x7f);
        if (text[i] != '%') {
            value += text[i];
            continue;
        }
        require(i + 2 < text.size());
        char* end = nullptr;
        const std::string digits(text.substr(i + 1, 2));
        value += static_cast<char>(std::strtol(digits.c_str(), &end, 16));
        require(*end == '\0');
        i += 2;
    }
    return value;
}

// host:port,[address]:port/database?... ; only in a URI hosts are encoded.
void require_places(std::string_view text, const std::vector<Place>& places, const std::string& database,
                    bool is_encoded) {
    for (std::size_t i = 0; i < places.size(); ++i) {
        require(i == 0 || skip(text, ","));
        const bool is_bracketed = skip(text, "[");
        std::string host(take_until(text, is_bracketed ? "]" : ":/?#&,@"));
        if (is_bracketed) require(skip(text, "]"));
        if (is_encoded) host = decoded(host);
        require(host == places[i].host && skip(text, ":"));
        require(take_until(text, "/?#&,") == places[i].port);
    }
    require(skip(text, "/"));
    require(decoded(take_until(text, "?#/&")) == database);
    require(text.empty() || text[0] == '?');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::vector<Place> places;
    std::vector<Place> reached_by_java;
    std::vector<Endpoint> endpoints;
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
        const std::string host(rest.substr(0, end));
        const int port = static_cast<int>(1 + (end * 257 + places.size()) % kMaxPort);
        if (places.size() == kMaxNodes || !read_registration("n", host, port, {})) continue;
        places.push_back({host, std::to_string(port)});
        if (host[0] != '/') reached_by_java.push_back(places.back());
        endpoints.emplace_back(host, port);
    }
    const std::string database(rest.substr(0, rest.find('\0')));
    if (places.empty()) return 0;
    Endpoints all;
    for (const Endpoint& endpoint : endpoints) all.push_back(&endpoint);

    const DatabaseName name(database);
    for (Access access : {Access::write, Access::read_standby, Access::read_primary}) {
        const std::string keywords = connection_string(endpoints[0], name, access);
        std::string_view text = keywords;
        require(keyword(text, "host") == places[0].host);
        require(keyword(text, "port") == places[0].port);
        require(keyword(text, "dbname") == database);
        require((text == "target_session_attrs=read-write") == (access == Access::write));

        const std::string uri = connection_uri(all, name, access);
        text = uri;
        require(skip(text, "postgresql://"));
        require_places(text, places, database, true);

        const auto url = jdbc_url(all, name, access);
        require(url.has_value() == (places[0].host[0] != '/'));
        if (!url) continue;
        text = *url;
        require(skip(text, "jdbc:postgresql://"));
        require_places(text, reached_by_java, database, false);
    }
    return 0;
}
