// SPDX-License-Identifier: PostgreSQL
#include "schedule/health_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "schedule/shared_pg.hpp"

namespace steward::schedule {

namespace {

using Findings = std::vector<Finding>;

constexpr std::int64_t kMostShown = 10;

std::int64_t count_jobs() {
    pg::AsExtensionOwner as_extension;
    return pg::query("SELECT count(*) FROM steward.job_definitions").at(0).number(0);
}

Findings launcher() {
    std::int64_t jobs = count_jobs();
    if (!has_shared()) {
        if (jobs == 0) return {{"ok", "there are no jobs; to run some, pg_steward must be preloaded", ""}};
        return {{"critical", fmt::format("jobs do not run, {} of them here: pg_steward is not preloaded", jobs),
                 "The check \"preload\" has the line for postgresql.conf."}};
    }
    if (is_launcher_running()) return {{"ok", "the launcher is running", ""}};
    return {{"critical", "the launcher is not running: no job of this cluster runs",
             "It is started again within seconds. Where it is not, the server log says why; it needs one of "
             "max_worker_processes from the start of the server on."}};
}

Findings slots() {
    if (!has_shared()) return {};
    std::int64_t most = std::max(1, max_worker_processes - kReservedWorkers);
    if (max_running <= most || count_jobs() <= most)
        return {{"ok", fmt::format("up to {} jobs run at once", std::min<std::int64_t>(max_running, most)), ""}};
    return {{"warning",
             fmt::format("steward.schedule_max_running is {}, but max_worker_processes leaves room for {}", max_running,
                         most),
             fmt::format("Put into postgresql.conf and restart: max_worker_processes = {}",
                         max_running + kReservedWorkers + (max_worker_processes + 3) / 4)}};
}

std::string remedy_for(const std::string& job, const std::string& role, const std::string& kind,
                       const std::string& detail) {
    if (kind == "did_not_run")
        return fmt::format("SELECT * FROM steward.jobs WHERE name = {};", base::quote_literal(job));
    if (kind == "runs_long")
        return fmt::format(
            "SELECT steward.cancel_run(run_id) FROM steward.job_runs WHERE job = {} AND outcome = 'running';",
            base::quote_literal(job));
    if (detail.find("not permitted to log in") != std::string::npos)
        return fmt::format("ALTER ROLE {} LOGIN;", base::quote_identifier(role));
    if (detail.find("may not connect") != std::string::npos) {
        std::string database = pg::query("SELECT pg_catalog.current_database()").at(0).text(0);
        return fmt::format("GRANT CONNECT ON DATABASE {} TO {};", base::quote_identifier(database),
                           base::quote_identifier(role));
    }
    return fmt::format("SELECT steward.alter_job({}, role => current_user::regrole);", base::quote_literal(job));
}

Findings jobs() {
    Findings findings;
    pg::SafePath path;
    auto rows = pg::query("SELECT job, role, kind, detail FROM steward.late_jobs ORDER BY kind, job COLLATE \"C\"");
    for (const pg::Row& row : rows) {
        if (static_cast<std::int64_t>(findings.size()) == kMostShown) {
            findings.push_back({"warning", fmt::format("there are {} more", rows.size() - findings.size()),
                                "SELECT * FROM steward.late_jobs;"});
            break;
        }
        const std::string& kind = row.text(2);
        bool is_broken = kind == "broken";
        const char* fact = is_broken ? "cannot run" : kind == "runs_long" ? "runs long" : "has not run when it was due";
        findings.push_back({is_broken ? "critical" : "warning",
                            fmt::format("job \"{}\" {}: {}", row.text(0), fact, row.text(3)),
                            remedy_for(row.text(0), row.text(1), kind, row.text(3))});
    }
    if (findings.empty()) findings.push_back({"ok", fmt::format("none of {} is late or broken", count_jobs()), ""});
    return findings;
}

Findings pauses() {
    Findings findings;
    pg::AsExtensionOwner as_extension;
    auto foreign = pg::query("SELECT count(*) FROM steward.job_places WHERE NOT is_here").at(0).number(0);
    if (foreign > 0)
        findings.push_back(
            {"warning",
             fmt::format("jobs that came with a dump or a copy of another database, and do not run: {}", foreign),
             "SELECT steward.resume_jobs();"});
    auto pause = pg::query("SELECT reason, until::text FROM steward.job_pause WHERE until IS NULL OR until > now()");
    if (!pause.empty() && pause[0].is_null(1))
        findings.push_back({"warning", fmt::format("all are paused, without an end: {}", pause[0].text(0)),
                            "SELECT steward.resume_jobs();"});
    else if (!pause.empty())
        findings.push_back({"ok", fmt::format("all are paused until {}: {}", pause[0].text(1), pause[0].text(0)), ""});
    if (findings.empty()) {
        auto single =
            pg::query("SELECT count(*) FROM steward.job_definitions WHERE is_paused AND (paused_until IS NULL "
                      "OR paused_until > now())");
        findings.push_back({"ok", fmt::format("paused by name: {}", single.at(0).number(0)), ""});
    }
    return findings;
}

}  // namespace

const std::vector<Check>& health_checks() {
    static const auto* const checks =
        new std::vector<Check>{{"launcher", launcher}, {"worker slots", slots}, {"jobs", jobs}, {"pauses", pauses}};
    return *checks;
}

}  // namespace steward::schedule
