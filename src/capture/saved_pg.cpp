// SPDX-License-Identifier: PostgreSQL
//
// The statistics over a restart: read by the postmaster when memory is made, written by a worker from time to time and by
// the postmaster at the end. A crash loses what came after the worker's last file.
#include "base/text.hpp"
#include "capture/capture_pg.hpp"
#include "capture/saved.hpp"
#include "capture/saved_pg.hpp"
#include "pg/file.hpp"
#include "pg/guard.hpp"
#include "pg/saved_file.hpp"
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

// Nothing is left that could count meanwhile.
void save_at_shutdown(int code, Datum) noexcept {
    if (code == 0 && has_shared()) pg::save(kFile, [] { return bytes_to_save(Locking::none); });
}

}  // namespace

void load_at_startup() {
    pg::load_saved(kFile, [](const std::string& content) {
        Snapshot snapshot;
        const bool is_sound = load(content, snapshot);
        restore(snapshot);
        return is_sound;
    });
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
