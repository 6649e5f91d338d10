// SPDX-License-Identifier: PostgreSQL
#include "partition/pace.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace steward::partition {
namespace {

using base::kMicrosPerDay;
using base::kMicrosPerHour;
using base::kMicrosPerMinute;

Sighting seen(double day, Position key) { return {{static_cast<std::int64_t>(day * kMicrosPerDay)}, key}; }

// What maintenance remembers when it runs every `minutes` from the first day to the last.
std::vector<Sighting> watched(double first, double last, int minutes, const std::function<Position(double)>& key,
                              std::vector<Sighting> kept = {}) {
    for (double day = first; day <= last; day += minutes / 1440.0)
        kept = remember(std::move(kept), seen(day, key(day)));
    return kept;
}

TEST(PartitionPace, steady_keys_are_foretold) {
    for (int minutes : {5, 60, 1440}) {
        Pace pace(watched(0, 30, minutes, [](double day) { return Position(day * 1000); }));
        ASSERT_TRUE(pace.keys_per_day()) << minutes;
        EXPECT_NEAR(*pace.keys_per_day(), 1000, 2) << minutes;
        EXPECT_NEAR(pace.reaches(35'000)->micros / double(kMicrosPerDay), 35, 0.02) << minutes;
    }
}

TEST(PartitionPace, nights_and_weekends_are_part_of_it) {
    // 8 hours of work on 5 days a week: 1,000 keys an hour.
    auto key = [](double day) {
        auto whole = static_cast<int>(day);
        double hours = std::min(8.0, std::max(0.0, (day - whole) * 24 - 9));
        int worked = whole / 7 * 5 + std::min(whole % 7, 5);
        return Position(1000 * (worked * 8 + (whole % 7 < 5 ? hours : 0)));
    };
    // Sunday night: a rest of two days, and the mean of the week.
    EXPECT_NEAR(*Pace(watched(0, 27.99, 60, key)).keys_per_day(), 40'000 / 7.0, 300);
    // Thursday noon: the last day was a working day.
    EXPECT_NEAR(*Pace(watched(0, 24.5, 60, key)).keys_per_day(), 8000, 400);
}

TEST(PartitionPace, growing_load_is_seen_within_a_day) {
    auto key = [](double day) { return day < 20 ? Position(day * 1000) : Position(20'000 + (day - 20) * 10'000); };
    EXPECT_NEAR(*Pace(watched(0, 21, 60, key)).keys_per_day(), 10'000, 500);
}

TEST(PartitionPace, after_a_long_rest_it_is_the_last_one) {
    auto key = [](double day) { return Position(std::min(day, 10.0) * 1000); };
    Pace pace(watched(0, 100, 60, key));
    EXPECT_NEAR(*pace.keys_per_day(), 1000, 50);
    // Counted from the last look: while nothing comes, nothing runs out.
    EXPECT_NEAR(pace.reaches(15'000)->micros / double(kMicrosPerDay), 105, 0.3);
}

TEST(PartitionPace, outage_of_maintenance_distorts_nothing) {
    auto key = [](double day) { return Position(day * 1000); };
    Pace pace(watched(28, 30, 60, key, watched(0, 10, 60, key)));
    EXPECT_NEAR(*pace.keys_per_day(), 1000, 2);
}

TEST(PartitionPace, few_are_kept_closer_the_younger) {
    auto kept = watched(0, 365, 5, [](double day) { return Position(day * 100'000); });
    ASSERT_EQ(kept.size(), kMaxSightings);
    std::size_t of_last_day = 0;
    for (std::size_t i = 1; i < kept.size(); ++i) {
        EXPECT_LT(kept[i - 1].at, kept[i].at);
        EXPECT_LT(kept[i - 1].key, kept[i].key);
        if (kept[i].at.micros > 364 * kMicrosPerDay) ++of_last_day;
    }
    EXPECT_GT(of_last_day, 8u);
    EXPECT_EQ(kept.front().at.micros, 0);
}

TEST(PartitionPace, rest_is_its_begin_and_its_end) {
    auto kept = remember(remember(remember({seen(0, 5)}, seen(1, 9)), seen(2, 9)), seen(3, 9));
    ASSERT_EQ(kept.size(), 3u);
    EXPECT_EQ(kept[1].at, seen(1, 9).at);
    EXPECT_EQ(kept[2].at, seen(3, 9).at);
}

TEST(PartitionPace, keys_that_are_gone_are_forgotten) {
    auto kept = remember({seen(0, 10), seen(1, 20), seen(2, 30)}, seen(3, 25));
    ASSERT_EQ(kept.size(), 3u);
    EXPECT_TRUE(kept[1].key == 20 && kept[2].key == 25);
    // A sequence begins anew.
    kept = remember({seen(0, 10), seen(1, 20)}, seen(3, 1));
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_FALSE(Pace(kept).keys_per_day());
}

TEST(PartitionPace, clock_set_back_takes_what_is_yet_to_come) {
    auto kept = remember({seen(0, 10), seen(5, 20)}, seen(3, 25));
    ASSERT_EQ(kept.size(), 2u);
    EXPECT_EQ(kept[1].at, seen(3, 25).at);
}

TEST(PartitionPace, nothing_is_foretold_of_what_never_rose) {
    EXPECT_FALSE(Pace().newest_key());
    EXPECT_FALSE(Pace().keys_per_day());
    EXPECT_FALSE(Pace({seen(0, 10)}).reaches(11));
    EXPECT_FALSE(Pace({seen(0, 10), seen(9, 10)}).reaches(11));
    EXPECT_TRUE(Pace({seen(0, 10)}).newest_key() == Position(10));
}

TEST(PartitionPace, huge_and_far_numbers_do_not_overflow) {
    Position huge = std::numeric_limits<Position>::max() - 10;
    Pace pace({seen(0, -huge), seen(1, huge - 1000)});
    EXPECT_TRUE(pace.reaches(huge));
    EXPECT_FALSE(Pace({seen(0, 0), seen(1, 1)}).reaches(huge));
    // Digits of large keys that are close to each other.
    Position large = Position(1) << 100;
    EXPECT_NEAR(*Pace({seen(0, large), seen(1, large + 1000)}).keys_per_day(), 1000, 0.001);
}

TEST(PartitionPace, what_is_reached_was_reached_at_the_last_look) {
    Pace pace({seen(0, 0), seen(1, 100)});
    EXPECT_EQ(pace.reaches(100), seen(1, 0).at);
    EXPECT_EQ(pace.reaches(50), seen(1, 0).at);
    EXPECT_EQ(pace.reaches(200), seen(2, 0).at);
}

}  // namespace
}  // namespace steward::partition
