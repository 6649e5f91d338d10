// SPDX-License-Identifier: PostgreSQL
//
// How a partition is made. The blueprint is all of a parent (and of its template table) that a new partition shall have;
// it is read once a set, and the SQL of every partition follows from it as text. A partition is built apart, where its
// locks hinder nobody, and then attached. Where the parent has nothing special that is two statements:
//
//   CREATE TABLE child (LIKE parent ...)     columns, CHECKs, defaults, generated columns, storage, extended statistics,
//                                            indexes: ATTACH then finds them, which is faster than to let it make them
//   ALTER TABLE parent ATTACH PARTITION      foreign keys, triggers, identity (17 and later) come with it
//
// What neither of them carries stands between the two, while the child is still private: privileges, row security,
// statistics targets, comments, the template's keys, publications. Identity columns are never copied: before 17 partitions have none,
// and later ATTACH refuses a table that brings its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "partition/publications.hpp"

namespace steward::partition {

// In the expressions of policies this stands for the partition's own name.
inline constexpr char kSelfAlias[] = "steward_self_zq7xk";

// One GRANT or REVOKE: privileges ("SELECT, INSERT" or "SELECT (id)") and grantee as SQL.
struct Privileges {
    std::string privileges;
    std::string grantee;
    bool is_grantable = false;
};

struct ColumnSettings {
    std::string column;                // raw
    std::optional<int> statistics;     // statistics target, when it is not the default
    std::vector<std::string> options;  // "n_distinct=-0.5"
};

struct RowPolicy {
    std::string name;  // raw
    bool is_permissive = true;
    std::string command;               // "ALL", "SELECT", ...
    std::string roles;                 // as SQL: "PUBLIC", "alice, bob"
    std::optional<std::string> usage;  // USING (...), with kSelfAlias for the table itself
    std::optional<std::string> check;  // WITH CHECK (...)
};

// An index or a key of the template table that the parent cannot have.
struct TemplateIndex {
    std::string suffix;  // the child's is named child_suffix
    bool is_unique = false;
    std::string definition;  // what follows CREATE INDEX name ON table: "USING btree (a)"
    std::string constraint;  // as ALTER TABLE ADD CONSTRAINT name takes it: "UNIQUE (a)"; empty: a plain index
    bool is_identity = false;
};

// Subpartitions made together with the partition.
struct Subpartitioning {
    enum class Method { none, hash, other };
    Method method = Method::none;
    std::string by;  // "HASH (tenant_id)"
    int count = 0;   // hash: how many; other methods get a DEFAULT subpartition
};

struct Blueprint {
    int server_major = 0;
    std::string parent;  // schema.name as SQL
    bool is_unlogged = false;
    std::string access_method;               // raw; empty: the default
    std::string tablespace;                  // raw; empty: the default
    std::vector<std::string> options;        // storage parameters: "fillfactor=70"
    std::vector<std::string> toast_options;  // of the TOAST table, without "toast."
    bool has_row_security = false;
    bool forces_row_security = false;
    char replica_identity =
        'd';  // d, n, f; i: by the template index marked so, or by the child's part of identity_index
    std::string identity_index;  // an index of the parent, as SQL
    std::optional<std::string> comment;
    std::vector<ColumnSettings> columns;
    std::vector<Privileges> revokes;  // what default privileges give and the parent has not
    std::vector<Privileges> grants;
    std::vector<RowPolicy> policies;
    std::vector<TemplateIndex> indexes;
    Subpartitioning subpartitions;
    std::vector<Publication> publications;
};

// "HASH (tenant_id)" as policies have it: a method and a key in parentheses, nothing before, between or behind. 22023.
base::Result<Subpartitioning> parse_subpartitioning(std::string_view by, int count);

// Everything up to the ATTACH, statements separated by ";\n". `schema` and `name` are raw.
std::string create_table_sql(const Blueprint& blueprint, std::string_view schema, std::string_view name);

// `bounds` is "FOR VALUES ..." or "DEFAULT".
std::string attach_sql(const Blueprint& blueprint, std::string_view schema, std::string_view name,
                       std::string_view bounds);

// What needs the attached partition; mostly empty.
std::string after_attach_sql(const Blueprint& blueprint, std::string_view schema, std::string_view name);

// The publications that a new partition has to stay out of, and why; mostly empty.
std::string publications_left(const Blueprint& blueprint);

// ---- The pieces, which the repair of a drifted partition uses too. `table` is SQL -------------------------------------

std::string grant_sql(const Privileges& privileges, const std::string& table);
std::string revoke_sql(const Privileges& privileges, const std::string& table);
std::string policy_sql(const RowPolicy& policy, const std::string& table, std::string_view name);
std::string options_sql(const std::vector<std::string>& options, std::string_view prefix = {});  // "a='1', toast.b='2'"
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string derived_name(std::string_view name, std::string_view suffix);  // name_suffix within 63 bytes

// A statement that makes the table's part of a partitioned index its replica identity.
std::string inherit_identity_index_sql(const std::string& table, const std::string& index);

}  // namespace steward::partition
