// SPDX-License-Identifier: PostgreSQL
#include "partition/row_move_pg.hpp"

#include "partition/relation_pg.hpp"
#include "partition/demand.hpp"
#include "partition/step_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace steward::partition {

namespace {

// No column has this name.
constexpr char kRow[] = "steward_row_zq7xk";
constexpr int kSmallToastPages = 8 * kSmallDefaultPages;

constexpr char kTree[] = "WITH RECURSIVE tree(id) AS (SELECT $1::oid UNION ALL SELECT inhrelid FROM pg_inherits "
                         "JOIN tree ON inhparent = id) ";

struct Pages {
    std::int64_t rows;
    std::int64_t toast;
};

Pages pages_of(Oid table) {
    pg::SafePath path;
    auto sizes =
        pg::query(std::string(kTree) +
                      "SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint / b.size, "
                      "coalesce(sum(pg_relation_size(nullif(c.reltoastrelid, 0))), 0)::bigint / b.size "
                      "FROM tree t JOIN pg_class c ON c.oid = t.id, "
                      "(SELECT current_setting('block_size')::int) b(size) WHERE c.relkind <> 'p' GROUP BY b.size",
                  {pg::Parameter::oid(table)});
    if (sizes.empty()) return {0, 0};
    return {sizes[0].number(0), sizes[0].number(1)};
}

bool is_large(const Pages& pages) { return pages.rows > kSmallDefaultPages || pages.toast > kSmallToastPages; }

// Code that moving rows calls would run with triggers and foreign keys silenced everywhere, which its author, unless a
// superuser, has no right to: of expressions in keys, indexes, CHECKs and generated columns, and of their types.
std::string foreign_code(const KnownSet& known) {
    if (pg::call([&] { return superuser_arg(known.set.owner); })) return "";
    pg::SafePath path;
    auto rows = pg::query(
        std::string(kTree) +
            ", tables(id) AS (SELECT id FROM tree UNION SELECT $2 UNION SELECT $3), "
            "parts(class, id) AS (SELECT 'pg_class'::regclass::oid, id FROM tables "
            "UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_index JOIN tables ON id = indrelid "
            "UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c JOIN tables t ON t.id = conrelid "
            "UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d JOIN tables t ON t.id = adrelid "
            "JOIN pg_attribute a ON a.attrelid = t.id AND attnum = adnum AND attgenerated <> '') "
            "SELECT pg_describe_object(d.refclassid, d.refobjid, 0) FROM parts p "
            "JOIN pg_depend d ON d.classid = p.class AND d.objid = p.id "
            "LEFT JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid "
            "LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid "
            "LEFT JOIN pg_type y ON d.refclassid = 'pg_type'::regclass AND y.oid = d.refobjid "
            "AND (y.typtype = 'r' OR y.typtype = 'd' AND d.objsubid = 0) "
            "JOIN pg_roles r ON r.oid = coalesce(f.proowner, o.oprowner, y.typowner) "
            "WHERE NOT r.rolsuper ORDER BY 1 LIMIT 1",
        {pg::Parameter::oid(known.set.default_id), pg::Parameter::oid(known.set.id),
         pg::Parameter::oid(known.policy.template_id)});
    return rows.empty() ? std::string()
                        : rows[0].text(0) + " is not a superuser's, and would run with triggers silenced";
}

// What would make of the move something else than a move.
std::string obstacle(const KnownSet& known) {
    std::string code = foreign_code(known);
    if (!code.empty()) return code;
    pg::SafePath path;
    auto rows = pg::query(
        std::string(kTree) +
            "SELECT 'trigger ' || quote_ident(g.tgname) || ' is ENABLE ALWAYS or REPLICA and would fire' FROM tree t "
            "JOIN pg_trigger g ON g.tgrelid = t.id WHERE NOT g.tgisinternal AND g.tgenabled IN ('A', 'R') "
            "AND g.tgtype & 12 <> 0 "
            "UNION ALL SELECT 'rule ' || quote_ident(r.rulename) || ' is ENABLE ALWAYS or REPLICA and would apply' "
            "FROM tree t JOIN pg_rewrite r ON r.ev_class = t.id WHERE r.ev_enabled IN ('A', 'R') "
            "UNION ALL SELECT 'row security is forced on ' || c.oid::regclass::text || ', and may hide rows from the "
            "owner' "
            "FROM (SELECT id FROM tree UNION SELECT $2) t JOIN pg_class c ON c.oid = t.id JOIN pg_roles o ON o.oid = "
            "c.relowner WHERE c.relrowsecurity AND c.relforcerowsecurity AND NOT o.rolbypassrls AND NOT o.rolsuper "
            "UNION ALL SELECT c.oid::regclass::text || ' is a foreign table' FROM tree t JOIN pg_class c ON c.oid = "
            "t.id "
            "WHERE c.relkind = 'f' LIMIT 1",
        {pg::Parameter::oid(known.set.default_id), pg::Parameter::oid(known.set.id)});
    return rows.empty() ? std::string() : rows[0].text(0);
}

std::int64_t count_rows(const DefaultState& state, const std::string& condition) {
    auto rows = pg::query(fmt::format("SELECT count(*) FROM (SELECT FROM {} WHERE {} LIMIT {}) r", state.name,
                                      condition, kMaxMovedRows + 1));
    return rows.at(0).number(0);
}

// All but the generated ones, which the new partition generates again.
std::string columns_of(Oid table, const std::string& prefix) {
    pg::SafePath path;
    auto rows = pg::query("SELECT string_agg($2 || quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
                          "WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
                          {pg::Parameter::oid(table), prefix});
    return rows.at(0).text(0);
}

// Row by row or by the statement, and the foreign keys that lead here: ON DELETE CASCADE.
bool fires_on_delete(Oid table) {
    pg::SafePath path;
    return !pg::query(std::string(kTree) + "SELECT 1 FROM tree JOIN pg_trigger ON tgrelid = id WHERE tgtype & 8 <> 0 "
                                           "AND tgenabled = 'O' LIMIT 1",
                      {pg::Parameter::oid(table)})
                .empty();
}

std::string quoted_role(Oid role) {
    pg::SafePath path;
    return pg::query("SELECT quote_ident(rolname) FROM pg_roles WHERE oid = $1", {pg::Parameter::oid(role)})
        .at(0)
        .text(0);
}

struct Taken {
    Oid type;
    Datum rows;
    bool is_none;
};

// A foreign key that is checked only at the end of the transaction would look in vain for the row it is to check.
void refuse_pending(Oid table) {
    bool is_pending = pg::call([&] {
        ListCell* cell = nullptr;
        foreach (cell, find_all_inheritors(table, NoLock, nullptr))
            if (AfterTriggerPendingOnRel(lfirst_oid(cell))) return true;
        return false;
    });
    if (is_pending)
        throw Refused{fmt::format("foreign keys or triggers of rows of {} wait for the end of this transaction",
                                  relation_name(table).qualified())};
}

// The array lives in the memory of the caller's SPI connection.
Taken take(const char* sql) {
    int code = 0;
    const Taken taken = pg::call([&] {
        Taken found{InvalidOid, Datum{0}, true};
        code = SPI_execute(sql, false, 0);
        if (code != SPI_OK_SELECT || SPI_processed != 1) return found;
        found.type = SPI_gettypeid(SPI_tuptable->tupdesc, 1);
        found.rows = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &found.is_none);
        return found;
    });
    if (!OidIsValid(taken.type))
        throw pg::PgError(ERRCODE_INTERNAL_ERROR, "unexpected result of taking rows: {}", code);
    return taken;
}

std::int64_t length_of(const Taken& taken) {
    if (taken.is_none) return 0;
    return pg::call([&] {
        ArrayType* array = DatumGetArrayTypeP(taken.rows);
        return std::int64_t{ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array))};
    });
}

}  // namespace

std::string move_refusal(const KnownSet& known, const DefaultState& state, const std::string& condition,
                         std::int64_t& rows) {
    rows = count_rows(state, condition);
    if (rows == 0) return "";
    std::string why = obstacle(known);
    if (!why.empty())
        return fmt::format("rows of default partition {} need this partition, but are not moved: {}", state.name, why);
    if (is_large(pages_of(known.set.default_id)))
        return fmt::format(
            "rows of default partition {} need this partition, but it has {} pages, which the ATTACH would "
            "scan under ACCESS EXCLUSIVE; run the step's SQL in a quiet hour",
            state.name, state.pages);
    if (rows > kMaxMovedRows)
        return fmt::format("more than {} rows of default partition {} need this partition, too many to move them under "
                           "a lock; run the step's SQL in a quiet hour",
                           kMaxMovedRows, state.name);
    return "";
}

void plan_move(PlanStep& step, const KnownSet& known, const DefaultState& state, const std::string& condition,
               const std::string& prepare, const std::string& attach) {
    RowMove& move = step.move.emplace();
    move.from = known.set.default_id;
    move.prepare = prepare;
    move.take =
        fmt::format("WITH moved AS (DELETE FROM {} {} WHERE {} RETURNING {}) SELECT pg_catalog.array_agg({}) FROM "
                    "moved",
                    state.name, kRow, condition, kRow, kRow);
    move.attach = attach;
    move.put =
        fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_catalog.unnest($1) {}", step.object,
                    columns_of(known.set.id, ""), columns_of(known.set.id, std::string(kRow) + "."), kRow);
    step.lock_mode = "ACCESS EXCLUSIVE";
    step.locked_relation = step.parent;
    step.sql = fmt::format("{};\nLOCK TABLE ONLY {}, {} IN ACCESS EXCLUSIVE MODE;\n{};\n{};\n{}", move.prepare,
                           step.parent, state.name, move.take, move.attach, move.put);
}

MoveByHand move_by_hand(const KnownSet& known, const DefaultState& state, const std::string& condition,
                        const std::string& object, const std::string& create, const std::string& attach) {
    MoveByHand move;
    move.needs_superuser = fires_on_delete(known.set.default_id);
    // The role after it, because the role could not.
    std::string silence = move.needs_superuser
                              ? fmt::format("SET LOCAL session_replication_role = replica;\nSET LOCAL ROLE {};\n",
                                            quoted_role(known.set.owner))
                              : "";
    std::string columns = columns_of(known.set.id, "");
    move.sql = fmt::format("BEGIN;\n{}{};\nLOCK TABLE ONLY {}, {} IN ACCESS EXCLUSIVE MODE;\n"
                           "WITH moved AS (DELETE FROM {} WHERE {} RETURNING {})\n"
                           "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM moved;\n{};\nCOMMIT",
                           silence, create, known.set.qualified(), state.name, state.name, condition, columns, object,
                           columns, columns, attach);
    return move;
}

void move_rows(const PlanStep& step) {
    const RowMove& move = *step.move;
    pg::execute(move.prepare);
    lock_table(step.parent_id, AccessExclusiveLock);
    lock_table(move.from, AccessExclusiveLock);
    refuse_pending(move.from);
    // It may have grown since the plan.
    Pages pages = pages_of(move.from);
    if (is_large({pages.rows / 2, pages.toast / 2}))
        throw Refused{fmt::format("default partition {} has grown to {} pages meanwhile",
                                  relation_name(move.from).qualified(), pages.rows)};
    pg::Spi spi;
    pg::silence_triggers(true);
    Taken taken = take(move.take.c_str());
    pg::silence_triggers(false);
    spi.execute(move.attach);
    std::int64_t rows = length_of(taken);
    if (rows == 0) return;
    pg::silence_triggers(true);
    auto put = static_cast<std::int64_t>(spi.execute(move.put, {pg::Parameter::of(taken.type, taken.rows)}));
    pg::silence_triggers(false);
    if (put != rows) throw pg::PgError(ERRCODE_INTERNAL_ERROR, "{} rows were taken and {} put", rows, put);
}

}  // namespace steward::partition
