// SPDX-License-Identifier: PostgreSQL
#include "partition/bounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::Interval;
using test::local;
using test::TestZone;

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

Bound value(Position position, std::string literal = "", bool exact = true) {
    return Bound{Bound::Kind::value, position, exact, std::move(literal)};
}

Bound infinite(Bound::Kind kind) {
    return Bound{kind, 0, true, kind == Bound::Kind::minvalue ? "MINVALUE" : "MAXVALUE"};
}

const Bound kLowest = infinite(Bound::Kind::minvalue);
const Bound kHighest = infinite(Bound::Kind::maxvalue);

// "[10 'a', 20~ 'b') [30, 40)": ~ marks an inexact bound, the literal stands in quotes unless it is empty.
std::string text(const Bound& bound) {
    std::string shown = bound.kind == Bound::Kind::value ? base::format_decimal(bound.position, 0) : "";
    shown += bound.exact ? "" : "~";
    return bound.literal.empty() ? shown : shown + "'" + bound.literal + "'";
}

std::string text(const Range& range) { return "[" + text(range.lower) + ", " + text(range.upper) + ")"; }

std::string text(const std::vector<Range>& ranges) {
    std::string shown;
    for (const Range& range : ranges) {
        shown += (shown.empty() ? "" : " ") + text(range);
    }
    return shown;
}

Grid tens() { return Grid(Axis::number, Position{10}, 0, base::utc()); }

TEST(PartitionBounds, bounds_are_ordered_with_infinity_at_both_ends) {
    EXPECT_TRUE(before(value(1), value(2)));
    EXPECT_FALSE(before(value(2), value(2)));
    EXPECT_FALSE(before(value(3), value(2)));
    EXPECT_TRUE(before(kLowest, value(-1'000'000)));
    EXPECT_TRUE(before(value(1'000'000), kHighest));
    EXPECT_TRUE(before(kLowest, kHighest));
    EXPECT_FALSE(before(kHighest, kLowest));
    EXPECT_FALSE(before(kLowest, kLowest));
    EXPECT_FALSE(before(kHighest, kHighest));
}

TEST(PartitionBounds, an_inexact_bound_lies_behind_its_position) {
    EXPECT_TRUE(before(value(5), value(5, "", false)));
    EXPECT_FALSE(before(value(5, "", false), value(5)));
    EXPECT_FALSE(before(value(5, "", false), value(5, "", false)));
    EXPECT_TRUE(before(value(5, "", false), value(6)));
}

TEST(PartitionBounds, without_partitions_all_is_one_hole) {
    EXPECT_EQ(text(holes({}, 0, 100)), "[0, 100)");
    EXPECT_EQ(text(holes({}, 100, 100)), "");
    EXPECT_EQ(text(holes({}, 100, 0)), "");
}

TEST(PartitionBounds, holes_take_over_their_neighbours_bounds) {
    const std::vector<Range> existing = {{value(10, "ten"), value(20, "twenty")},
                                         {value(30, "thirty"), value(40, "forty", false)}};
    EXPECT_EQ(text(holes(existing, 0, 100)), "[0, 10'ten') [20'twenty', 30'thirty') [40~'forty', 100)");
    EXPECT_EQ(text(holes(existing, 10, 40)), "[20'twenty', 30'thirty')");
    EXPECT_EQ(text(holes(existing, 15, 35)), "[20'twenty', 30'thirty')");
}

TEST(PartitionBounds, a_window_that_ends_where_a_partition_begins_or_ends_touches_it) {
    const std::vector<Range> existing = {{value(10, "a"), value(20, "b")}, {value(30, "c"), value(40, "d")}};
    EXPECT_EQ(text(holes(existing, 20, 30)), "[20'b', 30'c')");
    EXPECT_EQ(text(holes(existing, 40, 50)), "[40'd', 50)");
    EXPECT_EQ(text(holes(existing, 0, 10)), "[0, 10'a')");
    const std::vector<Range> inexact = {{value(10, "a", false), value(20, "b", false)}};
    EXPECT_EQ(text(holes(inexact, 20, 30)), "[20~'b', 30)");
    EXPECT_EQ(text(holes(inexact, 0, 10)), "[0, 10~'a')");
}

TEST(PartitionBounds, a_window_within_a_gap_has_its_own_ends) {
    const std::vector<Range> existing = {{value(10, "a"), value(20, "b")}, {value(50, "c"), value(60, "d")}};
    EXPECT_EQ(text(holes(existing, 30, 40)), "[30, 40)");
    EXPECT_EQ(text(holes(existing, 0, 5)), "[0, 5)");
    EXPECT_EQ(text(holes(existing, 70, 80)), "[70, 80)");
    EXPECT_EQ(text(holes(existing, 15, 40)), "[20'b', 40)");
    EXPECT_EQ(text(holes(existing, 30, 55)), "[30, 50'c')");
}

TEST(PartitionBounds, minvalue_and_maxvalue_cover_to_infinity) {
    EXPECT_EQ(text(holes({{kLowest, value(20, "b")}}, 0, 50)), "[20'b', 50)");
    EXPECT_EQ(text(holes({{value(20, "a"), kHighest}}, 0, 50)), "[0, 20'a')");
    EXPECT_EQ(text(holes({{kLowest, kHighest}}, 0, 50)), "");
    EXPECT_EQ(text(holes({{kLowest, value(-20)}, {value(100, "x"), kHighest}}, 0, 50)), "[0, 50)");
}

TEST(PartitionBounds, adjacent_partitions_leave_no_hole) {
    EXPECT_EQ(text(holes({{value(0), value(10)}, {value(10), value(20)}}, 0, 20)), "");
    EXPECT_EQ(text(holes({{value(0), value(10, "x", false)}, {value(10, "x", false), value(20)}}, 0, 20)), "");
}

TEST(PartitionBounds, a_hole_that_holds_no_position_is_none) {
    EXPECT_EQ(text(holes({{value(0), value(10)}, {value(10, "x", false), value(20)}}, 0, 20)), "");
    EXPECT_EQ(text(holes({{value(0, "a", false), value(20)}}, 0, 20)), "");
    EXPECT_EQ(text(holes({{value(0), value(20, "b", false)}}, 0, 20)), "");
}

TEST(PartitionBounds, pieces_begin_at_the_hole_or_on_the_grid) {
    EXPECT_EQ(text(cut({value(3, "a"), value(35, "b")}, tens(), kNoLimit)), "[3'a', 10) [10, 20) [20, 30) [30, 35'b')");
    EXPECT_EQ(text(cut({value(10), value(30, "b")}, tens(), kNoLimit)), "[10, 20) [20, 30'b')");
    EXPECT_EQ(text(cut({value(-3), value(3)}, tens(), kNoLimit)), "[-3, 0) [0, 3)");
    EXPECT_EQ(text(cut({value(3), value(4)}, tens(), kNoLimit)), "[3, 4)");
}

TEST(PartitionBounds, an_inexact_bound_begins_and_ends_a_piece_as_it_is) {
    EXPECT_EQ(text(cut({value(10, "a", false), value(25)}, tens(), kNoLimit)), "[10~'a', 20) [20, 25)");
    EXPECT_EQ(text(cut({value(5), value(20, "b", false)}, tens(), kNoLimit)), "[5, 10) [10, 20~'b')");
    EXPECT_EQ(text(cut({value(9, "a", false), value(20)}, tens(), kNoLimit)), "[9~'a', 10) [10, 20)");
}

TEST(PartitionBounds, nothing_to_cut_is_no_piece) {
    EXPECT_EQ(text(cut({value(10), value(10)}, tens(), kNoLimit)), "");
    EXPECT_EQ(text(cut({value(10), value(10, "b", false)}, tens(), kNoLimit)), "");
    EXPECT_EQ(text(cut({value(20), value(10)}, tens(), kNoLimit)), "");
}

TEST(PartitionBounds, never_more_pieces_than_the_limit) {
    const Range hole{value(0), value(1'000'000'000'000)};
    EXPECT_EQ(text(cut(hole, tens(), 0)), "");
    EXPECT_EQ(text(cut(hole, tens(), 2)), "[0, 10) [10, 20)");
    EXPECT_EQ(cut(hole, tens(), 1000).size(), 1000U);
    EXPECT_EQ(text(cut({value(5), kHighest}, tens(), 2)), "[5, 10) [10, 20)");
}

TEST(PartitionBounds, where_the_grid_ends_the_last_piece_takes_the_rest) {
    const Grid days(Axis::instant, Interval{0, 1, 0}, 0, base::utc());
    const Position last = Position{base::kEndMicros} - base::kMicrosPerDay;
    const auto pieces = cut({value(last - 5), kHighest}, days, kNoLimit);
    ASSERT_EQ(pieces.size(), 2U);
    EXPECT_EQ(pieces[1].lower.position, last);
    EXPECT_EQ(text(pieces[1].upper), "'MAXVALUE'");
    EXPECT_EQ(text(cut({kLowest, value(35, "b")}, tens(), kNoLimit)), "['MINVALUE', 35'b')");
}

TEST(PartitionBounds, a_day_that_the_calendar_skips_gets_no_piece) {
    const TestZone zone("Pacific/Apia");
    const Grid days(Axis::instant, Interval{0, 1, 0}, base::to_instant(local(2000, 1, 1), zone).micros, zone);
    const Position from = base::to_instant(local(2011, 12, 28), zone).micros;
    const Position to = base::to_instant(local(2012, 1, 2), zone).micros;
    const auto pieces = cut({value(from), value(to)}, days, kNoLimit);
    ASSERT_EQ(pieces.size(), 4U);
    for (const Range& piece : pieces) {
        EXPECT_EQ(piece.upper.position - piece.lower.position, base::kMicrosPerDay);
    }
}

TEST(PartitionBounds, a_spring_day_is_cut_into_its_23_hours) {
    const TestZone zone("Europe/Berlin");
    const Step hour = Interval{0, 0, base::kMicrosPerHour};
    const Grid hours(Axis::instant, hour, default_origin(Axis::instant, hour, zone), zone);
    const Position from = base::to_instant(local(2025, 3, 30), zone).micros;
    const Position to = base::to_instant(local(2025, 3, 31), zone).micros;
    EXPECT_EQ(cut({value(from), value(to)}, hours, kNoLimit).size(), 23U);
}

bool is_same(const Bound& a, const Bound& b) {
    return a.kind == b.kind && a.position == b.position && a.exact == b.exact && a.literal == b.literal;
}

// Existing partitions and new pieces together, in order: each must begin exactly where the one before it ended.
void expect_exact_cover(const std::vector<Range>& existing, const Grid& grid, Position from, Position to) {
    std::vector<Range> all = existing;
    for (const Range& hole : holes(existing, from, to)) {
        const auto pieces = cut(hole, grid, kNoLimit);
        ASSERT_FALSE(pieces.empty());
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            ASSERT_LT(pieces[i].lower.position, pieces[i].upper.position);
            ASSERT_TRUE(i == 0 || (grid.is_on_grid(pieces[i].lower.position) && pieces[i].lower.literal.empty()));
            all.push_back(pieces[i]);
        }
    }
    std::sort(all.begin(), all.end(), [](const Range& a, const Range& b) { return before(a.lower, b.lower); });
    Bound reached = value(from);
    for (const Range& range : all) {
        if (before(reached, value(to)) && before(reached, range.upper)) {
            // What lies within one position cannot be told apart, and is no hole.
            ASSERT_TRUE(!before(reached, range.lower) || reached.position == range.lower.position)
                << text(all) << " from " << text(reached);
        }
        reached = before(reached, range.upper) ? range.upper : reached;
    }
    ASSERT_FALSE(before(reached, value(to))) << text(all);
    for (std::size_t i = 1; i < all.size(); ++i) {
        ASSERT_FALSE(before(all[i].lower, all[i - 1].upper)) << text(all);
        if (all[i].lower.position == all[i - 1].upper.position) {
            ASSERT_TRUE(is_same(all[i].lower, all[i - 1].upper)) << text(all);
        }
    }
}

TEST(PartitionBounds, holes_and_partitions_together_cover_exactly) {
    std::mt19937_64 random(6);
    const auto between = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    for (int round = 0; round < 20'000; ++round) {
        std::vector<Range> existing;
        std::int64_t position = between(-50, 0);
        Bound lower =
            between(0, 5) == 0 ? kLowest : value(position, "p" + std::to_string(position), between(0, 2) != 0);
        while (between(0, 6) != 0) {
            position += between(1, 25);
            const Bound upper = value(position, "p" + std::to_string(position), between(0, 2) != 0);
            existing.push_back({lower, upper});
            lower = upper;
            if (between(0, 1) == 0) {
                position += between(1, 30);
                lower = value(position, "p" + std::to_string(position), between(0, 2) != 0);
            }
        }
        if (!existing.empty() && between(0, 5) == 0) {
            existing.back().upper = kHighest;
        }
        const Position from = between(-60, 60);
        const Grid grid(Axis::number, Position{between(1, 30)}, between(-5, 5), base::utc());
        ASSERT_NO_FATAL_FAILURE(expect_exact_cover(existing, grid, from, from + between(1, 120)));
    }
}

TEST(PartitionBounds, holes_in_local_calendars_are_covered_exactly) {
    std::mt19937_64 random(7);
    for (const char* name : {"Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"}) {
        const TestZone zone(name);
        for (const Interval& step : {Interval{1, 0, 0}, Interval{0, 1, 0}, Interval{0, 0, base::kMicrosPerHour}}) {
            const Grid grid(Axis::instant, step, default_origin(Axis::instant, step, zone), zone);
            for (int round = 0; round < 50; ++round) {
                const Position from = local(2011, 9, 1).micros + static_cast<std::int64_t>(random() % 1'000'000'000);
                const Position to =
                    from + static_cast<std::int64_t>(random() % (150 * std::uint64_t{base::kMicrosPerDay})) + 1;
                const Position middle = from + (to - from) / 2;
                const std::vector<Range> existing = {
                    {value(middle, "m"), value(middle + 1 + static_cast<int>(random() % 1000), "n", false)}};
                ASSERT_NO_FATAL_FAILURE(expect_exact_cover(existing, grid, from, to));
            }
        }
    }
}

}  // namespace
}  // namespace steward::partition
