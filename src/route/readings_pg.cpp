// SPDX-License-Identifier: PostgreSQL
#include "route/readings_pg.hpp"

#include <algorithm>

#include "base/backoff.hpp"
#include "base/pack.hpp"
#include "base/text.hpp"
#include "pg/databases.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "route/shared_pg.hpp"

namespace steward::route {

namespace {

constexpr char kNodeMessage[] = "node";
constexpr char kEndMessage[] = "end";

// ---- The worker ------------------------------------------------------------------------------------------------------

// False when the table is taken, and it has to be tried again.
bool send_nodes(pg::WorkerLink& link) {
    if (!pg::has_extension()) return true;
    pg::AsExtensionOwner as_extension;
    auto table = pg::query("SELECT to_regclass('steward.nodes')::oid");
    if (table[0].is_null(0)) return true;
    if (!pg::lock_politely(table[0].oid(0), AccessShareLock, kLockPatienceMillis)) return false;
    for (const pg::Row& row : pg::query("SELECT n.name, n.host, n.port, array_to_string(ARRAY(SELECT o.key || '=' || "
                                        "o.value FROM jsonb_each_text(n.options) o), E'\\n') FROM steward.nodes n "
                                        "ORDER BY n.name")) {
        link.send(base::pack({kNodeMessage, row.text(0), row.text(1), row.text(2), row.text(3)}));
    }
    return true;
}

void read(Datum argument) {
    pg::WorkerLink link(argument);
    bool is_read = false;
    std::string database;
    auto failure = pg::attempt(pg::Bounded::transaction, [&] {
        database = pg::current_database();
        is_read = send_nodes(link);
    });
    if (failure) throw pg::PgError(std::move(*failure));
    if (is_read) link.send(base::pack({kEndMessage, database}));
}

// ---- The prober ------------------------------------------------------------------------------------------------------

Node node_of(const std::vector<std::string>& fields) {
    Node node{fields.at(1), fields.at(2), std::atoi(fields.at(3).c_str()), {}};
    const std::string& options = fields.at(4);
    for (std::size_t begin = 0; begin < options.size();) {
        const std::size_t end = std::min(options.find('\n', begin), options.size());
        const std::string option = options.substr(begin, end - begin);
        const std::size_t sign = option.find('=');
        if (sign != std::string::npos) set_option(node, option.substr(0, sign), option.substr(sign + 1));
        begin = end + 1;
    }
    return node;
}

}  // namespace

void Readings::want(Oid database, Steady not_before) {
    auto [entry, is_new] = wanted_.try_emplace(database, Wanted{not_before});
    if (!is_new) entry->second.not_before = std::min(entry->second.not_before, not_before);
}

std::vector<Oid> Readings::want_all(Steady now) {
    const std::vector<Oid>& databases = pg::connectable_databases();
    for (Oid database : databases) want(database, now);
    std::vector<Oid> gone;
    for (Oid database : known_)
        if (std::find(databases.begin(), databases.end(), database) == databases.end()) gone.push_back(database);
    for (Oid database : gone) {
        known_.erase(database);
        wanted_.erase(database);
    }
    return gone;
}

void Readings::want_known(Steady now) {
    for (Oid database : known_) want(database, now);
}

std::optional<Reading> Readings::advance(Steady now) {
    if (helper_ == nullptr)
        if (auto gone = start_next(now)) return gone;
    return helper_ == nullptr ? std::nullopt : receive(now);
}

// Nothing but the database when it is gone.
std::optional<Reading> Readings::start_next(Steady now) {
    auto due = std::min_element(wanted_.begin(), wanted_.end(),
                                [](const auto& a, const auto& b) { return a.second.not_before < b.second.not_before; });
    if (due == wanted_.end() || due->second.not_before > now) return std::nullopt;
    reading_ = Reading{due->first, {}, {}};
    taken_ = due->second;
    wanted_.erase(due);
    if (!pg::is_connectable(reading_.database)) {
        known_.erase(reading_.database);
        return std::move(reading_);
    }
    helper_ = std::make_unique<pg::Helper>("steward_route_reader", "pg_steward node reader", std::string(),
                                           pg::Connection{reading_.database, InvalidOid});
    if (!helper_->started()) try_again(now);
    return std::nullopt;
}

std::optional<Reading> Readings::receive(Steady now) {
    for (;;) {
        bool is_ended = false;
        std::optional<std::string> message = helper_->receive_now(is_ended);
        if (!message) {
            if (is_ended) try_again(now);
            return std::nullopt;
        }
        std::vector<std::string> fields = base::unpack(*message);
        if (fields.at(0) == kNodeMessage) {
            reading_.nodes.push_back(node_of(fields));
            continue;
        }
        reading_.database_name = fields.at(1);
        if (reading_.nodes.empty())
            known_.erase(reading_.database);
        else
            known_.insert(reading_.database);
        helper_.reset();
        return std::move(reading_);
    }
}

void Readings::try_again(Steady now) {
    helper_.reset();
    ++taken_.failures;
    taken_.not_before = now + base::backoff(kFirstRetryMicros, taken_.failures, kMostRetryMicros);
    wanted_.try_emplace(reading_.database, taken_);
}

std::optional<Steady> Readings::next_wake() const {
    // The worker's messages set the latch.
    if (helper_ != nullptr || wanted_.empty()) return std::nullopt;
    Steady earliest = wanted_.begin()->second.not_before;
    for (const auto& [database, wanted] : wanted_) earliest = std::min(earliest, wanted.not_before);
    return earliest;
}

}  // namespace steward::route

extern "C" PGDLLEXPORT void steward_route_reader(Datum argument);

extern "C" void steward_route_reader(Datum argument) {
    steward::pg::worker_entry([&] { steward::route::read(argument); });
}
