// SPDX-License-Identifier: PostgreSQL
//
// Partitions that differ from their parent or from the set's template, and the SQL that makes them equal again. The edge
// finds the differences, all partitions of a kind at once (drift_pg.cpp); how each is repaired is decided here.
// What the server itself keeps equal is not looked at: CHECK and NOT NULL constraints, foreign keys, identity, generation.
// What a partition has beyond its parent is left alone where it may be meant (indexes, statistics, comments) and is a
// difference where it opens or closes access (privileges, policies, row security).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "partition/blueprint.hpp"

namespace steward::partition {

// In the order in which the repairs of a partition are best run.
enum class Aspect {
    owner,
    index,
    invalid_index,
    unique_key,
    privileges,
    replica_identity,
    row_security,
    policy,
    storage,
    compression,
    statistics_target,
    column_options,
    column_default,
    extended_statistics,
    reloptions,
    tablespace,
    access_method,
    comment,
    trigger,
    publication,
};

const char* aspect_name(Aspect aspect);  // "invalid index"

struct Difference {
    RelationId parent_id = 0, partition_id = 0;
    std::string parent;           // as SQL, schema-qualified
    std::string partition;        // as SQL, schema-qualified
    std::string schema, name;     // the partition, raw
    bool is_partitioned = false;  // the partition has partitions itself
    Aspect aspect = Aspect::index;
    std::string subject;                  // raw name of the column, policy, index ...; empty: the table
    std::optional<std::string> expected;  // for people
    std::optional<std::string> actual;

    // What single aspects need for their repair.
    std::string parent_index;    // SQL; empty: the template's, nothing to attach to
    std::string existing_index;  // SQL: one of the partition's that fits, or is to be rebuilt
    TemplateIndex index;         // the one that is missing
    RowPolicy row_policy;        // the parent's
    std::vector<Privileges> revokes;
    std::vector<Privileges> grants;
    std::vector<std::string> set_options, reset_options;              // "fillfactor=70"; "toast.autovacuum_enabled"
    std::vector<std::string> set_toast_options, reset_toast_options;  // without "toast."
    Listing listing;                                                  // in the publication
    std::string obstacle;                                             // why the publication cannot have it so
    std::string clause;                                               // what stands in the statement as it is
};

struct Repair {
    // Statements separated by ";\n", each to be run by itself where CONCURRENTLY is among them. Where nothing can be run, a
    // comment that says why.
    std::string sql;
    std::string lock_mode;
};

Repair repair(const Difference& difference);

}  // namespace steward::partition
