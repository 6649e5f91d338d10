// SPDX-License-Identifier: PostgreSQL
//
// Slow statements in a piece of memory of fixed size; whoever uses it holds its lock. Of each query the first, the worst and
// the latest are kept; what is neither goes when its turn comes, the oldest first. When there is nothing but such left, the
// query that has been slow least recently is forgotten. How many of one query come in, and of all, is limited: one bad
// query does not push out the others, nor does what it takes to look at each grow with them.
//
// Nothing here allocates or throws.
#pragma once

#include <boost/intrusive/list.hpp>

#include "capture/event.hpp"
#include "capture/text_arena.hpp"
#include "capture/token_bucket.hpp"

namespace steward::capture {

struct SlowQuery;

struct SlowEvent {
    intrusive::list_member_hook<intrusive::link_mode<intrusive::normal_link>> hook;
    SlowQuery* query;  // null: neither its first, nor its worst, nor its latest
    std::uint64_t number;
    bool is_used;
    bool is_logged;
    EventFacts facts;
    Text* texts;
};

struct SlowQuery {
    HashHook hash_hook;
    intrusive::list_member_hook<intrusive::link_mode<intrusive::normal_link>> hook;
    Key key;
    TokenBucket bucket;
    std::int64_t worst_ns;
    SlowEvent* first;
    SlowEvent* worst;
    SlowEvent* latest;
};

class EventStore {
public:
    // Five at once and one each ten seconds of a query, hundreds at once and twenty each second of all.
    static constexpr Rate kQueryRate{10'000'000'000, 5};
    static constexpr Rate kTotalRate{50'000'000, 500};

    struct Size {
        std::uint32_t events;
        std::uint32_t blocks;
    };
    // What fits into so many bytes.
    static Size size_for(std::size_t bytes) noexcept;
    static std::size_t bytes(Size size) noexcept;
    static EventStore* create(void* memory, Size size) noexcept;

    struct Admission {
        bool is_admitted;
        std::int64_t pause_until;      // no call of the query is admitted before,
        std::int64_t worth;            // but one that takes as long as this
        std::int64_t all_pause_until;  // and none of any
    };
    Admission admit(const Key& key, std::int64_t nanos, std::int64_t now) noexcept;
    // One that was admitted. False when it is larger than all there is.
    bool add(const EventFacts& facts, std::string_view texts) noexcept;

    // Of an event, for those that come back for it later.
    struct Ref {
        std::uint64_t number;
        std::uint32_t index;
    };
    std::uint32_t most_events() const noexcept { return size_.events; }
    // Writes the refs of all, in no order; returns how many.
    std::uint32_t list(Ref* to) const noexcept;
    // Null when it is gone.
    SlowEvent* at(Ref ref) noexcept;
    // `to` has room for EventWriter::kMostBytes.
    std::string_view read(const SlowEvent& event, char* to) const noexcept;

    // Those of a database up to that number.
    void mark_logged(std::uint32_t database, std::uint64_t up_to) noexcept;

    std::uint32_t erase(std::uint64_t queryid, std::uint32_t database, std::uint32_t role) noexcept;

    std::uint32_t used() const noexcept { return used_; }
    std::uint64_t added() const noexcept { return added_; }
    std::uint64_t dropped() const noexcept { return dropped_; }
    std::uint32_t blocks_used() const noexcept { return texts_->blocks_used(); }

private:
    struct Hash {
        std::size_t operator()(const SlowQuery& query) const noexcept { return hash_of(query.key); }
    };
    struct SameKey {
        bool operator()(const SlowQuery& a, const SlowQuery& b) const noexcept { return a.key == b.key; }
    };
    using Table =
        intrusive::unordered_set<SlowQuery, intrusive::member_hook<SlowQuery, HashHook, &SlowQuery::hash_hook>,
                                 intrusive::hash<Hash>, intrusive::equal<SameKey>, intrusive::constant_time_size<false>,
                                 intrusive::power_2_buckets<true>>;
    using Events =
        intrusive::list<SlowEvent, intrusive::member_hook<SlowEvent, decltype(SlowEvent::hook), &SlowEvent::hook>>;
    using Queries =
        intrusive::list<SlowQuery, intrusive::member_hook<SlowQuery, decltype(SlowQuery::hook), &SlowQuery::hook>>;
    struct Parts;

    EventStore(const Parts& parts, Size size) noexcept;

    SlowQuery* find(const Key& key) noexcept;
    SlowQuery& find_or_make(const Key& key) noexcept;
    void let_go(SlowEvent* event) noexcept;
    void forget(SlowQuery& query) noexcept;
    void drop(SlowEvent& event) noexcept;
    bool evict() noexcept;

    Size size_;
    SlowEvent* events_;
    Table table_;
    Queries free_queries_;
    Queries queries_;  // the one that was slow least recently first
    Events free_events_;
    Events passing_;  // those of no query, the oldest first
    TextArena* texts_;
    TokenBucket bucket_{};
    std::uint32_t used_ = 0;
    std::uint64_t added_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace steward::capture
