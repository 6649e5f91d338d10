// SPDX-License-Identifier: PostgreSQL
#include "route/readiness.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "route/setup.hpp"
#include "route/synchronous.hpp"

namespace steward::route {
namespace {

Member member(const char* name, bool is_standby) {
    Member member;
    member.name = name;
    member.reach = Reach::up;
    member.has_facts = true;
    member.facts.instance = 1;
    member.facts.system_identifier = 7;
    member.facts.is_standby = is_standby;
    member.facts.timeline = 1;
    member.facts.flushed = {1000};
    member.loss = 0;
    if (is_standby) member.facts.replayed = {900};
    member.settings = {
        {"max_connections", "100"}, {"max_worker_processes", "8"},    {"max_wal_senders", "10"},
        {"wal_level", "replica"},   {"archive_mode", "off"},          {"wal_log_hints", "on"},
        {"full_page_writes", "on"}, {"server_version_num", "150004"}, {"recovery_target_timeline", "latest"}};
    return member;
}

Cluster cluster_of(std::vector<Member> members) { return {7, true, true, std::move(members)}; }

std::string told(const Cluster& cluster, const std::string& check) {
    for (const Finding& row : readiness(cluster))
        if (row.check == check) return row.verdict + ": " + row.detail;
    return "";
}

bool has_only_ok(const Cluster& cluster) {
    const auto rows = readiness(cluster);
    return std::all_of(rows.begin(), rows.end(),
                       [](const Finding& row) { return row.verdict == "ok" && row.remedy.empty(); });
}

TEST(RouteReadiness, a_cluster_in_order_has_nothing_to_do) {
    EXPECT_TRUE(has_only_ok(cluster_of({member("p", false), member("a", true), member("b", true)})));
}

TEST(RouteReadiness, the_candidate_is_who_has_received_most_on_the_newest_timeline) {
    Member late = member("late", true);
    late.facts.flushed = {900};
    Member lost = member("lost", true);
    lost.facts.flushed = {5000};
    lost.reach = Reach::down;
    Cluster cluster = cluster_of({member("p", false), late, member("a", true), lost});
    EXPECT_EQ(told(cluster, "candidate"), "ok: \"a\" has received most, up to 0/3E8");
    EXPECT_EQ(told(cluster, "nodes"), "warning: not up, or not of this cluster: \"lost\"");
    cluster = cluster_of({member("p", false), late});
    cluster.members[1].loss = 70'000'000;
    EXPECT_EQ(told(cluster, "loss"), "critical: 100 bytes, the last 70.0 seconds at most");
    cluster.members[1].loss.reset();
    EXPECT_EQ(told(cluster, "loss"), "unknown: 100 bytes, of unknown age");
    EXPECT_EQ(told(cluster_of({member("p", false)}), "candidate"), "critical: no standby is up: nobody can take over");
    EXPECT_EQ(told(cluster_of({member("a", true)}), "primary"), "critical: no primary is up");
    EXPECT_EQ(told(cluster_of({member("p", false), member("q", false)}), "primary"),
              "critical: 2 servers of this cluster are primaries");
}

TEST(RouteReadiness, settings_that_stop_replay_or_hurt_after_are_named) {
    Cluster cluster = cluster_of({member("p", false), member("a", true)});
    auto& settings = cluster.members[1].settings;
    settings["max_connections"] = "50";
    EXPECT_EQ(told(cluster, "settings of \"a\""),
              "critical: max_connections is 50, on the primary 100: it pauses replay, or does not start again");
    settings["wal_level"] = "minimal";
    EXPECT_EQ(told(cluster, "\"a\" as a primary"), "critical: wal_level is minimal: nobody can follow it");
    settings["wal_level"] = "replica";
    cluster.members[0].settings["wal_level"] = "logical";
    EXPECT_EQ(told(cluster, "\"a\" as a primary"),
              "critical: wal_level is replica, on the primary logical: no slot for logical replication works after");
    cluster.members[0].settings["wal_level"] = "replica";
    cluster.members[0].settings["archive_mode"] = "on";
    EXPECT_EQ(told(cluster, "\"a\" as a primary"),
              "warning: archive_mode is off: the archive of the primary would end there");
    cluster.members[0].settings["wal_log_hints"] = "off";
    EXPECT_EQ(told(cluster, "rewind").substr(0, 8), "warning:");
    cluster.members[0].settings["data_checksums"] = "on";
    EXPECT_EQ(told(cluster, "rewind").substr(0, 3), "ok:");
    cluster.members[1].error = "it could not be asked: no";
    EXPECT_EQ(told(cluster, "settings of \"a\""), "unknown: it could not be asked: no");
}

TEST(RouteReadiness, commits_that_wait_for_lost_standbys_are_named) {
    Cluster cluster = cluster_of({member("p", false), member("a", true)});
    auto& primary = cluster.members[0];
    primary.settings["synchronous_standby_names"] = "2 (a, \"b\")";
    primary.standbys = {"a"};
    EXPECT_EQ(told(cluster, "synchronous_standby_names"),
              "critical: commits wait for 2 of standbys, and 1 are connected: lost are \"b\"");
    primary.settings["synchronous_standby_names"] = "ANY 1 (a, b)";
    EXPECT_EQ(told(cluster, "synchronous_standby_names"), "warning: it names \"b\", which is not connected");
    primary.standbys = {"a", "b"};
    EXPECT_EQ(told(cluster, "synchronous_standby_names"), "ok: commits wait for 1 of the connected standbys");
    // After its promotion the candidate waits for itself.
    cluster.members[1].settings["synchronous_standby_names"] = "a";
    EXPECT_EQ(told(cluster, "\"a\" as a primary").substr(0, 9), "critical:");
}

TEST(RouteReadiness, slots_that_the_candidate_has_not_are_lost) {
    Cluster cluster = cluster_of({member("p", false), member("a", true)});
    copy_short(cluster.members[1].facts.slot_name, "a");
    auto& slots = cluster.members[0].slots;
    slots = {{"a", false, true, "reserved", false, false}};
    EXPECT_EQ(told(cluster, "slots"), "ok: none of 1 would be missed");
    slots.push_back({"b", false, true, "reserved", false, false});
    EXPECT_EQ(told(cluster, "slot \"b\""),
              "warning: \"a\" has no such slot: the standby that uses it may miss WAL after");
    slots.push_back({"sub", true, true, "reserved", true, false});
    EXPECT_EQ(told(cluster, "slot \"sub\"").substr(0, 9), "critical:");
    cluster.members[1].slots = {{"sub", true, false, "reserved", true, true}};
    EXPECT_EQ(told(cluster, "slot \"sub\""), "");
    slots.push_back({"dead", false, false, "lost", false, false});
    EXPECT_EQ(told(cluster, "slot \"dead\""), "critical: it has lost WAL: whoever uses it has to be built anew");
}

TEST(RouteSynchronous, reads_what_the_server_accepts) {
    const auto check = [](const char* text, std::size_t needed, std::vector<std::string> names) {
        const Synchronous read = read_synchronous(text);
        EXPECT_EQ(read.needed, needed) << text;
        EXPECT_EQ(read.names, names) << text;
    };
    check("", 0, {});
    check(" a , B", 1, {"a", "b"});
    check("FIRST 2 (a, \"B\", c)", 2, {"a", "B", "c"});
    check("any 3(a,b,c)", 3, {"a", "b", "c"});
    check("2 (\"x \"\"y\"\", z\", *)", 2, {"x \"y\", z", "*"});
    check("*", 1, {"*"});
    EXPECT_EQ(read_synchronous("\"(\", a").names.size(), 2U);
    EXPECT_EQ(read_synchronous("*").count({"a", "b"}), 2U);
    EXPECT_EQ(read_synchronous("a, c").count({"A", "b"}), 1U);
    EXPECT_EQ(read_synchronous("a, c").missing({"A", "b"}), std::vector<std::string>{"c"});
}

std::string told(const ReplicationSetup& setup, const std::string& check) {
    for (const Finding& row : replication_setup(setup))
        if (row.check == check) return row.verdict;
    return "";
}

ReplicationSetup good_setup() {
    ReplicationSetup setup;
    setup.is_preloaded = setup.has_nodes = true;
    setup.settings = {{"wal_level", "replica"},
                      {"full_page_writes", "on"},
                      {"max_wal_senders", "10"},
                      {"max_replication_slots", "10"},
                      {"max_slot_wal_keep_size", "1000"},
                      {"wal_keep_size", "0"},
                      {"listen_addresses", "*"},
                      {"password_encryption", "scram-sha-256"},
                      {"archive_mode", "on"},
                      {"archive_command", "x"},
                      {"wal_log_hints", "on"},
                      {"recovery_target_timeline", "latest"}};
    setup.hba = std::vector<HbaRule>{{"local", "all", "trust", ""}, {"hostssl", "replication", "scram-sha-256", ""}};
    setup.replication_roles = {"postgres", "replicator"};
    setup.replication_superusers = 1;
    return setup;
}

TEST(RouteSetup, a_server_in_order_has_nothing_to_do) {
    for (const Finding& row : replication_setup(good_setup()))
        EXPECT_EQ(row.verdict, "ok") << row.check << ": " << row.detail;
}

TEST(RouteSetup, what_is_not_set_up_is_named) {
    ReplicationSetup setup = good_setup();
    setup.settings["wal_level"] = "minimal";
    setup.settings["max_wal_senders"] = "0";
    setup.settings["listen_addresses"] = "localhost";
    setup.settings["password_encryption"] = "md5";
    setup.settings["archive_command"] = "";
    setup.settings["wal_log_hints"] = "off";
    setup.settings["max_slot_wal_keep_size"] = "-1";
    setup.slots = {{"idle", false, false, "reserved", false, false}};
    setup.standbys_without_slot = 1;
    setup.replication_superusers = 2;
    for (const char* check : {"wal_level", "max_wal_senders", "archive"})
        EXPECT_EQ(told(setup, check), "critical") << check;
    for (const char* check : {"listen_addresses", "password_encryption", "rewind", "slots", "max_slot_wal_keep_size",
                              "wal_keep_size", "role"})
        EXPECT_EQ(told(setup, check), "warning") << check;
    setup.hba->back().method = "trust";
    EXPECT_EQ(told(setup, "pg_hba"), "warning");
    setup.hba->pop_back();
    EXPECT_EQ(told(setup, "pg_hba"), "critical") << "all as a database is not replication";
    setup.hba.reset();
    EXPECT_EQ(told(setup, "pg_hba"), "unknown");
}

TEST(RouteSetup, a_standby_is_asked_what_it_follows) {
    ReplicationSetup setup = good_setup();
    setup.is_standby = true;
    EXPECT_EQ(told(setup, "primary_conninfo"), "critical");
    setup.settings["primary_conninfo"] = "given";
    EXPECT_EQ(told(setup, "primary_conninfo"), "warning") << "there is no WAL receiver";
    setup.receiver_state = "streaming";
    EXPECT_EQ(told(setup, "primary_conninfo"), "ok");
    EXPECT_EQ(told(setup, "primary_slot_name"), "warning");
    setup.has_password_in_conninfo = true;
    EXPECT_EQ(told(setup, "primary_conninfo"), "warning");
    setup.settings["recovery_target_timeline"] = "1";
    EXPECT_EQ(told(setup, "recovery_target_timeline"), "critical");
}

}  // namespace
}  // namespace steward::route
