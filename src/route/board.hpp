// SPDX-License-Identifier: PostgreSQL
//
// What the prober knows of the nodes, for all sessions to read without a lock. There are two pages: the prober writes the one
// that nobody is sent to, then sends them there. A reader that was overtaken reads again; one that stops anywhere holds up
// nobody, and neither does a prober that does.
#pragma once

#include <atomic>
#include <cstdint>

#include "route/facts.hpp"
#include "route/lag.hpp"
#include "route/node.hpp"
#include "route/probe.hpp"
#include "route/units.hpp"

namespace steward::route {

struct BoardNode {
    std::int32_t slot = 0;
    std::uint32_t database = 0;  // in which it is registered
    std::int32_t port = 0;
    std::int32_t weight = kUsualWeight;
    bool is_in_maintenance = false;

    bool is_self = false;
    bool has_facts = false;
    bool is_certain_primary = false;  // when the page was written
    bool is_missing = false;          // the latest attempt to ask it has failed
    Reach reach = Reach::unknown;
    std::uint64_t instance = 0;
    std::int64_t system_identifier = 0;
    bool is_standby = false;
    std::uint32_t timeline = 0;
    std::uint32_t newest_timeline = 0;  // it was ever on
    Lsn flushed;
    Lsn replayed;
    std::int32_t connections = 0;
    std::int32_t max_connections = 0;
    Steady seen_at;               // when it was asked what it has answered
    std::int64_t round_trip = 0;  // how long that took
    Steady held_until;            // it has been lost and back too often to be trusted before
    View view;
    Measured measured;

    // Last, so that what is compared for each decision lies close together.
    char name[kShortBytes] = {};
    char zone[kShortBytes] = {};
    char host[kMaxHostBytes + 1] = {};
};

struct Page {
    std::uint64_t number = 0;  // which publication this is; 0: none
    std::int32_t count = 0;
    std::uint64_t topology_epoch = 0;
    Horizon horizon;  // of the primary, where this is a standby
    BoardNode nodes[kMaxNodes];
};

// Of the nodes no more than there are.
void copy(Page& to, const Page& from) noexcept;

class Board {
public:
    // By one process only.
    void publish(const Page& page) noexcept;
    // Nothing is copied when the page is the one that was published last: only a board fills a page that is given here.
    void read(Page& page) const noexcept;

private:
    std::atomic<std::uint64_t> published_{0};
    Page pages_[2];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace steward::route
