// SPDX-License-Identifier: PostgreSQL
//
// What the views and functions that show partitions have in common: sets read once a query, without waiting for locks,
// and without an error because of one odd table.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "partition/pace_pg.hpp"
#include "partition/policy_pg.hpp"
#include "partition/sizes_pg.hpp"
#include "pg/srf.hpp"
#include "pg/postgres.hpp"

namespace steward::partition {

// A table as far as it can be understood: with its policy, only its bounds, or (nothing) not even that.
struct ShownSet {
    PartitionSet set;
    std::string definition;  // of the key: "RANGE (at)"
    Policy policy;           // codec and zone are good for showing bounds in any case
    bool has_interval = false;
    bool is_decoded = false;  // the positions of bounds mean something

    const base::Zone& zone() const;
};

// Lives as long as the function is called in one query.
class InfoQuery {
public:
    // The one of this call site, made at the first call.
    static InfoQuery& of(FunctionCallInfo fcinfo);

    InfoQuery();
    base::Instant now() const { return now_; }
    SizeReader& sizes() { return sizes_; }
    Pace pace(const ShownSet& shown);
    bool is_registered(Oid parent) const { return policies_.count(parent) != 0; }

    // Throws what read_set() throws; waits for whoever locks the table.
    ShownSet read(Oid parent);
    // Nothing when the table is locked exclusively, dropped meanwhile, temporary, or cannot be read for any other reason.
    std::optional<ShownSet> try_read(Oid parent);

private:
    // Nothing when it has no regular interval, or its policy does not fit it: its bounds can still be shown.
    std::optional<KnownSet> understand(Oid parent) const;

    base::Instant now_;
    SizeReader sizes_;
    std::map<Oid, Policy> policies_;
    std::optional<NotedKeys> noted_keys_;
};

pg::Cell number_cell(std::optional<std::int64_t> value);

}  // namespace steward::partition
