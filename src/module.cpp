// SPDX-License-Identifier: PostgreSQL
//
// The library's table of contents: module magic, _PG_init, and the version it was built as.

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
PGDLLEXPORT Datum steward_version(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(steward_version);
}

void _PG_init() {}

Datum steward_version(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    return PointerGetDatum(cstring_to_text(STEWARD_VERSION));
}
