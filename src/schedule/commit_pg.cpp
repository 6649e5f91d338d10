// SPDX-License-Identifier: PostgreSQL
//
// What a transaction asks of the launcher, told when it commits and forgotten when it does not.
#include <algorithm>
#include <vector>

#include "pg/guard.hpp"
#include "schedule/shared_state_pg.hpp"

namespace steward::schedule {

namespace {

struct PendingRun {
    int slot;
    SubTransactionId subtransaction;
};

// Of this session's transaction. Never destroyed: backends exit without unwinding.
struct Pending {
    bool is_reload = false;
    std::vector<PendingRun> runs;
};

Pending& pending() {
    static Pending* const instance = new Pending();
    return *instance;
}

void tell_launcher() noexcept {
    pg::Locked locked(shared().lock);
    Shared& state = shared();
    if (pending().is_reload) {
        ++state.changes;
        Oid* end = state.changed + state.changed_count;
        bool is_told = std::find(state.changed, end, MyDatabaseId) != end;
        if (!is_told && state.changed_count == kMaxChangedDatabases)
            state.is_all_changed = true;
        else if (!is_told)
            state.changed[state.changed_count++] = MyDatabaseId;
    }
    for (const PendingRun& run : pending().runs) state.runs[run.slot].state = RunState::requested;
    wake_launcher(state);
}

void give_back(const PendingRun& run) noexcept { shared().runs[run.slot].state = RunState::free; }

void forget() noexcept {
    pending().is_reload = false;
    pending().runs.clear();
}

void send_at_transaction_end(XactEvent event, void*) {
    if (!pending().is_reload && pending().runs.empty()) return;
    if (event == XACT_EVENT_PRE_PREPARE) {
        pg::entry([] {
            throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED,
                              "cannot PREPARE a transaction that has changed jobs or steward.slow_thresholds")
                .hint("Change them in a transaction of its own.");
        });
    }
    if (event == XACT_EVENT_COMMIT) {
        tell_launcher();
        forget();
    } else if (event == XACT_EVENT_ABORT) {
        {
            pg::Locked locked(shared().lock);
            for (const PendingRun& run : pending().runs) give_back(run);
        }
        forget();
    }
}

void at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void*) {
    std::vector<PendingRun>& runs = pending().runs;
    if (runs.empty()) return;
    if (event == SUBXACT_EVENT_COMMIT_SUB) {
        for (PendingRun& run : runs)
            if (run.subtransaction == mine) run.subtransaction = parent;
    } else if (event == SUBXACT_EVENT_ABORT_SUB) {
        pg::Locked locked(shared().lock);
        for (const PendingRun& run : runs)
            if (run.subtransaction == mine) give_back(run);
        runs.erase(
            std::remove_if(runs.begin(), runs.end(), [&](const PendingRun& run) { return run.subtransaction == mine; }),
            runs.end());
    }
}

void listen_to_transactions() {
    static bool is_listening = false;
    if (is_listening) return;
    pg::call([] {
        RegisterXactCallback(send_at_transaction_end, nullptr);
        RegisterSubXactCallback(at_subtransaction_end, nullptr);
    });
    is_listening = true;
}

int reserve_run(std::int64_t job, Oid role, RunId* number) noexcept {
    pg::Locked locked(shared().lock);
    int slot = find_free_run(shared());
    if (slot < 0) return slot;
    RunSlot& run = shared().runs[slot];
    run = RunSlot{};
    run.state = RunState::reserved;
    run.pid = MyProcPid;
    run.database = MyDatabaseId;
    run.role = role;
    run.job = job;
    run.kind = static_cast<std::uint8_t>(Kind::manual);
    run.attempt = 1;
    run.due = GetCurrentTimestamp();
    run.run = *number = next_run_number(shared());
    return slot;
}

}  // namespace

void reload_at_commit() {
    if (!has_shared()) return;
    listen_to_transactions();
    pending().is_reload = true;
}

RunId request_at_commit(std::int64_t job, Oid role) {
    listen_to_transactions();
    pending().runs.reserve(pending().runs.size() + 1);
    RunId number = 0;
    int slot = reserve_run(job, role, &number);
    if (slot < 0)
        throw pg::PgError(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "{} runs wait or run already", kMaxRuns)
            .hint("Wait until some of them have ended; the view steward.job_runs shows them.");
    pending().runs.push_back({slot, GetCurrentSubTransactionId()});
    return number;
}

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_tell_launcher) {
    return steward::pg::entry([&]() -> Datum {
        if (!CALLED_AS_TRIGGER(fcinfo))
            throw steward::pg::PgError(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                                       "function \"steward.tell_launcher\" was not called as a trigger");
        steward::schedule::reload_at_commit();
        return PointerGetDatum(nullptr);
    });
}
