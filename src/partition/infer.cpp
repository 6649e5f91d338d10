// SPDX-License-Identifier: PostgreSQL
//
// Every range proposes steps (its months, its days, its length in real time) once for each zone; the step that explains
// the longest run of newest ranges wins. Only widths are compared, never distances: gaps between partitions say nothing.
#include "partition/infer.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "partition/infer_steps.hpp"

namespace steward::partition {

namespace {

using base::Failure;

constexpr std::size_t kShownRanges = 3;
constexpr std::int64_t kMicrosIn50Years = 50 * 36525 * (base::kMicrosPerDay / 100);

std::vector<Range> finite_ranges(const std::vector<Range>& ranges) {
    std::vector<Range> finite;
    for (const Range& range : ranges) {
        const bool is_finite = range.lower.kind == Bound::Kind::value && range.upper.kind == Bound::Kind::value;
        const bool is_measurable =
            is_finite && base::checked_sub(range.upper.position, range.lower.position).value_or(0) > 0;
        if (is_measurable) {
            finite.push_back(range);
        }
    }
    return finite;
}

// How many of the newest ranges have to agree. The first partition is excused: a table attached as a whole, or one cut
// off at the first period that began after it.
std::size_t needed_support(std::size_t ranges) { return ranges > 2 ? 2 : 1; }

std::string width_text(Axis axis, const Codec& codec, const Range& range, const base::Zone& zone) {
    const Position width = range.upper.position - range.lower.position;
    if (axis == Axis::number) {
        return base::format_decimal(width, codec.kind == CodecKind::numeric ? codec.scale : 0);
    }
    const auto steps = proposed_steps(axis, range, zone);
    return steps.empty() ? base::format_decimal(width, 0) + " us" : base::format_interval(steps.front());
}

Failure cannot_infer(const Codec& codec, const std::vector<Range>& finite, const base::Zone& zone,
                     std::string_view table) {
    const Axis axis = codec.axis();
    std::string detail = "It has no partition with two finite bounds.";
    if (!finite.empty()) {
        const std::size_t shown = std::min(finite.size(), kShownRanges);
        detail = shown == 1 ? "The only range is " : "The newest ranges are ";
        for (std::size_t i = 0; i < shown; ++i) {
            detail += i == 0 ? "" : i + 1 == shown ? " and " : ", ";
            detail += width_text(axis, codec, finite[finite.size() - shown + i], zone);
        }
        detail += axis == Axis::number ? " wide." : " long.";
    }
    return Failure{base::kInvalidObjectDefinition,
                   fmt::format("cannot infer the interval of \"{}\" from its partitions", table), detail,
                   fmt::format("Name it: SELECT steward.manage_partitions({}, '{}').", base::quote_literal(table),
                               axis == Axis::number ? "1000000" : "1 month")};
}

// The width of the newest ranges; where they differ, the smallest of them if it measures all others.
std::optional<Position> number_width(const std::vector<Range>& finite) {
    const auto width = [&](std::size_t age) {
        const Range& range = finite[finite.size() - 1 - age];
        return range.upper.position - range.lower.position;
    };
    if (finite.empty()) {
        return std::nullopt;
    }
    if (finite.size() <= 2 || width(0) == width(1)) {
        return width(0);
    }
    const std::size_t looked_at = std::min(finite.size(), kShownRanges);
    Position smallest = width(0);
    for (std::size_t age = 1; age < looked_at; ++age) {
        smallest = std::min(smallest, width(age));
    }
    for (std::size_t age = 0; age < looked_at; ++age) {
        if (width(age) % smallest != 0) {
            return std::nullopt;
        }
    }
    return smallest;
}

std::optional<Inference> infer_number(const Codec& codec, const std::vector<Range>& finite) {
    const auto width = number_width(finite);
    if (!width) {
        return std::nullopt;
    }
    const Position lower = finite.back().lower.position;
    return Inference{*width, lower % *width == 0 ? Position{0} : lower, &base::utc(), codec.kind};
}

std::optional<Inference> infer_time(Axis axis, CodecKind kind, const std::vector<Range>& finite, std::size_t needed,
                                    const std::vector<const base::Zone*>& zones) {
    const auto best = best_proposal(axis, finite, zones, needed);
    if (!best || (best->support == 1 && !is_usual(best->step))) {
        return std::nullopt;
    }
    return Inference{best->step, origin_of(axis, finite, *best), best->zone, kind};
}

// An integer key as an epoch key: the ranges that count lie around now and are whole days, or whole minutes that divide one.
std::optional<Inference> infer_epoch(CodecKind kind, const std::vector<Range>& finite,
                                     const std::vector<const base::Zone*>& zones, base::Instant now) {
    Codec epoch;
    epoch.kind = kind;
    std::vector<Range> decoded;
    for (auto range = finite.rbegin(); range != finite.rend(); ++range) {
        Range timed = *range;
        for (Bound* bound : {&timed.lower, &timed.upper}) {
            const auto at = decode(epoch, base::format_decimal(bound->position, 0));
            if (!at || at->position < now.micros - kMicrosIn50Years || at->position > now.micros + kMicrosIn50Years) {
                bound->kind = Bound::Kind::maxvalue;
                continue;
            }
            bound->position = at->position;
        }
        if (timed.lower.kind != Bound::Kind::value || timed.upper.kind != Bound::Kind::value) {
            break;
        }
        decoded.insert(decoded.begin(), timed);
    }
    // Only the first partition may begin far from now.
    if (decoded.empty() || decoded.size() + 1 < finite.size()) {
        return std::nullopt;
    }
    auto inference = infer_time(Axis::instant, kind, decoded, needed_support(finite.size()), zones);
    if (!inference || !lies_on_calendar(decoded.back(), *inference)) {
        return std::nullopt;
    }
    return inference;
}

}  // namespace

base::Result<Inference> infer(const Codec& codec, const std::vector<Range>& ranges,
                              const std::vector<const base::Zone*>& zones, base::Instant now, std::string_view table) {
    const std::vector<Range> finite = finite_ranges(ranges);
    std::vector<const base::Zone*> candidates = zones;
    if (candidates.empty() || codec.axis() != Axis::instant) {
        candidates.insert(candidates.begin(), &base::utc());
    }
    std::optional<Inference> inference;
    if (codec.axis() != Axis::number) {
        candidates.resize(codec.axis() == Axis::wall_clock ? 1 : candidates.size());
        inference = infer_time(codec.axis(), codec.kind, finite, needed_support(finite.size()), candidates);
    } else {
        const std::vector<const base::Zone*> epoch_zones =
            zones.empty() ? std::vector<const base::Zone*>{&base::utc()} : zones;
        for (const CodecKind kind :
             {CodecKind::epoch_s, CodecKind::epoch_ms, CodecKind::epoch_us, CodecKind::epoch_ns}) {
            if (codec.kind == CodecKind::integer && !inference) {
                inference = infer_epoch(kind, finite, epoch_zones, now);
            }
        }
        inference = inference ? inference : infer_number(codec, finite);
    }
    if (!inference) {
        return cannot_infer(codec, finite, *candidates.front(), table);
    }
    return *inference;
}

}  // namespace steward::partition
