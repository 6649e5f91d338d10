// SPDX-License-Identifier: PostgreSQL
#include "tune/check.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/text.hpp"

namespace steward::tune {
namespace {

// A server of 8 GB that nothing is wrong with, in the units of pg_settings.
Facts sound() {
    Facts facts;
    facts.machine.memory_bytes = 8 * kGB;
    facts.machine.cpus = 4;
    facts.machine.disk = Disk::ssd;
    facts.machine.clock_read_ns = 25;
    facts.machine.wal_disk_bytes = 100 * kGB;
    facts.wal_disk_free_bytes = 80 * kGB;
    facts.evidence = Evidence{};
    facts.settings = {
        {"archive_command", {"cp %p /archive/%f", ""}},
        {"archive_library", {"", ""}},
        {"archive_mode", {"on", ""}},
        {"autovacuum", {"on", ""}},
        {"autovacuum_freeze_max_age", {"200000000", ""}},
        {"autovacuum_max_workers", {"3", ""}},
        {"autovacuum_naptime", {"30", "s"}},
        {"autovacuum_vacuum_cost_delay", {"2", "ms"}},
        {"autovacuum_vacuum_cost_limit", {"2000", ""}},
        {"autovacuum_vacuum_scale_factor", {"0.1", ""}},
        {"autovacuum_work_mem", {"262144", "kB"}},
        {"checkpoint_completion_target", {"0.9", ""}},
        {"checkpoint_timeout", {"900", "s"}},
        {"data_checksums", {"on", ""}},
        {"default_statistics_target", {"200", ""}},
        {"effective_cache_size", {"786432", "8kB"}},
        {"enable_seqscan", {"on", ""}},
        {"fsync", {"on", ""}},
        {"full_page_writes", {"on", ""}},
        {"hash_mem_multiplier", {"2", ""}},
        {"huge_pages", {"try", ""}},
        {"huge_pages_status", {"on", ""}},
        {"idle_in_transaction_session_timeout", {"600000", "ms"}},
        {"listen_addresses", {"*", ""}},
        {"log_min_duration_statement", {"1000", "ms"}},
        {"maintenance_work_mem", {"524288", "kB"}},
        {"max_connections", {"200", ""}},
        {"max_parallel_workers", {"4", ""}},
        {"max_parallel_workers_per_gather", {"2", ""}},
        {"max_slot_wal_keep_size", {"24576", "MB"}},
        {"max_wal_senders", {"10", ""}},
        {"max_wal_size", {"8192", "MB"}},
        {"max_worker_processes", {"12", ""}},
        {"max_replication_slots", {"10", ""}},
        {"max_prepared_transactions", {"0", ""}},
        {"min_wal_size", {"2048", "MB"}},
        {"server_version_num", {"170006", ""}},
        {"summarize_wal", {"off", ""}},
        {"wal_segment_size", {"16777216", "B"}},
        {"random_page_cost", {"1.1", ""}},
        {"seq_page_cost", {"1", ""}},
        {"shared_buffers", {"262144", "8kB"}},
        {"ssl", {"on", ""}},
        {"statement_timeout", {"0", "ms"}},
        {"superuser_reserved_connections", {"5", ""}},
        {"synchronous_commit", {"on", ""}},
        {"synchronous_standby_names", {"", ""}},
        {"track_activity_query_size", {"4096", "B"}},
        {"track_io_timing", {"on", ""}},
        {"vacuum_cost_limit", {"200", ""}},
        {"wal_level", {"replica", ""}},
        {"wal_log_hints", {"off", ""}},
        {"wal_sender_timeout", {"60000", "ms"}},
        {"work_mem", {"32768", "kB"}},
    };
    return facts;
}

std::string told(const std::vector<Finding>& findings) {
    std::string all;
    for (const Finding& finding : findings)
        all += fmt::format("{} {}: {}\n", name_of(finding.verdict), finding.parameter, finding.detail);
    return all;
}

TEST(TuneCheck, has_nothing_to_say_about_a_sound_server) { EXPECT_EQ(told(check(sound())), ""); }

TEST(TuneCheck, knows_nothing_wrong_of_what_it_is_not_told) { EXPECT_EQ(told(check(Facts{})), ""); }

struct Case {
    const char* parameter;
    const char* value;  // in its own unit
    const char* expected;
};

TEST(TuneCheck, finds_each_value_that_is_wrong) {
    const Case cases[] = {
        {"fsync", "off", "error fsync"},
        {"full_page_writes", "off", "error full_page_writes"},
        {"autovacuum", "off", "error autovacuum"},
        {"track_counts", "off", "error track_counts"},
        {"zero_damaged_pages", "on", "error zero_damaged_pages"},
        {"ignore_checksum_failure", "on", "error ignore_checksum_failure"},
        {"ignore_system_indexes", "on", "warning ignore_system_indexes"},
        {"data_sync_retry", "on", "warning data_sync_retry"},
        {"track_activities", "off", "warning track_activities"},
        {"synchronous_commit", "off", "warning synchronous_commit"},
        {"password_encryption", "md5", "warning password_encryption"},
        {"log_statement", "all", "warning log_statement"},
        {"log_lock_waits", "off", "info log_lock_waits"},
        {"log_checkpoints", "off", "info log_checkpoints"},
        {"data_checksums", "off", "info data_checksums"},
        {"enable_seqscan", "off", "warning enable_seqscan"},
        {"enable_partition_pruning", "off", "warning enable_partition_pruning"},
        {"shared_buffers", "655360", "error shared_buffers"},
        {"shared_buffers", "524288", "warning shared_buffers"},
        {"shared_buffers", "16384", "info shared_buffers"},
        {"work_mem", "131072", "error work_mem"},
        {"work_mem", "65536", "warning work_mem"},
        {"autovacuum_work_mem", "1048576", "warning autovacuum_work_mem"},
        {"effective_cache_size", "1310720", "warning effective_cache_size"},
        {"effective_cache_size", "131072", "warning effective_cache_size"},
        {"track_activity_query_size", "1048576", "warning track_activity_query_size"},
        {"huge_pages_status", "off", "warning huge_pages"},
        {"max_connections", "600", "warning max_connections"},
        {"superuser_reserved_connections", "200", "error superuser_reserved_connections"},
        {"idle_in_transaction_session_timeout", "0", "info idle_in_transaction_session_timeout"},
        {"statement_timeout", "60000", "info statement_timeout"},
        {"ssl", "off", "warning ssl"},
        {"min_wal_size", "9000", "error min_wal_size"},
        {"max_wal_size", "90000", "warning max_wal_size"},
        {"max_wal_size", "200000", "error max_wal_size"},
        {"max_slot_wal_keep_size", "200000", "error max_slot_wal_keep_size"},
        {"max_slot_wal_keep_size", "-1", "info max_slot_wal_keep_size"},
        {"checkpoint_timeout", "60", "warning checkpoint_timeout"},
        {"checkpoint_timeout", "7200", "warning checkpoint_timeout"},
        {"checkpoint_completion_target", "0.5", "warning checkpoint_completion_target"},
        {"archive_command", "", "error archive_command"},
        {"archive_command", "/bin/true", "error archive_command"},
        {"wal_level", "minimal", "error wal_level"},
        {"synchronous_standby_names", "db2", "error synchronous_standby_names"},
        {"wal_sender_timeout", "0", "warning wal_sender_timeout"},
        {"random_page_cost", "0.5", "warning random_page_cost"},
        {"default_statistics_target", "1000", "warning default_statistics_target"},
        {"max_parallel_workers", "20", "warning max_parallel_workers"},
        {"max_parallel_workers_per_gather", "8", "warning max_parallel_workers_per_gather"},
        {"log_min_duration_statement", "0", "warning log_min_duration_statement"},
        {"track_io_timing", "off", "info track_io_timing"},
        {"autovacuum_vacuum_cost_limit", "-1", "info autovacuum_vacuum_cost_limit"},
        {"autovacuum_vacuum_cost_delay", "20", "warning autovacuum_vacuum_cost_delay"},
        {"autovacuum_freeze_max_age", "1500000000", "warning autovacuum_freeze_max_age"},
        {"autovacuum_naptime", "3600", "warning autovacuum_naptime"},
        {"autovacuum_vacuum_scale_factor", "0.5", "warning autovacuum_vacuum_scale_factor"},
        {"autovacuum_max_workers", "11", "info autovacuum_max_workers"},
    };
    for (const Case& one : cases) {
        Facts facts = sound();
        facts.settings[one.parameter].value = one.value;
        const auto findings = check(facts);
        EXPECT_NE(told(findings).find(std::string(one.expected) + ":"), std::string::npos)
            << one.parameter << " = " << one.value << "\n"
            << told(findings);
        for (const Finding& finding : findings) EXPECT_FALSE(finding.remedy.empty()) << finding.detail;
    }
}

// Each of these ends the start of a server.
TEST(TuneCheck, knows_what_a_server_does_not_start_with) {
    const auto stops = [](const std::function<void(Facts&)>& change) {
        Facts facts = sound();
        change(facts);
        std::string parameters;
        for (const Finding& finding : check(facts))
            if (finding.stops_start) parameters += finding.parameter + " ";
        return parameters;
    };
    const auto set = [](Facts& facts, const char* name, const char* value) { facts.settings[name].value = value; };
    EXPECT_EQ(stops([](Facts&) {}), "");
    EXPECT_EQ(stops([&](Facts& f) { set(f, "superuser_reserved_connections", "200"); }),
              "superuser_reserved_connections ");
    EXPECT_EQ(stops([&](Facts& f) { set(f, "min_wal_size", "31"); }), "min_wal_size ");
    EXPECT_EQ(stops([](Facts& f) { f.slots = 11; }), "max_replication_slots ");
    EXPECT_EQ(stops([](Facts& f) { f.prepared_transactions = 1; }), "max_prepared_transactions ");
    EXPECT_EQ(stops([](Facts& f) { f.slots = f.logical_slots = 1; }), "wal_level ");
    EXPECT_EQ(stops([&](Facts& f) {
                  f.slots = f.logical_slots = 1;
                  set(f, "server_version_num", "190000");
              }),
              "");
    const auto minimal = [&](Facts& f) {
        set(f, "wal_level", "minimal");
        set(f, "max_wal_senders", "0");
        set(f, "archive_mode", "off");
    };
    EXPECT_EQ(stops(minimal), "");
    for (const auto& [name, value] :
         {std::pair{"max_wal_senders", "1"}, {"archive_mode", "on"}, {"summarize_wal", "on"}})
        EXPECT_EQ(stops([&](Facts& f) {
                      minimal(f);
                      set(f, name, value);
                  }),
                  "wal_level ")
            << name;
    EXPECT_EQ(stops([&](Facts& f) {
                  minimal(f);
                  f.slots = 1;
              }),
              "wal_level ");
}

TEST(TuneCheck, tells_the_errors_of_a_change_from_those_there_were) {
    Facts before = sound();
    before.settings["fsync"].value = "off";
    Facts after = before;
    EXPECT_TRUE(new_errors(before, after).empty());
    after.settings["wal_level"].value = "minimal";
    EXPECT_EQ(told(new_errors(before, after)).find("error wal_level: minimal does not go with max_wal_senders"), 0U);
    after.settings["fsync"].value = "on";
    EXPECT_TRUE(new_errors(after, before).size() == 1) << "what was on is off";
}

TEST(TuneCheck, weighs_a_setting_by_what_the_server_has_seen) {
    const auto with = [](const std::function<void(Facts&)>& change) {
        Facts facts = sound();
        change(facts);
        return told(check(facts));
    };
    const auto hits = [](Facts& facts, std::int64_t percent) {
        facts.evidence->blocks_hit = percent * 10'000;
        facts.evidence->blocks_read = (100 - percent) * 10'000;
    };
    EXPECT_NE(with([&](Facts& f) { hits(f, 70); }).find("warning random_page_cost: only 70 %"), std::string::npos);
    EXPECT_NE(with([&](Facts& f) {
                  hits(f, 99);
                  f.settings["random_page_cost"].value = "4";
              }).find("warning random_page_cost: 99.0 %"),
              std::string::npos);
    EXPECT_EQ(with([&](Facts& f) {
                  hits(f, 99);
                  f.settings["random_page_cost"].value = "4";
                  f.machine.disk = Disk::hdd;
              }),
              "");
    EXPECT_NE(with([](Facts& f) {
                  f.evidence->requested_checkpoints = 61;
                  f.evidence->timed_checkpoints = 39;
              }).find("warning max_wal_size: 61 of 100"),
              std::string::npos);
    EXPECT_NE(with([](Facts& f) {
                  f.slots = 2;
                  f.settings["max_slot_wal_keep_size"].value = "-1";
              }).find("warning max_slot_wal_keep_size: there are 2 slots"),
              std::string::npos);
    EXPECT_NE(with([](Facts& f) {
                  f.evidence->connection_history = ConnectionHistory{176, 20'000, 19'971, 30};
              }).find("warning max_connections: of 200 connections, 5 reserved, at most 176 in 30 days (2024-10-04)"),
              std::string::npos);
    EXPECT_EQ(with([](Facts& f) { f.evidence->connection_history = ConnectionHistory{175, 20'000, 19'971, 30}; }), "");
    EXPECT_NE(with([](Facts& f) { f.replicas = 12; }).find("warning max_wal_senders"), std::string::npos);
    EXPECT_NE(with([](Facts& f) {
                  f.replicas = 1;
                  f.settings["data_checksums"].value = "off";
              }).find("info wal_log_hints"),
              std::string::npos);
    EXPECT_NE(with([](Facts& f) { f.old_prepared_transactions = 1; }).find("warning max_prepared_transactions"),
              std::string::npos);
    EXPECT_NE(with([](Facts& f) {
                  f.overrides = {{"role reporter", "work_mem", "1GB"}};
              }).find("warning work_mem: role reporter has work_mem 1GB"),
              std::string::npos);
    EXPECT_EQ(with([](Facts& f) {
                  f.synchronous_standbys = 1;
                  f.settings["synchronous_standby_names"].value = "db2";
              }),
              "");
    EXPECT_EQ(with([](Facts& f) {
                  f.settings["archive_library"].value = "basic_archive";
                  f.settings["archive_command"].value = "";
              }),
              "");
    EXPECT_EQ(with([](Facts& f) {
                  f.pending_restart = {"shared_buffers"};
                  f.hidden = {"work_mem"};
                  f.file_errors = {{"postgresql.conf line 7", "work_mme", "unrecognized configuration parameter"}};
              }),
              "error work_mme: postgresql.conf line 7: unrecognized configuration parameter\n"
              "warning shared_buffers: shared_buffers has been changed and waits for a restart\n"
              "info work_mem: work_mem of ALTER SYSTEM hides what postgresql.conf says\n")
        << "errors first";
}

// A primary with a standby, nothing wrong with either.
Facts pair() {
    Facts facts = sound();
    Node primary;
    primary.name = "db1";
    primary.is_self = true;
    primary.settings = {{"archive_mode", "on"},
                        {"hot_standby_feedback", "on"},
                        {"max_connections", "200"},
                        {"max_locks_per_transaction", "64"},
                        {"max_prepared_transactions", "0"},
                        {"max_standby_streaming_delay", "30000"},
                        {"max_wal_senders", "10"},
                        {"max_worker_processes", "12"},
                        {"server_version", "17.6"},
                        {"server_version_num", "170006"},
                        {"shared_preload_libraries", "pg_steward"},
                        {"synchronous_standby_names", ""},
                        {"wal_level", "logical"}};
    primary.standbys = {"db2"};
    Node standby = primary;
    standby.name = "db2";
    standby.is_self = false;
    standby.is_standby = true;
    standby.standbys.clear();
    facts.nodes = {primary, standby};
    return facts;
}

TEST(TuneCheck, compares_a_standby_with_its_primary) {
    EXPECT_EQ(told(check(pair())), "");
    const Case cases[] = {
        {"max_connections", "100", "error max_connections: \"db2\" has 100, its primary \"db1\" 200"},
        {"max_worker_processes", "8", "error max_worker_processes"},
        {"max_wal_senders", "5", "error max_wal_senders"},
        {"max_locks_per_transaction", "32", "error max_locks_per_transaction"},
        {"server_version_num", "170005", "warning server_version"},
        {"max_standby_streaming_delay", "-1", "warning max_standby_streaming_delay"},
        {"hot_standby_feedback", "off", "info hot_standby_feedback"},
        {"wal_level", "replica", "warning wal_level: replica on \"db2\", logical on its primary"},
        {"archive_mode", "off", "warning archive_mode"},
        {"shared_preload_libraries", "auto_explain", "warning shared_preload_libraries"},
    };
    for (const Case& one : cases) {
        Facts facts = pair();
        facts.nodes[1].settings[one.parameter] = one.value;
        EXPECT_EQ(told(check(facts)).find(one.expected), 0U) << one.parameter << "\n" << told(check(facts));
        facts.nodes[1].problem = "it is not up";
        EXPECT_EQ(told(check(facts)), "info nodes: \"db2\" is compared with nobody: it is not up\n");
    }
    Facts facts = pair();
    facts.nodes[0].settings["max_connections"] = "100";
    EXPECT_EQ(told(check(facts)), "") << "a standby may have more";
    facts.nodes[0].is_standby = true;
    facts.nodes[1].settings["max_connections"] = "50";
    EXPECT_EQ(told(check(facts)), "") << "without a primary there is nothing to compare with";
}

TEST(TuneCheck, knows_for_whom_commits_wait_on_another_server) {
    Facts facts = pair();
    facts.nodes[0].is_self = false;
    facts.nodes[0].settings["synchronous_standby_names"] = "ANY 1 (db2, db3)";
    EXPECT_EQ(told(check(facts)),
              "warning synchronous_standby_names: on \"db1\" it names \"db3\", which is not there\n");
    facts.nodes[0].settings["synchronous_standby_names"] = "FIRST 2 (db2, db3)";
    EXPECT_EQ(told(check(facts)),
              "error synchronous_standby_names: commits on \"db1\" wait for 2 standbys, and 1 are there\n");
    facts.nodes[0].settings["synchronous_standby_names"] = "*";
    EXPECT_EQ(told(check(facts)), "");
}

// What steward.tune() recommends is no reason to complain.
TEST(TuneCheck, passes_what_is_recommended) {
    for (const Profile profile : kProfiles)
        for (const std::int64_t gigabytes : {1, 2, 8, 64, 512})
            for (const bool is_pooled : {true, false}) {
                Input input;
                input.machine.memory_bytes = gigabytes * kGB;
                input.machine.cpus = 8;
                input.machine.data_disk_bytes = input.machine.wal_disk_bytes = 100 * kGB;
                input.workload.profile = profile;
                input.workload.is_pooled = is_pooled;
                input.workload.replicas = 1;
                Facts facts;
                facts.machine = input.machine;
                facts.replicas = 1;
                facts.slots = 1;
                for (const Row& row : recommend(input)) {
                    if (row.kind != Kind::setting) continue;
                    const auto amount = amount_of(row.value);
                    facts.settings[row.parameter] =
                        amount ? Setting{fmt::format("{}", *amount), ""} : Setting{row.value, ""};
                }
                EXPECT_EQ(told(check(facts)), "") << gigabytes << " GB " << name_of(profile);
            }
}

}  // namespace
}  // namespace steward::tune
