// SPDX-License-Identifier: PostgreSQL
#include "tune/plan.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <string>

#include "base/text.hpp"
#include "tune/formulas.hpp"
#include "tune/libraries.hpp"

namespace steward::tune {
namespace {

Input machine(std::int64_t gigabytes, int cpus = 4, Profile profile = Profile::mixed, int version = 15) {
    Input input;
    input.machine.memory_bytes = gigabytes * kGB;
    input.machine.cpus = cpus;
    input.workload.profile = profile;
    input.build.version = version;
    input.build.libraries_there_are.assign(std::begin(kCompanions), std::end(kCompanions));
    return input;
}

std::map<std::string, std::string> settings(const Input& input) {
    std::map<std::string, std::string> values;
    for (const Row& row : recommend(input))
        if (row.kind == Kind::setting) values[row.parameter] = row.value;
    return values;
}

std::string reason(const Input& input, const std::string& parameter) {
    for (const Row& row : recommend(input))
        if (row.parameter == parameter) return row.reason;
    return "";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

double amount(const std::map<std::string, std::string>& values, const std::string& name) {
    return amount_of(values.at(name)).value();
}

TEST(TuneFormulas, give_the_seeds_values_for_its_machine) {
    Input seed = machine(8);
    seed.workload.replicas = 1;
    const auto values = settings(seed);
    const std::map<std::string, std::string> kept = {
        {"shared_buffers", "2GB"},
        {"effective_cache_size", "6GB"},
        {"work_mem", "32MB"},
        {"maintenance_work_mem", "512MB"},
        {"max_connections", "200"},
        {"superuser_reserved_connections", "5"},
        {"wal_level", "replica"},
        {"wal_buffers", "64MB"},
        {"wal_keep_size", "2GB"},
        {"hot_standby", "on"},
        {"random_page_cost", "1.1"},
        {"seq_page_cost", "1"},
        {"track_io_timing", "on"},
        {"constraint_exclusion", "partition"},
        {"log_min_duration_statement", "1s"},
    };
    for (const auto& [name, value] : kept) EXPECT_EQ(values.at(name), value) << name;
    // Where another value is better the row says so.
    EXPECT_EQ(values.at("default_statistics_target"), "200");
    EXPECT_TRUE(says(reason(seed, "default_statistics_target"), "1000 for all columns"));
    EXPECT_EQ(values.at("max_wal_senders"), "10");
    EXPECT_TRUE(says(reason(seed, "max_wal_senders"), "fewer save nothing"));
    EXPECT_EQ(values.at("archive_mode"), "off");
    EXPECT_TRUE(says(reason(seed, "archive_mode"), "until the disk is full"));
    EXPECT_TRUE(says(values.at("shared_preload_libraries"), "pg_stat_statements, auto_explain, pg_prewarm"));

    seed.workload.statistics_target = 1000;
    seed.workload.archive_command = "archive %p";
    EXPECT_EQ(settings(seed).at("default_statistics_target"), "1000");
    EXPECT_EQ(settings(seed).at("archive_mode"), "on");
    EXPECT_EQ(settings(seed).at("archive_command"), "archive %p");
}

// What the tuners that people use agree on: pgtune's and timescaledb-tune's tables.
TEST(TuneFormulas, agree_with_the_published_tables) {
    for (const std::int64_t gigabytes : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}) {
        for (const Profile profile : {Profile::web, Profile::oltp, Profile::mixed, Profile::dw}) {
            const auto values = settings(machine(gigabytes, 4, profile));
            EXPECT_EQ(amount(values, "shared_buffers"), gigabytes * kGB / 4) << gigabytes;
            EXPECT_EQ(amount(values, "effective_cache_size"), gigabytes * kGB / 4 * 3) << gigabytes;
        }
        const auto desktop = settings(machine(gigabytes, 4, Profile::desktop));
        EXPECT_EQ(amount(desktop, "shared_buffers"), gigabytes * kGB / 16);
        EXPECT_EQ(amount(desktop, "effective_cache_size"), gigabytes * kGB / 4);
    }
    const auto web = settings(machine(16, 8, Profile::web));
    EXPECT_EQ(web.at("max_connections"), "200");
    EXPECT_EQ(web.at("maintenance_work_mem"), "1GB");
    EXPECT_EQ(web.at("max_wal_size"), "4GB");
    EXPECT_EQ(web.at("min_wal_size"), "1GB");
    EXPECT_EQ(web.at("checkpoint_completion_target"), "0.9");
    EXPECT_EQ(web.at("default_statistics_target"), "100");
    EXPECT_EQ(web.at("max_parallel_workers"), "8");
    EXPECT_EQ(web.at("jit"), "off");
    const auto oltp = settings(machine(16, 8, Profile::oltp));
    EXPECT_EQ(oltp.at("max_connections"), "300");
    EXPECT_EQ(oltp.at("max_wal_size"), "8GB");
    EXPECT_EQ(oltp.at("min_wal_size"), "2GB");
    const auto warehouse = settings(machine(16, 8, Profile::dw));
    EXPECT_EQ(warehouse.at("max_connections"), "40");
    EXPECT_EQ(warehouse.at("maintenance_work_mem"), "2GB");
    EXPECT_EQ(warehouse.at("max_wal_size"), "16GB");
    EXPECT_EQ(warehouse.at("min_wal_size"), "4GB");
    EXPECT_EQ(warehouse.at("default_statistics_target"), "500");
    EXPECT_EQ(warehouse.at("max_parallel_workers_per_gather"), "4");
    EXPECT_EQ(warehouse.at("random_page_cost"), "4");
    EXPECT_EQ(settings(machine(16, 8, Profile::desktop)).at("max_connections"), "20");
}

TEST(TuneFormulas, know_what_each_version_has) {
    const std::map<std::string, std::pair<int, int>> from_to = {
        {"client_connection_check_interval", {14, 99}},
        {"default_toast_compression", {14, 99}},
        {"track_wal_io_timing", {14, 99}},
        {"reserved_connections", {16, 99}},
        {"vacuum_buffer_usage_limit", {16, 99}},
        {"io_method", {18, 99}},
        {"io_workers", {18, 18}},
        {"io_max_workers", {19, 99}},
        {"idle_replication_slot_timeout", {18, 99}},
        {"autovacuum_vacuum_max_threshold", {18, 99}},
        {"wal_keep_size", {13, 99}},
        {"hash_mem_multiplier", {13, 99}},
    };
    for (int version = kOldestVersion; version <= kNewestVersion; ++version) {
        Input input = machine(8, 4, Profile::mixed, version);
        input.workload.replicas = 1;
        const auto values = settings(input);
        for (const auto& [name, range] : from_to)
            EXPECT_EQ(values.count(name) > 0, version >= range.first && version <= range.second)
                << name << " in " << version;
        EXPECT_EQ(values.at("wal_compression"), version >= 15 ? "lz4" : "on") << version;
        EXPECT_EQ(values.at("effective_io_concurrency"), version >= 18 ? "64" : "200") << version;
        input.build.has_lz4 = false;
        EXPECT_EQ(settings(input).at("wal_compression"), "on") << version;
        EXPECT_EQ(settings(input).count("default_toast_compression"), 0U) << version;
    }
    EXPECT_EQ(settings(machine(512, 64, Profile::dw, 17)).at("maintenance_work_mem"), "8GB");
    EXPECT_EQ(settings(machine(512, 64, Profile::dw, 16)).at("maintenance_work_mem"), "2GB");
}

TEST(TuneFormulas, fit_into_memory_and_grow_with_it) {
    const char* const growing[] = {"shared_buffers",       "effective_cache_size", "work_mem",
                                   "maintenance_work_mem", "autovacuum_work_mem",  "max_connections"};
    for (const Profile profile : kProfiles)
        for (const bool is_pooled : {true, false})
            for (const int cpus : {1, 4, 64}) {
                std::map<std::string, std::string> before;
                for (std::int64_t gigabytes = 1; gigabytes <= 512; gigabytes += gigabytes < 16 ? 1 : 31) {
                    Input input = machine(gigabytes, cpus, profile, 17);
                    input.workload.is_pooled = is_pooled;
                    const MemoryPlan plan = plan_memory(input);
                    const std::string where = fmt::format("{} GB, {} processors, {}, pooled {}", gigabytes, cpus,
                                                          name_of(profile), is_pooled);
                    EXPECT_LE(plan.expected_bytes(), 0.9 * static_cast<double>(input.machine.memory_bytes)) << where;
                    EXPECT_LE(plan.expected_bytes(), plan.all_connections_bytes()) << where;
                    const auto values = settings(input);
                    for (const char* name : growing)
                        if (!before.empty()) {
                            EXPECT_GE(amount(values, name), amount(before, name)) << name << " at " << where;
                        }
                    EXPECT_LE(amount(values, "min_wal_size"), amount(values, "max_wal_size")) << where;
                    EXPECT_LE(amount(values, "max_parallel_workers_per_gather"), amount(values, "max_parallel_workers"))
                        << where;
                    EXPECT_LE(amount(values, "max_parallel_workers"), amount(values, "max_worker_processes")) << where;
                    EXPECT_LT(amount(values, "superuser_reserved_connections") + amount(values, "reserved_connections"),
                              amount(values, "max_connections"))
                        << where;
                    before = values;
                }
            }
}

TEST(TuneFormulas, hold_at_the_ends_of_what_is_taken) {
    for (const Profile profile : kProfiles)
        for (const std::int64_t memory : {kMinMemory, kMaxMemory})
            for (const int cpus : {1, kMaxCpus})
                for (const int connections : {kMinConnections, kMaxConnections}) {
                    Input input = machine(1, cpus, profile, 18);
                    input.machine.memory_bytes = memory;
                    input.machine.data_disk_bytes = input.machine.wal_disk_bytes = kMinMemory;
                    input.workload.max_connections = connections;
                    ASSERT_FALSE(problem_of(input));
                    const auto values = settings(input);
                    EXPECT_GE(amount(values, "work_mem"), 64 * kKB);
                    EXPECT_LE(amount(values, "shared_buffers"), 8 * kTB);
                    EXPECT_LE(amount(values, "effective_cache_size"), 16 * kTB);
                    EXPECT_GE(amount(values, "max_wal_size"), 2 * 16 * kMB);
                    EXPECT_LE(amount(values, "max_parallel_workers"), 1024);
                    EXPECT_GT(amount(values, "max_slot_wal_keep_size"), 0);
                    EXPECT_LT(amount(values, "superuser_reserved_connections") + 3, connections);
                }
    // Too many connections for the memory: no sense, but said.
    Input crowded = machine(1);
    crowded.workload.max_connections = kMaxConnections;
    EXPECT_TRUE(says(reason(crowded, "work_mem"), "does not carry 10000 connections"));
}

TEST(TuneFormulas, refuse_what_no_machine_has) {
    const auto refused = [](const Input& input, const std::string& what) {
        const auto problem = problem_of(input);
        return problem && problem->sqlstate == base::kInvalidParameter && says(problem->message, what) &&
               !problem->hint.empty();
    };
    for (const std::int64_t memory : {std::int64_t{0}, std::int64_t{-1}, kMinMemory - 1, kMaxMemory + 1}) {
        Input input = machine(1);
        input.machine.memory_bytes = memory;
        EXPECT_TRUE(refused(input, "memory is out of range")) << memory;
    }
    for (const int cpus : {0, -4, kMaxCpus + 1}) EXPECT_TRUE(refused(machine(8, cpus), "number of processors")) << cpus;
    Input input = machine(8);
    input.workload.max_connections = 9;
    EXPECT_TRUE(refused(input, "max_connections"));
    input.workload.max_connections = 200;
    input.workload.replicas = -1;
    EXPECT_TRUE(refused(input, "number of replicas"));
    EXPECT_FALSE(parse_profile("OLTP").ok());
    EXPECT_FALSE(parse_disk("floppy").ok());
    EXPECT_EQ(*parse_profile("dw"), Profile::dw);
    EXPECT_TRUE(refused(machine(8, 4, Profile::web, 12), "version"));
}

TEST(TuneFormulas, use_what_the_server_has_seen) {
    Input input = machine(8);
    input.evidence = Evidence{};
    EXPECT_TRUE(says(reason(input, "work_mem"), "no temporary files"));
    input.evidence->temp_files = 4;
    input.evidence->temp_bytes = 400 * kMB;
    input.evidence->spilling_queries = 3;
    EXPECT_TRUE(says(reason(input, "work_mem"), "4 temporary files of 100 MB on average"));
    EXPECT_TRUE(says(reason(input, "work_mem"), "by 3 different queries"));

    // 10 MB a second: 9000 MB between two checkpoints.
    input.evidence->wal_bytes = 3600 * 10 * kMB;
    input.evidence->wal_seconds = 3600;
    input.evidence->requested_checkpoints = 61;
    input.evidence->timed_checkpoints = 39;
    EXPECT_GE(amount(settings(input), "max_wal_size"), 25.0 * kGB);
    EXPECT_TRUE(says(reason(input, "max_wal_size"), "10 MB a second"));
    EXPECT_TRUE(says(reason(input, "max_wal_size"), "61 of 100 checkpoints"));
    input.machine.wal_disk_bytes = 50 * kGB;
    EXPECT_EQ(settings(input).at("max_wal_size"), "10GB") << "no more than a fifth of the disk";
    EXPECT_EQ(settings(input).at("max_slot_wal_keep_size"), "15GB") << "no more than 30 % of the disk";

    input.evidence->blocks_hit = 900'000;
    input.evidence->blocks_read = 100'000;
    EXPECT_EQ(settings(input).at("random_page_cost"), "2");
    EXPECT_TRUE(says(reason(input, "random_page_cost"), "Only 90 %"));
    input.evidence->blocks_read = 1000;
    EXPECT_EQ(settings(input).at("random_page_cost"), "1.1");
    input.machine.disk = Disk::hdd;
    EXPECT_EQ(settings(input).at("random_page_cost"), "4");
    input.workload.database_bytes = kGB;
    EXPECT_EQ(settings(input).at("random_page_cost"), "1.1") << "it fits into memory";
    input.machine.clock_read_ns = 900;
    EXPECT_EQ(settings(input).at("track_io_timing"), "off");
}

TEST(TuneFormulas, allow_as_many_connections_as_there_were_and_some_more) {
    const auto with = [](std::optional<int> set, int most, int days, int now = 1) {
        Input input = machine(8);
        input.workload.connections_set = set;
        input.evidence = Evidence{};
        input.evidence->connections = now;
        input.evidence->connection_history = ConnectionHistory{most, 20'000, 20'001 - days, days};
        return input;
    };
    const auto count = [](const Input& input) { return settings(input).at("max_connections"); };
    EXPECT_EQ(count(with({}, 12, 30)), "200") << "never fewer than the profile needs";
    EXPECT_TRUE(
        says(reason(with({}, 12, 30), "max_connections"), "Clients now: 1; at most 12 in 30 days (2024-10-04)."));
    EXPECT_TRUE(says(reason(with({}, 12, 1), "max_connections"), "at most 12 today."));
    EXPECT_EQ(count(with({}, 190, 1)), "240") << "a quarter more than 190, in tens";
    EXPECT_TRUE(
        says(reason(with({}, 190, 1), "max_connections"), "more than the 190 clients there were; 200 would be close"));
    EXPECT_EQ(count(with({}, 12, 1, 190)), "240") << "those of now count, whenever they came";
    EXPECT_EQ(count(with(160, 120, 30)), "160");
    EXPECT_EQ(count(with(2000, 150, 7)), "300");
    EXPECT_TRUE(says(reason(with(2000, 150, 7), "max_connections"), "the rest of 2000 only keeps work_mem small"));
    EXPECT_EQ(count(with(2000, 50, 7)), "200") << "the profile's";
    EXPECT_EQ(count(with(2000, 150, 6)), "2000") << "not a whole week seen";
    EXPECT_GT(amount(settings(with(2000, 150, 7)), "work_mem"), amount(settings(with(2000, 150, 6)), "work_mem"));

    Input asked = with(2000, 190, 30);
    asked.workload.max_connections = 50;
    EXPECT_EQ(count(asked), "50") << "whoever asks, gets it";
    asked.evidence->connection_history.reset();
    EXPECT_TRUE(says(reason(asked, "max_connections"), "known only with pg_steward in shared_preload_libraries"));
}

TEST(TuneFormulas, compute_the_kernel_and_the_pool_to_match) {
    const Input input = machine(8);
    std::map<std::string, std::string> values;
    for (const Row& row : recommend(input)) values[std::string(name_of(row.kind)) + " " + row.parameter] = row.value;
    EXPECT_EQ(values.at("kernel vm.nr_hugepages"), "1076");  // 2 GB and 5 %
    const auto number = [&](const char* name) { return std::stoi(values.at(name)); };
    EXPECT_LE(number("pgbouncer default_pool_size") + number("pgbouncer reserve_pool_size"), 200 - 5);
    Input alone = input;
    alone.workload.is_pooled = false;
    alone.machine.is_container = true;
    for (const Row& row : recommend(alone)) {
        EXPECT_NE(row.kind, Kind::pgbouncer);
        EXPECT_NE(row.parameter, "vm.overcommit_memory") << "is not the container's to set";
    }
    EXPECT_EQ(settings(alone).at("work_mem"), "16MB") << "without a pool more of them work at a time";
}

TEST(TuneLibraries, are_added_to_and_never_lost) {
    EXPECT_EQ(library_list(merged_libraries({}, {})), "pg_steward");
    EXPECT_EQ(library_list(merged_libraries(parse_libraries(" \"my, lib\" , pg_steward,b,b "), {"auto_explain"})),
              "\"my, lib\", pg_steward, b, auto_explain");
    EXPECT_TRUE(parse_libraries(" , ").empty());
}

}  // namespace
}  // namespace steward::tune
