// SPDX-License-Identifier: PostgreSQL
#include "maintain/program_end.hpp"

#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace steward::maintain {

namespace {

constexpr char kExternalRoutine[] = "38000";
constexpr char kUndefinedFile[] = "58P01";
constexpr char kInsufficientPrivilege[] = "42501";

base::Failure not_started(const std::string& what, const std::string& path, int error) {
    const char* sqlstate = error == ENOENT || error == ENOTDIR ? kUndefinedFile
                           : error == EACCES || error == EPERM ? kInsufficientPrivilege
                                                               : kExternalRoutine;
    const char* hint = error == ENOENT
                           ? "Install it on the server's machine, or name the right path in steward.allow_program()."
                       : error == EACCES ? "The operating system's user of the server must be allowed to execute it."
                                         : "";
    return {sqlstate, fmt::format("{} could not be started: {}", what, std::strerror(error)),
            fmt::format("Its path is \"{}\".", path), hint};
}

}  // namespace

bool has_succeeded(const Ending& ending) {
    return ending.is_known && ending.exec_errno == 0 && ending.signal == 0 && ending.exit_code == 0;
}

base::Failure failure_of(const std::string& what, const std::string& path, const Ending& ending) {
    if (!ending.is_known)
        return {kExternalRoutine, fmt::format("{} was killed with the process that watched it", what), "", ""};
    if (ending.exec_errno != 0) return not_started(what, path, ending.exec_errno);
    if (ending.signal != 0)
        return {kExternalRoutine,
                fmt::format("{} was ended by signal {}: {}", what, ending.signal, strsignal(ending.signal)), "", ""};
    return {kExternalRoutine, fmt::format("{} failed with exit code {}", what, ending.exit_code), "", ""};
}

base::Failure took_too_long(const std::string& what, const std::string& timeout) {
    return {kExternalRoutine, fmt::format("{} was ended because it took longer than {}", what, timeout), "",
            "Its timeout is set by steward.allow_program()."};
}

}  // namespace steward::maintain
