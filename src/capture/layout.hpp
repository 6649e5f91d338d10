// SPDX-License-Identifier: PostgreSQL
//
// Arrays one behind the other in a piece of memory.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

namespace steward::capture {

inline constexpr std::size_t kAlignment = 64;

constexpr std::size_t aligned(std::size_t bytes) noexcept { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// The same walk counts the bytes (from null) and hands out the pieces.
class Layout {
public:
    explicit Layout(void* memory) noexcept : memory_(static_cast<std::byte*>(memory)) {}

    void* take(std::size_t bytes) noexcept {
        void* piece = memory_ == nullptr ? nullptr : memory_ + used_;
        used_ += aligned(bytes);
        return piece;
    }

    template <class T>
    T* array(std::size_t count) noexcept {
        static_assert(alignof(T) <= kAlignment);
        auto* first = static_cast<T*>(take(count * sizeof(T)));
        if (first != nullptr)
            for (std::size_t i = 0; i < count; ++i) new (first + i) T();
        return first;
    }

    std::size_t used() const noexcept { return used_; }

private:
    std::byte* memory_;
    std::size_t used_ = 0;
};

}  // namespace steward::capture
