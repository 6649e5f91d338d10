// SPDX-License-Identifier: PostgreSQL
//
// Snapshots as the bytes of a file: for the machine that wrote it, and for the same numbers of counters and buckets.
#pragma once

#include <string>
#include <string_view>

#include "capture/snapshot.hpp"

namespace steward::capture {

// With the format's number before it and its checksum behind.
std::string sealed(std::string_view content);

class Saver {
public:
    // Of one shard after the other.
    void add(const Snapshot& part);
    std::string done() const { return sealed(out_); }

private:
    std::string out_;
};

// False, and the snapshot left empty, when no Saver of this very format wrote it or something has changed it.
bool load(std::string_view bytes, Snapshot& snapshot);

}  // namespace steward::capture
