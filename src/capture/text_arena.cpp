// SPDX-License-Identifier: PostgreSQL
#include "capture/text_arena.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "capture/layout.hpp"

namespace steward::capture {

namespace {

std::size_t bucket_count_of(TextArena::Size size) noexcept { return std::bit_ceil(std::size_t{size.texts}); }

}  // namespace

std::size_t TextArena::bytes(Size size) noexcept {
    Layout layout(nullptr);
    layout.take(sizeof(TextArena));
    layout.array<Table::bucket_type>(bucket_count_of(size));
    layout.array<Text>(size.texts);
    layout.take(size.blocks * sizeof(Block));
    return layout.used();
}

TextArena* TextArena::create(void* memory, Size size) noexcept {
    Layout layout(memory);
    void* self = layout.take(sizeof(TextArena));
    auto* buckets = layout.array<Table::bucket_type>(bucket_count_of(size));
    Text* texts = layout.array<Text>(size.texts);
    auto* blocks = static_cast<Block*>(layout.take(size.blocks * sizeof(Block)));
    return new (self) TextArena(buckets, bucket_count_of(size), texts, blocks, size);
}

TextArena::TextArena(Table::bucket_type* buckets, std::size_t bucket_count, Text* texts, Block* blocks,
                     Size size) noexcept
    : table_(Table::bucket_traits(buckets, bucket_count)),
      blocks_(blocks),
      blocks_free_(size.blocks),
      blocks_total_(size.blocks) {
    for (std::uint32_t i = 0; i < size.texts; ++i) free_texts_.push_front(texts[i]);
    for (std::uint32_t i = size.blocks; i-- > 0;) {
        blocks_[i].next = first_free_;
        first_free_ = i;
    }
}

Text* TextArena::share(TextKey key) noexcept {
    auto found = table_.find(key, Hash::hash, [](TextKey wanted, const Text& text) { return wanted == text.key; });
    if (found == table_.end()) return nullptr;
    ++found->references;
    return &*found;
}

Text* TextArena::add(TextKey key, const NewText& text) noexcept {
    auto needed = static_cast<std::uint32_t>((text.text.size() + kPayload - 1) / kPayload);
    if (needed > blocks_free_ || free_texts_.empty()) return nullptr;
    Text& made = free_texts_.front();
    free_texts_.pop_front();
    made.key = key;
    made.references = 1;
    made.length = static_cast<std::uint32_t>(text.text.size());
    made.encoding = text.encoding;
    made.is_cut = text.is_cut;
    made.first_block = kNone;
    std::uint32_t* link = &made.first_block;
    for (std::string_view rest = text.text; !rest.empty();) {
        std::uint32_t index = first_free_;
        Block& block = blocks_[index];
        first_free_ = block.next;
        --blocks_free_;
        std::size_t piece = std::min(rest.size(), kPayload);
        std::memcpy(block.data, rest.data(), piece);
        rest.remove_prefix(piece);
        block.next = kNone;
        *link = index;
        link = &block.next;
    }
    table_.insert(made);
    return &made;
}

void TextArena::release(Text& text) noexcept {
    if (--text.references > 0) return;
    table_.erase(table_.iterator_to(text));
    for (std::uint32_t index = text.first_block; index != kNone;) {
        std::uint32_t next = blocks_[index].next;
        blocks_[index].next = first_free_;
        first_free_ = index;
        ++blocks_free_;
        index = next;
    }
    free_texts_.push_front(text);
}

void TextArena::read(const Text& text, char* to) const noexcept {
    std::size_t rest = text.length;
    for (std::uint32_t index = text.first_block; index != kNone && rest > 0; index = blocks_[index].next) {
        std::size_t piece = std::min(rest, kPayload);
        std::memcpy(to, blocks_[index].data, piece);
        to += piece;
        rest -= piece;
    }
}

}  // namespace steward::capture
