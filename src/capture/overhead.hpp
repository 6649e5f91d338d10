// SPDX-License-Identifier: PostgreSQL
//
// What counting itself costs, known from one statement of a thousand that is timed on its way through the hooks, and what a
// session does about it: over budget for a while, it gives up the dearest thing that is left, and takes it up again when it
// has cost little for long. Calls, errors, rows and times are counted whatever it gives up.
#pragma once

#include <atomic>
#include <cstdint>

namespace steward::capture {

// Of a session, or of all together.
struct Overhead {
    std::int64_t timed;       // statements whose cost was taken,
    std::int64_t timed_ns;    // and that cost
    std::int64_t statements;  // all that were counted
    std::int64_t spent_ns;    // planning and running those at top level
};

constexpr Overhead operator+(const Overhead& a, const Overhead& b) noexcept {
    return {a.timed + b.timed, a.timed_ns + b.timed_ns, a.statements + b.statements, a.spent_ns + b.spent_ns};
}
constexpr Overhead operator-(const Overhead& a, const Overhead& b) noexcept {
    return {a.timed - b.timed, a.timed_ns - b.timed_ns, a.statements - b.statements, a.spent_ns - b.spent_ns};
}

// What others may read at any time while one session adds.
class SharedOverhead {
public:
    void add(const Overhead& more) noexcept;
    Overhead read() const noexcept;
    void clear() noexcept;

private:
    std::atomic<std::int64_t> timed_ = 0;
    std::atomic<std::int64_t> timed_ns_ = 0;
    std::atomic<std::int64_t> statements_ = 0;
    std::atomic<std::int64_t> spent_ns_ = 0;
};

// Estimates; 0 when nothing is known.
double overhead_ns(const Overhead& overhead) noexcept;
double overhead_percent(const Overhead& overhead) noexcept;

// What is given up, one after the other.
enum Economy : int {
    kNoEconomy,
    kNoCpuTime,    // of statements that take less than a millisecond
    kNoFirstText,  // of a query: it gets its text when it comes again
    kNoNested,     // statements within others, with steward.capture = all
    kMostEconomy = kNoNested
};

// How far a session has come with it. Once judged by so many timed statements, the next ones count.
class Downshift {
public:
    static constexpr std::int64_t kTimedToJudge = 16;
    static constexpr int kOverToGiveUp = 3;    // times in a row over budget
    static constexpr int kUnderToTakeUp = 20;  // times in a row below half of it

    int economy() const noexcept { return economy_; }
    // Whether it is time to.
    bool is_due(std::int64_t timed) const noexcept { return timed - judged_.timed >= kTimedToJudge; }
    // `now` is all that the session has seen. A budget of 0 is none. True when the economy has become another.
    bool judge(const Overhead& now, double budget_percent) noexcept;

private:
    Overhead judged_{};
    int economy_ = kNoEconomy;
    int over_ = 0;
    int under_ = 0;
};

}  // namespace steward::capture
