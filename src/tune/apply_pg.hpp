// SPDX-License-Identifier: PostgreSQL
//
// Settings changed by ALTER SYSTEM, which takes no part in a transaction: a background worker writes down what there was,
// commits, and only then changes anything. Whatever ends it in between, steward.revert_tuning() finds what to put back.
#pragma once

#include <string>
#include <vector>

#include "pg/srf.hpp"
#include "tune/read_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::tune {

// What a session asks its worker for.
struct Order {
    enum class What { apply, revert };
    struct Value {
        std::string parameter;
        std::string value;
    };

    What what = What::apply;
    std::string role;               // who wants it
    std::vector<Value> values;      // to apply
    std::int64_t watch_micros = 0;  // 0: nobody compares what queries take after
    std::int64_t batch = 0;         // to revert; 0: the last

    std::string encode() const;
    static Order decode(const std::string& text);
};

// What became of one parameter.
struct Applied {
    std::string parameter;
    pg::Cell before;  // in postgresql.auto.conf; none: nothing
    pg::Cell after;
    std::string outcome;
    pg::Cell detail;
};

// Throw what keeps the caller from changing settings: by rights, or as things are.
void check_caller(const char* function, const Settings& settings);
void check_transaction(const char* function);

// Carries the order out in a worker and waits for it.
std::vector<Applied> carry_out(const Order& order);

}  // namespace steward::tune
