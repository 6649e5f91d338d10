// SPDX-License-Identifier: PostgreSQL
//
// What the view steward.wraparound_blockers cannot learn by SQL.
#include "pg/guard.hpp"
#include "pg/postgres.hpp"

namespace steward::maintain {

namespace {

// 0: nobody. A process that ends meanwhile may still be named, as by any view of processes.
int process_of_temporary_schema(Oid schema) {
    for (std::uint32_t at = 0; at < ProcGlobal->allProcCount; ++at) {
        const PGPROC& process = ProcGlobal->allProcs[at];
        if (process.pid != 0 && process.databaseId == MyDatabaseId && process.tempNamespaceId == schema)
            return process.pid;
    }
    return 0;
}

}  // namespace

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_process_of_temporary_schema) {
    return steward::pg::entry([&]() -> Datum {
        const int pid = steward::maintain::process_of_temporary_schema(PG_GETARG_OID(0));
        if (pid == 0) PG_RETURN_NULL();
        return Int32GetDatum(pid);
    });
}
