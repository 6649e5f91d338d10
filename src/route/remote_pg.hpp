// SPDX-License-Identifier: PostgreSQL
//
// Another server, asked by a session that waits for it: up to a deadline, and cancelled like any statement. The prober, which
// waits for nobody, has Peer.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pg/file.hpp"
#include "route/peer_pg.hpp"
#include "route/units.hpp"

#include "pg/postgres.hpp"

struct pg_conn;

namespace steward::route {

// Why it could not be asked, as one line.
struct RemoteError : std::runtime_error {
    using std::runtime_error::runtime_error;
    std::string sqlstate;  // what the other server has said; empty: it has not been reached, or has said nothing
};

// How long somebody waits, from now on.
struct Patience {
    explicit Patience(std::int64_t milliseconds);
    std::int64_t millis;
    Steady until;
};

// Until the socket can be read, or written; throws RemoteError when that takes too long, and what a cancelled statement does.
void wait_for_socket(int socket, std::uint32_t events, const Patience& patience);

class Remote {
public:
    Remote(const ConnectionParameters& parameters, const Patience& patience);

    using Row = std::vector<std::optional<std::string>>;
    std::vector<Row> query(const std::string& sql, const std::vector<std::string>& values = {});

private:
    void connect();
    [[noreturn]] void fail() const;

    struct Finish {
        void operator()(pg_conn* connection) const;
    };

    pg::CountedFile file_;
    std::unique_ptr<pg_conn, Finish> connection_;
    Patience patience_;
};

// A connection string or URI of libpq as it says it, one value a key; throws 22023 when it cannot be read.
std::map<std::string, std::string> read_conninfo(const std::string& text);
// What connects there as the string says, with host names looked up beforehand.
ConnectionParameters parameters_of(std::map<std::string, std::string> conninfo, const Patience& patience);

// The addresses of a node's host, which are looked up by another process; none for a socket.
std::vector<std::string> addresses_of(const std::string& host, const Patience& patience);

}  // namespace steward::route
