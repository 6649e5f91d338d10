// SPDX-License-Identifier: PostgreSQL
//
// Jobs as a document: {"groups": {"etl": 2}, "jobs": [{"name": "nightly", "schedule": "30 2 * * *", ...}]}. What a job is,
// without what it has done, the ids it has here, and whether it is paused. Policies that are as by default are left out;
// a command of several lines is an array of them, so that documents compare line by line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schedule/jobs_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

struct Document {
    struct Entry {
        std::string name;
        Wish wish;
    };
    std::vector<Entry> jobs;
    std::map<std::string, std::optional<std::int64_t>> groups;  // none: not limited
    bool has_groups = false;
};

// Throws 22023 for what is no such document, with unknown keys and twofold names named; 42704 for an unknown role. Without a
// zone, a job takes the database's.
Document read_document(const std::string& json);

// The object of one job.
std::string job_entry(const Job& job);

// A policy as its value in JSON; null where it is NULL.
std::string policy_json(const Option& option, const pg::Cell& value);

}  // namespace steward::schedule
