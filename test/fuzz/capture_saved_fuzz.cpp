// SPDX-License-Identifier: PostgreSQL
//
// Any file: it is refused, or what is read of it is saved as the same bytes and restored without harm.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "capture/saved.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steward::capture;
    // The checksum would keep a fuzzer out: it is made to fit.
    std::string bytes(reinterpret_cast<const char*>(data), size);
    if (size > 0 && data[0] % 2 == 0) bytes = sealed(bytes);
    Snapshot snapshot;
    if (!load(bytes, snapshot)) {
        if (!snapshot.statistics.empty() || !snapshot.failures.empty()) std::abort();
        return 0;
    }
    Saver saver;
    saver.add(snapshot);
    Snapshot again;
    if (!load(saver.done(), again) || again.statistics.size() != snapshot.statistics.size()) std::abort();
    return 0;
}
