// SPDX-License-Identifier: PostgreSQL
#include "route/shared_pg.hpp"

#include <algorithm>

#include "pg/clock.hpp"
#include "pg/guard.hpp"

namespace steward::route {

int probe_interval = 1000;
int probe_timeout = 2000;

namespace {

constexpr char kName[] = "pg_steward route";
Shared* attached = nullptr;

std::size_t shared_bytes() { return sizeof(Shared); }

void on_startup() {
    bool is_new = false;
    attached = static_cast<Shared*>(pg::shared_memory(kName, shared_bytes(), &is_new));
    if (!is_new) return;
    attached->lock = pg::shared_lock(kName, 0);
    attached->ring_lock = pg::shared_lock(kName, 1);
    attached->events_lock = pg::shared_lock(kName, 2);
    // As a bigint of SQL, and never the 0 of a server that has none.
    if (!pg_strong_random(&attached->instance, sizeof(attached->instance)))
        attached->instance = static_cast<std::uint64_t>(GetCurrentTimestamp());
    attached->instance |= 1U;
    // Grows over restarts, too.
    Page page;
    page.topology_epoch = static_cast<std::uint64_t>(GetCurrentTimestamp() / USECS_PER_SEC);
    attached->board.publish(page);
}

// ---- What a transaction has changed, told when it commits -----------------------------------------------------------------

bool has_changed = false;

void wake(const Shared& state) noexcept {
    if (state.prober_latch != nullptr) SetLatch(state.prober_latch);
}

void tell_prober() noexcept {
    Shared& state = shared();
    pg::Locked locked(state.lock);
    Oid* end = state.changed + state.changed_count;
    const bool is_told = std::find(state.changed, end, MyDatabaseId) != end;
    if (!is_told && state.changed_count == kMaxChangedDatabases)
        state.is_all_changed = true;
    else if (!is_told)
        state.changed[state.changed_count++] = MyDatabaseId;
    wake(state);
}

void at_transaction_end(XactEvent event, void*) {
    if (!has_changed) return;
    if (event == XACT_EVENT_PRE_PREPARE) {
        pg::entry([] {
            throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "cannot PREPARE a transaction that has changed nodes")
                .hint("Register nodes in a transaction of its own.");
        });
    }
    if (event == XACT_EVENT_COMMIT) tell_prober();
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT) has_changed = false;
}

}  // namespace

void init_shared() { pg::request_shared({shared_bytes, kName, 3, on_startup}); }

bool has_shared() { return attached != nullptr; }

Shared& shared() { return *attached; }

Steady steady_now() { return {pg::steady_micros()}; }

void wake_prober() noexcept {
    pg::Locked locked(shared().lock, LW_SHARED);
    wake(shared());
}

void reload_at_commit() {
    if (!has_shared()) return;
    static bool is_listening = false;
    if (!is_listening) pg::call([] { RegisterXactCallback(at_transaction_end, nullptr); });
    is_listening = true;
    has_changed = true;
}

std::optional<double> hourly_wal_rate(Lsn flushed) {
    const Steady now = steady_now();
    pg::Locked locked(shared().ring_lock, LW_SHARED);
    return shared().ring.rate(flushed, now);
}

std::vector<std::optional<std::int64_t>> ages_of(const std::vector<Lsn>& positions, Lsn flushed) {
    std::vector<std::optional<std::int64_t>> ages(positions.size());
    const Steady now = steady_now();
    pg::Locked locked(shared().ring_lock, LW_SHARED);
    for (std::size_t i = 0; i < positions.size(); ++i) ages[i] = shared().ring.age(positions[i], flushed, now);
    return ages;
}

}  // namespace steward::route

STEWARD_FUNCTION(steward_tell_prober) {
    return steward::pg::entry([&]() -> Datum {
        if (!CALLED_AS_TRIGGER(fcinfo))
            throw steward::pg::PgError(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                                       "function \"steward.tell_prober\" was not called as a trigger");
        steward::route::reload_at_commit();
        return PointerGetDatum(nullptr);
    });
}
