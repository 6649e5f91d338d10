// SPDX-License-Identifier: PostgreSQL
//
// Functions that return rows. The whole result is materialised: rows come as text and go through the input functions of
// their columns, so that a row is written the way a user would write it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/postgres.hpp"

namespace steward::pg {

using Cell = std::optional<std::string>;

// Where a function may put its set as a whole; throws where no set is wanted, or the caller does not say of which shape.
ReturnSetInfo* set_place(FunctionCallInfo fcinfo, bool needs_shape = false);

class ResultSet {
public:
    explicit ResultSet(FunctionCallInfo fcinfo);
    void add(const std::vector<Cell>& cells);
    Datum done() const { return Datum{0}; }

    // For rows of Datums, put within a pg::call() of their own.
    Tuplestorestate* store() const { return store_; }
    TupleDesc shape() const { return metadata_->tupdesc; }

private:
    Tuplestorestate* store_ = nullptr;
    AttInMetadata* metadata_ = nullptr;
    MemoryContext scratch_ = nullptr;
    int columns_ = 0;
};

// Arguments of an SQL-callable function.
std::string text_argument(FunctionCallInfo fcinfo, int index);
std::optional<std::string> optional_text_argument(FunctionCallInfo fcinfo, int index);
std::optional<Oid> optional_oid_argument(FunctionCallInfo fcinfo, int index);
std::optional<std::int32_t> optional_int_argument(FunctionCallInfo fcinfo, int index);
// A month counts as 30 days, a day as 24 hours.
double seconds_of(const Interval& interval);

Datum text_datum(const std::string& value);

}  // namespace steward::pg
