// SPDX-License-Identifier: PostgreSQL
#include "pg/shmem.hpp"

#include <sys/stat.h>

#include <cstring>

namespace steward::pg {

namespace {

constexpr int kMostRequests = 8;
SharedRequest requests[kMostRequests];
int requested = 0;
int reserved = 0;
shmem_startup_hook_type previous_startup = nullptr;

void reserve() {
    for (; reserved < requested; ++reserved) {
        const SharedRequest& request = requests[reserved];
        RequestAddinShmemSpace(request.bytes());
        RequestNamedLWLockTranche(request.lock_name, request.locks);
    }
}

void on_startup() {
    if (previous_startup != nullptr) previous_startup();
    for (int i = 0; i < requested; ++i) requests[i].startup();
}

}  // namespace

void request_shared(const SharedRequest& request) {
    if (requested == kMostRequests) elog(FATAL, "more than %d requests for shared memory", kMostRequests);
    requests[requested++] = request;
    // Before 15 the memory is asked for at once, from then on later for all.
    if (requested == 1 || PG_VERSION_NUM < 150000) at_shared_memory_request(reserve);
    if (requested > 1) return;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = on_startup;
}

void* shared_memory(const char* name, std::size_t bytes, bool* is_new) {
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool is_found = false;
    void* memory = ShmemInitStruct(name, bytes, &is_found);
    if (!is_found) std::memset(memory, 0, bytes);
    LWLockRelease(AddinShmemInitLock);
    *is_new = !is_found;
    return memory;
}

bool is_new_copy() {
    struct stat label {};
    return stat("backup_label", &label) == 0;
}

LWLock* shared_lock(const char* lock_name, int index) { return &GetNamedLWLockTranche(lock_name)[index].lock; }

}  // namespace steward::pg
