// SPDX-License-Identifier: PostgreSQL
//
// Differences between server versions, bent towards the newest signature. Included by pg/postgres.hpp alone.
#pragma once

namespace steward::pg {

// PostgreSQL 14 learned to leave out partitions that are being detached; 13 has none.
inline PartitionDesc partition_desc(Relation relation, [[maybe_unused]] bool omit_detached) {
#if PG_VERSION_NUM >= 140000
    return RelationGetPartitionDesc(relation, omit_detached);
#else
    return RelationGetPartitionDesc(relation);
#endif
}

// True when a partition's DETACH CONCURRENTLY was begun and not finalised.
inline bool has_detached([[maybe_unused]] PartitionDesc desc) {
#if PG_VERSION_NUM >= 140000
    return desc->detached_exist;
#else
    return false;
#endif
}

inline bool has_detach_concurrently() { return PG_VERSION_NUM >= 140000; }

// PostgreSQL 16 replaced one function a catalog by object_ownercheck().
inline bool is_owner_of_table(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

inline void reserve_guc_prefix([[maybe_unused]] const char* prefix) {
#if PG_VERSION_NUM >= 150000
    MarkGUCPrefixReserved(prefix);
#else
    EmitWarningsOnPlaceholders(prefix);
#endif
}

// PostgreSQL 17 renamed backend ids to process numbers.
inline PGPROC* backend_of(VirtualTransactionId transaction) {
#if PG_VERSION_NUM >= 170000
    return ProcNumberGetProc(transaction.procNumber);
#else
    return BackendIdGetProc(transaction.backendId);
#endif
}

inline bool lock_held_by_me(const LOCKTAG& tag, LOCKMODE mode) {
#if PG_VERSION_NUM >= 170000
    return LockHeldByMe(&tag, mode, false);
#else
    return LockHeldByMe(&tag, mode);
#endif
}

}  // namespace steward::pg
