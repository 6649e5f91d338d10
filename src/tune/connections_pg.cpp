// SPDX-License-Identifier: PostgreSQL
//
// Each client is counted when it is let in, and discounted when its server process ends. The day's first one writes what is
// known to a file, and so does the end of the server: a crash loses the rest of one day.
#include "tune/connections_pg.hpp"

#include <atomic>
#include <new>

#include "base/time.hpp"
#include "pg/saved_file.hpp"
#include "pg/shmem.hpp"
#include "pg/zone.hpp"

#include "pg/postgres.hpp"

extern "C" {
#include "libpq/auth.h"
#include "replication/walsender.h"
#include "storage/ipc.h"
}

namespace steward::tune {

namespace {

constexpr char kName[] = "pg_steward connections";
// Of the data directory, which is every server process's working directory.
constexpr char kFile[] = "pg_stat/pg_steward_connections.stat";

struct Shared {
    std::atomic<std::int32_t> connections = 0;
    ConnectionPeaks peaks;  // under the lock
    LWLock* lock = nullptr;
};

Shared* attached = nullptr;
ClientAuthentication_hook_type previous_hook = nullptr;

std::int32_t today() { return static_cast<std::int32_t>(pg::now().micros / base::kMicrosPerDay); }

void save(const ConnectionPeaks& peaks) {
    pg::save(kFile, [&] { return peaks.saved(); });
}

void save_at_shutdown(int code, Datum) {
    if (code == 0) save(attached->peaks);
}

void load_at_startup() {
    pg::load_saved(kFile, [](const std::string& content) { return attached->peaks.load(content); });
    // After a crash the postmaster has forgotten what it had to do at its end.
    if (!IsUnderPostmaster) on_shmem_exit(save_at_shutdown, 0);
}

std::size_t shared_bytes() { return sizeof(Shared); }

void on_startup() {
    bool is_new = false;
    void* memory = pg::shared_memory(kName, shared_bytes(), &is_new);
    attached = static_cast<Shared*>(memory);
    if (!is_new) return;
    new (attached) Shared();
    attached->lock = pg::shared_lock(kName);
    load_at_startup();
}

void discount(int, Datum) { attached->connections.fetch_sub(1); }

// A sender of WAL has places of its own.
void on_authentication(Port* port, int status) {
    if (previous_hook != nullptr) previous_hook(port, status);
    if (status != STATUS_OK || am_walsender || attached == nullptr) return;
    on_shmem_exit(discount, 0);
    const std::int32_t connections = attached->connections.fetch_add(1) + 1;
    bool is_new_day = false;
    ConnectionPeaks peaks;
    {
        pg::Locked locked(attached->lock);
        is_new_day = attached->peaks.note(today(), connections);
        if (is_new_day) peaks = attached->peaks;
    }
    if (is_new_day) save(peaks);
}

}  // namespace

void init() {
    if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade) return;
    pg::request_shared({shared_bytes, kName, 1, on_startup});
    previous_hook = ClientAuthentication_hook;
    ClientAuthentication_hook = on_authentication;
}

std::optional<ConnectionHistory> connection_history() {
    if (attached == nullptr) return std::nullopt;
    pg::Locked locked(attached->lock, LW_SHARED);
    return attached->peaks.history(today());
}

}  // namespace steward::tune
