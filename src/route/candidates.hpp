// SPDX-License-Identifier: PostgreSQL
//
// What each node is good for, and why not, and which of them a client is sent to. A standby is taken for reads only when what
// it may lack at most, by the time of the call, is within the bound: what was known of it when it was last asked, and all the
// time since.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "route/primary.hpp"
#include "route/strategy.hpp"

namespace steward::route {

struct Request {
    bool is_read_only = false;
    std::optional<std::int64_t> max_staleness;  // microseconds; nothing: whatever it is
    Lsn min_lsn;                                // 0: any
    std::string zone;                           // empty: any
    int max_rows = 1;
    Strategy strategy = Strategy::balanced;
};
// Of what a user gives.
std::optional<base::Failure> fault_of(const Request& request);

enum class Fitness : std::uint8_t {
    fit,
    the_primary,  // for reads taken where no standby is
    uncertain,    // says that it is primary
    in_maintenance,
    never_seen,
    missing,
    other_cluster,
    other_timeline,
    held,
    before_lsn,
    lag_unknown,
    too_stale,
};

struct Candidate {
    Fitness for_reads = Fitness::never_seen;
    bool is_for_writes = false;
    std::optional<std::int64_t> most_stale;  // what it may lack at most, now, in microseconds
    Lag lag;                                 // as replica_lag_status has it
    double load = 0;
    double assigned = 0;
    double score = 0;
};

// Everything a decision is made from.
struct Scene {
    Nodes nodes;
    Horizon horizon;
    bool is_horizon_own = false;  // of this server, which says that it is primary
    Around around;
    const Assignments* assigned = nullptr;  // by slot
    std::uint64_t topology_epoch = 0;
};

struct Judged {
    Primary primary;
    std::vector<Candidate> candidates;  // one a node
};
// For writes only who is primary, and what is said of that one.
Judged judge(const Scene& scene, const Request& request);

// After the node itself, where reads go on when it is gone.
inline constexpr int kMostSpares = 7;

struct Choice {
    std::vector<int> nodes;  // those to offer, best first
    std::vector<int> spare;  // where to go on when they are gone
    bool is_fallback = false;
};
Choice choose(const Scene& scene, const Judged& judged, const Request& request, std::uint64_t random,
              std::uint64_t turn);

// Until when what is said of a node holds: the bound, and until more is known.
Steady valid_until(const Candidate& candidate, const Request& request, const Around& around,
                   std::int64_t interval) noexcept;

// One line each.
std::string read_reason(std::size_t index, const Scene& scene, const Judged& judged, const Request& request);
std::string write_reason(std::size_t index, const Scene& scene, const Judged& judged);
std::string choice_reason(std::size_t index, const Scene& scene, const Judged& judged, const Request& request,
                          const Choice& choice);

}  // namespace steward::route
