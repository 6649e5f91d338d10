// SPDX-License-Identifier: PostgreSQL
//
// Texts of queries in a piece of memory of fixed size: blocks of one size, chained, so that a text fits wherever so many are
// free, and no text keeps another of a different size out. One text a query of a database, shared by all roles' entries.
#pragma once

#include <boost/intrusive/slist.hpp>
#include <boost/intrusive/unordered_set.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace steward::capture {

namespace intrusive = boost::intrusive;
// Safe links would want everything unlinked when memory is given up, which shared memory never is.
using HashHook = intrusive::unordered_set_member_hook<intrusive::link_mode<intrusive::normal_link>>;

struct TextKey {
    std::uint64_t queryid;
    std::uint32_t database;

    bool operator==(const TextKey& other) const noexcept = default;
};

// A text as it was cut to fit.
struct NewText {
    std::string_view text;
    std::int32_t encoding;
    bool is_cut;
};

struct Text {
    HashHook hash_hook;
    intrusive::slist_member_hook<intrusive::link_mode<intrusive::normal_link>> free_hook;
    TextKey key;
    std::uint32_t references;
    std::uint32_t first_block;
    std::uint32_t length;
    std::int32_t encoding;
    bool is_cut;
};

class TextArena {
public:
    static constexpr std::size_t kBlockBytes = 256;
    static constexpr std::size_t kPayload = kBlockBytes - sizeof(std::uint32_t);

    struct Size {
        std::uint32_t texts;
        std::uint32_t blocks;
    };
    static std::size_t bytes(Size size) noexcept;
    // In memory that stays where it is, aligned to 16 bytes.
    static TextArena* create(void* memory, Size size) noexcept;

    // Null when there is none. A reference more, to be given back by release().
    Text* share(TextKey key) noexcept;
    // A text that is not there yet, with one reference. Null when it does not fit.
    Text* add(TextKey key, const NewText& text) noexcept;
    void release(Text& text) noexcept;
    // Copies it to `to`, which has room for its length.
    void read(const Text& text, char* to) const noexcept;

    std::uint32_t blocks_used() const noexcept { return blocks_total_ - blocks_free_; }
    std::uint32_t blocks_total() const noexcept { return blocks_total_; }

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    struct Block {
        std::uint32_t next;
        char data[kPayload];
    };
    struct Hash {
        std::size_t operator()(const Text& text) const noexcept { return hash(text.key); }
        static std::size_t hash(TextKey key) noexcept { return key.queryid ^ key.database; }
    };
    struct Equal {
        bool operator()(const Text& a, const Text& b) const noexcept { return a.key == b.key; }
    };
    using Table = intrusive::unordered_set<Text, intrusive::member_hook<Text, HashHook, &Text::hash_hook>,
                                           intrusive::hash<Hash>, intrusive::equal<Equal>,
                                           intrusive::constant_time_size<false>, intrusive::power_2_buckets<true>>;
    using FreeTexts = intrusive::slist<Text, intrusive::member_hook<Text, decltype(Text::free_hook), &Text::free_hook>>;

    TextArena(Table::bucket_type* buckets, std::size_t bucket_count, Text* texts, Block* blocks, Size size) noexcept;

    Table table_;
    FreeTexts free_texts_;
    Block* blocks_;
    std::uint32_t first_free_ = kNone;
    std::uint32_t blocks_free_ = 0;
    std::uint32_t blocks_total_ = 0;
};

}  // namespace steward::capture
