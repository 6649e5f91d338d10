// SPDX-License-Identifier: PostgreSQL
//
// Differences between server versions, bent towards the newest signature. Included by pg/postgres.hpp alone.
#pragma once

// Known to extensions since PostgreSQL 14.
#ifndef DLSUFFIX
#define DLSUFFIX ".so"
#endif

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

// Column lists, row filters and whole schemas in publications.
inline bool has_publication_lists() { return PG_VERSION_NUM >= 150000; }

// pg_class.relallfrozen; and VACUUM and ANALYZE that reach a table's children unless ONLY stands before its name.
inline bool has_all_frozen_pages() { return PG_VERSION_NUM >= 180000; }
inline bool has_only_in_vacuum() { return PG_VERSION_NUM >= 180000; }
inline bool has_virtual_columns() { return PG_VERSION_NUM >= 180000; }
// The privilege MAINTAIN on tables, and with it the role pg_maintain.
inline bool has_maintain_privilege() { return PG_VERSION_NUM >= 170000; }
// Before, pg_attribute.attstattarget was -1 where nobody set it.
inline bool has_null_statistics_target() { return PG_VERSION_NUM >= 170000; }

// PostgreSQL 16 replaced one function a catalog by object_ownercheck().
inline bool is_owner_of_table(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

// What pg_has_role() calls the right to SET ROLE; PostgreSQL 16 parted it from membership.
inline constexpr const char* kSetRolePrivilege = PG_VERSION_NUM >= 160000 ? "SET" : "MEMBER";

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

// 0 <= x < 1. PostgreSQL 15 gave the server a random generator of its own.
inline double random_fraction() {
#if PG_VERSION_NUM >= 150000
    return pg_prng_double(&pg_global_prng_state);
#else
    return static_cast<double>(random()) / (static_cast<double>(MAX_RANDOM_VALUE) + 1);
#endif
}

// PostgreSQL 15 added the choice to flush at once, which we always want.
inline shm_mq_result send_message(shm_mq_handle* queue, Size bytes, const void* data) {
#if PG_VERSION_NUM >= 150000
    return shm_mq_send(queue, bytes, data, false, true);
#else
    return shm_mq_send(queue, bytes, data, false);
#endif
}

// SHA-256 in pieces; PostgreSQL 14 put it behind a common interface.
inline constexpr std::size_t kSha256Bytes = 32;
#if PG_VERSION_NUM >= 140000
using Sha256 = pg_cryptohash_ctx;
inline Sha256* sha256_begin() {
    Sha256* hash = pg_cryptohash_create(PG_SHA256);
    if (hash == nullptr || pg_cryptohash_init(hash) < 0) elog(ERROR, "could not initialize SHA-256");
    return hash;
}
inline void sha256_add(Sha256* hash, const std::uint8_t* data, std::size_t bytes) {
    if (pg_cryptohash_update(hash, data, bytes) < 0) elog(ERROR, "could not compute SHA-256");
}
inline void sha256_end(Sha256* hash, std::uint8_t* result) {
    if (pg_cryptohash_final(hash, result, kSha256Bytes) < 0) elog(ERROR, "could not compute SHA-256");
    pg_cryptohash_free(hash);
}
#else
// Before, its header wants that of OpenSSL, which nobody needs who builds an extension; either state fits in here.
struct Sha256 {
    std::uint64_t state[32];
};
extern "C" {
void pg_sha256_init(Sha256* hash);
void pg_sha256_update(Sha256* hash, const std::uint8_t* data, std::size_t bytes);
void pg_sha256_final(Sha256* hash, std::uint8_t* result);
}
inline Sha256* sha256_begin() {
    auto* hash = static_cast<Sha256*>(palloc(sizeof(Sha256)));
    pg_sha256_init(hash);
    return hash;
}
inline void sha256_add(Sha256* hash, const std::uint8_t* data, std::size_t bytes) {
    pg_sha256_update(hash, data, bytes);
}
inline void sha256_end(Sha256* hash, std::uint8_t* result) {
    pg_sha256_final(hash, result);
    pfree(hash);
}
#endif

inline List* plan_statement(RawStmt* statement, const char* sql) {
#if PG_VERSION_NUM >= 150000
    List* queries = pg_analyze_and_rewrite_fixedparams(statement, sql, nullptr, 0, nullptr);
#else
    List* queries = pg_analyze_and_rewrite(statement, sql, nullptr, 0, nullptr);
#endif
    return pg_plan_queries(queries, sql, CURSOR_OPT_PARALLEL_OK, nullptr);
}

// Runs a portal to its end at top level. PostgreSQL 18 dropped the argument that says it runs once.
inline void run_portal(Portal portal, DestReceiver* receiver, QueryCompletion* completion) {
#if PG_VERSION_NUM >= 180000
    PortalRun(portal, FETCH_ALL, true, receiver, receiver, completion);
#else
    PortalRun(portal, FETCH_ALL, true, true, receiver, receiver, completion);
#endif
}

// PostgreSQL 15 wants shared memory to be asked for in a hook of its own.
#if PG_VERSION_NUM >= 150000
inline shmem_request_hook_type previous_shmem_request = nullptr;
inline void (*shmem_request)() = nullptr;
inline void on_shmem_request() {
    if (previous_shmem_request != nullptr) previous_shmem_request();
    shmem_request();
}
inline void at_shared_memory_request(void (*request)()) {
    shmem_request = request;
    previous_shmem_request = shmem_request_hook;
    shmem_request_hook = on_shmem_request;
}
#else
inline void at_shared_memory_request(void (*request)()) { request(); }
#endif

// PostgreSQL 17 ties a set of wait events to a resource owner; none here: it lives as long as the process.
inline WaitEventSet* make_wait_event_set(int events) {
#if PG_VERSION_NUM >= 170000
    return CreateWaitEventSet(nullptr, events);
#else
    return CreateWaitEventSet(TopMemoryContext, events);
#endif
}

// PostgreSQL 14 dropped what the old protocol needed for COPY.
inline void leave_out_copy([[maybe_unused]] PQcommMethods& methods) {
#if PG_VERSION_NUM < 140000
    methods.startcopyout = [] {};
    methods.endcopyout = [](bool) {};
#endif
}

// A database whose DROP was interrupted; the minors of August 2023 gave this value of datconnlimit a name.
inline constexpr int kInvalidDatabase = -2;

// What a VACUUM of this process sleeps, and after how much work; also of one that runs. Fit for a signal handler.
inline void set_vacuum_pace(double delay_ms, int cost_limit) {
    VacuumCostDelay = delay_ms;
    VacuumCostLimit = cost_limit;
#if PG_VERSION_NUM >= 160000
    vacuum_cost_delay = delay_ms;
    vacuum_cost_limit = cost_limit;
#endif
}

}  // namespace steward::pg
