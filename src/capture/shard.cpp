// SPDX-License-Identifier: PostgreSQL
#include "capture/shard.hpp"

#include <algorithm>
#include <bit>

#include "capture/layout.hpp"

namespace steward::capture {

struct Shard::Parts {
    TableOf<Entry>::bucket_type* entry_buckets;
    Entry* entries;
    std::uint64_t* ghosts;
    Entry* evicted;
    TableOf<Failure>::bucket_type* failure_buckets;
    Failure* failures;
    void* texts;

    Parts(Layout& layout, const Size& size) noexcept
        : entry_buckets(layout.array<TableOf<Entry>::bucket_type>(std::bit_ceil(size.entries))),
          entries(layout.array<Entry>(size.entries)),
          ghosts(layout.array<std::uint64_t>(size.entries)),
          evicted(layout.array<Entry>(kEvictedPlaces + 1)),
          failure_buckets(layout.array<TableOf<Failure>::bucket_type>(std::bit_ceil(size.failures))),
          failures(layout.array<Failure>(size.failures)),
          texts(layout.take(TextArena::bytes({size.entries, size.text_blocks}))) {}
};

std::size_t Shard::bytes(Size size) noexcept {
    Layout layout(nullptr);
    layout.take(sizeof(Shard));
    Parts(layout, size);
    return layout.used();
}

Shard* Shard::create(void* memory, Size size) noexcept {
    Layout layout(memory);
    void* self = layout.take(sizeof(Shard));
    return new (self) Shard(Parts(layout, size), size);
}

Shard::Shard(const Parts& parts, Size size) noexcept
    : size_(size),
      entries_(parts.entries),
      table_(TableOf<Entry>::bucket_traits(parts.entry_buckets, std::bit_ceil(size.entries))),
      ghosts_(parts.ghosts),
      evicted_(parts.evicted),
      texts_(TextArena::create(parts.texts, {size.entries, size.text_blocks})),
      failure_table_(TableOf<Failure>::bucket_traits(parts.failure_buckets, std::bit_ceil(size.failures))) {
    for (std::uint32_t i = 0; i < size.entries; ++i) free_.push_back(entries_[i]);
    for (std::uint32_t i = 0; i < size.failures; ++i) free_failures_.push_back(parts.failures[i]);
}

// ---- Entries ---------------------------------------------------------------------------------------------------------

Entry* Shard::find(const Key& key, std::uint64_t hash) noexcept {
    auto found = table_.find(
        key, [hash](const Key&) { return static_cast<std::size_t>(hash); },
        [](const Key& wanted, const Entry& entry) { return wanted == entry.key; });
    return found == table_.end() ? nullptr : &*found;
}

Entry* Shard::at(EntryRef ref) noexcept {
    Entry& entry = entries_[ref.index];
    return entry.is_used && entry.generation == ref.generation ? &entry : nullptr;
}

Entry& Shard::find_or_make(const Key& key, std::uint64_t hash) noexcept {
    Entry* found = find(key, hash);
    return found != nullptr ? *found : make(key, hash);
}

Entry& Shard::make(const Key& key, std::uint64_t hash) noexcept {
    if (free_.empty()) evict();
    Entry& entry = free_.front();
    free_.pop_front();
    entry.key = key;
    entry.hash = hash;
    ++entry.generation;
    entry.hits = 0;
    entry.is_used = true;
    entry.text = nullptr;
    entry.counters.clear();
    entry.histogram = {};
    std::uint64_t& ghost = ghosts_[hash % size_.entries];
    entry.is_main = ghost == hash;
    if (entry.is_main) {
        ghost = 0;
        ++returns_;
    }
    (entry.is_main ? main_ : small_).push_back(entry);
    table_.insert(entry);
    return entry;
}

void Shard::count_turns() noexcept {
    if (++evicted_since_turn_ * 2 < size_.entries) return;
    evicted_since_turn_ = 0;
    turns_.fetch_add(1, std::memory_order_relaxed);
}

void Shard::evict() noexcept {
    count_turns();
    if (main_.empty() || small_.size() > size_.entries / 10) {
        Entry& first = small_.front();
        ghosts_[first.hash % size_.entries] = first.hash;
        return drop(first);
    }
    for (int rounds = 0; main_.front().hits > 0 && rounds < kMostRounds; ++rounds) {
        Entry& first = main_.front();
        --first.hits;
        main_.pop_front();
        main_.push_back(first);
    }
    drop(main_.front());
}

// From the small queue to the main one when it has come again or taken long.
void Shard::promote(Entry& entry) noexcept {
    bool is_long = entry.counters.sums[kTotalNs] >= kLongNs;
    if (entry.is_main || (entry.counters.sums[kCalls] < 2 && !is_long)) return;
    small_.erase(small_.iterator_to(entry));
    entry.is_main = true;
    entry.hits = is_long ? kMostHits : 0;
    main_.push_back(entry);
}

// An evicted query's counts go on in the sum of its database and role.
void Shard::drop(Entry& entry) noexcept {
    if (!entry.counters.is_empty()) {
        ++evictions_;
        Entry& sum = evicted_entry_of(entry.key);
        add(sum.counters, entry.counters);
        add(sum.histogram, entry.histogram);
    }
    forget(entry);
}

void Shard::forget(Entry& entry) noexcept {
    if (entry.text != nullptr) texts_->release(*entry.text);
    entry.text = nullptr;
    entry.is_used = false;
    table_.erase(table_.iterator_to(entry));
    QueueOf<Entry>& queue = entry.is_main ? main_ : small_;
    queue.erase(queue.iterator_to(entry));
    free_.push_front(entry);
}

Entry& Shard::evicted_entry_of(const Key& key) noexcept {
    Key wanted{0, key.database, key.role, key.is_toplevel};
    for (int i = 0; i < kEvictedPlaces; ++i) {
        Entry& entry = evicted_[i];
        if (entry.is_used && entry.key == wanted) return entry;
        if (entry.is_used) continue;
        entry.is_used = true;
        entry.key = wanted;
        entry.counters.clear();
        return entry;
    }
    Entry& others = evicted_[kEvictedPlaces];
    if (!others.is_used) others.counters.clear();
    others.is_used = true;
    others.key = {0, 0, 0, true};
    return others;
}

void Shard::fold(SlabData& data) noexcept {
    Entry* entry = at(data.ref);
    if (entry == nullptr || entry->key != data.key) entry = find(data.key, data.hash);
    const std::int64_t* sums = data.counters.sums;
    if (entry == nullptr && sums[kCalls] <= 1 && sums[kTotalNs] < kLongNs) {
        // It was evicted before its only call had ended: there is nothing to be known of it.
        if (!data.counters.is_empty()) {
            ++evictions_;
            entry = &evicted_entry_of(data.key);
            add(entry->counters, data.counters);
            add(entry->histogram, data.histogram);
        }
        return;
    }
    if (entry == nullptr) entry = &make(data.key, data.hash);
    ++folds_;
    if (!entry->counters.is_empty()) entry->hits = std::min<std::uint8_t>(entry->hits + 1, kMostHits);
    add(entry->counters, data.counters);
    add(entry->histogram, data.histogram);
    promote(*entry);
    data.ref = ref_of(*entry);
}

void Shard::restore(const Key& key, const Counters& counters, const Histogram& histogram) noexcept {
    Entry& entry = key.queryid == 0 ? evicted_entry_of(key) : find_or_make(key, hash_of(key));
    add(entry.counters, counters);
    add(entry.histogram, histogram);
    if (key.queryid != 0) promote(entry);
}

bool Shard::share_text(Entry& entry) noexcept {
    if (entry.text == nullptr) entry.text = texts_->share({entry.key.queryid, entry.key.database});
    return entry.text != nullptr;
}

bool Shard::give_text(Entry& entry, const NewText& text) noexcept {
    if (!share_text(entry)) entry.text = texts_->add({entry.key.queryid, entry.key.database}, text);
    return entry.text != nullptr;
}

// ---- Failures --------------------------------------------------------------------------------------------------------

Failure& Shard::failure_of(const Key& key, std::int32_t sqlstate) noexcept {
    auto found = failure_table_.find(
        key, [](const Key& wanted) { return static_cast<std::size_t>(hash_of(wanted)); },
        [sqlstate](const Key& wanted, const Failure& f) { return wanted == f.key && f.sqlstate == sqlstate; });
    if (found != failure_table_.end()) {
        recent_failures_.erase(recent_failures_.iterator_to(*found));
        recent_failures_.push_front(*found);
        return *found;
    }
    if (free_failures_.empty()) {
        Failure& oldest = recent_failures_.back();
        recent_failures_.pop_back();
        failure_table_.erase(failure_table_.iterator_to(oldest));
        evicted_failures_.count += oldest.count;
        evicted_failures_.total_ns += oldest.total_ns;
        evicted_failures_.last_at = std::max(evicted_failures_.last_at, oldest.last_at);
        free_failures_.push_front(oldest);
    }
    Failure& made = free_failures_.front();
    free_failures_.pop_front();
    made.key = key;
    made.sqlstate = sqlstate;
    made.count = 0;
    made.total_ns = 0;
    made.last_at = 0;
    made.message = {};
    failure_table_.insert(made);
    recent_failures_.push_front(made);
    return made;
}

void Shard::note_failure(const Key& key, std::int32_t sqlstate, std::int64_t nanos, std::int64_t at,
                         const Message& message) noexcept {
    Failure& failure = failure_of(key, sqlstate);
    ++failure.count;
    failure.total_ns += nanos;
    failure.last_at = at;
    if (message.length > 0) failure.message = message;
}

void Shard::restore(const Failure& failure) noexcept {
    Failure& to = failure.key.queryid == 0 ? evicted_failures_ : failure_of(failure.key, failure.sqlstate);
    to.count += failure.count;
    to.total_ns += failure.total_ns;
    to.last_at = failure.last_at;
    to.message = failure.message;
}

// ---- Resets ----------------------------------------------------------------------------------------------------------

std::uint32_t Shard::erase(const Filter& filter) noexcept {
    std::uint32_t erased = 0;
    for (std::uint32_t i = 0; i < size_.entries; ++i)
        if (entries_[i].is_used && filter.matches(entries_[i].key)) {
            forget(entries_[i]);
            ++erased;
        }
    for (int i = 0; i <= kEvictedPlaces; ++i)
        if (evicted_[i].is_used && filter.matches(evicted_[i].key)) {
            evicted_[i].counters.clear();
            evicted_[i].histogram = {};
        }
    for (auto failure = recent_failures_.begin(); failure != recent_failures_.end();) {
        Failure& one = *failure++;
        if (!filter.matches(one.key)) continue;
        recent_failures_.erase(recent_failures_.iterator_to(one));
        failure_table_.erase(failure_table_.iterator_to(one));
        free_failures_.push_front(one);
    }
    if (filter.matches(evicted_failures_.key)) evicted_failures_.count = evicted_failures_.total_ns = 0;
    return erased;
}

}  // namespace steward::capture
