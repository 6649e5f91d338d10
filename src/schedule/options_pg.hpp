// SPDX-License-Identifier: PostgreSQL
//
// The policies of a job as users write them: {"retries": 3, "after": ["load"]}. One table of options serves checking,
// storing, showing and exporting: each has a key, a column of steward.job_definitions and the rule for its values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pg/srf.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

inline constexpr std::int64_t kMinTimeoutMicros = 1'000;
// 24 days: what the server's own timeouts can hold.
inline constexpr std::int64_t kMaxTimeoutMicros = 24LL * 24 * 3600 * 1'000'000;
inline constexpr std::int64_t kMaxRetryDelayMicros = 7LL * 24 * 3600 * 1'000'000;
// A hundred years of 365 days: for what has no natural limit.
inline constexpr std::int64_t kMaxKeepMicros = 36'500LL * 24 * 3600 * 1'000'000;
inline constexpr int kMaxKeepRuns = 1'000'000;
inline constexpr std::size_t kMaxEdges = 100;
inline constexpr std::size_t kMaxRetryStates = 100;

// A value out of the JSON object: scalars as text, arrays as their elements' texts.
struct OptionValue {
    std::string type;  // of JSON: string, number, boolean, array, object, null
    std::string text;
    std::vector<std::string> items;  // of an array; a single text is an array of one
    bool is_plain = true;            // all items are texts
};

struct Option {
    const char* key;
    const char* column;
    const char* type;      // of the column
    const char* fallback;  // its default as the server writes it; nullptr: NULL
    pg::Cell (*read)(const Option& option, const OptionValue& value, const std::string& zone);
    std::int64_t min = 0;
    std::int64_t max = 0;
    const char* words = nullptr;  // separated by ", "
};

const std::vector<Option>& options();

// The values of all options, in their order, as the server writes those of the columns; nothing for NULL.
using Policies = std::vector<pg::Cell>;
Policies default_policies();
const pg::Cell& policy_of(const Policies& policies, const char* key);

// Sets what the JSON object names; null sets a key back to its default. Instants without an offset are of `zone`. Unknown
// keys, wrong values and options that contradict each other throw 22023.
void apply_options(Policies& policies, const std::string& json, const std::string& zone);

// An object's values by key. `what` and an example of it are for the error when it is none (22023).
std::map<std::string, OptionValue> read_object(const std::string& json, const std::string& what, const char* example);

// An instant as the server writes it in UTC; of `zone` where it has no offset. Nothing when it is none, or infinite.
pg::Cell read_instant_text(const std::string& text, const std::string& zone);

}  // namespace steward::schedule
