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
#include "schedule/record_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

struct LoadRequest {
    bool is_first = false;  // runs that were marked and are not under way have been interrupted
    std::vector<RunId> under_way;
    std::vector<RunRecord> lost;  // whose worker could not record them

    std::string encode() const;
    static LoadRequest decode(const std::string& message);
};

struct LoadEnd {
    RunNumbers used;
    std::vector<RunId> recorded;
    std::string refusal;  // of a run that could not be recorded

    std::string encode() const;
    static LoadEnd decode(const std::vector<std::string>& fields);
};

// The statement whose rows are definitions.
extern const char kSelectDefinitions[];
std::string encode_definition(const pg::Row& row);
// What cannot be read makes the job broken, never the message.
Definition decode_definition(Oid database, const std::vector<std::string>& fields);

inline constexpr char kJobMessage[] = "job";
inline constexpr char kEndMessage[] = "end";
inline constexpr char kNothingMessage[] = "nothing";

}  // namespace steward::schedule
