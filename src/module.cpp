// SPDX-License-Identifier: PostgreSQL
//
// The library's table of contents: module magic, the rooms, and the version it was built as.
#include "capture/capture_pg.hpp"
#include "maintain/maintain_pg.hpp"
#include "partition/partition_pg.hpp"
#include "pg/guard.hpp"
#include "route/route_pg.hpp"
#include "schedule/schedule_pg.hpp"
#include "tune/connections_pg.hpp"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init();
}

void _PG_init() {
    steward::partition::init();
    steward::schedule::init();
    steward::maintain::init();
    steward::capture::init();
    steward::route::init();
    steward::tune::init();
    steward::pg::reserve_guc_prefix("steward");
}

STEWARD_FUNCTION(steward_version) {
    return steward::pg::entry([] { return CStringGetTextDatum(STEWARD_VERSION); });
}
