// SPDX-License-Identifier: PostgreSQL
//
// What a loader tells the launcher of its database, one message each:
//   job      one definition with its progress, as columns of text
//   end      the highest run number in use, and the runs it has recorded; nothing comes after
//   nothing  there is no extension here
#pragma once

#include <string>
#include <vector>

#include "pg/spi.hpp"
#include "schedule/job.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

// A run whose worker could not record it.
struct LostRun {
    RunId run = 0;
    std::int64_t job = 0;
    Oid role = InvalidOid;
    Kind kind = Kind::scheduled;
    int attempt = 1;
    TimestampTz due = 0;
    TimestampTz started_at = 0;
    TimestampTz ended_at = 0;
    Outcome outcome = Outcome::terminated;
    int pid = 0;
    std::string sqlstate;
    std::string message;
};

struct LoadRequest {
    bool is_first = false;  // runs that were marked and are not under way have been interrupted
    std::vector<RunId> under_way;
    std::vector<LostRun> lost;

    std::string encode() const;
    static LoadRequest decode(const std::string& message);
};

struct LoadEnd {
    RunId last_run = 0;
    std::vector<RunId> recorded;

    std::string encode() const;
    static LoadEnd decode(const std::vector<std::string>& fields);
};

// The statement whose rows are definitions; $1: the system identifier, $2: why all of them are paused, or NULL.
extern const char kSelectDefinitions[];
std::string encode_definition(const pg::Row& row);
// What cannot be read makes the job broken, never the message.
Definition decode_definition(Oid database, const std::vector<std::string>& fields);

inline constexpr char kJobMessage[] = "job";
inline constexpr char kEndMessage[] = "end";
inline constexpr char kNothingMessage[] = "nothing";

}  // namespace steward::schedule
