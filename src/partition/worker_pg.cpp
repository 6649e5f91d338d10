// SPDX-License-Identifier: PostgreSQL
//
// The background worker of one maintenance call.
#include "base/pack.hpp"
#include "partition/carry_out_pg.hpp"
#include "pg/guard.hpp"
#include "pg/memory.hpp"
#include "pg/worker.hpp"

namespace steward::partition {

namespace {

void serve_maintenance(Datum argument) {
    pg::keep_freed_memory();
    pg::WorkerLink link(argument);
    Request request = Request::decode(link.request());
    lock_timeout_ms = request.lock_timeout;
    // What is inferred in the worker is what the caller would have inferred.
    pg::set_session("timezone", request.timezone);
    link.send(base::pack({"begin"}));
    std::vector<Oid> late;
    pg::ErrorReport error;
    bool done = pg::capture(error, [&] {
        late = carry_out(request, pg::Bounded::transaction, [&](const StepResult& step) {
            link.send(base::pack({"step", step.parent, step.action, step.partition, step.outcome, step.detail,
                                  step.sqlstate, step.hint, step.error_detail}));
            // Cancelled or terminated: nobody wants the rest.
            if (link.is_caller_gone()) throw pg::PgError(ERRCODE_QUERY_CANCELED, "the caller has gone");
        });
    });
    if (done)
        link.send(base::pack({"end"}));
    else
        link.send(base::pack({"error", error.sqlstate(), error.message, error.detail, error.hint}));
    if (done && !late.empty()) carry_out_late(request, late);
}

}  // namespace

}  // namespace steward::partition

extern "C" PGDLLEXPORT void steward_partition_worker(Datum argument);

extern "C" void steward_partition_worker(Datum argument) {
    steward::pg::entry([&] { steward::partition::serve_maintenance(argument); });
}
