// SPDX-License-Identifier: PostgreSQL
#include "tune/connection_peaks.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace steward::tune {

namespace {

constexpr std::string_view kHeader = "pg_steward connections 1\n";
constexpr std::int32_t kMostConnections = 0x3FFFF;  // MAX_BACKENDS
constexpr std::int32_t kLastDay = 10'000 * 366;

// The number that `text` begins with, up to `end`, which is taken off, too.
std::optional<std::int32_t> take_number(std::string_view& text, char end, std::int32_t most) {
    std::int32_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 1 || number > most) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    if (text.empty() || text.front() != end) return std::nullopt;
    text.remove_prefix(1);
    return number;
}

}  // namespace

bool ConnectionPeaks::note(std::int32_t day, std::int32_t connections) noexcept {
    Day& kept = days_[static_cast<std::uint32_t>(day) % kDays];
    if (kept.day != day || kept.peak == 0) {
        kept = {day, connections};
        return true;
    }
    kept.peak = std::max(kept.peak, connections);
    return false;
}

std::optional<ConnectionHistory> ConnectionPeaks::history(std::int32_t today) const noexcept {
    ConnectionHistory found;
    for (const Day& kept : days_) {
        if (kept.peak == 0 || kept.day > today || kept.day <= today - kDays) continue;
        if (kept.peak > found.most || (kept.peak == found.most && kept.day > found.on_day)) {
            found.most = kept.peak;
            found.on_day = kept.day;
        }
        if (found.since_day == 0 || kept.day < found.since_day) found.since_day = kept.day;
    }
    if (found.most == 0) return std::nullopt;
    found.days = today - found.since_day + 1;
    return found;
}

std::string ConnectionPeaks::saved() const {
    std::string text(kHeader);
    for (const Day& kept : days_)
        if (kept.peak != 0) text += fmt::format("{} {}\n", kept.day, kept.peak);
    return text;
}

bool ConnectionPeaks::load(std::string_view text) {
    if (text.substr(0, kHeader.size()) != kHeader) return false;
    text.remove_prefix(kHeader.size());
    ConnectionPeaks loaded;
    while (!text.empty()) {
        const auto day = take_number(text, ' ', kLastDay);
        if (!day) return false;
        const auto peak = take_number(text, '\n', kMostConnections);
        if (!peak) return false;
        loaded.note(*day, *peak);
    }
    *this = loaded;
    return true;
}

}  // namespace steward::tune
