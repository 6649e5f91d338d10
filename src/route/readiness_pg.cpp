// SPDX-License-Identifier: PostgreSQL
//
// steward.failover_readiness() and steward.setup_replication_check(): what is asked of this server and of the others, put
// before pure code.
#include "route/readiness_pg.hpp"

#include "base/text.hpp"
#include "pg/databases.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "route/remote_pg.hpp"
#include "route/setup.hpp"
#include "route/shared_pg.hpp"
#include "route/views_pg.hpp"

namespace steward::route {

namespace {

struct Question {
    const char* sql;
    std::size_t columns;
};

constexpr Question kSettings = {
    "SELECT name, setting FROM pg_settings WHERE name IN ('archive_command', 'archive_library', 'archive_mode', "
    "'data_checksums', 'full_page_writes', 'hot_standby_feedback', 'listen_addresses', 'max_connections', "
    "'max_locks_per_transaction', 'max_prepared_transactions', 'max_replication_slots', 'max_slot_wal_keep_size', "
    "'max_standby_streaming_delay', 'max_wal_senders', 'max_worker_processes', 'password_encryption', "
    "'primary_slot_name', 'recovery_min_apply_delay', 'recovery_target_timeline', 'restore_command', 'server_version', "
    "'server_version_num', 'shared_preload_libraries', 'synchronous_standby_names', 'wal_keep_size', 'wal_level', "
    "'wal_log_hints')",
    2};
// What only some versions have is null in the others.
constexpr Question kSlots = {
    "SELECT s.slot_name, s.slot_type = 'logical', s.active, s.wal_status, coalesce(to_jsonb(s) ->> 'failover', "
    "'false') "
    "= 'true', coalesce(to_jsonb(s) ->> 'synced', 'false') = 'true' FROM pg_replication_slots s WHERE NOT s.temporary "
    "ORDER BY s.slot_name",
    6};
constexpr Question kStandbys = {"SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'", 1};
constexpr char kNodeOptions[] = "SELECT n.name, o.key, o.value FROM steward.nodes n, jsonb_each_text(n.options) o";

using Rows = std::vector<Remote::Row>;

std::string text_of(const std::optional<std::string>& cell) { return cell.value_or(""); }
bool truth_of(const std::optional<std::string>& cell) { return cell == "t"; }

std::map<std::string, std::string> settings_of(const Rows& rows) {
    std::map<std::string, std::string> settings;
    for (const auto& row : rows) settings[text_of(row.at(0))] = text_of(row.at(1));
    return settings;
}

std::vector<Slot> slots_of(const Rows& rows) {
    std::vector<Slot> slots;
    for (const auto& row : rows)
        slots.push_back({text_of(row.at(0)), truth_of(row.at(1)), truth_of(row.at(2)), text_of(row.at(3)),
                         truth_of(row.at(4)), truth_of(row.at(5))});
    return slots;
}

std::vector<std::string> first_column(const Rows& rows) {
    std::vector<std::string> texts;
    for (const auto& row : rows) texts.push_back(text_of(row.at(0)));
    return texts;
}

Rows ask_here(const Question& question) {
    Rows rows;
    for (const pg::Row& row : pg::query(question.sql)) {
        Remote::Row cells;
        for (std::size_t i = 0; i < question.columns; ++i) cells.push_back(row.optional(i));
        rows.push_back(std::move(cells));
    }
    return rows;
}

template <class Ask>
void learn(Member& member, Ask&& ask) {
    member.settings = settings_of(ask(kSettings));
    member.slots = slots_of(ask(kSlots));
    member.standbys = first_column(ask(kStandbys));
}

void ask_node(Member& member, const Node& node, const std::string& database) {
    if (member.reach != Reach::up) {
        member.error = "it is not up";
        return;
    }
    try {
        const Patience patience(probe_timeout);
        Remote remote(connection_parameters(node, addresses_of(node.host, patience), database, pace()), patience);
        learn(member, [&](const Question& question) { return remote.query(question.sql); });
    } catch (const RemoteError& error) {
        member.error = fmt::format("it could not be asked: {}", error.what());
    }
}

// What it has not received is no older than what it has not replayed.
std::optional<std::int64_t> loss_of(const Known& known, const Surroundings& around) {
    if (!around.self.is_standby && has_shared())
        return ages_of({std::max(known.facts.flushed, known.facts.replayed)}, around.self.flushed).at(0);
    return lag_of({known.facts.replayed, known.seen_at}, around.horizon, known.measured, around.now, around.fresh_for)
        .micros;
}

}  // namespace

Cluster look_at_cluster() {
    Picture seen = picture();
    const std::string database = pg::current_database();
    for (const pg::Row& row : pg::query(kNodeOptions))
        for (Registered& registered : seen.nodes)
            if (registered.node.name == row.text(0)) set_option(registered.node, row.text(1), row.text(2));
    Cluster cluster{seen.around.system_identifier, seen.around.is_prober_running, !seen.nodes.empty(), {}};
    bool has_self = false;
    for (const Registered& registered : seen.nodes) {
        Member member;
        member.name = registered.node.name;
        if (registered.known) {
            const Known& known = *registered.known;
            member.is_self = known.is_self;
            member.reach = known.is_self ? Reach::up : known.reach;
            member.has_facts = known.has_facts;
            member.facts = known.facts;
            member.loss = loss_of(known, seen.around);
        }
        if (member.is_self)
            learn(member, ask_here);
        else
            ask_node(member, registered.node, database);
        has_self |= member.is_self;
        cluster.members.push_back(std::move(member));
    }
    if (has_self) return cluster;
    Member self;
    self.name = seen.around.self_name;
    self.is_self = self.has_facts = true;
    self.reach = Reach::up;
    self.facts = seen.around.self;
    learn(self, ask_here);
    cluster.members.push_back(std::move(self));
    return cluster;
}

namespace {

// ---- This server alone ---------------------------------------------------------------------------------------------------

constexpr char kAround[] =
    "SELECT pg_is_in_recovery(), EXISTS (SELECT FROM steward.nodes), (SELECT count(*) FROM pg_stat_replication), "
    "(SELECT count(*) FROM pg_stat_replication r WHERE NOT EXISTS (SELECT FROM pg_replication_slots s "
    "WHERE s.active_pid = r.pid) AND r.state <> 'backup'), (SELECT count(*) FROM pg_roles WHERE rolreplication AND "
    "rolcanlogin AND rolsuper), (SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM "
    "pg_stat_archiver), (SELECT status FROM pg_stat_wal_receiver), has_table_privilege('pg_hba_file_rules', 'SELECT') "
    "AND has_function_privilege('pg_hba_file_rules()', 'EXECUTE')";
// The value itself does not leave the server.
constexpr char kConninfo[] = "SELECT setting <> '', setting ~* '\\mpassword\\s*=' OR setting ~ "
                             "'^postgres(ql)?://[^/@]*:[^/@]*@' FROM pg_settings WHERE name = 'primary_conninfo'";
constexpr Question kRoles = {"SELECT rolname FROM pg_roles WHERE rolreplication AND rolcanlogin", 1};
constexpr char kHba[] =
    "SELECT type, array_to_string(database, ','), auth_method, error FROM pg_hba_file_rules ORDER BY line_number";

ReplicationSetup look_at_setup() {
    ReplicationSetup setup;
    const pg::Row around = pg::query(kAround).at(0);
    setup.is_standby = around.truth(0);
    setup.is_preloaded = has_shared();
    setup.has_nodes = around.truth(1);
    setup.senders = static_cast<std::size_t>(around.number(2));
    setup.standbys_without_slot = static_cast<std::size_t>(around.number(3));
    setup.replication_superusers = static_cast<std::size_t>(around.number(4));
    setup.is_archiving_failing = around.truth(5);
    setup.receiver_state = around.text(6);
    setup.settings = settings_of(ask_here(kSettings));
    for (const pg::Row& row : pg::query(kConninfo)) {
        if (row.truth(0)) setup.settings["primary_conninfo"] = "given";
        setup.has_password_in_conninfo = row.truth(1);
    }
    setup.slots = slots_of(ask_here(kSlots));
    setup.standbys = first_column(ask_here(kStandbys));
    setup.replication_roles = first_column(ask_here(kRoles));
    if (!around.truth(7)) return setup;
    setup.hba.emplace();
    for (const pg::Row& row : pg::query(kHba))
        setup.hba->push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
    return setup;
}

Datum findings(FunctionCallInfo fcinfo, const std::vector<Finding>& rows) {
    pg::ResultSet result(fcinfo);
    for (const Finding& row : rows)
        result.add({row.check, row.verdict, row.detail, row.remedy.empty() ? pg::Cell() : pg::Cell(row.remedy)});
    return result.done();
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_failover_readiness) {
    using namespace steward;
    return pg::entry([&] {
        const pg::SafePath path;
        return route::findings(fcinfo, route::readiness(route::look_at_cluster()));
    });
}

STEWARD_FUNCTION(steward_setup_replication_check) {
    using namespace steward;
    return pg::entry([&] {
        const pg::SafePath path;
        return route::findings(fcinfo, route::replication_setup(route::look_at_setup()));
    });
}
