// SPDX-License-Identifier: PostgreSQL
//
// The room's shared memory: what the prober knows, for everybody to read. Only the prober writes nodes and horizon; sessions
// say which databases have other nodes now. The ring has a lock of its own, which other servers' questions take too, and so
// have the events.
#pragma once

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "pg/shmem.hpp"
#include "route/board.hpp"
#include "route/facts.hpp"
#include "route/lag.hpp"
#include "route/lsn_ring.hpp"
#include "route/node.hpp"
#include "route/rate.hpp"
#include "route/topology.hpp"
#include "route/strategy.hpp"

#include "pg/postgres.hpp"

namespace steward::route {

// Settings, in milliseconds.
extern int probe_interval;  // steward.route_probe_interval
extern int probe_timeout;   // steward.route_probe_timeout
inline Pace pace() { return {std::int64_t{probe_interval} * 1000, std::int64_t{probe_timeout} * 1000}; }
// While it is not certain who is primary, everybody is asked more often.
inline constexpr int kHurry = 5;
inline constexpr std::int64_t kLeastHurriedMicros = 100'000;
inline Pace hurried_pace() {
    return {std::max(pace().interval / kHurry, std::min(kLeastHurriedMicros, pace().interval)), pace().timeout};
}
// What is older counts as the past.
inline std::int64_t fresh_for() { return kFreshIntervals * pace().interval + pace().timeout; }

// Of what reads and writes tables for the prober.
inline constexpr std::int64_t kFirstRetryMicros = 1'000'000;
inline constexpr std::int64_t kMostRetryMicros = 60'000'000;
inline constexpr int kLockPatienceMillis = 1000;

inline constexpr std::size_t kErrorBytes = 200;
inline constexpr int kMaxChangedDatabases = 64;
inline constexpr int kMaxEvents = 128;
inline constexpr std::size_t kKnownBytes = 2000;

struct NodeSlot {
    bool is_used;
    bool is_self;
    bool has_facts;
    Reach reach;
    Oid database;
    char name[kShortBytes];
    Facts facts;
    Steady seen_at;
    Steady asked_at;          // what it has answered was so after that
    std::int64_t round_trip;  // how long it took to answer
    Steady held_until;
    std::uint32_t newest_timeline;  // it was ever on
    View view;
    TimestampTz last_contact;  // 0: never
    Measured measured;
    Reign reign;
    Rate replay_rate;
    char error[kErrorBytes];
};

// What this server has seen happen to a node of a database.
struct Event {
    std::uint64_t number;  // from 1 on
    Oid database;
    EventKind kind;
    bool was_primary;
    TimestampTz at;
    char seen_by[kShortBytes];
    char node[kShortBytes];
    char other[kShortBytes];  // of a split brain
    std::uint32_t timeline;
    std::uint32_t previous_timeline;
    Lsn lsn;
    char detail[kErrorBytes];
    char known[kKnownBytes];  // JSON
};

struct Shared {
    LWLock* lock;
    LWLock* ring_lock;
    LWLock* events_lock;
    Latch* prober_latch;     // null while there is no prober
    std::uint64_t instance;  // of this life of the server
    bool is_all_changed;
    int changed_count;
    Oid changed[kMaxChangedDatabases];
    Horizon horizon;    // of the primary, where this is a standby
    Measured measured;  // of this server, where it is one
    Reign reign;        // of this server
    Rate replay_rate;   // likewise, where it is a standby
    Rate wal_rate;      // of the primary
    NodeSlot nodes[kMaxNodes];
    LsnRing ring;
    std::uint64_t events_added;
    Event events[kMaxEvents];  // number n at (n - 1) % kMaxEvents
    // For those who are to be sent somewhere; no lock.
    Board board;
    std::atomic<std::int64_t> lease;  // up to when this server, a primary, may take commits, by its steady clock
    Assignments assigned[kMaxNodes];  // by slot
    std::atomic<std::uint32_t> turn;  // of those who go round
};

void init_shared();
// Whether this server was started with the library: the rest may be called only then.
bool has_shared();
Shared& shared();

Steady steady_now();

// It looks whether this server has been promoted, which nobody tells it.
void wake_prober() noexcept;
// The prober reads the nodes of this database anew when this transaction commits.
void reload_at_commit();

// Of this server, where it is a primary, over the last hour.
std::optional<double> hourly_wal_rate(Lsn flushed);

// Of this server, where it is a primary: the WAL it has flushed, and how old the oldest behind each position is.
std::vector<std::optional<std::int64_t>> ages_of(const std::vector<Lsn>& positions, Lsn flushed);

}  // namespace steward::route
