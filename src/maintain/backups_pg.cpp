// SPDX-License-Identifier: PostgreSQL
//
// steward.allow_backup(), steward.enable_backups(), and whether the programs of the list are there.
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.hpp"
#include "base/text.hpp"
#include "maintain/backup.hpp"
#include "maintain/programs_pg.hpp"
#include "pg/databases.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/srf.hpp"

namespace steward::maintain {

namespace {

[[noreturn]] void refuse(const std::string& message, const char* hint) {
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{}", message).hint("{}", hint);
}

void check_directory(const AllowedProgram& program) {
    const bool uses = uses_location(program.argv) || (program.verify && uses_location(*program.verify));
    if (!program.directory) {
        if (uses)
            refuse("{location} stands for a directory, and none is given", "Name the directory that backups go into.");
        if (program.keep)
            refuse("keep is of backups in a directory, and none is given", "Name the directory that backups go into.");
        return;
    }
    if (!uses_location(program.argv))
        refuse(fmt::format("no argument of program \"{}\" says {{location}}", program.name),
               "{location} stands for the new directory that the backup has to go into.");
    if (!is_fit_for_file(program.name))
        refuse(fmt::format("name \"{}\" is not fit for a directory", program.name),
               "Letters, digits, and . _ - behind the first one, at most 100.");
    const std::string& path = *program.directory;
    struct stat state {};
    if (path.empty() || path[0] != '/')
        refuse(fmt::format("directory \"{}\" is not an absolute path", path), "It is one of the server's machine.");
    if (stat(path.c_str(), &state) != 0 || !S_ISDIR(state.st_mode))
        throw pg::PgError(ERRCODE_UNDEFINED_FILE, "directory \"{}\" does not exist on the server's machine", path);
    if (access(path.c_str(), W_OK | X_OK) != 0)
        throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "the server cannot write into directory \"{}\"", path);
    if (path == DataDir || path.compare(0, std::string_view(DataDir).size() + 1, std::string(DataDir) + "/") == 0)
        refuse(fmt::format("directory \"{}\" is inside the data directory", path),
               "A backup in there would be part of the next one.");
    if (program.keep && *program.keep < 1) refuse("keep must be at least 1", "NULL keeps all.");
    if (program.keep && !program.verify)
        refuse("keep needs a program that verifies",
               "Nothing old is removed before a new backup is known to be whole.");
}

std::optional<std::int64_t> keep_argument(FunctionCallInfo fcinfo, int index) {
    const std::optional<std::int32_t> keep = pg::optional_int_argument(fcinfo, index);
    return keep ? std::optional<std::int64_t>(*keep) : std::nullopt;
}

Datum allow_backup(FunctionCallInfo fcinfo) {
    check_superuser("allow programs");
    AllowedProgram program;
    program.name = name_argument(fcinfo, 0);
    const std::optional<Argv> argv = argv_argument(fcinfo, 1, program.name);
    if (!argv) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "argv must not be null");
    program.argv = *argv;
    program.is_backup = true;
    program.verify = argv_argument(fcinfo, 2, program.name);
    program.directory = pg::optional_text_argument(fcinfo, 3);
    program.keep = keep_argument(fcinfo, 4);
    program.inventory = argv_argument(fcinfo, 5, program.name);
    program.verify_says = pg::optional_text_argument(fcinfo, 8);
    check_directory(program);
    list_program(program, timeout_argument(fcinfo, 6), role_argument(fcinfo, 7));
    return 0;
}

// ---- The ready ones --------------------------------------------------------------------------------------------------

// Beside the server's own program: of its version.
std::string own_program(const char* name) {
    const std::string server = my_exec_path;
    return server.substr(0, server.rfind('/') + 1) + name;
}

std::string program_in_path(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
    while (!rest.empty()) {
        std::string file = std::string(rest.substr(0, rest.find(':'))) + "/" + name;
        if (file[0] == '/' && access(file.c_str(), X_OK) == 0) return file;
        rest = rest.find(':') == std::string_view::npos ? std::string_view() : rest.substr(rest.find(':') + 1);
    }
    throw pg::PgError(ERRCODE_UNDEFINED_FILE, "program \"{}\" is not installed where the server looks for it", name)
        .hint("Install it on the server's machine, or name its path in steward.allow_backup().");
}

// How a program reaches this server: by its first socket, as the caller.
Argv connection() {
    pg::SafePath path;
    const auto rows = pg::query("SELECT coalesce(nullif(btrim(split_part(current_setting('unix_socket_directories'), "
                                "',', 1), ' \"'), ''), 'localhost'), "
                                "current_setting('port'), current_user");
    return {"--host=" + rows.at(0).text(0), "--port=" + rows.at(0).text(1), "--username=" + rows.at(0).text(2),
            "--no-password"};
}

void append(Argv& argv, const Argv& more) { argv.insert(argv.end(), more.begin(), more.end()); }

void fill_in(AllowedProgram& program, const std::string& method, const std::optional<std::string>& stanza,
             const Argv& arguments) {
    if (method == "pg_basebackup") {
        program.argv = {own_program("pg_basebackup"), "--pgdata={location}", "--checkpoint=fast"};
        append(program.argv, connection());
        append(program.argv, arguments);
        program.verify = Argv{own_program("pg_verifybackup"), "{location}"};
    } else if (method == "pg_dump") {
        program.argv = {own_program("pg_dump"), "--format=custom", "--file={location}/database.dump"};
        append(program.argv, connection());
        append(program.argv, arguments);
        program.argv.push_back("--dbname=" + pg::current_database());
        // Its list of contents stands at its beginning: only reading all of it finds a torn end.
        program.verify = Argv{own_program("pg_restore"), "--file=/dev/null", "{location}/database.dump"};
    } else if (method == "pgbackrest") {
        if (!stanza) refuse("pgbackrest needs a stanza", "It is the name in brackets in pgbackrest.conf.");
        const std::string path = program_in_path("pgbackrest");
        const std::string option = "--stanza=" + *stanza;
        program.argv = {path, option, "--log-level-console=info"};
        append(program.argv, arguments);
        program.argv.push_back("backup");
        // Its exit code is 0 whatever it finds.
        program.verify = Argv{path, option, "--output=text", "--verbose", "verify"};
        program.verify_says = "status: ok";
        program.inventory = Argv{path, option, "--output=json", "--log-level-console=off", "info"};
    } else {
        refuse(fmt::format("unknown method \"{}\"", method),
               "Methods are pg_basebackup, pg_dump and pgbackrest; for others there is steward.allow_backup().");
    }
}

void schedule(const std::string& name, const std::string& when, const std::optional<std::string>& timezone) {
    const std::string command = fmt::format("CALL steward.run_program({})", base::quote_literal(name));
    pg::query("SELECT steward.schedule($1, $2, $3, $4)", {name, when, command, timezone});
}

Datum enable_backups(FunctionCallInfo fcinfo) {
    check_superuser("allow programs");
    if (PG_ARGISNULL(0)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "method must not be null");
    const std::string method = pg::text_argument(fcinfo, 0);
    const std::optional<std::string> when = pg::optional_text_argument(fcinfo, 1);
    AllowedProgram program;
    program.name = pg::optional_text_argument(fcinfo, 7).value_or(method);
    program.is_backup = true;
    program.directory = pg::optional_text_argument(fcinfo, 2);
    const bool is_in_directory = method != "pgbackrest";
    if (is_in_directory && !program.directory)
        refuse(fmt::format("{} needs a directory", method),
               "Name an existing one on the server's machine that backups go into.");
    if (is_in_directory)
        program.keep = keep_argument(fcinfo, 3);
    else if (program.directory)
        refuse("pgbackrest takes no directory", "Its repository is set in pgbackrest.conf.");
    Argv arguments;
    if (!PG_ARGISNULL(5)) {
        const char* literal = pg::call([&] { return OidOutputFunctionCall(F_ARRAY_OUT, PG_GETARG_DATUM(5)); });
        arguments = base::array_items(literal);
    }
    fill_in(program, method, pg::optional_text_argument(fcinfo, 4), arguments);
    check_directory(program);
    list_program(program, timeout_argument(fcinfo, 8), pg::Parameter::null());
    if (when) schedule(program.name, *when, pg::optional_text_argument(fcinfo, 6));
    return pg::text_datum(program.name);
}

// ---- Whether they are there ------------------------------------------------------------------------------------------

Datum missing_programs(FunctionCallInfo fcinfo) {
    pg::ResultSet rows(fcinfo);
    pg::AsExtensionOwner as_extension;
    for (const pg::Row& row :
         pg::query("SELECT p.name, a.path FROM steward.programs p, LATERAL (VALUES (p.argv[1]), (p.verify[1]), "
                   "(p.inventory[1])) a(path) WHERE a.path IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"))
        if (access(row.text(1).c_str(), X_OK) != 0) rows.add({row.text(0), row.text(1)});
    return rows.done();
}

}  // namespace

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_allow_backup) {
    return steward::pg::entry([&] { return steward::maintain::allow_backup(fcinfo); });
}

STEWARD_FUNCTION(steward_enable_backups) {
    return steward::pg::entry([&] { return steward::maintain::enable_backups(fcinfo); });
}

STEWARD_FUNCTION(steward_missing_programs) {
    return steward::pg::entry([&] { return steward::maintain::missing_programs(fcinfo); });
}
