// SPDX-License-Identifier: PostgreSQL
//
// The server's headers for those who watch its planner and executor, and what differs in them between versions.
#pragma once

#include "pg/postgres.hpp"

extern "C" {
#include "access/parallel.h"
#include "common/ip.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "jit/jit.h"
#include "nodes/execnodes.h"
#include "optimizer/planner.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "portability/instr_time.h"
#include "postmaster/autovacuum.h"
#include "replication/walsender.h"
#include "storage/bufmgr.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#elif PG_VERSION_NUM >= 140000
#include "utils/queryjumble.h"
#endif
}

namespace steward::pg {

inline constexpr bool kServerHasQueryId = PG_VERSION_NUM >= 140000;

// compute_query_id = auto: somebody wants them.
inline void want_query_id() {
#if PG_VERSION_NUM >= 140000
    EnableQueryId();
#endif
}

// Whether statements get query ids as things are.
inline bool has_query_id() {
#if PG_VERSION_NUM >= 140000
    return IsQueryIdEnabled();
#else
    return true;
#endif
}

// Of this session, below max_sessions().
inline std::uint32_t session_number() {
#if PG_VERSION_NUM >= 170000
    return static_cast<std::uint32_t>(MyProcNumber);
#else
    return static_cast<std::uint32_t>(MyProc->pgprocno);
#endif
}

// Before 15 MaxBackends is not known yet when memory has to be asked for.
inline std::uint32_t max_sessions() {
#if PG_VERSION_NUM >= 150000
    return static_cast<std::uint32_t>(MaxBackends);
#else
    return static_cast<std::uint32_t>(MaxConnections + autovacuum_max_workers + 1 + max_worker_processes +
                                      max_wal_senders);
#endif
}

inline std::int64_t nanos_of(instr_time time) {
#if PG_VERSION_NUM >= 160000
    return static_cast<std::int64_t>(INSTR_TIME_GET_NANOSEC(time));
#else
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
#endif
}

// Of shared and local blocks together. PostgreSQL 17 told them apart.
inline std::int64_t read_nanos(const BufferUsage& usage) {
#if PG_VERSION_NUM >= 170000
    return nanos_of(usage.shared_blk_read_time) + nanos_of(usage.local_blk_read_time);
#else
    return nanos_of(usage.blk_read_time);
#endif
}
inline std::int64_t write_nanos(const BufferUsage& usage) {
#if PG_VERSION_NUM >= 170000
    return nanos_of(usage.shared_blk_write_time) + nanos_of(usage.local_blk_write_time);
#else
    return nanos_of(usage.blk_write_time);
#endif
}

inline bool may_read_all_statistics() {
#if PG_VERSION_NUM >= 140000
    return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
#else
    return is_member_of_role(GetUserId(), DEFAULT_ROLE_READ_ALL_STATS);
#endif
}

// Where this session's client is, as a number; false when it has no such place: it is on this machine, or there is none.
inline bool client_host(char* to, int room) {
    if (MyProcPort == nullptr) return false;
    const SockAddr& from = MyProcPort->raddr;
    if (from.addr.ss_family != AF_INET && from.addr.ss_family != AF_INET6) return false;
    return pg_getnameinfo_all(&from.addr, static_cast<int>(from.salen), to, room, nullptr, 0, NI_NUMERICHOST) == 0;
}

}  // namespace steward::pg
