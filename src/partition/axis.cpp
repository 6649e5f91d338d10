// SPDX-License-Identifier: PostgreSQL
#include "partition/axis.hpp"

#include <array>
#include <utility>

#include "base/text.hpp"
#include "partition/codec_ids.hpp"

namespace steward::partition {

namespace {

using base::Failure;
using base::Result;

constexpr Position kMicrosPerMilli = 1000;
constexpr Position kNanosPerMicro = 1000;
constexpr std::size_t kShownBytes = 64;

constexpr std::array<std::pair<CodecKind, std::string_view>, 14> kCodecNames = {{
    {CodecKind::date, "date"},
    {CodecKind::timestamp, "timestamp"},
    {CodecKind::timestamptz, "timestamptz"},
    {CodecKind::integer, "integer"},
    {CodecKind::numeric, "numeric"},
    {CodecKind::epoch_s, "epoch_s"},
    {CodecKind::epoch_ms, "epoch_ms"},
    {CodecKind::epoch_us, "epoch_us"},
    {CodecKind::epoch_ns, "epoch_ns"},
    {CodecKind::uuidv7, "uuidv7"},
    {CodecKind::ulid, "ulid"},
    {CodecKind::snowflake, "snowflake"},
    {CodecKind::objectid, "objectid"},
    {CodecKind::functions, "functions"},
}};

Failure unreadable(const Codec& codec, std::string_view raw) {
    const std::string_view shown = base::cut_utf8(raw, kShownBytes);
    return Failure{base::kInvalidTextRepresentation,
                   fmt::format("cannot read \"{}{}\" as a partition bound of type {}", shown,
                               shown.size() < raw.size() ? "..." : "", codec_name(codec.kind)),
                   {},
                   {}};
}

bool is_infinity(std::string_view raw) {
    if (!raw.empty() && (raw[0] == '-' || raw[0] == '+')) {
        raw.remove_prefix(1);
    }
    return raw == "infinity" || raw == "Infinity" || raw == "inf";
}

Failure out_of_range(std::string_view sqlstate, std::string_view value, std::string detail) {
    return Failure{std::string(sqlstate),
                   fmt::format("partition bound {} is out of range for the key", value),
                   std::move(detail),
                   {}};
}

Position ceil_div(Position dividend, Position divisor) {
    const Position floor = base::floor_div(dividend, divisor);
    return dividend % divisor == 0 ? floor : floor + 1;
}

bool is_timestamp(Position position) { return position >= base::kMinMicros && position < base::kEndMicros; }

// How many microseconds one unit of an epoch key has; 0 for nanoseconds and for what is no epoch key.
Position micros_per_unit(CodecKind kind) {
    switch (kind) {
    case CodecKind::epoch_s: return base::kMicrosPerSecond;
    case CodecKind::epoch_ms: return kMicrosPerMilli;
    case CodecKind::epoch_us: return 1;
    default: return 0;
    }
}

Result<Decoded> decode_whole(const Codec& codec, std::string_view raw) {
    const Result<Position> number = base::parse_decimal(raw, 0);
    if (!number) {
        return unreadable(codec, raw);
    }
    if (codec.kind == CodecKind::epoch_ns) {
        const Position micros = base::floor_div(*number, kNanosPerMicro);
        return Decoded{micros, micros * kNanosPerMicro == *number};
    }
    if (codec.kind == CodecKind::snowflake) {
        const Position unit = Position{1} << kSnowflakeShift;
        const Position ticks = base::floor_div(*number, unit);
        const std::optional<Position> micros = base::checked_mul(ticks + codec.epoch_ms, kMicrosPerMilli);
        if (!micros) {
            return unreadable(codec, raw);
        }
        return Decoded{*micros, ticks * unit == *number};
    }
    const Position unit = micros_per_unit(codec.kind);
    const std::optional<Position> position = base::checked_mul(*number, unit == 0 ? 1 : unit);
    if (!position) {
        return unreadable(codec, raw);
    }
    return Decoded{*position, true};
}

Result<Decoded> decode_identifier(const Codec& codec, std::string_view raw) {
    const std::optional<Tick> tick = codec.kind == CodecKind::uuidv7 ? read_uuid(raw)
                                     : codec.kind == CodecKind::ulid ? read_ulid(raw)
                                                                     : read_objectid(raw);
    if (!tick) {
        return unreadable(codec, raw);
    }
    const Position unit = codec.kind == CodecKind::objectid ? Position{base::kMicrosPerSecond} : kMicrosPerMilli;
    return Decoded{tick->count * unit, tick->is_first};
}

Result<std::string> encode_time(const Codec& codec, Position position, const base::Zone& zone) {
    Position at = position;
    if (codec.kind == CodecKind::date && is_timestamp(position)) {
        at = ceil_div(position, base::kMicrosPerDay) * base::kMicrosPerDay;
    }
    if (!is_timestamp(at)) {
        return out_of_range(base::kDatetimeOverflow, format_position(codec, position, zone),
                            "Partition bounds lie between 4714-11-24 BC and 294247-01-01.");
    }
    const auto micros = static_cast<std::int64_t>(at);
    switch (codec.kind) {
    case CodecKind::date: return base::format_date(base::LocalTime{micros});
    case CodecKind::timestamp: return base::format_local(base::LocalTime{micros});
    default: return base::format_instant(base::Instant{micros}, zone);
    }
}

Result<std::string> encode_whole(const Codec& codec, Position position) {
    std::optional<Position> value;
    if (codec.kind == CodecKind::epoch_ns) {
        value = base::checked_mul(position, kNanosPerMicro);
    } else if (codec.kind == CodecKind::snowflake) {
        const Position ticks = ceil_div(position, kMicrosPerMilli) - codec.epoch_ms;
        if (ticks < 0) {
            return out_of_range(base::kNumericOutOfRange, format_position(codec, position, base::utc()),
                                fmt::format("The epoch of this Snowflake key is {}.",
                                            format_position(codec, codec.epoch_ms * kMicrosPerMilli, base::utc())));
        }
        value = base::checked_mul(ticks, Position{1} << kSnowflakeShift);
    } else {
        const Position unit = micros_per_unit(codec.kind);
        value = unit == 0 ? position : ceil_div(position, unit);
    }
    if (!value || *value < codec.min_number || *value > codec.max_number) {
        return out_of_range(base::kNumericOutOfRange, base::format_decimal(value.value_or(position), 0),
                            fmt::format("The key holds whole numbers from {} to {}.",
                                        base::format_decimal(codec.min_number, 0),
                                        base::format_decimal(codec.max_number, 0)));
    }
    return base::format_decimal(*value, 0);
}

Result<std::string> encode_numeric(const Codec& codec, Position position) {
    const std::string text = base::format_decimal(position, codec.scale);
    if (!base::parse_decimal(text, codec.scale)) {
        return out_of_range(base::kNumericOutOfRange, text,
                            fmt::format("Partition bounds have at most {} digits.", base::kMaxDecimalDigits));
    }
    return text;
}

Result<std::string> encode_identifier(const Codec& codec, Position position) {
    const bool is_objectid = codec.kind == CodecKind::objectid;
    const Position unit = is_objectid ? Position{base::kMicrosPerSecond} : kMicrosPerMilli;
    const Position ticks = ceil_div(position, unit);
    const std::int64_t last = is_objectid ? kMax32Bits : kMax48Bits;
    if (ticks < 0 || ticks > last) {
        return out_of_range(base::kNumericOutOfRange, format_position(codec, position, base::utc()),
                            fmt::format("A key of type {} holds times from {} to {}.", codec_name(codec.kind),
                                        format_position(codec, 0, base::utc()),
                                        format_position(codec, last * unit, base::utc())));
    }
    const auto tick = static_cast<std::int64_t>(ticks);
    switch (codec.kind) {
    case CodecKind::uuidv7: return write_uuid(tick);
    case CodecKind::ulid: return write_ulid(tick);
    default: return write_objectid(tick);
    }
}

}  // namespace

Axis Codec::axis() const {
    switch (kind) {
    case CodecKind::date:
    case CodecKind::timestamp: return Axis::wall_clock;
    case CodecKind::integer:
    case CodecKind::numeric: return Axis::number;
    default: return Axis::instant;
    }
}

std::string_view codec_name(CodecKind kind) {
    for (const auto& [known, name] : kCodecNames) {
        if (known == kind) {
            return name;
        }
    }
    return "unknown";
}

std::optional<CodecKind> codec_from_name(std::string_view name) {
    for (const auto& [kind, known] : kCodecNames) {
        if (known == name) {
            return kind;
        }
    }
    return std::nullopt;
}

base::Result<Decoded> decode(const Codec& codec, std::string_view raw) {
    if (is_infinity(raw)) {
        return Failure{base::kDatetimeOverflow, "cannot place infinity on the axis", {}, {}};
    }
    switch (codec.kind) {
    case CodecKind::numeric: {
        const Result<Position> number = base::parse_decimal(raw, codec.scale);
        if (!number) {
            return number.failure();
        }
        return Decoded{*number, true};
    }
    case CodecKind::uuidv7:
    case CodecKind::ulid:
    case CodecKind::objectid: return decode_identifier(codec, raw);
    case CodecKind::functions:
        return Failure{base::kFeatureNotSupported, "cannot decode a key that is read by a function", {}, {}};
    default: return decode_whole(codec, raw);
    }
}

base::Result<std::string> encode(const Codec& codec, Position position, const base::Zone& zone) {
    switch (codec.kind) {
    case CodecKind::date:
    case CodecKind::timestamp:
    case CodecKind::timestamptz: return encode_time(codec, position, zone);
    case CodecKind::numeric: return encode_numeric(codec, position);
    case CodecKind::uuidv7:
    case CodecKind::ulid:
    case CodecKind::objectid: return encode_identifier(codec, position);
    case CodecKind::functions:
        return Failure{base::kFeatureNotSupported, "cannot encode a key that is written by a function", {}, {}};
    default: return encode_whole(codec, position);
    }
}

std::string format_position(const Codec& codec, Position position, const base::Zone& zone) {
    if (codec.axis() == Axis::number) {
        return base::format_decimal(position, codec.kind == CodecKind::numeric ? codec.scale : 0);
    }
    if (!is_timestamp(position)) {
        return base::format_decimal(position, 0) + " us";
    }
    const auto micros = static_cast<std::int64_t>(position);
    if (codec.axis() == Axis::instant) {
        return base::format_instant(base::Instant{micros}, zone);
    }
    if (codec.kind == CodecKind::date && position % base::kMicrosPerDay == 0) {
        return base::format_date(base::LocalTime{micros});
    }
    return base::format_local(base::LocalTime{micros});
}

}  // namespace steward::partition
