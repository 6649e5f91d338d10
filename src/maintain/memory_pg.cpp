// SPDX-License-Identifier: PostgreSQL
//
// steward.remember_statistics(), and what it has noted.
#include "maintain/memory_pg.hpp"

#include "base/array.hpp"
#include "base/text.hpp"
#include "maintain/relations_pg.hpp"
#include "pg/cursor.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

using OptionalInstant = std::optional<base::Instant>;

// Rows to write, column by column as the arrays that unnest() takes.
class Columns {
public:
    void add(Oid table, const Note& note) {
        const Counters& counters = note.counters;
        const std::vector<std::string> values{number(table),
                                              number(counters.file),
                                              number(counters.changed_in_all),
                                              number(counters.vacuums),
                                              number(counters.analyzes),
                                              time(counters.last_vacuum),
                                              time(counters.last_analyze),
                                              count(counters.changes.dead),
                                              count(counters.changes.inserted),
                                              count(counters.changes.modified),
                                              count(note.forgotten.dead),
                                              count(note.forgotten.inserted),
                                              count(note.forgotten.modified)};
        for (std::size_t at = 0; at < kColumns; ++at) columns_[at].push_back(values[at]);
        ++rows_;
    }

    std::int64_t write(base::Instant at) const {
        if (rows_ == 0) return 0;
        std::vector<pg::Parameter> parameters{pg::Parameter::timestamptz(pg::to_server(at))};
        for (const auto& column : columns_) parameters.emplace_back(base::array_literal(column));
        pg::execute(
            "INSERT INTO steward.table_memory AS m (noted_at, table_oid, file_node, rows_changed_in_all, vacuums, "
            "analyzes, last_vacuum, last_analyze, dead_rows, inserted_rows, modified_rows, forgotten_dead, "
            "forgotten_inserted, forgotten_modified) "
            "SELECT $1, t, f, c, v, a, nullif(lv, '-infinity'), nullif(la, '-infinity'), d, i, mo, fd, fi, fm FROM "
            "unnest($2::oid[], $3::oid[], $4::bigint[], "
            "$5::bigint[], $6::bigint[], $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::bigint[], "
            "$11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[]) "
            "u(t, f, c, v, a, lv, la, d, i, mo, fd, fi, fm) "
            "ON CONFLICT (table_oid) DO UPDATE SET noted_at = EXCLUDED.noted_at, file_node = EXCLUDED.file_node, "
            "rows_changed_in_all = EXCLUDED.rows_changed_in_all, vacuums = EXCLUDED.vacuums, "
            "analyzes = EXCLUDED.analyzes, last_vacuum = EXCLUDED.last_vacuum, last_analyze = EXCLUDED.last_analyze, "
            "dead_rows = EXCLUDED.dead_rows, inserted_rows = EXCLUDED.inserted_rows, "
            "modified_rows = EXCLUDED.modified_rows, forgotten_dead = EXCLUDED.forgotten_dead, "
            "forgotten_inserted = EXCLUDED.forgotten_inserted, forgotten_modified = EXCLUDED.forgotten_modified",
            parameters);
        return rows_;
    }

private:
    static constexpr std::size_t kColumns = 13;

    static std::string number(std::int64_t value) { return fmt::format("{}", value); }
    static std::string count(double value) { return fmt::format("{:.0f}", value); }
    static std::string time(const OptionalInstant& at) {
        return at ? base::format_instant(*at, base::utc()) : std::string("-infinity");
    }

    std::vector<std::string> columns_[kColumns];
    std::int64_t rows_ = 0;
};

std::int64_t note_counters(base::Instant now) {
    const std::map<Oid, Note> notes = read_notes(std::nullopt);
    Columns columns;
    for (const auto& [id, relation] : read_relations({BOOTSTRAP_SUPERUSERID, std::nullopt})) {
        // A crash empties an unlogged table, and what was in it needs nothing more.
        if (relation.kind == RELKIND_PARTITIONED_TABLE || relation.is_unlogged) continue;
        const auto found = notes.find(id);
        const std::optional<Note> noted = found == notes.end() ? std::nullopt : std::optional<Note>(found->second);
        if (is_worth_noting(noted, relation.counters)) columns.add(id, note(noted, relation.counters, now));
    }
    pg::execute(
        "DELETE FROM steward.table_memory m WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.table_oid)");
    return columns.write(now);
}

// One every few minutes for a day, then the first of each hour for a month: so many rows at the most that a look at all is nothing.
void sample_wraparound(base::Instant now) {
    const pg::Parameter at = pg::Parameter::timestamptz(pg::to_server(now));
    const FullTransactionId next_xid = pg::call([] { return ReadNextFullTransactionId(); });
    pg::execute(
        "DELETE FROM steward.wraparound_samples s WHERE s.sampled_at < $1 - interval '31 days' OR s.sampled_at > $1 "
        "OR (s.sampled_at < $1 - interval '1 day' AND EXISTS (SELECT FROM steward.wraparound_samples e "
        "WHERE e.sampled_at < s.sampled_at AND date_trunc('hour', e.sampled_at) = date_trunc('hour', s.sampled_at)))",
        {at});
    // mxid_age() counts from the next one.
    pg::execute("INSERT INTO steward.wraparound_samples (sampled_at, next_xid, next_multixact) "
                "SELECT $1, $2, (mxid_age('1')::bigint + 1 + 4294967296) % 4294967296 "
                "WHERE NOT EXISTS (SELECT FROM steward.wraparound_samples WHERE sampled_at > $1 - interval '1 minute')",
                {at, static_cast<std::int64_t>(U64FromFullTransactionId(next_xid))});
}

Datum remember_statistics() {
    pg::call([] { PreventCommandDuringRecovery("steward.remember_statistics()"); });
    pg::AsExtensionOwner as_extension;
    const base::Instant now = pg::now();
    // Two at once would write the same rows.
    pg::execute("LOCK TABLE steward.table_memory IN SHARE ROW EXCLUSIVE MODE");
    sample_wraparound(now);
    return Int64GetDatum(note_counters(now));
}

}  // namespace

std::map<Oid, Note> read_notes(const std::optional<Oid>& table) {
    const std::string sql = fmt::format(
        "SELECT table_oid, date_part('epoch', noted_at), file_node, rows_changed_in_all, vacuums, analyzes, "
        "date_part('epoch', last_vacuum), date_part('epoch', last_analyze), "
        "dead_rows, inserted_rows, modified_rows, forgotten_dead, forgotten_inserted, forgotten_modified "
        "FROM steward.table_memory{}",
        table ? " WHERE table_oid = $1 OR table_oid = (SELECT reltoastrelid FROM pg_class WHERE oid = $1)" : "");
    std::vector<pg::Parameter> parameters;
    if (table) parameters.push_back(pg::Parameter::oid(*table));
    std::map<Oid, Note> notes;
    pg::for_each_row(sql, parameters, [&](const pg::Row& row) {
        Note note;
        note.at = instant(row, 1).value_or(base::Instant{});
        note.counters.file = row.oid(2);
        note.counters.changed_in_all = row.number(3);
        note.counters.vacuums = row.number(4);
        note.counters.analyzes = row.number(5);
        note.counters.last_vacuum = instant(row, 6);
        note.counters.last_analyze = instant(row, 7);
        note.counters.changes = {row.real(8), row.real(9), row.real(10)};
        note.forgotten = {row.real(11), row.real(12), row.real(13)};
        notes.emplace(row.oid(0), note);
    });
    return notes;
}

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_remember_statistics) {
    return steward::pg::entry([] { return steward::maintain::remember_statistics(); });
}
