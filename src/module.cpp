// SPDX-License-Identifier: PostgreSQL
//
// The library's table of contents: module magic, the rooms, and the version it was built as.
#include "partition/partition_pg.hpp"
#include "pg/guard.hpp"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init();
}

void _PG_init() { steward::partition::init(); }

STEWARD_FUNCTION(steward_version) {
    return steward::pg::entry([] { return CStringGetTextDatum(STEWARD_VERSION); });
}
