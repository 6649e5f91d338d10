// SPDX-License-Identifier: PostgreSQL
//
// Where this server is in its WAL, and what differs between versions there.
#pragma once

#include "pg/postgres.hpp"

extern "C" {
#if PG_VERSION_NUM >= 150000
#include "access/xlogrecovery.h"
#endif
#include "utils/pg_lsn.h"
}

namespace steward::pg {

// Of a primary. PostgreSQL 15 gave the functions their present shape.
inline XLogRecPtr flushed_lsn() {
#if PG_VERSION_NUM >= 150000
    return GetFlushRecPtr(nullptr);
#else
    return GetFlushRecPtr();
#endif
}
inline TimeLineID insertion_timeline() {
#if PG_VERSION_NUM >= 150000
    return GetWALInsertionTimeLine();
#else
    return ThisTimeLineID;
#endif
}

// PostgreSQL 14 told a pause that is asked for from one that has begun.
inline bool is_replay_paused() {
#if PG_VERSION_NUM >= 140000
    return GetRecoveryPauseState() != RECOVERY_NOT_PAUSED;
#else
    return RecoveryIsPaused();
#endif
}

inline XLogRecPtr replayed_lsn(TimeLineID* timeline) { return GetXLogReplayRecPtr(timeline); }

}  // namespace steward::pg
