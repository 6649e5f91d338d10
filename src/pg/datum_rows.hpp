// SPDX-License-Identifier: PostgreSQL
//
// Rows for SQL made of Datums at once, where thousands of them are read each few seconds; others are written as text (pg/srf.hpp).
#pragma once

#include "pg/guard.hpp"
#include "pg/srf.hpp"

namespace steward::pg {

// One row; plain, since it is filled within call().
template <int columns>
struct DatumRow {
    static constexpr int kColumns = columns;

    Datum values[columns];
    bool nulls[columns];
    int next = 0;

    void put(Datum value) noexcept {
        nulls[next] = false;
        values[next++] = value;
    }
    void put_null() noexcept { nulls[next++] = true; }
    void put_number(std::int64_t value) { put(Int64GetDatum(value)); }
    void put_real(double value) { put(Float8GetDatum(value)); }
    void put_oid(Oid value) {
        if (OidIsValid(value))
            put(ObjectIdGetDatum(value));
        else
            put_null();
    }
    void put_text(const char* text, std::size_t length) {
        put(PointerGetDatum(cstring_to_text_with_len(text, static_cast<int>(length))));
    }
};

// A set without what it takes to read rows from text, for functions that are called often and return little.
class DatumResult {
public:
    explicit DatumResult(FunctionCallInfo fcinfo) {
        ReturnSetInfo* info = set_place(fcinfo, true);
        call([&] {
            MemoryContext caller = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
            info->returnMode = SFRM_Materialize;
            info->setDesc = CreateTupleDescCopy(info->expectedDesc);
            info->setResult =
                tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
            MemoryContextSwitchTo(caller);
        });
        store_ = info->setResult;
        shape_ = info->setDesc;
    }
    Datum done() const { return Datum{0}; }
    Tuplestorestate* store() const { return store_; }
    TupleDesc shape() const { return shape_; }

private:
    Tuplestorestate* store_ = nullptr;
    TupleDesc shape_ = nullptr;
};

// Calls fill(i, row) for each of `count` rows, all within one guard.
template <class Row, class Result, class Fill>
void put_rows(Result& result, std::size_t count, Fill&& fill) {
    Tuplestorestate* store = result.store();
    TupleDesc shape = result.shape();
    if (shape->natts != Row::kColumns)
        throw PgError(ERRCODE_INTERNAL_ERROR, "row has {} values for {} columns", Row::kColumns, shape->natts);
    call([&] {
        MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_steward rows", ALLOCSET_DEFAULT_SIZES);
        MemoryContext caller = MemoryContextSwitchTo(scratch);
        for (std::size_t i = 0; i < count; ++i) {
            CHECK_FOR_INTERRUPTS();
            Row row;
            fill(i, row);
            tuplestore_putvalues(store, shape, row.values, row.nulls);
            MemoryContextReset(scratch);
        }
        MemoryContextSwitchTo(caller);
        MemoryContextDelete(scratch);
    });
}

}  // namespace steward::pg
