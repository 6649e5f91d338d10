// SPDX-License-Identifier: PostgreSQL
//
// Sessions that count, fold and reset beside readers: whatever a reader sees at any time adds up.
#include "capture/store.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "capture/saved.hpp"
#include "capture/snapshot.hpp"
#include "capture_memory.hpp"

namespace {

using namespace steward::capture;

class Server {
public:
    explicit Server(StoreSize size) : memory_(size) {}

    Store& store() { return *memory_; }
    std::shared_mutex& lock_of(std::uint64_t hash) {
        return locks_[static_cast<std::size_t>(Store::shard_index(hash))];
    }

    // As a session does it: see session_pg.cpp.
    void call(std::uint32_t session, const Key& key, std::int64_t nanos, bool folds) {
        std::uint64_t hash = hash_of(key);
        Slab& slab = store().slab(session);
        SlabEntry* entry = slab.find(key, hash);
        if (entry != nullptr && entry->data.resets_seen != store().resets()) fold(*entry);
        if (entry == nullptr) {
            entry = &slab.place_for(hash);
            if (entry->data.is_used) fold(*entry);
            EntryRef ref{};
            {
                std::unique_lock locked(lock_of(hash));
                Shard& shard = store().shard(Store::shard_index(hash));
                ref = shard.ref_of(shard.find_or_make(key, hash));
            }
            slab.begin(*entry, key, hash, ref, store().resets());
        }
        {
            SlabWrite write(*entry);
            ++entry->data.counters.sums[kCalls];
            entry->data.counters.add_duration(nanos);
            entry->data.histogram.add(nanos);
        }
        if (folds) fold(*entry);
    }
    void fold(SlabEntry& entry) {
        std::unique_lock locked(lock_of(entry.data.hash));
        store().fold(entry);
    }
    void end(std::uint32_t session) {
        for (SlabEntry& entry : store().slab(session).entries)
            if (entry.data.is_used) fold(entry);
    }
    void reset(const Filter& filter) {
        for (auto& lock : locks_) lock.lock();
        store().reset(filter);
        for (auto& lock : locks_) lock.unlock();
    }
    Snapshot snapshot() {
        Snapshot all;
        Collector collector(store(), Collector::What::all);
        for (int i = 0; i < kShards; ++i) {
            collector.prepare(i);
            {
                std::shared_lock locked(locks_[static_cast<std::size_t>(i)]);
                collector.copy(i);
            }
            const Snapshot& part = collector.merge();
            all.statistics.insert(all.statistics.end(), part.statistics.begin(), part.statistics.end());
            all.failures.insert(all.failures.end(), part.failures.begin(), part.failures.end());
        }
        return all;
    }
    std::int64_t calls() {
        std::int64_t sum = 0;
        for (const Statistic& one : snapshot().statistics) sum += one.counters.sums[kCalls];
        return sum;
    }

private:
    Memory<Store> memory_;
    std::array<std::shared_mutex, kShards> locks_;
};

Key key_of(std::uint64_t query) { return {mix(query), 5, 10, true}; }

TEST(CaptureStore, readers_see_at_once_what_no_session_has_folded_yet) {
    Server server({200, 65'536, 3});
    server.call(0, key_of(1), 1000, false);
    server.call(1, key_of(1), 3000, false);
    server.call(2, key_of(2), 5000, true);
    Snapshot seen = server.snapshot();
    ASSERT_EQ(seen.statistics.size(), 2U);
    const Statistic& one = seen.statistics[0].key == key_of(1) ? seen.statistics[0] : seen.statistics[1];
    EXPECT_EQ(one.counters.sums[kCalls], 2);
    EXPECT_EQ(one.counters.sums[kTotalNs], 4000);
    EXPECT_EQ(total_of(one.histogram), 2);
}

TEST(CaptureStore, what_readers_see_adds_up_while_sessions_count_and_evict) {
    constexpr int kSessions = 4;
    constexpr std::int64_t kCallsEach = 60'000;
    Server server({200, 65'536, kSessions});
    std::atomic<std::int64_t> begun = 0;
    std::atomic<std::int64_t> done = 0;
    std::vector<std::thread> sessions;
    for (std::uint32_t session = 0; session < kSessions; ++session)
        sessions.emplace_back([&, session] {
            std::mt19937_64 random(session);
            for (std::int64_t i = 0; i < kCallsEach; ++i) {
                // Some always, many once.
                std::uint64_t query = random() % 2 == 0 ? random() % 20 : 1000 + random() % 100'000;
                begun.fetch_add(1);
                server.call(session, key_of(query), static_cast<std::int64_t>(random() % 1'000'000),
                            random() % 16 == 0);
                done.fetch_add(1);
            }
            server.end(session);
        });
    std::int64_t seen = 0;
    while (done.load() < kSessions * kCallsEach) {
        std::int64_t at_least = done.load();
        seen = server.calls();
        // Shards are read one after the other: a call may be seen that began after the reader did, none is seen twice or lost.
        EXPECT_GE(seen, at_least);
        EXPECT_LE(seen, begun.load());
    }
    for (std::thread& session : sessions) session.join();
    EXPECT_EQ(server.calls(), kSessions * kCallsEach);
    std::int64_t bucketed = 0;
    for (const Statistic& one : server.snapshot().statistics) bucketed += total_of(one.histogram);
    EXPECT_EQ(bucketed, kSessions * kCallsEach);
}

TEST(CaptureStore, what_each_shard_has_evicted_makes_one_sum) {
    Server server({200, 65'536, 1});
    for (std::uint64_t query = 0; query < 5'000; ++query) server.call(0, key_of(query), 1000, true);
    std::vector<Statistic> evicted;
    std::int64_t calls = 0;
    for (const Statistic& one : server.snapshot().statistics)
        if (one.key.queryid == 0) {
            add(evicted, one);
            calls += one.counters.sums[kCalls];
        }
    ASSERT_EQ(evicted.size(), 1U);
    EXPECT_GT(calls, 4'000);
    EXPECT_EQ(evicted[0].counters.sums[kCalls], calls);
    EXPECT_EQ(total_of(evicted[0].histogram), calls);

    std::vector<FailureCount> failures;
    add(failures, {{}, 0, 3, 300, 7, {}});
    add(failures, {{}, 0, 2, 100, 5, {}});
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].count, 5);
    EXPECT_EQ(failures[0].total_ns, 400);
    EXPECT_EQ(failures[0].last_at, 7);
}

TEST(CaptureStore, a_reset_takes_what_sessions_have_not_folded_too) {
    Server server({200, 65'536, 2});
    for (int i = 0; i < 5; ++i) server.call(0, key_of(1), 1000, false);
    for (int i = 0; i < 7; ++i) server.call(1, key_of(2), 1000, false);
    server.reset({mix(1), 0, 0});
    EXPECT_EQ(server.calls(), 7);
    server.call(0, key_of(1), 1000, false);
    EXPECT_EQ(server.calls(), 8);
    server.end(0);
    server.end(1);
    EXPECT_EQ(server.calls(), 8);
    server.call(1, key_of(2), 1000, false);
    for (int i = 0; i < 1000; ++i) server.reset({mix(3), 0, 0});
    server.reset({});
    EXPECT_EQ(server.calls(), 0);
    server.end(1);
    EXPECT_EQ(server.calls(), 0);
}

TEST(CaptureStore, a_file_gives_back_what_was_saved_and_nothing_of_a_damaged_one) {
    Server server({200, 65'536, 1});
    for (std::uint64_t query = 0; query < 500; ++query)
        server.call(0, key_of(query), 1000 + static_cast<std::int64_t>(query), true);
    Shard& shard = server.store().shard(3);
    shard.note_failure(key_of(1), 57014, 1000, 99, message_of("canceling statement"));
    Snapshot before = server.snapshot();
    before.statistics[0].text = "SELECT $1";
    before.statistics[0].has_text = true;
    Saver saver;
    saver.add(before);
    saver.add({});
    std::string bytes = saver.done();
    Snapshot after;
    ASSERT_TRUE(load(bytes, after));
    ASSERT_EQ(after.statistics.size(), before.statistics.size());
    EXPECT_EQ(after.statistics[0].text, "SELECT $1");
    std::int64_t calls = 0;
    for (const Statistic& one : after.statistics) {
        calls += one.counters.sums[kCalls];
        EXPECT_EQ(total_of(one.histogram), one.counters.sums[kCalls]);
    }
    EXPECT_EQ(calls, 500);
    ASSERT_EQ(after.failures.size(), 1U);
    EXPECT_EQ(after.failures[0].last_at, 99);
    EXPECT_EQ(text_of(after.failures[0].message), "canceling statement");
    EXPECT_EQ(after.failures[0].message.encoding, 6);
    for (std::size_t at : {std::size_t{3}, bytes.size() / 2, bytes.size() - 3}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        EXPECT_FALSE(load(damaged, after));
        EXPECT_TRUE(after.statistics.empty());
    }
    EXPECT_FALSE(load(bytes.substr(0, bytes.size() - 9), after));
    EXPECT_FALSE(load("", after));
}

}  // namespace
