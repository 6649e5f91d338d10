// SPDX-License-Identifier: PostgreSQL
//
// A slow statement as it is kept: facts of fixed width, and texts one behind the other in one piece of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "capture/counters.hpp"

namespace steward::capture {

enum class Severity : std::uint8_t { slow, critical };

struct EventFacts {
    Key key;
    std::int64_t ended_at;
    std::int32_t sqlstate;  // as the server packs it; 0: it did not fail
    std::int32_t encoding;  // of the texts
    Severity severity;
    bool is_cut;   // its query
    bool has_cpu;  // its processor time was measured
    std::int64_t sums[kSumsStored];

    std::int64_t duration() const noexcept { return sums[kTotalNs]; }
};

enum EventText : int { kQueryText, kParametersText, kPlanText, kTagsText, kApplicationText, kClientText, kEventTexts };

// Writes the texts of an event, in their order, each once, into a buffer of its own; nothing is null.
class EventWriter {
public:
    static constexpr std::size_t kMostBytes = 64 * 1024;

    void begin() noexcept {
        used_ = kEventTexts * sizeof(std::uint32_t);
        next_ = 0;
    }
    void put(std::string_view text) noexcept;
    void put_null() noexcept;
    // Where the next text can be written in place, and its end be told after.
    char* place() noexcept { return bytes_ + used_; }
    std::size_t room() const noexcept { return kMostBytes - used_; }
    void put_written(std::size_t length) noexcept;
    std::string_view done() noexcept;

private:
    void put_length(std::uint32_t length) noexcept;

    char bytes_[kMostBytes];
    std::size_t used_ = 0;
    int next_ = 0;
};

struct EventTexts {
    std::optional<std::string_view> texts[kEventTexts];
};

// Views into the bytes; false when no writer has made them.
bool read_texts(std::string_view bytes, EventTexts& to) noexcept;

}  // namespace steward::capture
