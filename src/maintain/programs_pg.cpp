// SPDX-License-Identifier: PostgreSQL
//
// steward.allow_program(), steward.forbid_program(), and the guard of their table. Whoever writes the list runs what they
// like as the server's user, so nobody but superusers may, whatever the table's privileges and its owner are.
#include "maintain/programs_pg.hpp"

#include <sys/stat.h>

#include "base/array.hpp"
#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"

namespace steward::maintain {

namespace {

constexpr std::int64_t kMaxTimeoutMs = 24LL * 24 * 3600 * 1000;

void check_path(const std::string& name, const std::string& path) {
    if (path[0] != '/')
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "path \"{}\" of program \"{}\" is not absolute", path, name)
            .hint("No search path and no shell is asked for it.");
    struct stat state {};
    if (stat(path.c_str(), &state) != 0)
        throw pg::PgError(ERRCODE_UNDEFINED_FILE, "program \"{}\" does not exist on the server's machine", path);
    if (!S_ISREG(state.st_mode)) throw pg::PgError(ERRCODE_WRONG_OBJECT_TYPE, "\"{}\" is not a program", path);
}

pg::Parameter list_of(const std::optional<Argv>& argv) {
    return argv ? pg::Parameter(base::array_literal(*argv)) : pg::Parameter::null();
}

std::optional<Argv> optional_list(const pg::Row& row, std::size_t column) {
    if (row.is_null(column)) return std::nullopt;
    return base::array_items(row.text(column));
}

Datum allow_program(FunctionCallInfo fcinfo) {
    check_superuser("allow programs");
    AllowedProgram program;
    program.name = name_argument(fcinfo, 0);
    const std::optional<Argv> argv = argv_argument(fcinfo, 1, program.name);
    if (!argv) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "argv must not be null");
    program.argv = *argv;
    list_program(program, timeout_argument(fcinfo, 2), role_argument(fcinfo, 3));
    return 0;
}

[[noreturn]] void throw_not_listed(const std::string& name) {
    throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "program \"{}\" is not on the list", name)
        .hint("A superuser puts it there by steward.allow_program(); a dump does not bring the list along.");
}

Datum forbid_program(FunctionCallInfo fcinfo) {
    check_superuser("forbid programs");
    const std::string name = name_argument(fcinfo, 0);
    pg::SafePath path;
    if (pg::execute("DELETE FROM steward.programs WHERE name = $1", {name}) == 0) throw_not_listed(name);
    return 0;
}

// A BEFORE trigger of statements returns nothing.
Datum guard_programs(FunctionCallInfo fcinfo) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        throw pg::PgError(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "steward.guard_programs() is a trigger");
    check_superuser("write the list of programs");
    return 0;
}

// An owner could turn the guard off.
void check_list() {
    const auto rows = pg::query("SELECT r.rolname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
                                "WHERE c.oid = 'steward.programs'::regclass AND NOT r.rolsuper");
    if (rows.empty()) return;
    throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "the list of programs is not kept by a superuser")
        .detail("The owner of table steward.programs is \"{}\".", rows[0].text(0))
        .hint("ALTER TABLE steward.programs OWNER TO a superuser, and look at what is in it.");
}

}  // namespace

void check_superuser(const char* what) {
    if (pg::call([] { return superuser(); })) return;
    throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied to {}", what)
        .hint("Programs run as the operating system's user of the server: only superusers may say which.");
}

std::string name_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "name must not be null");
    std::string name = pg::text_argument(fcinfo, index);
    if (name.empty()) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "name must not be empty");
    return name;
}

std::optional<Argv> argv_argument(FunctionCallInfo fcinfo, int index, const std::string& program) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    ArrayType* array = pg::call([&] { return PG_GETARG_ARRAYTYPE_P(index); });
    const bool is_list = ARR_NDIM(array) == 1 && !array_contains_nulls(array);
    const char* literal = pg::call([&] { return OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(array)); });
    Argv argv = is_list ? base::array_items(literal) : Argv();
    if (argv.empty())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "argv of program \"{}\" must be a list of texts", program)
            .hint("The first is the absolute path of the program, the others its arguments, as in "
                  "ARRAY['/usr/bin/pg_dump', '-Fc'].");
    return argv;
}

pg::Parameter timeout_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return pg::Parameter::null();
    const Datum given = PG_GETARG_DATUM(index);
    const double seconds = pg::call(
        [&] { return DatumGetFloat8(DirectFunctionCall2(interval_part, CStringGetTextDatum("epoch"), given)); });
    if (seconds < 0.001 || seconds * 1000 > static_cast<double>(kMaxTimeoutMs))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "timeout must be from 1 ms to 24 days")
            .hint("NULL stands for no timeout.");
    return pg::Parameter::of(INTERVALOID, given);
}

pg::Parameter role_argument(FunctionCallInfo fcinfo, int index) {
    return PG_ARGISNULL(index) ? pg::Parameter::null() : pg::Parameter::of(REGROLEOID, PG_GETARG_DATUM(index));
}

void list_program(const AllowedProgram& program, const pg::Parameter& timeout, const pg::Parameter& run_by) {
    for (const std::optional<Argv>& argv : {std::optional<Argv>(program.argv), program.verify, program.inventory})
        if (argv) check_path(program.name, argv->at(0));
    pg::SafePath path;
    pg::execute("INSERT INTO steward.programs AS p (name, argv, timeout, run_by, is_backup, verify, inventory, "
                "directory, keep, verify_says) "
                "VALUES ($1, $2::text[], $3::interval, $4::regrole, $5, $6::text[], $7::text[], $8, $9::integer, $10) "
                "ON CONFLICT (name) DO UPDATE SET argv = EXCLUDED.argv, timeout = EXCLUDED.timeout, "
                "run_by = EXCLUDED.run_by, is_backup = EXCLUDED.is_backup, verify = EXCLUDED.verify, "
                "inventory = EXCLUDED.inventory, directory = EXCLUDED.directory, keep = EXCLUDED.keep, "
                "verify_says = EXCLUDED.verify_says, "
                "allowed_by = EXCLUDED.allowed_by, allowed_at = EXCLUDED.allowed_at",
                {program.name, base::array_literal(program.argv), timeout, run_by, program.is_backup,
                 list_of(program.verify), list_of(program.inventory), program.directory, program.keep,
                 program.verify_says});
}

AllowedProgram program_to_run(const std::string& name) {
    const Oid user = GetUserId();
    const bool is_superuser = pg::call([] { return superuser(); });
    pg::AsExtensionOwner as_extension;
    check_list();
    const auto rows = pg::query("SELECT argv, (extract(epoch FROM timeout) * 1000)::bigint, run_by::oid, is_backup, "
                                "verify, inventory, directory, keep, verify_says FROM steward.programs WHERE name = $1",
                                {name});
    if (rows.empty()) throw_not_listed(name);
    const Oid run_by = rows[0].oid(2);
    if (!is_superuser && (run_by == InvalidOid || !pg::call([&] { return has_privs_of_role(user, run_by); })))
        throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied to run program \"{}\"", name)
            .hint("Superusers may, and members of the role that steward.allow_program() names as run_by.");
    AllowedProgram program;
    program.name = name;
    program.argv = base::array_items(rows[0].text(0));
    if (!rows[0].is_null(1)) program.timeout_ms = rows[0].number(1);
    program.is_backup = rows[0].truth(3);
    program.verify = optional_list(rows[0], 4);
    program.inventory = optional_list(rows[0], 5);
    program.directory = rows[0].optional(6);
    program.verify_says = rows[0].optional(8);
    if (!rows[0].is_null(7)) program.keep = rows[0].number(7);
    return program;
}

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_allow_program) {
    return steward::pg::entry([&] { return steward::maintain::allow_program(fcinfo); });
}

STEWARD_FUNCTION(steward_forbid_program) {
    return steward::pg::entry([&] { return steward::maintain::forbid_program(fcinfo); });
}

STEWARD_FUNCTION(steward_guard_programs) {
    return steward::pg::entry([&] { return steward::maintain::guard_programs(fcinfo); });
}
