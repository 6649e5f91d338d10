// SPDX-License-Identifier: PostgreSQL
#include "pg/spi.hpp"

#include <charconv>
#include <cstring>
#include <map>
#include <utility>

#include "pg/cursor.hpp"
#include "pg/guard.hpp"
#include "pg/memory.hpp"

namespace steward::pg {

Parameter::Parameter(std::string_view text) {
    const char* data = text.data();
    int length = static_cast<int>(text.size());
    datum_ = call([&] { return PointerGetDatum(cstring_to_text_with_len(data, length)); });
}

Parameter Parameter::oid(Oid oid) { return of(OIDOID, ObjectIdGetDatum(oid)); }
Parameter Parameter::timestamptz(TimestampTz at) { return of(TIMESTAMPTZOID, TimestampTzGetDatum(at)); }

Parameter Parameter::of(Oid type, Datum datum) {
    Parameter parameter;
    parameter.type_ = type;
    parameter.datum_ = datum;
    return parameter;
}

Parameter Parameter::null() {
    Parameter parameter;
    parameter.is_null_ = true;
    return parameter;
}

const std::string& Row::text(std::size_t column) const {
    static const std::string* const empty = new std::string();
    const auto& value = values_.at(column);
    return value ? *value : *empty;
}

std::int64_t Row::number(std::size_t column) const {
    const std::string& value = text(column);
    std::int64_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number;
}

double Row::real(std::size_t column) const { return std::strtod(text(column).c_str(), nullptr); }

Spi::Spi() {
    call([] {
        if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    });
}

Spi::~Spi() { SPI_finish(); }

namespace {

struct Bound {
    std::vector<Oid> types;
    std::vector<Datum> values;
    std::string nulls;

    explicit Bound(const std::vector<Parameter>& parameters) {
        for (const Parameter& parameter : parameters) {
            types.push_back(parameter.type());
            values.push_back(parameter.datum());
            nulls.push_back(parameter.is_null() ? 'n' : ' ');
        }
    }
};

// One for each text and types of its parameters; a null is a text.
SPIPlanPtr kept_plan(const std::string& sql, const Bound& bound) {
    static auto* const plans = new std::map<std::pair<std::string, std::vector<Oid>>, SPIPlanPtr>();
    SPIPlanPtr& plan = (*plans)[{sql, bound.types}];
    if (plan != nullptr) return plan;
    const char* text = sql.c_str();
    int count = static_cast<int>(bound.types.size());
    std::vector<Oid> types = bound.types;
    plan = call([&] {
        SPIPlanPtr made = SPI_prepare_cursor(text, count, types.data(), CURSOR_OPT_GENERIC_PLAN);
        if (made == nullptr || SPI_keepplan(made) != 0)
            elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
        return made;
    });
    return plan;
}

void run(const std::string& sql, const std::vector<Parameter>& parameters, Plan keep) {
    Bound bound(parameters);
    SPIPlanPtr plan = keep == Plan::kept ? kept_plan(sql, bound) : nullptr;
    const char* text = sql.c_str();
    int count = static_cast<int>(parameters.size());
    Oid* types = bound.types.data();
    Datum* values = bound.values.data();
    const char* nulls = bound.nulls.c_str();
    call([&] {
        int code = plan != nullptr ? SPI_execute_plan(plan, values, nulls, false, 0)
                   : count == 0    ? SPI_execute(text, false, 0)
                                   : SPI_execute_with_args(text, count, types, values, nulls, false, 0);
        if (code < 0) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
    });
}

Portal open_cursor(const std::string& sql, const std::vector<Parameter>& parameters) {
    Bound bound(parameters);
    const char* text = sql.c_str();
    int count = static_cast<int>(parameters.size());
    Oid* types = bound.types.data();
    Datum* values = bound.values.data();
    const char* nulls = bound.nulls.c_str();
    return call([&] { return SPI_cursor_open_with_args(nullptr, text, count, types, values, nulls, false, 0); });
}

// The whole result as server strings, fetched under one guard.
struct TextTable {
    char** cells = nullptr;
    std::uint64_t rows = 0;
    int columns = 0;
};

TextTable fetch_texts() {
    return call([] {
        TextTable table;
        if (SPI_tuptable == nullptr) return table;
        TupleDesc shape = SPI_tuptable->tupdesc;
        table.rows = SPI_processed;
        table.columns = shape->natts;
        table.cells = static_cast<char**>(palloc_extended(
            sizeof(char*) * (table.rows * static_cast<std::uint64_t>(table.columns) + 1), MCXT_ALLOC_HUGE));
        // What SPI_getvalue() does, without looking the type up for every value.
        auto* outputs = static_cast<FmgrInfo*>(palloc(sizeof(FmgrInfo) * static_cast<std::size_t>(table.columns + 1)));
        for (int column = 0; column < table.columns; ++column) {
            Oid function;
            bool is_varlena;
            getTypeOutputInfo(TupleDescAttr(shape, column)->atttypid, &function, &is_varlena);
            fmgr_info(function, &outputs[column]);
        }
        char** cell = table.cells;
        for (std::uint64_t row = 0; row < table.rows; ++row)
            for (int column = 0; column < table.columns; ++column) {
                bool is_null = false;
                const Datum value = SPI_getbinval(SPI_tuptable->vals[row], shape, column + 1, &is_null);
                *cell++ = is_null ? nullptr : OutputFunctionCall(&outputs[column], value);
            }
        return table;
    });
}

// Of the row whose first cell it is; moves on to the next.
Row take_row(char**& cell, int columns) {
    std::vector<std::optional<std::string>> values(static_cast<std::size_t>(columns));
    for (auto& value : values) {
        if (*cell != nullptr) value = *cell;
        ++cell;
    }
    return Row(std::move(values));
}

}  // namespace

std::vector<Row> Spi::query(const std::string& sql, const std::vector<Parameter>& parameters, Plan plan) {
    run(sql, parameters, plan);
    TextTable table = fetch_texts();
    std::vector<Row> rows;
    rows.reserve(table.rows);
    char** cell = table.cells;
    for (std::uint64_t row = 0; row < table.rows; ++row) rows.push_back(take_row(cell, table.columns));
    call([] { SPI_freetuptable(SPI_tuptable); });
    return rows;
}

std::uint64_t Spi::execute(const std::string& sql, const std::vector<Parameter>& parameters, Plan plan) {
    run(sql, parameters, plan);
    return SPI_processed;
}

std::vector<Row> query(const std::string& sql, const std::vector<Parameter>& parameters, Plan plan) {
    return Spi().query(sql, parameters, plan);
}

void for_each_row(const std::string& sql, const std::vector<Parameter>& parameters,
                  const std::function<void(const Row&)>& visit) {
    constexpr long kBatch = 256;
    Spi spi;
    Portal portal = open_cursor(sql, parameters);
    for (bool is_more = true; is_more;) {
        call([&] { SPI_cursor_fetch(portal, true, kBatch); });
        ScratchMemory scratch;
        TextTable table = fetch_texts();
        call([] { SPI_freetuptable(SPI_tuptable); });
        char** cell = table.cells;
        for (std::uint64_t row = 0; row < table.rows; ++row) visit(take_row(cell, table.columns));
        is_more = table.rows > 0;
        check_interrupts();
    }
    call([&] { SPI_cursor_close(portal); });
}

std::uint64_t execute(const std::string& sql, const std::vector<Parameter>& parameters, Plan plan) {
    return Spi().execute(sql, parameters, plan);
}

}  // namespace steward::pg
