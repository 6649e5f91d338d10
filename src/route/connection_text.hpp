// SPDX-License-Identifier: PostgreSQL
//
// How clients are told where to connect: keywords of libpq, its URI, and the URL of the JDBC driver. Neither user nor password
// are in it: those are the client's. What each form makes of a node and of a database is made once and used many times.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::route {

// A node's host (a name, an address, or the directory of a socket) and port, as each form has it.
struct Endpoint {
    Endpoint(std::string_view host, int port);

    std::string keywords;  // host=db1 port=5432
    std::string uri;       // [::1]:5433
    std::string jdbc;      // likewise; empty: it is a socket
};

struct DatabaseName {
    explicit DatabaseName(std::string_view name);

    std::string keyword;  // dbname='my app'
    std::string uri;      // /my%20app
};

enum class Access { write, read_standby, read_primary };

// Tried from left to right.
using Endpoints = std::vector<const Endpoint*>;

// host=db1 port=5432 dbname='my app' target_session_attrs=read-write
std::string connection_string(const Endpoint& endpoint, const DatabaseName& database, Access access);
// postgresql://db1:5432,[::1]:5433/my%20app?target_session_attrs=read-write
std::string connection_uri(const Endpoints& endpoints, const DatabaseName& database, Access access);
// jdbc:postgresql://db1:5432,db2:5432/my%20app?targetServerType=primary; sockets are left out, nothing when the first is one.
std::optional<std::string> jdbc_url(const Endpoints& endpoints, const DatabaseName& database, Access access);

}  // namespace steward::route
