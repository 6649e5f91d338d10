// SPDX-License-Identifier: PostgreSQL
//
// Why a step is useful, in a sentence with the fact and what it is measured by.
#pragma once

#include <cstdint>
#include <string>

#include "maintain/score.hpp"

namespace steward::maintain {

std::string freeze_reason(const TableFacts& table, const Score& score);
std::string vacuum_reason(const TableFacts& table, const Score& score);
std::string analyze_reason(const TableFacts& table);
std::string reindex_reason(const IndexFacts& index);
std::string leftover_reason();

std::string pretty_bytes(std::int64_t bytes);  // "24 MB"
std::string pretty_seconds(double seconds);    // "1 h 20 min", "12 s"
std::string pretty_count(double count);        // "1,234,567"

}  // namespace steward::maintain
