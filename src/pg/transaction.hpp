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

// Work on somebody's table: as its owner, in a security-restricted context, with search_path = pg_catalog, pg_temp and the
// session's date style and zone out of the way. Undone at the end of the block, and by the server when a transaction ends.
class AsOwner {
public:
    enum class Restricted { yes, no };  // no: only where the command commits inside (DETACH CONCURRENTLY) in a worker
    explicit AsOwner(Oid owner, Restricted restricted = Restricted::yes);
    ~AsOwner();
    AsOwner(const AsOwner&) = delete;
    AsOwner& operator=(const AsOwner&) = delete;

private:
    Oid saved_user_ = InvalidOid;
    int saved_context_ = 0;
    int guc_level_ = 0;
};

// A setting for the length of the surrounding AsOwner block (or transaction).
void set_local(const char* name, const std::string& value);

// How a unit of work is bounded: by a subtransaction inside the caller's transaction, or by a transaction of its own
// (background workers only, where none is open).
enum class Bounded { subtransaction, transaction };

// Runs `work` as one unit. When it throws, all it did is rolled back and the error is returned.
std::optional<ErrorReport> attempt(Bounded bounded, const std::function<void()>& work);

}  // namespace steward::pg
