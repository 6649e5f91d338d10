// SPDX-License-Identifier: PostgreSQL
//
// SQL from C++. Text comes back as text; SQL is built from quoted identifiers and parameters only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/postgres.hpp"

namespace steward::pg {

// One parameter of a statement, always bound, never pasted.
class Parameter {
public:
    Parameter(std::string_view text);
    Parameter(const char* text) : Parameter(std::string_view(text)) {}
    Parameter(const std::string& text) : Parameter(std::string_view(text)) {}
    Parameter(std::int64_t number) : type_(INT8OID), datum_(Int64GetDatum(number)) {}
    Parameter(std::int32_t number) : type_(INT4OID), datum_(Int32GetDatum(number)) {}
    Parameter(double number) : type_(FLOAT8OID), datum_(Float8GetDatum(number)) {}
    Parameter(bool truth) : type_(BOOLOID), datum_(BoolGetDatum(truth)) {}
    template <class T>
    Parameter(const std::optional<T>& value) : Parameter(value ? Parameter(*value) : Parameter::null()) {}

    static Parameter oid(Oid oid);
    static Parameter timestamptz(TimestampTz at);
    static Parameter of(Oid type, Datum datum);
    static Parameter null();

    Oid type() const { return type_; }
    Datum datum() const { return datum_; }
    bool is_null() const { return is_null_; }

private:
    Parameter() = default;
    Oid type_ = TEXTOID;
    Datum datum_ = 0;
    bool is_null_ = false;
};

class Row {
public:
    explicit Row(std::vector<std::optional<std::string>> values) : values_(std::move(values)) {}
    bool is_null(std::size_t column) const { return !values_.at(column).has_value(); }
    const std::optional<std::string>& optional(std::size_t column) const { return values_.at(column); }
    // Null reads as the empty text, 0 and false.
    const std::string& text(std::size_t column) const;
    std::int64_t number(std::size_t column) const;
    double real(std::size_t column) const;
    bool truth(std::size_t column) const { return text(column) == "t"; }
    Oid oid(std::size_t column) const { return static_cast<Oid>(number(column)); }

private:
    std::vector<std::optional<std::string>> values_;
};

// Whether the process keeps the plan, for what it runs over and over. It is made for any value of the parameters.
enum class Plan { once, kept };

// An SPI connection for the length of a block. Server memory allocated inside is gone after it.
class Spi {
public:
    Spi();
    ~Spi();
    Spi(const Spi&) = delete;
    Spi& operator=(const Spi&) = delete;

    std::vector<Row> query(const std::string& sql, const std::vector<Parameter>& parameters = {},
                           Plan plan = Plan::once);
    // Statements that change something; several may stand in one text. Returns the rows processed by the last.
    std::uint64_t execute(const std::string& sql, const std::vector<Parameter>& parameters = {},
                          Plan plan = Plan::once);
};

// The same with a connection of its own.
std::vector<Row> query(const std::string& sql, const std::vector<Parameter>& parameters = {}, Plan plan = Plan::once);
std::uint64_t execute(const std::string& sql, const std::vector<Parameter>& parameters = {}, Plan plan = Plan::once);

}  // namespace steward::pg
