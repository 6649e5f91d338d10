// SPDX-License-Identifier: PostgreSQL
//
// A server around a scheduler, for tests: it does what tick() says, ends runs when their time has come, and remembers all.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schedule/scheduler.hpp"
#include "test_zone.hpp"

namespace steward::schedule {

inline constexpr std::int64_t kSecond = base::kMicrosPerSecond;
inline constexpr std::int64_t kMinute = base::kMicrosPerMinute;
inline constexpr std::int64_t kHour = base::kMicrosPerHour;
inline constexpr std::int64_t kDay = base::kMicrosPerDay;

inline base::Instant operator+(base::Instant at, std::int64_t micros) { return {at.micros + micros}; }
inline base::Instant operator-(base::Instant at, std::int64_t micros) { return {at.micros - micros}; }

// A Wednesday.
inline const base::Instant kStart = test::utc_instant(2025, 6, 4, 0, 50);

inline Definition make_job(std::int64_t id, const std::string& schedule = "", std::uint32_t database = 1) {
    Definition job;
    job.key = {database, id};
    job.name = "job " + std::to_string(id);
    job.role = 10;
    job.zone = &base::utc();
    job.anchor = kStart - kHour;
    job.progress.handled_until = kStart;
    if (!schedule.empty()) {
        auto parsed = parse_schedule(schedule);
        EXPECT_TRUE(parsed.ok()) << schedule;
        if (parsed.ok()) job.schedule = *parsed;
    }
    return job;
}

class World {
public:
    struct Running {
        Start start;
        base::Instant until;
        Outcome outcome = Outcome::succeeded;
        std::string sqlstate;
    };

    Scheduler scheduler;
    base::Instant now = kStart;
    std::map<RunId, Running> running;
    std::vector<Start> starts;
    std::vector<base::Instant> started_at;  // of starts
    std::vector<RunId> cancels;
    RunId last_run = 1000;
    // How long a run takes, and how it ends.
    std::function<std::int64_t(const Start&)> duration = [](const Start&) { return kSecond; };
    std::function<std::string(const Start&)> failure = [](const Start&) { return ""; };
    // Workers there are.
    int slots = 1 << 30;

    void load(std::vector<Definition> jobs) { scheduler.load(1, std::move(jobs), now); }

    void tick() {
        for (const Action& action : scheduler.tick(now)) {
            if (const auto* cancel = std::get_if<Cancel>(&action)) {
                cancels.push_back(cancel->run);
                const auto found = running.find(cancel->run);
                ASSERT_NE(found, running.end());
                found->second.until = now;
                found->second.outcome = Outcome::cancelled;
                found->second.sqlstate = "57014";
            } else {
                begin(std::get<Start>(action));
            }
        }
    }

    void begin(const Start& start) {
        if (static_cast<int>(running.size()) >= slots) {
            scheduler.not_started(start.ticket, "no free worker", kSecond, true, now);
            return;
        }
        const RunId run = start.run != 0 ? start.run : ++last_run;
        const std::string sqlstate = failure(start);
        running[run] = {start, now + duration(start), sqlstate.empty() ? Outcome::succeeded : Outcome::failed,
                        sqlstate};
        running[run].start.run = run;
        starts.push_back(running[run].start);
        started_at.push_back(now);
        scheduler.started(start.ticket, run);
    }

    void end(RunId run) {
        const Running it = running.at(run);
        running.erase(run);
        scheduler.ended({run, it.start.job, it.outcome, it.sqlstate, it.start.attempt, it.start.due, now}, 0.0);
    }

    // Lives on until then, waking only when there is something to do.
    void run_until(base::Instant until) {
        while (true) {
            tick();
            base::Instant next = until;
            if (const auto wake = scheduler.next_wake()) next = std::min(next, std::max(*wake, now));
            RunId ending = 0;
            for (const auto& [run, it] : running) {
                if (it.until <= next) {
                    next = it.until;
                    ending = run;
                }
            }
            const bool is_stuck = ending == 0 && next == now && now < until;
            ASSERT_FALSE(is_stuck && ++stuck_ > 10) << "wakes up for nothing";
            if (!is_stuck) stuck_ = 0;
            now = std::max(now, next);
            if (ending != 0) end(ending);
            if (ending == 0 && now >= until) break;
        }
        tick();
    }

    JobStatus status(std::int64_t id, std::uint32_t database = 1) const {
        return scheduler.status({database, id}, now).value_or(JobStatus{});
    }

    // "missed 02:00:00" and its kind, of the starts of a job since kStart's day began.
    std::vector<std::string> told(std::int64_t id = 1) const {
        std::vector<std::string> texts;
        for (const Start& start : starts) {
            if (start.job.job != id) continue;
            std::string text = base::format_local(base::to_local(start.due, base::utc())).substr(11);
            texts.push_back(std::string(name_of(start.kind)) + " " + text);
        }
        return texts;
    }

private:
    int stuck_ = 0;
};

using Told = std::vector<std::string>;

}  // namespace steward::schedule
