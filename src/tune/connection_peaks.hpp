// SPDX-License-Identifier: PostgreSQL
//
// How many clients were connected at the same time, at most, on each of the last days: in shared memory, and as the text of a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::tune {

// Days are counted from 1970-01-01 UTC on.
struct ConnectionHistory {
    std::int32_t most = 0;
    std::int32_t on_day = 0;     // the last one with that many
    std::int32_t since_day = 0;  // from when on it is known
    std::int32_t days = 0;       // since then, today among them
};

class ConnectionPeaks {
public:
    static constexpr std::int32_t kDays = 31;

    // True for the first one of its day.
    bool note(std::int32_t day, std::int32_t connections) noexcept;

    // Of the last kDays days; nothing where nobody was connected.
    std::optional<ConnectionHistory> history(std::int32_t today) const noexcept;

    std::string saved() const;
    // False, and nothing changed, when the text is none of saved().
    bool load(std::string_view text);

private:
    struct Day {
        std::int32_t day = 0;
        std::int32_t peak = 0;  // 0: nothing is known of it
    };
    Day days_[kDays] = {};
};

}  // namespace steward::tune
