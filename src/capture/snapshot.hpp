// SPDX-License-Identifier: PostgreSQL
//
// What all sessions together have counted: the shards one after the other, each with what the sessions have not folded into
// it yet. Memory is made ready before a shard's lock is taken, and under the lock things are only copied.
#pragma once

#include <string>
#include <vector>

#include "capture/store.hpp"

namespace steward::capture {

struct Statistic {
    Key key;
    Counters counters;
    Histogram histogram;
    bool has_text;
    bool is_cut;
    std::int32_t encoding;
    std::string text;
};

struct FailureCount {
    Key key;
    std::int32_t sqlstate;
    std::int64_t count;
    std::int64_t total_ns;
    std::int64_t last_at;
    Message message;
};

// Adds it to the one of its key, or as one more. Each shard sums up what it has evicted itself: readers want one sum.
void add(std::vector<Statistic>& sums, const Statistic& one);
void add(std::vector<FailureCount>& sums, const FailureCount& one);

// Of one shard, or of all.
struct Snapshot {
    std::vector<Statistic> statistics;
    std::vector<FailureCount> failures;
};

// Copies the shards one after the other into memory that is used again for each.
class Collector {
public:
    enum class What { all, failures };
    Collector(const Store& store, What what) : store_(store), what_(what) {}

    // For each shard in turn. Without a lock:
    void prepare(int shard);
    // Under the lock of the shard, shared:
    void copy(int shard) noexcept;
    // Without a lock:
    const Snapshot& merge();

private:
    void copy_entry(const Shard& shard, const Entry& entry) noexcept;
    void copy_slabs(int shard) noexcept;

    struct Piece {
        std::size_t begin;
        std::size_t length;
    };

    const Store& store_;
    What what_;
    Snapshot part_;
    std::vector<Piece> pieces_;  // of the texts, one a statistic
    std::vector<char> texts_;
    std::size_t texts_used_ = 0;
    std::vector<SlabData> pending_;
};

}  // namespace steward::capture
