// SPDX-License-Identifier: PostgreSQL
//
// Rows for SQL, made of Datums at once: thousands of them are read each few seconds.
#pragma once

#include "pg/executor.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"

namespace steward::capture {

inline constexpr char kHidden[] = "<insufficient privilege>";
inline constexpr double kNsPerMs = 1e6;

// Which rows the reader may see whole: their own, and all with pg_read_all_stats.
struct Reader {
    Oid role;
    bool sees_all;
    bool may_see(Oid owner) const { return sees_all || owner == role; }
};

inline Reader current_reader() {
    return pg::call([] { return Reader{GetUserId(), pg::may_read_all_statistics()}; });
}

// One row; plain, since it is filled within pg::call().
template <int columns>
struct Row {
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
    void put_ms(std::int64_t nanos) { put_real(static_cast<double>(nanos) / kNsPerMs); }
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

// A text of another database, in whose encoding this one may not know it: what is not ASCII is left out of sight.
inline Datum readable(const char* bytes, std::size_t length, std::int32_t encoding) {
    text* made = cstring_to_text_with_len(bytes, static_cast<int>(length));
    if (encoding != GetDatabaseEncoding())
        for (std::size_t i = 0; i < length; ++i)
            if ((static_cast<unsigned char>(bytes[i]) & 0x80) != 0) VARDATA(made)[i] = '?';
    return PointerGetDatum(made);
}

// Calls fill(i, row) for each of `count` rows, all within one guard.
template <int columns, class Fill>
void put_rows(pg::ResultSet& result, std::size_t count, Fill&& fill) {
    Tuplestorestate* store = result.store();
    TupleDesc shape = result.shape();
    pg::call([&] {
        if (shape->natts != columns) elog(ERROR, "row has %d values for %d columns", columns, shape->natts);
        MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_steward rows", ALLOCSET_DEFAULT_SIZES);
        MemoryContext caller = MemoryContextSwitchTo(scratch);
        for (std::size_t i = 0; i < count; ++i) {
            CHECK_FOR_INTERRUPTS();
            Row<columns> row;
            fill(i, row);
            tuplestore_putvalues(store, shape, row.values, row.nulls);
            MemoryContextReset(scratch);
        }
        MemoryContextSwitchTo(caller);
        MemoryContextDelete(scratch);
    });
}

}  // namespace steward::capture
