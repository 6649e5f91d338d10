// SPDX-License-Identifier: PostgreSQL
//
// As much of HTTP as it takes to ask a server of one's own network for a small document: GET over HTTP/1.0.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace steward::route {

inline constexpr std::size_t kMaxHttpBytes = 1'048'576;

struct HttpPlace {
    std::string host;
    int port = 80;
    std::string path;  // that others are put behind; without a slash at the end
    bool operator==(const HttpPlace&) const = default;
};

// http://host[:port][/path], or host:port.
base::Result<HttpPlace> read_http_place(std::string_view text);

std::string http_request(const HttpPlace& place, std::string_view path);

struct HttpAnswer {
    int status = 0;
    std::string body;
};
// Of all that came until the server closed the connection, or until its Content-Length was there; nothing while more is to come.
std::optional<base::Result<HttpAnswer>> read_http_answer(std::string_view received, bool is_closed);

}  // namespace steward::route
