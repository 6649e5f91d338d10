// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <array>

#include "schedule/errand.hpp"

namespace steward::schedule {
namespace {

constexpr std::int64_t kSecond = base::kMicrosPerSecond;

struct Book {
    std::array<Errand, 4> errands{};
    bool ask(std::uint32_t object, std::int64_t at) {
        return ask_errand(errands.data(), 4, 1, object, {at * kSecond}, {at * kSecond});
    }
    bool ask_later(std::uint32_t object, std::int64_t at, std::int64_t earliest) {
        return ask_errand(errands.data(), 4, 1, object, {at * kSecond}, {earliest * kSecond});
    }
    int due(std::int64_t at) { return due_errand(errands.data(), 4, {at * kSecond}); }
    Errand& run(std::int64_t at) {
        Errand& errand = errands.at(static_cast<std::size_t>(due(at)));
        errand.state = Errand::State::running;
        return errand;
    }
};

TEST(Errand, OneWaitsHoweverManyAsk) {
    Book book;
    EXPECT_TRUE(book.ask(7, 10));
    EXPECT_FALSE(book.ask(7, 10));
    book.run(10);
    EXPECT_EQ(book.due(10), -1);
}

TEST(Errand, WhoAsksWhileItRunsLetsItRunOnceMore) {
    Book book;
    book.ask(7, 10);
    Errand& errand = book.run(10);
    EXPECT_FALSE(book.ask(7, 10));
    end_errand(errand, ErrandEnd::useful, {11 * kSecond});
    EXPECT_EQ(book.due(11), -1) << "not at once";
    end_errand(book.run(12), ErrandEnd::useful, {12 * kSecond});
    EXPECT_FALSE(next_errand(book.errands.data(), 4));
}

TEST(Errand, BeginsWhenItIsToAndNotLaterForThoseWhoAskAgain) {
    Book book;
    EXPECT_TRUE(book.ask_later(7, 10, 15));
    EXPECT_FALSE(book.ask_later(7, 13, 18));
    EXPECT_EQ(book.due(14), -1);
    end_errand(book.run(15), ErrandEnd::useful, {15 * kSecond});
    EXPECT_TRUE(book.ask_later(7, 20, 25));
    EXPECT_EQ(book.due(24), -1);
    EXPECT_EQ(book.due(25), 0);
}

TEST(Errand, UselessOnesComeBackMoreAndMoreRarely) {
    Book book;
    std::int64_t at = 0;
    std::int64_t longest = 0;
    for (int i = 0; i < 20; ++i) {
        book.ask(7, at);
        std::int64_t begin = at;
        while (book.due(at) < 0) ++at;
        EXPECT_GE(at - begin, longest);
        longest = at - begin;
        end_errand(book.run(at), ErrandEnd::idle, {at * kSecond});
    }
    EXPECT_EQ(longest, 256);
    book.ask(7, at);
    end_errand(book.run(at + 256), ErrandEnd::useful, {at * kSecond});
    EXPECT_TRUE(book.ask(7, at)) << "one that is useful again makes good for the others";
    EXPECT_EQ(book.due(at + 1), 0);
}

TEST(Errand, BlockedOnesAreTriedAgainByThemselves) {
    Book book;
    book.ask(7, 10);
    end_errand(book.run(10), ErrandEnd::blocked, {10 * kSecond});
    EXPECT_EQ(book.due(10), -1);
    ASSERT_TRUE(next_errand(book.errands.data(), 4));
    EXPECT_EQ(book.due(11), 0);
}

TEST(Errand, FailedOnesAreTriedAgainUntilTheyAreGivenUp) {
    Book book;
    book.ask(7, 0);
    int tries = 0;
    std::int64_t at = 0;
    for (; book.due(at) >= 0; at = next_errand(book.errands.data(), 4).value_or(base::Instant{0}).micros / kSecond) {
        end_errand(book.run(at), ErrandEnd::failed, {at * kSecond});
        if (++tries > 100) break;
    }
    EXPECT_EQ(tries, kMostErrandDoublings + 1);
    EXPECT_TRUE(book.ask(7, 1000)) << "the next hit lets it be tried once more";
    EXPECT_EQ(book.due(1000), 0);
}

TEST(Errand, WithoutRoomTheRequestIsForgotten) {
    Book book;
    for (std::uint32_t object = 1; object <= 4; ++object) EXPECT_TRUE(book.ask(object, 10));
    EXPECT_FALSE(book.ask(5, 10));
    end_errand(book.run(10), ErrandEnd::useful, {10 * kSecond});
    EXPECT_TRUE(book.ask(5, 12)) << "one that rests makes room";
}

}  // namespace
}  // namespace steward::schedule
