// SPDX-License-Identifier: PostgreSQL
//
// What all sessions have counted, as it is now.
#pragma once

#include "capture/capture_pg.hpp"
#include "capture/snapshot.hpp"
#include "pg/shmem.hpp"

namespace steward::capture {

// none: of a server that nobody uses any more.
enum class Locking { none, shared };

// Calls visit() with what each shard holds.
template <class F>
void each_shard(Locking locking, Collector::What what, F&& visit) {
    Collector collector(*shared_store, what);
    for (int i = 0; i < kShards; ++i) {
        collector.prepare(i);
        if (locking == Locking::shared) {
            pg::Locked locked(shared().locks[i], LW_SHARED);
            collector.copy(i);
        } else {
            collector.copy(i);
        }
        visit(collector.merge());
    }
}

}  // namespace steward::capture
