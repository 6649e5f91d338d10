// SPDX-License-Identifier: PostgreSQL
//
// A partitioned table as the catalogs show it, and what its owner wants of it. Plain values: the edge fills them
// (catalog_pg.cpp, policy_pg.cpp), pure code decides on them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "partition/axis.hpp"
#include "partition/bounds.hpp"
#include "partition/grid.hpp"

namespace steward::partition {

using RelationId = std::uint32_t;

enum class Strategy { range, list, hash };

struct Key {
    std::string first;  // the first key column or expression as SQL text, ready to stand in a WHERE
    std::string type;   // of the first column, schema-qualified SQL text
    RelationId type_id = 0;
    int columns = 1;
    bool is_expression = false;
    bool is_nullable = false;  // rows without a key go to the default partition, or are refused where there is none
};

// Range partitions carry their range, list partitions the canonical texts of their values.
struct Partition {
    RelationId id = 0;
    Range range;
    std::vector<std::optional<std::string>> values;
    int modulus = 0;
    int remainder = 0;
};

struct PartitionSet {
    RelationId id = 0;
    RelationId owner = 0;
    RelationId schema_id = 0;
    std::string schema;
    std::string name;
    Strategy strategy = Strategy::range;
    Key key;
    std::vector<Partition> partitions;       // without the default; ranges in rising order
    RelationId default_id = 0;               // 0: none
    bool has_pending_detach = false;         // an interrupted DETACH CONCURRENTLY waits to be finalised
    std::optional<Codec> codec;              // what the bounds were decoded with; unset when no codec fits the key
    std::optional<base::Failure> undecoded;  // why ranges carry no positions, when they do not

    std::string qualified() const;  // as SQL
};

// What happens to a partition past its retention after it has been detached.
enum class Retire { trash, keep, schema, tablespace, archive };

inline constexpr int kMinFuture = 0;
inline constexpr int kDefaultFuture = 4;
inline constexpr int kMaxPeriods = 100'000;       // a call asking for more is a mistake
inline constexpr int kMaxCreatedPerRun = 10'000;  // nearest first; the rest comes with the next run
inline constexpr double kDefaultMaxDropPercent = 50;

struct Policy {
    bool is_registered = false;
    Codec codec;
    std::optional<Step> step;  // unset for list and hash sets
    Position origin = 0;
    std::string timezone = "UTC";
    int future = kDefaultFuture;
    std::optional<base::Interval> max_ahead;
    std::optional<base::Interval> keep;
    std::optional<Position> keep_width;
    std::optional<Position> start;  // partitions are to cover the axis from here on
    Retire retire = Retire::trash;
    base::Interval grace{0, 7, 0};
    std::string retire_to;  // schema, tablespace or directory
    double max_drop_percent = kDefaultMaxDropPercent;
    RelationId template_id = 0;
    std::string partition_schema;  // empty: the parent's
    std::string name_prefix;       // empty: as the newest partitions are named, else the parent's name
    std::string subpartition_by;   // "HASH (tenant_id)"; empty: none
    int subpartitions = 0;
    std::map<std::string, std::vector<std::string>> lists;  // label -> values
    int modulus = 0;
    bool on_demand = false;                        // rows in the default partition get their partition soon after
    std::string encode_function, decode_function;  // quoted, schema-qualified names
    std::string before_create, after_create, before_drop, after_drop;
};

}  // namespace steward::partition
