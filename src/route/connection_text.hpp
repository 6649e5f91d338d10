// SPDX-License-Identifier: PostgreSQL
//
// How clients are told where to connect: keywords of libpq, its URI, and the URL of the JDBC driver. Neither user nor password
// are in it: those are the client's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::route {

struct Target {
    std::string_view host;  // a name, an address, or the directory of a socket
    int port = 0;
};

enum class Access { write, read_standby, read_primary };

// host=db1 port=5432 dbname='my app' target_session_attrs=read-write
std::string connection_string(const Target& target, std::string_view database, Access access);
// postgresql://db1:5432,[::1]:5433/my%20app?target_session_attrs=read-write: the targets are tried from left to right.
std::string connection_uri(const std::vector<Target>& targets, std::string_view database, Access access);
// jdbc:postgresql://db1:5432,db2:5432/my%20app?targetServerType=primary; sockets are left out, nothing when the first is one.
std::optional<std::string> jdbc_url(const std::vector<Target>& targets, std::string_view database, Access access);

}  // namespace steward::route
