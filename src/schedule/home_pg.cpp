// SPDX-License-Identifier: PostgreSQL
#include "schedule/home_pg.hpp"

#include "pg/extension.hpp"
#include "pg/spi.hpp"

namespace steward::schedule {

namespace {

// pg_upgrade to 15 and later keeps the OIDs of databases.
constexpr bool kKeepsDatabaseOids = PG_VERSION_NUM >= 150000;

}  // namespace

// The row of job_home came with the files. Of another cluster it is after pg_upgrade, and what was at home there is at
// home here. Of another database of this cluster it is after CREATE DATABASE ... TEMPLATE; of both, in a copy of a database
// that nobody has settled after pg_upgrade.
void settle_home() {
    std::int64_t cluster = pg::system_identifier();
    pg::Parameter here = pg::Parameter::oid(MyDatabaseId);
    auto home = pg::query("SELECT system_identifier = $1, database_oid = $2 FROM steward.job_home", {cluster, here});
    bool is_cluster_same = !home.empty() && home[0].truth(0);
    bool is_database_same = !home.empty() && home[0].truth(1);
    if (is_cluster_same && is_database_same) return;
    if (!home.empty() && !is_cluster_same && (is_database_same || !kKeepsDatabaseOids))
        pg::execute("UPDATE steward.job_definitions d SET system_identifier = $1, database_oid = $2 FROM "
                    "steward.job_home h WHERE d.system_identifier = h.system_identifier AND d.database_oid = "
                    "h.database_oid",
                    {cluster, here});
    pg::execute("INSERT INTO steward.job_home (system_identifier, database_oid) VALUES ($1, $2) ON CONFLICT (is_here) "
                "DO UPDATE SET system_identifier = excluded.system_identifier, database_oid = excluded.database_oid",
                {cluster, here});
}

}  // namespace steward::schedule
