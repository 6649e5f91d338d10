// SPDX-License-Identifier: PostgreSQL
//
// Memory as the server would give it: something that is made in it and stays where it is.
#pragma once

#include <cstdlib>
#include <cstring>

#include "capture/layout.hpp"
#include "capture/shard.hpp"

namespace steward::capture {

template <class T>
class Memory {
public:
    explicit Memory(const typename T::Size& size) {
        std::size_t bytes = aligned(T::bytes(size));
        memory_ = std::aligned_alloc(kAlignment, bytes);
        std::memset(memory_, 0, bytes);
        made_ = T::create(memory_, size);
    }
    ~Memory() { std::free(memory_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    T* operator->() { return made_; }
    T& operator*() { return *made_; }

private:
    void* memory_;
    T* made_;
};

inline Message message_of(std::string_view text) {
    Message message{};
    message.encoding = 6;
    message.length = static_cast<std::uint16_t>(text.copy(message.bytes, Message::kMostBytes));
    return message;
}
inline std::string_view text_of(const Message& message) { return {message.bytes, message.length}; }

}  // namespace steward::capture
