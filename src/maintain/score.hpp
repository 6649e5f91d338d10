// SPDX-License-Identifier: PostgreSQL
//
// How much a table needs maintenance, as autovacuum of PostgreSQL 19 scores it (relation_needs_vacanalyze() in
// autovacuum.c): each part is how far it is on the way to its threshold, 1 = there. Here on every version.
#pragma once

#include "maintain/table.hpp"

namespace steward::maintain {

// As autovacuum_*_score_weight of PostgreSQL 19, 0 to 10.
struct Weights {
    double freeze = 1;
    double multixact = 1;
    double dead = 1;
    double inserted = 1;
    double modified = 1;
};

// From these ages on the server ignores every cost limit to get a table frozen.
struct Failsafe {
    std::int64_t xid_age = 1'600'000'000;
    std::int64_t multixact_age = 1'600'000'000;
};

struct Score {
    double freeze = 0;
    double multixact = 0;
    double dead = 0;
    double inserted = 0;
    double modified = 0;

    double vacuum() const;   // the greatest of freeze, multixact, dead and inserted
    double analyze() const;  // modified
    double total() const;    // the greatest of all
};

// Of a table with its TOAST table, which is vacuumed with it: part by part the greater one.
Score score_of(const TableFacts& table, const Weights& weights, const Failsafe& failsafe);

// The same of one of the two alone; modified is that of the table.
Score score_of(const HeapFacts& heap, const Weights& weights, const Failsafe& failsafe);

// What a score is measured by: rows that have to be dead, inserted or modified until it is time.
double dead_threshold(const HeapFacts& heap);
double insert_threshold(const HeapFacts& heap);
double analyze_threshold(const HeapFacts& heap);

}  // namespace steward::maintain
