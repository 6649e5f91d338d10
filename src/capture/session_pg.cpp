// SPDX-License-Identifier: PostgreSQL
#include "capture/session_pg.hpp"

#include <algorithm>
#include <cstring>

#include "capture/characters_pg.hpp"
#include "capture/slow_limits_pg.hpp"
#include "pg/executor.hpp"
#include "pg/shmem.hpp"

namespace steward::capture {

Slab* session_slab = nullptr;
std::uint32_t random_state = 1;
Downshift downshift;

namespace {

// An entry is folded when it was not for this long.
constexpr std::int64_t kFoldEveryNs = 1'000'000'000;

LWLock* lock_of(std::uint64_t hash) noexcept { return shared().locks[Store::shard_index(hash)]; }
Shard& shard_of(std::uint64_t hash) noexcept { return shared_store->shard(Store::shard_index(hash)); }

std::uint64_t unusual_after(const Entry& kept) noexcept {
    return relative_threshold(relative_rule, kept.counters.sums[kCalls], kept.histogram);
}

// For its query: what is set is compared with anyway.
void set_slow_after(SlabEntry& entry, std::uint64_t unusual_after) noexcept {
    Thresholds thresholds = thresholds_of(entry.data.key.queryid);
    entry.unusual_after = unusual_after;
    entry.slow_after = thresholds.are_own ? std::min(unusual_after, thresholds.after_ns()) : unusual_after;
}

Overhead overhead_of(const SlabEntry& entry) noexcept {
    const std::int64_t* sums = entry.data.counters.sums;
    return {0, 0, sums[kCalls], entry.data.key.is_toplevel ? sums[kTotalNs] + sums[kPlanNs] : 0};
}

void fold(SlabEntry& entry, std::int64_t now) noexcept {
    session_slab->overhead.add(overhead_of(entry));
    std::uint64_t hash = entry.data.hash;
    std::uint64_t unusual = entry.unusual_after;
    {
        pg::Locked locked(lock_of(hash));
        shared_store->fold(entry);
        const Entry* kept = shard_of(hash).at(entry.data.ref);
        bool is_kept = kept != nullptr && kept->key == entry.data.key;
        entry.has_text = is_kept && kept->text != nullptr;
        if (is_kept) unusual = unusual_after(*kept);
        entry.folded_turn = shard_of(hash).turns();
    }
    set_slow_after(entry, unusual);
    entry.folded_at = now;
}

void fold_all(int, Datum) noexcept {
    if (session_slab == nullptr) return;
    for (SlabEntry& entry : session_slab->entries) {
        if (!entry.data.is_used) continue;
        if (!entry.data.counters.is_empty()) fold(entry, 0);
        // The slot's next session finds it unused.
        SlabWrite write(entry);
        entry.data.is_used = false;
    }
    {
        pg::Locked locked(shared().locks[0]);
        shared().ended.add(session_slab->overhead.read());
        session_slab->overhead.clear();
    }
    session_slab->economy.store(kNoEconomy, std::memory_order_relaxed);
    session_slab = nullptr;
}

bool is_backslash_plain() noexcept { return standard_conforming_strings; }

void give_text(SlabEntry& entry, const Source& source) noexcept {
    static char buffer[kMostTextBytes];
    std::uint64_t hash = entry.data.hash;
    Normalized made = normalized(source.statement(), buffer, sizeof(buffer));
    pg::Locked locked(lock_of(hash));
    Entry* kept = shard_of(hash).at(entry.data.ref);
    if (kept != nullptr && kept->key == entry.data.key)
        shard_of(hash).give_text(*kept, {{buffer, made.length}, GetDatabaseEncoding(), made.is_cut});
    // Also when there was no room: not at each call, but after the next fold.
    entry.has_text = true;
}

void note_failure(const FlightState& flight, int sqlstate, const Message& message) noexcept {
    pg::Locked locked(lock_of(flight.hash));
    shard_of(flight.hash).note_failure(flight.key, sqlstate, flight.sums[kTotalNs], flight.seen_at, message);
}

// Sooner when others are evicted fast: what is not folded is not known to be in use.
bool is_due(const SlabEntry& entry, std::int64_t now) noexcept {
    return now - entry.folded_at > kFoldEveryNs || entry.folded_turn != shard_of(entry.data.hash).turns();
}

bool is_up_to_date(const SlabEntry& entry) noexcept { return entry.data.resets_seen == shared_store->resets(); }

}  // namespace

SlabEntry& touch_slowly(SlabEntry* entry, const Key& key, std::uint64_t hash, const Source& source,
                        std::int64_t now) noexcept {
    if (entry != nullptr && !is_up_to_date(*entry)) {
        fold(*entry, now);
        entry->slow_pause_until = entry->slow_worth = 0;
    }
    // It has been folded, with a call before this one.
    bool is_known = entry != nullptr && entry->folded_at != 0;
    if (entry == nullptr) {
        entry = &session_slab->place_for(hash);
        if (entry->data.is_used && !entry->data.counters.is_empty()) fold(*entry, now);
        EntryRef ref{};
        std::uint64_t unusual = kNever;
        {
            pg::Locked locked(lock_of(hash));
            Entry& kept = shard_of(hash).find_or_make(key, hash);
            entry->has_text = shard_of(hash).share_text(kept);
            is_known = !kept.counters.is_empty();
            ref = shard_of(hash).ref_of(kept);
            unusual = unusual_after(kept);
        }
        session_slab->begin(*entry, key, hash, ref, shared_store->resets());
        set_slow_after(*entry, unusual);
        entry->folded_at = now;
        entry->folded_turn = shard_of(hash).turns();
    }
    if (entry->has_text || source.text == nullptr) return *entry;
    if (gives_up(kNoFirstText) && !is_known && entry->data.counters.is_empty()) return *entry;
    give_text(*entry, source);
    return *entry;
}

SlabEntry& record_call(const FlightState& flight, const Source& source, std::int64_t now) noexcept {
    bool is_there = flight.entry->use == flight.entry_use && is_ready(*flight.entry);
    SlabEntry& entry = is_there ? *flight.entry : touch(flight.key, flight.hash, source, now);
    bool has_room = true;
    {
        SlabWrite write(entry);
        Counters& counters = entry.data.counters;
        std::int64_t nanos = flight.sums[kTotalNs];
        flight.add_to(counters.sums);
        counters.sums[kTotalNs] -= nanos;
        counters.add_duration(nanos);
        counters.see(flight.seen_at);
        has_room = entry.data.histogram.add(nanos);
    }
    if (!has_room || is_due(entry, now)) fold(entry, now);
    return entry;
}

Normalized normalized(std::string_view statement, char* to, std::size_t room) noexcept {
    Normalized made = normalize(statement, {.has_backslashes = !is_backslash_plain()}, to, room);
    if (made.is_cut) made.length = whole_characters(to, made.length);
    return made;
}

std::string_view Source::statement() const noexcept {
    if (text == nullptr) return {};
    const char* begin = location > 0 ? text + location : text;
    return trimmed({begin, location >= 0 && length > 0 ? static_cast<std::size_t>(length) : strlen(begin)});
}

std::uint64_t fingerprint_of(const Source& source) noexcept {
    return fingerprint(source.statement(), {.has_backslashes = !is_backslash_plain()});
}

bool attach_session_now() noexcept {
    if (!has_shared() || MyProc == nullptr || proc_exit_inprogress || !OidIsValid(MyDatabaseId)) return false;
    std::uint32_t number = pg::session_number();
    if (number >= shared_store->sessions()) return false;
    session_slab = &shared_store->slab(number);
    random_state = static_cast<std::uint32_t>(mix(std::uint64_t{number} << 32 | session_slab->uses));
    // After the last transaction has been aborted.
    on_shmem_exit(fold_all, 0);
    return true;
}

void note_overhead(std::int64_t nanos, std::int64_t running_ns) noexcept {
    session_slab->overhead.add({1, nanos, 0, 0});
    Overhead all = session_slab->overhead.read();
    if (!downshift.is_due(all.timed)) return;
    for (const SlabEntry& entry : session_slab->entries)
        if (entry.data.is_used) all = all + overhead_of(entry);
    all.spent_ns += running_ns;
    if (!downshift.judge(all, max_overhead)) return;
    session_slab->economy.store(downshift.economy(), std::memory_order_relaxed);
    std::int64_t never = 0;
    shared().first_downshift_at.compare_exchange_strong(never, GetCurrentTimestamp());
}

void record_plan(const Key& key, std::int64_t nanos, std::int64_t seen_at) noexcept {
    SlabEntry& entry = touch(key, hash_of(key), {}, 0);
    SlabWrite write(entry);
    Counters& counters = entry.data.counters;
    ++counters.sums[kPlans];
    counters.sums[kPlanNs] += nanos;
    counters.see(seen_at);
}

SlabEntry& record_failure(const FlightState& flight, int sqlstate, const Message& message, std::int64_t now) noexcept {
    SlabEntry& entry = record_call(flight, {}, now);
    note_failure(flight, sqlstate, message);
    return entry;
}

void record_late_failure(const FlightState& flight, int sqlstate, const Message& message) noexcept {
    SlabEntry& entry = touch(flight.key, flight.hash, {}, 0);
    {
        SlabWrite write(entry);
        ++entry.data.counters.sums[kErrors];
        entry.data.counters.see(flight.seen_at);
    }
    note_failure(flight, sqlstate, message);
}

void record_untimed(const Key& key, const Source& source, std::int64_t seen_at) noexcept {
    SlabEntry& entry = touch(key, hash_of(key), source, 0);
    SlabWrite write(entry);
    ++entry.data.counters.sums[kCalls];
    entry.data.counters.see(seen_at);
    shared().untimed.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace steward::capture
