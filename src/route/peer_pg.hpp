// SPDX-License-Identifier: PostgreSQL
//
// A connection to another server that never waits: whoever owns it waits for its socket. One question at a time.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "pg/file.hpp"
#include "route/facts.hpp"
#include "route/node.hpp"

#include "pg/postgres.hpp"

struct pg_conn;
struct pg_result;

namespace steward::route {

using ConnectionParameters = std::vector<std::pair<std::string, std::string>>;
// Begins to connect; null when memory is out. Its notices go nowhere.
pg_conn* begin_connection(const ConnectionParameters& parameters);
std::vector<std::optional<std::string>> row_of(const pg_result* result, int row);

class Peer {
public:
    // Begins to connect.
    Peer(const Node& node, const std::vector<std::string>& addresses, const std::string& database, const Pace& pace);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    enum class State { waiting, ready, failed };
    // Goes on as far as it can without waiting: ready when it is connected, or has been answered.
    State connect();
    State ask(const std::vector<Lsn>& positions);
    State receive();
    // Takes what comes while nothing was asked; false when the connection is gone.
    bool is_alive();
    // After `ready` of ask() or receive().
    const base::Result<Answer>& answer() const { return *answer_; }

    int socket() const;
    // What to wait for: WL_SOCKET_READABLE, WL_SOCKET_WRITEABLE, or both.
    std::uint32_t events() const { return events_; }
    // Why it failed, as one line.
    std::string error() const;

private:
    pg::CountedFile file_;
    pg_conn* connection_ = nullptr;
    std::uint32_t events_ = WL_SOCKET_WRITEABLE;
    bool is_unflushed_ = false;
    std::string refusal_;
    std::optional<base::Result<Answer>> answer_;
};

}  // namespace steward::route
