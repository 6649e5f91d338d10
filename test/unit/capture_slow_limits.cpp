// SPDX-License-Identifier: PostgreSQL
#include "capture/slow_limits.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace {

using namespace steward::capture;

constexpr Thresholds kSet{1000, 5000, false};

SlowLimit of_query(std::uint64_t queryid, int slow, int critical, std::uint32_t database = 1) {
    return {database, true, queryid, slow, critical};
}
SlowLimit of_application(std::string_view name, int slow, int critical) {
    return {1, false, name_hash(name), slow, critical};
}

Thresholds by(const std::vector<SlowLimit>& limits, std::uint64_t queryid, std::string_view application) {
    return thresholds_by(limits.data(), static_cast<int>(limits.size()), queryid, name_hash(application), kSet);
}

void expect(const Thresholds& thresholds, int slow, int critical, bool are_own) {
    EXPECT_EQ(thresholds.slow_ms, slow);
    EXPECT_EQ(thresholds.critical_ms, critical);
    EXPECT_EQ(thresholds.are_own, are_own);
}

TEST(CaptureSlowLimits, a_query_comes_before_its_application_and_that_before_the_settings) {
    std::vector<SlowLimit> limits{of_query(7, 20, kAsSet), of_application("batch", 60'000, 600'000),
                                  of_query(8, -1, -1), of_application("web", kAsSet, 300)};
    expect(by({}, 7, "batch"), 1000, 5000, false);
    expect(by(limits, 9, "psql"), 1000, 5000, false);
    expect(by(limits, 9, "batch"), 60'000, 600'000, true);
    expect(by(limits, 9, "web"), 1000, 300, true);
    expect(by(limits, 7, "psql"), 20, 5000, true);
    expect(by(limits, 7, "batch"), 20, 600'000, true);
    expect(by(limits, 8, "batch"), -1, -1, true);
    EXPECT_EQ(by(limits, 8, "batch").after_ns(), kNever);
    EXPECT_EQ(by(limits, 9, "web").after_ns(), 300'000'000U);
}

TEST(CaptureSlowLimits, each_database_has_its_own_and_loses_them_by_others_of_its_own) {
    auto limits = std::make_unique<SlowLimits>();
    std::vector<SlowLimit> copied(SlowLimits::kMost);
    std::vector<SlowLimit> first{of_query(1, 10, 10), of_query(2, 20, 20)};
    std::vector<SlowLimit> second{of_query(1, 30, 30, 2)};
    EXPECT_EQ(limits->replace(1, first.data(), 2), 2);
    EXPECT_EQ(limits->replace(2, second.data(), 1), 1);
    EXPECT_EQ(limits->copy(1, copied.data()), 2);
    EXPECT_EQ(limits->copy(2, copied.data()), 1);
    EXPECT_EQ(copied[0].slow_ms, 30);
    std::uint64_t changes = limits->changes();
    EXPECT_EQ(limits->replace(3, nullptr, 0), 0);
    EXPECT_EQ(limits->changes(), changes);
    EXPECT_EQ(limits->replace(1, first.data(), 1), 1);
    EXPECT_NE(limits->changes(), changes);
    EXPECT_EQ(limits->replace(2, nullptr, 0), 0);
    EXPECT_EQ(limits->count(), 1);
}

TEST(CaptureSlowLimits, what_finds_no_room_is_told) {
    auto limits = std::make_unique<SlowLimits>();
    std::vector<SlowLimit> many(SlowLimits::kMost - 1, of_query(1, 10, 10));
    std::vector<SlowLimit> more(3, of_query(1, 10, 10, 2));
    EXPECT_EQ(limits->replace(1, many.data(), static_cast<int>(many.size())), SlowLimits::kMost - 1);
    EXPECT_EQ(limits->replace(2, more.data(), 3), 1);
    EXPECT_EQ(limits->count(), SlowLimits::kMost);
}

}  // namespace
