// SPDX-License-Identifier: PostgreSQL
//
// Random jobs, durations, failures, crashes and reloads, against what must hold whatever happens.
#include <random>
#include <tuple>

#include "schedule_world.hpp"

namespace steward::schedule {
namespace {

// What the database and the server remember when the launcher and its workers are gone.
class Simulation {
public:
    explicit Simulation(std::uint64_t seed) : random_(seed) {
        limits_ = {pick(1, 6), pick(1, 6)};
        const int count = pick(1, 25);
        for (int id = 1; id <= count; ++id) jobs_.push_back(draw_job(id));
        restart();
    }

    void live(int steps) {
        for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
        settle_down();
    }

private:
    struct Running {
        Start start;
        base::Instant until;
    };

    int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    bool chance(int percent) { return pick(1, 100) <= percent; }

    Definition draw_job(int id) {
        static const char* const kSchedules[] = {
            "* * * * *",       "*/7 * * * *",        "0 * * * *", "every 20 seconds",
            "every 5 minutes", "13,14,15 1-3 * * *", "",          "every 3 seconds"};
        Definition job = make_job(id, kSchedules[pick(0, 7)], static_cast<std::uint32_t>(pick(1, 2)));
        job.overlap = static_cast<Overlap>(pick(0, 3));
        job.max_parallel = pick(1, 3);
        job.missed = static_cast<Missed>(pick(0, 2));
        job.priority = pick(-5, 5);
        if (chance(30)) job.missed_within_micros = pick(1, 90) * kMinute;
        if (chance(40)) job.retry = {pick(1, 4), pick(1, 100) * kSecond, {}};
        if (chance(40)) {
            job.group = chance(50) ? "etl" : "reports";
            job.group_limit = job.group == "etl" ? 1 : 2;
        }
        if (chance(20) && id > 1) (chance(50) ? job.after : job.on_failure).push_back(pick(1, id - 1));
        if (chance(10) && !job.schedule) job.run_at = kStart + pick(1, 200) * kMinute;
        if (job.run_at) job.progress.handled_until.reset();
        return job;
    }

    void load_all() {
        for (std::uint32_t database : {1u, 2u}) {
            std::vector<Definition> jobs;
            for (const Definition& job : jobs_)
                if (job.key.database == database) jobs.push_back(job);
            scheduler_->load(database, jobs, now_);
        }
    }

    void restart() {
        scheduler_ = std::make_unique<Scheduler>();
        scheduler_->set_limits(limits_);
        for (const auto& [run, it] : running_)
            scheduler_->adopt(run, it.start.job, it.start.due, it.start.kind, it.start.attempt);
        load_all();
    }

    Definition& job_of(JobKey key) { return jobs_.at(static_cast<std::size_t>(key.job - 1)); }

    // What a worker writes when it begins, and when it ends.
    void note_start(const Start& start) {
        Progress& progress = job_of(start.job).progress;
        if (start.kind == Kind::manual || start.kind == Kind::retry) return;
        if (!progress.handled_until || start.due > *progress.handled_until) progress.handled_until = start.due;
    }

    void note_end(const Start& start, Outcome outcome, const std::string& sqlstate) {
        Progress& progress = job_of(start.job).progress;
        note_start(start);
        progress.last_due = start.due;
        progress.last_ended_at = now_;
        progress.last_outcome = outcome;
        progress.last_sqlstate = sqlstate;
        progress.last_attempt = start.attempt;
    }

    void end(RunId run, Outcome outcome, const std::string& sqlstate) {
        const Running it = running_.at(run);
        running_.erase(run);
        note_end(it.start, outcome, sqlstate);
        scheduler_->ended({run, it.start.job, outcome, sqlstate, it.start.attempt, it.start.due, now_}, 0.5);
    }

    void begin(const Start& start) {
        if (chance(5)) {
            scheduler_->not_started(start.ticket, "no free worker", pick(1, 20) * kSecond, chance(50), now_);
            return;
        }
        const Definition& job = job_of(start.job);
        EXPECT_LE(start.due, now_);
        // A run by hand may be asked for at the very instant of a scheduled one.
        if (start.kind == Kind::manual) by_hand_.emplace(start.job, start.due);
        if (by_hand_.count({start.job, start.due}) == 0) {
            const bool is_new = seen_.emplace(start.job, start.due, start.attempt).second;
            EXPECT_TRUE(is_new) << job.name << " twice for " << base::format_instant(start.due, base::utc());
        }
        const RunId run = start.run != 0 ? start.run : ++last_run_;
        running_[run] = {start, now_ + pick(1, 400) * kSecond};
        if (start.is_marked) note_start(start);
        scheduler_->started(start.ticket, run);
    }

    void tick() {
        for (const Action& action : scheduler_->tick(now_)) {
            if (const auto* cancel = std::get_if<Cancel>(&action)) {
                if (running_.count(cancel->run)) end(cancel->run, Outcome::cancelled, "57014");
            } else {
                begin(std::get<Start>(action));
            }
        }
        check();
    }

    void check() {
        std::map<JobKey, int> by_job;
        std::map<std::pair<std::uint32_t, std::string>, int> by_group;
        std::map<std::uint32_t, int> by_database;
        for (const auto& [run, it] : running_) {
            const Definition& job = job_of(it.start.job);
            ++by_job[job.key];
            ++by_database[job.key.database];
            if (!job.group.empty()) ++by_group[{job.key.database, job.group}];
        }
        EXPECT_LE(static_cast<int>(running_.size()), limits_.running);
        for (const auto& [database, count] : by_database) EXPECT_LE(count, limits_.running_per_database);
        for (const auto& [group, count] : by_group) EXPECT_LE(count, group.second == "etl" ? 1 : 2);
        for (const Definition& job : jobs_) {
            EXPECT_LE(by_job[job.key], job.overlap == Overlap::parallel ? job.max_parallel : 1);
            const auto status = scheduler_->status(job.key, now_);
            ASSERT_TRUE(status);
            EXPECT_EQ(status->running, by_job[job.key]);
            EXPECT_TRUE(status->queued == 0 || !status->waiting_reason.empty());
            EXPECT_NE(status->state == JobState::queued, status->queued == 0 || status->running > 0 || job.is_paused);
        }
    }

    void crash() {
        // The server comes up later; what had begun and was noted is found interrupted.
        now_ = now_ + pick(1, 7000) * kSecond;
        for (const auto& [run, it] : std::exchange(running_, {})) {
            if (it.start.is_marked) {
                note_end(it.start, Outcome::interrupted, "");
            } else {
                // Nobody knows of it: it may run again.
                for (int attempt = 1; attempt <= 10; ++attempt) seen_.erase({it.start.job, it.start.due, attempt});
            }
        }
        restart();
    }

    void step() {
        const int what = pick(1, 1000);
        if (what <= 3) {
            crash();
        } else if (what <= 6) {
            restart();
        } else if (what <= 15) {
            load_all();
        } else if (what <= 30) {
            const Definition& job = jobs_.at(static_cast<std::size_t>(pick(0, static_cast<int>(jobs_.size()) - 1)));
            EXPECT_TRUE(scheduler_->request(++last_run_, job.key, now_));
            if (chance(10)) scheduler_->cancel(last_run_);
        } else if (what <= 40) {
            now_ = now_ + pick(1, 900) * kSecond;  // held up
        }
        tick();
        base::Instant next = now_ + pick(1, 600) * kSecond;
        if (const auto wake = scheduler_->next_wake()) next = std::min(next, std::max(*wake, now_));
        for (const auto& [run, it] : running_) next = std::min(next, std::max(it.until, now_));
        now_ = next;
        std::vector<RunId> ending;
        for (const auto& [run, it] : running_)
            if (it.until <= now_) ending.push_back(run);
        for (const RunId run : ending) {
            const bool is_failure = chance(25);
            end(run, is_failure ? Outcome::failed : Outcome::succeeded, is_failure ? "40001" : "");
        }
    }

    // Without new ones, whatever waits gets its turn.
    void settle_down() {
        for (Definition& job : jobs_) {
            job.schedule.reset();
            job.run_at.reset();
            job.after.clear();
            job.on_failure.clear();
            job.retry.limit = 0;
        }
        load_all();
        for (int i = 0; i < 20000 && !::testing::Test::HasFailure(); ++i) {
            tick();
            int waiting = 0;
            for (const Definition& job : jobs_) waiting += scheduler_->status(job.key, now_)->queued;
            if (waiting == 0) return;
            base::Instant next = now_ + kDay;
            if (const auto wake = scheduler_->next_wake()) next = std::min(next, std::max(*wake, now_));
            for (const auto& [run, it] : running_) next = std::min(next, std::max(it.until, now_));
            now_ = next;
            std::vector<RunId> ending;
            for (const auto& [run, it] : running_)
                if (it.until <= now_) ending.push_back(run);
            for (const RunId run : ending) end(run, Outcome::succeeded, "");
        }
        EXPECT_TRUE(::testing::Test::HasFailure()) << "something waits for ever";
    }

    std::mt19937_64 random_;
    std::unique_ptr<Scheduler> scheduler_;
    Limits limits_;
    std::vector<Definition> jobs_;
    std::map<RunId, Running> running_;
    std::set<std::pair<JobKey, base::Instant>> by_hand_;
    std::set<std::tuple<JobKey, base::Instant, int>> seen_;
    base::Instant now_ = kStart;
    RunId last_run_ = 100;
};

TEST(Simulation, HoldsItsPromisesWhateverHappens) {
    for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        Simulation(seed).live(1500);
    }
}

// Every due run of jobs that make up for all is made: the server crashes, the launcher is restarted, and in the end the dues
// that were started are those the schedule has.
TEST(Simulation, NothingIsLostOrDoubledOfAJobThatMakesUpForAll) {
    for (std::uint64_t seed = 1; seed <= 40 && !HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
        Definition job = make_job(1, "*/10 * * * *");
        job.missed = Missed::all;
        job.overlap = pick(0, 1) ? Overlap::parallel : Overlap::skip;
        job.max_parallel = 3;
        std::vector<base::Instant> dues;
        auto world = std::make_unique<World>();
        for (int life = 0; life < 15; ++life) {
            const base::Instant now = world->now + (life == 0 ? 0 : pick(1, 300) * kMinute);
            world = std::make_unique<World>();
            world->now = now;
            world->duration = [&](const Start&) { return pick(1, 8) * kMinute / 2; };
            world->load({job});
            world->run_until(now + pick(1, 200) * kMinute);
            EXPECT_TRUE(job.overlap != Overlap::skip || world->status(1).skipped == 0);
            for (const Start& start : world->starts) {
                dues.push_back(start.due);
                job.progress.handled_until = std::max(*job.progress.handled_until, start.due);
            }
        }
        base::Instant expected = kStart + 10 * kMinute;
        for (const base::Instant due : dues) {
            EXPECT_EQ(due, expected);
            expected = expected + 10 * kMinute;
        }
        EXPECT_GT(dues.size(), 50u);
    }
}

}  // namespace
}  // namespace steward::schedule
