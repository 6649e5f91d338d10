// SPDX-License-Identifier: PostgreSQL
#include "capture/snapshot.hpp"

#include <sched.h>

#include <algorithm>
#include <unordered_map>

namespace steward::capture {

namespace {

// A session that is interrupted by the scheduler in the middle of writing goes on some time.
constexpr int kMostTries = 10'000;
constexpr int kTriesBeforeYield = 100;

struct HashOfKey {
    std::size_t operator()(const Key& key) const noexcept { return hash_of(key); }
};

}  // namespace

void add(std::vector<Statistic>& sums, const Statistic& one) {
    auto found = std::find_if(sums.begin(), sums.end(), [&](const Statistic& sum) { return sum.key == one.key; });
    if (found == sums.end()) {
        sums.push_back(one);
        return;
    }
    add(found->counters, one.counters);
    add(found->histogram, one.histogram);
}

void add(std::vector<FailureCount>& sums, const FailureCount& one) {
    auto found = std::find_if(sums.begin(), sums.end(), [&](const FailureCount& sum) {
        return sum.key == one.key && sum.sqlstate == one.sqlstate;
    });
    if (found == sums.end()) {
        sums.push_back(one);
        return;
    }
    found->count += one.count;
    found->total_ns += one.total_ns;
    found->last_at = std::max(found->last_at, one.last_at);
}

void Collector::prepare(int shard) {
    const Shard& one = store_.shard(shard);
    part_.statistics.clear();
    part_.failures.clear();
    part_.failures.reserve(one.most_failures());
    if (what_ == What::failures) return;
    part_.statistics.reserve(one.most_entries());
    pieces_.clear();
    pieces_.reserve(one.most_entries());
    texts_.resize(one.texts().blocks_total() * TextArena::kPayload);
    texts_used_ = 0;
    pending_.clear();
    pending_.reserve(std::size_t{store_.sessions()} * Slab::kEntries);
}

void Collector::copy(int shard) noexcept {
    const Shard& one = store_.shard(shard);
    one.each_failure([&](const Failure& failure) {
        part_.failures.push_back(
            {failure.key, failure.sqlstate, failure.count, failure.total_ns, failure.last_at, failure.message});
    });
    if (what_ == What::failures) return;
    one.each_entry([&](const Entry& entry) { copy_entry(one, entry); });
    copy_slabs(shard);
}

void Collector::copy_entry(const Shard& shard, const Entry& entry) noexcept {
    Statistic& copy = part_.statistics.emplace_back();
    copy.key = entry.key;
    copy.counters = entry.counters;
    copy.histogram = entry.histogram;
    Piece& piece = pieces_.emplace_back(Piece{texts_used_, 0});
    // One that several roles share is copied for each, which may be more than there is room for.
    if (entry.text == nullptr || entry.text->length > texts_.size() - texts_used_) return;
    copy.has_text = true;
    copy.is_cut = entry.text->is_cut;
    copy.encoding = entry.text->encoding;
    piece.length = entry.text->length;
    shard.texts().read(*entry.text, texts_.data() + texts_used_);
    texts_used_ += piece.length;
}

void Collector::copy_slabs(int shard) noexcept {
    for (std::uint32_t session = 0; session < store_.sessions(); ++session)
        for (const SlabEntry& entry : store_.slab(session).entries) {
            // Those of this shard change their key under its lock only, others may turn into one of this shard that is new.
            if (!entry.data.is_used || Store::shard_index(entry.data.hash) != shard) continue;
            SlabData& copy = pending_.emplace_back();
            for (int tries = 1; !try_copy(entry, copy) && tries < kMostTries; ++tries)
                if (tries % kTriesBeforeYield == 0) sched_yield();
            if (Store::shard_index(copy.hash) != shard || !copy.is_used || store_.is_reset(copy) ||
                copy.counters.is_empty())
                pending_.pop_back();
        }
}

const Snapshot& Collector::merge() {
    if (what_ == What::failures) return part_;
    auto& statistics = part_.statistics;
    std::unordered_map<Key, std::size_t, HashOfKey> places;
    if (!pending_.empty())
        for (std::size_t i = 0; i < statistics.size(); ++i) places[statistics[i].key] = i;
    for (std::size_t i = 0; i < statistics.size(); ++i)
        statistics[i].text.assign(texts_.data() + pieces_[i].begin, pieces_[i].length);
    for (const SlabData& data : pending_) {
        auto [place, is_new] = places.try_emplace(data.key, statistics.size());
        if (is_new) {
            Statistic& made = statistics.emplace_back();
            made.key = data.key;
            made.counters.clear();
        }
        add(statistics[place->second].counters, data.counters);
        add(statistics[place->second].histogram, data.histogram);
    }
    // Statements that nobody has finished yet.
    std::erase_if(statistics, [](const Statistic& one) { return one.counters.is_empty(); });
    return part_;
}

}  // namespace steward::capture
