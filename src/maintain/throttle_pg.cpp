// SPDX-License-Identifier: PostgreSQL
#include "maintain/throttle_pg.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "pg/clock.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

constexpr int kTickMillis = 100;
// As fast as it can: VACUUM looks whether it is to sleep only while its delay is not 0.
constexpr double kFullSpeedDelayMs = 0.001;
constexpr int kFullSpeedCostLimit = 10'000;
constexpr int kWaitMillis = 50;

// All a signal handler may touch.
struct Timer {
    SharedThrottle* volatile shared;  // null: not in force
    double delay_ms;
    std::int64_t wall_micros;
    std::int64_t used_micros;
    std::int64_t held_back_micros;
    std::int64_t until_micros;  // of the wall clock; 0: as long as it takes
    bool is_cancellable;
    volatile sig_atomic_t is_out_of_time;
    volatile sig_atomic_t is_stopped;
};
Timer timer;
TimeoutId tick = MAX_TIMEOUTS;

void set_pace(double delay_ms) {
    const Pace pace = delay_ms > 0 ? pace_of(delay_ms) : Pace{kFullSpeedDelayMs, kFullSpeedCostLimit};
    pg::set_vacuum_pace(pace.delay_ms, pace.cost_limit);
}

// In a signal handler: plain numbers only.
void on_tick() {
    if (timer.shared == nullptr) return;
    const std::int64_t wall = pg::clock_micros(CLOCK_MONOTONIC);
    const std::int64_t used = pg::clock_micros(CLOCK_PROCESS_CPUTIME_ID);
    const std::int64_t passed = wall - timer.wall_micros;
    if (passed > 0) {
        if (timer.delay_ms > 0) timer.held_back_micros += passed - (used - timer.used_micros);
        const double used_share = static_cast<double>(used - timer.used_micros) / static_cast<double>(passed);
        timer.delay_ms = next_delay_ms(timer.delay_ms, used_share, timer.shared->allowed_permille.load() / 1000.0);
        set_pace(timer.delay_ms);
    }
    timer.wall_micros = wall;
    timer.used_micros = used;
    timer.shared->used_micros.store(used);
    if (timer.until_micros != 0 && pg::clock_micros(CLOCK_REALTIME) > timer.until_micros) timer.is_out_of_time = 1;
    const bool is_cancelled = timer.is_cancellable && timer.shared->is_cancelled.load();
    if (timer.is_stopped == 0 && (timer.is_out_of_time != 0 || is_cancelled)) {
        timer.is_stopped = 1;
        kill(MyProcPid, SIGINT);
    }
    enable_timeout_after(tick, kTickMillis);
}

// A process that is terminated runs no destructor, and the memory goes before it does.
void disarm(int, Datum) { timer.shared = nullptr; }

}  // namespace

// 0 where the system does not tell.
double LoadMeter::busy_processors(const SharedThrottle& shared) {
    std::ifstream file("/proc/stat");
    std::string line;
    std::getline(file, line);
    const std::optional<ProcessorTimes> now = parse_processor_times(line);
    const std::int64_t worker = shared.used_micros.load();
    const base::Instant at = pg::now();
    double wanted = 0;
    if (now && times_ && now->total > times_->total && at > read_at_) {
        const auto processors = static_cast<int>(std::thread::hardware_concurrency());
        const double busy = (now->busy - times_->busy) / (now->total - times_->total) * processors;
        const double own =
            static_cast<double>(worker - worker_micros_) / static_cast<double>(at.micros - read_at_.micros);
        wanted = wanted_by_others(busy, own, processors);
    }
    times_ = now;
    worker_micros_ = worker;
    read_at_ = at;
    return wanted;
}

Load LoadMeter::read(const SharedThrottle& shared) {
    pg::AsExtensionOwner as_extension;
    Load load;
    load.processors = static_cast<int>(std::thread::hardware_concurrency());
    load.busy_processors = busy_processors(shared);
    auto rows = pg::query(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' "
        "AND pid <> pg_backend_pid() AND (wait_event_type IS NULL OR wait_event_type IN ('IO', 'LWLock'))), "
        "(SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, flush_lsn, sent_lsn)))::bigint "
        "FROM pg_stat_replication WHERE state IN ('streaming', 'catchup'))");
    load.busy_sessions = rows.at(0).real(0);
    if (!rows.at(0).is_null(1)) load.lag_bytes = rows.at(0).number(1);
    return load;
}

void allow(SharedThrottle& shared, const Load& load, const Tolerance& tolerance) {
    shared.allowed_permille.store(static_cast<std::int32_t>(allowed_share(load, tolerance) * 1000));
    shared.may_begin_unthrottled.store(may_begin_unthrottled(load, tolerance));
    shared.is_for_replicas.store(is_for_replicas(load, tolerance));
    shared.use_permille.store(static_cast<std::int32_t>(use_of(load) * 1000));
    const std::int64_t lag = load.lag_bytes.value_or(-1);
    shared.lag_bytes.store(lag);
    if (lag > shared.most_lag_bytes.load()) shared.most_lag_bytes.store(lag);
}

Throttled::Throttled(SharedThrottle& shared, const Limits& limits) {
    timer = Timer{};
    timer.shared = &shared;
    timer.wall_micros = pg::clock_micros(CLOCK_MONOTONIC);
    timer.used_micros = pg::clock_micros(CLOCK_PROCESS_CPUTIME_ID);
    timer.until_micros = limits.until ? limits.until->micros : 0;
    timer.is_cancellable = limits.is_cancellable;
    timer.delay_ms = next_delay_ms(0, 0, shared.allowed_permille.load() / 1000.0);
    shared.most_lag_bytes.store(shared.lag_bytes.load());
    pg::call([] {
        if (tick == MAX_TIMEOUTS) {
            tick = RegisterTimeout(USER_TIMEOUT, on_tick);
            before_shmem_exit(disarm, Datum{0});
        }
        set_pace(timer.delay_ms);
        enable_timeout_after(tick, 1);
    });
}

Throttled::~Throttled() {
    timer.shared = nullptr;
    disable_timeout(tick, false);
    // The statement may have ended before our signal came.
    if (timer.is_stopped != 0) QueryCancelPending = false;
}

double Throttled::held_back_seconds() const {
    return static_cast<double>(timer.held_back_micros) / static_cast<double>(base::kMicrosPerSecond);
}

bool Throttled::is_out_of_time() const { return timer.is_out_of_time != 0; }

bool has_room(const SharedThrottle& shared, bool is_throttled) {
    return is_throttled ? may_begin(shared.allowed_permille.load() / 1000.0) : shared.may_begin_unthrottled.load();
}

bool await_room(SharedThrottle& shared, bool is_throttled, base::Instant until) {
    while (!has_room(shared, is_throttled)) {
        if (shared.is_cancelled.load() || pg::now() >= until) return false;
        shared.used_micros.store(pg::clock_micros(CLOCK_PROCESS_CPUTIME_ID));
        pg::call([] {
            (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kWaitMillis, PG_WAIT_EXTENSION);
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
    return true;
}

}  // namespace steward::maintain
