// SPDX-License-Identifier: PostgreSQL
//
// The worker of one run: claims the RunSlot that the launcher prepared, connects to the job's database as the job's role,
// runs the command, writes the history row, and ends. When it is terminated in between, the slot says so and a loader
// writes the row. One that was started before its run is due makes itself ready and waits to be given the run, or sent away.
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/notices.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"
#include "schedule/record_pg.hpp"
#include "schedule/shared_state_pg.hpp"
#include "schedule/tables_pg.hpp"

namespace steward::schedule {

namespace {

RunSlot* mine = nullptr;
std::uint32_t my_token = 0;
volatile sig_atomic_t is_timed_out = 0;

// ---- Signals and the end of the process ------------------------------------------------------------------------------

void on_run_timeout() {
    is_timed_out = 1;
    kill(MyProcPid, SIGINT);
}

void on_grace_timeout() { kill(MyProcPid, SIGTERM); }

void leave_slot(bool is_recorded, Outcome outcome, const char* sqlstate, const char* message) noexcept {
    pg::Locked locked(shared().lock);
    // Sent away while it waited: the slot is somebody else's.
    if (mine->token != my_token) return;
    mine->state = RunState::ended;
    mine->is_recorded = is_recorded;
    mine->outcome = static_cast<std::uint8_t>(outcome);
    mine->ended_at = GetCurrentTimestamp();
    strlcpy(mine->sqlstate, sqlstate, sizeof(mine->sqlstate));
    copy_text(mine->message, sizeof(mine->message), message);
    wake_launcher(shared());
    mine = nullptr;
}

// Terminated, or it could not even connect. A session that was cancelled and would not end was cancelled nevertheless.
void at_exit(int, Datum) {
    if (mine == nullptr) return;
    Outcome outcome = is_timed_out != 0        ? Outcome::timed_out
                      : mine->stop != Stop::no ? Outcome::cancelled
                                               : Outcome::terminated;
    leave_slot(false, outcome, pg::last_words().sqlstate, pg::last_words().message);
}

// False when the launcher has given the slot up meanwhile.
bool claim(Datum argument) {
    auto packed = static_cast<std::uint64_t>(DatumGetInt64(argument));
    auto index = static_cast<std::uint32_t>(packed & 0xffffffffU);
    auto token = static_cast<std::uint32_t>(packed >> 32U);
    pg::Locked locked(shared().lock);
    RunSlot& run = shared().runs[index];
    bool is_wanted = run.state == RunState::starting || run.state == RunState::ready;
    if (!is_wanted || run.token != token || run.stop != Stop::no) return false;
    run.pid = MyProcPid;
    run.latch = MyLatch;
    mine = &run;
    my_token = token;
    return true;
}

void connect() {
    pg::call([] {
        before_shmem_exit(at_exit, Datum{0});
        pqsignal(SIGTERM, die);
        pqsignal(SIGINT, StatementCancelHandler);
        pqsignal(SIGHUP, SignalHandlerForConfigReload);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnectionByOid(mine->database, mine->role, 0);
    });
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

// False when there will be no run.
bool await_run() {
    for (;;) {
        {
            pg::Locked locked(shared().lock, LW_SHARED);
            if (mine->token != my_token) return false;
            if (mine->state != RunState::ready) return true;
        }
        pg::call([] {
            (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, PG_WAIT_EXTENSION);
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
}

std::optional<pg::ErrorReport> look_up(std::optional<Command>& command) {
    return pg::attempt(pg::Bounded::transaction, [&] { command = read_command(mine->job, mine->role); });
}

void begin(RunRecord& record, const Command& command) {
    record.started_at = GetCurrentTimestamp();
    {
        pg::Locked locked(shared().lock);
        mine->state = RunState::running;
        mine->started_at = record.started_at;
        // cancel_run() came before there was anything to cancel.
        if (mine->stop != Stop::no) kill(MyProcPid, SIGINT);
    }
    if (command.lock_timeout_ms) pg::set_session("lock_timeout", fmt::format("{}ms", *command.lock_timeout_ms));
    if (!command.timeout_ms) return;
    int timeout = static_cast<int>(std::min<std::int64_t>(*command.timeout_ms, INT_MAX - kStopGraceMillis));
    pg::call([&] {
        TimeoutId cancel = RegisterTimeout(USER_TIMEOUT, on_run_timeout);
        TimeoutId terminate = RegisterTimeout(USER_TIMEOUT, on_grace_timeout);
        enable_timeout_after(cancel, timeout);
        enable_timeout_after(terminate, timeout + kStopGraceMillis);
    });
}

Outcome outcome_of(const pg::ScriptEnd& end) {
    if (!end.error) return Outcome::succeeded;
    if (end.error->sqlerrcode != ERRCODE_QUERY_CANCELED) return Outcome::failed;
    if (is_timed_out != 0) return Outcome::timed_out;
    if (mine->stop != Stop::no) return Outcome::cancelled;
    // pg_cancel_backend() says so in its own words, statement_timeout in others.
    return end.error->message.find("timeout") == std::string::npos ? Outcome::cancelled : Outcome::failed;
}

void finish(RunRecord& record, const std::string& name) {
    record.ended_at = GetCurrentTimestamp();
    {
        pg::Locked locked(shared().lock, LW_SHARED);
        record.handled_until = mine->handled_until;
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
    leave_slot(is_recorded, record.outcome, error != nullptr ? error->sqlstate().c_str() : "",
               error != nullptr ? error->message.c_str() : "");
}

void execute() {
    std::optional<Command> command;
    std::uint64_t changes = changes_so_far();
    auto failure = look_up(command);
    if (!await_run()) return;
    // What was read before the run was due may have changed since.
    if (changes != changes_so_far()) failure = look_up(command);
    RunRecord record = record_of(*mine);
    if (!failure && command && record.is_marked && !RecoveryInProgress())
        failure = keep_books("local", [&] { mark_start(record); });
    if (failure) return leave_slot(true, Outcome::failed, failure->sqlstate().c_str(), failure->message.c_str());
    // Unscheduled, or given to another role, since the launcher read it.
    if (!command) return leave_slot(true, Outcome::cancelled, "", "the job has been changed");

    record.name = command->name;
    pg::set_session("application_name", fmt::format("pg_steward job {}", command->name));
    begin(record, *command);
    command->rules.is_stopped = [] { return is_timed_out != 0 || mine->stop != Stop::no; };
    record.end = pg::run_script(command->text, command->rules);
    record.outcome = outcome_of(*record.end);
    record.notices = pg::notices();
    finish(record, command->name);
}

}  // namespace

}  // namespace steward::schedule

extern "C" PGDLLEXPORT void steward_schedule_run(Datum argument);

extern "C" void steward_schedule_run(Datum argument) {
    using namespace steward;
    if (!schedule::has_shared() || !schedule::claim(argument)) proc_exit(0);
    pg::entry([] {
        pg::listen_to_notices();
        schedule::connect();
        schedule::execute();
    });
}
