// SPDX-License-Identifier: PostgreSQL
#include "maintain/screen.hpp"

#include <algorithm>
#include <cmath>

namespace steward::maintain {

namespace {

constexpr double kMaxAlign = 8;
constexpr double kLinePointer = 4;
constexpr double kPageHeader = 24;
constexpr double kHeapTupleHeader = 23;
constexpr double kIndexTupleHeader = 8;
constexpr double kBtreeSpecial = 16;
constexpr double kRowPointer = 6;
// A variable-length value up to here has a header of one byte and is not aligned.
constexpr double kShortValue = 127;
// Equal keys share a tuple up to a third of a page.
constexpr double kPostingBytes = 2700;
// Inner pages by leaf pages, and the meta page.
constexpr double kInnerShare = 0.005;

constexpr double kUnknownShare = 0.5;
constexpr double kLeastPayingShare = 0.01;
constexpr double kOldDays = 30;

double align(double bytes, double to) { return std::ceil(bytes / to) * to; }

bool has_nulls(const std::vector<StoredColumn>& columns) {
    return std::any_of(columns.begin(), columns.end(), [](const StoredColumn& each) { return each.null_share > 0; });
}

std::optional<double> data_bytes(const std::vector<StoredColumn>& columns) {
    double offset = 0;
    for (const StoredColumn& column : columns) {
        if (!column.width) return std::nullopt;
        const bool is_aligned = column.is_fixed || *column.width > kShortValue;
        const double start = is_aligned ? align(offset, column.alignment) : offset;
        offset += (1 - column.null_share) * (start - offset + *column.width);
    }
    return offset;
}

double bounded(double share) { return std::clamp(share, 0.0, 1.0); }

// Rows to a key; several columns have at least as many keys as the one with the most.
double rows_per_key(const Shape& index, double rows) {
    double keys = 1;
    for (const StoredColumn& column : index.columns) {
        if (column.distinct == 0) return 1;
        keys = std::max(keys, column.distinct > 0 ? column.distinct : -column.distinct * rows);
    }
    return std::max(rows / keys, 1.0);
}

}  // namespace

std::optional<double> heap_tuple_bytes(const std::vector<StoredColumn>& columns) {
    const std::optional<double> data = data_bytes(columns);
    if (!data) return std::nullopt;
    const double bitmap = has_nulls(columns) ? std::ceil(static_cast<double>(columns.size()) / 8) : 0;
    return align(align(kHeapTupleHeader + bitmap, kMaxAlign) + *data, kMaxAlign) + kLinePointer;
}

std::optional<double> index_tuple_bytes(const std::vector<StoredColumn>& columns) {
    const std::optional<double> data = data_bytes(columns);
    if (!data) return std::nullopt;
    const double header = has_nulls(columns) ? 2 * kIndexTupleHeader : kIndexTupleHeader;
    return align(header + *data, kMaxAlign) + kLinePointer;
}

std::optional<double> guess_heap_bloat(const Shape& table) {
    const std::optional<double> tuple = heap_tuple_bytes(table.columns);
    if (!tuple || !table.rows || table.pages <= 0) return std::nullopt;
    return bounded(1 - (kPageHeader + *table.rows / table.pages * *tuple) / table.page_bytes);
}

std::optional<double> guess_btree_bloat(const Shape& index) {
    const std::optional<double> tuple = index_tuple_bytes(index.columns);
    if (!tuple || !index.rows || index.pages <= 0) return std::nullopt;
    double row = *tuple;
    const double rows_to_key = index.deduplicates ? rows_per_key(index, *index.rows) : 1;
    if (rows_to_key > 1) {
        const double rows_to_tuple = std::clamp((kPostingBytes - *tuple) / kRowPointer, 1.0, rows_to_key);
        row = std::min(row, *tuple / rows_to_tuple + kRowPointer);
    }
    const double leaf_room = (index.page_bytes - kPageHeader - kBtreeSpecial) * index.fillfactor;
    const double leaves = std::ceil(*index.rows * row / leaf_room);
    return bounded(1 - (1 + leaves * (1 + kInnerShare)) / index.pages);
}

double promise(const Candidate& candidate) {
    const double share = candidate.last_high.value_or(candidate.guess.value_or(kUnknownShare));
    const double age = std::clamp(candidate.last_age_days.value_or(kOldDays), 0.0, kOldDays);
    return candidate.bytes * std::max(share - candidate.reserved, kLeastPayingShare) * age;
}

}  // namespace steward::maintain
