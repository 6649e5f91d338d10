// SPDX-License-Identifier: PostgreSQL
#include "route/status.hpp"

#include <gtest/gtest.h>

namespace steward::route {
namespace {

constexpr std::int64_t kOurs = 77;
constexpr Steady kNow{1'000'000'000};

Facts primary_facts() {
    Facts facts;
    facts.instance = 1;
    facts.system_identifier = kOurs;
    facts.timeline = 1;
    facts.flushed = {1000};
    return facts;
}

Facts standby_facts(const char* slot = "") {
    Facts facts = primary_facts();
    facts.instance = 2;
    facts.is_standby = true;
    facts.replayed = {1000};
    copy_short(facts.receiver_state, "streaming");
    copy_short(facts.slot_name, slot);
    return facts;
}

Surroundings on_primary() {
    return {kOurs, "here", primary_facts(), {{1000}, kNow, true}, true, kNow, 5'000'000, "now"};
}

Registered node(const char* name, const Facts& facts, Reach reach = Reach::up) {
    Known known;
    known.reach = reach;
    known.has_facts = true;
    known.facts = facts;
    known.seen_at = kNow;
    known.reign = {!facts.is_standby, {kNow.micros - 1'000'000}, kNow};
    known.last_contact = "then";
    return {{name, "host", 5432, {}}, known};
}

Registered self(const char* name) {
    Registered registered = node(name, primary_facts());
    registered.known->is_self = true;
    return registered;
}

Sender sender(const char* name, const char* slot = "", const char* wal_status = "") {
    Sender sender;
    sender.application_name = name;
    sender.state = "streaming";
    sender.sync_state = "async";
    sender.flushed = sender.replayed = {1000};
    sender.slot_name = slot;
    sender.slot_wal_status = wal_status;
    return sender;
}

std::string verdict(const StatusRow& row) { return row.verdict + ": " + row.detail; }

TEST(RouteStatus, a_server_alone_shows_itself) {
    auto rows = status_rows({}, {}, on_primary());
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].node_name, "here");
    EXPECT_EQ(rows[0].role, "primary");
    EXPECT_EQ(verdict(rows[0]), "ok: ");
}

TEST(RouteStatus, a_standby_is_found_by_its_slot_or_else_by_its_name) {
    auto rows = status_rows({self("p"), node("a", standby_facts("slot_a")), node("b", standby_facts())},
                            {sender("b"), sender("walreceiver", "slot_a", "reserved")}, on_primary());
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[1].sender.slot_name, "slot_a");
    EXPECT_EQ(rows[2].sender.application_name, "b");
    EXPECT_EQ(verdict(rows[1]), "ok: ");
}

TEST(RouteStatus, who_is_not_registered_is_shown_by_its_sender) {
    Sender behind = sender("walreceiver");
    behind.replayed = {900};
    auto rows = status_rows({self("p")}, {behind, sender("other")}, on_primary());
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_FALSE(rows[1].node.has_value());
    EXPECT_EQ(rows[1].lag.bytes, 100U);
    EXPECT_EQ(rows[1].lag.kind, LagKind::unknown);
    EXPECT_EQ(rows[2].lag.micros, 0);
}

TEST(RouteStatus, what_is_wrong_is_said) {
    Facts paused = standby_facts();
    paused.is_replay_paused = true;
    Facts silent = standby_facts();
    silent.receiver_state[0] = '\0';
    Facts foreign = standby_facts();
    foreign.system_identifier = 78;
    auto rows = status_rows({self("p"), node("paused", paused), node("silent", silent), node("foreign", foreign),
                             node("lost", standby_facts("l")), node("down", standby_facts(), Reach::down),
                             node("new", standby_facts(), Reach::unknown)},
                            {sender("x", "l", "lost")}, on_primary());
    EXPECT_EQ(verdict(rows[1]), "warning: replay is paused: pg_wal_replay_resume() ends that");
    EXPECT_EQ(verdict(rows[2]), "warning: no WAL receiver: it does not stream from another server");
    EXPECT_EQ(verdict(rows[3]), "critical: it belongs to another cluster: its system identifier differs");
    EXPECT_EQ(rows[3].lag.kind, LagKind::unknown) << "its positions are of another history";
    EXPECT_EQ(rows[4].verdict, "critical");
    EXPECT_EQ(verdict(rows[5]), "critical: it does not answer");
    EXPECT_EQ(verdict(rows[6]), "unknown: not asked yet");
}

TEST(RouteStatus, two_primaries_are_both_critical) {
    auto rows = status_rows({self("p"), node("q", primary_facts()), node("s", standby_facts())}, {}, on_primary());
    EXPECT_EQ(verdict(rows[0]), "critical: more than one server of this cluster is a primary");
    EXPECT_EQ(rows[1].verdict, "critical");
    EXPECT_EQ(rows[2].verdict, "ok");
    Facts foreign = primary_facts();
    foreign.system_identifier = 78;
    rows = status_rows({self("p"), node("q", foreign), node("gone", primary_facts(), Reach::down)}, {}, on_primary());
    EXPECT_EQ(rows[0].verdict, "ok") << "neither another cluster's nor one that is gone";
}

TEST(RouteStatus, a_slot_that_nobody_uses_is_a_warning) {
    Sender unused = sender("", "old", "extended");
    unused.is_active = false;
    auto rows = status_rows({self("p")}, {unused}, on_primary());
    EXPECT_EQ(verdict(rows[1]), "warning: nobody uses slot \"old\", which keeps WAL");
    EXPECT_EQ(rows[1].role, "");
}

TEST(RouteStatus, lag_is_split_into_what_is_not_received_and_not_replayed) {
    Facts behind = standby_facts();
    behind.flushed = {900};
    behind.replayed = {700};
    auto rows = status_rows({self("p"), node("s", behind)}, {}, on_primary());
    EXPECT_EQ(rows[1].lag.bytes, 300U);
    EXPECT_EQ(rows[1].receive_lag_bytes, 100U);
    EXPECT_EQ(rows[1].replay_lag_bytes, 200U);
}

TEST(RouteStatus, who_blocks_replay_is_named_and_what_is_left_is_counted) {
    Facts behind = standby_facts();
    behind.replayed = {400};
    Facts blocked = behind;
    copy_short(blocked.blocker.reason, "snapshot");
    blocked.blocker.pid = 42;
    blocked.blocker.age = 7'500'000;
    Registered own = node("s", blocked);
    own.known->is_self = true;
    own.known->replay_rate = 300;
    Surroundings around = on_primary();
    around.self = behind;
    around.wal_rate = 100;
    auto rows = status_rows({own, node("t", behind)}, {}, around);
    EXPECT_EQ(verdict(rows[0]), "warning: replay waits for process 42 (snapshot), which has a transaction of 7.5 s");
    EXPECT_EQ(rows[0].catch_up_seconds, 3.0);
    EXPECT_EQ(rows[1].verdict, "ok");
    EXPECT_FALSE(rows[1].catch_up_seconds);
    Sender kept = sender("x", "x", "reserved");
    kept.safe_wal_size = 360'000;
    EXPECT_EQ(status_rows({}, {kept}, around)[1].slot_hours_left, 1.0);
}

TEST(RouteStatus, without_a_prober_nothing_is_asked) {
    Surroundings around = on_primary();
    around.is_prober_running = false;
    auto rows = status_rows({{{"a", "host", 5432, {}}, {}}}, {}, around);
    EXPECT_EQ(verdict(rows[0]), "unknown: no prober is running: shared_preload_libraries has to name pg_steward");
}

TEST(RouteStatus, an_old_primary_that_was_not_asked_again_is_no_rival_of_the_new_one) {
    Registered old_one = node("old", primary_facts());
    Registered new_one = node("new", primary_facts());
    old_one.known->reign.until = {kNow.micros - 10};
    new_one.known->reign.since = {kNow.micros - 5};
    auto rows = status_rows({old_one, new_one}, {}, on_primary());
    EXPECT_EQ(verdict(rows[0]), "ok: ");
    EXPECT_EQ(verdict(rows[1]), "ok: ");
}

}  // namespace
}  // namespace steward::route
