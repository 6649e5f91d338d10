// SPDX-License-Identifier: PostgreSQL
//
// The worker that looks into one database for the launcher, which is attached to none: it records what nobody else could
// (runs whose worker was terminated, runs that a crash interrupted), reads the jobs and what capture wants to know, and ends.
#include "base/pack.hpp"
#include "base/text.hpp"
#include "capture/slow_limits_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/worker.hpp"
#include "schedule/home_pg.hpp"
#include "schedule/record_pg.hpp"
#include "schedule/tables_pg.hpp"
#include "schedule/wire_pg.hpp"

namespace steward::schedule {

namespace {

void send_jobs(pg::WorkerLink& link) {
    pg::AsExtensionOwner as_extension;
    lock_tables(Use::read);
    for (const pg::Row& row : pg::query(kSelectDefinitions)) link.send(encode_definition(row));
}

// One run at a time: one that cannot be recorded keeps no other.
std::optional<pg::ErrorReport> record_lost(const LoadRequest& request, LoadEnd& end) {
    for (const RunRecord& lost : request.lost) {
        auto failure = pg::attempt(pg::Bounded::transaction, [&] { record_end(lost); });
        if (!failure)
            end.recorded.push_back(lost.run);
        else if (!gave_way(*failure))
            end.refusal = fmt::format("run {} of job {}: {}", lost.run, lost.job, failure->message);
    }
    return pg::attempt(pg::Bounded::transaction, [&] {
        pg::AsExtensionOwner as_extension;
        lock_tables(request.is_first ? Use::record : Use::read);
        settle_home();
        if (!request.is_first) return;
        forget_future();
        record_interrupted(request.under_way);
    });
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
    if (!failure && has_extension && !RecoveryInProgress()) failure = record_lost(request, end);
    if (!failure && has_extension) {
        failure = pg::attempt(pg::Bounded::transaction, [&] {
            send_jobs(link);
            end.used = used_run_numbers();
        });
    }
    // The launcher sees that nothing came, and sends another one later.
    if (failure && gave_way(*failure)) return;
    if (failure) throw pg::PgError(std::move(*failure));
    // Whoever has locked that table lets it be read again when it has changed.
    if (has_extension) failure = pg::attempt(pg::Bounded::transaction, capture::load_slow_limits);
    if (failure && !gave_way(*failure)) throw pg::PgError(std::move(*failure));
    link.send(has_extension ? end.encode() : base::pack({kNothingMessage}));
}

}  // namespace

}  // namespace steward::schedule

extern "C" PGDLLEXPORT void steward_schedule_loader(Datum argument);

extern "C" void steward_schedule_loader(Datum argument) {
    steward::pg::worker_entry([&] { steward::schedule::load(argument); });
}
