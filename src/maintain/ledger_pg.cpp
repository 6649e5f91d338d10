// SPDX-License-Identifier: PostgreSQL
#include "maintain/ledger_pg.hpp"

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/spi.hpp"

namespace steward::maintain {

namespace {

using pg::Parameter;

// Null when it is gone: its step has failed, or somebody dropped it.
constexpr char kSize[] = "pg_total_relation_size($1)";

// Of a rebuild `l` that did not end: invalid indexes that were not there before, and the one that it was to rebuild when the new one
// has taken its name already. Nobody else makes any meanwhile: the rebuild holds a lock against it.
constexpr char kIndexesLeft[] =
    "CASE WHEN l.action = 'reindex' THEN (SELECT array_agg(i.indexrelid) FROM pg_index i "
    "WHERE i.indrelid = l.table_oid AND NOT i.indisvalid AND CASE WHEN i.indexrelid = l.index_oid THEN EXISTS ("
    "SELECT FROM pg_index r JOIN pg_class c ON c.oid = r.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE r.indrelid = l.table_oid AND r.indisvalid AND NOT r.indexrelid = ANY (l.indexes_before) "
    "AND quote_ident(n.nspname) || '.' || quote_ident(c.relname) = l.object) "
    "ELSE NOT i.indexrelid = ANY (l.indexes_before) END) END";

Oid measured(const Step& step) { return step.index != 0 ? step.index : step.table; }

std::int64_t insert(std::int64_t run, const Step& step, const std::string& outcome, const std::string& detail,
                    std::optional<std::int64_t> bytes_before) {
    const bool is_reindex = step.action == Action::reindex;
    auto rows = pg::query(
        "INSERT INTO steward.maintenance_ledger (run_id, action, object, table_oid, index_oid, "
        "owner_name, reason, score, started_at, "
        "ended_at, outcome, detail, predicted_seconds, bytes_read, bytes_before, indexes_before) "
        "VALUES ($1, $2, $3, $4, nullif($5, 0::oid), pg_get_userbyid($6), $7, $8, clock_timestamp(), CASE WHEN $9 <> "
        "'running' THEN clock_timestamp() END, "
        "$9, $10, $11, $12, nullif($13, -1), CASE WHEN $14 THEN (SELECT array_agg(indexrelid) FROM pg_index "
        "WHERE indrelid = $4) END) RETURNING step_id",
        {run, std::string(name_of(step.action)), step.object, Parameter::oid(step.table), Parameter::oid(step.index),
         Parameter::oid(step.owner), step.reason, step.score, outcome, base::unless_empty(detail),
         step.prediction.seconds, step.bytes, bytes_before.value_or(-1), is_reindex});
    const std::int64_t id = rows.at(0).number(0);
    if (run == 0) pg::execute("UPDATE steward.maintenance_ledger SET run_id = step_id WHERE step_id = $1", {id});
    return id;
}

}  // namespace

LedgerEntry begin_entry(std::int64_t run, const Step& step) {
    pg::AsExtensionOwner as_extension;
    LedgerEntry entry;
    auto rows = pg::query(std::string("SELECT ") + kSize + ", pg_stat_get_dead_tuples($2)",
                          {Parameter::oid(measured(step)), Parameter::oid(step.table)});
    entry.bytes_before = rows.at(0).number(0);
    entry.dead_before = rows.at(0).real(1);
    entry.step = insert(run, step, "running", "", entry.bytes_before);
    entry.run = run != 0 ? run : entry.step;
    return entry;
}

std::int64_t end_entry(const LedgerEntry& entry, const Step& step, const StepEnd& end) {
    pg::AsExtensionOwner as_extension;
    auto rows = pg::query(
        fmt::format(
            "UPDATE steward.maintenance_ledger l SET ended_at = clock_timestamp(), outcome = $3, sqlstate = $4, "
            "detail = $5, slept_seconds = $6, wal_bytes = $7, lag_caused_bytes = nullif($8, -1), "
            "bytes_after = now.bytes, bytes_freed = l.bytes_before - now.bytes, "
            // Before 15 the server's counters come later.
            "dead_rows_removed = CASE WHEN l.action IN ('vacuum', 'freeze') "
            "AND current_setting('server_version_num')::int >= 150000 THEN greatest($9 - now.dead, 0)::bigint END, "
            "indexes_left = CASE WHEN $3 <> 'done' THEN {} END "
            "FROM (SELECT coalesce({}, 0) AS bytes, pg_stat_get_dead_tuples($10) AS dead) now "
            "WHERE l.step_id = $2 RETURNING l.bytes_freed",
            kIndexesLeft, kSize),
        {Parameter::oid(measured(step)), entry.step, end.outcome, base::unless_empty(end.sqlstate),
         base::unless_empty(end.detail), end.taken.held_back_seconds, end.taken.wal_bytes,
         end.taken.lag_bytes.value_or(-1), entry.dead_before, Parameter::oid(step.table)});
    return rows.empty() ? 0 : rows.at(0).number(0);
}

std::int64_t enter_postponed(std::int64_t run, const Step& step, const std::string& why) {
    pg::AsExtensionOwner as_extension;
    const std::int64_t id = insert(run, step, "postponed", why, std::nullopt);
    return run != 0 ? run : id;
}

void mark_interrupted() {
    pg::AsExtensionOwner as_extension;
    pg::execute(fmt::format("UPDATE steward.maintenance_ledger l SET outcome = 'interrupted', "
                            "ended_at = clock_timestamp(), detail = 'the server or the worker went down in it', "
                            "indexes_left = {} WHERE l.outcome = 'running'",
                            kIndexesLeft));
}

}  // namespace steward::maintain
