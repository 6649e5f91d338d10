// SPDX-License-Identifier: PostgreSQL
//
// The worker that looks into one database for the launcher, which is attached to none: it records what nobody else could
// (runs whose worker was terminated, runs that a crash interrupted), reads the jobs, and ends.
#include "base/pack.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/worker.hpp"
#include "schedule/record_pg.hpp"
#include "schedule/wire_pg.hpp"

namespace steward::schedule {

namespace {

// Files that pg_upgrade carried over still say the old cluster, in the table that no dump has.
void settle_after_upgrade() {
    pg::AsExtensionOwner as_extension;
    pg::execute(
        "WITH moved AS (UPDATE steward.job_home h SET system_identifier = $1, database_oid = $2 "
        "FROM steward.job_home old WHERE h.system_identifier <> $1 RETURNING old.system_identifier AS from_system) "
        "UPDATE steward.job_definitions d SET system_identifier = $1 FROM moved WHERE d.system_identifier = "
        "moved.from_system",
        {pg::system_identifier(), pg::Parameter::oid(MyDatabaseId)});
}

// Why no job here runs: the database is a copy of another one, whose jobs run there.
std::optional<std::string> copied_from() {
    auto rows = pg::query("SELECT 'copied from another database: steward.resume_jobs() takes its jobs over' "
                          "FROM steward.job_home WHERE system_identifier = $1 AND database_oid <> $2",
                          {pg::system_identifier(), pg::Parameter::oid(MyDatabaseId)});
    if (rows.empty()) return std::nullopt;
    return rows[0].text(0);
}

void send_jobs(pg::WorkerLink& link) {
    pg::AsExtensionOwner as_extension;
    for (const pg::Row& row : pg::query(kSelectDefinitions, {pg::system_identifier(), copied_from()}))
        link.send(encode_definition(row));
}

void read_run_numbers(LoadEnd& end) {
    pg::AsExtensionOwner as_extension;
    auto rows = pg::query(
        "SELECT greatest((SELECT max(run_id) FROM steward.job_history), "
        "(SELECT max(greatest(p.last_run_id, (SELECT max(r) FROM unnest(p.running) r))) FROM steward.job_progress p)), "
        "(SELECT least(min(run_id), 0) FROM steward.job_history)");
    end.last_run = rows[0].number(0);
    end.last_standby_run = rows[0].number(1);
}

// One run at a time: one that cannot be recorded keeps no other.
void record_lost(const LoadRequest& request, LoadEnd& end) {
    for (const RunRecord& lost : request.lost) {
        auto failure = pg::attempt(pg::Bounded::transaction, [&] { record_end(lost); });
        if (!failure) end.recorded.push_back(lost.run);
    }
    if (!request.is_first) return;
    auto failure = pg::attempt(pg::Bounded::transaction, [&] {
        settle_after_upgrade();
        record_interrupted(request.under_way);
    });
    if (failure) throw pg::PgError(std::move(*failure));
}

void load(Datum argument) {
    pg::WorkerLink link(argument);
    LoadRequest request = LoadRequest::decode(link.request());
    // The launcher waits for us, and must not wait for a synchronous standby that is gone.
    pg::set_session("synchronous_commit", "local");
    bool has_extension = false;
    auto look = [&] {
        has_extension =
            pg::has_extension() && pg::query("SELECT to_regclass('steward.job_definitions') IS NOT NULL")[0].truth(0);
    };
    auto failure = pg::attempt(pg::Bounded::transaction, look);
    LoadEnd end;
    if (!failure && has_extension && !RecoveryInProgress()) record_lost(request, end);
    if (!failure && has_extension) {
        failure = pg::attempt(pg::Bounded::transaction, [&] {
            send_jobs(link);
            read_run_numbers(end);
        });
    }
    if (failure) throw pg::PgError(std::move(*failure));
    link.send(has_extension ? end.encode() : base::pack({kNothingMessage}));
}

}  // namespace

}  // namespace steward::schedule

extern "C" PGDLLEXPORT void steward_schedule_loader(Datum argument);

extern "C" void steward_schedule_loader(Datum argument) {
    steward::pg::entry([&] { steward::schedule::load(argument); });
}
