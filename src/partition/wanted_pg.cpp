// SPDX-License-Identifier: PostgreSQL
#include "partition/wanted_pg.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "partition/demand_pg.hpp"
#include "partition/period.hpp"
#include "partition/relation_pg.hpp"
#include "partition/row_move_pg.hpp"
#include "partition/trash_pg.hpp"

namespace steward::partition {

namespace {

constexpr std::size_t kNamesLookedAt = 7;

// A number type ends somewhere: the last period before its end is open, what would begin behind it is none.
void end_with_type(const Codec& codec, std::vector<Range>& ranges, const base::Zone& zone) {
    if (codec.axis() != Axis::number && !has_whole_numbers(codec.kind)) return;
    std::vector<Range> kept;
    for (Range& range : ranges) {
        if (range.lower.literal.empty() && !encode(codec, range.lower.position, zone)) continue;
        if (range.upper.literal.empty() && range.upper.kind == Bound::Kind::value &&
            !encode(codec, range.upper.position, zone))
            range.upper.kind = Bound::Kind::maxvalue;
        kept.push_back(std::move(range));
    }
    ranges = std::move(kept);
}

// Rows in the way are why it is made, then.
void move_if_on_demand(const KnownSet& known, const DefaultState& state, NewPartition& partition) {
    std::string& condition = partition.refusal.rows_in_the_way;
    if (!known.policy.on_demand || condition.empty()) return;
    partition.refusal.reason = move_refusal(known, state, condition, partition.moved);
    if (partition.refusal.reason.empty() && partition.moved == 0) condition.clear();
}

std::string value_condition(const KnownSet& known, const std::string& list) {
    return fmt::format("{} IS NOT NULL AND {} IN ({})", known.set.key.first, known.set.key.first, list);
}

}  // namespace

Naming naming_of(const KnownSet& known) {
    Naming naming;
    if (known.set.strategy == Strategy::range && known.policy.step) {
        std::vector<NamedRange> named;
        const auto& partitions = known.set.partitions;
        std::size_t first = partitions.size() > kNamesLookedAt ? partitions.size() - kNamesLookedAt : 0;
        for (std::size_t i = first; i < partitions.size(); ++i)
            if (partitions[i].range.lower.kind == Bound::Kind::value)
                named.push_back({relation_name(partitions[i].id).name, partitions[i].range.lower.position});
        if (auto inferred = infer_naming(known.policy.codec, known.grid(), named)) naming = *inferred;
    }
    if (!known.policy.name_prefix.empty()) naming.prefix = known.policy.name_prefix;
    if (naming.prefix.empty()) naming.prefix = known.set.name + "_";
    return naming;
}

int periods_of(const KnownSet& known, const Ask& ask) { return ask.periods.value_or(known.policy.future); }

Missing find_missing(const KnownSet& known, int periods, int limit, Position now) {
    std::vector<Range> existing;
    existing.reserve(known.set.partitions.size());
    for (const Partition& partition : known.set.partitions) existing.push_back(partition.range);
    auto find = [&](const std::vector<Range>& in_trash) {
        return missing_ranges(existing, in_trash, known.grid(), known.policy, now, periods,
                              static_cast<std::size_t>(limit));
    };
    Missing missing = find({});
    if (!missing.ranges.empty()) {
        std::vector<Range> in_trash = ranges_in_trash(known.set.id, known.policy.codec);
        if (!in_trash.empty()) missing = find(in_trash);
    }
    end_with_type(known.policy.codec, missing.ranges, known.zone());
    return missing;
}

NewPartition wanted_range(const KnownSet& known, const Grid& grid, const Naming& naming, const DefaultState& state,
                          const Range& range, Position now) {
    NewPartition partition;
    partition.period = period_text(known.policy.codec, grid, range.lower.position, naming);
    partition.bounds = "FOR VALUES " + range_clause(known, range);
    partition.refusal = refusal_by_default(known, state, range, now);
    bool is_past = range.upper.kind == Bound::Kind::value && range.upper.position <= now;
    bool is_ahead = range.lower.kind == Bound::Kind::value && range.lower.position > now;
    // Rows wait for it: it is made before the others are guarded.
    partition.is_ahead = is_ahead && !(known.policy.on_demand && !partition.refusal.rows_in_the_way.empty());
    move_if_on_demand(known, state, partition);
    partition.reason = is_ahead ? "a future period" : is_past ? "fills a gap" : "the current period";
    return partition;
}

std::vector<NewPartition> wanted_steps_of_list(const KnownSet& known, const Ask& ask, const Naming& naming) {
    std::vector<NewPartition> wanted;
    std::optional<Position> now = current_position(known, ask.now);
    if (!now) return wanted;
    Grid grid = known.grid();
    std::set<Position> have;
    for (const Partition& partition : known.set.partitions)
        for (const auto& value : partition.values)
            if (value)
                if (auto decoded = decode(known.policy.codec, *value)) have.insert(decoded->position);
    std::optional<std::int64_t> current = grid.index_of(*now);
    if (!current) return wanted;
    for (std::int64_t n = *current; n <= *current + periods_of(known, ask); ++n) {
        std::optional<Position> at = grid.begin(n);
        if (!at) break;
        if (have.count(*at) != 0) continue;
        wanted.push_back({period_text(known.policy.codec, grid, *at, naming),
                          fmt::format("FOR VALUES IN ({})", key_literal(known, *at)),
                          n == *current ? "the current value" : "a future value",
                          {},
                          n != *current});
    }
    return wanted;
}

void add_demanded_lists(const KnownSet& known, const DefaultState& state, std::vector<NewPartition>& wanted,
                        Plan& plan) {
    for (NewPartition& partition : wanted) move_if_on_demand(known, state, partition);
    for (const std::string& value : demanded_values(known, state, plan)) {
        std::string literal = base::quote_literal(value);
        NewPartition& partition = wanted.emplace_back();
        partition.period = value;
        partition.bounds = fmt::format("FOR VALUES IN ({})", literal);
        partition.reason = "a new value";
        partition.refusal.rows_in_the_way = value_condition(known, literal);
        move_if_on_demand(known, state, partition);
    }
}

std::vector<NewPartition> wanted_lists(const KnownSet& known) {
    std::set<std::string> have;
    for (const Partition& partition : known.set.partitions)
        for (const auto& value : partition.values)
            if (value) have.insert(*value);
    std::vector<NewPartition> wanted;
    for (const auto& [label, values] : known.policy.lists) {
        std::string list;
        for (const std::string& value : values)
            if (have.count(value) == 0) list += (list.empty() ? "" : ", ") + base::quote_literal(value);
        if (list.empty()) continue;
        wanted.push_back({label, fmt::format("FOR VALUES IN ({})", list), "a list without a partition", {}, false});
        if (known.policy.on_demand) wanted.back().refusal.rows_in_the_way = value_condition(known, list);
    }
    return wanted;
}

std::vector<NewPartition> wanted_remainders(const KnownSet& known) {
    std::vector<NewPartition> wanted;
    // Beside partitions of a larger modulus a missing remainder is told apart only by that.
    int modulus = known.policy.modulus;
    for (const Partition& have : known.set.partitions) modulus = std::max(modulus, have.modulus);
    for (int remainder = 0; remainder < modulus; ++remainder) {
        bool is_covered =
            std::any_of(known.set.partitions.begin(), known.set.partitions.end(), [&](const Partition& have) {
                return have.modulus > 0 && remainder % have.modulus == have.remainder;
            });
        if (!is_covered)
            wanted.push_back({fmt::format("{}", remainder),
                              fmt::format("FOR VALUES WITH (MODULUS {}, REMAINDER {})", modulus, remainder),
                              "rows of this remainder have no partition",
                              {},
                              false});
    }
    return wanted;
}

}  // namespace steward::partition
