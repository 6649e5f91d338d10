// SPDX-License-Identifier: PostgreSQL
//
// Partitioned tables as the server's catalogs and caches show them. Reading takes ACCESS SHARE on the parent for the
// moment of reading and nothing on its partitions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "partition/set.hpp"
#include "pg/postgres.hpp"

namespace steward::partition {

// The refusals of read_set() alone, without opening the table: whoever has locked it is not waited for.
void check_partitioned(Oid parent);

// Throws 42809 with the way out when the relation is not a partitioned table (a plain table, a partition: its parent is
// named, a foreign or temporary table), 42P01 when it is gone. Bounds are decoded with `codec`, or with the one natural to the
// key's type when none is given.
PartitionSet read_set(Oid parent, const Codec* codec = nullptr);

// The codec natural to the type of the set's key: the type's own, uuidv7 for uuid; nothing for text and other types.
std::optional<Codec> natural_codec(Oid key_type);

}  // namespace steward::partition
