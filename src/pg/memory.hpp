// SPDX-License-Identifier: PostgreSQL
//
// Server memory for the length of a block, so that work over thousands of tables stays flat.
#pragma once

#include <cstdlib>  // __GLIBC__
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "pg/guard.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

class ScratchMemory {
public:
    ScratchMemory() : caller_(CurrentMemoryContext) {
        MemoryContext parent = caller_;
        scratch_ = call([&] { return AllocSetContextCreate(parent, "pg_steward scratch", ALLOCSET_DEFAULT_SIZES); });
        MemoryContextSwitchTo(scratch_);
    }
    ~ScratchMemory() {
        MemoryContextSwitchTo(caller_);
        MemoryContextDelete(scratch_);
    }
    ScratchMemory(const ScratchMemory&) = delete;
    ScratchMemory& operator=(const ScratchMemory&) = delete;

private:
    MemoryContext caller_;
    MemoryContext scratch_ = nullptr;
};

// For a worker of ours that runs many statements of some megabytes each. By default the C library gives such memory back
// to the system after each of them, and the next one pays for a page fault every 4 kB.
inline void keep_freed_memory() {
#ifdef __GLIBC__
    constexpr int kKeptBytes = 64 << 20;
    constexpr int kMappedFromBytes = 32 << 20;  // the most that glibc takes
    mallopt(M_TRIM_THRESHOLD, kKeptBytes);
    mallopt(M_MMAP_THRESHOLD, kMappedFromBytes);
#endif
}

// Gives up what this process has cached of the catalogs, as when it had missed their changes. In a transaction. A worker that
// makes thousands of tables would keep all of them.
inline void forget_catalogs() {
    call([] { InvalidateSystemCaches(); });
}

}  // namespace steward::pg
