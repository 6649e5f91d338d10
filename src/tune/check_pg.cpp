// SPDX-License-Identifier: PostgreSQL
//
// steward.check_config(): what is wrong with the configuration of this server.
#include "tune/check_pg.hpp"

#include "base/array.hpp"
#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "route/readiness_pg.hpp"
#include "tune/look.hpp"
#include "tune/read_pg.hpp"

namespace steward::tune {

namespace {

// What cannot be applied before a restart is an error to the server, too, and is told from the others by its context.
void read_files(Facts& facts) {
    constexpr char kWaits[] = "setting could not be applied";
    for (const pg::Row& row : pg::query(
             "SELECT f.name, f.sourcefile, f.sourceline, f.error, s.context = 'postmaster' FROM pg_file_settings f "
             "LEFT JOIN pg_settings s ON s.name = lower(f.name) WHERE f.error IS NOT NULL ORDER BY f.seqno")) {
        if (row.truth(4) && row.text(3) == kWaits)
            facts.pending_restart.push_back(row.text(0));
        else
            facts.file_errors.push_back({row.text(1) + " line " + row.text(2), row.text(0), row.text(3)});
    }
    for (const pg::Row& row : pg::query(
             "SELECT name FROM pg_settings s WHERE pending_restart AND NOT EXISTS (SELECT FROM pg_file_settings f "
             "WHERE lower(f.name) = s.name AND f.error IS NOT NULL) ORDER BY name"))
        facts.pending_restart.push_back(row.text(0));
    for (const pg::Row& row : pg::query("SELECT DISTINCT a.name FROM pg_file_settings a JOIN pg_file_settings f ON "
                                        "f.name = a.name AND f.setting <> a.setting "
                                        "WHERE a.sourcefile LIKE '%/postgresql.auto.conf' AND f.sourcefile NOT LIKE "
                                        "'%/postgresql.auto.conf' ORDER BY 1"))
        facts.hidden.push_back(row.text(0));
}

void read_overrides(Facts& facts) {
    for (const pg::Row& row : pg::query(
             "SELECT concat_ws(' in ', 'role ' || r.rolname, 'database ' || d.datname), split_part(c, '=', 1), "
             "substr(c, strpos(c, '=') + 1) "
             "FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c LEFT JOIN pg_roles r ON r.oid = s.setrole "
             "LEFT JOIN pg_database d ON d.oid = s.setdatabase ORDER BY 1, 2"))
        facts.overrides.push_back({row.text(0), row.text(1), row.text(2)});
}

// Nothing where no node is registered, or nobody has asked them.
void read_nodes(Facts& facts) {
    route::Cluster cluster = route::look_at_cluster();
    if (!cluster.has_nodes) return;
    for (route::Member& member : cluster.members) {
        Node node{member.name,
                  member.is_self,
                  member.facts.is_standby,
                  std::move(member.error),
                  std::move(member.settings),
                  std::move(member.standbys)};
        if (!node.problem && member.facts.system_identifier != cluster.system_identifier)
            node.problem = "it is of another cluster";
        facts.nodes.push_back(std::move(node));
    }
}

Facts read_facts(Scope scope) {
    pg::AsExtensionOwner as_extension;
    Facts facts;
    for (const auto& [name, known] : read_settings()) facts.settings[name] = known.current;
    facts.machine = read_machine();
    if (const auto disk = file_system_of(std::string(DataDir) + "/pg_wal"))
        facts.wal_disk_free_bytes = disk->free_bytes;
    facts.evidence = read_evidence();
    const auto rows = pg::query(
        "SELECT (SELECT count(*) FROM pg_replication_slots WHERE NOT temporary), (SELECT count(*) FROM "
        "pg_stat_replication WHERE state = "
        "'streaming'), "
        "(SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')), pg_is_in_recovery(), "
        "(SELECT count(*) FROM pg_prepared_xacts WHERE prepared < now() - interval '1 hour'), "
        "(SELECT count(*) FROM pg_prepared_xacts), (SELECT count(*) FROM pg_replication_slots WHERE slot_type = "
        "'logical' AND NOT temporary)");
    const pg::Row& row = rows.at(0);
    facts.slots = static_cast<int>(row.number(0));
    facts.replicas = static_cast<int>(row.number(1));
    facts.synchronous_standbys = static_cast<int>(row.number(2));
    facts.is_standby = row.truth(3);
    facts.old_prepared_transactions = static_cast<int>(row.number(4));
    facts.prepared_transactions = static_cast<int>(row.number(5));
    facts.logical_slots = static_cast<int>(row.number(6));
    read_files(facts);
    read_overrides(facts);
    if (scope == Scope::cluster) read_nodes(facts);
    return facts;
}

// The settings that the next start will find: the last line of the files counts, and what stands in none is as it was built.
std::map<std::string, Setting> next_settings(const Facts& now, const Changes& changes) {
    std::vector<std::string> names;
    for (const auto& [name, value] : changes) names.push_back(name);
    std::map<std::string, Setting> next = now.settings;
    for (const pg::Row& row : pg::query(
             "WITH written AS (SELECT DISTINCT ON (lower(name)) lower(name) AS name, setting FROM pg_file_settings "
             "WHERE NOT (sourcefile LIKE '%/postgresql.auto.conf' AND lower(name) = ANY ($1::text[])) "
             "ORDER BY lower(name), seqno DESC) "
             "SELECT s.name, coalesce(w.setting, s.boot_val), s.unit, s.vartype = 'bool' FROM pg_settings s "
             "LEFT JOIN written w ON w.name = s.name WHERE s.source <> 'command line' AND (w.name IS NOT NULL OR "
             "s.source = 'configuration file' OR s.name = ANY ($1::text[]))",
             {base::array_literal(names)}))
        next[row.text(0)] = setting_of(row.text(1), row.text(2), row.truth(3));
    for (const auto& [name, value] : changes) {
        const auto known = next.find(name);
        if (known == next.end() || !value) continue;
        known->second =
            setting_of(*value, known->second.unit, known->second.value == "on" || known->second.value == "off");
    }
    return next;
}

void put_settings(Facts& facts, std::map<std::string, Setting> settings) {
    facts.settings = std::move(settings);
    for (Node& node : facts.nodes)
        if (node.is_self)
            for (auto& [name, value] : node.settings) {
                const auto known = facts.settings.find(name);
                if (known != facts.settings.end()) value = known->second.value;
            }
}

Datum check_config(FunctionCallInfo fcinfo) {
    pg::ResultSet rows(fcinfo);
    for (const Finding& finding : check_server(Scope::cluster))
        rows.add({finding.parameter, std::string(name_of(finding.verdict)), finding.detail, finding.remedy});
    return rows.done();
}

}  // namespace

std::vector<Finding> check_server(Scope scope) { return check(read_facts(scope)); }

std::vector<Finding> errors_of(const Changes& changes, Scope scope, const std::optional<Machine>& machine) {
    Facts before = read_facts(scope);
    if (machine) before.machine = *machine;
    const pg::AsExtensionOwner as_extension;
    Facts after = before;
    put_settings(before, next_settings(before, {}));
    put_settings(after, next_settings(after, changes));
    return new_errors(before, after);
}

void refuse(const std::vector<Finding>& errors) {
    if (errors.empty()) return;
    std::string parameters;
    std::string details;
    std::string remedies;
    for (const Finding& error : errors) {
        parameters += (parameters.empty() ? "" : ", ") + error.parameter;
        details += fmt::format("{}{}: {}", details.empty() ? "" : "\n", error.parameter, error.detail);
        remedies += (remedies.empty() ? "" : " ") + error.remedy;
    }
    throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      "these settings would be an error of steward.check_config(): {}", parameters)
        .detail("{}", details)
        .hint("Nothing has been changed. {}", remedies);
}

}  // namespace steward::tune

STEWARD_FUNCTION(steward_check_config) {
    return steward::pg::entry([&] { return steward::tune::check_config(fcinfo); });
}
