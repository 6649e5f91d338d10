// SPDX-License-Identifier: PostgreSQL
//
// The statistics over a restart: read by the postmaster when memory is made, written by a worker from time to time and by
// the postmaster at the end. A crash loses what came after the worker's last file.
#include <exception>

#include "base/text.hpp"
#include "capture/capture_pg.hpp"
#include "capture/saved.hpp"
#include "capture/saved_pg.hpp"
#include "pg/file.hpp"
#include "pg/guard.hpp"
#include "pg/shmem.hpp"
#include "pg/worker.hpp"

namespace steward::capture {

namespace {

// Of the data directory, which is every server process's working directory.
constexpr char kFile[] = "pg_stat/pg_steward_queries.stat";

void restore(const Snapshot& snapshot) {
    Store& store = *shared().store;
    for (const Statistic& one : snapshot.statistics) {
        std::uint64_t hash = hash_of(one.key);
        Shard& shard = store.shard(Store::shard_index(hash));
        shard.restore(one.key, one.counters, one.histogram);
        if (!one.has_text) continue;
        if (Entry* entry = shard.find(one.key, hash)) shard.give_text(*entry, {one.text, one.encoding, one.is_cut});
    }
    for (const FailureCount& one : snapshot.failures) {
        Failure failure{};
        failure.key = one.key;
        failure.sqlstate = one.sqlstate;
        failure.count = one.count;
        failure.total_ns = one.total_ns;
        failure.last_at = one.last_at;
        failure.message = one.message;
        store.shard(Store::shard_index(hash_of(one.key))).restore(failure);
    }
    shared().loaded = static_cast<std::int64_t>(snapshot.statistics.size());
}

std::string bytes_to_save(Locking locking) {
    Saver saver;
    each_shard(locking, Collector::What::all, [&](const Snapshot& part) { saver.add(part); });
    return saver.done();
}

// Nothing is left that could count meanwhile. The file is not worth the end of the server, whatever happens.
void save_at_shutdown(int code, Datum) noexcept {
    if (code != 0 || !has_shared()) return;
    int failed = ENOMEM;
    try {
        failed = pg::try_write_file(kFile, bytes_to_save(Locking::none));
    } catch (const std::exception&) {
    }
    if (failed == 0) return;
    errno = failed;
    ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", kFile)));
}

}  // namespace

void load_at_startup() {
    bool is_damaged = false;
    try {
        // A copy of another server has counted nothing yet.
        if (!pg::is_new_copy() && pg::file_exists(kFile)) {
            Snapshot snapshot;
            is_damaged = !load(pg::content_of(kFile), snapshot);
            restore(snapshot);
        }
    } catch (const std::exception&) {
        is_damaged = true;
    }
    if (is_damaged)
        ereport(LOG, (errmsg("ignoring file \"%s\", which is damaged or of another version of pg_steward", kFile)));
    // After a crash the postmaster has forgotten what it had to do at its end.
    if (!IsUnderPostmaster) on_shmem_exit(save_at_shutdown, 0);
}

}  // namespace steward::capture

extern "C" {
PGDLLEXPORT void steward_capture_saver(Datum argument);
}

extern "C" void steward_capture_saver(Datum) {
    using namespace steward;
    pg::entry([] {
        pg::begin_static_worker();
        TimestampTz saved_at = GetCurrentTimestamp();
        for (;;) {
            long millis = -1;
            if (capture::save_interval > 0) {
                TimestampTz due = TimestampTzPlusMilliseconds(saved_at, capture::save_interval * INT64CONST(1000));
                millis = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due);
            }
            pg::call([&] {
                int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (millis >= 0 ? WL_TIMEOUT : 0);
                WaitLatch(MyLatch, events, millis, PG_WAIT_EXTENSION);
                ResetLatch(MyLatch);
            });
            pg::obey_signals();
            if (capture::save_interval == 0) continue;
            TimestampTz now = GetCurrentTimestamp();
            if (now < TimestampTzPlusMilliseconds(saved_at, capture::save_interval * INT64CONST(1000))) continue;
            pg::write_file(capture::kFile, capture::bytes_to_save(capture::Locking::shared));
            saved_at = now;
            capture::shared().saved_at = now;
        }
    });
}
