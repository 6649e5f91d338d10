// SPDX-License-Identifier: PostgreSQL
#include "partition/grid.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::Instant;
using base::Interval;
using base::kMicrosPerDay;
using base::kMicrosPerHour;
using base::kMicrosPerSecond;
using test::local;
using test::TestZone;
using test::utc_instant;

constexpr Interval kHour{0, 0, kMicrosPerHour};
constexpr Interval kDay{0, 1, 0};
constexpr Interval kWeek{0, 7, 0};
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

TEST(PartitionStep, shifting_moves_as_the_calendar_of_the_grid_moves) {
    const TestZone zone("Europe/Berlin");
    const Position noon = at(local(2025, 3, 31, 12), zone);
    EXPECT_EQ(instant_grid(kDay, zone).shift(noon, -1), at(local(2025, 3, 30, 12), zone));
    EXPECT_EQ(instant_grid(kDay, zone).shift(noon, -2), at(local(2025, 3, 29, 12), zone));  // 49 hours
    EXPECT_EQ(instant_grid(kHour, zone).shift(noon, -48), noon - 48 * Position{kMicrosPerHour});
    EXPECT_EQ(instant_grid(kMonth, zone).shift(noon, -1), at(local(2025, 2, 28, 12), zone));
    const Position second_pass = utc_instant(2025, 10, 26, 1, 30).micros;
    EXPECT_EQ(instant_grid(kDay, zone).shift(second_pass, 0), second_pass);
}

TEST(PartitionStep, moving_by_an_interval_adds_as_the_server_adds) {
    const TestZone zone("Europe/Berlin");
    const Position noon = at(local(2025, 3, 29, 12), zone);
    const auto moved = [&](const Interval& interval, std::int64_t n) {
        return move_by(Axis::instant, noon, interval, n, zone);
    };
    EXPECT_EQ(moved(kDay, 1), at(local(2025, 3, 30, 12), zone));
    EXPECT_EQ(moved({0, 0, 24 * kMicrosPerHour}, 1), at(local(2025, 3, 30, 13), zone));
    EXPECT_EQ(moved({0, 1, kMicrosPerHour}, -1), at(local(2025, 3, 28, 11), zone));
    // 02:30 does not exist: '1 day -9:30' is a day to noon, then nine and a half real hours back.
    EXPECT_EQ(moved({0, 1, -19 * kMicrosPerHour / 2}, 1), utc_instant(2025, 3, 30, 0, 30).micros);
    EXPECT_EQ(moved({0, 1, 0}, 0), noon);
    EXPECT_EQ(move_by(Axis::wall_clock, local(2025, 1, 31).micros, kMonth, 1, zone), local(2025, 2, 28).micros);
    EXPECT_EQ(move_by(Axis::number, 5, kDay, 1, zone), std::nullopt);
    EXPECT_EQ(moved({12, 0, 0}, 1'000'000), std::nullopt);
    EXPECT_EQ(moved({0, 0, kMicrosPerHour}, kMaxIndex), std::nullopt);
}

TEST(PartitionStep, origins_nobody_names_are_round) {
    const TestZone zone("Europe/Berlin");
    EXPECT_EQ(default_origin(Axis::instant, kMonth, zone), at(local(2000, 1, 1), zone));
    EXPECT_EQ(default_origin(Axis::instant, kHour, zone), at(local(2000, 1, 1), zone));
    EXPECT_EQ(default_origin(Axis::wall_clock, kDay, zone), local(2000, 1, 1).micros);
    EXPECT_EQ(default_origin(Axis::wall_clock, kWeek, zone), local(2000, 1, 3).micros);
    EXPECT_EQ(default_origin(Axis::wall_clock, Interval{0, 14, 0}, zone), local(2000, 1, 3).micros);
    EXPECT_EQ(default_origin(Axis::number, Position{10}, zone), 0);
    const Grid decades = instant_grid({120, 0, 0}, base::utc());
    EXPECT_EQ(line_text(decades, *decades.index_of(utc_instant(2025, 5, 5).micros)), "2020-01-01 00:00:00+00");
    const Grid centuries = instant_grid({1200, 0, 0}, base::utc());
    EXPECT_EQ(line_text(centuries, *centuries.index_of(utc_instant(1999, 5, 5).micros)), "1900-01-01 00:00:00+00");
    EXPECT_EQ(base::iso_weekday(
                  base::to_local(Instant{static_cast<std::int64_t>(*instant_grid(kWeek, zone).begin(-1234))}, zone)),
              1);
}

TEST(PartitionStep, words_mean_intervals) {
    EXPECT_EQ(interval_from_word("hourly"), kHour);
    EXPECT_EQ(interval_from_word("daily"), kDay);
    EXPECT_EQ(interval_from_word("weekly"), kWeek);
    EXPECT_EQ(interval_from_word("Monthly"), kMonth);
    EXPECT_EQ(interval_from_word("quarterly"), (Interval{3, 0, 0}));
    EXPECT_EQ(interval_from_word("YEARLY"), (Interval{12, 0, 0}));
    EXPECT_EQ(interval_from_word("decade"), (Interval{120, 0, 0}));
    EXPECT_EQ(interval_from_word("century"), (Interval{1200, 0, 0}));
    for (const char* word : {"", "month", "dailyy", "dail", "1 day"}) {
        EXPECT_EQ(interval_from_word(word), std::nullopt) << word;
    }
}

TEST(PartitionStep, steps_that_do_not_move_forward_by_a_second_are_refused) {
    for (const Step& good : {Step{kHour}, Step{kMonth}, Step{Interval{0, 0, kMicrosPerSecond}}, Step{Interval{1, 0, 1}},
                             Step{Position{1}}}) {
        EXPECT_FALSE(check_step(good)) << format_step(good, 0);
    }
    for (const Step& bad : {Step{Interval{}}, Step{Interval{-1, 0, 0}}, Step{Interval{1, -1, 0}},
                            Step{Interval{0, 1, -1}}, Step{Interval{0, 0, kMicrosPerSecond - 1}},
                            Step{Interval{0, -1, -1}}, Step{Position{0}}, Step{Position{-5}}}) {
        const auto failure = check_step(bad);
        ASSERT_TRUE(failure) << format_step(bad, 0);
        EXPECT_EQ(failure->sqlstate, "22023");
        EXPECT_NE(failure->message.find(format_step(bad, 0)), std::string::npos);
        EXPECT_NE(failure->hint, "");
    }
    EXPECT_THROW(Grid(Axis::number, kDay, 0, base::utc()), std::invalid_argument);
    EXPECT_THROW(Grid(Axis::instant, Position{1}, 0, base::utc()), std::invalid_argument);
    EXPECT_THROW(Grid(Axis::wall_clock, Interval{}, 0, base::utc()), std::invalid_argument);
}

TEST(PartitionStep, steps_are_written_for_people) {
    EXPECT_EQ(format_step(kMonth, 0), "1 mon");
    EXPECT_EQ(format_step(kHour, 7), "01:00:00");
    EXPECT_EQ(format_step(Position{1'000'000}, 0), "1000000");
    EXPECT_EQ(format_step(Position{25}, 2), "0.25");
}

}  // namespace
}  // namespace steward::partition
