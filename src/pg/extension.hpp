// SPDX-License-Identifier: PostgreSQL
//
// Our own tables are read and written as the extension's owner, whoever calls: what a caller may do is checked against the
// object it is about.
#pragma once

#include "pg/guard.hpp"
#include "pg/transaction.hpp"

#include "pg/postgres.hpp"

namespace steward::pg {

// Throws 42704 in a database that has no extension pg_steward.
Oid extension_owner();
bool has_extension();
// For a worker that has failed: somebody may have dropped it meanwhile. False within a transaction, and in no database.
bool is_extension_gone();

// The door of a worker that works on our own tables of a database. What fails because they are gone is no error.
template <class F>
void worker_entry(F&& body) {
    entry([&] {
        ErrorReport error;
        if (capture(error, body) || is_extension_gone()) return;
        throw PgError(std::move(error));
    });
}

// Of this cluster, as SQL's bigint has it.
std::int64_t system_identifier();

class AsExtensionOwner : public AsOwner {
public:
    AsExtensionOwner() : AsOwner(extension_owner()) {}
};

}  // namespace steward::pg
