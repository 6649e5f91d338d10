// SPDX-License-Identifier: PostgreSQL
#include "maintain/surroundings_pg.hpp"

#include <sys/statvfs.h>

#include "base/text.hpp"
#include "maintain/describe.hpp"
#include "maintain/maintain_pg.hpp"
#include "maintain/server_faults.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/memory.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

// So much of a disk is left alone: a full one stops the server.
constexpr double kReservedShare = 0.05;

constexpr char kCovered[] =
    "SELECT coalesce(t.oid, p.relid), p.pid, a.backend_type = 'autovacuum worker', p.what, p.phase FROM ("
    "SELECT relid, pid, 'vacuums it' AS what, phase FROM pg_stat_progress_vacuum WHERE datname = current_database() "
    "UNION ALL SELECT relid, pid, 'analyses it', phase FROM pg_stat_progress_analyze WHERE datname = "
    "current_database() "
    "UNION ALL SELECT relid, pid, 'builds an index of it', phase FROM pg_stat_progress_create_index "
    "WHERE datname = current_database() "
    "UNION ALL SELECT relid, pid, 'rewrites it', phase FROM pg_stat_progress_cluster WHERE datname = "
    "current_database()) p "
    "LEFT JOIN pg_class t ON t.reltoastrelid = p.relid LEFT JOIN pg_stat_activity a ON a.pid = p.pid "
    "WHERE p.relid <> 0";

// Locks of others on tables: is_strong, those that a step cannot be held beside. A prepared transaction has no process; two of them
// may go under the same virtual id.
constexpr char kLocks[] =
    "SELECT l.relation, l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock') AS is_strong, l.mode, "
    "l.pid, "
    "coalesce(a.state, a.backend_type), date_part('epoch', clock_timestamp() - a.xact_start), "
    "CASE WHEN l.pid IS NULL THEN (SELECT string_agg(quote_literal(x.gid), ' or ' ORDER BY x.gid) FROM pg_locks t "
    "JOIN pg_prepared_xacts x ON x.transaction = t.transactionid "
    "WHERE t.pid IS NULL AND t.locktype = 'transactionid' AND t.virtualtransaction = l.virtualtransaction) END "
    "FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() "
    "AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) "
    "ORDER BY is_strong DESC, a.xact_start NULLS FIRST, l.pid";

// VACUUM is not waited for, whatever its age.
constexpr char kOldSnapshot[] =
    "SELECT a.pid, coalesce(a.state, a.backend_type), date_part('epoch', clock_timestamp() - a.xact_start) "
    "FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_xmin IS "
    "NOT NULL "
    "AND a.xact_start < clock_timestamp() - $1 * interval '1 second' "
    "AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid) ORDER BY a.xact_start LIMIT 1";

std::string holder(const pg::Row& row, std::size_t pid, std::size_t gid) {
    if (row.is_null(pid))
        return row.is_null(gid) ? "a prepared transaction" : fmt::format("prepared transaction {}", row.text(gid));
    return fmt::format("process {} ({} for {})", row.number(pid), row.text(pid + 1), pretty_seconds(row.real(pid + 2)));
}

void read_locks(Obstacles& obstacles) {
    for (const pg::Row& row : pg::query(kLocks)) {
        const Oid table = row.oid(0);
        const std::string who = holder(row, 3, 6);
        if (row.truth(1))
            obstacles.locked.emplace(table, fmt::format("{} holds {} on it", who, pg::lock_mode_name(row.text(2))));
        if (row.is_null(3) || row.real(5) > kOldSnapshotSeconds)
            obstacles.old_users.emplace(table,
                                        fmt::format("{} has used it, and a concurrent rebuild waits for its end", who));
    }
}

Obstacles read_obstacles() {
    Obstacles obstacles;
    for (const pg::Row& row : pg::query(kCovered))
        obstacles.covered.emplace(row.oid(0), fmt::format("{}process {} {}: {}", row.truth(2) ? "autovacuum " : "",
                                                          row.number(1), row.text(3), row.text(4)));
    read_locks(obstacles);
    for (const pg::Row& row : pg::query(kOldSnapshot, {kOldSnapshotSeconds}))
        obstacles.old_snapshot =
            fmt::format("{} holds a snapshot, and a concurrent rebuild waits for its end", holder(row, 0, 0));
    obstacles.broken_reindex =
        broken_reindex(static_cast<int>(pg::query("SELECT current_setting('server_version_num')").at(0).number(0)));
    return obstacles;
}

constexpr char kOwnLeftovers[] =
    "SELECT DISTINCT i.indexrelid FROM steward.maintenance_ledger l JOIN pg_index i ON i.indrelid = l.table_oid "
    "WHERE l.indexes_left IS NOT NULL AND i.indexrelid = ANY (l.indexes_left) AND NOT i.indisvalid";

std::set<Oid> read_own_leftovers() {
    std::set<Oid> leftovers;
    for (const pg::Row& row : pg::query(kOwnLeftovers)) leftovers.insert(row.oid(0));
    return leftovers;
}

// Nothing where the file system does not tell.
std::optional<std::int64_t> room_of(Oid tablespace) {
    pg::ScratchMemory scratch;
    const Oid place = OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace;
    const char* path = pg::call([&] { return GetDatabasePath(MyDatabaseId, place); });
    struct statvfs disk;
    if (statvfs(path, &disk) != 0) return std::nullopt;
    const double unit = static_cast<double>(disk.f_frsize);
    const double room = static_cast<double>(disk.f_bavail) - kReservedShare * static_cast<double>(disk.f_blocks);
    return static_cast<std::int64_t>(std::max(room, 0.0) * unit);
}

void read_room(Obstacles& obstacles, const std::vector<TableFacts>& tables, std::optional<std::int64_t> disk_bytes) {
    std::map<Oid, std::optional<std::int64_t>> rooms;
    for (const TableFacts& table : tables)
        for (const IndexFacts& index : table.indexes) {
            auto known = rooms.find(index.tablespace);
            if (known == rooms.end()) known = rooms.emplace(index.tablespace, room_of(index.tablespace)).first;
            std::optional<std::int64_t> room = known->second;
            if (disk_bytes) room = std::min(room.value_or(*disk_bytes), *disk_bytes);
            if (room) obstacles.room_bytes[index.id] = *room;
        }
}

}  // namespace

Surroundings read_surroundings(const std::vector<TableFacts>& tables, std::optional<std::int64_t> disk_bytes) {
    pg::AsExtensionOwner as_extension;
    Surroundings around;
    around.weights = weights();
    around.has_only = pg::has_only_in_vacuum();
    around.page_bytes = BLCKSZ;
    around.now = pg::now();
    const pg::Row row =
        pg::query(
            "SELECT current_setting('vacuum_failsafe_age', true), current_setting('vacuum_multixact_failsafe_age', "
            "true), "
            "EXISTS (SELECT FROM pg_stat_replication WHERE state <> 'backup') "
            "OR EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'physical'), "
            "current_setting('full_page_writes') = 'on', 300 * current_setting('default_statistics_target')::bigint")
            .at(0);
    around.own_leftovers = read_own_leftovers();
    if (!row.is_null(0)) around.failsafe.xid_age = row.number(0);
    if (!row.is_null(1)) around.failsafe.multixact_age = row.number(1);
    around.has_standbys = row.truth(2);
    around.writes_full_pages = row.truth(3);
    around.analyzed_rows = row.number(4);
    around.obstacles = read_obstacles();
    read_room(around.obstacles, tables, disk_bytes);
    return around;
}

std::vector<Experience> read_experience() {
    pg::AsExtensionOwner as_extension;
    std::vector<Experience> past;
    for (const pg::Row& row : pg::query(
             "SELECT action, table_oid, sum(date_part('epoch', ended_at - started_at) - coalesce(slept_seconds, 0)), "
             "sum(bytes_read), sum(wal_bytes) FROM steward.maintenance_ledger WHERE outcome = 'done' AND bytes_read > "
             "0 "
             "AND ended_at > now() - interval '90 days' GROUP BY GROUPING SETS ((action, table_oid), (action))")) {
        const std::optional<Action> action = action_of(row.text(0));
        if (action) past.push_back({*action, row.oid(1), row.real(2), row.real(3), row.real(4)});
    }
    return past;
}

}  // namespace steward::maintain
