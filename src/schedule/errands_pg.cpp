// SPDX-License-Identifier: PostgreSQL
#include "schedule/errands_pg.hpp"

#include <vector>

#include "pg/guard.hpp"
#include "pg/worker.hpp"
#include "pg/zone.hpp"
#include "schedule/shared_state_pg.hpp"

namespace steward::schedule {

namespace {

// What their workers run.
struct ErrandWork {
    const char* main;
    const char* title;
};
constexpr ErrandWork kPartitions{"steward_partition_demand", "pg_steward partitions on demand"};
constexpr ErrandWork kSlowLog{"steward_capture_log", "pg_steward slow query log"};

// ---- Sessions --------------------------------------------------------------------------------------------------------

// Of this session's transaction. Never destroyed: backends exit without unwinding.
std::vector<Oid>& asked() {
    static auto* const instance = new std::vector<Oid>();
    return *instance;
}

// What a rolled back subtransaction has asked for is asked for nevertheless: it costs one look.
void ask_at_transaction_end(XactEvent event, void*) {
    if (asked().empty()) return;
    if (event == XACT_EVENT_COMMIT) {
        base::Instant now = pg::now();
        bool is_new = false;
        pg::Locked locked(shared().lock);
        for (Oid object : asked()) is_new |= ask_errand(shared().errands, kMaxErrands, MyDatabaseId, object, now, now);
        if (is_new) wake_launcher(shared());
    }
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) asked().clear();
}

// ---- The worker ------------------------------------------------------------------------------------------------------

int claimed = -1;

// A database that has been dropped is not tried again and again.
void end_errand_at_exit(int, Datum) {
    end_claimed_errand(OidIsValid(MyDatabaseId) ? ErrandEnd::failed : ErrandEnd::idle);
}

}  // namespace

void ask_at_commit(Oid object) {
    if (!has_shared()) return;
    static bool is_listening = false;
    if (!is_listening) pg::call([] { RegisterXactCallback(ask_at_transaction_end, nullptr); });
    is_listening = true;
    asked().push_back(object);
}

void ask_now(Oid object, std::int64_t delay_micros) noexcept {
    if (!has_shared()) return;
    base::Instant now = pg::now();
    pg::Locked locked(shared().lock);
    if (ask_errand(shared().errands, kMaxErrands, MyDatabaseId, object, now, {now.micros + delay_micros}))
        wake_launcher(shared());
}

void Errands::adopt() {
    pg::Locked locked(shared().lock);
    for (Errand& errand : shared().errands)
        if (errand.state == Errand::State::starting) errand.state = Errand::State::waiting;
}

void Errands::collect(base::Instant now) {
    for (auto entry = workers_.begin(); entry != workers_.end();) {
        if (!pg::has_stopped(entry->second.handle)) {
            ++entry;
            continue;
        }
        {
            pg::Locked locked(shared().lock);
            Errand& errand = shared().errands[entry->first];
            bool is_under_way = errand.state == Errand::State::starting || errand.state == Errand::State::running;
            if (is_under_way && errand.token == entry->second.token) end_errand(errand, ErrandEnd::failed, now);
        }
        pg::release(entry->second.handle);
        entry = workers_.erase(entry);
    }
}

bool Errands::start(int slot, base::Instant now) {
    std::uint32_t token = 0;
    Oid object = InvalidOid;
    {
        pg::Locked locked(shared().lock);
        Errand& errand = shared().errands[slot];
        object = errand.object;
        errand.state = Errand::State::starting;
        errand.token = token = ++shared().last_token;
    }
    const ErrandWork& work = object == kSlowLogErrand ? kSlowLog : kPartitions;
    BackgroundWorkerHandle* handle =
        pg::start_worker(work.main, work.title, pack({static_cast<std::uint32_t>(slot), token}));
    if (handle == nullptr) {
        pg::Locked locked(shared().lock);
        shared().errands[slot].state = Errand::State::waiting;
        shared().errands[slot].not_before = now.micros + kNoSlotMicros;
        return false;
    }
    workers_[slot] = Worker{handle, token};
    return true;
}

void Errands::carry_out(int room, base::Instant now) {
    collect(now);
    for (;;) {
        int slot = -1;
        {
            pg::Locked locked(shared().lock, LW_SHARED);
            slot = due_errand(shared().errands, kMaxErrands, now);
            next_wake_ = next_errand(shared().errands, kMaxErrands);
        }
        // The end of a worker, ours or that of a run, wakes the launcher.
        if (worker_count() >= room) next_wake_.reset();
        if (slot < 0 || worker_count() >= room) return;
        // Its last worker has said that it is done, and is about to end.
        if (workers_.count(slot) != 0) {
            next_wake_ = base::Instant{now.micros + kNoSlotMicros};
            return;
        }
        if (start(slot, now)) continue;
        next_wake_ = base::Instant{now.micros + kNoSlotMicros};
        return;
    }
}

std::optional<ClaimedErrand> claim_errand(Datum argument, const char* title) {
    const auto [index, token] = unpack(argument);
    ClaimedErrand mine{};
    {
        pg::Locked locked(shared().lock);
        Errand& errand = shared().errands[index];
        if (errand.state != Errand::State::starting || errand.token != token) return std::nullopt;
        errand.state = Errand::State::running;
        claimed = static_cast<int>(index);
        mine = {errand.database, errand.object};
    }
    pg::call([&] {
        before_shmem_exit(end_errand_at_exit, Datum{0});
        pqsignal(SIGTERM, die);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnectionByOid(mine.database, InvalidOid, 0);
        pgstat_report_appname(title);
    });
    return mine;
}

void end_claimed_errand(ErrandEnd end) noexcept {
    if (claimed < 0) return;
    base::Instant now = pg::now();
    pg::Locked locked(shared().lock);
    end_errand(shared().errands[claimed], end, now);
    claimed = -1;
    wake_launcher(shared());
}

}  // namespace steward::schedule
