// SPDX-License-Identifier: PostgreSQL
//
// From the state of a set and its policy to the rows of a plan. Reads only; nothing is locked beyond ACCESS SHARE.
#pragma once

#include <optional>

#include "partition/plan.hpp"
#include "partition/policy_pg.hpp"

namespace steward::partition {

struct Ask {
    bool future = true;               // make what is missing
    std::optional<int> periods;       // unset: the policy's
    bool retention = true;            // retire what is past
    std::optional<int> keep_periods;  // unset: the policy's
    bool is_automatic = true;         // not a call by hand: the share of bytes is limited
    bool in_worker = true;            // steps run in transactions of their own, at top level
    base::Instant now;
};

Plan plan_set(const KnownSet& known, const Ask& ask);

// Partitions of any set whose time in the trash is over, and rows of the trash that an interruption left unfinished. `parent` 0: all that the acting role owns.
Plan plan_trash(Oid parent, base::Instant now);

// The clock or the largest key, as a position on the set's axis; nothing on list and hash sets without steps.
std::optional<Position> current_position(const KnownSet& known, base::Instant now);

// The largest key, read from the newest partition that has rows (an index on the key makes that a probe); as the owner.
std::optional<Position> largest_key(const KnownSet& known);

// A key value as SQL literal with its quotes, by the codec or the set's encode function.
std::string key_literal(const KnownSet& known, Position position);

// Positions of bounds that only the set's decode function reads; run as the owner. Refuses a set with bounds that nothing
// reads: a position that is not known must not be taken for one.
void read_bounds(KnownSet& known);

// The FROM (...) TO (...) of a range.
std::string range_clause(const KnownSet& known, const Range& range);

}  // namespace steward::partition
