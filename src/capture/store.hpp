// SPDX-License-Identifier: PostgreSQL
//
// All of the statistics in one piece of shared memory: the shards, a slab a session, and what has been reset. Whoever uses a
// shard holds its lock; whoever resets holds them all. A session folds an entry of its slab under the lock of the entry's
// shard, so that nobody who holds it counts anything twice.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "capture/shard.hpp"
#include "capture/slab.hpp"

namespace steward::capture {

inline constexpr int kShards = 16;

struct StoreSize {
    std::uint32_t queries;
    std::size_t text_bytes;
    std::uint32_t sessions;
};

class Store {
public:
    using Size = StoreSize;
    static std::size_t bytes(const StoreSize& size) noexcept;
    static Store* create(void* memory, const StoreSize& size) noexcept;

    static int shard_index(std::uint64_t hash) noexcept { return static_cast<int>(hash >> 60); }
    Shard& shard(int index) noexcept { return *shards_[index]; }
    const Shard& shard(int index) const noexcept { return *shards_[index]; }
    Slab& slab(std::uint32_t session) noexcept { return slabs_[session]; }
    const Slab& slab(std::uint32_t session) const noexcept { return slabs_[session]; }
    std::uint32_t sessions() const noexcept { return size_.sessions; }
    const StoreSize& size() const noexcept { return size_; }

    // ---- Under the lock of the entry's shard
    // Empties what a session has counted into its shard, or nowhere when that has been reset since.
    void fold(SlabEntry& entry) noexcept;
    // Whether what a session has counted has been reset since it began to.
    bool is_reset(const SlabData& data) const noexcept;

    // ---- Under all locks
    std::uint32_t reset(const Filter& filter) noexcept;

    // Of any session, without a lock: whether to look at is_reset() before counting on.
    std::uint64_t resets() const noexcept { return resets_.load(std::memory_order_relaxed); }

private:
    static constexpr std::uint64_t kResetsKept = 256;

    Store(Slab* slabs, const StoreSize& size) noexcept : slabs_(slabs), size_(size) {}
    static Shard::Size shard_size(const StoreSize& size) noexcept;

    Shard* shards_[kShards];
    Slab* slabs_;
    StoreSize size_;
    Filter filters_[kResetsKept];
    alignas(64) std::atomic<std::uint64_t> resets_ = 0;
};

static_assert(kShards == 16, "shard_index() takes four bits");

}  // namespace steward::capture
