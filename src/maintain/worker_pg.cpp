// SPDX-License-Identifier: PostgreSQL
//
// The background worker of one call of steward.maintain(): the steps of the plan one after the other, each as its table's
// owner, as fast as the throttle lets it, and each in the ledger.
#include <algorithm>

#include "base/pack.hpp"
#include "base/text.hpp"
#include "maintain/describe.hpp"
#include "maintain/ledger_pg.hpp"
#include "maintain/request_pg.hpp"
#include "maintain/throttle_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/top_level.hpp"
#include "pg/transaction.hpp"
#include "pg/worker.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

// Whoever waits for a lock holds up everybody behind it.
constexpr char kLockTimeout[] = "2s";
// One that has just been cancelled is on its way out.
constexpr int kMutexPatienceMs = 2000;
// REINDEX and DROP INDEX CONCURRENTLY wait for transactions without holding anybody up.
constexpr char kPatientLockTimeout[] = "5min";
// Without a window: since the last step.
constexpr std::int64_t kPatienceMicros = 10 * base::kMicrosPerMinute;

bool is_throttled(Action action) { return action != Action::reindex && action != Action::drop_leftover; }

// Dropping an index is little work.
bool begins_beside_others(const Step& step) { return step.action != Action::reindex; }

// One at a time in a database, as an advisory lock is: a failed step of ours would let go of the server's own kind.
bool lock_database(LOCKTAG& tag) {
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, get_extension_oid("pg_steward", false), 0);
    tag.locktag_lockmethodid = USER_LOCKMETHOD;
    return pg::lock_tag_politely(tag, true, kMutexPatienceMs);
}

class Maintainer {
public:
    Maintainer(pg::WorkerLink& link, Order order)
        : link_(link),
          shared_(*static_cast<SharedThrottle*>(link.shared())),
          order_(std::move(order)),
          begun_(pg::now()),
          last_step_(begun_),
          budget_(order_.wishes.seconds, order_.wishes.wal_bytes) {}

    void run();

private:
    bool await_any(const std::vector<Step>& steps);
    void consider(const Step& step);
    bool fits(const Step& step, std::string& why) const;
    std::optional<Step> as_wanted_now(const Step& step, std::string& why);
    void carry_out(const Step& step, const Limits& limits);
    StepEnd execute(const Step& step, const Limits& limits);
    void drop_leftovers(RelationId table);
    void postpone(const Step& step, const std::string& why);
    void tell(const std::string& outcome, const std::string& line);
    void check_caller() const;
    std::string why_held_back() const;
    std::optional<base::Instant> window_end() const;

    pg::WorkerLink& link_;
    SharedThrottle& shared_;
    Order order_;
    base::Instant begun_;
    base::Instant last_step_;  // its end
    Budget budget_;
    int parallel_workers_ = max_parallel_maintenance_workers;  // as the server has it set for the caller
    std::int64_t run_ = 0;
};

void in_transaction(const std::function<void()>& work) {
    if (auto error = pg::attempt(pg::Bounded::transaction, work)) throw pg::PgError(std::move(*error));
}

std::optional<base::Instant> Maintainer::window_end() const {
    if (!order_.wishes.seconds) return std::nullopt;
    return base::Instant{begun_.micros + static_cast<std::int64_t>(*order_.wishes.seconds * base::kMicrosPerSecond)};
}

void Maintainer::tell(const std::string& outcome, const std::string& line) {
    link_.send(base::pack({kStep, outcome, line}));
}

void Maintainer::check_caller() const {
    pg::check_interrupts();
    if (link_.is_caller_gone() || shared_.is_cancelled.load())
        throw pg::PgError(ERRCODE_QUERY_CANCELED, "the caller has gone");
}

// The most useful of those that may begin comes first; when none may, all wait.
void Maintainer::run() {
    std::vector<Step> steps;
    in_transaction([&] {
        mark_interrupted();
        steps = make_plan(order_);
    });
    const std::size_t useful = steps.size();
    steps.erase(
        std::remove_if(steps.begin(), steps.end(), [](const Step& step) { return step.verdict != Verdict::run; }),
        steps.end());
    link_.send(base::pack({kPlan, fmt::format("{}", steps.size()), fmt::format("{}", useful)}));
    while (!steps.empty()) {
        if (!await_any(steps)) {
            check_caller();
            const std::string why = why_held_back();
            for (const Step& step : steps) postpone(step, why);
            return;
        }
        check_caller();
        const auto next = std::find_if(steps.begin(), steps.end(),
                                       [&](const Step& step) { return has_room(shared_, begins_beside_others(step)); });
        if (next == steps.end()) continue;
        const Step step = std::move(*next);
        steps.erase(next);
        consider(step);
        last_step_ = pg::now();
    }
}

bool Maintainer::await_any(const std::vector<Step>& steps) {
    const bool is_throttled = std::any_of(steps.begin(), steps.end(), begins_beside_others);
    return await_room(shared_, is_throttled, window_end().value_or(base::Instant{last_step_.micros + kPatienceMicros}));
}

std::string Maintainer::why_held_back() const {
    if (shared_.is_for_replicas.load())
        return fmt::format("a replica is {} behind", pretty_bytes(shared_.lag_bytes.load()));
    return fmt::format("others load {} % of the processors", shared_.use_permille.load() / 10);
}

void Maintainer::consider(const Step& step) {
    std::string why;
    if (!fits(step, why)) return postpone(step, why);
    const std::optional<Step> now = as_wanted_now(step, why);
    if (!now) return postpone(step, why);
    carry_out(*now, {window_end()});
}

// A step that goes slowly beside others takes longer than predicted.
bool Maintainer::fits(const Step& step, std::string& why) const {
    Prediction prediction = step.prediction;
    if (is_throttled(step.action))
        prediction.seconds /= std::max(shared_.allowed_permille.load() / 1000.0, kLeastShare);
    Budget rest = budget_;
    rest.spend(static_cast<double>(pg::now().micros - begun_.micros) / base::kMicrosPerSecond, 0);
    return rest.admit(prediction, why) == Verdict::run;
}

// The plan is as old as the steps before this one; its table may have another owner.
std::optional<Step> Maintainer::as_wanted_now(const Step& step, std::string& why) {
    std::vector<Step> now;
    in_transaction([&] { now = make_plan_of_table(order_, step.table); });
    auto same = std::find_if(now.begin(), now.end(), [&](const Step& other) {
        return other.action == step.action && other.index == step.index && other.sql == step.sql;
    });
    if (same == now.end()) {
        why = "it is not needed any more";
        return std::nullopt;
    }
    const bool is_obstacle = same->verdict == Verdict::blocked || same->verdict == Verdict::refused ||
                             same->verdict == Verdict::covered || same->verdict == Verdict::no_disk;
    if (is_obstacle) {
        why = same->detail;
        return std::nullopt;
    }
    return *same;
}

void Maintainer::postpone(const Step& step, const std::string& why) {
    in_transaction([&] { run_ = enter_postponed(run_, step, why); });
    tell("postponed", fmt::format("{} {}: postponed, {}", name_of(step.action), step.object, why));
}

void Maintainer::carry_out(const Step& step, const Limits& limits) {
    LedgerEntry entry;
    in_transaction([&] { entry = begin_entry(run_, step); });
    run_ = entry.run;
    StepEnd end = execute(step, limits);
    budget_.spend(0, end.taken.wal_bytes);
    std::int64_t freed = 0;
    in_transaction([&] { freed = end_entry(entry, step, end); });
    std::string line =
        fmt::format("{} {}: {}, {}", name_of(step.action), step.object, end.outcome, pretty_seconds(end.taken.seconds));
    if (end.taken.held_back_seconds >= 0.1)
        line += fmt::format(" ({} of them held back for others)", pretty_seconds(end.taken.held_back_seconds));
    if (freed > 0) line += fmt::format(", {} freed", pretty_bytes(freed));
    line += fmt::format(", {} of WAL", pretty_bytes(end.taken.wal_bytes));
    if (!end.detail.empty()) line += ": " + end.detail;
    if (step.action == Action::reindex && end.outcome != "done") drop_leftovers(step.table);
    tell(end.outcome, line);
}

StepEnd Maintainer::execute(const Step& step, const Limits& limits) {
    StepEnd end;
    const std::uint64_t wal_before = pgWalUsage.wal_bytes;
    const base::Instant started = pg::now();
    const bool holds_up_nobody = !is_throttled(step.action) && limits.is_cancellable;
    const char* lock_timeout = holds_up_nobody ? kPatientLockTimeout : kLockTimeout;
    pg::set_session("lock_timeout", lock_timeout);
    // The throttle reaches no other process.
    pg::set_session("max_parallel_maintenance_workers",
                    is_throttled(step.action) ? "0" : fmt::format("{}", parallel_workers_));
    {
        Throttled throttled(shared_, limits);
        std::optional<pg::ErrorReport> error;
        try {
            error = pg::run_top_level(step.sql, step.owner);
        } catch (const pg::PgError& cancelled) {
            error = cancelled.report();
        }
        end.outcome = "done";
        if (error) {
            end.sqlstate = error->sqlstate();
            end.detail = error->message;
            end.outcome = "failed";
        }
        if (error && error->sqlerrcode == ERRCODE_QUERY_CANCELED) {
            end.outcome = "cancelled";
            if (throttled.is_out_of_time()) end.detail = "the window has ended";
        }
        if (error && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE) {
            end.outcome = "postponed";
            end.detail = fmt::format("a lock on it was not to be had within {}", lock_timeout);
        }
        end.taken.held_back_seconds = throttled.held_back_seconds();
    }
    end.taken.seconds = static_cast<double>(pg::now().micros - started.micros) / base::kMicrosPerSecond;
    end.taken.wal_bytes = static_cast<std::int64_t>(pgWalUsage.wal_bytes - wal_before);
    if (shared_.lag_bytes.load() >= 0) end.taken.lag_bytes = shared_.most_lag_bytes.load();
    return end;
}

// What a rebuild has begun it takes away, also past the end of the window and when the caller has gone.
void Maintainer::drop_leftovers(RelationId table) {
    Order order = order_;
    order.wishes.actions = {Action::drop_leftover};
    std::vector<Step> steps;
    in_transaction([&] { steps = make_plan_of_table(order, table); });
    const bool is_over = shared_.is_cancelled.load() || pg::now() >= window_end().value_or(base::Instant{PG_INT64_MAX});
    for (const Step& step : steps)
        if (step.verdict == Verdict::run)
            carry_out(step, is_over ? Limits{std::nullopt, false} : Limits{window_end(), true});
}

// As autovacuum does: what is set for clients is not meant for maintenance.
void settle() {
    pg::set_session("default_transaction_isolation", "read committed");
    if (pg::call([] { return GetConfigOption("transaction_timeout", true, false) != nullptr; }))
        pg::set_session("transaction_timeout", "0");
}

void serve(Datum argument) {
    pg::WorkerLink link(argument);
    pg::call([] { pqsignal(SIGINT, StatementCancelHandler); });
    LOCKTAG mutex;
    bool is_mine = false;
    in_transaction([&] { is_mine = lock_database(mutex); });
    if (!is_mine) return link.send(base::pack({kBusy}));
    settle();
    pg::ErrorReport error;
    bool done = pg::capture(error, [&] { Maintainer(link, decode(link.request())).run(); });
    if (done)
        link.send(base::pack({kEnd}));
    else
        link.send(base::pack({kError, error.sqlstate(), error.message, error.detail, error.hint}));
}

}  // namespace

}  // namespace steward::maintain

extern "C" PGDLLEXPORT void steward_maintain_worker(Datum argument);

extern "C" void steward_maintain_worker(Datum argument) {
    steward::pg::entry([&] { steward::maintain::serve(argument); });
}
