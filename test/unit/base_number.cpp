// SPDX-License-Identifier: PostgreSQL
#include "base/number.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

namespace steward::base {
namespace {

constexpr Int128 kMax = ((static_cast<Int128>(1) << 126) - 1) * 2 + 1;
constexpr Int128 kMin = -kMax - 1;
constexpr Int128 kTwo64 = static_cast<Int128>(1) << 64;

Int128 parsed(std::string_view text, int scale) {
    const auto result = parse_decimal(text, scale);
    EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.failure().message);
    return result.ok() ? *result : kMin;
}

std::string sqlstate(std::string_view text, int scale) {
    const auto result = parse_decimal(text, scale);
    return result.ok() ? "none" : result.failure().sqlstate;
}

TEST(BaseNumber, addition_and_subtraction_say_when_they_overflow) {
    EXPECT_EQ(checked_add(2, 3), Int128{5});
    EXPECT_EQ(checked_add(kMax, 0), kMax);
    EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
    EXPECT_EQ(checked_add(kMin, -1), std::nullopt);
    EXPECT_EQ(checked_sub(kMin, 1), std::nullopt);
    EXPECT_EQ(checked_sub(-1, kMin), kMax);
    EXPECT_EQ(checked_sub(0, kMin), std::nullopt);
}

TEST(BaseNumber, multiplication_says_when_it_overflows) {
    EXPECT_EQ(checked_mul(-7, 6), Int128{-42});
    EXPECT_EQ(checked_mul(kMax, 0), Int128{0});
    EXPECT_EQ(checked_mul(kTwo64, kTwo64 / 4), (kMax / 2 + 1));
    EXPECT_EQ(checked_mul(kTwo64, kTwo64 / 2), std::nullopt);
    EXPECT_EQ(checked_mul(kTwo64, -kTwo64 / 2), kMin);
    EXPECT_EQ(checked_mul(kMin, 1), kMin);
    EXPECT_EQ(checked_mul(kMin, -1), std::nullopt);
    EXPECT_EQ(checked_mul(-1, kMin), std::nullopt);
    EXPECT_EQ(checked_mul(kMax, -1), -kMax);
    EXPECT_EQ(checked_mul(kMax, 2), std::nullopt);
    EXPECT_EQ(checked_mul(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::min()),
              static_cast<Int128>(1) << 126);
}

TEST(BaseNumber, division_rounds_towards_minus_infinity) {
    EXPECT_EQ(floor_div(7, 2), 3);
    EXPECT_EQ(floor_div(-7, 2), -4);
    EXPECT_EQ(floor_div(-8, 2), -4);
    EXPECT_EQ(floor_div(0, 5), 0);
    EXPECT_EQ(floor_div(-1, kMax), -1);
    EXPECT_EQ(floor_div(kMin, 1), kMin);
}

TEST(BaseNumber, scale_counts_digits_behind_the_point_without_trailing_zeros) {
    EXPECT_EQ(decimal_scale("12"), 0);
    EXPECT_EQ(decimal_scale("-12.50"), 1);
    EXPECT_EQ(decimal_scale("0.25"), 2);
    EXPECT_EQ(decimal_scale("3.000"), 0);
    EXPECT_EQ(decimal_scale("0.0001"), 4);
    EXPECT_EQ(decimal_scale("1e5"), 0);
}

TEST(BaseNumber, reads_decimals_exactly) {
    EXPECT_EQ(parsed("-12.5", 2), -1250);
    EXPECT_EQ(parsed("12.50", 1), 125);
    EXPECT_EQ(parsed("0", 5), 0);
    EXPECT_EQ(parsed("-0", 0), 0);
    EXPECT_EQ(parsed("+7", 0), 7);
    EXPECT_EQ(parsed("007", 0), 7);
    EXPECT_EQ(parsed(".5", 1), 5);
    EXPECT_EQ(parsed("5.", 0), 5);
    EXPECT_EQ(parsed("3.000", 0), 3);
    EXPECT_EQ(parsed("9223372036854775808", 0), Int128{std::numeric_limits<std::int64_t>::max()} + 1);
    EXPECT_EQ(format_decimal(parsed("99999999999999999999999999999999999999", 0), 0),
              "99999999999999999999999999999999999999");
    EXPECT_EQ(parsed("0" + std::string(200, '0') + "1", 0), 1);
}

TEST(BaseNumber, refuses_what_is_no_plain_decimal) {
    for (const char* text : {"", "-", "+", ".", "-.", "1e5", "NaN", "Infinity", "1 ", " 1", "1,000", "1.2.3", "0x10",
                             "--1", "1_000", "\xd9\xa1"}) {
        EXPECT_EQ(sqlstate(text, 3), "22P02") << text;
    }
    EXPECT_EQ(sqlstate(std::string_view("1\0", 2), 0), "22P02");
}

TEST(BaseNumber, refuses_what_does_not_fit) {
    EXPECT_EQ(sqlstate("0.125", 2), "22003");
    EXPECT_EQ(sqlstate("0.5", 0), "22003");
    EXPECT_EQ(sqlstate("100000000000000000000000000000000000000", 0), "22003");  // 39 digits
    EXPECT_EQ(sqlstate("1", 38), "22003");
    EXPECT_EQ(sqlstate("1", 1'000'000), "22003");
    EXPECT_EQ(sqlstate(std::string(100'000, '9'), 0), "22003");
    EXPECT_EQ(sqlstate("1", 37), "none");
    EXPECT_EQ(sqlstate("0", 1'000'000), "none");
}

TEST(BaseNumber, an_error_repeats_only_the_beginning_of_a_long_text) {
    const auto result = parse_decimal(std::string(100'000, 'x'), 0);
    ASSERT_FALSE(result.ok());
    EXPECT_LT(result.failure().message.size(), 200U);
}

TEST(BaseNumber, writes_decimals_without_trailing_zeros_and_exponents) {
    EXPECT_EQ(format_decimal(-1250, 2), "-12.5");
    EXPECT_EQ(format_decimal(1200, 2), "12");
    EXPECT_EQ(format_decimal(5, 2), "0.05");
    EXPECT_EQ(format_decimal(-5, 3), "-0.005");
    EXPECT_EQ(format_decimal(0, 0), "0");
    EXPECT_EQ(format_decimal(0, 4), "0");
    EXPECT_EQ(format_decimal(1'000'000, 0), "1000000");
    EXPECT_EQ(format_decimal(100, 4), "0.01");
    EXPECT_EQ(format_decimal(kMin, 0), "-170141183460469231731687303715884105728");
    EXPECT_EQ(format_decimal(kMax, 38), "1.70141183460469231731687303715884105727");
}

TEST(BaseNumber, what_is_written_is_read_back) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 20'000; ++i) {
        const int scale = static_cast<int>(random() % 39);
        const Int128 value = (static_cast<Int128>(random()) << 64 | random()) >> (2 + random() % 120);
        const std::string text = format_decimal(value, scale);
        ASSERT_EQ(parsed(text, scale), value) << text;
        ASSERT_LE(decimal_scale(text), scale);
    }
}

TEST(BaseNumber, products_agree_with_division) {
    std::mt19937_64 random(2);
    for (int i = 0; i < 20'000; ++i) {
        const auto any = [&] { return (static_cast<Int128>(random()) << 64 | random()) >> (random() % 127); };
        const Int128 a = any();
        const Int128 b = any();
        const auto product = checked_mul(a, b);
        if (product && b != 0) {
            ASSERT_EQ(*product / b, a);
            ASSERT_EQ(*product % b, 0);
        } else if (b != 0) {
            const double size = static_cast<double>(a) * static_cast<double>(b);
            ASSERT_GT(size < 0 ? -size : size, 1.7e38);
        }
    }
}

}  // namespace
}  // namespace steward::base
