// SPDX-License-Identifier: PostgreSQL
//
// Names of partitions: a prefix and the period. The period is written as coarsely as the step allows, so that monthly
// partitions read events_2025_01; a range that does not begin on the grid gets a finer period. Names stay within 63
// bytes: a prefix that must be cut gets a hash of the whole name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "partition/bounds.hpp"

namespace steward::partition {

enum class PeriodStyle {
    year,     // 2025
    quarter,  // 2025_q1
    month,    // 2025_01
    week,     // 2025_w01      (ISO year and week)
    day,      // 2025_01_31
    hour,     // 2025_01_31_13
    minute,   // 2025_01_31_1345
    second,   // 2025_01_31_134500
    number,  // 1000000, m100 (minus 100), 12_5 (12.5); of an epoch or Snowflake key the number that stands in the table
};

// How a period may be written besides the default with underscores: as infer_naming() finds it in existing names.
enum class PeriodSeparator {
    underscore,  // 2025_01_31_13
    dash,        // 2025-01-31-13
    none,        // 20250131_13, 2025q1, 2025w01
    joined,      // 2025013113
    letters,     // y2025m01d31h13, y2025q1, y2025w01
};

struct Naming {
    std::string prefix;  // with everything before the period: "events_", "events_p"
    PeriodSeparator separator = PeriodSeparator::underscore;
    std::optional<PeriodStyle> style;  // unset: by step
};

// The coarsest style whose periods read naturally for the grid: quarters only where they begin in January, weeks only
// where they begin on Monday.
PeriodStyle style_for(const Grid& grid);

// The period of a range that begins at `lower`. `naming.style` is followed where it tells every period of the grid
// apart, else style_for(). Finer than that where the lower bound is not on the grid or a clock time has minutes and
// seconds. Where the autumn clock shows an hour the second time, the offset from UTC follows ("2025_10_26_02_p0100").
// Two lower bounds of one set never give the same text.
std::string period_text(const Codec& codec, const Grid& grid, Position lower, const Naming& naming);

// prefix + period within 63 bytes; a prefix that must be cut is followed by a hash of the whole name.
std::string partition_name(const Naming& naming, std::string_view period);

// The same name made different by a hash of `salt`, for when a relation of that name exists already.
std::string alternative_name(std::string_view name, std::string_view salt);

struct NamedRange {
    std::string name;
    Position lower = 0;
};

// The convention that most of the newest partitions follow (the newest seven are looked at; all styles and separators
// are tried, what stands before the period is the prefix). Nothing when no convention explains the names.
std::optional<Naming> infer_naming(const Codec& codec, const Grid& grid, const std::vector<NamedRange>& partitions);

}  // namespace steward::partition
