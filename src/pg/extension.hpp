// SPDX-License-Identifier: PostgreSQL
//
// Our own tables are read and written as the extension's owner, whoever calls: what a caller may do is checked against the
// object it is about.
#pragma once

#include "pg/transaction.hpp"

#include "pg/postgres.hpp"

namespace steward::pg {

// Throws 42704 in a database that has no extension pg_steward.
Oid extension_owner();
bool has_extension();
// For a worker of ours that has failed: somebody may have dropped it meanwhile. Not in a transaction.
bool is_extension_gone();

// Of this cluster, as SQL's bigint has it.
std::int64_t system_identifier();

class AsExtensionOwner : public AsOwner {
public:
    AsExtensionOwner() : AsOwner(extension_owner()) {}
};

}  // namespace steward::pg
