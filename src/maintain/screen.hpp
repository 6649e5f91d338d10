// SPDX-License-Identifier: PostgreSQL
//
// A guess at bloat from what the server knows anyway: pages, rows and the mean width of columns. No page is read for it. It
// is often 10 to 20 points off, and only says which relations are worth a sample.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace steward::maintain {

// Of a stored column, as the planner's statistics have it.
struct StoredColumn {
    std::optional<double> width;  // mean bytes where it is not null, its header included
    double null_share = 0;
    double distinct = 0;  // as pg_statistic.stadistinct: less than 0: by the number of rows; 0: not known
    int alignment = 1;
    bool is_fixed = true;
};

struct Shape {
    double pages = 0;            // when rows were counted
    std::optional<double> rows;  // none: never counted
    double fillfactor = 1;
    double page_bytes = 8192;
    bool deduplicates = false;  // of an index: equal keys share one tuple
    std::vector<StoredColumn> columns;
};

// On disk, with its line pointer; none where a width is not known.
std::optional<double> heap_tuple_bytes(const std::vector<StoredColumn>& columns);
std::optional<double> index_tuple_bytes(const std::vector<StoredColumn>& columns);

// Share of its pages that is dead or free, the room that its fillfactor leaves included, as a sample counts.
std::optional<double> guess_heap_bloat(const Shape& table);
// Share of its pages that a rebuild would give back.
std::optional<double> guess_btree_bloat(const Shape& index);

// What is known of a relation when one has to choose which to sample next.
struct Candidate {
    double bytes = 0;
    std::optional<double> guess;
    double reserved = 0;              // by its fillfactor, so that it is not bloat
    std::optional<double> last_high;  // upper end of the last sample
    std::optional<double> last_age_days;
};

// The greater, the sooner. What has not been looked at for long comes to its turn, however little was found then.
double promise(const Candidate& candidate);

}  // namespace steward::maintain
