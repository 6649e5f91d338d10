// SPDX-License-Identifier: PostgreSQL
#include "partition/describe.hpp"

#include "base/text.hpp"

namespace steward::partition {

namespace {

std::string shown(const Bound& bound, bool has_one_column, const Codec& codec, const base::Zone& zone) {
    if (!has_one_column && !bound.literal.empty()) return bound.literal;
    if (bound.kind == Bound::Kind::minvalue) return "MINVALUE";
    if (bound.kind == Bound::Kind::maxvalue) return "MAXVALUE";
    return format_position(codec, bound.position, zone);
}

// Dates and timestamps come as microseconds.
std::string shown_value(const PartitionSet& set, const std::string& value, const base::Zone& zone) {
    bool is_time = set.codec && (set.codec->kind == CodecKind::date || set.codec->kind == CodecKind::timestamp ||
                                 set.codec->kind == CodecKind::timestamptz);
    if (!is_time) return value;
    base::Result<Decoded> decoded = decode(*set.codec, value);
    return decoded ? format_position(*set.codec, decoded->position, zone) : value;
}

// What stands between the parenthesis at `open` and its partner; quotes hide parentheses.
std::string_view between_parentheses(std::string_view text, std::size_t open) {
    int depth = 0;
    bool is_quoted = false;
    for (std::size_t i = open; i < text.size(); ++i) {
        if (text[i] == '\'') is_quoted = !is_quoted;
        if (is_quoted) continue;
        if (text[i] == '(') ++depth;
        if (text[i] == ')' && --depth == 0) return text.substr(open + 1, i - open - 1);
    }
    return text.substr(open + 1);
}

}  // namespace

std::string_view strategy_name(Strategy strategy) {
    switch (strategy) {
    case Strategy::range: return "range";
    case Strategy::list: return "list";
    case Strategy::hash: return "hash";
    }
    return "range";
}

std::string key_columns(std::string_view definition) {
    std::size_t open = definition.find('(');
    std::size_t close = definition.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
        return std::string(definition);
    return std::string(definition.substr(open + 1, close - open - 1));
}

ShownBounds shown_bounds(const PartitionSet& set, const Partition& partition, const Codec& codec,
                         const base::Zone& zone) {
    switch (set.strategy) {
    case Strategy::hash:
        return {fmt::format("modulus {}, remainder {}", partition.modulus, partition.remainder), std::nullopt};
    case Strategy::list: {
        std::string values;
        for (const auto& value : partition.values) {
            if (!values.empty()) values += ", ";
            values += value ? shown_value(set, *value, zone) : "NULL";
        }
        return {values, std::nullopt};
    }
    case Strategy::range: break;
    }
    bool has_one_column = set.key.columns == 1;
    return {shown(partition.range.lower, has_one_column, codec, zone),
            shown(partition.range.upper, has_one_column, codec, zone)};
}

ShownBounds shown_bounds(std::string_view server_text) {
    std::size_t open = server_text.find('(');
    if (open == std::string_view::npos) return {};
    std::string_view first = between_parentheses(server_text, open);
    std::size_t second = server_text.find('(', open + first.size() + 2);
    if (second == std::string_view::npos) return {std::string(first), std::nullopt};
    return {std::string(first), std::string(between_parentheses(server_text, second))};
}

std::optional<Position> position_of(base::Instant now, Axis axis, const base::Zone& zone) {
    switch (axis) {
    case Axis::instant: return now.micros;
    case Axis::wall_clock: return base::to_local(now, zone).micros;
    case Axis::number: break;
    }
    return std::nullopt;
}

std::optional<base::Instant> instant_of(Position position, Axis axis, const base::Zone& zone) {
    if (axis == Axis::number || position < base::kMinMicros || position > base::kEndMicros) return std::nullopt;
    auto micros = static_cast<std::int64_t>(position);
    if (axis == Axis::instant) return base::Instant{micros};
    return base::to_instant({micros}, zone);
}

bool holds(const Range& range, Position position) {
    if (range.lower.kind == Bound::Kind::maxvalue || range.upper.kind == Bound::Kind::minvalue) return false;
    bool is_after_lower = range.lower.kind == Bound::Kind::minvalue || range.lower.position <= position;
    return is_after_lower && (range.upper.kind == Bound::Kind::maxvalue || position < range.upper.position);
}

}  // namespace steward::partition
