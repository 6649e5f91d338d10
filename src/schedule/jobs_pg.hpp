// SPDX-License-Identifier: PostgreSQL
//
// What somebody wants of a job, and how it becomes one: for all who schedule, by hand, from a document or from pg_cron.
// They hold lock_jobs(), and call check_edges() when all is stored.
#pragma once

#include <optional>
#include <string>

#include "schedule/store_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

// What is not there stays as it is, or, in a new definition, becomes the default.
struct Wish {
    std::optional<std::string> schedule;
    std::optional<std::string> run_at;  // as the server writes instants in UTC
    std::optional<std::string> command;
    std::optional<std::string> timezone;
    std::optional<Oid> role;
    std::optional<std::string> options;  // JSON
};

void apply_wish(Job& job, const Wish& wish);
bool is_rescheduled(const Job& before, const Job& after);

// A new job, or an existing one with everything replaced but its id, its history and its being paused.
Job defined_job(const std::string& name, const std::optional<Job>& before, Wish wish);
// Makes it so.
std::int64_t define_job(const std::string& name, Wish wish);
void rename_job(Job& job, const std::string& name);
// Throws 2BP01 when there are jobs that come after it.
void check_followers(const std::string& job, const std::vector<std::string>& followers);

}  // namespace steward::schedule
