// SPDX-License-Identifier: PostgreSQL
//
// What is needed to look at the pages of tables and B-trees, apart from pg/postgres.hpp because only few do. Include it last,
// instead of that.
#pragma once

#include "pg/postgres.hpp"

extern "C" {
#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
}

namespace steward::pg {

// Free bytes of a page as contrib/pgstattuple counts them: before PostgreSQL 18 it took off the room of a line pointer.
inline Size free_heap_bytes(Page page) {
#if PG_VERSION_NUM >= 180000
    return PageGetExactFreeSpace(page);
#else
    return PageGetHeapFreeSpace(page);
#endif
}

inline Size free_index_bytes(Page page) {
#if PG_VERSION_NUM >= 180000
    return PageGetExactFreeSpace(page);
#else
    return PageGetFreeSpace(page);
#endif
}

}  // namespace steward::pg
