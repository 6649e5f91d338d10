// SPDX-License-Identifier: PostgreSQL
//
// The launcher: one static background worker of the cluster, attached to no database. It has loaders read the jobs of each
// database, asks the scheduler (pure code) what is due, starts a worker a run, and sleeps until something is due or said.
// It writes nothing and locks nothing of a user's. Everything it must not forget is in the databases (job_progress) or in
// shared memory (RunSlots), so it may be terminated at any time: the next one goes on where it was.
#include <algorithm>

#include "base/text.hpp"
#include "capture/slow_limits_pg.hpp"
#include "pg/clock.hpp"
#include "pg/guard.hpp"
#include "pg/sleeper.hpp"
#include "pg/transaction.hpp"
#include "pg/worker.hpp"
#include "pg/zone.hpp"
#include "schedule/errands_pg.hpp"
#include "schedule/job_slots_pg.hpp"
#include "schedule/loads_pg.hpp"
#include "schedule/starts_pg.hpp"

namespace steward::schedule {

namespace {

// Databases with a broken job are looked at again, and on a standby, where no commit says that jobs changed, all.
constexpr std::int64_t kLookAgainMicros = base::kMicrosPerMinute;
// How far the wall clock may drift from the steady one between two looks without having been set.
constexpr std::int64_t kDriftMicros = base::kMicrosPerSecond;
// Errands at once.
constexpr int kMostErrands = 2;

class Launcher {
public:
    Launcher() : starts_(brain_) {}

    [[noreturn]] void run() {
        begin();
        for (;;) {
            pg::obey_signals();
            base::Instant now = pg::now();
            notice_clock(now);
            notice_promotion(now);
            read_databases(now);
            take_changes(now);
            tell_events(now);
            run_errands(now);
            if (!is_taking_over_) starts_.carry_out(brain_.tick(now), now);
            starts_.make_ready(brain_.take_upcoming(), most_, now);
            publish(now);
            sleep();
        }
    }

private:
    void begin();
    void notice_clock(base::Instant now);
    void notice_promotion(base::Instant now);
    void read_databases(base::Instant now);
    void take_changes(base::Instant now);
    void tell_events(base::Instant now);
    void run_errands(base::Instant now);
    void publish(base::Instant now);
    void sleep();

    void set_limits();
    void advance_loads(base::Instant now);
    void loaded(Loaded&& result, base::Instant now);
    void forget(Oid database);

    Scheduler brain_;
    Starts starts_;
    Errands errands_;
    Loads loads_;
    pg::Sleeper& sleeper_ = *new pg::Sleeper();
    int most_ = 1;
    bool is_standby_ = false;
    bool is_taking_over_ = false;  // promoted, and not all has been read since
    bool is_everything_read_ = false;
    std::optional<base::Instant> look_again_;
    base::Instant last_wall_;
    std::int64_t last_steady_ = 0;
    JobSlots jobs_;
};

void forget_latch_at_exit(int, Datum) {
    pg::Locked locked(shared().lock);
    shared().launcher_latch = nullptr;
}

void Launcher::begin() {
    is_standby_ = RecoveryInProgress();
    last_wall_ = pg::now();
    last_steady_ = pg::steady_micros();
    pg::call([] { before_shmem_exit(forget_latch_at_exit, Datum{0}); });
    TimestampTz seen_until = 0;
    {
        Shared& state = shared();
        pg::Locked locked(state.lock);
        state.launcher_latch = MyLatch;
        // While there was no launcher to notice it.
        is_taking_over_ = state.is_standby && !is_standby_;
        state.is_standby |= is_standby_;
        state.promotion_pending |= is_taking_over_;
        seen_until = state.standby_until;
    }
    set_limits();
    brain_.set_standby(is_standby_, last_wall_);
    if (is_standby_) brain_.begin_standby_at(seen_until != 0 ? pg::from_server(seen_until) : last_wall_);
    starts_.adopt();
    errands_.adopt();
    loads_.want_all(last_wall_, true);
    if (is_standby_) look_again_ = base::Instant{last_wall_.micros + kLookAgainMicros};
}

int share_of_workers() { return std::max(1, max_worker_processes - kReservedWorkers); }

void Launcher::set_limits() {
    most_ = std::max(1, std::min(max_running, share_of_workers() - errands_.worker_count()));
    brain_.set_limits({most_, most_, kLeadMicros});
}

void Launcher::notice_clock(base::Instant now) {
    std::int64_t steady = pg::steady_micros();
    base::Instant expected{last_wall_.micros + (steady - last_steady_)};
    bool is_correction = std::abs(now.micros - expected.micros) > kDriftMicros && brain_.clock_stepped(expected, now);
    if (is_correction) loads_.want_all(now, true);
    last_wall_ = now;
    last_steady_ = steady;
}

void Launcher::notice_promotion(base::Instant now) {
    if (!is_standby_ || RecoveryInProgress()) return;
    is_standby_ = false;
    is_taking_over_ = true;
    look_again_.reset();
    is_everything_read_ = false;
    {
        pg::Locked locked(shared().lock);
        shared().promotion_pending = true;
    }
    // What ran on the old primary and has not ended there was interrupted; only after that is known does anything start.
    loads_.want_all(now, true);
}

void Launcher::read_databases(base::Instant now) {
    if (look_again_ && *look_again_ <= now) {
        look_again_.reset();
        for (Oid gone : loads_.want_all(now, false)) forget(gone);
        if (is_standby_) look_again_ = base::Instant{now.micros + kLookAgainMicros};
    }
    advance_loads(now);
    if (is_everything_read_ || !loads_.is_first_round_over()) return;
    is_everything_read_ = true;
    // What is known of them is what the standby knew: they begin anew when they can be read.
    if (is_taking_over_)
        for (Oid unread : loads_.first_failed()) forget(unread);
    is_taking_over_ = false;
    {
        pg::Locked locked(shared().lock);
        shared().is_standby = is_standby_;
    }
    brain_.set_standby(is_standby_, now);
}

void Launcher::advance_loads(base::Instant now) {
    auto request_for = [&](Oid database) { return starts_.request_for(database); };
    while (std::optional<Loaded> result = loads_.advance(now, request_for)) loaded(std::move(*result), now);
}

void Launcher::loaded(Loaded&& result, base::Instant now) {
    Oid database = result.database;
    if (!result.has_extension) return forget(database);
    note_used(result.end.used);
    starts_.recorded(database, result.end, now);
    bool has_broken = std::any_of(result.jobs.begin(), result.jobs.end(), [&](const Definition& job) {
        return !job.broken.empty() && (!job.is_paused || (job.paused_until && *job.paused_until <= now));
    });
    brain_.load(database, std::move(result.jobs), now);
    starts_.drop_unknown_requests(database, now, is_standby_);
    if (has_broken) loads_.want(database, {now.micros + kLookAgainMicros});
}

void Launcher::forget(Oid database) {
    capture::forget_slow_limits(database);
    brain_.forget(database);
    starts_.forget(database);
    jobs_.remove_all(database);
}

void Launcher::take_changes(base::Instant now) {
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
    if (is_all)
        for (Oid gone : loads_.want_all(now, false)) forget(gone);
    for (Oid database : changed) loads_.want(database, now);

    Starts::Attention attention = starts_.collect(now, is_standby_);
    for (Oid database : attention.to_record)
        if (!loads_.is_reading(database)) loads_.keep_wanting(database, now);
    for (Oid database : attention.to_reload) loads_.keep_wanting(database, now);
    advance_loads(now);
}

void Launcher::tell_events(base::Instant now) {
    if (!is_everything_read_) return;
    bool is_startup = false;
    bool is_promotion = false;
    bool is_crash = false;
    {
        pg::Locked locked(shared().lock);
        std::swap(is_startup, shared().startup_pending);
        std::swap(is_promotion, shared().promotion_pending);
        std::swap(is_crash, shared().crash_pending);
    }
    if (is_startup) brain_.happened(Event::startup, now);
    if (is_crash) brain_.happened(Event::after_crash, now);
    if (is_promotion) brain_.happened(Event::promotion, now);
}

// Before the runs: they are short and rare, and would else wait for ever where there are always runs due. Workers that are only
// ready for one give way.
void Launcher::run_errands(base::Instant now) {
    int share = share_of_workers();
    int left = std::min(share - starts_.running(), std::max(1, share - 1));
    errands_.carry_out(std::min(left, kMostErrands), now);
    set_limits();
}

void Launcher::publish(base::Instant now) {
    if (is_standby_ && is_everything_read_) {
        pg::Locked locked(shared().lock);
        shared().standby_until = pg::to_server(now);
    }
    std::vector<JobKey> changed = brain_.take_changed();
    // What is gone makes room for what is new.
    for (const JobKey& key : changed)
        if (!brain_.status(key, now)) jobs_.remove(key);
    for (const JobKey& key : changed) {
        std::optional<JobStatus> status = brain_.status(key, now);
        if (!status) continue;
        if (status->running > 0 && status->handled_until) starts_.note_handled(key, *status->handled_until);
        jobs_.put(key, *status);
    }
}

void Launcher::sleep() {
    std::optional<base::Instant> until;
    auto earlier = [&](std::optional<base::Instant> other) {
        if (other && (!until || *other < *until)) until = other;
    };
    if (!is_taking_over_) earlier(brain_.next_wake());
    earlier(starts_.next_wake());
    earlier(errands_.next_wake());
    earlier(loads_.next_wake());
    earlier(look_again_);
    sleeper_.sleep(until);
}

}  // namespace

}  // namespace steward::schedule

extern "C" {
PGDLLEXPORT void steward_schedule_launcher(Datum argument);
PGDLLEXPORT void steward_schedule_promotion(Datum argument);
}

extern "C" void steward_schedule_launcher(Datum) {
    using namespace steward;
    pg::entry([] {
        pg::begin_static_worker();
        // Never destroyed: the process ends inside.
        (new schedule::Launcher())->run();
    });
}

// The postmaster starts it when recovery is over: nobody else tells a process that the standby has become the primary.
extern "C" void steward_schedule_promotion(Datum) {
    using namespace steward;
    BackgroundWorkerUnblockSignals();
    pg::Locked locked(schedule::shared().lock);
    schedule::wake_launcher(schedule::shared());
}
