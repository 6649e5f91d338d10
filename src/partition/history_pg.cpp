// SPDX-License-Identifier: PostgreSQL
#include "partition/history_pg.hpp"

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

namespace {

// NULL keeps it for ever; an archive has to be made before anything is dropped.
bool is_dropped_in_time(const Policy& policy) { return policy.retire == Retire::trash; }

bool is_moved(const Policy& policy) { return policy.retire == Retire::schema || policy.retire == Retire::tablespace; }

}  // namespace

void write_history(const std::vector<HistoryRow>& rows) {
    if (rows.empty()) return;
    constexpr std::size_t kColumns = 9;
    std::string values;
    std::vector<pg::Parameter> parameters;
    for (const HistoryRow& row : rows) {
        values += values.empty() ? "(" : ", (";
        for (std::size_t column = 1; column <= kColumns; ++column)
            values += fmt::format("{}${}", column == 1 ? "" : ", ", parameters.size() + column);
        values += ")";
        const StepResult& result = row.result;
        parameters.insert(parameters.end(),
                          {result.parent, result.action, base::unless_empty(result.partition), result.outcome,
                           base::unless_empty(result.full_detail()), base::unless_empty(result.sqlstate),
                           base::unless_empty(row.blocked_by), row.duration_ms, base::unless_empty(row.sql)});
    }
    AsExtensionOwner as_extension;
    pg::execute("INSERT INTO steward.partition_log (parent_table, action, partition, outcome, detail, sqlstate, "
                "blocked_by, duration_ms, sql) VALUES " +
                    values,
                parameters);
}

void put_in_trash(const PlanStep& step, const Policy& policy, Oid retired_by) {
    std::optional<std::string> grace;
    if (is_dropped_in_time(policy)) grace = base::format_interval(policy.grace);
    AsExtensionOwner as_extension;
    pg::execute("INSERT INTO steward.partition_trash (partition, parent, bounds, range_start, range_end, drop_after, "
                "grace, is_to_move, retired_by) "
                "VALUES ($1::oid, $2::oid, $3, $4, $5, CASE WHEN $6 THEN now() + $7::interval END, $7::interval, $8, "
                "pg_get_userbyid($9::oid)) "
                "ON CONFLICT (partition) DO UPDATE SET bounds = excluded.bounds, retired_at = excluded.retired_at, "
                "drop_after = excluded.drop_after, held_until = NULL, grace = excluded.grace, "
                "is_to_move = excluded.is_to_move, retired_by = excluded.retired_by",
                {pg::Parameter::oid(step.partition_id), pg::Parameter::oid(step.parent_id), step.bounds,
                 base::unless_empty(step.range_start), base::unless_empty(step.range_end), !step.is_top_level, grace,
                 is_moved(policy), pg::Parameter::oid(retired_by)});
}

void start_grace(Oid partition) {
    AsExtensionOwner as_extension;
    pg::execute("UPDATE steward.partition_trash SET retired_at = now(), drop_after = now() + grace "
                "WHERE partition = $1::oid AND held_until IS NULL AND grace IS NOT NULL",
                {pg::Parameter::oid(partition)});
}

void note_moved(Oid partition) {
    AsExtensionOwner as_extension;
    pg::execute("UPDATE steward.partition_trash SET is_to_move = false WHERE partition = $1::oid",
                {pg::Parameter::oid(partition)});
}

void take_out_of_trash(Oid partition) {
    AsExtensionOwner as_extension;
    pg::execute("DELETE FROM steward.partition_trash WHERE partition = $1::oid", {pg::Parameter::oid(partition)});
}

}  // namespace steward::partition
