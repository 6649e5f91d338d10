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
    "newest_timeline, connections, max_connections FROM steward.node_facts($1::pg_catalog.pg_lsn[])";
inline constexpr std::size_t kFactColumns = 19;

base::Result<Answer> read_answer(const std::vector<std::optional<std::string>>& columns);

std::optional<Lsn> parse_lsn(std::string_view text);
std::string format_lsn(Lsn lsn);  // 16/B374D848

// Cut to fit, always terminated.
void copy_short(char (&target)[kShortBytes], std::string_view text) noexcept;

}  // namespace steward::route
