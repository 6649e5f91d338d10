// SPDX-License-Identifier: PostgreSQL
//
// What a server says of itself when it is asked, in fixed width for shared memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "route/units.hpp"

namespace steward::route {

inline constexpr std::size_t kShortBytes = 64;

inline constexpr std::size_t kQueryBytes = 256;

// What replay of a standby waits for.
struct Blocker {
    char reason[kShortBytes] = {};  // empty: it waits for nobody
    std::int32_t pid = 0;           // 0: nobody knows
    std::int64_t age = 0;           // of its transaction, in microseconds
    char query[kQueryBytes] = {};
};

struct Facts {
    std::uint64_t instance = 0;  // of this life of the server, 0: unknown
    std::int64_t system_identifier = 0;
    bool is_standby = false;
    bool is_replay_paused = false;
    std::uint32_t timeline = 0;
    Lsn flushed;   // written here by a primary, received by a standby
    Lsn replayed;  // of a standby
    char receiver_state[kShortBytes] = {};
    char upstream_host[kShortBytes] = {};
    std::int32_t upstream_port = 0;
    char slot_name[kShortBytes] = {};
    std::int64_t conflicts = 0;
    std::int32_t connections = 0;  // of clients
    std::int32_t max_connections = 0;
    Blocker blocker;
};

// Whom a server saw as the primary, at a moment of ours.
struct View {
    bool is_known = false;       // it has a prober, which would know
    std::uint64_t instance = 0;  // 0: nobody
    std::uint32_t timeline = 0;
    std::uint32_t newest_timeline = 0;  // that it has seen any server on
    Steady at;
};

struct Answer {
    Facts facts;
    View view;  // without the moment
    std::int64_t view_age = 0;
    // For each position that was asked for: how old the oldest WAL behind it is, in microseconds; nothing when that is unknown.
    std::vector<std::optional<std::int64_t>> ages;
};

// Its columns are those of steward.node_facts(), in this order.
inline constexpr char kAskFacts[] =
    "SELECT instance, system_identifier, is_standby, is_replay_paused, timeline, flush_lsn, replay_lsn, "
    "receiver_state, "
    "upstream_host, upstream_port, slot_name, conflicts, ages, seen_instance, seen_timeline, seen_age, "
    "newest_timeline, connections, max_connections, blocking_reason, blocking_pid, blocking_age, blocking_query "
    "FROM steward.node_facts($1::pg_catalog.pg_lsn[])";
inline constexpr std::size_t kFactColumns = 23;

base::Result<Answer> read_answer(const std::vector<std::optional<std::string>>& columns);

std::optional<Lsn> parse_lsn(std::string_view text);
std::string format_lsn(Lsn lsn);  // 16/B374D848

// Cut to fit, always terminated.
template <std::size_t bytes>
void copy_short(char (&target)[bytes], std::string_view text) noexcept {
    text = text.substr(0, bytes - 1);
    text.copy(target, text.size());
    target[text.size()] = '\0';
}

}  // namespace steward::route
