// SPDX-License-Identifier: PostgreSQL
#include "route/http.hpp"

#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "route/node.hpp"

namespace steward::route {

namespace {

base::Failure invalid_place(const char* why) {
    return {base::kInvalidParameter, fmt::format("invalid address of a provider: {}", why), "",
            "Give http://host:port, as the server itself reaches it."};
}

base::Failure unreadable(const char* why) { return {base::kInvalidTextRepresentation, why, "", ""}; }

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// Of its headers the one that says how long the body is.
std::optional<std::size_t> content_length(std::string_view head) {
    constexpr std::string_view kName = "content-length:";
    for (std::size_t begin = 0; begin < head.size();) {
        const std::size_t end = std::min(head.find('\n', begin), head.size());
        std::string line(head.substr(begin, end - begin));
        std::transform(line.begin(), line.end(), line.begin(), base::lower);
        begin = end + 1;
        if (line.compare(0, kName.size(), kName) != 0) continue;
        std::size_t length = 0;
        const std::size_t first = line.find_first_not_of(' ', kName.size());
        if (first == std::string::npos) return std::nullopt;
        std::from_chars(line.data() + first, line.data() + line.size(), length);
        return length;
    }
    return std::nullopt;
}

}  // namespace

base::Result<HttpPlace> read_http_place(std::string_view text) {
    constexpr std::string_view kScheme = "http://";
    if (text.substr(0, 8) == "https://")
        return base::Failure{base::kInvalidParameter, "invalid address of a provider: https is not spoken", "",
                             "Register its members one by one with steward.register_node()."};
    if (text.substr(0, kScheme.size()) == kScheme) text.remove_prefix(kScheme.size());
    if (text.empty() || !is_plain(text) || text.find('@') != std::string_view::npos)
        return invalid_place("it is not http://host:port");
    HttpPlace place;
    const std::size_t slash = std::min(text.find('/'), text.size());
    place.path = text.substr(slash);
    while (!place.path.empty() && place.path.back() == '/') place.path.pop_back();
    std::string_view authority = text.substr(0, slash);
    std::size_t colon = authority.rfind(':');
    if (!authority.empty() && authority[0] == '[') {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return invalid_place("it is not http://host:port");
        place.host = authority.substr(1, end - 1);
        colon = end + 1 < authority.size() && authority[end + 1] == ':' ? end + 1 : std::string_view::npos;
    } else {
        place.host = authority.substr(0, colon);
    }
    if (colon != std::string_view::npos) {
        const std::string_view digits = authority.substr(colon + 1);
        auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place.port);
        if (error != std::errc() || stop != digits.data() + digits.size() || place.port < 1 || place.port > kMaxPort)
            return invalid_place("its port is not a number from 1 to 65535");
    }
    if (place.host.empty() || place.host.size() > kMaxHostBytes) return invalid_place("it has no host");
    return place;
}

std::string http_request(const HttpPlace& place, std::string_view path) {
    return fmt::format("GET {}{} HTTP/1.0\r\nHost: {}:{}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
                       place.path, path, place.host, place.port);
}

std::optional<base::Result<HttpAnswer>> read_http_answer(std::string_view received, bool is_closed) {
    if (received.size() > kMaxHttpBytes) return unreadable("the answer is longer than 1 MB");
    const std::size_t end = received.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (!is_closed) return std::nullopt;
        return unreadable("the answer is not HTTP");
    }
    const std::string_view head = received.substr(0, end);
    const std::string_view body = received.substr(end + 4);
    HttpAnswer answer;
    const std::size_t space = head.find(' ');
    if (head.substr(0, 5) != "HTTP/" || space == std::string_view::npos) return unreadable("the answer is not HTTP");
    std::from_chars(head.data() + space + 1, head.data() + head.size(), answer.status);
    const std::optional<std::size_t> length = content_length(head);
    if (length && *length > kMaxHttpBytes) return unreadable("the answer is longer than 1 MB");
    if (length ? body.size() < *length : !is_closed) {
        if (!is_closed) return std::nullopt;
        return unreadable("the answer ends too early");
    }
    answer.body = length ? body.substr(0, *length) : body;
    return answer;
}

}  // namespace steward::route
