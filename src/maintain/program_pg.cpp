// SPDX-License-Identifier: PostgreSQL
//
// CALL steward.run_program()
#include "base/text.hpp"
#include "maintain/backup_run_pg.hpp"
#include "maintain/program_run_pg.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"
#include "pg/top_level.hpp"

namespace steward::maintain {

namespace {

void check_may_commit(FunctionCallInfo fcinfo) {
    if (pg::may_commit(fcinfo)) return;
    throw pg::PgError(ERRCODE_ACTIVE_SQL_TRANSACTION, "steward.run_program() cannot run inside a transaction block")
        .hint("CALL it at top level, so that it holds no transaction open while the program runs.");
}

Datum run_program(FunctionCallInfo fcinfo) {
    check_may_commit(fcinfo);
    if (PG_ARGISNULL(0)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "name must not be null");
    const AllowedProgram program = program_to_run(pg::text_argument(fcinfo, 0));
    const ProgramLock lock(program.name);
    if (program.is_backup)
        make_backup(program);
    else
        run_and_record(program, fmt::format("program \"{}\"", program.name));
    return 0;
}

}  // namespace

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_run_program) {
    return steward::pg::entry([&] { return steward::maintain::run_program(fcinfo); });
}
