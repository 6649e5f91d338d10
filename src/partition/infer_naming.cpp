// SPDX-License-Identifier: PostgreSQL
//
// Finds the convention of existing names by writing the period of each in every way and looking which one the name ends
// in.
#include <algorithm>

#include "base/ascii.hpp"
#include "partition/period.hpp"

namespace steward::partition {

namespace {

constexpr std::size_t kNamesLookedAt = 7;

constexpr PeriodSeparator kSeparators[] = {PeriodSeparator::underscore, PeriodSeparator::none, PeriodSeparator::dash,
                                           PeriodSeparator::joined, PeriodSeparator::letters};
constexpr PeriodStyle kTimeStyles[] = {PeriodStyle::second, PeriodStyle::minute, PeriodStyle::hour,
                                       PeriodStyle::day,    PeriodStyle::week,   PeriodStyle::quarter,
                                       PeriodStyle::month,  PeriodStyle::year};

struct Convention {
    Naming naming;
    std::size_t votes = 0;
};

void vote(std::vector<Convention>& conventions, const std::string& name, const std::string& period, PeriodStyle style,
          PeriodSeparator separator) {
    const bool is_tail =
        name.size() >= period.size() && name.compare(name.size() - period.size(), period.size(), period) == 0;
    if (!is_tail) {
        return;
    }
    std::string prefix = name.substr(0, name.size() - period.size());
    // "10" does not end in the period "0", nor "events_12025" in the year 2025.
    if (!prefix.empty() && base::is_digit(prefix.back()) && base::is_digit(period.front())) {
        return;
    }
    for (Convention& known : conventions) {
        if (known.naming.prefix == prefix && known.naming.style == style && known.naming.separator == separator) {
            ++known.votes;
            return;
        }
    }
    conventions.push_back(Convention{Naming{std::move(prefix), separator, style}, 1});
}

void vote_by_number(std::vector<Convention>& conventions, const Codec& codec, const NamedRange& partition) {
    const auto key = encode(codec, partition.lower, base::utc());
    if (key) {
        vote(conventions, partition.name, write_number(*key), PeriodStyle::number, PeriodSeparator::underscore);
    }
}

void vote_by_time(std::vector<Convention>& conventions, const Grid& grid, const NamedRange& partition) {
    if (partition.lower < base::kMinMicros || partition.lower >= base::kEndMicros) {
        return;
    }
    const auto micros = static_cast<std::int64_t>(partition.lower);
    const base::LocalTime local =
        grid.axis() == Axis::instant ? base::to_local(base::Instant{micros}, grid.zone()) : base::LocalTime{micros};
    const base::Civil civil = base::civil_from(local);
    for (const PeriodStyle style : kTimeStyles) {
        std::vector<std::string> seen;  // a year reads the same with every separator: one vote, for the first
        for (const PeriodSeparator separator : kSeparators) {
            std::string period = write_period(style, separator, civil);
            if (std::find(seen.begin(), seen.end(), period) == seen.end()) {
                vote(conventions, partition.name, period, style, separator);
                seen.push_back(std::move(period));
            }
        }
    }
}

}  // namespace

std::optional<Naming> infer_naming(const Codec& codec, const Grid& grid, const std::vector<NamedRange>& partitions) {
    std::vector<NamedRange> newest = partitions;
    std::sort(newest.begin(), newest.end(), [](const NamedRange& a, const NamedRange& b) { return a.lower > b.lower; });
    if (newest.size() > kNamesLookedAt) {
        newest.resize(kNamesLookedAt);
    }
    std::vector<Convention> conventions;  // those of newer names first
    for (const NamedRange& partition : newest) {
        if (grid.axis() != Axis::number) {
            vote_by_time(conventions, grid, partition);
        }
        if (grid.axis() == Axis::number || has_whole_numbers(codec.kind)) {
            vote_by_number(conventions, codec, partition);
        }
    }
    const Convention* best = nullptr;
    for (const Convention& convention : conventions) {
        if (best == nullptr || convention.votes > best->votes) {
            best = &convention;
        }
    }
    if (best == nullptr || best->votes * 2 < newest.size()) {
        return std::nullopt;
    }
    return best->naming;
}

}  // namespace steward::partition
