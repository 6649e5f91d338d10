// SPDX-License-Identifier: PostgreSQL
//
// Partitions and their bounds in words for people: what partition_info shows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "partition/set.hpp"

namespace steward::partition {

std::string_view strategy_name(Strategy strategy);

// "RANGE (start_time, tenant)" -> "start_time, tenant"
std::string key_columns(std::string_view definition);

struct ShownBounds {
    std::optional<std::string> start;
    std::optional<std::string> end;
};

// Ranges: both ends, instants with their offset in `zone`. Of keys with several columns the bounds as the server writes them.
// Lists: the values in `start`. Hash: "modulus 4, remainder 0" in `start`.
ShownBounds shown_bounds(const PartitionSet& set, const Partition& partition, const Codec& codec,
                         const base::Zone& zone);

// The same from pg_get_expr(relpartbound), for partitions that cannot be decoded: "FOR VALUES FROM (a) TO (b)".
ShownBounds shown_bounds(std::string_view server_text);

// Where now() lies on the axis; nothing on the number axis.
std::optional<Position> position_of(base::Instant now, Axis axis, const base::Zone& zone);

// The instant of a position; nothing on the number axis.
std::optional<base::Instant> instant_of(Position position, Axis axis, const base::Zone& zone);

// Whether `range` holds the position, read by the first key column.
bool holds(const Range& range, Position position);

}  // namespace steward::partition
