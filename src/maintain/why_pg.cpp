// SPDX-License-Identifier: PostgreSQL
//
// steward.why_not(): the plan of one table in words, with who did what last.
#include "base/text.hpp"
#include "maintain/describe.hpp"
#include "maintain/facts_pg.hpp"
#include "maintain/maintain_pg.hpp"
#include "maintain/surroundings_pg.hpp"
#include "maintain/why.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

struct Last {
    pg::Cell at;
    pg::Cell by;
};

// The last of each kind by the server's own account, with the ledger's where it knows of a later one or of the same.
Last last_done(Oid table, const char* kind) {
    const std::string sql =
        fmt::format("SELECT d.at, d.who FROM (VALUES (pg_stat_get_last_auto{0}_time($1), 'autovacuum', 1), "
                    "((SELECT last_{0} FROM steward.table_memory WHERE table_oid = $1), 'somebody; the server has "
                    "forgotten it', 2), "
                    "(pg_stat_get_last_{0}_time($1), 'somebody by hand', 3), "
                    "((SELECT max(ended_at) FROM steward.maintenance_ledger WHERE table_oid = $1 AND outcome = 'done' "
                    "AND action = ANY ({1})), "
                    "'steward.maintain()', 4)) d(at, who, rank) WHERE d.at IS NOT NULL "
                    "ORDER BY date_trunc('second', d.at) DESC, CASE WHEN d.rank = 2 THEN 9 WHEN d.rank = 4 THEN 0 ELSE "
                    "d.rank END LIMIT 1",
                    kind, kind == std::string_view("vacuum") ? "ARRAY['vacuum', 'freeze']" : "ARRAY['analyze']");
    const auto rows = pg::query(sql, {pg::Parameter::oid(table)});
    if (rows.empty()) return {};
    return {rows[0].optional(0), rows[0].optional(1)};
}

// What became of the last attempt, unless it is done.
std::string last_trouble(Oid table, const Explanation& row) {
    const auto rows = pg::query(
        "SELECT outcome, to_char(ended_at, 'YYYY-MM-DD HH24:MI'), detail FROM steward.maintenance_ledger "
        "WHERE table_oid = $1 AND action = $2 AND (action NOT IN ('reindex', 'drop leftover') OR object = $3) "
        "ORDER BY step_id DESC LIMIT 1",
        {pg::Parameter::oid(table), row.action, row.object});
    if (rows.empty() || rows[0].text(0) == "done") return "";
    return fmt::format("the last attempt, of {} UTC, was {}{}{}", rows[0].text(1), rows[0].text(0),
                       rows[0].is_null(2) ? "" : ": ", rows[0].text(2));
}

// Dead rows that somebody may still see stay, whoever vacuums. Not told of transactions that have just begun.
std::string horizon_holder(const TableFacts& table) {
    if (table.kind == TableFacts::Kind::partitioned) return "";
    const auto rows =
        pg::query("SELECT b.kind || ' ' || b.name, b.xid_age, b.remedy FROM steward.wraparound_blockers b "
                  "WHERE (b.database IS NULL OR b.database = current_database()) AND b.kind <> 'temporary table' "
                  "AND (b.since IS NULL OR b.since < clock_timestamp() - $1 * interval '1 second') AND b.xid_age > 0 "
                  "ORDER BY b.xid_age DESC LIMIT 1",
                  {kOldSnapshotSeconds});
    if (rows.empty()) return "";
    return fmt::format("rows that {} may still see stay, {} transactions back: {}", rows[0].text(0),
                       pretty_count(rows[0].real(1)), rows[0].text(2));
}

[[noreturn]] void refuse(Oid table) {
    const auto rows = pg::query("SELECT relkind, relpersistence = 't', $1::regclass::text FROM pg_class WHERE oid = $1",
                                {pg::Parameter::oid(table)});
    if (rows.empty()) throw pg::PgError(ERRCODE_UNDEFINED_TABLE, "table with OID {} does not exist", table);
    const std::string kind = rows[0].text(0);
    const std::string name = rows[0].text(2);
    if (kind == "t")
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is a TOAST table", name)
            .hint("Ask for the table it belongs to.");
    if (kind == "i" || kind == "I")
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is an index", name)
            .hint("Ask for its table; each index of it has a row.");
    if (kind == "r" && rows[0].truth(1))
        throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is a temporary table", name)
            .hint("Only its own session can maintain it.");
    throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is not a table", name)
        .hint("Tables, partitioned tables and materialized views are maintained.");
}

void check_may_look(Oid role, Oid table, const TableFacts& facts) {
    if (!read_tables({role, table}).empty()) return;
    if (pg::query("SELECT pg_catalog.pg_has_role($1, 'pg_monitor', 'USAGE')", {pg::Parameter::oid(role)})
            .at(0)
            .truth(0))
        return;
    throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of table {}", facts.name)
        .hint("Members of pg_monitor may look at all tables.");
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts)
        if (!part.empty()) text += (text.empty() ? "" : "; ") + part;
    return text;
}

Datum why_not(FunctionCallInfo fcinfo) {
    pg::ResultSet result(fcinfo);
    const Oid role = GetUserId();
    const Oid id = PG_GETARG_OID(0);
    const std::optional<TableFacts> table = read_table(id);
    if (!table) {
        pg::AsExtensionOwner as_extension;
        refuse(id);
    }
    check_may_look(role, id, *table);
    const Surroundings around = read_surroundings({*table}, std::nullopt);
    const Predictor predictor(read_experience());
    pg::AsExtensionOwner as_extension;
    const pg::Row settings =
        pg::query("SELECT current_setting('autovacuum') = 'on', current_setting('track_counts') = 'on'").at(0);
    const std::string holder = horizon_holder(*table);
    for (const Explanation& row :
         explain(*table, around, predictor, min_score(), {settings.truth(0), settings.truth(1)})) {
        const bool is_vacuum = row.action == "vacuum" || row.action == "freeze";
        Last last;
        if (is_vacuum || row.action == "analyze") last = last_done(id, is_vacuum ? "vacuum" : "analyze");
        const std::string detail =
            joined({row.detail, row.action == "autovacuum" ? "" : last_trouble(id, row), is_vacuum ? holder : ""});
        result.add({row.action, row.object, row.verdict, row.score ? fmt::format("{:.2f}", *row.score) : pg::Cell(),
                    row.action == "autovacuum" || !row.score ? pg::Cell() : fmt::format("{}", min_score()), row.reason,
                    detail.empty() ? pg::Cell() : detail, last.at, last.by});
    }
    return result.done();
}

}  // namespace

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_why_not) {
    return steward::pg::entry([&] { return steward::maintain::why_not(fcinfo); });
}
