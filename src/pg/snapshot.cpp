// SPDX-License-Identifier: PostgreSQL
#include "pg/snapshot.hpp"

#include "pg/guard.hpp"

namespace steward::pg {

namespace {

TransactionId held_xmin() {
#if PG_VERSION_NUM >= 140000
    return MyProc->xmin;
#else
    return MyPgXact->xmin;
#endif
}

// Only there does nobody use the snapshot after the call: a portal's own is missed neither by it (VACUUM takes it away, too) nor
// by a language or a function around it.
bool is_portal_calling(Oid procedure) {
    if (ActivePortal == nullptr || list_length(ActivePortal->stmts) != 1) return false;
    const auto* statement = linitial_node(PlannedStmt, ActivePortal->stmts);
    if (statement->utilityStmt == nullptr || !IsA(statement->utilityStmt, CallStmt)) return false;
    return reinterpret_cast<const CallStmt*>(statement->utilityStmt)->funcexpr->funcid == procedure;
}

}  // namespace

bool drop_snapshots_of_call(Oid procedure) {
    return call([&] {
        const bool is_own =
            ActiveSnapshotSet() && is_portal_calling(procedure) && GetActiveSnapshot() == ActivePortal->portalSnapshot;
        if (is_own) PopActiveSnapshot();
        InvalidateCatalogSnapshot();
        return !TransactionIdIsValid(held_xmin());
    });
}

}  // namespace steward::pg
