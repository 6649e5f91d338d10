// SPDX-License-Identifier: PostgreSQL
#include "pg/shmem.hpp"

#include <cstring>

namespace steward::pg {

namespace {

struct Request {
    std::size_t bytes;
    const char* lock_name;
    void (*startup)();
};
Request request;
shmem_startup_hook_type previous_startup = nullptr;

void reserve() {
    RequestAddinShmemSpace(request.bytes);
    RequestNamedLWLockTranche(request.lock_name, 1);
}

void on_startup() {
    if (previous_startup != nullptr) previous_startup();
    request.startup();
}

}  // namespace

void request_shared(std::size_t bytes, const char* lock_name, void (*startup)()) {
    request = {bytes, lock_name, startup};
    at_shared_memory_request(reserve);
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

LWLock* shared_lock(const char* lock_name) { return &GetNamedLWLockTranche(lock_name)->lock; }

}  // namespace steward::pg
