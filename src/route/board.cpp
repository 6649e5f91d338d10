// SPDX-License-Identifier: PostgreSQL
#include "route/board.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace steward::route {

static_assert(std::is_trivially_copyable_v<Page>);

void copy(Page& to, const Page& from) noexcept {
    // Torn where the writer is at work meanwhile: the count too.
    const auto count = static_cast<std::size_t>(std::clamp(from.count, 0, kMaxNodes));
    std::memcpy(static_cast<void*>(&to), &from, offsetof(Page, nodes) + count * sizeof(BoardNode));
    to.count = static_cast<std::int32_t>(count);
}

void Board::publish(const Page& page) noexcept {
    const std::uint64_t next = published_.load(std::memory_order_relaxed) + 1;
    // What is written now is not seen before the page was left by those who come later.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    copy(pages_[next % 2], page);
    published_.store(next, std::memory_order_release);
}

void Board::read(Page& page) const noexcept {
    for (;;) {
        const std::uint64_t before = published_.load(std::memory_order_acquire);
        if (page.number == before) return;
        copy(page, pages_[before % 2]);
        page.number = 0;
        std::atomic_thread_fence(std::memory_order_acquire);
        if (published_.load(std::memory_order_relaxed) != before) continue;
        page.number = before;
        return;
    }
}

}  // namespace steward::route
