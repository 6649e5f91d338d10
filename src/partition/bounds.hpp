// SPDX-License-Identifier: PostgreSQL
//
// The ranges a range-partitioned table has, and those it lacks. Bounds keep the literal they were read with, so that a
// new partition begins exactly where its neighbour really ends, whatever the grid says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "partition/axis.hpp"
#include "partition/grid.hpp"

namespace steward::partition {

struct Bound {
    enum class Kind { minvalue, value, maxvalue };
    Kind kind = Kind::value;
    Position position = 0;  // of the first key column
    bool exact = true;      // false: the real bound lies a little behind the position
    std::string literal;    // as written between the parentheses of FROM or TO; empty when a codec has yet to encode it
    std::string unread{};  // the first column's canonical text where no codec reads it: the user's decode function does
};

struct Range {
    Bound lower;
    Bound upper;
};

// True when a lies before b on the axis.
bool before(const Bound& a, const Bound& b);

// The parts of [from, to) that no range of `existing` covers, in rising order. `existing` is sorted by lower bound;
// its ranges may overlap. Holes that touch an existing range take over its bound with literal and exactness.
std::vector<Range> holes(const std::vector<Range>& existing, Position from, Position to);

// A hole cut at the grid: every piece begins at the hole's begin or on a grid line, none is empty. At most `limit` pieces.
// Pieces of zero positions between an inexact bound and the next grid line are joined to their neighbour.
std::vector<Range> cut(const Range& hole, const Grid& grid, std::size_t limit);

}  // namespace steward::partition
