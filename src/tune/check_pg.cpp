// SPDX-License-Identifier: PostgreSQL
//
// steward.check_config(): what is wrong with the configuration of this server.
#include <map>
#include <string>

#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "tune/check.hpp"
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

Facts read_facts() {
    pg::AsExtensionOwner as_extension;
    Facts facts;
    for (const auto& [name, known] : read_settings()) facts.settings[name] = known.current;
    facts.machine = read_machine();
    if (const auto disk = file_system_of(std::string(DataDir) + "/pg_wal"))
        facts.wal_disk_free_bytes = disk->free_bytes;
    facts.evidence = read_evidence();
    const auto rows = pg::query(
        "SELECT (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_stat_replication WHERE state = "
        "'streaming'), "
        "(SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')), pg_is_in_recovery(), "
        "(SELECT count(*) FROM pg_prepared_xacts WHERE prepared < now() - interval '1 hour')");
    const pg::Row& row = rows.at(0);
    facts.slots = static_cast<int>(row.number(0));
    facts.replicas = static_cast<int>(row.number(1));
    facts.synchronous_standbys = static_cast<int>(row.number(2));
    facts.is_standby = row.truth(3);
    facts.old_prepared_transactions = static_cast<int>(row.number(4));
    read_files(facts);
    read_overrides(facts);
    return facts;
}

Datum check_config(FunctionCallInfo fcinfo) {
    pg::ResultSet rows(fcinfo);
    for (const Finding& finding : check(read_facts()))
        rows.add({finding.parameter, std::string(name_of(finding.verdict)), finding.detail, finding.remedy});
    return rows.done();
}

}  // namespace

}  // namespace steward::tune

STEWARD_FUNCTION(steward_check_config) {
    return steward::pg::entry([&] { return steward::tune::check_config(fcinfo); });
}
