// SPDX-License-Identifier: PostgreSQL
//
// Who we are and how much is undone when something fails.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "pg/error.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

// SQL of ours means what it says: search_path = pg_catalog, pg_temp, and the session's date style and zone out of the way.
// Undone at the end of the block, and by the server when a transaction ends.
class SafePath {
public:
    SafePath();
    ~SafePath();
    SafePath(const SafePath&) = delete;
    SafePath& operator=(const SafePath&) = delete;

private:
    int guc_level_ = 0;
};

// Work on somebody's table: as its owner, in a security-restricted context, with a safe path.
class AsOwner {
public:
    explicit AsOwner(Oid owner);
    ~AsOwner();
    AsOwner(const AsOwner&) = delete;
    AsOwner& operator=(const AsOwner&) = delete;

private:
    Oid saved_user_ = InvalidOid;
    int saved_context_ = 0;
    std::optional<SafePath> path_;
};

// A setting for the length of the surrounding AsOwner block (or transaction).
void set_local(const char* name, const std::string& value);

// No trigger fires and no foreign key is checked, but those that are ENABLE ALWAYS or REPLICA; to be turned off again, or
// undone at the end of the surrounding AsOwner block. A privilege that owners of tables do not have.
void silence_triggers(bool is_silent);

// A setting up to the end of the transaction, its commit included: synchronous_commit.
void set_for_transaction(const char* name, const std::string& value);

// A setting of this process until it is set again: background workers only.
void set_session(const char* name, const std::string& value);

// In a procedure that was called outside a transaction block: ends the transaction with its locks and snapshots and begins
// another one. Nothing is held until something is read or written again.
void commit_in_procedure();
// The same after an error, with all undone since.
void rollback_in_procedure();

// How a unit of work is bounded: by a subtransaction inside the caller's transaction, or by a transaction of its own
// (background workers only, where none is open).
enum class Bounded { subtransaction, transaction };

// Runs `work` as one unit. When it throws, all it did is rolled back and the error is returned.
std::optional<ErrorReport> attempt(Bounded bounded, const std::function<void()>& work);

}  // namespace steward::pg
