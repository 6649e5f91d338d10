// SPDX-License-Identifier: PostgreSQL
#include "base/time.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "test_zone.hpp"

namespace steward::base {
namespace {

using test::local;
using test::TestZone;
using test::utc_instant;

const TestZone& berlin() {
    static const TestZone zone("Europe/Berlin");
    return zone;
}

std::string instant_text(LocalTime at, const Zone& zone) { return format_instant(to_instant(at, zone), zone); }

TEST(BaseTime, every_day_of_the_calendar_has_one_number) {
    EXPECT_EQ(days_from_civil(1970, 1, 1), 0);
    EXPECT_EQ(days_from_civil(2000, 1, 1), 10'957);
    EXPECT_EQ(days_from_civil(0, 3, 1), -719'468);
    EXPECT_EQ(days_from_civil(-4713, 11, 24) * kMicrosPerDay, kMinMicros);
    EXPECT_EQ(days_from_civil(294'247, 1, 1) * kMicrosPerDay, kEndMicros);
    std::int64_t day = days_from_civil(-4713, 1, 1);
    for (std::int32_t year = -4713; year <= 3000; ++year) {
        for (int month = 1; month <= 12; ++month) {
            for (int d = 1; d <= days_in_month(year, month); ++d, ++day) {
                ASSERT_EQ(days_from_civil(year, month, d), day);
                const Civil civil = civil_from(LocalTime{day * kMicrosPerDay});
                ASSERT_EQ(civil, (Civil{year, month, d, 0, 0, 0, 0}));
            }
        }
    }
}

TEST(BaseTime, centuries_are_leap_years_only_every_fourth) {
    EXPECT_EQ(days_in_month(2024, 2), 29);
    EXPECT_EQ(days_in_month(2023, 2), 28);
    EXPECT_EQ(days_in_month(1900, 2), 28);
    EXPECT_EQ(days_in_month(2000, 2), 29);
    EXPECT_EQ(days_in_month(0, 2), 29);
    EXPECT_EQ(days_in_month(-4, 2), 29);
    EXPECT_EQ(days_in_month(-100, 2), 28);
}

TEST(BaseTime, times_before_1970_keep_their_clock) {
    EXPECT_EQ(civil_from(LocalTime{-1}), (Civil{1969, 12, 31, 23, 59, 59, 999'999}));
    EXPECT_EQ(civil_from(LocalTime{kMinMicros}), (Civil{-4713, 11, 24, 0, 0, 0, 0}));
    EXPECT_EQ(civil_from(LocalTime{kEndMicros - 1}), (Civil{294'246, 12, 31, 23, 59, 59, 999'999}));
    std::mt19937_64 random(3);
    std::uniform_int_distribution<std::int64_t> any(kMinMicros, kEndMicros - 1);
    for (int i = 0; i < 20'000; ++i) {
        const LocalTime at{any(random)};
        ASSERT_EQ(local_from(civil_from(at)), at);
    }
}

TEST(BaseTime, weeks_begin_on_monday_and_belong_to_the_year_of_their_thursday) {
    EXPECT_EQ(iso_weekday(local(1970, 1, 1)), 4);
    EXPECT_EQ(iso_weekday(local(2000, 1, 3)), 1);
    EXPECT_EQ(iso_weekday(local(2000, 1, 2, 23, 59, 59, 999'999)), 7);
    EXPECT_EQ(iso_weekday(local(1969, 12, 28)), 7);
    EXPECT_EQ(iso_weekday(local(-4713, 11, 24)), 1);
    const auto week = [](LocalTime at) {
        const IsoWeek w = iso_week(at);
        return std::to_string(w.year) + "-" + std::to_string(w.week);
    };
    EXPECT_EQ(week(local(2021, 1, 3)), "2020-53");
    EXPECT_EQ(week(local(2021, 1, 4)), "2021-1");
    EXPECT_EQ(week(local(2018, 12, 31)), "2019-1");
    EXPECT_EQ(week(local(2016, 1, 1)), "2015-53");
    EXPECT_EQ(week(local(2025, 12, 28)), "2025-52");
    EXPECT_EQ(week(local(1969, 12, 29)), "1970-1");
}

TEST(BaseTime, an_ordinary_local_time_is_one_instant) {
    EXPECT_EQ(to_instant(local(2025, 1, 15, 12), berlin()), utc_instant(2025, 1, 15, 11));
    EXPECT_EQ(to_instant(local(2025, 7, 15, 12), berlin()), utc_instant(2025, 7, 15, 10));
    EXPECT_EQ(to_instant(local(2025, 3, 30, 1, 59, 59, 999'999), berlin()),
              utc_instant(2025, 3, 30, 0, 59, 59, 999'999));
    EXPECT_EQ(to_instant(local(2025, 3, 30, 3), berlin()), utc_instant(2025, 3, 30, 1));
    EXPECT_EQ(to_instant(local(2025, 1, 1), utc()), utc_instant(2025, 1, 1));
}

TEST(BaseTime, a_time_that_the_clock_jumps_over_is_the_instant_of_the_jump) {
    EXPECT_EQ(to_instant(local(2025, 3, 30, 2), berlin()), utc_instant(2025, 3, 30, 1));
    EXPECT_EQ(to_instant(local(2025, 3, 30, 2, 30, 0, 1), berlin()), utc_instant(2025, 3, 30, 1));
    EXPECT_EQ(to_instant(local(2025, 3, 30, 2, 59, 59, 999'999), berlin()), utc_instant(2025, 3, 30, 1));
}

TEST(BaseTime, a_midnight_that_does_not_exist_is_the_end_of_the_gap) {
    const TestZone santiago("America/Santiago");
    EXPECT_EQ(instant_text(local(2024, 9, 8), santiago), "2024-09-08 01:00:00-03");
    EXPECT_EQ(to_instant(local(2024, 9, 8), santiago), utc_instant(2024, 9, 8, 4));
}

TEST(BaseTime, a_time_shown_twice_is_the_first_pass) {
    EXPECT_EQ(to_instant(local(2025, 10, 26, 2), berlin()), utc_instant(2025, 10, 26, 0));
    EXPECT_EQ(to_instant(local(2025, 10, 26, 2, 59, 59, 999'999), berlin()),
              utc_instant(2025, 10, 26, 0, 59, 59, 999'999));
    EXPECT_EQ(to_instant(local(2025, 10, 26, 3), berlin()), utc_instant(2025, 10, 26, 2));
    const TestZone havana("America/Havana");  // its clock goes back from 1:00 to midnight
    EXPECT_EQ(instant_text(local(2024, 11, 3), havana), "2024-11-03 00:00:00-04");
}

TEST(BaseTime, only_the_second_pass_is_called_so) {
    EXPECT_FALSE(is_second_pass(utc_instant(2025, 10, 25, 23, 59, 59), berlin()));
    EXPECT_FALSE(is_second_pass(utc_instant(2025, 10, 26, 0), berlin()));
    EXPECT_FALSE(is_second_pass(utc_instant(2025, 10, 26, 0, 59, 59, 999'999), berlin()));
    EXPECT_TRUE(is_second_pass(utc_instant(2025, 10, 26, 1), berlin()));
    EXPECT_TRUE(is_second_pass(utc_instant(2025, 10, 26, 1, 59, 59, 999'999), berlin()));
    EXPECT_FALSE(is_second_pass(utc_instant(2025, 10, 26, 2), berlin()));
    EXPECT_FALSE(is_second_pass(utc_instant(2025, 3, 30, 1), berlin()));
}

TEST(BaseTime, half_hour_changes_are_exact) {
    const TestZone lord_howe("Australia/Lord_Howe");
    EXPECT_EQ(instant_text(local(2024, 10, 6, 2, 15), lord_howe), "2024-10-06 02:30:00+11");
    EXPECT_EQ(instant_text(local(2024, 4, 7, 1, 45), lord_howe), "2024-04-07 01:45:00+11");
    EXPECT_EQ(instant_text(local(2024, 4, 7, 2), lord_howe), "2024-04-07 02:00:00+10:30");
}

TEST(BaseTime, a_whole_day_that_was_skipped_is_one_instant) {
    const TestZone apia("Pacific/Apia");
    const Instant jump = utc_instant(2011, 12, 30, 10);
    EXPECT_EQ(to_instant(local(2011, 12, 30), apia), jump);
    EXPECT_EQ(to_instant(local(2011, 12, 30, 23, 59, 59), apia), jump);
    EXPECT_EQ(to_instant(local(2011, 12, 31), apia), jump);
    EXPECT_EQ(format_instant(Instant{jump.micros - 1}, apia), "2011-12-29 23:59:59.999999-10");
}

// An hour of summer time from `at` on, for two hours only: no real zone changes twice within days.
class TwoHoursOfSummer final : public Zone {
public:
    explicit TwoHoursOfSummer(Instant at) : at_(at) {}
    std::int32_t offset_seconds(Instant at) const noexcept override {
        return at >= at_ && at.micros < at_.micros + 2 * kMicrosPerHour ? 3600 : 0;
    }
    std::string_view name() const noexcept override { return "two hours of summer"; }

private:
    Instant at_;
};

TEST(BaseTime, two_changes_within_a_day_are_exact) {
    const TwoHoursOfSummer zone(utc_instant(2025, 6, 1));
    EXPECT_EQ(to_instant(local(2025, 6, 1, 1, 30, 0, 250'000), zone), utc_instant(2025, 6, 1, 0, 30, 0, 250'000));
    EXPECT_EQ(to_instant(local(2025, 6, 1, 0, 30), zone), utc_instant(2025, 6, 1));
}

TEST(BaseTime, a_zone_that_moved_a_day_back_shows_the_first_pass) {
    const TestZone kwajalein("Pacific/Kwajalein");  // skipped 1993-08-21
    EXPECT_EQ(instant_text(local(1993, 8, 21, 12), kwajalein), "1993-08-22 00:00:00+12");
    const TestZone manila("Asia/Manila");  // skipped 1844-12-31 by local mean time
    EXPECT_EQ(civil_from(to_local(to_instant(local(1844, 12, 31, 12), manila), manila)),
              (Civil{1845, 1, 1, 0, 0, 0, 0}));
    const TestZone juneau("America/Juneau");  // had 1867-10-19 twice
    const Instant noon = to_instant(local(1867, 10, 19, 12), juneau);
    EXPECT_FALSE(is_second_pass(noon, juneau));
    EXPECT_TRUE(is_second_pass(Instant{noon.micros + kMicrosPerDay}, juneau));
}

TEST(BaseTime, offsets_with_seconds_are_exact) {
    const TestZone amsterdam("Europe/Amsterdam");
    const TestZone monrovia("Africa/Monrovia");
    EXPECT_EQ(instant_text(local(1960, 1, 1), monrovia), "1960-01-01 00:00:00-00:44:30");
    EXPECT_EQ(to_local(to_instant(local(1920, 6, 1, 12), amsterdam), amsterdam), local(1920, 6, 1, 12));
}

TEST(BaseTime, far_years_follow_the_last_rule) {
    EXPECT_EQ(instant_text(local(9999, 7, 1), berlin()), "9999-07-01 00:00:00+02");
    EXPECT_EQ(instant_text(local(294'246, 12, 31, 12), berlin()), "294246-12-31 12:00:00+01");
    EXPECT_EQ(instant_text(local(-4713, 11, 25), utc()), "4714-11-25 00:00:00+00 BC");
}

// The rule in one sentence, against the slow way of finding it: the first instant at which the clock shows `at` or
// later.
TEST(BaseTime, every_local_time_is_the_first_instant_that_shows_it) {
    std::mt19937_64 random(4);
    for (const char* name : {"Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe",
                             "Pacific/Apia", "Africa/Casablanca", "Europe/Dublin", "Europe/Amsterdam", "Asia/Kathmandu",
                             "Antarctica/Troll", "America/St_Johns", "Asia/Gaza"}) {
        const TestZone zone(name);
        std::vector<std::int64_t> changes;
        const std::int64_t hour = kMicrosPerHour;
        for (std::int64_t t = utc_instant(1900, 1, 1).micros; t < utc_instant(2060, 1, 1).micros; t += 24 * hour) {
            if (zone.offset_seconds(Instant{t}) != zone.offset_seconds(Instant{t + 24 * hour})) {
                changes.push_back(t);
            }
        }
        ASSERT_GE(changes.size(), 2U) << name;
        for (int i = 0; i < 300; ++i) {
            const std::int64_t jitter = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(72 * hour));
            const LocalTime at{changes[random() % changes.size()] - 24 * hour + jitter};
            const Instant found = to_instant(at, zone);
            ASSERT_GE(to_local(found, zone), at) << name << " " << format_local(at);
            for (std::int64_t back = 1; back < 26 * hour;
                 back += back < kMicrosPerSecond ? kMicrosPerSecond - 1 : hour / 4) {
                ASSERT_LT(to_local(Instant{found.micros - back}, zone), at) << name << " " << format_local(at);
            }
        }
    }
}

TEST(BaseTime, later_local_times_are_never_earlier_instants) {
    for (const char* name :
         {"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"}) {
        const TestZone zone(name);
        Instant last{kMinMicros};
        for (std::int64_t at = local(2010, 1, 1).micros; at < local(2013, 1, 1).micros; at += 7 * kMicrosPerMinute) {
            const Instant next = to_instant(LocalTime{at}, zone);
            ASSERT_LE(last, next) << name << " " << format_local(LocalTime{at});
            last = next;
        }
    }
}

TEST(BaseTime, months_are_counted_from_the_origin_and_never_drift) {
    const LocalTime origin = local(2025, 1, 31, 8, 30);
    EXPECT_EQ(add(origin, {1, 0, 0}, 1), local(2025, 2, 28, 8, 30));
    EXPECT_EQ(add(origin, {1, 0, 0}, 2), local(2025, 3, 31, 8, 30));
    EXPECT_EQ(add(origin, {1, 0, 0}, 13), local(2026, 2, 28, 8, 30));
    EXPECT_EQ(add(origin, {1, 0, 0}, 37), local(2028, 2, 29, 8, 30));
    EXPECT_EQ(add(origin, {1, 0, 0}, -1), local(2024, 12, 31, 8, 30));
    EXPECT_EQ(add(origin, {1, 0, 0}, -11), local(2024, 2, 29, 8, 30));
    EXPECT_EQ(add(origin, {12, 0, 0}, -2025), local(0, 1, 31, 8, 30));
    EXPECT_EQ(add(local(1969, 1, 31, 8, 30), {1, 0, 0}, 1), local(1969, 2, 28, 8, 30));
}

TEST(BaseTime, months_come_before_days_and_days_before_the_rest) {
    EXPECT_EQ(add(local(2025, 1, 31), {1, 1, kMicrosPerHour}, 1), local(2025, 3, 1, 1));
    EXPECT_EQ(add(local(2025, 1, 31), {1, 1, kMicrosPerHour}, 2), local(2025, 4, 2, 2));
    EXPECT_EQ(add(local(2025, 1, 1), {0, -1, -1}, 1), local(2024, 12, 30, 23, 59, 59, 999'999));
}

TEST(BaseTime, nothing_is_added_beyond_the_range_of_times) {
    const LocalTime origin = local(2000, 1, 1);
    EXPECT_EQ(add(origin, {12, 0, 0}, 292'247), std::nullopt);
    EXPECT_EQ(add(origin, {12, 0, 0}, 292'246), local(294'246, 1, 1));
    EXPECT_EQ(add(LocalTime{kEndMicros - 1}, {0, 0, 1}, 1), std::nullopt);
    EXPECT_EQ(add(LocalTime{kMinMicros}, {0, 0, 1}, -1), std::nullopt);
    EXPECT_EQ(add(LocalTime{kMinMicros}, {0, 0, 1}, 0), LocalTime{kMinMicros});
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const std::int32_t widest = std::numeric_limits<std::int32_t>::max();
    for (const std::int64_t n : {most, -most - 1}) {
        EXPECT_EQ(add(origin, {widest, widest, most}, n), std::nullopt);
        EXPECT_EQ(add(origin, {-widest - 1, 0, 0}, n), std::nullopt);
        EXPECT_EQ(add(origin, {0, widest, 0}, n), std::nullopt);
        EXPECT_EQ(add(origin, {0, 0, most}, n), std::nullopt);
        EXPECT_EQ(add(origin, {}, n), origin);
    }
}

}  // namespace
}  // namespace steward::base
