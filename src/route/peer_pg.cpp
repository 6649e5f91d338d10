// SPDX-License-Identifier: PostgreSQL
#include "route/peer_pg.hpp"

#include <libpq-fe.h>

#include "base/array.hpp"
#include "pg/guard.hpp"

namespace steward::route {

namespace {

void ignore_notice(void*, const PGresult*) {}

}  // namespace

pg_conn* begin_connection(const ConnectionParameters& parameters) {
    std::vector<const char*> keys;
    std::vector<const char*> values;
    for (const auto& [key, value] : parameters) {
        keys.push_back(key.c_str());
        values.push_back(value.c_str());
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    pg_conn* connection = PQconnectStartParams(keys.data(), values.data(), 0);
    if (connection != nullptr) PQsetNoticeReceiver(connection, ignore_notice, nullptr);
    return connection;
}

std::vector<std::optional<std::string>> row_of(const pg_result* result, int row) {
    std::vector<std::optional<std::string>> columns;
    for (int i = 0; i < PQnfields(result); ++i) {
        if (PQgetisnull(result, row, i) != 0)
            columns.emplace_back();
        else
            columns.emplace_back(PQgetvalue(result, row, i));
    }
    return columns;
}

Peer::Peer(const Node& node, const std::vector<std::string>& addresses, const std::string& database, const Pace& pace) {
    if (!file_) {
        refusal_ = "too many open files";
        return;
    }
    connection_ = begin_connection(connection_parameters(node, addresses, database, pace));
}

Peer::~Peer() {
    if (connection_ != nullptr) PQfinish(connection_);
}

Peer::State Peer::connect() {
    if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) return State::failed;
    switch (PQconnectPoll(connection_)) {
    case PGRES_POLLING_OK:
        events_ = WL_SOCKET_READABLE;
        return PQsetnonblocking(connection_, 1) == 0 ? State::ready : State::failed;
    case PGRES_POLLING_READING: events_ = WL_SOCKET_READABLE; return State::waiting;
    case PGRES_POLLING_WRITING: events_ = WL_SOCKET_WRITEABLE; return State::waiting;
    default: return State::failed;
    }
}

Peer::State Peer::ask(const std::vector<Lsn>& positions) {
    std::vector<std::string> texts;
    texts.reserve(positions.size());
    for (Lsn position : positions) texts.push_back(format_lsn(position));
    const std::string array = base::array_literal(texts);
    const char* values[] = {array.c_str()};
    answer_.reset();
    if (PQsendQueryParams(connection_, kAskFacts, 1, nullptr, values, nullptr, nullptr, 0) == 0) return State::failed;
    is_unflushed_ = true;
    return receive();
}

Peer::State Peer::receive() {
    if (PQconsumeInput(connection_) == 0) return State::failed;
    if (is_unflushed_) {
        const int left = PQflush(connection_);
        if (left < 0) return State::failed;
        is_unflushed_ = left > 0;
    }
    events_ = WL_SOCKET_READABLE | (is_unflushed_ ? WL_SOCKET_WRITEABLE : 0);
    while (PQisBusy(connection_) == 0) {
        PGresult* result = PQgetResult(connection_);
        if (result == nullptr) return answer_ ? State::ready : State::failed;
        if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
            answer_ = read_answer(row_of(result, 0));
        else
            refusal_ = plain_line(PQresultErrorMessage(result), kShortBytes * 4);
        PQclear(result);
    }
    return State::waiting;
}

bool Peer::is_alive() { return PQconsumeInput(connection_) != 0 && PQstatus(connection_) == CONNECTION_OK; }

int Peer::socket() const { return PQsocket(connection_); }

std::string Peer::error() const {
    if (!refusal_.empty()) return refusal_;
    const std::string error = connection_ == nullptr ? "out of memory" : plain_line(PQerrorMessage(connection_), 1000);
    return error.empty() ? "the connection was closed" : error;
}

}  // namespace steward::route
