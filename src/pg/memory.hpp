// SPDX-License-Identifier: PostgreSQL
//
// Server memory for the length of a block, so that work over thousands of tables stays flat.
#pragma once

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

}  // namespace steward::pg
