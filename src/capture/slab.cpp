// SPDX-License-Identifier: PostgreSQL
#include "capture/slab.hpp"

#include <cstring>

namespace steward::capture {

bool try_copy(const SlabEntry& entry, SlabData& copy) noexcept {
    std::uint32_t before = entry.version.load(std::memory_order_acquire);
    if (before % 2 != 0) return false;
    // Word by word, so that no single number is torn; the version tells whether they belong together.
    const auto* from = reinterpret_cast<const std::uint64_t*>(&entry.data);
    auto* to = reinterpret_cast<std::uint64_t*>(&copy);
    for (std::size_t i = 0; i < sizeof(SlabData) / sizeof(std::uint64_t); ++i)
        to[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
    std::atomic_thread_fence(std::memory_order_acquire);
    return entry.version.load(std::memory_order_relaxed) == before;
}

SlabEntry& Slab::place_for(std::uint64_t hash) noexcept {
    SlabEntry* set = set_of(hash);
    SlabEntry* oldest = set;
    for (int i = 0; i < kWays; ++i) {
        if (!set[i].data.is_used) return set[i];
        if (uses - set[i].last_use > uses - oldest->last_use) oldest = &set[i];
    }
    return *oldest;
}

void Slab::begin(SlabEntry& entry, const Key& key, std::uint64_t hash, EntryRef ref, std::uint64_t resets) noexcept {
    SlabWrite write(entry);
    SlabData& data = entry.data;
    data.key = key;
    data.hash = hash;
    data.ref = ref;
    data.resets_seen = resets;
    data.is_used = true;
    data.counters.clear();
    data.histogram = {};
    entry.slow_after = entry.unusual_after = kNever;
    entry.slow_pause_until = entry.slow_worth = 0;
    entry.use = ++begun;
    entry.last_use = ++uses;
}

}  // namespace steward::capture
