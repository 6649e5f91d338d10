// SPDX-License-Identifier: PostgreSQL
#include "partition/grid.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::Instant;
using base::Interval;
using base::kMicrosPerDay;
using base::kMicrosPerHour;
using base::kMicrosPerMinute;
using base::kMicrosPerSecond;
using test::local;
using test::TestZone;
using test::utc_instant;

constexpr Interval kHour{0, 0, kMicrosPerHour};
constexpr Interval kDay{0, 1, 0};
constexpr Interval kMonth{1, 0, 0};
constexpr std::int64_t kMaxIndex = std::numeric_limits<std::int64_t>::max();

Position at(base::LocalTime time, const base::Zone& zone) { return base::to_instant(time, zone).micros; }

Grid instant_grid(const Interval& step, const base::Zone& zone) {
    return Grid(Axis::instant, step, default_origin(Axis::instant, step, zone), zone);
}

std::string line_text(const Grid& grid, std::int64_t n) {
    const auto line = grid.begin(n);
    return line ? base::format_instant(Instant{static_cast<std::int64_t>(*line)}, grid.zone()) : "nothing";
}

// The lines of [from, to), which must be lines themselves.
std::vector<Position> lines_between(const Grid& grid, Position from, Position to) {
    std::vector<Position> lines;
    EXPECT_TRUE(grid.is_on_grid(from));
    EXPECT_TRUE(grid.is_on_grid(to));
    for (auto n = grid.index_of(from).value_or(0); grid.begin(n).value_or(to) < to; ++n) {
        lines.push_back(*grid.begin(n));
    }
    return lines;
}

TEST(PartitionGrid, a_day_has_as_many_hourly_periods_as_it_has_hours) {
    struct Case {
        const char* zone;
        int year, month, day;
        std::size_t hours;
    };
    for (const Case& c : {Case{"Europe/Berlin", 2025, 3, 30, 23}, Case{"Europe/Berlin", 2025, 10, 26, 25},
                          Case{"Europe/Berlin", 2025, 6, 1, 24}, Case{"America/New_York", 2025, 3, 9, 23},
                          Case{"America/New_York", 2025, 11, 2, 25}, Case{"America/Santiago", 2024, 9, 8, 23},
                          Case{"America/Santiago", 2024, 4, 6, 25}}) {
        const TestZone zone(c.zone);
        const Grid grid = instant_grid(kHour, zone);
        const Position midnight = at(local(c.year, c.month, c.day), zone);
        const Position next = at(local(c.year, c.month, c.day + 1), zone);
        const auto lines = lines_between(grid, midnight, next);
        EXPECT_EQ(lines.size(), c.hours) << c.zone << " " << c.month;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            ASSERT_EQ(lines[i], midnight + Position(i) * kMicrosPerHour);
        }
    }
}

TEST(PartitionGrid, hours_stay_an_hour_long_where_the_clock_moves_by_half_of_one) {
    const TestZone zone("Australia/Lord_Howe");
    const Grid grid = instant_grid(kHour, zone);  // the origin lies in summer, at +11
    for (const int month : {4, 10}) {
        const Position noon_before = at(local(2024, month, month == 4 ? 6 : 5, 12), zone);
        const Position noon_after = at(local(2024, month, month == 4 ? 7 : 6, 12), zone);
        const Position half_hours = (noon_after - noon_before) / (kMicrosPerHour / 2);
        EXPECT_EQ(half_hours, month == 4 ? 49 : 47);
        int lines = 0;
        for (auto n = *grid.index_of(noon_before); *grid.begin(n) < noon_after; ++n, ++lines) {
            ASSERT_EQ(*grid.begin(n + 1) - *grid.begin(n), kMicrosPerHour);
        }
        EXPECT_EQ(lines, month == 4 ? 25 : 24);
        EXPECT_EQ(grid.is_on_grid(noon_before), month == 4);
        EXPECT_EQ(grid.is_on_grid(noon_after), month == 10);
    }
}

TEST(PartitionGrid, days_begin_at_local_midnight_or_where_the_gap_over_it_ends) {
    for (const char* name : {"Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe",
                             "Asia/Kathmandu", "Africa/Casablanca", "Europe/Dublin"}) {
        const TestZone zone(name);
        const Grid grid = instant_grid(kDay, zone);
        for (std::int64_t n = -20'000; n < 15'000; ++n) {
            const base::LocalTime midnight{local(2000, 1, 1).micros + n * kMicrosPerDay};
            const Instant begin{static_cast<std::int64_t>(*grid.begin(n))};
            const base::LocalTime shown = base::to_local(begin, zone);
            ASSERT_GE(shown, midnight) << name << " " << n;
            ASSERT_LT(base::to_local(Instant{begin.micros - 1}, zone), midnight) << name << " " << n;
            if (shown != midnight) {
                ASSERT_LE(shown.micros - midnight.micros, kMicrosPerHour) << name << " " << n;
            }
        }
    }
    const TestZone santiago("America/Santiago");
    const Grid grid = instant_grid(kDay, santiago);
    EXPECT_EQ(line_text(grid, *grid.index_of(at(local(2024, 9, 8, 12), santiago))), "2024-09-08 01:00:00-03");
}

TEST(PartitionGrid, months_from_the_31st_do_not_drift) {
    const TestZone zone("Europe/Berlin");
    const Grid grid(Axis::instant, kMonth, at(local(2025, 1, 31), zone), zone);
    EXPECT_EQ(line_text(grid, 1), "2025-02-28 00:00:00+01");
    EXPECT_EQ(line_text(grid, 2), "2025-03-31 00:00:00+02");
    EXPECT_EQ(line_text(grid, 3), "2025-04-30 00:00:00+02");
    EXPECT_EQ(line_text(grid, 12), "2026-01-31 00:00:00+01");
    EXPECT_EQ(line_text(grid, -11), "2024-02-29 00:00:00+01");
    EXPECT_EQ(grid.index_of(at(local(2025, 3, 30, 23), zone)), 1);
    EXPECT_EQ(grid.index_of(at(local(2025, 3, 31), zone)), 2);
}

TEST(PartitionGrid, months_keep_their_local_midnight_through_the_year) {
    const TestZone zone("America/New_York");
    const Grid grid = instant_grid(kMonth, zone);
    EXPECT_EQ(line_text(grid, 306), "2025-07-01 00:00:00-04");
    EXPECT_EQ(line_text(grid, 311), "2025-12-01 00:00:00-05");
    EXPECT_EQ(line_text(grid, -12'000), "1000-01-01 00:00:00-04:56:02");
}

TEST(PartitionGrid, a_day_that_the_calendar_skips_has_an_empty_period) {
    const TestZone zone("Pacific/Apia");
    const Grid grid = instant_grid(kDay, zone);
    const Position jump = utc_instant(2011, 12, 30, 10).micros;
    const std::int64_t n = *grid.index_of(jump - 1);
    EXPECT_EQ(line_text(grid, n), "2011-12-29 00:00:00-10");
    EXPECT_EQ(grid.begin(n + 1), jump);
    EXPECT_EQ(grid.begin(n + 2), jump);
    EXPECT_EQ(grid.index_of(jump), n + 2);
    EXPECT_EQ(line_text(grid, n + 3), "2012-01-01 00:00:00+14");
    EXPECT_TRUE(grid.is_on_grid(jump));
}

TEST(PartitionGrid, a_period_that_begins_within_an_overlap_begins_with_its_first_pass) {
    const TestZone zone("Europe/Berlin");
    const Grid grid(Axis::instant, kDay, at(local(2025, 10, 1, 2, 30), zone), zone);
    const Position first = utc_instant(2025, 10, 26, 0, 30).micros;
    EXPECT_EQ(grid.begin(25), first);
    EXPECT_EQ(grid.index_of(first - 1), 24);
    EXPECT_EQ(grid.index_of(first), 25);
    EXPECT_EQ(grid.index_of(first + 45 * kMicrosPerMinute), 25);  // shown as 2:15, the second time
    EXPECT_FALSE(grid.is_on_grid(first + kMicrosPerHour));
}

TEST(PartitionGrid, mixed_steps_live_in_the_local_calendar) {
    const TestZone zone("Europe/Berlin");
    const Grid grid(Axis::instant, Interval{1, 0, 12 * kMicrosPerHour}, at(local(2025, 1, 1), zone), zone);
    EXPECT_EQ(line_text(grid, 3), "2025-04-02 12:00:00+02");
    EXPECT_EQ(line_text(grid, 4), "2025-05-03 00:00:00+02");
}

TEST(PartitionGrid, the_wall_clock_knows_no_zone) {
    const TestZone zone("Europe/Berlin");
    const Grid hours(Axis::wall_clock, kHour, default_origin(Axis::wall_clock, kHour, zone), zone);
    const Position midnight = local(2025, 3, 30).micros;
    EXPECT_EQ(lines_between(hours, midnight, midnight + kMicrosPerDay).size(), 24U);
    const Grid months(Axis::wall_clock, kMonth, local(2025, 1, 31).micros, zone);
    EXPECT_EQ(months.begin(1), Position{local(2025, 2, 28).micros});
    EXPECT_EQ(months.index_of(local(2025, 2, 27, 23, 59).micros), 0);
    EXPECT_EQ(months.index_of(local(2025, 2, 28).micros), 1);
}

TEST(PartitionGrid, numbers_are_counted_in_both_directions) {
    const Grid grid(Axis::number, Position{1000}, 7, base::utc());
    EXPECT_EQ(grid.begin(0), Position{7});
    EXPECT_EQ(grid.begin(-2), Position{-1993});
    EXPECT_EQ(grid.index_of(6), -1);
    EXPECT_EQ(grid.index_of(7), 0);
    EXPECT_EQ(grid.index_of(1006), 0);
    EXPECT_EQ(grid.index_of(1007), 1);
    EXPECT_EQ(grid.index_of(-1993), -2);
    EXPECT_TRUE(grid.is_on_grid(-993));
    EXPECT_FALSE(grid.is_on_grid(0));
    EXPECT_EQ(grid.shift(500, -3), Position{-2500});
}

TEST(PartitionGrid, nothing_lies_beyond_the_range_of_an_axis) {
    const Position most = static_cast<Position>((static_cast<unsigned __int128>(1) << 127) - 1);
    const Grid wide(Axis::number, most, 0, base::utc());
    EXPECT_EQ(wide.begin(1), most);
    EXPECT_EQ(wide.begin(2), std::nullopt);
    EXPECT_EQ(wide.index_of(-1), -1);
    EXPECT_EQ(wide.index_of(-most - 1), std::nullopt);  // period -2 begins before all numbers
    const Grid narrow(Axis::number, Position{1}, 0, base::utc());
    EXPECT_EQ(narrow.index_of(most), std::nullopt);
    EXPECT_EQ(narrow.index_of(Position{kMaxIndex} - 1), kMaxIndex - 1);
    EXPECT_EQ(Grid(Axis::number, Position{1}, -1, base::utc()).index_of(most), std::nullopt);

    for (const Interval& step : {kHour, kDay, kMonth}) {
        for (const Axis axis : {Axis::instant, Axis::wall_clock}) {
            const Grid grid(axis, step, 0, base::utc());
            EXPECT_EQ(grid.begin(kMaxIndex), std::nullopt);
            EXPECT_EQ(grid.begin(-kMaxIndex - 1), std::nullopt);
            EXPECT_EQ(grid.index_of(base::kEndMicros), std::nullopt);
            EXPECT_EQ(grid.index_of(Position{base::kMinMicros} - 1), std::nullopt);
            const auto last = grid.index_of(Position{base::kEndMicros} - 1);
            ASSERT_TRUE(last);
            EXPECT_TRUE(grid.begin(*last));
            EXPECT_EQ(grid.begin(*last + 1), std::nullopt);
            EXPECT_EQ(grid.shift(Position{base::kEndMicros} - 1, 1), std::nullopt);
            EXPECT_EQ(grid.shift(most, 1), std::nullopt);
            EXPECT_EQ(Grid(axis, step, most, base::utc()).begin(0), std::nullopt);
            EXPECT_EQ(Grid(axis, step, most, base::utc()).index_of(0), std::nullopt);
        }
    }
    const Grid months = instant_grid(kMonth, base::utc());
    EXPECT_EQ(months.index_of(base::kMinMicros), std::nullopt);  // November of 4714 BC begins before all times
    EXPECT_TRUE(months.index_of(Position{base::kMinMicros} + 7 * kMicrosPerDay));
    const Grid widest(Axis::instant, Interval{std::numeric_limits<std::int32_t>::max(), 0, 0}, 0, base::utc());
    EXPECT_EQ(widest.index_of(1), 0);
    EXPECT_EQ(widest.begin(1), std::nullopt);
}

class RandomGrids {
public:
    explicit RandomGrids(std::uint64_t seed) : random_(seed) {}

    std::int64_t between(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
    }

    Interval step() {
        switch (between(0, 5)) {
        case 0: return {static_cast<std::int32_t>(between(1, 30)), 0, 0};
        case 1: return {0, static_cast<std::int32_t>(between(1, 40)), 0};
        case 2: return {0, 0, between(kMicrosPerSecond, 3 * kMicrosPerDay)};
        case 3: return {0, 0, between(1, 48) * kMicrosPerHour / 2};
        case 4: return {0, static_cast<std::int32_t>(between(1, 3)), between(0, kMicrosPerDay)};
        default:
            return {static_cast<std::int32_t>(between(1, 3)), static_cast<std::int32_t>(between(0, 3)),
                    between(0, kMicrosPerDay)};
        }
    }

    // Mostly this age, round to the second; sometimes anything.
    std::int64_t moment() {
        return between(0, 9) == 0 ? between(-60'000'000'000'000'000, 250'000'000'000'000'000)
                                  : between(-2'000'000'000, 3'000'000'000) * kMicrosPerSecond;
    }

private:
    std::mt19937_64 random_;
};

TEST(PartitionGrid, every_position_lies_in_the_one_period_that_holds_it) {
    RandomGrids any(5);
    for (const char* name :
         {"UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia",
          "Africa/Casablanca", "Europe/Dublin", "Europe/Amsterdam", "America/Havana"}) {
        const TestZone zone(name);
        for (int i = 0; i < 1000; ++i) {
            const Axis axis = any.between(0, 3) == 0 ? Axis::wall_clock : Axis::instant;
            const Grid grid(axis, any.step(), any.moment(), zone);
            const Position position = any.moment();
            const std::string what = std::string(name) + " " + format_step(grid.step(), 0) + " from " +
                                     base::format_decimal(grid.origin(), 0) + " at " +
                                     base::format_decimal(position, 0);
            const auto n = grid.index_of(position);
            ASSERT_TRUE(n) << what;
            ASSERT_LE(*grid.begin(*n), position) << what;
            ASSERT_GT(*grid.begin(*n + 1), position) << what;
            for (std::int64_t k = *n - 3; k < *n + 3; ++k) {
                const Position length = *grid.begin(k + 1) - *grid.begin(k);
                ASSERT_GE(length, 0) << what;
                if (length == 0) {
                    ASSERT_EQ(std::string(name), "Pacific/Apia") << what;
                    continue;
                }
                ASSERT_EQ(grid.index_of(*grid.begin(k)), k) << what;
                ASSERT_EQ(grid.index_of(*grid.begin(k + 1) - 1), k) << what;
                ASSERT_TRUE(grid.is_on_grid(*grid.begin(k))) << what;
            }
        }
    }
}

}  // namespace
}  // namespace steward::partition
