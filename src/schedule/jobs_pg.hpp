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
    std::optional<TimestampTz> run_at;
    std::optional<std::string> command;
    std::optional<std::string> timezone;
    std::optional<Oid> role;
    std::optional<std::string> options;  // JSON
};

void apply_wish(Job& job, const Wish& wish);
bool is_rescheduled(const Job& before, const Job& after);

// Makes the job, or replaces what an existing one is but for its id, its history and its being paused.
std::int64_t define_job(const std::string& name, Wish wish);
void rename_job(Job& job, const std::string& name);
void unschedule_job(const Job& job);

}  // namespace steward::schedule
