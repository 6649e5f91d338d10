// SPDX-License-Identifier: PostgreSQL
//
// What a partition key measures. Every key that pg_steward can walk along is mapped to a position: a 128-bit integer on
// one of three axes. A codec knows how a position is written as a value of the key's type, and reads it back.
//
//   instant      microseconds since 1970 UTC: timestamptz, epoch numbers, uuidv7, ULID, Snowflake, ObjectId, functions
//   wall_clock   microseconds since 1970 on the wall clock: date, timestamp
//   number       the number itself, times 10^scale: smallint, integer, bigint, numeric
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace steward::partition {

using Position = base::Int128;

enum class Axis { instant, wall_clock, number };

enum class CodecKind {
    date,
    timestamp,
    timestamptz,
    integer,  // smallint, integer, bigint; `max_number` bounds it
    numeric,
    epoch_s,
    epoch_ms,
    epoch_us,
    epoch_ns,
    uuidv7,
    ulid,       // 26 characters of Crockford's base 32
    snowflake,  // milliseconds since the codec's epoch, shifted left by 22 bits
    objectid,   // 24 hexadecimal digits, seconds since 1970 in the first 8
    functions,  // text, by the user's encode(timestamptz) and decode(text); only the edge can call them
};

inline constexpr std::int64_t kTwitterEpochMs = 1'288'834'974'657;

struct Codec {
    CodecKind kind = CodecKind::timestamptz;
    std::int64_t epoch_ms = kTwitterEpochMs;  // snowflake: milliseconds between 1970 and its epoch
    int scale = 0;                            // numeric: digits behind the point
    // integer and the keys that are integers underneath (epoch, Snowflake): the key type's smallest and largest value
    Position min_number = std::numeric_limits<std::int64_t>::min();
    Position max_number = std::numeric_limits<std::int64_t>::max();

    Axis axis() const;
};

std::string_view codec_name(CodecKind kind);
std::optional<CodecKind> codec_from_name(std::string_view name);

// A key value as text of its type's canonical output, decoded. `exact` is false when the value lies behind the position
// (a uuid with random bits set, a Snowflake with a sequence): the position is then the last one not after the value.
struct Decoded {
    Position position = 0;
    bool exact = true;
};

// `raw` is the canonical text for number and text-like types ("42", "0190163d-8694-...", "01J..."); for date, timestamp
// and timestamptz the edge hands over microseconds since 1970 as decimal text. Fails with 22P02 on what is no such
// value, 22008 on infinity (the edge treats such bounds as MINVALUE and MAXVALUE before it comes here). Integers decode
// to positions far beyond the range of timestamps; only encode() and the grid refuse those.
base::Result<Decoded> decode(const Codec& codec, std::string_view raw);

// The smallest key value at this position, as an SQL string literal without its quotes ('2025-01-01 00:00:00+00',
// '42', '0190163d-8694-0000-0000-000000000000' ...). `zone` says in which offset instants are printed. Positions that
// lie between two values of the key are rounded up to the next one. Fails with 22003/22008 when the key's type cannot
// hold it. CodecKind::functions is encoded at the edge and fails here with 0A000.
base::Result<std::string> encode(const Codec& codec, Position position, const base::Zone& zone);

// The position for people: instants in `zone` with their offset, wall clock without, dates short, numbers plain.
std::string format_position(const Codec& codec, Position position, const base::Zone& zone);

}  // namespace steward::partition
