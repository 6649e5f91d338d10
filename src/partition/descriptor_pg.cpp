// SPDX-License-Identifier: PostgreSQL
#include "partition/descriptor_pg.hpp"

#include "pg/zone.hpp"

namespace steward::partition {

namespace {

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

}  // namespace

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

}  // namespace steward::partition
