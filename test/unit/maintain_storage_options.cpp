// SPDX-License-Identifier: PostgreSQL
#include "maintain/storage_options.hpp"

#include <gtest/gtest.h>

#include "maintain/server_faults.hpp"

namespace steward::maintain {
namespace {

HeapFacts with(const std::vector<std::string>& options) {
    HeapFacts heap;
    apply_storage_options(heap, options);
    return heap;
}

TEST(MaintainStorageOptions, stand_over_the_settings) {
    const Thresholds given = with({"fillfactor=70", "autovacuum_vacuum_threshold=7",
                                   "autovacuum_vacuum_scale_factor=0.01", "autovacuum_analyze_threshold=8",
                                   "autovacuum_analyze_scale_factor=0", "autovacuum_vacuum_insert_scale_factor=0.5"})
                                 .thresholds;
    EXPECT_EQ(given.vacuum_base, 7);
    EXPECT_EQ(given.vacuum_scale, 0.01);
    EXPECT_EQ(given.analyze_base, 8);
    EXPECT_EQ(given.analyze_scale, 0);
    EXPECT_EQ(given.insert_scale, 0.5);
    EXPECT_EQ(given.insert_base, 1000);
}

TEST(MaintainStorageOptions, less_than_zero_stands_for_the_setting) {
    EXPECT_EQ(with({"autovacuum_vacuum_scale_factor=-1"}).thresholds.vacuum_scale, 0.2);
}

TEST(MaintainStorageOptions, switch_off_what_minus_one_switches_off) {
    EXPECT_EQ(with({"autovacuum_vacuum_insert_threshold=-1"}).thresholds.insert_base, -1);
    EXPECT_EQ(with({"autovacuum_vacuum_insert_threshold=-2"}).thresholds.insert_base, 1000);
    EXPECT_EQ(with({"autovacuum_vacuum_max_threshold=5"}).thresholds.vacuum_max, 5);
    EXPECT_FALSE(
        with({"autovacuum_vacuum_max_threshold=5", "autovacuum_vacuum_max_threshold=-1"}).thresholds.vacuum_max);
}

TEST(MaintainStorageOptions, freeze_earlier_but_never_later_than_the_server) {
    EXPECT_EQ(with({"autovacuum_freeze_max_age=100000"}).thresholds.freeze_max_age, 100'000);
    EXPECT_EQ(with({"autovacuum_freeze_max_age=2000000000"}).thresholds.freeze_max_age, 200'000'000);
}

TEST(MaintainStorageOptions, read_booleans_as_the_server_writes_them) {
    for (const char* off : {"false", "off", "no", "0", "F", "OFF"})
        EXPECT_FALSE(with({std::string("autovacuum_enabled=") + off}).is_autovacuum_enabled) << off;
    for (const char* on : {"true", "on", "yes", "1", "t", "ON"})
        EXPECT_TRUE(with({std::string("autovacuum_enabled=") + on}).is_autovacuum_enabled) << on;
}

TEST(MaintainServerFaults, name_the_minors_that_corrupt_indexes) {
    EXPECT_NE(broken_reindex(130004).find("13.4 "), std::string::npos);
    EXPECT_NE(broken_reindex(130004).find("update to 13.7 or later"), std::string::npos);
    EXPECT_NE(broken_reindex(130006).find("CVE-2022-1552"), std::string::npos);
    EXPECT_EQ(broken_reindex(130007), "");
    EXPECT_NE(broken_reindex(140003).find("update to 14.4 or later"), std::string::npos);
    EXPECT_EQ(broken_reindex(140004), "");
    EXPECT_EQ(broken_reindex(150000), "");
}

}  // namespace
}  // namespace steward::maintain
