// SPDX-License-Identifier: PostgreSQL
//
// CALL steward.maintain(): the caller waits for its worker without a snapshot, so that it keeps no dead row alive and no
// REINDEX CONCURRENTLY waiting, tells what is done as it is done, and looks meanwhile how fast the worker may go.
#include <string>
#include <vector>

#include "base/pack.hpp"
#include "base/text.hpp"
#include "maintain/maintain_pg.hpp"
#include "maintain/request_pg.hpp"
#include "maintain/throttle_pg.hpp"
#include "pg/databases.hpp"
#include "pg/guard.hpp"
#include "pg/sleeper.hpp"
#include "pg/top_level.hpp"
#include "pg/transaction.hpp"
#include "pg/worker.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

constexpr std::int64_t kMicrosPerMilli = 1000;
constexpr int kLookMillis = 250;
// Nothing begins before the first look.
constexpr int kFirstLookMillis = 100;
// For the ledger to be written by a worker that is asked to end.
constexpr int kFarewellMillis = 10'000;

struct Count {
    int failed = 0;
    std::string first_failure;
};

void say(const std::string& line) {
    const char* text = line.c_str();
    pg::call([&] { ereport(INFO, (errmsg("%s", text))); });
}

// Or until the worker has something to say.
void wait_until(base::Instant time) {
    const auto millis = static_cast<long>((time.micros - pg::now().micros) / kMicrosPerMilli) + 1;
    if (millis > 0) pg::nap(millis);
}

class Call {
public:
    explicit Call(const Order& order)
        : helper_("steward_maintain_worker", "pg_steward maintenance", encode(order),
                  pg::Connection{MyDatabaseId, GetSessionUserId()}, sizeof(SharedThrottle)) {}

    void run();

private:
    SharedThrottle& shared() { return *static_cast<SharedThrottle*>(helper_.shared()); }
    void look();
    // False at the end.
    bool hear(const std::string& message);
    void end_worker();
    void conclude() const;

    pg::Helper helper_;
    LoadMeter meter_;
    Count count_;
    int steps_ = 0;
};

void Call::run() {
    if (!helper_.started())
        throw pg::PgError(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "no background worker is free for maintenance")
            .hint("Raise max_worker_processes, or call again when fewer jobs run.");
    pg::ErrorReport error;
    bool done = pg::capture(error, [&] {
        meter_.start(shared());
        base::Instant next_look{pg::now().micros + kFirstLookMillis * kMicrosPerMilli};
        for (;;) {
            if (pg::now() >= next_look) {
                look();
                next_look = {pg::now().micros + kLookMillis * kMicrosPerMilli};
            }
            pg::commit_in_procedure();
            bool is_ended = false;
            while (auto message = helper_.receive_now(is_ended))
                if (!hear(*message)) return;
            if (is_ended)
                throw pg::PgError(ERRCODE_CONNECTION_FAILURE, "the maintenance worker ended before its work was done")
                    .hint("The server log says why. Call again: what is done is not done twice.");
            wait_until(next_look);
        }
    });
    if (!done) {
        end_worker();
        throw pg::PgError(std::move(error));
    }
    helper_.let_go();
    conclude();
}

void Call::look() { allow(shared(), meter_.read(shared()), tolerance()); }

bool Call::hear(const std::string& message) {
    const std::vector<std::string> fields = base::unpack(message);
    const std::string& kind = fields.at(0);
    if (kind == kBusy)
        throw pg::PgError(ERRCODE_LOCK_NOT_AVAILABLE, "maintenance of database \"{}\" is under way already",
                          pg::current_database())
            .hint("pg_stat_activity shows it as \"pg_steward maintenance\".");
    if (kind == kError) throw pg::error_from({fields.at(1), fields.at(2), fields.at(3), fields.at(4)});
    if (kind == kPlan) {
        steps_ = std::stoi(fields.at(1));
        say(fields.at(2) == "0" ? std::string("nothing needs maintenance")
                                : fmt::format("{} of {} useful steps fit", fields.at(1), fields.at(2)));
    }
    if (kind == kStep) {
        const std::string& outcome = fields.at(1);
        if (outcome == "failed" || outcome == "cancelled") {
            if (count_.failed++ == 0) count_.first_failure = fields.at(2);
        }
        say(fields.at(2));
    }
    return kind != kEnd;
}

// So that it writes down what became of the step under way.
void Call::end_worker() {
    shared().is_cancelled.store(true);
    bool is_ended = false;
    for (int waited = 0; waited < kFarewellMillis && !is_ended && !ProcDiePending; waited += 20) {
        while (helper_.receive_now(is_ended)) {
        }
        if (!is_ended) pg_usleep(20'000);
    }
}

void Call::conclude() const {
    if (count_.failed == 0) return;
    throw pg::PgError(ERRCODE_RAISE_EXCEPTION, "{} of {} steps of maintenance failed", count_.failed, steps_)
        .detail("{}", count_.first_failure)
        .hint("The others are done; steward.maintenance_ledger tells of each.");
}

}  // namespace

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_maintain) {
    return steward::pg::entry([&]() -> Datum {
        using namespace steward;
        const maintain::Order order = maintain::order_of(fcinfo, 0);
        if (!pg::may_commit(fcinfo))
            throw pg::PgError(ERRCODE_ACTIVE_SQL_TRANSACTION,
                              "steward.maintain() cannot run inside a transaction block")
                .hint("CALL it by itself: it commits step by step.");
        if (RecoveryInProgress())
            throw pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot maintain tables during recovery")
                .hint("Call it on the primary; its changes arrive here by replication.");
        maintain::Call(order).run();
        return Datum{0};
    });
}
