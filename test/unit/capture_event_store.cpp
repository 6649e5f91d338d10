// SPDX-License-Identifier: PostgreSQL
#include "capture/event_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "capture_memory.hpp"

namespace {

using namespace steward::capture;

constexpr std::int64_t kSecond = 1'000'000'000;

Key key_of(std::uint64_t query) { return {query, 5, 10, true}; }

class CaptureEvents : public ::testing::Test {
protected:
    bool add(std::uint64_t query, std::int64_t nanos, std::size_t bytes = 300) {
        EventFacts facts{};
        facts.key = key_of(query);
        facts.sums[kTotalNs] = nanos;
        return store->add(facts, std::string(bytes, 'x'));
    }
    // Those of one query, as first, worst and latest, and all of it in rising order.
    struct Held {
        std::int64_t first = 0;
        std::int64_t worst = 0;
        std::int64_t latest = 0;
        std::multiset<std::int64_t> all;
    };
    Held held(std::uint64_t query) {
        Held found;
        std::vector<EventStore::Ref> refs(store->most_events());
        refs.resize(store->list(refs.data()));
        for (EventStore::Ref ref : refs) {
            SlowEvent* event = store->at(ref);
            if (event->facts.key != key_of(query)) continue;
            std::int64_t nanos = event->facts.duration();
            found.all.insert(nanos);
            if (event->query == nullptr) continue;
            if (event->query->first == event) found.first = nanos;
            if (event->query->worst == event) found.worst = nanos;
            if (event->query->latest == event) found.latest = nanos;
        }
        return found;
    }
    EventStore::Admission ask(std::uint64_t query, std::int64_t nanos, std::int64_t now) {
        return store->admit(key_of(query), nanos, now);
    }

    Memory<EventStore> store{EventStore::Size{40, 200}};
};

TEST_F(CaptureEvents, what_is_added_can_be_read) {
    EventFacts facts{};
    facts.key = key_of(1);
    facts.sqlstate = 7;
    ASSERT_TRUE(store->add(facts, "some texts"));
    EventStore::Ref ref{};
    ASSERT_EQ(store->used(), 1U);
    std::vector<EventStore::Ref> refs(store->most_events());
    ASSERT_EQ(store->list(refs.data()), 1U);
    ref = refs[0];
    std::vector<char> buffer(EventWriter::kMostBytes);
    EXPECT_EQ(store->read(*store->at(ref), buffer.data()), "some texts");
    EXPECT_EQ(store->at(ref)->facts.sqlstate, 7);
    EXPECT_EQ(store->at({ref.number + 1, ref.index}), nullptr);
}

TEST_F(CaptureEvents, first_worst_and_latest_outlive_the_others) {
    for (int round = 0; round < 200; ++round) add(1, round == 0 ? 50 : round == 7 ? 999 : 100 + round);
    Held one = held(1);
    EXPECT_EQ(one.first, 50);
    EXPECT_EQ(one.worst, 999);
    EXPECT_EQ(one.latest, 299);
    EXPECT_EQ(one.all.size(), 40U);
    EXPECT_EQ(*std::next(one.all.begin()), 299 - 37) << "the others are the latest";
    EXPECT_EQ(store->dropped(), 160U);
}

TEST_F(CaptureEvents, one_query_does_not_push_out_another) {
    add(2, 70);
    for (int round = 0; round < 1000; ++round) add(1, 100);
    EXPECT_EQ(held(2).first, 70);
}

TEST_F(CaptureEvents, when_all_are_of_queries_the_one_slow_least_recently_goes) {
    for (std::uint64_t query = 1; query <= 40; ++query) add(query, 100);
    add(1, 90);
    EXPECT_TRUE(held(2).all.empty());
    EXPECT_EQ(held(1).all.size(), 2U);
    EXPECT_EQ(held(3).all.size(), 1U);
}

TEST_F(CaptureEvents, a_large_one_takes_the_room_of_several) {
    for (int round = 0; round < 40; ++round) ASSERT_TRUE(add(1, 100 + round));
    ASSERT_TRUE(add(3, 5, 30'000));
    EXPECT_EQ(held(3).latest, 5);
    EXPECT_EQ(held(1).first, 100);
    EXPECT_FALSE(add(4, 5, 60'000)) << "larger than all there is";
    EXPECT_EQ(store->used(), 0U);
    EXPECT_TRUE(add(4, 5));
}

TEST_F(CaptureEvents, of_a_query_so_many_are_admitted_at_once_and_then_at_intervals) {
    std::int64_t now = 1000 * kSecond;
    int admitted = 0;
    for (int i = 0; i < 100; ++i) admitted += ask(1, 100, now).is_admitted;
    EXPECT_EQ(admitted, EventStore::kQueryRate.burst);
    EventStore::Admission refused = ask(1, 100, now);
    EXPECT_EQ(refused.pause_until, now + EventStore::kQueryRate.interval);
    EXPECT_FALSE(ask(1, 100, refused.pause_until - 1).is_admitted);
    EXPECT_TRUE(ask(1, 100, refused.pause_until).is_admitted);
    EXPECT_FALSE(ask(1, 100, refused.pause_until).is_admitted);
    EXPECT_TRUE(ask(2, 100, now).is_admitted) << "others are not concerned";
}

TEST_F(CaptureEvents, one_worse_than_all_so_far_is_admitted_at_any_time_but_not_each_that_is_a_little_worse) {
    std::int64_t now = 1000 * kSecond;
    while (ask(1, 1000, now).is_admitted) {
    }
    std::int64_t worth = ask(1, 1000, now).worth;
    EXPECT_FALSE(ask(1, worth - 1, now).is_admitted);
    EXPECT_TRUE(ask(1, worth, now).is_admitted);
    int admitted = 0;
    for (std::int64_t nanos = 2000; nanos < 2'000'000; nanos += 10) admitted += ask(1, nanos, now).is_admitted;
    EXPECT_LT(admitted, 40);
}

TEST_F(CaptureEvents, of_all_queries_together_so_many_are_admitted) {
    std::int64_t now = 1000 * kSecond;
    int admitted = 0;
    for (std::uint64_t query = 1; query < 10'000; ++query) admitted += ask(query, 100, now).is_admitted;
    EXPECT_EQ(admitted, EventStore::kTotalRate.burst);
    EventStore::Admission refused = ask(20'000, 100, now);
    EXPECT_FALSE(ask(20'000, 100, refused.all_pause_until - 1).is_admitted);
    EXPECT_TRUE(ask(20'000, 100, refused.all_pause_until).is_admitted);
}

TEST_F(CaptureEvents, a_reset_takes_those_it_names) {
    for (std::uint64_t query = 1; query <= 3; ++query)
        for (int round = 0; round < 5; ++round) add(query, 100 + round);
    EXPECT_EQ(store->erase(2, 0, 0), 5U);
    EXPECT_EQ(store->used(), 10U);
    EXPECT_EQ(store->erase(0, 6, 0), 0U);
    EXPECT_EQ(store->erase(0, 5, 10), 10U);
    EXPECT_EQ(store->blocks_used(), 0U);
    EXPECT_EQ(store->dropped(), 0U);
}

TEST_F(CaptureEvents, it_takes_no_more_memory_than_it_is_given) {
    for (std::size_t bytes : {std::size_t{256} * 1024, std::size_t{8} << 20, std::size_t{1} << 30}) {
        EventStore::Size size = EventStore::size_for(bytes);
        EXPECT_LE(EventStore::bytes(size), bytes + 1024);
        EXPECT_GE(size.blocks * TextArena::kPayload, EventWriter::kMostBytes) << "any event fits";
    }
}

TEST(CaptureEventTexts, come_back_as_they_were_put) {
    static EventWriter writer;
    writer.begin();
    writer.put("SELECT 1");
    writer.put_null();
    writer.put("");
    std::memcpy(writer.place(), "xyz", 3);
    writer.put_written(3);
    EventTexts texts;
    std::string bytes(writer.done());
    ASSERT_TRUE(read_texts(bytes, texts));
    EXPECT_EQ(texts.texts[kQueryText], "SELECT 1");
    EXPECT_EQ(texts.texts[kParametersText], std::nullopt);
    EXPECT_EQ(texts.texts[kPlanText], "");
    EXPECT_EQ(texts.texts[kTagsText], "xyz");
    EXPECT_EQ(texts.texts[kClientText], std::nullopt);
    EXPECT_FALSE(read_texts(bytes.substr(0, bytes.size() - 1), texts));
    EXPECT_FALSE(read_texts("short", texts));
}

}  // namespace
