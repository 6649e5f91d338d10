// SPDX-License-Identifier: PostgreSQL
//
// Pieces of the server's shared memory with locks, asked for at server start.
#pragma once

#include "pg/postgres.hpp"

namespace steward::pg {

struct SharedRequest {
    std::size_t (*bytes)();  // called when all settings are known
    const char* lock_name;
    int locks;
    void (*startup)();
};

// In _PG_init, with shared_preload_libraries being loaded: `startup` is called once the memory can be had, in the
// postmaster, also after each crash that makes it start anew.
void request_shared(const SharedRequest& request);

// In `startup`: the piece named `name`, zeroed when it is new.
void* shared_memory(const char* name, std::size_t bytes, bool* is_new);
LWLock* shared_lock(const char* lock_name, int index = 0);

// Whether this server begins its life as a base backup, which is of a server that ran.
bool is_new_copy();

// Under it only short code that neither allocates nor raises.
class Locked {
public:
    explicit Locked(LWLock* lock, LWLockMode mode = LW_EXCLUSIVE) : lock_(lock) { LWLockAcquire(lock_, mode); }
    ~Locked() { LWLockRelease(lock_); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

private:
    LWLock* lock_;
};

}  // namespace steward::pg
