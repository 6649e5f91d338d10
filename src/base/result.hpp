// SPDX-License-Identifier: PostgreSQL
//
// Expected failures are values: a user's mistake, a bound out of range, a text that cannot be read. The edge turns a
// Failure into a PostgreSQL error with the same SQLSTATE, detail and hint. What should never happen is an exception.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace steward::base {

// Five-character SQLSTATEs that pure code reports.
inline constexpr char kInvalidParameter[] = "22023";
inline constexpr char kNumericOutOfRange[] = "22003";
inline constexpr char kDatetimeOverflow[] = "22008";
inline constexpr char kInvalidTextRepresentation[] = "22P02";
inline constexpr char kInvalidObjectDefinition[] = "42P17";
inline constexpr char kWrongObjectType[] = "42809";
inline constexpr char kFeatureNotSupported[] = "0A000";
inline constexpr char kObjectNotInPrerequisiteState[] = "55000";
inline constexpr char kProgramLimitExceeded[] = "54000";

struct Failure {
    std::string sqlstate;
    std::string message;  // lower case, no period: the object and the fact
    std::string detail;   // full sentences, may be empty
    std::string hint;     // the way out, may be empty
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
    Result(Failure failure) : outcome_(std::in_place_index<1>, std::move(failure)) {}

    bool ok() const { return outcome_.index() == 0; }
    explicit operator bool() const { return ok(); }

    const T& value() const& { return std::get<0>(outcome_); }
    T& value() & { return std::get<0>(outcome_); }
    T&& value() && { return std::get<0>(std::move(outcome_)); }
    const T& operator*() const& { return value(); }
    T& operator*() & { return value(); }
    const T* operator->() const { return &value(); }
    T* operator->() { return &value(); }

    const Failure& failure() const { return std::get<1>(outcome_); }

private:
    std::variant<T, Failure> outcome_;
};

}  // namespace steward::base
