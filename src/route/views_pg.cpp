// SPDX-License-Identifier: PostgreSQL
//
// The rows of replication_status and replica_lag_status: what is in shared memory, in steward.nodes and in the statistics of
// this server's senders, put together by pure code.
#include <filesystem>
#include <system_error>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "route/facts_pg.hpp"
#include "route/shared_pg.hpp"
#include "route/status.hpp"
#include "route/views_pg.hpp"

extern "C" {
#include "access/xlog.h"
#include "access/xlog_internal.h"
}

namespace steward::route {

namespace {

constexpr char kNodes[] = "SELECT name, host, port FROM steward.nodes ORDER BY name";
// Physical ones: those of standbys.
constexpr char kSenders[] =
    "SELECT coalesce(r.application_name, ''), host(r.client_addr), coalesce(r.state, ''), r.sync_state, r.sent_lsn, "
    "r.write_lsn, r.flush_lsn, r.replay_lsn, r.reply_time, s.slot_name, s.wal_status, r.pid IS NOT NULL, "
    "s.safe_wal_size "
    "FROM pg_stat_replication r FULL JOIN pg_replication_slots s ON s.active_pid = r.pid "
    "WHERE coalesce(r.state, '') <> 'backup' AND coalesce(s.slot_type, 'physical') = 'physical' "
    "AND (r.pid IS NOT NULL OR NOT s.temporary) ORDER BY r.application_name, r.pid";
constexpr char kSelf[] = "SELECT coalesce(nullif(current_setting('cluster_name'), ''), 'this server'), now()";

// What a slot without a bound may still take.
std::optional<std::int64_t> wal_room() {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(XLOGDIR, error);
    if (error) return std::nullopt;
    return static_cast<std::int64_t>(space.available);
}

std::vector<Sender> read_senders() {
    std::vector<Sender> senders;
    const std::optional<std::int64_t> room = wal_room();
    for (const pg::Row& row : pg::query(kSenders, {}, pg::Plan::kept)) {
        Sender sender;
        sender.application_name = row.text(0);
        sender.host = row.text(1);
        sender.state = row.text(2);
        sender.sync_state = row.text(3);
        sender.sent = lsn_of(row, 4).value_or(Lsn{});
        sender.written = lsn_of(row, 5).value_or(Lsn{});
        sender.flushed = lsn_of(row, 6).value_or(Lsn{});
        sender.replayed = lsn_of(row, 7).value_or(Lsn{});
        sender.reply_time = row.text(8);
        sender.slot_name = row.text(9);
        sender.slot_wal_status = row.text(10);
        sender.is_active = row.truth(11);
        if (!row.is_null(12)) sender.safe_wal_size = row.number(12);
        if (max_slot_wal_keep_size_mb < 0 && !sender.slot_name.empty() && sender.slot_wal_status != "lost")
            sender.safe_wal_size = room;
        senders.push_back(std::move(sender));
    }
    return senders;
}

struct Memory {
    std::vector<NodeSlot> slots;
    Horizon horizon;
    Measured measured;
    Reign reign;
    Rate replay_rate;
    Rate wal_rate;
    bool is_prober_running = false;
};

Memory read_memory() {
    Memory memory;
    if (!has_shared()) return memory;
    memory.slots.reserve(kMaxNodes);
    const Shared& state = shared();
    pg::Locked locked(state.lock, LW_SHARED);
    for (const NodeSlot& slot : state.nodes)
        if (slot.is_used && slot.database == MyDatabaseId) memory.slots.push_back(slot);
    memory.horizon = state.horizon;
    memory.measured = state.measured;
    memory.reign = state.reign;
    memory.replay_rate = state.replay_rate;
    memory.wal_rate = state.wal_rate;
    memory.is_prober_running = state.prober_latch != nullptr;
    return memory;
}

std::string instant_text(TimestampTz at) {
    if (at == 0) return {};
    return pg::call([&] { return timestamptz_to_str(at); });
}

Known known_of(const NodeSlot& slot, const Memory& memory, const OwnFacts& own, Steady now) {
    Known known;
    known.is_self = slot.is_self;
    known.reach = memory.is_prober_running ? slot.reach : Reach::unknown;
    known.has_facts = slot.has_facts;
    known.facts = slot.is_self ? own.facts : slot.facts;
    known.seen_at = slot.is_self ? now : slot.seen_at;
    known.last_contact = instant_text(slot.last_contact);
    known.error = slot.error;
    known.replay_rate = slot.is_self ? memory.replay_rate.value() : slot.replay_rate.value();
    known.measured = slot.is_self ? memory.measured : slot.measured;
    known.reign = slot.is_self ? Reign{!own.facts.is_standby, memory.reign.is_primary ? memory.reign.since : now, now}
                               : slot.reign;
    return known;
}

std::vector<Registered> read_nodes(const Memory& memory, const OwnFacts& own, Steady now) {
    std::vector<Registered> nodes;
    for (const pg::Row& row : pg::query(kNodes, {}, pg::Plan::kept)) {
        Registered node{{row.text(0), row.text(1), static_cast<int>(row.number(2)), {}}, {}};
        for (const NodeSlot& slot : memory.slots)
            if (node.node.name == slot.name) node.known = known_of(slot, memory, own, now);
        nodes.push_back(std::move(node));
    }
    return nodes;
}

// A primary knows what it has; a standby what the primary has said last, to the prober or else to its own WAL receiver.
Horizon horizon_of(const Memory& memory, const OwnFacts& own, Steady now) {
    if (!own.facts.is_standby) return {own.facts.flushed, now, true};
    const bool is_heard = own.heard.is_known && (!memory.horizon.is_known || own.heard.at > memory.horizon.at);
    if (!is_heard) return memory.horizon;
    if (!memory.horizon.is_known) return own.heard;
    return own.heard.flushed >= memory.horizon.flushed ? own.heard : memory.horizon;
}

// ---- Cells ---------------------------------------------------------------------------------------------------------------

template <class Number>
pg::Cell number_or_null(const std::optional<Number>& number) {
    return number ? pg::Cell(fmt::format("{}", *number)) : pg::Cell();
}
pg::Cell real_or_null(const std::optional<double>& number) {
    return number ? pg::Cell(fmt::format("{:.3f}", *number)) : pg::Cell();
}
pg::Cell seconds_or_null(const std::optional<std::int64_t>& micros) {
    return micros ? pg::Cell(fmt::format("{:.6f}", static_cast<double>(*micros) / 1e6)) : pg::Cell();
}

Lsn first_valid(Lsn own, Lsn sender) { return own.is_valid() ? own : sender; }

std::vector<pg::Cell> cells_of(const StatusRow& row) {
    const Facts& facts = row.facts;
    const bool is_standby = row.role == "standby";
    const std::string slot = facts.slot_name[0] != '\0' ? std::string(facts.slot_name) : row.sender.slot_name;
    return {
        row.node_name,
        row.node ? pg::Cell(row.node->host) : base::unless_empty(row.sender.host),
        row.node ? pg::Cell(fmt::format("{}", row.node->port)) : pg::Cell(),
        base::unless_empty(row.role),
        row.state,
        base::unless_empty(facts.upstream_host[0] == '\0'
                               ? std::string()
                               : fmt::format("{}:{}", facts.upstream_host, facts.upstream_port)),
        base::unless_empty(row.sender.state),
        base::unless_empty(row.sender.sync_state),
        facts.timeline == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", facts.timeline)),
        lsn_or_null(row.sender.sent),
        lsn_or_null(first_valid(facts.flushed, row.sender.flushed)),
        lsn_or_null(is_standby ? first_valid(facts.replayed, row.sender.replayed) : Lsn{}),
        is_standby && row.facts.instance != 0 ? pg::Cell(facts.is_replay_paused ? "t" : "f") : pg::Cell(),
        base::unless_empty(facts.receiver_state),
        base::unless_empty(slot),
        base::unless_empty(row.sender.slot_wal_status),
        is_standby && row.facts.instance != 0 ? pg::Cell(fmt::format("{}", facts.conflicts)) : pg::Cell(),
        number_or_null(row.lag.bytes),
        number_or_null(row.receive_lag_bytes),
        number_or_null(row.replay_lag_bytes),
        seconds_or_null(row.lag.micros),
        name_of(row.lag.kind),
        base::unless_empty(row.last_contact),
        row.verdict,
        base::unless_empty(row.detail),
        real_or_null(row.catch_up_seconds),
        real_or_null(row.slot_hours_left),
        base::unless_empty(facts.blocker.reason),
        pid_or_null(facts.blocker),
        facts.blocker.pid == 0 ? pg::Cell() : seconds_or_null(std::optional(facts.blocker.age)),
        base::unless_empty(facts.blocker.query),
    };
}

Datum node_status(FunctionCallInfo fcinfo) {
    const pg::SafePath path;
    pg::ResultSet result(fcinfo);
    const Picture seen = picture();
    for (const StatusRow& row : status_rows(seen.nodes, read_senders(), seen.around)) result.add(cells_of(row));
    return result.done();
}

}  // namespace

Picture picture() {
    const OwnFacts own = own_facts();
    const Memory memory = read_memory();
    const Steady now = steady_now();
    const pg::Row self = pg::query(kSelf, {}, pg::Plan::kept).at(0);
    Surroundings around{own.facts.system_identifier, self.text(0), own.facts,   horizon_of(memory, own, now),
                        memory.is_prober_running,    now,          fresh_for(), self.text(1)};
    around.wal_rate = memory.wal_rate.value();
    if (has_shared() && !own.facts.is_standby) around.hourly_wal_rate = hourly_wal_rate(own.facts.flushed);
    return {read_nodes(memory, own, now), around};
}

}  // namespace steward::route

STEWARD_FUNCTION(steward_node_status) {
    return steward::pg::entry([&] { return steward::route::node_status(fcinfo); });
}
