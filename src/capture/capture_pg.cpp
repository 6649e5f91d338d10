// SPDX-License-Identifier: PostgreSQL
#include "capture/capture_pg.hpp"

#include "capture/flight_pg.hpp"
#include "capture/layout.hpp"
#include "capture/slow_pg.hpp"

#include "pg/executor.hpp"
#include "pg/guard.hpp"
#include "pg/guc.hpp"
#include "pg/shmem.hpp"
#include "pg/worker.hpp"

namespace steward::capture {

int mode = kTop;
int save_interval = 300;
double max_overhead = 10;
Store* shared_store = nullptr;

namespace {

constexpr char kName[] = "pg_steward capture";
// In seconds.
constexpr int kRestartSeconds = 5;

int max_queries = 5000;
int text_kilobytes = 8192;
Shared* attached = nullptr;

const config_enum_entry kModes[] = {
    {"off", kOff, false}, {"top", kTop, false}, {"all", kAll, false}, {nullptr, 0, false}};

StoreSize store_size() {
    return {static_cast<std::uint32_t>(max_queries), static_cast<std::size_t>(text_kilobytes) * 1024,
            pg::max_sessions()};
}

EventStore::Size events_size() { return EventStore::size_for(slow_bytes()); }

std::size_t shared_bytes() {
    return aligned(sizeof(Shared)) + aligned(Store::bytes(store_size())) + aligned(EventStore::bytes(events_size()));
}

void on_startup() {
    bool is_new = false;
    void* memory = pg::shared_memory(kName, shared_bytes(), &is_new);
    attached = static_cast<Shared*>(memory);
    if (!is_new) {
        shared_store = attached->store;
        return;
    }
    new (attached) Shared();
    // The server aligns what it gives to more than that.
    auto* after = static_cast<std::byte*>(memory) + aligned(sizeof(Shared));
    attached->store = shared_store = Store::create(after, store_size());
    attached->events = EventStore::create(after + aligned(Store::bytes(store_size())), events_size());
    attached->events_lock = pg::shared_lock(kName, kShards);
    attached->limits_lock = pg::shared_lock(kName, kShards + 1);
    attached->bytes = static_cast<std::int64_t>(shared_bytes());
    for (int i = 0; i < kShards; ++i) attached->locks[i] = pg::shared_lock(kName, i);
    load_at_startup();
}

}  // namespace

bool has_shared() { return attached != nullptr; }

Shared& shared() { return *attached; }

void require_shared() {
    if (!has_shared())
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                          "statistics of queries need the library \"pg_steward\" to be preloaded")
            .hint("Put pg_steward into shared_preload_libraries and restart the server.");
}

void init() {
    if (!process_shared_preload_libraries_in_progress) return;
    pg::define_setting(
        "steward.capture",
        "Sets which statements are counted: none, those that clients send, or those within functions too.", &mode,
        kModes, PGC_SUSET, assign_mode);
    pg::define_setting("steward.capture_max_queries", "Sets how many queries are told apart.", &max_queries,
                       {kMinQueries, kMaxQueries}, PGC_POSTMASTER, 0);
    pg::define_setting("steward.capture_text_memory", "Sets the memory for the texts of queries.", &text_kilobytes,
                       {kMinTextKilobytes, kMaxTextKilobytes}, PGC_POSTMASTER, GUC_UNIT_KB);
    pg::define_setting(
        "steward.capture_save_interval",
        "Sets after how long the statistics of queries are saved, for the case of a crash; 0 = only at shutdown.",
        &save_interval, {0, kMaxSaveInterval}, PGC_SIGHUP, GUC_UNIT_S);
    define_slow_settings();
    pg::define_setting("steward.capture_max_overhead",
                       "Sets how much of the time of statements counting them may take, in percent, before a session "
                       "counts less; 0 = no limit.",
                       &max_overhead, {0, 100}, PGC_SUSET);
    if (IsBinaryUpgrade) return;
    pg::request_shared({shared_bytes, kName, kShards + 2, on_startup});
    pg::register_static_worker("steward_capture_saver", "pg_steward capture", BgWorkerStart_ConsistentState,
                               kRestartSeconds);
    measure_clocks();
    install_hooks();
}

}  // namespace steward::capture
