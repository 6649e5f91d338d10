// SPDX-License-Identifier: PostgreSQL
#include "partition/axis.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "test_zone.hpp"

namespace steward::partition {
namespace {

using base::kMicrosPerDay;
using base::kMicrosPerSecond;
using base::utc;
using test::TestZone;
using test::utc_instant;

Codec codec_of(CodecKind kind) {
    Codec codec;
    codec.kind = kind;
    return codec;
}

std::string written(CodecKind kind, Position position) {
    const auto text = encode(codec_of(kind), position, utc());
    return text ? *text : "failed with " + text.failure().sqlstate;
}

// "position" or "position.." when the value lies behind it.
std::string decoded(const Codec& codec, const std::string& raw) {
    const auto at = decode(codec, raw);
    return at ? base::format_decimal(at->position, 0) + (at->exact ? "" : "..")
              : "failed with " + at.failure().sqlstate;
}

std::string decoded(CodecKind kind, const std::string& raw) { return decoded(codec_of(kind), raw); }

const Position kNewYear = utc_instant(2025, 1, 1).micros;

TEST(PartitionCodec, each_name_leads_back_to_its_codec) {
    for (int kind = 0; kind <= static_cast<int>(CodecKind::functions); ++kind) {
        const auto codec = static_cast<CodecKind>(kind);
        EXPECT_EQ(codec_from_name(codec_name(codec)), codec) << kind;
    }
    EXPECT_FALSE(codec_from_name("UUIDV7"));
    EXPECT_FALSE(codec_from_name(""));
}

TEST(PartitionCodec, keys_lie_on_the_axis_of_what_they_measure) {
    EXPECT_EQ(codec_of(CodecKind::date).axis(), Axis::wall_clock);
    EXPECT_EQ(codec_of(CodecKind::timestamp).axis(), Axis::wall_clock);
    EXPECT_EQ(codec_of(CodecKind::numeric).axis(), Axis::number);
    EXPECT_EQ(codec_of(CodecKind::integer).axis(), Axis::number);
    for (const CodecKind kind : {CodecKind::timestamptz, CodecKind::epoch_ns, CodecKind::uuidv7, CodecKind::ulid,
                                 CodecKind::snowflake, CodecKind::objectid, CodecKind::functions}) {
        EXPECT_EQ(codec_of(kind).axis(), Axis::instant) << codec_name(kind);
    }
}

TEST(PartitionCodec, a_new_year_is_written_in_every_kind_of_key) {
    EXPECT_EQ(written(CodecKind::date, kNewYear), "2025-01-01");
    EXPECT_EQ(written(CodecKind::timestamp, kNewYear), "2025-01-01 00:00:00");
    EXPECT_EQ(written(CodecKind::timestamptz, kNewYear), "2025-01-01 00:00:00+00");
    EXPECT_EQ(written(CodecKind::epoch_s, kNewYear), "1735689600");
    EXPECT_EQ(written(CodecKind::epoch_ms, kNewYear), "1735689600000");
    EXPECT_EQ(written(CodecKind::epoch_us, kNewYear), "1735689600000000");
    EXPECT_EQ(written(CodecKind::epoch_ns, kNewYear), "1735689600000000000");
    EXPECT_EQ(written(CodecKind::uuidv7, kNewYear), "01941f29-7c00-0000-0000-000000000000");
    EXPECT_EQ(written(CodecKind::ulid, kNewYear), "01JGFJJZ000000000000000000");
    EXPECT_EQ(written(CodecKind::snowflake, kNewYear), "1874244142494646272");
    EXPECT_EQ(written(CodecKind::objectid, kNewYear), "677485800000000000000000");
    EXPECT_EQ(written(CodecKind::functions, kNewYear), "failed with 0A000");
}

TEST(PartitionCodec, timestamptz_shows_the_offset_of_the_sets_zone) {
    const TestZone berlin("Europe/Berlin");
    const Codec codec = codec_of(CodecKind::timestamptz);
    EXPECT_EQ(*encode(codec, kNewYear - 3600 * kMicrosPerSecond, berlin), "2025-01-01 00:00:00+01");
    EXPECT_EQ(*encode(codec, utc_instant(2025, 6, 30, 22).micros, berlin), "2025-07-01 00:00:00+02");
}

TEST(PartitionCodec, positions_between_two_keys_round_up) {
    EXPECT_EQ(written(CodecKind::date, kNewYear + 1), "2025-01-02");
    EXPECT_EQ(written(CodecKind::date, -1), "1970-01-01");
    EXPECT_EQ(written(CodecKind::date, -kMicrosPerDay - 1), "1969-12-31");
    EXPECT_EQ(written(CodecKind::epoch_s, kNewYear + 1), "1735689601");
    EXPECT_EQ(written(CodecKind::epoch_s, -1), "0");
    EXPECT_EQ(written(CodecKind::epoch_s, -1'000'001), "-1");
    EXPECT_EQ(written(CodecKind::epoch_ms, kNewYear + 1), "1735689600001");
    EXPECT_EQ(written(CodecKind::uuidv7, kNewYear + 1), "01941f29-7c01-0000-0000-000000000000");
    EXPECT_EQ(written(CodecKind::ulid, kNewYear + 1), "01JGFJJZ010000000000000000");
    EXPECT_EQ(written(CodecKind::objectid, kNewYear + 1), "677485810000000000000000");
    EXPECT_EQ(written(CodecKind::snowflake, kNewYear + 1), "1874244142498840576");
}

TEST(PartitionCodec, a_random_identifier_lies_behind_its_millisecond) {
    const std::string at = base::format_decimal(kNewYear, 0);
    EXPECT_EQ(decoded(CodecKind::uuidv7, "01941f29-7c00-0000-0000-000000000000"), at);
    EXPECT_EQ(decoded(CodecKind::uuidv7, "01941f29-7c00-7000-8000-000000000000"), at);
    EXPECT_EQ(decoded(CodecKind::uuidv7, "01941f29-7c00-7000-8000-000000000001"), at + "..");
    EXPECT_EQ(decoded(CodecKind::uuidv7, "01941F29-7C00-7123-9ABC-0123456789AB"), at + "..");
    EXPECT_EQ(decoded(CodecKind::ulid, "01JGFJJZ000000000000000000"), at);
    EXPECT_EQ(decoded(CodecKind::ulid, "01jgfjjz00000000000000000z"), at + "..");
    EXPECT_EQ(decoded(CodecKind::objectid, "677485800000000000000000"), at);
    EXPECT_EQ(decoded(CodecKind::objectid, "67748580000000000000000A"), at + "..");
    EXPECT_EQ(decoded(CodecKind::snowflake, "1874244142494646272"), at);
    EXPECT_EQ(decoded(CodecKind::snowflake, "1874244142494646273"), at + "..");
    EXPECT_EQ(decoded(CodecKind::epoch_ns, "1735689600000000001"), at + "..");
    EXPECT_EQ(decoded(CodecKind::epoch_ns, "-1"), "-1..");
}

TEST(PartitionCodec, the_bound_of_a_millisecond_sorts_before_every_uuid_in_it) {
    const std::string bound = written(CodecKind::uuidv7, kNewYear);
    EXPECT_LT(bound, "01941f29-7c00-7000-8000-000000000000");
    EXPECT_GT(bound, "01941f29-7bff-7fff-bfff-ffffffffffff");
}

TEST(PartitionCodec, what_is_no_key_is_refused) {
    for (const char* raw : {"", "01941f29-7c00-0000-0000-00000000000", "01941f297c0000000000000000000000",
                            "01941f29-7c00-0000-0000-00000000000g", "01941f29-7c00-0000-0000x000000000000",
                            "-1941f29-7c00-0000-0000-000000000000", "{1941f29-7c00-0000-0000-00000000000}"}) {
        EXPECT_EQ(decoded(CodecKind::uuidv7, raw), "failed with 22P02") << raw;
    }
    for (const char* raw : {"", "01JGFJJZ00000000000000000", "01JGFJJZ0000000000000000000",
                            "81JGFJJZ000000000000000000", "01JGFJJZ00000000000000000U", "01IGFJJZ000000000000000000",
                            "01LGFJJZ000000000000000000", "01OGFJJZ000000000000000000", "01uGFJJZ000000000000000000"}) {
        EXPECT_EQ(decoded(CodecKind::ulid, raw), "failed with 22P02") << raw;
    }
    EXPECT_EQ(decoded(CodecKind::objectid, "67748580000000000000000"), "failed with 22P02");
    EXPECT_EQ(decoded(CodecKind::objectid, "67748580000000000000000x"), "failed with 22P02");
    EXPECT_EQ(decoded(CodecKind::integer, "12.5"), "failed with 22P02");
    EXPECT_EQ(decoded(CodecKind::snowflake, "x"), "failed with 22P02");
    EXPECT_EQ(decoded(CodecKind::numeric, "NaN"), "failed with 22P02");
    EXPECT_EQ(decoded(CodecKind::functions, "x"), "failed with 0A000");
}

TEST(PartitionCodec, hostile_text_is_not_repeated_whole) {
    const auto failed = decode(codec_of(CodecKind::ulid), std::string(100'000, 'x'));
    ASSERT_FALSE(failed);
    EXPECT_LT(failed.failure().message.size(), 200u);
}

TEST(PartitionCodec, infinity_has_no_place_on_the_axis) {
    for (const CodecKind kind : {CodecKind::date, CodecKind::timestamp, CodecKind::timestamptz, CodecKind::numeric}) {
        for (const char* raw : {"infinity", "-infinity", "Infinity", "-Infinity"}) {
            EXPECT_EQ(decoded(kind, raw), "failed with 22008") << codec_name(kind) << raw;
        }
    }
}

TEST(PartitionCodec, numbers_keep_their_scale) {
    Codec codec = codec_of(CodecKind::numeric);
    codec.scale = 2;
    EXPECT_EQ(decoded(codec, "-12.5"), "-1250");
    EXPECT_EQ(*encode(codec, -1250, utc()), "-12.5");
    EXPECT_EQ(format_position(codec, 25, utc()), "0.25");
    codec.kind = CodecKind::integer;
    EXPECT_EQ(format_position(codec, 25, utc()), "25");
    EXPECT_EQ(*encode(codec, 25, utc()), "25");
}

TEST(PartitionCodec, what_is_written_can_be_read_again_up_to_the_last_digit) {
    const Position last = *base::parse_decimal(std::string(38, '9'), 0);
    EXPECT_EQ(written(CodecKind::numeric, last), std::string(38, '9'));
    EXPECT_EQ(written(CodecKind::numeric, last + 1), "failed with 22003");
}

TEST(PartitionCodec, a_bound_outside_the_keys_type_is_named_with_its_range) {
    Codec codec = codec_of(CodecKind::integer);
    codec.min_number = std::numeric_limits<std::int32_t>::min();
    codec.max_number = std::numeric_limits<std::int32_t>::max();
    EXPECT_EQ(*encode(codec, 2147483647, utc()), "2147483647");
    const auto failed = encode(codec, Position{2147483648}, utc());
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.failure().sqlstate, "22003");
    EXPECT_EQ(failed.failure().message, "partition bound 2147483648 is out of range for the key");
    EXPECT_EQ(failed.failure().detail, "The key holds whole numbers from -2147483648 to 2147483647.");
    codec.kind = CodecKind::epoch_s;
    EXPECT_FALSE(encode(codec, utc_instant(2038, 1, 20).micros, utc()));
    EXPECT_TRUE(encode(codec, utc_instant(2038, 1, 19).micros, utc()));
}

TEST(PartitionCodec, a_codec_that_nobody_bounded_holds_a_bigint) {
    EXPECT_EQ(written(CodecKind::integer, std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
    EXPECT_EQ(written(CodecKind::integer, Position{std::numeric_limits<std::int64_t>::max()} + 1), "failed with 22003");
    EXPECT_EQ(written(CodecKind::epoch_ns, utc_instant(2263, 1, 1).micros), "failed with 22003");
}

TEST(PartitionCodec, identifiers_hold_neither_times_before_their_epoch_nor_past_their_bits) {
    const Position last = ((Position{1} << 48) - 1) * 1000;
    EXPECT_EQ(written(CodecKind::uuidv7, last), "ffffffff-ffff-0000-0000-000000000000");
    EXPECT_EQ(written(CodecKind::ulid, last), "7ZZZZZZZZZ0000000000000000");
    EXPECT_EQ(written(CodecKind::objectid, Position{4294967295} * kMicrosPerSecond), "ffffffff0000000000000000");
    EXPECT_EQ(written(CodecKind::objectid, Position{4294967296} * kMicrosPerSecond), "failed with 22003");
    EXPECT_EQ(written(CodecKind::snowflake, Position{kTwitterEpochMs} * 1000), "0");
    EXPECT_EQ(written(CodecKind::snowflake, Position{kTwitterEpochMs} * 1000 - 1000), "failed with 22003");
    EXPECT_EQ(written(CodecKind::snowflake, utc_instant(2090, 1, 1).micros), "failed with 22003");
    for (const CodecKind kind : {CodecKind::uuidv7, CodecKind::ulid}) {
        EXPECT_EQ(written(kind, last + 1), "failed with 22003");
        EXPECT_EQ(written(kind, 0).substr(0, 8), "00000000");
        EXPECT_EQ(written(kind, -1000), "failed with 22003");
    }
    Codec discord = codec_of(CodecKind::snowflake);
    discord.epoch_ms = 1'420'070'400'000;
    EXPECT_EQ(*encode(discord, utc_instant(2015, 1, 1).micros + 1'000'000, utc()), "4194304000");
}

TEST(PartitionCodec, timestamps_end_where_the_calendar_of_the_server_ends) {
    for (const CodecKind kind : {CodecKind::date, CodecKind::timestamp, CodecKind::timestamptz}) {
        EXPECT_EQ(written(kind, base::kEndMicros), "failed with 22008");
        EXPECT_EQ(written(kind, Position{base::kMinMicros} - 1), "failed with 22008");
        EXPECT_EQ(written(kind, std::numeric_limits<std::int64_t>::max()), "failed with 22008");
        EXPECT_EQ(written(kind, base::checked_mul(std::numeric_limits<std::int64_t>::max(), 1'000'000).value()),
                  "failed with 22008");
    }
    const Position lowest = -(((Position{1} << 126) - 1) * 2 + 1);
    for (int kind = 0; kind <= static_cast<int>(CodecKind::functions); ++kind) {
        EXPECT_EQ(written(static_cast<CodecKind>(kind), lowest).substr(0, 12), "failed with ") << kind;
    }
    EXPECT_EQ(written(CodecKind::date, base::kMinMicros), "4714-11-24 BC");
    EXPECT_EQ(written(CodecKind::date, base::kEndMicros - 1), "failed with 22008");
}

TEST(PartitionCodec, integers_far_beyond_the_calendar_still_have_a_position) {
    const std::string last = "9223372036854775807";
    EXPECT_EQ(decoded(CodecKind::epoch_s, last), last + "000000");
    EXPECT_EQ(decoded(CodecKind::epoch_ms, last), last + "000");
    EXPECT_EQ(
        format_position(codec_of(CodecKind::epoch_s), decode(codec_of(CodecKind::epoch_s), last)->position, utc()),
        last + "000000 us");
    EXPECT_EQ(decoded(CodecKind::snowflake, "-1"), base::format_decimal((kTwitterEpochMs - 1) * 1000, 0) + "..");
}

TEST(PartitionCodec, people_see_times_instead_of_identifiers) {
    const TestZone berlin("Europe/Berlin");
    for (const CodecKind kind : {CodecKind::uuidv7, CodecKind::epoch_ms, CodecKind::functions}) {
        EXPECT_EQ(format_position(codec_of(kind), kNewYear, berlin), "2025-01-01 01:00:00+01");
    }
    EXPECT_EQ(format_position(codec_of(CodecKind::date), kNewYear, berlin), "2025-01-01");
    EXPECT_EQ(format_position(codec_of(CodecKind::date), kNewYear + 1, berlin), "2025-01-01 00:00:00.000001");
    EXPECT_EQ(format_position(codec_of(CodecKind::timestamp), kNewYear, berlin), "2025-01-01 00:00:00");
}

}  // namespace
}  // namespace steward::partition
