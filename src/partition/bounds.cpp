// SPDX-License-Identifier: PostgreSQL
#include "partition/bounds.hpp"

#include <utility>

namespace steward::partition {

namespace {

Bound at_position(Position position) {
    Bound bound;
    bound.position = position;
    return bound;
}

bool is_value(const Bound& bound) { return bound.kind == Bound::Kind::value; }

// True unless at least one position lies between the bounds.
bool is_empty(const Bound& lower, const Bound& upper) {
    return !before(lower, upper) || (is_value(lower) && is_value(upper) && lower.position == upper.position);
}

// Walks the grid lines behind a bound in rising order, for ever yielding nothing when they end.
class Lines {
public:
    Lines(const Grid& grid, const Bound& begin) : grid_(grid) {
        if (const auto n = is_value(begin) ? grid.index_of(begin.position) : std::nullopt) {
            n_ = *n;
            has_more_ = true;
        }
    }

    // The next line behind `position`; a period that the calendar skips begins where the last one did.
    std::optional<Position> next(Position position) {
        while (has_more_) {
            const auto line = grid_.begin(++n_);
            if (line && *line > position) {
                return line;
            }
            has_more_ = line.has_value();
        }
        return std::nullopt;
    }

private:
    const Grid& grid_;
    std::int64_t n_ = 0;
    bool has_more_ = false;
};

}  // namespace

bool before(const Bound& a, const Bound& b) {
    if (a.kind != b.kind) {
        return a.kind < b.kind;
    }
    if (!is_value(a)) {
        return false;
    }
    return a.position != b.position ? a.position < b.position : a.exact && !b.exact;
}

std::vector<Range> holes(const std::vector<Range>& existing, Position from, Position to) {
    std::vector<Range> found;
    const Bound end = at_position(to);
    Bound cursor = at_position(from);
    for (const Range& range : existing) {
        if (!before(cursor, end)) break;
        const bool is_beyond = before(end, range.lower) && !(is_value(range.lower) && range.lower.position == to);
        const Bound& upper = is_beyond ? end : range.lower;
        if (!is_empty(cursor, upper)) {
            found.push_back({cursor, upper});
        }
        if (is_beyond) {
            return found;
        }
        if (!before(range.upper, cursor)) {
            cursor = range.upper;
        }
    }
    if (!is_empty(cursor, end)) {
        found.push_back({cursor, end});
    }
    return found;
}

std::vector<Range> cut(const Range& hole, const Grid& grid, std::size_t limit) {
    std::vector<Range> pieces;
    const Bound& end = hole.upper;
    Bound cursor = hole.lower;
    Lines lines(grid, cursor);
    while (pieces.size() < limit && !is_empty(cursor, end)) {
        const auto line = lines.next(cursor.position);
        // A line at the position of an inexact end would leave a piece of zero positions behind it.
        const bool is_last = !line || (is_value(end) && *line >= end.position);
        Bound upper = is_last ? end : at_position(*line);
        pieces.push_back(Range{std::move(cursor), upper});
        cursor = std::move(upper);
    }
    return pieces;
}

}  // namespace steward::partition
