// SPDX-License-Identifier: PostgreSQL
#include "partition/info_pg.hpp"

#include <set>

#include "partition/catalog_pg.hpp"
#include "partition/describe.hpp"
#include "pg/guard.hpp"
#include "pg/memory.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

void forget_query(void* query) { delete static_cast<InfoQuery*>(query); }

// Opens the table, and waits for whoever has locked it.
std::string key_definition(Oid parent) {
    auto rows = pg::query("SELECT pg_catalog.pg_get_partkeydef($1)", {pg::Parameter::oid(parent)});
    return rows.empty() ? std::string() : rows[0].text(0);
}

bool is_readable(const PartitionSet& set) {
    return set.strategy != Strategy::range || (set.codec.has_value() && !set.undecoded);
}

}  // namespace

const base::Zone& ShownSet::zone() const { return pg::zone(policy.timezone); }

InfoQuery::InfoQuery() : now_(pg::now()) {
    for (RegisteredSet& set : read_policies()) policies_.emplace(set.parent, std::move(set.policy));
}

InfoQuery& InfoQuery::of(FunctionCallInfo fcinfo) {
    if (fcinfo->flinfo->fn_extra == nullptr) {
        auto query = std::make_unique<InfoQuery>();
        auto* callback = pg::call([&] {
            return static_cast<MemoryContextCallback*>(
                MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MemoryContextCallback)));
        });
        callback->func = forget_query;
        callback->arg = query.get();
        MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, callback);
        fcinfo->flinfo->fn_extra = query.release();
    }
    return *static_cast<InfoQuery*>(fcinfo->flinfo->fn_extra);
}

pg::Cell number_cell(std::optional<std::int64_t> value) {
    if (!value) return std::nullopt;
    return fmt::format("{}", *value);
}

std::optional<KnownSet> InfoQuery::understand(Oid parent) const {
    auto registered = policies_.find(parent);
    try {
        KnownSet known =
            registered != policies_.end() ? known_set(parent, registered->second) : inferred_set(parent, now_);
        known.zone();
        return known;
    } catch (const pg::PgError& error) {
        if (error.report().is_from_server) throw;
    }
    return std::nullopt;
}

Pace InfoQuery::pace(const ShownSet& shown) {
    const Codec& codec = shown.policy.codec;
    if (shown.set.strategy != Strategy::range || codec.axis() != Axis::number) return {};
    if (!noted_keys_) noted_keys_.emplace(InvalidOid);
    return Pace(noted_keys_->sightings_of(shown.set.id, codec.scale));
}

ShownSet InfoQuery::read(Oid parent) {
    ShownSet shown;
    if (std::optional<KnownSet> known = understand(parent)) {
        shown.set = std::move(known->set);
        shown.policy = std::move(known->policy);
        shown.has_interval = shown.policy.step.has_value();
    } else {
        shown.set = read_set(parent);
        if (shown.set.codec) shown.policy.codec = *shown.set.codec;
        shown.policy.timezone = std::string(pg::session_zone().name());
    }
    shown.definition = key_definition(parent);
    shown.is_decoded = is_readable(shown.set);
    return shown;
}

std::optional<ShownSet> InfoQuery::try_read(Oid parent) {
    std::optional<ShownSet> shown;
    auto failure = pg::attempt(pg::Bounded::subtransaction, [&] {
        if (!pg::call([&] { return ConditionalLockRelationOid(parent, AccessShareLock); })) return;
        shown = read(parent);
        pg::call([&] { UnlockRelationOid(parent, AccessShareLock); });
    });
    if (failure) return std::nullopt;
    return shown;
}

namespace {

// ---- steward.partition_rows(): the attached partitions of one table, for partition_info ------------------------------

pg::Cell truth(bool value) { return value ? "t" : "f"; }

// A partition as pg_inherits and pg_class have it.
struct CatalogRow {
    Oid id;
    std::string bounds;
    bool is_detaching;
};

std::vector<CatalogRow> catalog_rows(Oid parent, bool only_detaching) {
    std::string detaching = pg::has_detach_concurrently() ? "i.inhdetachpending" : "false";
    std::string sql =
        "SELECT c.oid, pg_catalog.pg_get_expr(c.relpartbound, 0), " + detaching +
        " FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid "
        "WHERE i.inhparent OPERATOR(pg_catalog.=) $1" +
        (only_detaching ? " AND " + detaching : std::string()) + " ORDER BY c.oid";
    std::vector<CatalogRow> rows;
    for (const pg::Row& row : pg::query(sql, {pg::Parameter::oid(parent)}))
        rows.push_back({row.oid(0), row.text(1), row.truth(2)});
    return rows;
}

class PartitionRows {
public:
    PartitionRows(FunctionCallInfo fcinfo, Oid parent)
        : query_(InfoQuery::of(fcinfo)), result_(fcinfo), parent_(parent) {}

    Datum run() {
        std::optional<ShownSet> shown = query_.try_read(parent_);
        describe_key(shown);
        if (!shown || !shown->is_decoded) {
            add_as_server_shows(catalog_rows(parent_, false));
            return result_.done();
        }
        if (shown->has_interval) interval_ = format_step(*shown->policy.step, shown->policy.codec.scale);
        std::vector<CatalogRow> detaching;
        if (shown->set.has_pending_detach) detaching = catalog_rows(parent_, true);
        for (const CatalogRow& row : detaching) detaching_.insert(row.id);
        add_attached(*shown);
        add_as_server_shows(detaching);
        return result_.done();
    }

private:
    void describe_key(const std::optional<ShownSet>& shown) {
        if (shown) {
            strategy_ = std::string(strategy_name(shown->set.strategy));
            key_ = key_columns(shown->definition);
            return;
        }
        auto rows =
            pg::query("SELECT k.strategy, k.key FROM steward.partition_key($1) k", {pg::Parameter::oid(parent_)});
        if (rows.empty()) return;
        strategy_ = rows[0].optional(0);
        key_ = rows[0].optional(1);
    }

    void add_attached(const ShownSet& shown) {
        const PartitionSet& set = shown.set;
        const base::Zone& zone = shown.zone();
        query_.sizes().expect(set.partitions.size() + 1);
        auto at =
            set.strategy == Strategy::range ? position_of(query_.now(), shown.policy.codec.axis(), zone) : std::nullopt;
        for (const Partition& partition : set.partitions) {
            if (detaching_.count(partition.id) != 0) continue;
            pg::Cell is_current;
            if (at) is_current = truth(holds(partition.range, *at));
            add(partition.id, shown_bounds(set, partition, shown.policy.codec, zone), false, is_current, "attached");
        }
        if (set.default_id != 0) add(set.default_id, {}, true, at ? truth(false) : std::nullopt, "attached");
    }

    void add_as_server_shows(const std::vector<CatalogRow>& rows) {
        query_.sizes().expect(rows.size());
        for (const CatalogRow& row : rows)
            add(row.id, shown_bounds(row.bounds), row.bounds == "DEFAULT", std::nullopt,
                row.is_detaching ? "detaching" : "attached");
    }

    void add(Oid id, const ShownBounds& bounds, bool is_default, const pg::Cell& is_current, const char* state) {
        TableSize size = query_.sizes().size(id);
        result_.add({fmt::format("{}", id), strategy_, key_, interval_, bounds.start, bounds.end, truth(is_default),
                     is_current, number_cell(size.rows), number_cell(size.table_bytes), number_cell(size.index_bytes),
                     state});
    }

    InfoQuery& query_;
    pg::ResultSet result_;
    Oid parent_;
    pg::Cell strategy_;
    pg::Cell key_;
    pg::Cell interval_;
    std::set<Oid> detaching_;
};

}  // namespace

}  // namespace steward::partition

using namespace steward;

STEWARD_FUNCTION(steward_partition_rows) {
    return pg::entry([&] { return partition::PartitionRows(fcinfo, PG_GETARG_OID(0)).run(); });
}

STEWARD_FUNCTION(steward_relation_size) {
    return pg::entry([&] {
        partition::SizeReader& sizes = partition::InfoQuery::of(fcinfo).sizes();
        pg::ResultSet result(fcinfo);
        sizes.expect(1);
        partition::TableSize size = sizes.size(PG_GETARG_OID(0));
        result.add({partition::number_cell(size.rows), partition::number_cell(size.table_bytes),
                    partition::number_cell(size.index_bytes)});
        return result.done();
    });
}
