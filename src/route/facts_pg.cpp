// SPDX-License-Identifier: PostgreSQL
#include "route/facts_pg.hpp"

#include "base/array.hpp"
#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "pg/wal.hpp"
#include "route/board_pg.hpp"
#include "route/node.hpp"
#include "route/shared_pg.hpp"

extern "C" {
#include "storage/procarray.h"
}

namespace steward::route {

namespace {

constexpr char kStandby[] =
    "SELECT pg_last_wal_receive_lsn(), r.status, r.sender_host, r.sender_port, r.slot_name, "
    "r.latest_end_lsn, extract(epoch FROM clock_timestamp() - r.last_msg_receipt_time) * 1000000, "
    "(SELECT sum(confl_tablespace + confl_lock + confl_snapshot + confl_bufferpin + confl_deadlock) "
    "FROM pg_stat_database_conflicts) FROM (SELECT) one LEFT JOIN pg_stat_wal_receiver r ON true";

// Of those in the way of a snapshot that is too old the oldest one is among them for certain; who holds a pin nobody knows.
constexpr char kBlocker[] =
    "SELECT CASE WHEN s.wait_event = 'RecoveryConflictSnapshot' THEN 'snapshot' WHEN s.wait_event = "
    "'RecoveryConflictTablespace' THEN 'tablespace' WHEN s.wait_event_type = 'Lock' THEN 'lock' ELSE 'buffer pin' END, "
    "b.pid, (extract(epoch FROM clock_timestamp() - b.xact_start) * 1000000)::int8, b.query FROM pg_stat_activity s "
    "LEFT JOIN LATERAL (SELECT a.pid, a.xact_start, a.query FROM pg_stat_activity a WHERE CASE "
    "WHEN s.wait_event = 'RecoveryConflictSnapshot' THEN a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() "
    "WHEN s.wait_event_type = 'Lock' THEN a.pid IN (SELECT g.pid FROM pg_locks w JOIN pg_locks g ON g.granted AND "
    "g.locktype = w.locktype AND g.database = w.database AND g.relation = w.relation WHERE w.pid = s.pid AND NOT "
    "w.granted "
    "AND g.pid <> w.pid) END ORDER BY age(a.backend_xmin) DESC NULLS LAST, a.xact_start LIMIT 1) b ON true "
    "WHERE s.backend_type = 'startup' AND (s.wait_event LIKE 'RecoveryConflict%' OR s.wait_event_type IN ('Lock', "
    "'BufferPin'))";

void read_standby(const pg::Row& row, OwnFacts& own) {
    Facts& facts = own.facts;
    // The function of SQL fails once the server is promoted, as it may be since it was looked at.
    facts.is_replay_paused = pg::is_replay_paused();
    facts.flushed = lsn_of(row, 0).value_or(Lsn{});
    copy_short(facts.receiver_state, row.text(1));
    copy_short(facts.upstream_host, plain_line(row.text(2), kShortBytes));
    facts.upstream_port = static_cast<std::int32_t>(row.number(3));
    copy_short(facts.slot_name, row.text(4));
    if (auto latest = lsn_of(row, 5)) {
        const auto silent = static_cast<std::int64_t>(row.real(6));
        own.heard = {*latest, {steady_now().micros - silent}, true};
    }
    facts.conflicts = row.number(7);
}

void read_blocker(Blocker& blocker) {
    for (const pg::Row& row : pg::query(kBlocker, {}, pg::Plan::kept)) {
        copy_short(blocker.reason, row.text(0));
        blocker.pid = static_cast<std::int32_t>(row.number(1));
        blocker.age = row.number(2);
        copy_short(blocker.query, plain_line(row.text(3), kQueryBytes));
    }
}

std::vector<Lsn> positions_argument(FunctionCallInfo fcinfo) {
    std::vector<Lsn> positions;
    if (PG_ARGISNULL(0)) return positions;
    struct Array {
        Datum* values;
        bool* nulls;
        int count;
    };
    Array array = pg::call([&] {
        Array read{};
        deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), LSNOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &read.values,
                          &read.nulls, &read.count);
        return read;
    });
    for (int i = 0; i < array.count; ++i)
        positions.push_back({array.nulls[i] ? 0 : static_cast<std::uint64_t>(DatumGetInt64(array.values[i]))});
    return positions;
}

std::string ages_text(const std::vector<Lsn>& positions, Lsn flushed) {
    std::vector<std::string> items;
    for (const auto& age : ages_of(positions, flushed)) items.push_back(fmt::format("{}", age.value_or(-1)));
    return base::array_literal(items);
}

}  // namespace

std::optional<Lsn> lsn_of(const pg::Row& row, std::size_t column) {
    return row.is_null(column) ? std::nullopt : parse_lsn(row.text(column));
}

pg::Cell lsn_or_null(Lsn lsn) { return lsn.is_valid() ? pg::Cell(format_lsn(lsn)) : pg::Cell(); }

pg::Cell pid_or_null(const Blocker& blocker) {
    return blocker.pid == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", blocker.pid));
}

Facts own_position() {
    Facts facts;
    facts.instance = has_shared() ? shared().instance : 0;
    facts.system_identifier = pg::system_identifier();
    facts.is_standby = RecoveryInProgress();
    if (facts.is_standby) {
        TimeLineID timeline = 0;
        facts.replayed = {pg::replayed_lsn(&timeline)};
        facts.timeline = timeline;
    } else {
        facts.flushed = {pg::flushed_lsn()};
        facts.timeline = pg::insertion_timeline();
    }
    return facts;
}

// Whom this server sees as the primary.
View own_view() {
    if (!has_shared()) return {};
    const Scene scene = read_scene();
    return view_of(scene.nodes, scene.around);
}

OwnFacts own_facts() {
    OwnFacts own{own_position(), {}};
    own.facts.connections = pg::call([] { return CountDBConnections(InvalidOid); });
    own.facts.max_connections = MaxConnections;
    if (!own.facts.is_standby) return own;
    auto rows = pg::query(kStandby, {}, pg::Plan::kept);
    if (!rows.empty()) read_standby(rows[0], own);
    // What has nothing to replay waits for nobody.
    if (own.facts.replayed != own.facts.flushed) read_blocker(own.facts.blocker);
    return own;
}

}  // namespace steward::route

STEWARD_FUNCTION(steward_node_facts) {
    using namespace steward;
    return pg::entry([&]() -> Datum {
        pg::SafePath path;
        pg::ResultSet result(fcinfo);
        const std::vector<route::Lsn> positions = route::positions_argument(fcinfo);
        const route::Facts facts = route::own_facts().facts;
        const route::View view = route::own_view();
        const bool has_ring = route::has_shared() && !facts.is_standby;
        result.add({
            facts.instance == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", static_cast<std::int64_t>(facts.instance))),
            fmt::format("{}", facts.system_identifier),
            facts.is_standby ? "t" : "f",
            facts.is_replay_paused ? "t" : "f",
            fmt::format("{}", facts.timeline),
            route::lsn_or_null(facts.flushed),
            route::lsn_or_null(facts.replayed),
            base::unless_empty(facts.receiver_state),
            base::unless_empty(facts.upstream_host),
            facts.upstream_port == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", facts.upstream_port)),
            base::unless_empty(facts.slot_name),
            fmt::format("{}", facts.conflicts),
            has_ring ? pg::Cell(route::ages_text(positions, facts.flushed)) : pg::Cell(),
            view.instance == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", static_cast<std::int64_t>(view.instance))),
            view.timeline == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", view.timeline)),
            view.is_known ? pg::Cell(fmt::format("{}", route::steady_now() - view.at)) : pg::Cell(),
            view.newest_timeline == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", view.newest_timeline)),
            fmt::format("{}", facts.connections),
            fmt::format("{}", facts.max_connections),
            base::unless_empty(facts.blocker.reason),
            route::pid_or_null(facts.blocker),
            facts.blocker.pid == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", facts.blocker.age)),
            base::unless_empty(facts.blocker.query),
        });
        return result.done();
    });
}
