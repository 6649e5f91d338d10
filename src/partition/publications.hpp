// SPDX-License-Identifier: PostgreSQL
//
// Partitions that publications of logical replication list one by one. A publication that has the parent, the schema or all
// tables has every new partition too. One that lists partitions has those, and what it lacks is missed by its
// subscribers without a word. So
//
//   a new partition of a range joins the publications that list the newest, and one of a list or a hash, where no
//   partition is the newest, those that list all others; with the columns and rows that the newest has there;
//   of the partitions that exist, those above the lowest listed one are expected in a publication, and of lists and
//   hashes all, once half of them are. That is told (drift), not done: somebody may have meant it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "partition/set.hpp"

namespace steward::partition {

// How a publication lists a table.
struct Listing {
    std::string columns;  // as SQL, "id, at"; empty: all
    std::string filter;   // as SQL; empty: all rows

    bool operator==(const Listing& other) const { return columns == other.columns && filter == other.filter; }
    bool is_whole() const { return columns.empty() && filter.empty(); }
    std::string text() const;  // for people
};

// A publication that new partitions join.
struct Publication {
    std::string name;  // raw
    Listing listing;
    bool is_ours = true;   // the table's owner may change it
    std::string owner;     // as SQL
    bool is_root = false;  // publish_via_partition_root
};

bool follows_set(Strategy strategy, bool lists_newest, bool lists_all);

// Why the publication has to be left as it is; empty when a new partition can join it.
std::string obstacle(const Publication& publication, bool is_unlogged, bool is_partitioned);

// `table` is SQL.
std::string publish_sql(const std::string& publication, const Listing& listing, const std::string& table);
std::string republish_sql(const std::string& publication, const Listing& listing, const std::string& table);
// Also where something else (an event trigger) has published the table since it was made.
std::string publish_new_sql(const std::string& publication, const Listing& listing, const std::string& table);

// One of the partitions, in the order of their bounds, as one publication has it.
struct Member {
    std::optional<Listing> listing;
    bool is_exempt = false;  // published otherwise, or never (foreign and unlogged tables)
};

struct Expectation {
    Listing listing;                     // as the last of the listed ones
    std::vector<std::size_t> differing;  // members that are to be listed so and are not
};
Expectation expected_listings(Strategy strategy, const std::vector<Member>& members);

}  // namespace steward::partition
