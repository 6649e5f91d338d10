// SPDX-License-Identifier: PostgreSQL
#include "route/remote_pg.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <system_error>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "route/resolver_pg.hpp"
#include "route/shared_pg.hpp"

extern "C" {
#include "storage/latch.h"
}

namespace steward::route {

namespace {

std::vector<Remote::Row> rows_of(const PGresult* result) {
    std::vector<Remote::Row> rows;
    rows.reserve(static_cast<std::size_t>(PQntuples(result)));
    for (int i = 0; i < PQntuples(result); ++i) rows.push_back(row_of(result, i));
    return rows;
}

}  // namespace

Patience::Patience(std::int64_t milliseconds) : millis(milliseconds), until(steady_now() + milliseconds * 1000) {}

void wait_for_socket(int socket, std::uint32_t events, const Patience& patience) {
    const std::int64_t left = patience.until - steady_now();
    if (left <= 0) throw RemoteError(fmt::format("It took longer than {} ms.", patience.millis));
    const long timeout = static_cast<long>(left / 1000 + 1);
    pg::call([&] {
        WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | static_cast<int>(events), socket,
                          timeout, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    });
}

std::vector<std::string> addresses_of(const std::string& host, const Patience& patience) {
    if (host.empty() || host[0] == '/') return {};
    if (is_address(host)) return {host};
    try {
        Resolver resolver(host);
        for (;;) {
            if (auto outcome = resolver.read()) {
                if (outcome->addresses.empty()) throw RemoteError(outcome->error);
                return outcome->addresses;
            }
            wait_for_socket(resolver.socket(), WL_SOCKET_READABLE, patience);
        }
    } catch (const std::system_error& error) {
        throw RemoteError(error.code().message());
    }
}

std::map<std::string, std::string> read_conninfo(const std::string& text) {
    char* error = nullptr;
    PQconninfoOption* options = PQconninfoParse(text.c_str(), &error);
    if (options == nullptr) {
        if (error != nullptr) PQfreemem(error);
        // It may hold a password: not said again.
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid connection string")
            .hint("For example 'host=10.0.0.1 dbname=app user=steward', or a URI.");
    }
    std::map<std::string, std::string> values;
    for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option)
        if (option->val != nullptr) values[option->keyword] = option->val;
    PQconninfoFree(options);
    return values;
}

ConnectionParameters parameters_of(std::map<std::string, std::string> conninfo, const Patience& patience) {
    std::string addresses;
    const std::string hosts = conninfo["host"];
    for (std::size_t begin = 0; begin <= hosts.size() && conninfo.count("hostaddr") == 0;) {
        const std::size_t end = std::min(hosts.find(',', begin), hosts.size());
        const std::vector<std::string> found = addresses_of(hosts.substr(begin, end - begin), patience);
        addresses += (begin == 0 ? "" : ",") + (found.empty() ? "" : found[0]);
        begin = end + 1;
    }
    if (addresses.find_first_not_of(',') != std::string::npos) conninfo["hostaddr"] = addresses;
    // Kerberos would be asked by functions that wait.
    conninfo.emplace("gssencmode", "disable");
    conninfo.erase("replication");
    ConnectionParameters parameters;
    for (const auto& [key, value] : conninfo)
        if (!value.empty()) parameters.emplace_back(key, value);
    return parameters;
}

void Remote::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Remote::Remote(const ConnectionParameters& parameters, const Patience& patience) : patience_(patience) {
    if (!file_) throw RemoteError("too many open files");
    connection_.reset(begin_connection(parameters));
    connect();
}

void Remote::connect() {
    if (!connection_) throw RemoteError("out of memory");
    if (PQstatus(connection_.get()) == CONNECTION_BAD) fail();
    std::uint32_t events = WL_SOCKET_WRITEABLE;
    for (;;) {
        wait_for_socket(PQsocket(connection_.get()), events, patience_);
        switch (PQconnectPoll(connection_.get())) {
        case PGRES_POLLING_OK: return;
        case PGRES_POLLING_READING: events = WL_SOCKET_READABLE; break;
        case PGRES_POLLING_WRITING: events = WL_SOCKET_WRITEABLE; break;
        default: fail();
        }
    }
}

std::vector<Remote::Row> Remote::query(const std::string& sql, const std::vector<std::string>& values) {
    std::vector<const char*> texts;
    texts.reserve(values.size());
    for (const std::string& value : values) texts.push_back(value.c_str());
    if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(texts.size()), nullptr, texts.data(),
                          nullptr, nullptr, 0) == 0)
        fail();
    std::vector<Row> rows;
    std::string refusal;
    std::string sqlstate;
    for (;;) {
        while (PQisBusy(connection_.get()) != 0) {
            wait_for_socket(PQsocket(connection_.get()), WL_SOCKET_READABLE, patience_);
            if (PQconsumeInput(connection_.get()) == 0) fail();
        }
        PGresult* result = PQgetResult(connection_.get());
        if (result == nullptr) break;
        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            rows = rows_of(result);
        } else if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
            const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
            sqlstate = state == nullptr ? "" : state;
            refusal = plain_line(message == nullptr ? PQresultErrorMessage(result) : message, kErrorBytes);
        }
        PQclear(result);
    }
    if (refusal.empty()) return rows;
    RemoteError error(refusal);
    error.sqlstate = sqlstate;
    throw error;
}

void Remote::fail() const {
    const std::string error = plain_line(PQerrorMessage(connection_.get()), 1000);
    throw RemoteError(error.empty() ? "the connection was closed" : error);
}

}  // namespace steward::route
