// SPDX-License-Identifier: PostgreSQL
//
// The prober: one static background worker of the server, attached to no database. It keeps a connection to each registered
// node, asks it once an interval how it is, and writes the answers into shared memory; on a primary it notes how the WAL
// grows, on a standby it asks the primary how old what is missing is. It writes nothing else, and waits for nobody: all
// connections wait together. With no nodes it sleeps until it is told of some; a standby, which nobody tells, looks for them
// once a minute.
#include <algorithm>
#include <limits>
#include <memory>

#include "pg/guard.hpp"
#include "pg/wal.hpp"
#include "pg/worker.hpp"
#include "route/chronicle_pg.hpp"
#include "route/board_pg.hpp"
#include "route/readings_pg.hpp"
#include "route/watch_pg.hpp"

namespace steward::route {

namespace {

constexpr std::int64_t kLookAgainMicros = 60'000'000;

class Prober {
public:
    [[noreturn]] void run() {
        begin();
        for (;;) {
            pg::obey_signals();
            notice_promotion(steady_now());
            read_databases(steady_now());
            sample_wal(steady_now());
            for (auto& watch : watches_) watch->step();
            chronicle_.take(state_, watches_, steady_now());
            chronicle_.write_down(state_.is_standby, steady_now());
            write_board(steady_now());
            wait();
        }
    }

private:
    void begin();
    void notice_promotion(Steady now);
    void look_everywhere(Steady now);
    void read_databases(Steady now);
    void take_changes(Steady now);
    void apply(Reading&& reading, Steady now);
    void add(const Reading& reading, Node&& node, Steady now);
    void drop_slot(int slot);
    void sample_wal(Steady now);
    void measure_from_ring(Lsn flushed, Steady now);
    void write_board(Steady now);

    Steady next_wake() const;
    void gather();
    void wait();

    Readings readings_;
    ProberState state_;
    Watches watches_;
    Chronicle chronicle_;
    WaitEventSet* events_ = nullptr;
    std::vector<std::pair<Watch*, Watch::Waited>> waited_;  // for what events_ waits
    bool is_full_told_ = false;
    Steady look_again_;
    Steady next_sample_;
    Steady last_measure_;
    Steady last_board_;
    bool was_settled_ = false;
};

void at_exit(int, Datum) {
    pg::Locked locked(shared().lock);
    shared().prober_latch = nullptr;
}

void Prober::begin() {
    state_.is_standby = RecoveryInProgress();
    const Steady now = steady_now();
    pg::call([] { before_shmem_exit(at_exit, Datum{0}); });
    {
        Shared& state = shared();
        pg::Locked locked(state.lock);
        state.prober_latch = MyLatch;
        for (NodeSlot& slot : state.nodes) slot = NodeSlot{};
        state.horizon = {};
        state.measured = {};
    }
    state_.is_changed = true;
    readings_.want_all(now);
    look_again_ = now + kLookAgainMicros;
}

void Prober::notice_promotion(Steady now) {
    if (!state_.is_standby || RecoveryInProgress()) return;
    state_.is_standby = false;
    state_.is_changed = true;
    // Who changes nodes says so from now on; of what was replayed before nobody has.
    look_everywhere(now);
}

// ---- What there is to ask -----------------------------------------------------------------------------------------------

void Prober::look_everywhere(Steady now) {
    for (Oid gone : readings_.want_all(now)) apply({gone, {}, {}}, now);
}

void Prober::read_databases(Steady now) {
    take_changes(now);
    if (look_again_ <= now) {
        look_again_ = now + kLookAgainMicros;
        if (state_.is_standby)
            look_everywhere(now);
        else
            readings_.want_known(now);
    }
    while (std::optional<Reading> reading = readings_.advance(now)) apply(std::move(*reading), now);
}

void Prober::take_changes(Steady now) {
    Shared& state = shared();
    std::vector<Oid> changed;
    changed.reserve(kMaxChangedDatabases);
    bool is_all = false;
    {
        pg::Locked locked(state.lock);
        changed.assign(state.changed, state.changed + state.changed_count);
        is_all = state.is_all_changed;
        state.changed_count = 0;
        state.is_all_changed = false;
    }
    if (is_all) readings_.want_all(now);
    for (Oid database : changed) readings_.want(database, now);
}

void Prober::apply(Reading&& reading, Steady now) {
    state_.is_changed = true;
    for (auto watch = watches_.begin(); watch != watches_.end();) {
        Watch& known = **watch;
        auto same = std::find_if(reading.nodes.begin(), reading.nodes.end(),
                                 [&](const Node& node) { return node.is_asked_like(known.node()); });
        if (known.database() != reading.database) {
            ++watch;
        } else if (same != reading.nodes.end() && known.database_name() == reading.database_name) {
            known.place(same->placement);
            reading.nodes.erase(same);
            ++watch;
        } else {
            state_.is_gathered = false;
            drop_slot(known.slot());
            watch = watches_.erase(watch);
        }
    }
    for (Node& node : reading.nodes) add(reading, std::move(node), now);
}

void Prober::add(const Reading& reading, Node&& node, Steady now) {
    int free = kMaxNodes;
    {
        pg::Locked locked(shared().lock);
        for (free = 0; free < kMaxNodes && shared().nodes[free].is_used; ++free) {
        }
        if (free < kMaxNodes) {
            NodeSlot& slot = shared().nodes[free];
            slot = NodeSlot{};
            slot.is_used = true;
            slot.database = reading.database;
            copy_short(slot.name, node.name);
            shared().assigned[free].clear();
        }
    }
    state_.is_changed = true;
    if (free < kMaxNodes) {
        // Not all at once.
        const std::int64_t delay = pace().interval * free / kMaxNodes;
        watches_.push_back(std::make_unique<Watch>(reading.database, reading.database_name, std::move(node), free,
                                                   now + delay, state_));
    } else if (!is_full_told_) {
        is_full_told_ = true;
        pg::call([] {
            ereport(LOG, (errmsg("pg_steward asks no more than %d nodes; others are registered in vain", kMaxNodes)));
        });
    }
}

void Prober::drop_slot(int slot) {
    chronicle_.forget(slot);
    state_.is_changed = true;
    pg::Locked locked(shared().lock);
    shared().nodes[slot] = NodeSlot{};
}

// ---- How the WAL grows --------------------------------------------------------------------------------------------------

void Prober::sample_wal(Steady now) {
    if (state_.is_standby || watches_.empty() || now < next_sample_) return;
    const Lsn flushed{pg::flushed_lsn()};
    {
        pg::Locked locked(shared().ring_lock);
        shared().ring.note(flushed, now);
    }
    next_sample_ = now + std::min(kSampleMicros, pace().interval);
    if (now - last_measure_ >= pace().interval) measure_from_ring(flushed, now);
}

// What is known of a standby that does not answer gets older, too.
void Prober::measure_from_ring(Lsn flushed, Steady now) {
    last_measure_ = now;
    Shared& state = shared();
    pg::Locked ring_locked(state.ring_lock, LW_SHARED);
    pg::Locked locked(state.lock);
    state.wal_rate.note(flushed, now);
    for (NodeSlot& slot : state.nodes) {
        if (!slot.is_used || !slot.has_facts || !slot.facts.is_standby) continue;
        auto age = state.ring.age(slot.facts.replayed, flushed, now);
        slot.measured = {slot.facts.replayed, age.value_or(0), now, age.has_value()};
    }
}

// ---- Who is to be sent where --------------------------------------------------------------------------------------------

// Also when nothing is heard of others: of this server itself there is something new.
void Prober::write_board(Steady now) {
    if (!state_.is_changed && (watches_.empty() || now - last_board_ < pace().interval)) return;
    state_.is_changed = false;
    last_board_ = now;
    const bool was_hurried = state_.is_hurried;
    // A standby is told of no nodes: once promoted it takes no commits before it has looked for them.
    const bool is_complete = !state_.is_standby && readings_.is_done();
    const bool is_settled = route::write_board(watches_, is_complete) && !watches_.empty();
    // Where there was never a certain primary there is nothing to hurry for.
    was_settled_ |= is_settled;
    state_.is_hurried = was_settled_ && !is_settled;
    if (state_.is_hurried && !was_hurried)
        for (auto& watch : watches_) watch->hurry();
}

// ---- Waiting ------------------------------------------------------------------------------------------------------------

Steady Prober::next_wake() const {
    Steady next = look_again_;
    if (watches_.empty() && !state_.is_standby) next = {std::numeric_limits<std::int64_t>::max()};
    if (auto reading = readings_.next_wake()) next = std::min(next, *reading);
    if (auto writing = chronicle_.next_wake(state_.is_standby)) next = std::min(next, *writing);
    if (!watches_.empty() && !state_.is_standby) next = std::min(next, next_sample_);
    for (const auto& watch : watches_) next = std::min(next, watch->next_wake());
    return next;
}

// A connection that is being made may change its socket behind the same number; all others are waited for as they are.
void Prober::gather() {
    std::vector<std::pair<Watch*, Watch::Waited>> all;
    for (auto& watch : watches_) {
        state_.is_gathered &= !watch->is_connecting();
        if (auto waited = watch->waited()) all.emplace_back(watch.get(), *waited);
    }
    if (state_.is_gathered && all == waited_) return;
    waited_ = std::move(all);
    state_.is_gathered = true;
    const auto* first = waited_.data();
    const int count = static_cast<int>(waited_.size());
    pg::call([&] {
        if (events_ != nullptr) FreeWaitEventSet(events_);
        events_ = pg::make_wait_event_set(count + 2);
        AddWaitEventToSet(events_, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
        AddWaitEventToSet(events_, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
        for (int i = 0; i < count; ++i)
            AddWaitEventToSet(events_, first[i].second.events, first[i].second.socket, nullptr, first[i].first);
    });
}

void Prober::wait() {
    gather();
    const Steady next = next_wake();
    const bool is_endless = next.micros == std::numeric_limits<std::int64_t>::max();
    const std::int64_t left = is_endless ? 0 : std::max<std::int64_t>(next - steady_now(), 0);
    const long timeout = is_endless ? -1 : static_cast<long>((left + 999) / 1000);
    WaitEvent happenings[kMaxNodes + 2];
    const int count =
        pg::call([&] { return WaitEventSetWait(events_, timeout, happenings, kMaxNodes + 2, PG_WAIT_EXTENSION); });
    for (int i = 0; i < count; ++i) {
        if ((happenings[i].events & WL_LATCH_SET) != 0)
            ResetLatch(MyLatch);
        else if (happenings[i].user_data != nullptr)
            static_cast<Watch*>(happenings[i].user_data)->happened();
    }
}

}  // namespace

}  // namespace steward::route

extern "C" PGDLLEXPORT void steward_route_prober(Datum argument);

extern "C" void steward_route_prober(Datum) {
    using namespace steward;
    pg::entry([] {
        pg::begin_static_worker();
        // Never destroyed: the process ends inside.
        (new route::Prober())->run();
    });
}
