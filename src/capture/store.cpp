// SPDX-License-Identifier: PostgreSQL
#include "capture/store.hpp"

#include <algorithm>

#include "capture/layout.hpp"

namespace steward::capture {

Shard::Size Store::shard_size(const StoreSize& size) noexcept {
    std::uint32_t entries = (size.queries + kShards - 1) / kShards;
    return {entries, std::max<std::uint32_t>(entries / 4, 16),
            static_cast<std::uint32_t>(size.text_bytes / TextArena::kBlockBytes / kShards)};
}

std::size_t Store::bytes(const StoreSize& size) noexcept {
    return aligned(sizeof(Store)) + kShards * Shard::bytes(shard_size(size)) + aligned(size.sessions * sizeof(Slab));
}

Store* Store::create(void* memory, const StoreSize& size) noexcept {
    Layout layout(memory);
    void* self = layout.take(sizeof(Store));
    auto* store = new (self) Store(layout.array<Slab>(size.sessions), size);
    Shard::Size each = shard_size(size);
    for (Shard*& shard : store->shards_) shard = Shard::create(layout.take(Shard::bytes(each)), each);
    return store;
}

bool Store::is_reset(const SlabData& data) const noexcept {
    std::uint64_t now = resets();
    // So many that the first are not known any more: what is that old was hardly meant to stay.
    if (now - data.resets_seen > kResetsKept) return true;
    for (std::uint64_t i = data.resets_seen; i < now; ++i)
        if (filters_[i % kResetsKept].matches(data.key)) return true;
    return false;
}

void Store::fold(SlabEntry& entry) noexcept {
    SlabWrite write(entry);
    SlabData& data = entry.data;
    Shard& to = shard(shard_index(data.hash));
    if (!is_reset(data))
        to.fold(data);
    else
        data.ref = to.ref_of(to.find_or_make(data.key, data.hash));
    data.resets_seen = resets();
    data.counters.clear();
    data.histogram = {};
}

std::uint32_t Store::reset(const Filter& filter) noexcept {
    std::uint64_t number = resets();
    filters_[number % kResetsKept] = filter;
    resets_.store(number + 1, std::memory_order_relaxed);
    std::uint32_t erased = 0;
    for (Shard* one : shards_) erased += one->erase(filter);
    return erased;
}

}  // namespace steward::capture
