// SPDX-License-Identifier: PostgreSQL
#include "partition/catalog_pg.hpp"
#include "partition/relation_pg.hpp"

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/memory.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

// One bound of the relation's cached partition descriptor: all key columns as canonical texts.
struct RawBound {
    PartitionRangeDatumKind kind;  // of the first column
    bool is_tail_plain;            // the other columns are MINVALUE
    char* first;                   // canonical text of the first column; micros since 1970 for dates and timestamps
    char* literal;                 // all columns as SQL; only built where the first alone does not say it
};

struct RawPartition {
    Oid id;
    int lower, upper;  // indexes of bounds, -1: none
    int modulus, remainder;
};

struct RawValue {
    int partition;
    char* value;  // nullptr: NULL
};

struct RawSet {
    char strategy;
    int columns;
    Oid type;
    bool is_expression, is_nullable, has_pending_detach;
    Oid owner, schema_id, default_id;
    char *schema, *name, *definition, *first, *type_name;
    RawBound* bounds;
    int bound_count;
    RawPartition* partitions;
    int partition_count;
    RawValue* values;
    int value_count;
};

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

// ---- Under pg::call only: plain C from here to collect() -------------------------------------------------------------

char* value_text(Datum value, Oid type) {
    switch (type) {
    case DATEOID: {
        DateADT date = DatumGetDateADT(value);
        if (DATE_NOT_FINITE(date)) return nullptr;
        return psprintf(INT64_FORMAT,
                        (static_cast<int64>(date) + POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY);
    }
    case TIMESTAMPOID:
    case TIMESTAMPTZOID: {
        Timestamp at = DatumGetTimestamp(value);
        if (TIMESTAMP_NOT_FINITE(at)) return nullptr;
        return psprintf(INT64_FORMAT, pg::from_server(at).micros);
    }
    default: {
        Oid output;
        bool is_varlena;
        getTypeOutputInfo(type, &output, &is_varlena);
        return OidOutputFunctionCall(output, value);
    }
    }
}

bool is_negative_infinity(Datum value, Oid type) {
    return type == DATEOID ? DATE_IS_NOBEGIN(DatumGetDateADT(value)) : TIMESTAMP_IS_NOBEGIN(DatumGetTimestamp(value));
}

char* column_literal(PartitionRangeDatumKind kind, Datum value, Oid type) {
    if (kind == PARTITION_RANGE_DATUM_MINVALUE) return pstrdup("MINVALUE");
    if (kind == PARTITION_RANGE_DATUM_MAXVALUE) return pstrdup("MAXVALUE");
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(type, &output, &is_varlena);
    return quote_literal_cstr(OidOutputFunctionCall(output, value));
}

RawBound raw_bound(PartitionKey key, Datum* values, PartitionRangeDatumKind* kinds) {
    RawBound bound{kinds[0], true, nullptr, nullptr};
    for (int column = 1; column < key->partnatts; ++column)
        if (kinds[column] != PARTITION_RANGE_DATUM_MINVALUE) bound.is_tail_plain = false;
    bool needs_literal = key->partnatts > 1;
    if (bound.kind == PARTITION_RANGE_DATUM_VALUE) {
        bound.first = value_text(values[0], key->parttypid[0]);
        if (bound.first == nullptr) {
            bound.kind = is_negative_infinity(values[0], key->parttypid[0]) ? PARTITION_RANGE_DATUM_MINVALUE
                                                                            : PARTITION_RANGE_DATUM_MAXVALUE;
            needs_literal = true;
        }
    }
    if (needs_literal) {
        StringInfoData literal;
        initStringInfo(&literal);
        for (int column = 0; column < key->partnatts; ++column)
            appendStringInfo(&literal, "%s%s", column == 0 ? "" : ", ",
                             column_literal(kinds[column], values[column], key->parttypid[column]));
        bound.literal = literal.data;
    }
    return bound;
}

void collect_key(RawSet& raw, Relation relation, PartitionKey key) {
    raw.strategy = static_cast<char>(key->strategy);
    raw.columns = key->partnatts;
    raw.type = key->parttypid[0];
    raw.type_name = format_type_extended(raw.type, -1, FORMAT_TYPE_FORCE_QUALIFY);
    raw.is_expression = key->partattrs[0] == 0;
    if (raw.is_expression) {
        List* context = deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation));
        char* expression = deparse_expression(static_cast<Node*>(linitial(key->partexprs)), context, false, false);
        raw.first = psprintf("(%s)", expression);
        raw.is_nullable = true;
    } else {
        Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), key->partattrs[0] - 1);
        raw.first = pstrdup(quote_identifier(NameStr(column->attname)));
        raw.is_nullable = !column->attnotnull;
    }
}

void collect_bounds(RawSet& raw, PartitionKey key, PartitionDesc desc) {
    PartitionBoundInfo info = desc->boundinfo;
    raw.partitions = static_cast<RawPartition*>(palloc0(sizeof(RawPartition) * static_cast<Size>(desc->nparts + 1)));
    if (info == nullptr) return;
    if (info->default_index >= 0) raw.default_id = desc->oids[info->default_index];
    if (key->strategy == PARTITION_STRATEGY_RANGE) {
        raw.bounds = static_cast<RawBound*>(palloc0(sizeof(RawBound) * static_cast<Size>(info->ndatums + 1)));
        for (int i = 0; i < info->ndatums; ++i)
            raw.bounds[raw.bound_count++] = raw_bound(key, info->datums[i], info->kind[i]);
        for (int i = 1; i < info->ndatums; ++i)
            if (info->indexes[i] >= 0)
                raw.partitions[raw.partition_count++] = {desc->oids[info->indexes[i]], i - 1, i, 0, 0};
        return;
    }
    for (int i = 0; i < desc->nparts; ++i)
        if (i != info->default_index) raw.partitions[raw.partition_count++] = {desc->oids[i], -1, -1, 0, 0};
    raw.values = static_cast<RawValue*>(palloc0(sizeof(RawValue) * static_cast<Size>(info->ndatums + 1)));
    auto position = [&](int index) {
        return index > info->default_index && info->default_index >= 0 ? index - 1 : index;
    };
    if (key->strategy == PARTITION_STRATEGY_LIST) {
        for (int i = 0; i < info->ndatums; ++i)
            if (info->indexes[i] >= 0)
                raw.values[raw.value_count++] = {position(info->indexes[i]), value_text(info->datums[i][0], raw.type)};
        if (partition_bound_accepts_nulls(info)) raw.values[raw.value_count++] = {position(info->null_index), nullptr};
    } else {
        for (int i = 0; i < info->ndatums; ++i) {
            int modulus = DatumGetInt32(info->datums[i][0]);
            int remainder = DatumGetInt32(info->datums[i][1]);
            RawPartition& partition = raw.partitions[info->indexes[remainder]];
            partition.modulus = modulus;
            partition.remainder = remainder;
        }
    }
}

RawSet collect(Oid parent) {
    RawSet raw{};
    Relation relation = table_open(parent, AccessShareLock);
    PartitionKey key = RelationGetPartitionKey(relation);
    PartitionDesc desc = pg::partition_desc(relation, true);
    raw.owner = relation->rd_rel->relowner;
    raw.schema_id = relation->rd_rel->relnamespace;
    raw.schema = get_namespace_name(raw.schema_id);
    raw.name = pstrdup(RelationGetRelationName(relation));
    raw.has_pending_detach = pg::has_detached(desc);
    collect_key(raw, relation, key);
    collect_bounds(raw, key, desc);
    table_close(relation, AccessShareLock);
    return raw;
}

// ---- Back in C++ -----------------------------------------------------------------------------------------------------

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
