// SPDX-License-Identifier: PostgreSQL
//
// One run of a program, waited for and recorded. Only in a procedure that was called outside a transaction block: it commits
// before and after, so that nothing is held meanwhile and that a crash is seen afterwards.
#pragma once

#include <cstddef>
#include <string>

#include "maintain/programs_pg.hpp"
#include "maintain/supervisor.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

// Nobody else runs the program meanwhile, in this database.
class ProgramLock {
public:
    explicit ProgramLock(const std::string& name);
    ~ProgramLock();
    ProgramLock(const ProgramLock&) = delete;
    ProgramLock& operator=(const ProgramLock&) = delete;

private:
    LOCKTAG tag_{};
};

inline constexpr std::size_t kKeptBytes = 8192;
// Of what it wrote last, in an error.
inline constexpr std::size_t kShownBytes = 1500;

// Throws when it does not succeed, after that has been recorded; nothing is left of it then. Under its lock. Messages call
// it `what`.
Ending run_and_record(const AllowedProgram& program, const std::string& what, std::size_t kept_bytes = kKeptBytes);

// What has been written of a run. Dead replicas keep nobody from backups.
void commit_record();

}  // namespace steward::maintain
