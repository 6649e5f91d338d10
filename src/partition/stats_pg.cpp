// SPDX-License-Identifier: PostgreSQL
//
// get_partition_stats(): every set summed up.
#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/describe.hpp"
#include "partition/future.hpp"
#include "partition/info_pg.hpp"
#include "partition/stats_pg.hpp"
#include "partition/trash_pg.hpp"
#include "pg/guard.hpp"
#include "pg/memory.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

// A default partition beyond this is not looked through for a first row: it may hold nothing but dead ones.
constexpr std::int64_t kProbedDefaultBytes = 64 << 20;

std::vector<Oid> children_of(Oid table) {
    pg::ScratchMemory scratch;
    struct Found {
        Oid* id;
        int count;
    };
    Found found = pg::call([&] {
        List* list = find_inheritance_children(table, NoLock);
        Found all{static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<Size>(list_length(list) + 1))), 0};
        ListCell* cell;
        foreach (cell, list) all.id[all.count++] = lfirst_oid(cell);
        return all;
    });
    return {found.id, found.id + found.count};
}

void add(std::optional<std::int64_t>& total, std::optional<std::int64_t> part) {
    if (part) total = total.value_or(0) + *part;
}

// With everything below it.
Weight weigh(SizeReader& sizes, Oid table) {
    TableSize size = sizes.size(table);
    Weight weight{table, size.rows, std::nullopt, 1 + size.indexes};
    if (size.table_bytes && size.index_bytes) weight.bytes = *size.table_bytes + *size.index_bytes;
    if (!size.is_partitioned) return weight;
    weight.rows = std::nullopt;
    for (Oid child : children_of(table)) {
        Weight below = weigh(sizes, child);
        add(weight.rows, below.rows);
        add(weight.bytes, below.bytes);
        weight.locks += below.locks;
    }
    return weight;
}

// Whether the caller may look into the table without waiting and without running anybody's code (row-level security does).
bool is_open_to_caller(Oid table) {
    Oid user = GetUserId();
    return pg::call([&] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
        if (!HeapTupleIsValid(tuple)) return false;
        auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
        bool is_open = form->relkind == RELKIND_RELATION && !form->relrowsecurity;
        ReleaseSysCache(tuple);
        return is_open && pg_class_aclcheck(table, user, ACL_SELECT) == ACLCHECK_OK &&
               ConditionalLockRelationOid(table, AccessShareLock);
    });
}

// Exactly 0 where that can be seen cheaply, else the estimate; an estimate of 0 proves nothing.
std::optional<std::int64_t> default_rows(SizeReader& sizes, Oid table, const Weight& weight) {
    std::optional<std::int64_t> estimate = weight.rows == std::optional<std::int64_t>(0) ? std::nullopt : weight.rows;
    TableSize size = sizes.size(table);
    if (size.is_partitioned) return weight.bytes == std::optional<std::int64_t>(0) ? weight.rows : estimate;
    if (size.table_bytes && size.main_bytes == 0) return weight.rows;
    if (size.main_bytes > kProbedDefaultBytes || !is_open_to_caller(table)) return estimate;
    bool is_empty = pg::query("SELECT 1 FROM ONLY " + relation_name(table).qualified() + " LIMIT 1").empty();
    pg::call([&] { UnlockRelationOid(table, AccessShareLock); });
    return is_empty ? 0 : estimate;
}

pg::Cell runway_text(const std::optional<base::Instant>& end, base::Instant now) {
    if (!end) return std::nullopt;
    std::int64_t micros = end->micros - now.micros;
    auto days = static_cast<std::int32_t>(micros / base::kMicrosPerDay);
    return base::format_interval({0, days, micros % base::kMicrosPerDay});
}

pg::Cell instant_text(const std::optional<base::Instant>& at) {
    if (!at) return std::nullopt;
    return base::format_instant(*at, base::utc());
}

std::vector<Oid> all_sets() {
    std::vector<Oid> sets;
    for (const pg::Row& row : pg::query("SELECT c.oid FROM pg_catalog.pg_class c "
                                        "WHERE c.relkind OPERATOR(pg_catalog.=) 'p' AND NOT c.relispartition "
                                        "AND c.relpersistence OPERATOR(pg_catalog.<>) 't' "
                                        "ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text COLLATE \"C\""))
        sets.push_back(row.oid(0));
    return sets;
}

std::vector<pg::Cell> cells(const SetStats& known, InfoQuery& query) {
    const Stats& stats = known.stats;
    return {fmt::format("{}", known.parent),
            fmt::format("{}", stats.partitions),
            number_cell(stats.future),
            stats.oldest_start,
            stats.newest_end,
            runway_text(stats.runway_end, query.now()),
            number_cell(known.default_rows),
            number_cell(stats.rows),
            number_cell(stats.bytes),
            number_cell(stats.average_bytes),
            stats.largest == 0 ? pg::Cell() : fmt::format("{}", stats.largest),
            number_cell(stats.largest_bytes),
            stats.growth_bytes_per_day ? pg::Cell(fmt::format("{:.0f}", *stats.growth_bytes_per_day)) : std::nullopt,
            number_cell(stats.gaps),
            query.is_registered(known.parent) ? "t" : "f",
            instant_text(stats.next_retirement),
            number_cell(stats.locks),
            number_cell(lock_capacity()),
            stats.skew ? pg::Cell(fmt::format("{:.2f}", *stats.skew)) : std::nullopt};
}

// A table that cannot be read now.
std::vector<pg::Cell> unknown_cells(Oid parent, InfoQuery& query) {
    std::vector<pg::Cell> row(19);
    row.front() = fmt::format("{}", parent);
    row[14] = query.is_registered(parent) ? "t" : "f";
    return row;
}

// Where no clock says it, now is taken to lie in the newest partition: behind every gap.
std::vector<Range> kept_in_trash(const ShownSet& shown, base::Instant now) {
    const Codec& codec = shown.policy.codec;
    std::vector<Range> in_trash = ranges_in_trash(shown.set.id, codec);
    auto at = position_of(now, codec.axis(), shown.zone());
    return places_kept(in_trash, at.value_or(shown.set.partitions.back().range.lower.position));
}

}  // namespace

std::int64_t lock_capacity() {
    return static_cast<std::int64_t>(max_locks_per_xact) * (MaxConnections + max_prepared_xacts);
}

std::int64_t locks_of(InfoQuery& query, Oid table) {
    query.sizes().expect(SizeReader::kProbed);
    return weigh(query.sizes(), table).locks;
}

SetStats stats_of(InfoQuery& query, const ShownSet& shown) {
    const PartitionSet& set = shown.set;
    query.sizes().expect(set.partitions.size() + 1);
    std::vector<Weight> weights;
    weights.reserve(set.partitions.size());
    for (const Partition& partition : set.partitions) weights.push_back(weigh(query.sizes(), partition.id));
    std::optional<Weight> default_weight;
    if (set.default_id != 0) default_weight = weigh(query.sizes(), set.default_id);

    SetStats known;
    known.parent = set.id;
    if (default_weight) known.default_rows = default_rows(query.sizes(), set.default_id, *default_weight);
    known.stats =
        compute_stats(set, shown.policy, shown.zone(), weights, default_weight, query.pace(shown), query.now());
    if (known.stats.gaps.value_or(0) > 0) known.stats.gaps = count_gaps(set, kept_in_trash(shown, query.now()));
    return known;
}

}  // namespace steward::partition

using namespace steward;

STEWARD_FUNCTION(steward_partition_stats) {
    return pg::entry([&] {
        partition::InfoQuery& query = partition::InfoQuery::of(fcinfo);
        pg::ResultSet result(fcinfo);
        if (auto parent = pg::optional_oid_argument(fcinfo, 0)) {
            result.add(partition::cells(partition::stats_of(query, query.read(*parent)), query));
            return result.done();
        }
        for (Oid parent : partition::all_sets()) {
            auto shown = query.try_read(parent);
            result.add(shown ? partition::cells(partition::stats_of(query, *shown), query)
                             : partition::unknown_cells(parent, query));
        }
        return result.done();
    });
}
