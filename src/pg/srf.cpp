// SPDX-License-Identifier: PostgreSQL
#include "pg/srf.hpp"

#include "pg/guard.hpp"

namespace steward::pg {

namespace {

struct OpenedResult {
    Tuplestorestate* store;
    AttInMetadata* metadata;
    MemoryContext scratch;
    int columns;
};

}  // namespace

ReturnSetInfo* set_place(FunctionCallInfo fcinfo, bool needs_shape) {
    auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0 ||
        (needs_shape && info->expectedDesc == nullptr))
        throw PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "set-valued function called in context that cannot accept a set");
    return info;
}

ResultSet::ResultSet(FunctionCallInfo fcinfo) {
    ReturnSetInfo* info = set_place(fcinfo);
    OpenedResult opened = call([&] {
        MemoryContext caller = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
        TupleDesc shape = nullptr;
        Oid type = InvalidOid;
        const TypeFuncClass kind = get_call_result_type(fcinfo, &type, &shape);
        if (kind == TYPEFUNC_SCALAR) {
            shape = CreateTemplateTupleDesc(1);
            TupleDescInitEntry(shape, 1, "value", type, -1, 0);
        } else if (kind != TYPEFUNC_COMPOSITE) {
            elog(ERROR, "return type must be a row type");
        }
        OpenedResult result{};
        info->returnMode = SFRM_Materialize;
        info->setDesc = CreateTupleDescCopy(shape);
        bool random_access = (info->allowedModes & SFRM_Materialize_Random) != 0;
        info->setResult = tuplestore_begin_heap(random_access, false, work_mem);
        result.store = info->setResult;
        result.metadata = TupleDescGetAttInMetadata(info->setDesc);
        result.columns = shape->natts;
        result.scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_steward row", ALLOCSET_SMALL_SIZES);
        MemoryContextSwitchTo(caller);
        return result;
    });
    store_ = opened.store;
    metadata_ = opened.metadata;
    scratch_ = opened.scratch;
    columns_ = opened.columns;
}

void ResultSet::add(const std::vector<Cell>& cells) {
    if (static_cast<int>(cells.size()) != columns_)
        throw PgError(ERRCODE_INTERNAL_ERROR, "row has {} values for {} columns", cells.size(), columns_);
    std::vector<char*> values;
    values.reserve(cells.size());
    for (const Cell& cell : cells) values.push_back(cell ? const_cast<char*>(cell->c_str()) : nullptr);
    char** texts = values.data();
    call([&] {
        MemoryContext caller = MemoryContextSwitchTo(scratch_);
        tuplestore_puttuple(store_, BuildTupleFromCStrings(metadata_, texts));
        MemoryContextSwitchTo(caller);
        MemoryContextReset(scratch_);
    });
}

std::string text_argument(FunctionCallInfo fcinfo, int index) {
    char* copy = call([&] { return text_to_cstring(PG_GETARG_TEXT_PP(index)); });
    return copy;
}

std::optional<std::string> optional_text_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return text_argument(fcinfo, index);
}

std::optional<Oid> optional_oid_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return PG_GETARG_OID(index);
}

std::optional<std::int32_t> optional_int_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return PG_GETARG_INT32(index);
}

double seconds_of(const Interval& interval) {
    const double days = 30.0 * interval.month + interval.day;
    return days * 86400 + static_cast<double>(interval.time) / 1e6;
}

Datum text_datum(const std::string& value) {
    const char* data = value.data();
    int length = static_cast<int>(value.size());
    return call([&] { return PointerGetDatum(cstring_to_text_with_len(data, length)); });
}

}  // namespace steward::pg
