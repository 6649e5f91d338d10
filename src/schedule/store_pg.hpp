// SPDX-License-Identifier: PostgreSQL
//
// steward.job_definitions: jobs in and out, for the functions that change them. The launcher reads them by itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schedule/options_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

struct Job {
    std::int64_t id = 0;  // 0: not stored yet
    std::string name;
    pg::Cell schedule;
    pg::Cell run_at;  // as the server writes instants in UTC
    std::string command;
    std::string timezone;
    Oid role = InvalidOid;  // InvalidOid: gone; of a restored job: the role that has its name here
    std::string role_name;
    Policies policies;
    bool is_paused = false;
    pg::Cell paused_reason;
    pg::Cell paused_until;
    bool is_here = true;  // scheduled in this database, not restored into it
};

// Until the end of the transaction nobody else changes jobs; every function that does begins with it.
void lock_jobs();

std::optional<Job> find_job(const std::string& name);
std::vector<Job> all_jobs();  // by name

// find_job() for a caller who means to change or run it: throws 42704 when there is none, 42501 when it is not theirs.
Job managed_job(const std::string& name);
bool may_manage(const Job& job);
void check_may_manage(const Job& job);

// Stores a new job (id 0) or what has changed of an old one; gives its id. When `is_rescheduled`, its anchor is now, and
// nothing that was due before is made up for.
std::int64_t store_job(const Job& job, bool is_rescheduled);
void drop_job(const Job& job);

// That the jobs exist which these come after, and that no job comes after itself. Looked at when all is stored.
void check_edges(const std::vector<std::string>& jobs);
// The same of jobs as they would be, those that were not changed left alone.
void check_edges_among(const std::map<std::string, Job>& jobs, const std::set<std::string>& changed);
// The jobs whose edges name this one.
std::vector<std::string> followers(const std::string& name);
std::vector<std::string> followers_among(const std::map<std::string, Job>& jobs, const std::string& name);
void rename_in_edges(const std::string& from, const std::string& to);

// How many jobs of a group may run at once; none: as many as like. Throws 22023.
void check_group_limit(const std::string& group, std::optional<std::int64_t> limit);
void set_group_limit(const std::string& group, std::optional<int> limit);

// Throws 53400 when so many more jobs are too many.
void check_room(std::int64_t more);

// Said in the session of who schedules, when the jobs would not run.
void warn_when_idle(const std::vector<std::string>& names);

}  // namespace steward::schedule
