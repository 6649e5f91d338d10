// SPDX-License-Identifier: PostgreSQL
#include "capture/event.hpp"

#include <algorithm>
#include <cstring>

namespace steward::capture {

namespace {

constexpr std::uint32_t kNull = 0xffffffff;
constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

}  // namespace

void EventWriter::put_length(std::uint32_t length) noexcept {
    if (next_ < kEventTexts) std::memcpy(bytes_ + next_++ * kLengthBytes, &length, kLengthBytes);
}

void EventWriter::put_written(std::size_t length) noexcept {
    put_length(static_cast<std::uint32_t>(length));
    used_ += length;
}

void EventWriter::put(std::string_view text) noexcept {
    std::size_t length = std::min(text.size(), room());
    if (length > 0) std::memcpy(place(), text.data(), length);
    put_written(length);
}

void EventWriter::put_null() noexcept { put_length(kNull); }

std::string_view EventWriter::done() noexcept {
    while (next_ < kEventTexts) put_null();
    return {bytes_, used_};
}

bool read_texts(std::string_view bytes, EventTexts& to) noexcept {
    if (bytes.size() < kEventTexts * kLengthBytes) return false;
    std::string_view rest = bytes.substr(kEventTexts * kLengthBytes);
    for (int i = 0; i < kEventTexts; ++i) {
        std::uint32_t length = 0;
        std::memcpy(&length, bytes.data() + i * kLengthBytes, kLengthBytes);
        to.texts[i].reset();
        if (length == kNull) continue;
        if (length > rest.size()) return false;
        to.texts[i] = rest.substr(0, length);
        rest.remove_prefix(length);
    }
    return rest.empty();
}

}  // namespace steward::capture
