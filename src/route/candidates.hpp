// SPDX-License-Identifier: PostgreSQL
//
// What each node is good for, and why not. A standby is taken for reads only when what it may lack at most, by the time of the
// call, is within the bound: what was known of it when it was last asked, and all the time since.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

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
    bool operator==(const Request&) const = default;
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
    Primary primary;  // by certain_primary()
    Horizon horizon;
    bool is_horizon_own = false;  // of this server, which says that it is primary
    Around around;
    const Assignments* assigned = nullptr;  // by slot
    std::uint64_t topology_epoch = 0;
    // Another one when anything has changed but the time, this server's position and `assigned`.
    std::uint64_t version = 0;
};

Candidate judge(int index, const Scene& scene, const Request& request) noexcept;

// Until when what is said of a node holds: the bound, and until more is known.
Steady valid_until(const Candidate& candidate, const Request& request, const Around& around,
                   std::int64_t interval) noexcept;

// One line each.
std::string read_reason(int index, const Candidate& candidate, const Scene& scene, const Request& request);
std::string write_reason(int index, const Scene& scene);

}  // namespace steward::route
