// SPDX-License-Identifier: PostgreSQL
#include "capture/counters.hpp"

#include <gtest/gtest.h>

namespace {

using namespace steward::capture;

void call(Counters& counters, std::int64_t nanos, std::int64_t cpu, int sampling) {
    ++counters.sums[kCalls];
    counters.add_duration(nanos);
    counters.sums[kCpuNs] += cpu * sampling;
    counters.sums[kSampledNs] += sampling > 0 ? nanos * sampling : 0;
}

TEST(CaptureCounters, processor_time_is_not_more_than_the_time_of_a_statement_that_only_computes) {
    Counters counters;
    counters.clear();
    // What is measured takes longer for it.
    for (int i = 0; i < 1600; ++i) i % 16 == 0 ? call(counters, 12'000, 12'000, 16) : call(counters, 10'000, 0, 0);
    EXPECT_EQ(cpu_time_ns(counters), counters.sums[kTotalNs]);
}

TEST(CaptureCounters, processor_time_is_the_part_of_the_time_that_it_is_of_what_was_measured) {
    Counters counters;
    counters.clear();
    EXPECT_EQ(cpu_time_ns(counters), 0);
    call(counters, 8'000'000, 2'000'000, 1);
    EXPECT_EQ(cpu_time_ns(counters), 2'000'000);
    call(counters, 8'000'000, 0, 0);
    EXPECT_EQ(cpu_time_ns(counters), 4'000'000);
}

}  // namespace
