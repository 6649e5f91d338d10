// SPDX-License-Identifier: PostgreSQL
//
// How fast maintenance may go beside everybody else. Decided several times a second from what the others do, and put into
// effect in the middle of a running VACUUM by its cost delay.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace steward::maintain {

// What others are doing now.
struct Load {
    int processors = 1;
    double busy_sessions = 0;               // of clients that run or wait for a disk, or for others who do
    double busy_processors = 0;             // of what else there is on the machine (wanted_by_others)
    std::optional<std::int64_t> lag_bytes;  // of the replica that is farthest behind; none: no replicas
};

inline constexpr int kDefaultMaxLagKilobytes = 64 << 10;
inline constexpr double kDefaultMaxLoad = 1;
inline constexpr double kMostMaxLoad = 1000;

struct Tolerance {
    std::int64_t lag_bytes = kDefaultMaxLagKilobytes * std::int64_t{1024};  // from here on maintenance waits; 0: never
    double load = kDefaultMaxLoad;  // of others, per processor, from which on it takes least; 0: it is not looked at
};

// Since the machine was started, in whatever unit.
struct ProcessorTimes {
    double busy = 0;
    double total = 0;
};
// Of the first line of Linux's /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
std::optional<ProcessorTimes> parse_processor_times(std::string_view text);

// The processors that others need, of those that are busy, with what this maintenance uses of them. On a machine without
// idle time the others would have that too: what one takes from them must not count as room.
double wanted_by_others(double busy, double own, int processors);
// Of others, per processor: 1 when each has work of its own.
double use_of(const Load& load);
// Of one processor's time, 0 to 1: 1 on an idle machine, little when every processor has work of its own, 0 to wait.
double allowed_share(const Load& load, const Tolerance& tolerance);
// Whether a step may begin: one that is slowed down when it must be, and one that cannot be.
bool may_begin(double allowed_share);
bool may_begin_unthrottled(const Load& load, const Tolerance& tolerance);
// What keeps it from more: the replicas, rather than the load.
bool is_for_replicas(const Load& load, const Tolerance& tolerance);

// The next delay in milliseconds after work of kCostLimit, from the one in force and the share of a processor that was used under it.
double next_delay_ms(double delay_ms, double used_share, double allowed_share);

// How it is put to VACUUM: seldom and long sleeps rather than many short ones, as each time it wakes it pushes somebody off
// his processor.
struct Pace {
    double delay_ms;
    int cost_limit;
};
Pace pace_of(double delay_ms);

// From here on a step begins that can be slowed down; predictions do not go below it.
inline constexpr double kLeastShare = 0.02;
// A VACUUM is never stopped altogether: it holds a lock and keeps rows alive.
inline constexpr double kMostDelayMs = 100;
inline constexpr int kCostLimit = 200;
// What stands between "as fast as it can" and a held-back step.
inline constexpr double kLeastDelayMs = 0.01;

}  // namespace steward::maintain
