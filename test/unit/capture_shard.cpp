// SPDX-License-Identifier: PostgreSQL
#include "capture/shard.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "capture_memory.hpp"

namespace {

using namespace steward::capture;

Key key_of(std::uint64_t query, std::uint32_t role = 10) { return {query, 5, role, true}; }

// What a session has counted of one query.
SlabData counted(Shard& shard, const Key& key, std::int64_t calls, std::int64_t nanos = 1000) {
    SlabData data{};
    data.key = key;
    data.hash = hash_of(key);
    data.ref = shard.ref_of(shard.find_or_make(key, data.hash));
    data.is_used = true;
    data.counters.clear();
    for (std::int64_t i = 0; i < calls; ++i) {
        ++data.counters.sums[kCalls];
        data.counters.add_duration(nanos);
        data.histogram.add(nanos);
    }
    return data;
}

void run(Shard& shard, const Key& key, std::int64_t calls, std::int64_t nanos = 1000) {
    SlabData data = counted(shard, key, calls, nanos);
    shard.fold(data);
}

struct Sums {
    std::int64_t calls = 0;
    std::int64_t nanos = 0;
    std::int64_t bucketed = 0;
    std::int64_t evicted = 0;
};

Sums sums_of(const Shard& shard) {
    Sums sums;
    shard.each_entry([&](const Entry& entry) {
        sums.calls += entry.counters.sums[kCalls];
        sums.nanos += entry.counters.sums[kTotalNs];
        sums.bucketed += total_of(entry.histogram);
        if (entry.key.queryid == 0) sums.evicted += entry.counters.sums[kCalls];
    });
    return sums;
}

TEST(CaptureShard, sums_are_what_has_been_done_whatever_is_evicted) {
    Memory<Shard> memory({50, 16, 64});
    std::mt19937_64 random(3);
    std::int64_t calls = 0;
    std::int64_t nanos = 0;
    for (int i = 0; i < 200'000; ++i) {
        std::int64_t more = 1 + static_cast<std::int64_t>(random() % 3);
        std::int64_t each = 1 + static_cast<std::int64_t>(random() % 1'000'000);
        run(*memory, key_of(1 + random() % 400, static_cast<std::uint32_t>(random() % 50)), more, each);
        calls += more;
        nanos += more * each;
    }
    Sums sums = sums_of(*memory);
    EXPECT_EQ(sums.calls, calls);
    EXPECT_EQ(sums.nanos, nanos);
    EXPECT_EQ(sums.bucketed, calls);
    EXPECT_GT(sums.evicted, 0);
    EXPECT_LE(memory->used(), 50U);
}

TEST(CaptureShard, a_flood_of_queries_that_come_once_leaves_the_others_alone) {
    Memory<Shard> memory({100, 16, 64});
    for (int round = 0; round < 20; ++round)
        for (std::uint64_t query = 1; query <= 60; ++query) run(*memory, key_of(query), 1);
    for (std::uint64_t query = 1000; query < 100'000; ++query) {
        run(*memory, key_of(query), 1);
        if (query % 5000 == 0)
            for (std::uint64_t regular = 1; regular <= 60; ++regular) run(*memory, key_of(regular), 1);
    }
    for (std::uint64_t query = 1; query <= 60; ++query) {
        const Entry* entry = memory->find(key_of(query), hash_of(key_of(query)));
        ASSERT_NE(entry, nullptr) << query;
        EXPECT_GE(entry->counters.sums[kCalls], 20 + 19);
    }
}

// Of the calls of one query, how many are in its entry when all others are many, and each comes again.
std::int64_t kept_in_a_crowd(bool folds_at_turns) {
    Memory<Shard> memory({100, 16, 64});
    for (int i = 0; i < 3; ++i) run(*memory, key_of(1), 1);
    std::uint32_t turns = memory->turns();
    std::int64_t calls = 3;
    for (std::uint64_t query = 1000; query < 100'000; ++query) {
        run(*memory, key_of(query), 2);
        if (!folds_at_turns || memory->turns() == turns) continue;
        run(*memory, key_of(1), 1);
        turns = memory->turns();
        ++calls;
    }
    const Entry* entry = memory->find(key_of(1), hash_of(key_of(1)));
    return entry != nullptr && entry->counters.sums[kCalls] == calls ? calls : 0;
}

TEST(CaptureShard, a_query_that_is_folded_each_turn_stays_however_fast_others_go) {
    EXPECT_EQ(kept_in_a_crowd(false), 0);
    EXPECT_GT(kept_in_a_crowd(true), 1000);
}

TEST(CaptureShard, a_rare_report_that_takes_long_stays) {
    Memory<Shard> memory({100, 16, 64});
    run(*memory, key_of(1), 1, 20 * 60 * 1'000'000'000LL);
    for (std::uint64_t query = 1000; query < 100'000; ++query) run(*memory, key_of(query), 1);
    EXPECT_NE(memory->find(key_of(1), hash_of(key_of(1))), nullptr);
}

TEST(CaptureShard, a_query_that_comes_back_soon_is_not_lost_to_the_next_flood) {
    Memory<Shard> memory({100, 16, 64});
    run(*memory, key_of(500), 2);
    for (std::uint64_t query = 1; query <= 105; ++query) run(*memory, key_of(query), 1);
    ASSERT_EQ(memory->find(key_of(1), hash_of(key_of(1))), nullptr);
    run(*memory, key_of(1), 1);
    EXPECT_EQ(memory->returns(), 1);
    for (std::uint64_t query = 1000; query < 2000; ++query) run(*memory, key_of(query), 1);
    EXPECT_NE(memory->find(key_of(1), hash_of(key_of(1))), nullptr);
}

TEST(CaptureShard, what_was_evicted_before_it_was_folded_is_counted) {
    Memory<Shard> memory({20, 16, 64});
    SlabData once = counted(*memory, key_of(1), 1);
    SlabData often = counted(*memory, key_of(2), 7);
    for (std::uint64_t query = 100; query < 200; ++query) run(*memory, key_of(query), 1);
    ASSERT_EQ(memory->at(once.ref), nullptr);
    memory->fold(once);
    memory->fold(often);
    EXPECT_EQ(memory->find(key_of(1), hash_of(key_of(1))), nullptr);
    EXPECT_EQ(memory->find(key_of(2), hash_of(key_of(2)))->counters.sums[kCalls], 7);
    EXPECT_EQ(sums_of(*memory).calls, 108);
}

TEST(CaptureShard, evicted_ones_are_told_apart_by_database_and_role_as_long_as_there_is_room) {
    Memory<Shard> memory({10, 16, 64});
    for (std::uint32_t role = 1; role <= 200; ++role)
        for (std::uint64_t query = 1; query <= 20; ++query) run(*memory, key_of(query + role * 100, role), 1);
    std::map<std::uint32_t, std::int64_t> evicted;
    memory->each_entry([&](const Entry& entry) {
        if (entry.key.queryid == 0) evicted[entry.key.role] += entry.counters.sums[kCalls];
    });
    EXPECT_EQ(evicted.size(), 1U + Shard::kEvictedPlaces);
    EXPECT_EQ(evicted[1], 20);
    EXPECT_GT(evicted[0], 3000);
    EXPECT_EQ(sums_of(*memory).calls, 4000);
}

TEST(CaptureShard, failures_are_counted_by_sqlstate_and_the_oldest_are_summed_up) {
    Memory<Shard> memory({100, 16, 64});
    for (int i = 0; i < 3; ++i) memory->note_failure(key_of(1), 57014, 1000, i, {});
    memory->note_failure(key_of(1), 40001, 500, 9, {});
    std::int64_t all = 0;
    for (std::uint64_t query = 2; query < 1000; ++query) {
        memory->note_failure(key_of(query), 57014, 1, 10, {});
        if (query % 3 == 0) memory->note_failure(key_of(1), 57014, 1000, 11, {});
    }
    std::int64_t of_one = 0;
    memory->each_failure([&](const Failure& failure) {
        all += failure.count;
        if (failure.key == key_of(1) && failure.sqlstate == 57014) of_one = failure.count;
    });
    EXPECT_EQ(all, 3 + 1 + 998 + 333);
    EXPECT_EQ(of_one, 3 + 333);
}

TEST(CaptureShard, a_failure_has_the_latest_message_that_is_known) {
    Memory<Shard> memory({100, 16, 64});
    auto last = [&] {
        std::string found;
        memory->each_failure([&](const Failure& failure) { found = text_of(failure.message); });
        return found;
    };
    memory->note_failure(key_of(1), 22012, 1, 1, {});
    EXPECT_EQ(last(), "");
    memory->note_failure(key_of(1), 22012, 1, 2, message_of("one"));
    memory->note_failure(key_of(1), 22012, 1, 3, message_of("another"));
    memory->note_failure(key_of(1), 22012, 1, 4, {});
    EXPECT_EQ(last(), "another");
    // Whoever takes the place of one that has to go begins without.
    for (std::uint64_t query = 2; query <= 17; ++query) memory->note_failure(key_of(query), 22012, 1, 5, {});
    memory->each_failure([&](const Failure& failure) { EXPECT_EQ(failure.message.length, 0); });
}

TEST(CaptureShard, a_text_is_kept_once_and_given_back) {
    Memory<Shard> memory({100, 16, 64});
    const std::string text(1000, 'x');
    Entry& first = memory->find_or_make(key_of(1, 10), hash_of(key_of(1, 10)));
    Entry& second = memory->find_or_make(key_of(1, 11), hash_of(key_of(1, 11)));
    EXPECT_FALSE(memory->share_text(first));
    EXPECT_TRUE(memory->give_text(first, {text, 6, true}));
    EXPECT_TRUE(memory->share_text(second));
    EXPECT_EQ(first.text, second.text);
    EXPECT_EQ(memory->texts().blocks_used(), 4U);
    std::string read(1000, ' ');
    memory->texts().read(*second.text, read.data());
    EXPECT_EQ(read, text);
    EXPECT_EQ(memory->erase({0, 0, 10}), 1U);
    EXPECT_EQ(memory->texts().blocks_used(), 4U);
    EXPECT_EQ(memory->erase({1, 0, 0}), 1U);
    EXPECT_EQ(memory->texts().blocks_used(), 0U);
}

TEST(CaptureShard, a_text_without_room_is_refused_and_shorter_ones_go_on) {
    Memory<Shard> memory({100, 16, 8});
    auto give = [&](std::uint64_t query, std::size_t bytes) {
        return memory->give_text(memory->find_or_make(key_of(query), hash_of(key_of(query))),
                                 {std::string(bytes, 'x'), 6, false});
    };
    EXPECT_TRUE(give(1, 6 * TextArena::kPayload));
    EXPECT_FALSE(give(2, 3 * TextArena::kPayload));
    EXPECT_TRUE(give(3, 2 * TextArena::kPayload));
    EXPECT_FALSE(give(4, 1));
    EXPECT_TRUE(give(5, 0));
}

TEST(CaptureShard, a_reset_is_of_what_it_names) {
    Memory<Shard> memory({100, 16, 64});
    for (std::uint32_t role = 1; role <= 3; ++role)
        for (std::uint64_t query = 1; query <= 4; ++query) {
            run(*memory, key_of(query, role), 2);
            memory->note_failure(key_of(query, role), 57014, 1, 1, {});
        }
    EXPECT_EQ(memory->erase({2, 0, 0}), 3U);
    EXPECT_EQ(memory->erase({0, 5, 1}), 3U);
    EXPECT_EQ(memory->erase({0, 6, 0}), 0U);
    int failures = 0;
    memory->each_failure([&](const Failure&) { ++failures; });
    EXPECT_EQ(failures, 6);
    EXPECT_EQ(sums_of(*memory).calls, 12);
    EXPECT_EQ(memory->erase({}), 6U);
    EXPECT_EQ(sums_of(*memory).calls, 0);
}

}  // namespace
