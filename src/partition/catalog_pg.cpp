// SPDX-License-Identifier: PostgreSQL
#include "partition/catalog_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "partition/descriptor_pg.hpp"
#include "partition/relation_pg.hpp"
#include "pg/guard.hpp"
#include "pg/memory.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

namespace {

enum class Refusal { none, gone, not_partitioned, partition, temporary, foreign };

struct Looked {
    Refusal refusal;
    char relkind;
};

Looked look_at(Oid relation) {
    return pg::call([&] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
        if (!HeapTupleIsValid(tuple)) return Looked{Refusal::gone, '\0'};
        auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
        Looked looked{Refusal::none, form->relkind};
        if (form->relkind == RELKIND_FOREIGN_TABLE)
            looked.refusal = Refusal::foreign;
        else if (form->relpersistence == RELPERSISTENCE_TEMP)
            looked.refusal = Refusal::temporary;
        else if (form->relkind != RELKIND_PARTITIONED_TABLE)
            looked.refusal = form->relispartition ? Refusal::partition : Refusal::not_partitioned;
        ReleaseSysCache(tuple);
        return looked;
    });
}

[[noreturn]] void refuse(Oid relation, Looked looked) {
    if (looked.refusal == Refusal::gone)
        throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "relation with OID {} does not exist", relation);
    std::string name = relation_name(relation).qualified();
    if (looked.refusal == Refusal::partition) {
        auto rows = pg::query("SELECT inhparent::pg_catalog.regclass FROM pg_catalog.pg_inherits "
                              "WHERE inhrelid OPERATOR(pg_catalog.=) $1",
                              {pg::Parameter::oid(relation)});
        std::string parent = rows.empty() ? std::string("its parent") : rows[0].text(0);
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is a partition of \"{}\", not a partitioned table", name,
                          parent)
            .hint("Name the parent: {}.", base::quote_literal(parent));
    }
    if (looked.refusal == Refusal::temporary)
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is a temporary table", name)
            .detail("Temporary tables end with their session and are not managed.");
    if (looked.refusal == Refusal::foreign)
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is a foreign table, not a partitioned table", name)
            .detail("Its rows live on another server, which has to partition them.");
    throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is not a partitioned table", name)
        .hint("Create it with PARTITION BY, for example: CREATE TABLE ... PARTITION BY RANGE (created_at).");
}

base::Result<Bound> to_bound(const RawBound& raw, const Codec* codec) {
    Bound bound;
    if (raw.literal != nullptr) bound.literal = raw.literal;
    if (raw.kind != PARTITION_RANGE_DATUM_VALUE) {
        bound.kind = raw.kind == PARTITION_RANGE_DATUM_MINVALUE ? Bound::Kind::minvalue : Bound::Kind::maxvalue;
        if (bound.literal.empty()) bound.literal = bound.kind == Bound::Kind::minvalue ? "MINVALUE" : "MAXVALUE";
        return bound;
    }
    if (codec == nullptr) return bound;
    base::Result<Decoded> decoded = decode(*codec, raw.first);
    if (!decoded) return decoded.failure();
    bound.position = decoded->position;
    bound.exact = decoded->exact && raw.is_tail_plain;
    if (bound.literal.empty() && !decoded->exact) bound.literal = base::quote_literal(raw.first);
    return bound;
}

Bound unread_bound(const RawBound& raw) {
    Bound bound;
    bound.unread = raw.first;
    bound.literal = raw.literal != nullptr ? raw.literal : base::quote_literal(raw.first);
    return bound;
}

int largest_scale(const RawSet& raw, int scale) {
    for (int i = 0; i < raw.bound_count; ++i)
        if (raw.bounds[i].first != nullptr) scale = std::max(scale, base::decimal_scale(raw.bounds[i].first));
    return scale;
}

void fill_ranges(PartitionSet& set, const RawSet& raw) {
    if (set.codec && set.codec->kind == CodecKind::numeric) set.codec->scale = largest_scale(raw, set.codec->scale);
    std::vector<Bound> bounds;
    bounds.reserve(static_cast<std::size_t>(raw.bound_count));
    for (int i = 0; i < raw.bound_count; ++i) {
        base::Result<Bound> bound = to_bound(raw.bounds[i], set.codec ? &*set.codec : nullptr);
        if (!bound) set.undecoded = bound.failure();
        bounds.push_back(bound ? *bound : unread_bound(raw.bounds[i]));
    }
    for (int i = 0; i < raw.partition_count; ++i) {
        const RawPartition& partition = raw.partitions[i];
        set.partitions[static_cast<std::size_t>(i)].range = {bounds[static_cast<std::size_t>(partition.lower)],
                                                             bounds[static_cast<std::size_t>(partition.upper)]};
    }
}

}  // namespace

std::string PartitionSet::qualified() const { return base::qualified_name(schema, name); }

std::optional<Codec> natural_codec(Oid key_type) {
    Codec codec;
    auto integer = [&](std::int64_t min, std::int64_t max) {
        codec.kind = CodecKind::integer;
        codec.min_number = min;
        codec.max_number = max;
    };
    switch (key_type) {
    case DATEOID: codec.kind = CodecKind::date; break;
    case TIMESTAMPOID: codec.kind = CodecKind::timestamp; break;
    case TIMESTAMPTZOID: codec.kind = CodecKind::timestamptz; break;
    case INT2OID: integer(INT16_MIN, INT16_MAX); break;
    case INT4OID: integer(INT32_MIN, INT32_MAX); break;
    case INT8OID: integer(INT64_MIN, INT64_MAX); break;
    case NUMERICOID: codec.kind = CodecKind::numeric; break;
    case UUIDOID: codec.kind = CodecKind::uuidv7; break;
    default: return std::nullopt;
    }
    return codec;
}

void check_partitioned(Oid parent) {
    Looked looked = look_at(parent);
    if (looked.refusal != Refusal::none) refuse(parent, looked);
}

PartitionSet read_set(Oid parent, const Codec* codec) {
    check_partitioned(parent);
    pg::ScratchMemory scratch;
    RawSet raw = pg::call([&] { return collect(parent); });

    PartitionSet set;
    set.id = parent;
    set.owner = raw.owner;
    set.schema_id = raw.schema_id;
    set.schema = raw.schema;
    set.name = raw.name;
    set.strategy = raw.strategy == PARTITION_STRATEGY_RANGE  ? Strategy::range
                   : raw.strategy == PARTITION_STRATEGY_LIST ? Strategy::list
                                                             : Strategy::hash;
    set.key.first = raw.first;
    set.key.type = raw.type_name;
    set.key.type_id = raw.type;
    set.key.columns = raw.columns;
    set.key.is_expression = raw.is_expression;
    set.key.is_nullable = raw.is_nullable;
    set.default_id = raw.default_id;
    set.has_pending_detach = raw.has_pending_detach;
    set.codec = codec != nullptr ? std::optional<Codec>(*codec) : natural_codec(raw.type);

    set.partitions.resize(static_cast<std::size_t>(raw.partition_count));
    for (int i = 0; i < raw.partition_count; ++i) {
        Partition& partition = set.partitions[static_cast<std::size_t>(i)];
        partition.id = raw.partitions[i].id;
        partition.modulus = raw.partitions[i].modulus;
        partition.remainder = raw.partitions[i].remainder;
    }
    if (set.strategy == Strategy::range) fill_ranges(set, raw);
    for (int i = 0; i < raw.value_count; ++i) {
        auto& values = set.partitions[static_cast<std::size_t>(raw.values[i].partition)].values;
        values.push_back(raw.values[i].value == nullptr ? std::nullopt
                                                        : std::optional<std::string>(raw.values[i].value));
    }
    return set;
}

}  // namespace steward::partition
