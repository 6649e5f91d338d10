// SPDX-License-Identifier: PostgreSQL
//
// One of the parts that the statistics of all sessions are split into by hash; whoever uses one holds its lock. A fixed pool
// of entries, found by a hash table and evicted by S3-FIFO: a new query joins a small queue, and goes on to the main one when
// it comes again or takes long, else out when its turn comes; in the main queue each time it was folded since buys another
// round. A flood of queries that come once passes through the small queue and leaves the others alone. What
// is evicted is added to one entry a database, role and level, so that sums stay what has been done.
//
// Every step takes constant time and none allocates or throws.
#pragma once

#include <boost/intrusive/list.hpp>

#include "capture/slab.hpp"
#include "capture/text_arena.hpp"

namespace steward::capture {

using QueueHook = intrusive::list_member_hook<intrusive::link_mode<intrusive::normal_link>>;

struct Entry {
    HashHook hash_hook;
    QueueHook queue_hook;
    Key key;
    std::uint64_t hash;
    std::uint32_t generation;
    std::uint8_t hits;
    bool is_main;
    bool is_used;
    Text* text;
    Counters counters;
    Histogram histogram;
};

// What an error said, as it was cut to fit.
struct Message {
    static constexpr std::size_t kMostBytes = 250;
    std::int32_t encoding;
    std::uint16_t length;  // 0: none
    char bytes[kMostBytes];
};

// How often a query has failed, and how.
struct Failure {
    HashHook hash_hook;
    QueueHook queue_hook;
    Key key;
    std::int32_t sqlstate;  // as the server packs it; 0: of those that were evicted
    std::int64_t count;
    std::int64_t total_ns;
    std::int64_t last_at;
    Message message;  // of the latest that had one
};

// Which entries a reset is of; 0: any.
struct Filter {
    std::uint64_t queryid;
    std::uint32_t database;
    std::uint32_t role;

    bool matches(const Key& key) const noexcept {
        return (queryid == 0 || queryid == key.queryid) && (database == 0 || database == key.database) &&
               (role == 0 || role == key.role);
    }
};

class Shard {
public:
    struct Size {
        std::uint32_t entries;
        std::uint32_t failures;
        std::uint32_t text_blocks;
    };
    // Databases and roles that what is evicted is told apart by; what is more of them is summed up in one.
    static constexpr int kEvictedPlaces = 32;
    // A query that has taken that long in all stays, however seldom it comes.
    static constexpr std::int64_t kLongNs = 1'000'000'000;

    static std::size_t bytes(Size size) noexcept;
    static Shard* create(void* memory, Size size) noexcept;

    // ---- Entries
    Entry* find(const Key& key, std::uint64_t hash) noexcept;
    // Null when it has been evicted.
    Entry* at(EntryRef ref) noexcept;
    Entry& find_or_make(const Key& key, std::uint64_t hash) noexcept;
    EntryRef ref_of(const Entry& entry) const noexcept {
        return {static_cast<std::uint32_t>(&entry - entries_), entry.generation};
    }

    // Adds what a session has counted: to its entry, made anew if it was evicted and comes often enough.
    void fold(SlabData& data) noexcept;
    // As from a file, the key of what was evicted included.
    void restore(const Key& key, const Counters& counters, const Histogram& histogram) noexcept;

    // Gives the entry the text of its query if it is there already.
    bool share_text(Entry& entry) noexcept;
    bool give_text(Entry& entry, const NewText& text) noexcept;
    const TextArena& texts() const noexcept { return *texts_; }

    // ---- Failures
    void note_failure(const Key& key, std::int32_t sqlstate, std::int64_t nanos, std::int64_t at,
                      const Message& message) noexcept;
    void restore(const Failure& failure) noexcept;

    // ---- All of them
    // Those of evicted queries have no query id and no text.
    template <class F>
    void each_entry(F&& visit) const {
        for (std::uint32_t i = 0; i < size_.entries; ++i)
            if (entries_[i].is_used) visit(entries_[i]);
        for (int i = 0; i <= kEvictedPlaces; ++i)
            if (evicted_[i].is_used) visit(evicted_[i]);
    }
    template <class F>
    void each_failure(F&& visit) const {
        for (const Failure& failure : recent_failures_) visit(failure);
        if (evicted_failures_.count > 0) visit(evicted_failures_);
    }
    std::uint32_t most_entries() const noexcept { return size_.entries + kEvictedPlaces + 1; }
    std::uint32_t most_failures() const noexcept { return size_.failures + 1; }

    std::uint32_t erase(const Filter& filter) noexcept;

    std::uint32_t used() const noexcept { return static_cast<std::uint32_t>(small_.size() + main_.size()); }
    std::int64_t evictions() const noexcept { return evictions_; }
    std::int64_t returns() const noexcept { return returns_; }
    std::int64_t folds() const noexcept { return folds_; }
    // Without the lock: another number when half as many entries were evicted as there are. A query that is not folded
    // between two of them may go as if nobody used it.
    std::uint32_t turns() const noexcept { return turns_.load(std::memory_order_relaxed); }

private:
    static constexpr std::uint8_t kMostHits = 3;
    // After so many that earned another round the next one goes, whatever it earned.
    static constexpr int kMostRounds = 32;

    template <class T>
    struct HashOf {
        std::size_t operator()(const T& value) const noexcept { return hash_of(value.key); }
    };
    struct SameKey {
        bool operator()(const Entry& a, const Entry& b) const noexcept { return a.key == b.key; }
        bool operator()(const Failure& a, const Failure& b) const noexcept {
            return a.key == b.key && a.sqlstate == b.sqlstate;
        }
    };
    template <class T>
    using TableOf = intrusive::unordered_set<T, intrusive::member_hook<T, HashHook, &T::hash_hook>,
                                             intrusive::hash<HashOf<T>>, intrusive::equal<SameKey>,
                                             intrusive::constant_time_size<false>, intrusive::power_2_buckets<true>>;
    template <class T>
    using QueueOf = intrusive::list<T, intrusive::member_hook<T, QueueHook, &T::queue_hook>>;
    struct Parts;

    Shard(const Parts& parts, Size size) noexcept;

    Entry& evicted_entry_of(const Key& key) noexcept;
    Entry& make(const Key& key, std::uint64_t hash) noexcept;
    void evict() noexcept;
    void count_turns() noexcept;
    void promote(Entry& entry) noexcept;
    void drop(Entry& entry) noexcept;
    void forget(Entry& entry) noexcept;
    Failure& failure_of(const Key& key, std::int32_t sqlstate) noexcept;

    Size size_;
    Entry* entries_;
    TableOf<Entry> table_;
    QueueOf<Entry> free_;
    QueueOf<Entry> small_;
    QueueOf<Entry> main_;
    std::uint64_t* ghosts_;  // hashes of those that left the small queue, each in its place until another takes it
    Entry* evicted_;
    TextArena* texts_;
    TableOf<Failure> failure_table_;
    QueueOf<Failure> free_failures_;
    QueueOf<Failure> recent_failures_;  // the latest first
    Failure evicted_failures_{};
    std::uint32_t evicted_since_turn_ = 0;
    std::int64_t evictions_ = 0;
    std::int64_t returns_ = 0;
    std::int64_t folds_ = 0;
    // Read at each call by all sessions, and seldom written.
    alignas(kAlignment) std::atomic<std::uint32_t> turns_ = 0;
};

}  // namespace steward::capture
