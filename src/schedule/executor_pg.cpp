// SPDX-License-Identifier: PostgreSQL
//
// The worker of a run: claims the RunSlot that the launcher prepared, connects to the job's database as the job's role,
// runs the command and writes the history row. When it is terminated in between, the slot says so and a loader writes the
// row. One that was started before its run is due makes itself ready and waits to be given the run, or sent away. One that
// has run stays a moment for the next run of the same database and role: a process costs more than most commands.
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/notices.hpp"
#include "pg/session.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"
#include "schedule/record_pg.hpp"
#include "schedule/tables_pg.hpp"
#include "schedule/worker_slot_pg.hpp"

namespace steward::schedule {

namespace {

// After so long a new one connects, with what has been set for the role and the database meanwhile.
constexpr std::int64_t kLifeMicros = base::kMicrosPerMinute;

TimestampTz connected_at = 0;
std::set<std::string> first_libraries;
volatile sig_atomic_t is_timed_out = 0;

// ---- Signals and the end of the process ------------------------------------------------------------------------------

void on_run_timeout() {
    is_timed_out = 1;
    kill(MyProcPid, SIGINT);
}

void on_grace_timeout() { kill(MyProcPid, SIGTERM); }

// Terminated, or it could not even connect. A session that was cancelled and would not end was cancelled nevertheless.
void end_run_at_exit(int, Datum) {
    if (has_left_slot()) return;
    Outcome outcome = is_timed_out != 0            ? Outcome::timed_out
                      : my_slot().stop != Stop::no ? Outcome::cancelled
                                                   : Outcome::terminated;
    end_run(false, outcome, pg::last_words().sqlstate, pg::last_words().message, Then::leave);
}

void connect() {
    pg::call([] {
        before_shmem_exit(end_run_at_exit, Datum{0});
        pqsignal(SIGTERM, die);
        pqsignal(SIGINT, SIG_IGN);
        pqsignal(SIGHUP, SignalHandlerForConfigReload);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnectionByOid(my_slot().database, my_slot().role, 0);
    });
    connected_at = GetCurrentTimestamp();
    first_libraries = pg::loaded_libraries();
}

// ---- The run ---------------------------------------------------------------------------------------------------------

// Our own writing, whatever default_transaction_* the role or the command has set.
std::optional<pg::ErrorReport> keep_books(const char* synchronous_commit, const std::function<void()>& work) {
    bool read_only = DefaultXactReadOnly;
    int isolation = DefaultXactIsoLevel;
    DefaultXactReadOnly = false;
    DefaultXactIsoLevel = XACT_READ_COMMITTED;
    pg::ErrorReport report;
    std::optional<pg::ErrorReport> failure;
    bool done = pg::capture(report, [&] {
        failure = pg::attempt(pg::Bounded::transaction, [&] {
            pg::set_for_transaction("synchronous_commit", synchronous_commit);
            work();
        });
    });
    DefaultXactReadOnly = read_only;
    DefaultXactIsoLevel = isolation;
    if (!done) return report;
    return failure;
}

std::uint64_t changes_so_far() {
    pg::Locked locked(shared().lock, LW_SHARED);
    return shared().changes;
}

// Who drops, renames or copies the database waits for this process to be gone: it looks at the lock as a new connection would.
std::optional<pg::ErrorReport> look_up(std::int64_t job, std::optional<Command>& command) {
    return pg::attempt(pg::Bounded::transaction, [&] {
        if (!pg::lock_database_now())
            throw pg::PgError(ERRCODE_OBJECT_IN_USE, "the database is being dropped, renamed or copied");
        command = read_command(job, my_slot().role);
    });
}

// A job as the worker has read it. `changes` was looked up first, so that nothing is missed.
struct Reading {
    std::int64_t job = 0;
    std::uint64_t changes = 0;
    std::optional<Command> command;
    std::optional<pg::ErrorReport> failure;

    void read(std::int64_t id) {
        job = id;
        changes = changes_so_far();
        failure = look_up(id, command);
    }
    // Unscheduled, given to another role or paused.
    bool lets_begin(const RunRecord& record) const {
        return command && (record.kind == Kind::manual || command->paused_until <= GetCurrentTimestamp());
    }
};

// False when a job has been changed since this one was read: whoever paused it may have been told already that it is.
bool begin(RunRecord& record, const Reading& reading) {
    const Command& command = *reading.command;
    is_timed_out = 0;
    pg::listen_to_notices();
    pg::call([] {
        QueryCancelPending = false;
        pqsignal(SIGINT, StatementCancelHandler);
    });
    record.started_at = GetCurrentTimestamp();
    {
        pg::Locked locked(shared().lock);
        if (shared().changes != reading.changes) return false;
        my_slot().state = RunState::running;
        my_slot().started_at = record.started_at;
        // cancel_run() came before there was anything to cancel.
        if (my_slot().stop != Stop::no) kill(MyProcPid, SIGINT);
    }
    if (command.lock_timeout_ms) pg::set_session("lock_timeout", fmt::format("{}ms", *command.lock_timeout_ms));
    if (!command.timeout_ms) return true;
    int timeout = static_cast<int>(std::min<std::int64_t>(*command.timeout_ms, INT_MAX - kStopGraceMillis));
    pg::call([&] {
        static const TimeoutId cancel = RegisterTimeout(USER_TIMEOUT, on_run_timeout);
        static const TimeoutId terminate = RegisterTimeout(USER_TIMEOUT, on_grace_timeout);
        enable_timeout_after(cancel, timeout);
        enable_timeout_after(terminate, timeout + kStopGraceMillis);
    });
    return true;
}

Outcome outcome_of(const pg::ScriptEnd& end) {
    if (!end.error) return Outcome::succeeded;
    if (end.error->sqlerrcode != ERRCODE_QUERY_CANCELED) return Outcome::failed;
    if (is_timed_out != 0) return Outcome::timed_out;
    if (my_slot().stop != Stop::no) return Outcome::cancelled;
    // pg_cancel_backend() says so in its own words, statement_timeout in others.
    return end.error->message.find("timeout") == std::string::npos ? Outcome::cancelled : Outcome::failed;
}

bool may_stay(const RunRecord& record) {
    return (record.outcome == Outcome::succeeded || record.outcome == Outcome::failed) &&
           GetCurrentTimestamp() - connected_at < kLifeMicros && pg::loaded_libraries() == first_libraries;
}

// Whether there may be another run.
bool finish(RunRecord& record, const std::string& name) {
    record.ended_at = GetCurrentTimestamp();
    {
        pg::Locked locked(shared().lock, LW_SHARED);
        record.handled_until = my_slot().handled_until;
    }
    // The command is over: what comes now is ours, and a late cancel or timeout is not meant for it.
    pg::call([] {
        disable_all_timeouts(false);
        QueryCancelPending = false;
        pqsignal(SIGINT, SIG_IGN);
        (void)pgstat_report_stat(true);
    });
    if (record.end->error) {
        const char* job = name.c_str();
        const char* outcome = name_of(record.outcome);
        const char* message = record.end->error->message.c_str();
        const char* statement = record.end->failed_statement.c_str();
        pg::call([&] {
            ereport(LOG_SERVER_ONLY, (errmsg("job \"%s\" %s: %s", job, outcome, message),
                                      errdetail_log("Failed statement: %s", statement)));
        });
    }
    bool is_recorded = true;
    if (!RecoveryInProgress()) {
        std::optional<pg::ErrorReport> failure = keep_books("off", [&] { record_end(record); });
        if (failure) is_recorded = false;
        if (failure && !gave_way(*failure)) {
            const char* job = name.c_str();
            const char* message = failure->message.c_str();
            pg::call([&] {
                ereport(LOG_SERVER_ONLY, (errmsg("could not record the run of job \"%s\": %s", job, message)));
            });
        }
    }
    const pg::ErrorReport* error = record.end->error ? &*record.end->error : nullptr;
    Then then = is_recorded && may_stay(record) ? Then::stay : Then::leave;
    end_run(is_recorded, record.outcome, error != nullptr ? error->sqlstate().c_str() : "",
            error != nullptr ? error->message.c_str() : "", then);
    return then == Then::stay && pg::discard_session();
}

// It goes back into the queue, or, of a job that is gone or paused, is given up.
bool end_unbegun(const RunRecord& record, bool is_marked, Outcome outcome, const char* sqlstate, const char* message) {
    if (is_marked) (void)keep_books("local", [&] { unmark_start(record); });
    end_run(true, outcome, sqlstate, message, Then::leave);
    return false;
}

bool execute(Reading& reading) {
    RunRecord record = record_of(my_slot());
    const bool wants_mark = record.is_marked && !RecoveryInProgress();
    bool is_marked = false;
    do {
        if (reading.changes != changes_so_far()) reading.read(reading.job);
        if (!reading.failure && reading.lets_begin(record) && wants_mark && !is_marked) {
            reading.failure = keep_books("local", [&] { mark_start(record); });
            is_marked = !reading.failure;
        }
        if (const auto& failure = reading.failure)
            return end_unbegun(record, is_marked, Outcome::failed, failure->sqlstate().c_str(),
                               failure->message.c_str());
        if (!reading.lets_begin(record))
            return end_unbegun(record, is_marked, Outcome::cancelled, "", "the job has been changed");
        pg::set_session("application_name", fmt::format("pg_steward job {}", reading.command->name));
    } while (!begin(record, reading));
    const Command& command = *reading.command;
    record.name = command.name;
    pg::ScriptRules rules = command.rules;
    rules.is_stopped = [] { return is_timed_out != 0 || my_slot().stop != Stop::no; };
    record.end = pg::run_script(command.text, rules);
    record.outcome = outcome_of(*record.end);
    record.notices = pg::notices();
    return finish(record, command.name);
}

void serve() {
    Reading reading;
    for (;;) {
        Order order = await_order(reading.job);
        if (order.job == 0) return;
        pg::reload_settings();
        // What was read before the run was due may have changed since.
        if (order.job != reading.job || reading.changes != changes_so_far()) reading.read(order.job);
        if (!order.is_due && reading.failure) return;
        if (!order.is_due) continue;
        if (!execute(reading)) return;
        reading.job = 0;
    }
}

}  // namespace

}  // namespace steward::schedule

extern "C" PGDLLEXPORT void steward_schedule_run(Datum argument);

extern "C" void steward_schedule_run(Datum argument) {
    using namespace steward;
    if (!schedule::has_shared() || !schedule::claim_slot(argument)) proc_exit(0);
    pg::entry([] {
        pg::listen_to_notices();
        schedule::connect();
        schedule::serve();
    });
}
