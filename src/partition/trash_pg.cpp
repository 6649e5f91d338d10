// SPDX-License-Identifier: PostgreSQL
//
// The ranges of retired partitions, and bringing one back.
#include "partition/trash_pg.hpp"

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/describe.hpp"
#include "partition/maintain_pg.hpp"
#include "partition/policy_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"

namespace steward::partition {

namespace {

struct Retired {
    Oid partition;
    Oid parent;
    std::string bounds;
};

Retired find_retired(const std::string& name) {
    Oid partition = named_relation(name);
    if (partition == InvalidOid)
        throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "relation \"{}\" does not exist", name)
            .hint("The view steward.trash lists what can be restored.");
    AsExtensionOwner as_extension;
    auto rows =
        pg::query("SELECT t.partition::oid, t.parent::oid, t.bounds FROM steward.partition_trash t "
                  "JOIN pg_class c ON c.oid = t.partition::oid WHERE t.partition::oid = $1 AND NOT c.relispartition",
                  {pg::Parameter::oid(partition)});
    if (rows.empty())
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "\"{}\" is not in the trash", name)
            .hint("The view steward.trash lists what can be restored.");
    return {rows[0].oid(0), rows[0].oid(1), rows[0].text(2)};
}

// Maintenance leaves a restored partition alone for as long as it would have lain in the trash.
void hold(Oid partition, Oid parent) {
    base::Interval grace = Policy{}.grace;
    if (auto policy = read_policy(parent)) grace = policy->grace;
    AsExtensionOwner as_extension;
    // Should somebody detach it by hand later, it is theirs and not ours to drop.
    pg::execute("UPDATE steward.partition_trash SET held_until = now() + $2::interval, drop_after = NULL, "
                "is_to_move = false "
                "WHERE partition = $1::oid",
                {pg::Parameter::oid(partition), base::format_interval(grace)});
}

// The trash keeps positions as people read them; in UTC, as the server writes them or with their offset.
std::string micros_of(const char* column) {
    return fmt::format("CASE WHEN {0} ~ '^[0-9]+-[0-9]+-[0-9]+' THEN (date_part('epoch', {0}::timestamptz) * "
                       "1000000)::bigint END",
                       column);
}

std::optional<Position> position_at(const pg::Row& row, std::size_t text, std::size_t micros, const Codec& codec) {
    if (codec.axis() != Axis::number)
        return row.is_null(micros) ? std::nullopt : std::optional<Position>(row.number(micros));
    base::Result<Position> number = base::parse_decimal(row.text(text), codec.scale);
    return number ? std::optional<Position>(*number) : std::nullopt;
}

Datum restore_partition(FunctionCallInfo fcinfo) {
    refuse_on_standby();
    Retired retired = find_retired(pg::text_argument(fcinfo, 0));
    check_owner(retired.partition);
    check_owner(retired.parent);
    PlanStep step;
    step.action = Action::restore;
    step.parent_id = retired.parent;
    step.partition_id = retired.partition;
    step.parent = relation_name(retired.parent).qualified();
    step.object = relation_name(retired.partition).qualified();
    step.sql = fmt::format("ALTER TABLE {} ATTACH PARTITION {} {}", step.parent, step.object, retired.bounds);
    step.locked_relation = step.parent;
    step.reason = "restored by hand";
    Executor executor(pg::Bounded::subtransaction, GetUserId(), [](const StepResult& result) {
        if (result.outcome == "done") return;
        throw pg::error_from({result.sqlstate.empty() ? "55000" : result.sqlstate, result.detail, "", result.hint});
    });
    Plan plan;
    plan.steps.push_back(step);
    executor.run_trash(plan);
    hold(retired.partition, retired.parent);
    return pg::text_datum(step.object);
}

}  // namespace

std::vector<Range> ranges_in_trash(Oid parent, const Codec& codec) {
    std::string is_out = "NOT c.relispartition";
    if (pg::has_detach_concurrently())
        is_out += " OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhdetachpending)";
    AsExtensionOwner as_extension;
    std::vector<Range> ranges;
    for (const pg::Row& row :
         pg::query(fmt::format("SELECT t.bounds, t.range_start, t.range_end, {}, {} FROM steward.partition_trash t "
                               "JOIN pg_class c ON c.oid = t.partition::oid "
                               "WHERE t.parent::oid = $1 AND ({})",
                               micros_of("t.range_start"), micros_of("t.range_end"), is_out),
                   {pg::Parameter::oid(parent)})) {
        ShownBounds written = shown_bounds(row.text(0));
        auto lower = position_at(row, 1, 3, codec);
        auto upper = position_at(row, 2, 4, codec);
        if (!upper || (!lower && !row.is_null(1)) || !written.start || !written.end) continue;
        Range range;
        range.lower = {lower ? Bound::Kind::value : Bound::Kind::minvalue, lower.value_or(0), true, *written.start};
        range.upper = {Bound::Kind::value, *upper, true, *written.end};
        ranges.push_back(std::move(range));
    }
    return ranges;
}

}  // namespace steward::partition

STEWARD_FUNCTION(steward_restore_partition) {
    return steward::pg::entry([&] { return steward::partition::restore_partition(fcinfo); });
}
