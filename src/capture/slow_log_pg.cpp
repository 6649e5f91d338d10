// SPDX-License-Identifier: PostgreSQL
//
// Slow statements into steward.slow_query_log, a partitioned table like those of users: a worker of some databases, started
// when one was slow there and at most every few seconds, on a primary. What is in memory only by the time of a crash is lost.
#include "base/text.hpp"
#include "capture/capture_pg.hpp"
#include "partition/carry_out_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/shmem.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "schedule/errands_pg.hpp"
#include "schedule/shared_pg.hpp"

namespace steward::capture {

namespace {

constexpr int kLockTimeoutMillis = 1000;

using schedule::ErrandEnd;

// Of a table that is partitioned as it was found no more, the owner has become the manager.
constexpr char kIsNew[] =
    "SELECT NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'steward.slow_query_log'::regclass)"
    " AND NOT EXISTS (SELECT FROM steward.partition_policies WHERE parent = 'steward.slow_query_log'::regclass)";
constexpr char kManage[] =
    "SELECT FROM steward.manage_partitions('steward.slow_query_log', '1 day', 2, '30 days', 'UTC', NULL,"
    " '{\"grace\": \"0 days\", \"max_drop_percent\": 100}')";
constexpr char kIsManaged[] =
    "SELECT EXISTS (SELECT FROM steward.partition_policies WHERE parent = 'steward.slow_query_log'::regclass),"
    " 'steward.slow_query_log'::regclass::oid";
constexpr char kColumns[] =
    "at, duration_ms, severity, sqlstate, queryid, query, parameters, plan, role, application, client, tags, rows,"
    " plan_ms, cpu_ms, jit_ms, shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written,"
    " local_blks_hit, local_blks_read, local_blks_dirtied, local_blks_written, temp_blks_read, temp_blks_written,"
    " blk_read_ms, blk_write_ms, wal_records, wal_fpi, wal_bytes, is_toplevel, is_cut";

// A failure that is only somebody's lock comes back later.
bool attempt_or_wait(const std::function<void()>& work) {
    auto failure = pg::attempt(pg::Bounded::transaction, work);
    if (failure && failure->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE) return false;
    if (failure) throw pg::PgError(std::move(*failure));
    return true;
}

struct Log {
    Oid table = InvalidOid;  // null: there is none
    Oid owner = InvalidOid;
    bool is_managed = false;
};

void open_log(Log& log) {
    if (!pg::has_extension()) return;
    log.owner = pg::extension_owner();
    pg::AsExtensionOwner as_extension;
    if (pg::query(kIsNew).at(0).truth(0)) pg::query(kManage);
    std::vector<pg::Row> found = pg::query(kIsManaged);
    log.is_managed = found.at(0).truth(0);
    log.table = found.at(0).oid(1);
}

// Its partitions, and their end: what any table's maintenance does.
void keep_partitions(const Log& log) {
    partition::Request request;
    request.kind = partition::Request::Kind::everything;
    request.parent = log.table;
    request.acting_role = log.owner;
    request.lock_timeout = kLockTimeoutMillis;
    request.timezone = "UTC";
    partition::carry_out(request, pg::Bounded::transaction, [](const partition::StepResult&) {});
}

std::uint64_t newest_event() {
    pg::Locked locked(shared().events_lock, LW_SHARED);
    return shared().events->added();
}

std::uint64_t write_events(std::uint64_t up_to) {
    pg::AsExtensionOwner as_extension;
    pg::set_for_transaction("synchronous_commit", "off");
    return pg::execute(
        fmt::format("INSERT INTO steward.slow_query_log ({0}) SELECT {0} FROM (SELECT e.*, r.rolname AS role"
                    " FROM steward.slow_query_events($1, true) e LEFT JOIN pg_roles r ON r.oid = e.role_oid"
                    " WHERE e.number <= $2 ORDER BY e.number) x",
                    kColumns),
        {pg::Parameter::oid(MyDatabaseId), static_cast<std::int64_t>(up_to)});
}

ErrandEnd write_log() {
    Log log;
    if (!attempt_or_wait([&] { open_log(log); })) return ErrandEnd::blocked;
    if (!OidIsValid(log.table)) return ErrandEnd::idle;
    if (log.is_managed) keep_partitions(log);
    std::uint64_t up_to = newest_event();
    std::uint64_t written = 0;
    if (!attempt_or_wait([&] { written = write_events(up_to); })) return ErrandEnd::blocked;
    pg::Locked locked(shared().events_lock);
    shared().events->mark_logged(MyDatabaseId, up_to);
    return written > 0 ? ErrandEnd::useful : ErrandEnd::idle;
}

void serve(Datum argument) {
    auto errand = schedule::claim_errand(argument, "pg_steward slow query log");
    if (!errand) return;
    // What it does itself would be slow where everything is, and make it come again.
    set_mode(kOff);
    pg::set_session("lock_timeout", fmt::format("{}", kLockTimeoutMillis));
    schedule::end_claimed_errand(write_log());
}

}  // namespace

}  // namespace steward::capture

extern "C" PGDLLEXPORT void steward_capture_log(Datum argument);

extern "C" void steward_capture_log(Datum argument) {
    if (!steward::schedule::has_shared() || !steward::capture::has_shared()) proc_exit(0);
    steward::pg::worker_entry([&] { steward::capture::serve(argument); });
}
