// SPDX-License-Identifier: PostgreSQL
#include "partition/naming.hpp"

#include "base/text.hpp"
#include "partition/period.hpp"

namespace steward::partition {

namespace {

using base::kMicrosPerDay;
using base::kMicrosPerHour;
using base::kMicrosPerMinute;
using base::kMicrosPerSecond;

constexpr int kMonthsPerYear = 12;
constexpr int kMonthsPerQuarter = 3;
constexpr int kDaysPerWeek = 7;

constexpr PeriodStyle kExactStyles[] = {PeriodStyle::month, PeriodStyle::day, PeriodStyle::hour, PeriodStyle::minute,
                                        PeriodStyle::second};

bool is_clock_style(PeriodStyle style) {
    return style == PeriodStyle::hour || style == PeriodStyle::minute || style == PeriodStyle::second;
}

std::optional<base::LocalTime> local_of(const Grid& grid, Position position) {
    if (position < base::kMinMicros || position >= base::kEndMicros) {
        return std::nullopt;
    }
    const auto micros = static_cast<std::int64_t>(position);
    if (grid.axis() == Axis::instant) {
        return base::to_local(base::Instant{micros}, grid.zone());
    }
    return base::LocalTime{micros};
}

PeriodStyle style_for_clock(std::int64_t micros) {
    if (micros % kMicrosPerDay == 0) {
        return PeriodStyle::day;
    }
    if (micros % kMicrosPerHour == 0) {
        return PeriodStyle::hour;
    }
    return micros % kMicrosPerMinute == 0 ? PeriodStyle::minute : PeriodStyle::second;
}

// A period of the step never begins twice within one unit of the style, or is written finer where it does.
bool tells_apart(PeriodStyle style, const base::Interval& step) {
    switch (style) {
    case PeriodStyle::year: return step.months >= kMonthsPerYear;
    case PeriodStyle::quarter: return step.months >= kMonthsPerQuarter;
    case PeriodStyle::month: return step.months >= 1;
    case PeriodStyle::week: return step.months >= 1 || step.days >= kDaysPerWeek;
    case PeriodStyle::day: return step.is_calendar() || step.micros % kMicrosPerDay == 0;
    case PeriodStyle::hour: return step.is_calendar() || step.micros % kMicrosPerHour == 0;
    case PeriodStyle::minute: return step.is_calendar() || step.micros % kMicrosPerMinute == 0;
    case PeriodStyle::number: return false;
    default: return true;
    }
}

// The wall clock of a period of the grid as the calendar counts it: midnight, even where the clock jumps over midnight.
// Nothing off the grid and where the grid counts real time.
std::optional<base::LocalTime> nominal_local(const Grid& grid, Position lower) {
    const auto& step = std::get<base::Interval>(grid.step());
    if (!step.is_calendar() || !grid.is_on_grid(lower)) {
        return std::nullopt;
    }
    const auto origin = local_of(grid, grid.origin());
    const auto index = grid.index_of(lower);
    return origin && index ? base::add(*origin, step, *index) : std::nullopt;
}

bool is_exact(PeriodStyle style, base::LocalTime at) {
    const base::Civil civil = base::civil_from(at);
    switch (style) {
    case PeriodStyle::month:
        return civil.day == 1 && base::floor_div(at.micros, kMicrosPerDay) * kMicrosPerDay == at.micros;
    case PeriodStyle::day: return base::floor_div(at.micros, kMicrosPerDay) * kMicrosPerDay == at.micros;
    case PeriodStyle::hour: return civil.minute == 0 && civil.second == 0 && civil.microsecond == 0;
    case PeriodStyle::minute: return civil.second == 0 && civil.microsecond == 0;
    default: return true;
    }
}

// "_p0100", "_m0330", with seconds where a historical offset has them.
std::string offset_suffix(std::int32_t offset) {
    const std::int32_t size = offset < 0 ? -offset : offset;
    std::string text = fmt::format("_{}{:02}{:02}", offset < 0 ? 'm' : 'p', size / 3600, size / 60 % 60);
    if (size % 60 != 0) {
        text += fmt::format("{:02}", size % 60);
    }
    return text;
}

// Written so that no other instant of the set can be meant: no coarser than `from`, and as fine as the time needs.
std::string exact_text(const Grid& grid, Position lower, base::LocalTime local, PeriodStyle from,
                       PeriodSeparator separator) {
    PeriodStyle style = PeriodStyle::second;
    for (const PeriodStyle candidate : kExactStyles) {
        if (candidate >= from && is_exact(candidate, local)) {
            style = candidate;
            break;
        }
    }
    std::string text = write_period(style, separator, base::civil_from(local));
    if (grid.axis() == Axis::instant) {
        const base::Instant at{static_cast<std::int64_t>(lower)};
        if (base::is_second_pass(at, grid.zone())) {
            text += offset_suffix(grid.zone().offset_seconds(at));
        }
    }
    return text;
}

// The coarsest style in which a range off the grid cannot be taken for one that begins on it.
PeriodStyle style_off_grid(const Grid& grid, PeriodStyle style) {
    const auto& step = std::get<base::Interval>(grid.step());
    const auto origin = local_of(grid, grid.origin());
    const bool is_midnight_grid = !step.is_calendar() || (step.micros == 0 && origin && is_exact(style, *origin));
    switch (style) {
    case PeriodStyle::year:
    case PeriodStyle::quarter: return PeriodStyle::month;
    case PeriodStyle::month: return is_midnight_grid && step.days == 0 ? style : PeriodStyle::day;
    case PeriodStyle::week: return PeriodStyle::day;
    case PeriodStyle::day: return is_midnight_grid ? style : PeriodStyle::hour;
    default: return style;
    }
}

std::string key_number_text(const Codec& codec, Position lower) {
    const auto key = encode(codec, lower, base::utc());
    return write_number(key ? *key : base::format_decimal(lower, 0));
}

}  // namespace

PeriodStyle style_for(const Grid& grid) {
    if (grid.axis() == Axis::number) {
        return PeriodStyle::number;
    }
    const auto& step = std::get<base::Interval>(grid.step());
    const auto origin = local_of(grid, grid.origin());
    if (step.micros != 0) {
        return style_for_clock(step.micros);
    }
    if (step.months != 0 && step.days == 0) {
        if (step.months % kMonthsPerYear == 0) {
            return PeriodStyle::year;
        }
        const bool is_quarter =
            step.months % kMonthsPerQuarter == 0 && origin && base::civil_from(*origin).month % kMonthsPerQuarter == 1;
        return is_quarter ? PeriodStyle::quarter : PeriodStyle::month;
    }
    const bool is_week = step.months == 0 && step.days % kDaysPerWeek == 0 && origin && base::iso_weekday(*origin) == 1;
    return is_week ? PeriodStyle::week : PeriodStyle::day;
}

std::string period_text(const Codec& codec, const Grid& grid, Position lower, const Naming& naming) {
    if (grid.axis() == Axis::number) {
        return write_number(base::format_decimal(lower, codec.kind == CodecKind::numeric ? codec.scale : 0));
    }
    const auto local = local_of(grid, lower);
    if (!local || (naming.style == PeriodStyle::number && has_whole_numbers(codec.kind))) {
        return key_number_text(codec, lower);
    }
    const auto& step = std::get<base::Interval>(grid.step());
    const bool is_followed = naming.style && tells_apart(*naming.style, step);
    const PeriodStyle style = is_followed ? *naming.style : style_for(grid);
    const auto nominal = nominal_local(grid, lower);
    if (nominal && !is_clock_style(style)) {
        return write_period(style, naming.separator, base::civil_from(*nominal));
    }
    return exact_text(grid, lower, *local, style_off_grid(grid, style), naming.separator);
}

std::string partition_name(const Naming& naming, std::string_view period) {
    std::string whole = naming.prefix + std::string(period);
    if (whole.size() <= base::kMaxIdentifierBytes) {
        return whole;
    }
    // The zero byte keeps ("ab", "c") and ("a", "bc") apart; no identifier holds one.
    const std::string hash = hash_text(naming.prefix + '\0' + std::string(period));
    const std::size_t room = base::kMaxIdentifierBytes - hash.size() - 2;
    const std::string_view tail = base::cut_utf8(period, room);
    const std::string_view head = base::cut_utf8(naming.prefix, room - tail.size());
    return fmt::format("{}_{}_{}", head, hash, tail);
}

std::string alternative_name(std::string_view name, std::string_view salt) {
    const std::string hash = hash_text(std::string(name) + '\0' + std::string(salt)).substr(0, 8);
    return fmt::format("{}_{}", base::cut_utf8(name, base::kMaxIdentifierBytes - hash.size() - 1), hash);
}

}  // namespace steward::partition
