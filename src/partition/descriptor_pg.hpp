// SPDX-License-Identifier: PostgreSQL
//
// What the server's cache says of a partitioned table, as plain values: collected in one go under pg::call, which no object
// with a destructor may live in.
#pragma once

#include "pg/postgres.hpp"

namespace steward::partition {

// One bound of the relation's cached partition descriptor: all key columns as canonical texts.
struct RawBound {
    PartitionRangeDatumKind kind;  // of the first column
    bool is_tail_plain;            // the other columns are MINVALUE
    char* first;                   // canonical text of the first column; micros since 1970 for dates and timestamps
    char* literal;                 // all columns as SQL; only built where the first alone does not say it
};

struct RawPartition {
    Oid id;
    int lower, upper;  // indexes of bounds, -1: none
    int modulus, remainder;
};

struct RawValue {
    int partition;
    char* value;  // nullptr: NULL
};

struct RawSet {
    char strategy;
    int columns;
    Oid type;
    bool is_expression, is_nullable, has_pending_detach;
    Oid owner, schema_id, default_id;
    char *schema, *name, *definition, *first, *type_name;
    RawBound* bounds;
    int bound_count;
    RawPartition* partitions;
    int partition_count;
    RawValue* values;
    int value_count;
};

// Under pg::call only; what it points to is in the current memory context.
RawSet collect(Oid parent);

}  // namespace steward::partition
