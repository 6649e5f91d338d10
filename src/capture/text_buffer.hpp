// SPDX-License-Identifier: PostgreSQL
//
// Text that is written piece by piece into memory that is there already. What does not fit is left out, and said so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace steward::capture {

class TextBuffer {
public:
    TextBuffer(char* to, std::size_t room) noexcept : to_(to), room_(room) {}

    void put(std::string_view text) noexcept {
        std::size_t piece = std::min(text.size(), room_ - length_);
        if (piece > 0) std::memcpy(to_ + length_, text.data(), piece);
        length_ += piece;
        if (piece < text.size()) is_full_ = true;
    }
    void put(char one) noexcept { put(std::string_view(&one, 1)); }
    // Back to an earlier length.
    void cut(std::size_t length) noexcept {
        length_ = std::min(length, length_);
        is_full_ = false;
    }

    bool is_full() const noexcept { return is_full_; }
    std::size_t room() const noexcept { return room_ - length_; }
    std::size_t length() const noexcept { return length_; }
    std::string_view text() const noexcept { return {to_, length_}; }

private:
    char* to_;
    std::size_t room_;
    std::size_t length_ = 0;
    bool is_full_ = false;
};

}  // namespace steward::capture
