// SPDX-License-Identifier: PostgreSQL
#include "schedule/record_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"
#include "schedule/tables_pg.hpp"

namespace steward::schedule {

namespace {

// One run in so many cleans up behind its job, so that the cost is spread.
constexpr double kCleaningShare = 0.02;

std::optional<std::int64_t> optional_number(const pg::Row& row, std::size_t column) {
    if (row.is_null(column)) return std::nullopt;
    return row.number(column);
}

// Of two columns: whether there is a pause, and until when.
TimestampTz pause_end(const pg::Row& row, std::size_t column) {
    if (!row.truth(column)) return 0;
    return row.is_null(column + 1) ? DT_NOEND : pg::to_server({row.number(column + 1)});
}

bool moves_progress(Kind kind) { return kind != Kind::manual && kind != Kind::retry; }

// What its end says of the job: its own instant and those that were skipped because of it are dealt with.
pg::Parameter handled_by(const RunRecord& record) {
    TimestampTz handled = std::max(moves_progress(record.kind) ? record.due : 0, record.handled_until);
    return handled != 0 ? pg::Parameter::timestamptz(handled) : pg::Parameter::null();
}

// False when it is there already: the loader that wrote it had to give way before it could say so.
bool insert_history(pg::Spi& spi, const RunRecord& record) {
    const pg::ScriptEnd* end = record.end ? &*record.end : nullptr;
    const pg::ErrorReport* error = end != nullptr && end->error ? &*end->error : nullptr;
    std::string sqlstate = error != nullptr ? error->sqlstate() : record.sqlstate;
    std::string message = error != nullptr ? error->message : record.message;
    return spi.execute(
               "INSERT INTO steward.job_history (run_id, job_id, job_name, role_name, role_oid, kind, attempt, due_at, "
               "started_at, "
               "ended_at, outcome, pid, statements, row_count, tag, sqlstate, message, detail, hint, context, "
               "statement, "
               "notices) "
               "SELECT $1, $2, coalesce((SELECT d.name FROM steward.job_definitions d WHERE d.job_id = $2), $21, "
               "(SELECT "
               "h.job_name FROM steward.job_history h WHERE h.job_id = $2 ORDER BY h.ended_at DESC LIMIT 1), ''), "
               "pg_get_userbyid($3), $3, $4, $5, $6, $7::timestamptz, $8, $9, $10::integer, $11::integer, $12::bigint, "
               "$13, $14, $15, "
               "$16, $17, $18, $19, $20 ON CONFLICT (run_id) DO NOTHING",
               {record.run,
                record.job,
                pg::Parameter::oid(record.role),
                name_of(record.kind),
                static_cast<std::int32_t>(record.attempt),
                pg::Parameter::timestamptz(record.due),
                record.started_at != 0 ? pg::Parameter::timestamptz(record.started_at) : pg::Parameter::null(),
                pg::Parameter::timestamptz(record.ended_at),
                name_of(record.outcome),
                record.pid != 0 ? std::optional<std::int32_t>(record.pid) : std::nullopt,
                end != nullptr ? std::optional<std::int32_t>(end->statements) : std::nullopt,
                end != nullptr ? std::optional<std::int64_t>(end->rows) : std::nullopt,
                end != nullptr ? base::unless_empty(end->tag) : std::nullopt,
                base::unless_empty(sqlstate),
                base::unless_empty(message),
                error != nullptr ? base::unless_empty(error->detail) : std::nullopt,
                error != nullptr ? base::unless_empty(error->hint) : std::nullopt,
                error != nullptr ? base::unless_empty(error->context) : std::nullopt,
                end != nullptr ? base::unless_empty(end->failed_statement) : std::nullopt,
                base::unless_empty(record.notices),
                base::unless_empty(record.name)},
               pg::Plan::kept) != 0;
}

// Set in every update of a job's progress; $1 is the run.
constexpr char kRunIsOver[] =
    "running_due = (SELECT coalesce(array_agg(u.due), '{}') FROM unnest(p.running, p.running_due) u (run, due) "
    "WHERE u.run <> $1), "
    "running_since = (SELECT coalesce(array_agg(u.since), '{}') FROM unnest(p.running, p.running_since) u (run, "
    "since) WHERE u.run <> $1), "
    "running = array_remove(p.running, $1)";

// What others record for a run that could not say that it ended comes late, perhaps after the end of the next one.
bool is_overtaken(pg::Spi& spi, const RunRecord& record) {
    if (record.end) return false;
    return !spi.query("SELECT 1 FROM steward.job_progress WHERE job_id = $1 AND last_ended_at > $2",
                      {record.job, pg::Parameter::timestamptz(record.ended_at)})
                .empty();
}

// Its instant is dealt with, but the job's last run is another one.
void update_overtaken(pg::Spi& spi, const RunRecord& record) {
    spi.execute(fmt::format("UPDATE steward.job_progress p SET {}, handled_until = greatest(p.handled_until, "
                            "$3::timestamptz) WHERE p.job_id = $2",
                            kRunIsOver),
                {record.run, record.job, handled_by(record)});
}

void update_progress(pg::Spi& spi, const RunRecord& record) {
    std::string error = record.end && record.end->error ? record.end->error->message : record.message;
    std::string sqlstate = record.end && record.end->error ? record.end->error->sqlstate() : record.sqlstate;
    bool is_success = record.outcome == Outcome::succeeded;
    double duration_ms = static_cast<double>(record.ended_at - record.started_at) / 1000.0;
    static const std::string* const sql = new std::string(fmt::format(
        "INSERT INTO steward.job_progress AS p (job_id, handled_until, last_run_id, last_due, last_started_at, "
        "last_ended_at, "
        "last_outcome, last_sqlstate, last_error, last_attempt, last_success_at, consecutive_failures, usual_ms) "
        "SELECT $2, $3::timestamptz, $1, $4, $5, $6, $7, nullif($8, ''), nullif($9, ''), $10, "
        "CASE WHEN $11 THEN $6 END, CASE WHEN $11 THEN 0 ELSE 1 END, CASE WHEN $11 THEN $12 END "
        "WHERE EXISTS (SELECT FROM steward.job_definitions d WHERE d.job_id = $2) "
        "ON CONFLICT (job_id) DO UPDATE SET "
        "handled_until = greatest(p.handled_until, excluded.handled_until), "
        "{}, last_run_id = $1, last_due = $4, last_started_at = $5, last_ended_at = $6, last_outcome = $7, "
        "last_sqlstate = excluded.last_sqlstate, last_error = excluded.last_error, last_attempt = $10, "
        "last_success_at = coalesce(excluded.last_success_at, p.last_success_at), "
        "consecutive_failures = CASE WHEN $11 THEN 0 ELSE p.consecutive_failures + 1 END, "
        "usual_ms = CASE WHEN NOT $11 THEN p.usual_ms WHEN p.usual_ms IS NULL THEN $12 ELSE p.usual_ms * 0.8 + $12 * "
        "0.2 END",
        kRunIsOver));
    spi.execute(*sql,
                {record.run, record.job, handled_by(record), pg::Parameter::timestamptz(record.due),
                 pg::Parameter::timestamptz(record.started_at), pg::Parameter::timestamptz(record.ended_at),
                 name_of(record.outcome), sqlstate, error, static_cast<std::int32_t>(record.attempt), is_success,
                 duration_ms},
                pg::Plan::kept);
}

// A job that was to run once. Asked first, because a DELETE tells the launcher to read all jobs anew even when it finds none.
void drop_done(pg::Spi& spi, const RunRecord& record) {
    const std::vector<pg::Parameter> done{record.job, pg::Parameter::timestamptz(record.due)};
    if (spi.query("SELECT FROM steward.job_definitions WHERE job_id = $1 AND run_at <= $2", done, pg::Plan::kept)
            .empty())
        return;
    spi.execute("DELETE FROM steward.job_definitions WHERE job_id = $1 AND run_at <= $2", done);
}

void clean_history(pg::Spi& spi, std::int64_t job) {
    spi.execute(
        "DELETE FROM steward.job_history h USING steward.job_definitions d "
        "WHERE d.job_id = $1 AND h.job_id = $1 AND (h.ended_at < now() - d.keep_for OR h.run_id IN ("
        "SELECT o.run_id FROM steward.job_history o WHERE o.job_id = $1 ORDER BY o.ended_at DESC OFFSET d.keep_runs))",
        {job});
}

}  // namespace

RunRecord record_of(const RunSlot& run) {
    RunRecord record;
    record.run = run.run;
    record.job = run.job;
    record.role = run.role;
    record.kind = static_cast<Kind>(run.kind);
    record.attempt = run.attempt;
    record.due = run.due;
    record.started_at = run.started_at;
    record.ended_at = run.ended_at;
    record.handled_until = run.handled_until;
    record.outcome = static_cast<Outcome>(run.outcome);
    record.pid = run.pid;
    record.is_marked = run.is_marked;
    record.sqlstate = run.sqlstate;
    record.message = run.message;
    return record;
}

RunNumbers used_run_numbers() {
    pg::AsExtensionOwner as_extension;
    auto rows = pg::query(
        "SELECT greatest((SELECT max(run_id) FROM steward.job_history), "
        "(SELECT max(greatest(p.last_run_id, (SELECT max(r) FROM unnest(p.running) r))) FROM steward.job_progress p)), "
        "(SELECT least(min(run_id), 0) FROM steward.job_history)");
    return {rows[0].number(0), rows[0].number(1)};
}

std::optional<Command> read_command(std::int64_t job, Oid role) {
    pg::AsExtensionOwner as_extension;
    lock_tables(Use::read);
    auto rows = pg::query("SELECT name, command, (extract(epoch FROM timeout) * 1000)::bigint, "
                          "(extract(epoch FROM lock_timeout) * 1000)::bigint, atomic, on_error = 'continue', "
                          "is_paused, (extract(epoch FROM paused_until) * 1000000)::bigint, is_all IS NOT NULL, "
                          "(extract(epoch FROM until) * 1000000)::bigint FROM steward.job_definitions "
                          "LEFT JOIN steward.job_pause ON true WHERE job_id = $1 AND role_oid = $2",
                          {job, pg::Parameter::oid(role)}, pg::Plan::kept);
    if (rows.empty()) return std::nullopt;
    const pg::Row& row = rows[0];
    Command command;
    command.name = row.text(0);
    command.text = row.text(1);
    command.timeout_ms = optional_number(row, 2);
    command.lock_timeout_ms = optional_number(row, 3);
    command.rules.is_atomic = row.truth(4);
    command.rules.goes_on_after_error = row.truth(5);
    command.paused_until = std::max(pause_end(row, 6), pause_end(row, 8));
    return command;
}

void mark_start(const RunRecord& record) {
    pg::AsExtensionOwner as_extension;
    lock_tables(Use::record);
    pg::execute(
        "INSERT INTO steward.job_progress AS p (job_id, handled_until, running, running_due, running_since) "
        "VALUES ($2, CASE WHEN $3 THEN $4 END, ARRAY[$1], ARRAY[$4], ARRAY[now()]) "
        "ON CONFLICT (job_id) DO UPDATE SET handled_until = greatest(p.handled_until, excluded.handled_until), "
        "running = p.running || $1, running_due = p.running_due || $4, running_since = p.running_since || now()",
        {record.run, record.job, moves_progress(record.kind), pg::Parameter::timestamptz(record.due)}, pg::Plan::kept);
}

void unmark_start(const RunRecord& record) {
    pg::AsExtensionOwner as_extension;
    lock_tables(Use::record);
    pg::Spi spi;
    update_overtaken(spi, record);
}

void record_end(const RunRecord& record) {
    pg::AsExtensionOwner as_extension;
    lock_tables(Use::record);
    pg::Spi spi;
    if (!insert_history(spi, record)) return;
    if (record.started_at == 0 || is_overtaken(spi, record))
        update_overtaken(spi, record);
    else
        update_progress(spi, record);
    if (record.outcome == Outcome::succeeded) drop_done(spi, record);
    if (pg::random_fraction() < kCleaningShare) clean_history(spi, record.job);
}

void forget_future() {
    pg::AsExtensionOwner as_extension;
    pg::execute("UPDATE steward.job_progress SET handled_until = CASE WHEN handled_until > now() THEN now() ELSE "
                "handled_until END, last_ended_at = CASE WHEN last_ended_at > now() THEN now() ELSE last_ended_at END "
                "WHERE greatest(handled_until, last_ended_at) > now() + $1 * interval '1 us'",
                {kLargestStepBackMicros});
}

void record_interrupted(const std::vector<RunId>& under_way) {
    std::vector<RunRecord> lost;
    {
        pg::AsExtensionOwner as_extension;
        auto rows =
            pg::query("SELECT u.run, p.job_id, d.role_oid, (extract(epoch FROM u.due) * 1000000)::bigint, "
                      "(extract(epoch FROM u.since) * 1000000)::bigint, (u.due IS DISTINCT FROM p.handled_until), "
                      "p.last_due = u.due, "
                      "p.last_attempt FROM steward.job_progress p JOIN steward.job_definitions d USING (job_id) "
                      "JOIN steward.job_places h USING (job_id), "
                      "unnest(p.running, p.running_due, p.running_since) u (run, due, since) WHERE h.is_here ORDER BY "
                      "u.since");
        for (const pg::Row& row : rows) {
            RunRecord record;
            record.run = row.number(0);
            if (std::find(under_way.begin(), under_way.end(), record.run) != under_way.end()) continue;
            record.job = row.number(1);
            record.role = row.oid(2);
            record.due = pg::to_server({row.number(3)});
            record.started_at = pg::to_server({row.number(4)});
            record.ended_at = GetCurrentTimestamp();
            record.outcome = Outcome::interrupted;
            record.attempt = row.truth(6) ? static_cast<int>(row.number(7)) + 1 : 1;
            record.kind = record.attempt > 1 ? Kind::retry : row.truth(5) ? Kind::manual : Kind::scheduled;
            record.sqlstate = "57P02";
            record.message = "the server stopped, crashed or was replaced while the job ran";
            lost.push_back(std::move(record));
        }
    }
    for (const RunRecord& record : lost) record_end(record);
}

}  // namespace steward::schedule
