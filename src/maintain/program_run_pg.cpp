// SPDX-License-Identifier: PostgreSQL
#include "maintain/program_run_pg.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/array.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "maintain/output.hpp"
#include "maintain/program_end.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"

extern "C" {
#include "utils/ps_status.h"
}

namespace steward::maintain {

namespace {

constexpr long kLookMs = 60'000;

using Clock = std::chrono::steady_clock;

std::string printable(const Ending& ending, std::size_t bytes) {
    return printable_tail(ending.output, bytes, GetDatabaseEncoding() == PG_UTF8);
}

// ---- Waiting ---------------------------------------------------------------------------------------------------------

struct Finish {
    Ending ending;
    bool is_timed_out = false;
    std::optional<pg::ErrorReport> interruption;  // of this session: cancel, timeout, conflict with recovery
};

// In the supervisor, which looks like a session in the list of processes otherwise.
void name_supervisor() { set_ps_display("watching a program"); }

void sleep_until_readable(int fd, long timeout_ms) {
    WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, fd, timeout_ms,
                      PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
}

std::optional<Ending> wait_until(RunningProgram& running, const std::optional<Clock::time_point>& deadline) {
    for (;;) {
        if (std::optional<Ending> ending = running.read()) return ending;
        long wait_ms = kLookMs;
        if (deadline) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
            if (left <= 0) return std::nullopt;
            wait_ms = std::min<long>(wait_ms, left);
        }
        pg::call([&] {
            sleep_until_readable(running.fd(), wait_ms);
            CHECK_FOR_INTERRUPTS();
        });
    }
}

// The supervisor ends it in its time; a session that is to end need not see that.
Ending wait_for_stopped(RunningProgram& running) {
    running.stop();
    for (;;) {
        if (std::optional<Ending> ending = running.read()) return *ending;
        if (ProcDiePending) return {};
        pg::call([&] { sleep_until_readable(running.fd(), kLookMs); });
    }
}

Finish run(const AllowedProgram& program, const std::string& what, std::size_t kept_bytes) {
    try {
        std::optional<Clock::time_point> deadline;
        if (program.timeout_ms) deadline = Clock::now() + std::chrono::milliseconds(*program.timeout_ms);
        RunningProgram running({program.argv, kept_bytes}, name_supervisor);
        Finish finish;
        pg::ErrorReport report;
        std::optional<Ending> ending;
        if (!pg::capture(report, [&] { ending = wait_until(running, deadline); }))
            finish.interruption = std::move(report);
        finish.is_timed_out = !ending && !finish.interruption;
        finish.ending = ending ? std::move(*ending) : wait_for_stopped(running);
        return finish;
    } catch (const std::system_error& error) {
        throw pg::PgError(ERRCODE_INSUFFICIENT_RESOURCES, "could not start a process for {}: {}", what,
                          error.code().message());
    }
}

// ---- Recording -------------------------------------------------------------------------------------------------------

// On a primary; nothing is written on a standby.
std::optional<std::int64_t> record_start(const AllowedProgram& program, Oid role) {
    if (pg::call([] { return RecoveryInProgress(); })) {
        pg::commit_in_procedure();
        return std::nullopt;
    }
    std::int64_t run_id = 0;
    {
        const pg::Parameter role_name(pg::call([&] { return GetUserNameFromId(role, false); }));
        pg::AsExtensionOwner as_extension;
        // Its lock is ours, so nobody runs it.
        pg::execute("UPDATE steward.program_history SET outcome = 'interrupted', ended_at = clock_timestamp() "
                    "WHERE program = $1 AND outcome = 'running'",
                    {program.name});
        pg::execute("DELETE FROM steward.program_history WHERE program = $1 AND run_id <= (SELECT run_id FROM "
                    "steward.program_history WHERE program = $1 ORDER BY run_id DESC OFFSET 999 LIMIT 1)",
                    {program.name});
        const auto rows = pg::query(
            "INSERT INTO steward.program_history (program, argv, role_name, pid, backend_start, started_at, outcome) "
            "SELECT $1, $2::text[], $3, a.pid, a.backend_start, clock_timestamp(), 'running' "
            "FROM pg_stat_get_activity(pg_backend_pid()) a RETURNING run_id",
            {program.name, base::array_literal(program.argv), role_name});
        run_id = rows.at(0).number(0);
    }
    commit_record();
    return run_id;
}

void record_end(const std::optional<std::int64_t>& run_id, const char* outcome, const std::string& message,
                const Ending& ending) {
    if (!run_id) return;
    {
        const bool has_run = ending.is_known && ending.exec_errno == 0;
        const bool has_exited = has_run && ending.signal == 0;
        pg::AsExtensionOwner as_extension;
        pg::execute(
            "UPDATE steward.program_history SET ended_at = clock_timestamp(), outcome = $2, exit_code = $3::integer, "
            "signal = $4::integer, message = nullif($5, ''), output = $6 WHERE run_id = $1",
            {*run_id, outcome, has_exited ? pg::Parameter(ending.exit_code) : pg::Parameter::null(),
             has_run && !has_exited ? pg::Parameter(ending.signal) : pg::Parameter::null(), message,
             printable(ending, kKeptBytes)});
    }
    commit_record();
}

[[noreturn]] void throw_failure(const base::Failure& failure, const Ending& ending) {
    pg::ErrorReport report = pg::error_from(failure).report();
    const std::string said = printable(ending, kShownBytes);
    if (!said.empty()) report.detail = (report.detail.empty() ? "" : report.detail + "\n") + "It said last:\n" + said;
    throw pg::PgError(std::move(report));
}

}  // namespace

void commit_record() {
    pg::set_for_transaction("synchronous_commit", "local");
    pg::commit_in_procedure();
}

ProgramLock::ProgramLock(const std::string& name) {
    // Beside the advisory locks of SQL functions, whose last field is 1 or 2; of locks on objects a standby takes no strong ones.
    const std::uint64_t hash = base::stable_hash(name);
    tag_.locktag_field1 = MyDatabaseId;
    tag_.locktag_field2 = static_cast<std::uint32_t>(hash >> 32U);
    tag_.locktag_field3 = static_cast<std::uint32_t>(hash);
    tag_.locktag_field4 = 3;
    tag_.locktag_type = LOCKTAG_ADVISORY;
    tag_.locktag_lockmethodid = USER_LOCKMETHOD;
    if (pg::lock_tag_politely(tag_, true, 0)) return;
    throw pg::PgError(ERRCODE_OBJECT_IN_USE, "program \"{}\" is running already", name)
        .hint("steward.program_runs shows since when, and by which process.");
}

ProgramLock::~ProgramLock() { LockRelease(&tag_, ExclusiveLock, true); }

Ending run_and_record(const AllowedProgram& program, const std::string& what, std::size_t kept_bytes) {
    const std::optional<std::int64_t> run_id = record_start(program, GetUserId());
    Finish finish = run(program, what, kept_bytes);
    if (finish.interruption) {
        pg::rollback_in_procedure();
        record_end(run_id, "cancelled", finish.interruption->message, finish.ending);
        if (finish.interruption->detail.empty())
            finish.interruption->detail = fmt::format("Program \"{}\" was ended.", program.name);
        throw pg::PgError(std::move(*finish.interruption));
    }
    if (!finish.is_timed_out && has_succeeded(finish.ending)) {
        record_end(run_id, "succeeded", "", finish.ending);
        return std::move(finish.ending);
    }
    const base::Failure failure =
        finish.is_timed_out ? took_too_long(what, base::format_interval({0, 0, program.timeout_ms.value_or(0) * 1000}))
                            : failure_of(what, program.argv[0], finish.ending);
    record_end(run_id, finish.is_timed_out ? "timed_out" : "failed", failure.message, finish.ending);
    throw_failure(failure, finish.ending);
}

}  // namespace steward::maintain
