// SPDX-License-Identifier: PostgreSQL
//
// What one session has counted and not yet added to the statistics that all share. Its session alone writes it, without a
// lock or a locked instruction; others read copies of its entries. An entry's version is odd while it is being written: a
// reader takes its copy again then.
#pragma once

#include <atomic>
#include <cstdint>

#include "capture/counters.hpp"
#include "capture/histogram.hpp"
#include "capture/layout.hpp"
#include "capture/overhead.hpp"
#include "capture/slow_rule.hpp"

namespace steward::capture {

// An entry of a shard; it is of that generation no more once it has been evicted.
struct EntryRef {
    std::uint32_t index;
    std::uint32_t generation;
};

// What is copied as one.
struct SlabData {
    Key key;
    std::uint64_t hash;
    EntryRef ref;
    std::uint64_t resets_seen;  // when it began to count
    bool is_used;
    Counters counters;
    SmallHistogram histogram;
};
static_assert(sizeof(SlabData) % sizeof(std::uint64_t) == 0);

struct SlabEntry {
    std::atomic<std::uint32_t> version;
    std::uint32_t use;  // another for each key it is given; the rest is its session's own
    std::uint32_t last_use;
    bool has_text;
    std::int64_t folded_at;
    std::uint32_t folded_turn;      // of its shard, then
    std::uint64_t slow_after;       // nanoseconds, for this query; see slow_rule.hpp
    std::uint64_t unusual_after;    // the part of it that what is usual makes
    std::int64_t slow_pause_until;  // no slow call is kept before,
    std::int64_t slow_worth;        // but one that takes as long as this
    SlabData data;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// While it lives, readers see that the entry is being written.
class SlabWrite {
public:
    explicit SlabWrite(SlabEntry& entry) noexcept : entry_(entry) {
        entry_.version.store(entry_.version.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
    }
    ~SlabWrite() {
        entry_.version.store(entry_.version.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    SlabWrite(const SlabWrite&) = delete;
    SlabWrite& operator=(const SlabWrite&) = delete;

private:
    SlabEntry& entry_;
};

// False when it was being written: try again.
bool try_copy(const SlabEntry& entry, SlabData& copy) noexcept;

// No other session's data are on a line of it.
struct alignas(kAlignment) Slab {
    static constexpr int kWays = 4;
    static constexpr int kSets = 8;
    static constexpr int kEntries = kWays * kSets;

    SlabEntry entries[kEntries];
    std::uint32_t uses;
    std::uint32_t begun;
    std::atomic<std::int64_t> slow_skipped;  // slow calls of all its sessions that were not kept
    SharedOverhead overhead;                 // of what has been folded
    std::atomic<std::int32_t> economy;       // see there

    SlabEntry* find(const Key& key, std::uint64_t hash) noexcept {
        SlabEntry* set = set_of(hash);
        for (int i = 0; i < kWays; ++i)
            if (set[i].data.hash == hash && set[i].data.is_used && set[i].data.key == key) {
                set[i].last_use = ++uses;
                return &set[i];
            }
        return nullptr;
    }

    // Where a new key goes: a free entry, or the one that was used longest ago, which has to be folded first.
    SlabEntry& place_for(std::uint64_t hash) noexcept;

    // Makes the entry count for the key. Nothing of what it held is kept.
    void begin(SlabEntry& entry, const Key& key, std::uint64_t hash, EntryRef ref, std::uint64_t resets) noexcept;

private:
    SlabEntry* set_of(std::uint64_t hash) noexcept { return entries + (hash >> 40) % kSets * kWays; }
};

}  // namespace steward::capture
