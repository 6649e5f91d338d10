// SPDX-License-Identifier: PostgreSQL
//
// CALL steward.wait_for_lsn(): a session of a standby waits for replay, and holds no snapshot meanwhile that replay could
// have to wait for.
#include <algorithm>
#include <utility>

#include "pg/clock.hpp"
#include "pg/guard.hpp"
#include "pg/sleeper.hpp"
#include "pg/snapshot.hpp"
#include "pg/srf.hpp"
#include "pg/wal.hpp"
#include "route/facts.hpp"

namespace steward::route {

namespace {

// Replay tells nobody how far it is; a look costs two microseconds.
constexpr long kMaxPauseMillis = 10;

struct Progress {
    bool is_standby;
    Lsn reached;
};

// What an asynchronous commit has written and not flushed is seen by readers of a primary, too.
Progress progress() {
    Progress now{RecoveryInProgress(), {}};
    now.reached = {now.is_standby ? pg::replayed_lsn(nullptr) : GetXLogInsertRecPtr()};
    return now;
}

[[noreturn]] void refuse_snapshot() {
    throw pg::PgError(ERRCODE_ACTIVE_SQL_TRANSACTION, "cannot wait for replay while a snapshot is held")
        .detail("Replay may have to wait for this snapshot, and then neither would end.")
        .hint("CALL steward.wait_for_lsn() by itself: not from a function, and not after a query of a REPEATABLE READ "
              "transaction or with a cursor open.");
}

[[noreturn]] void refuse_primary(Lsn target, const Progress& now, bool was_standby) {
    auto error = pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "{} lies beyond the WAL of this server",
                             format_lsn(target))
                     .detail("This server {}, and has written up to {}.",
                             was_standby ? "was promoted meanwhile" : "is a primary", format_lsn(now.reached));
    if (was_standby)
        throw std::move(error).hint("What was written there was lost with the old primary, or is on another server.");
    throw std::move(error).hint("Take the position from the server that wrote it: is this another cluster's?");
}

[[noreturn]] void give_up(Lsn target, const Progress& now, double seconds) {
    const bool is_paused = pg::call([] { return pg::is_replay_paused(); });
    throw pg::PgError(ERRCODE_QUERY_CANCELED, "{} was not replayed within {} s", format_lsn(target), seconds)
        .detail("Replay has reached {}, {} bytes before it{}.", format_lsn(now.reached),
                target.value - now.reached.value, is_paused ? ", and is paused" : "")
        .hint("Read from the primary, or wait longer: the second argument.");
}

void wait_for(Lsn target, double seconds, Oid procedure) {
    const std::int64_t end = pg::steady_micros() + static_cast<std::int64_t>(seconds * 1e6);
    Progress now = progress();
    if (now.reached >= target) return;
    if (!now.is_standby) refuse_primary(target, now, false);
    if (!pg::drop_snapshots_of_call(procedure)) refuse_snapshot();
    for (long millis = 1; now.reached < target; millis = std::min(2 * millis, kMaxPauseMillis)) {
        if (!now.is_standby) refuse_primary(target, now, true);
        const std::int64_t left = end - pg::steady_micros();
        if (left <= 0) give_up(target, now, seconds);
        pg::nap(std::min(millis, static_cast<long>(left / 1000 + 1)));
        now = progress();
    }
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_wait_for_lsn) {
    using namespace steward;
    return pg::entry([&]() -> Datum {
        if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
            throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "target and timeout must not be null");
        const double seconds = pg::seconds_of(*PG_GETARG_INTERVAL_P(1));
        if (seconds < 0) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "timeout must not be negative");
        route::wait_for({PG_GETARG_LSN(0)}, seconds, fcinfo->flinfo->fn_oid);
        return Datum{0};
    });
}
