// SPDX-License-Identifier: PostgreSQL
//
// Any file: it is refused and changes nothing, or it is known again after it was saved.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tune/connection_peaks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using steward::tune::ConnectionPeaks;
    ConnectionPeaks peaks;
    peaks.note(20'000, 5);
    const std::string before = peaks.saved();
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    // Its first line would keep a fuzzer out.
    for (const std::string& text : {bytes, ConnectionPeaks().saved() + bytes}) {
        ConnectionPeaks loaded = peaks;
        if (!loaded.load(text)) {
            if (loaded.saved() != before) std::abort();
            continue;
        }
        ConnectionPeaks again;
        if (!again.load(loaded.saved()) || again.saved() != loaded.saved()) std::abort();
        if (const auto history = loaded.history(20'000); history && (history->days < 1 || history->most < 1))
            std::abort();
    }
    return 0;
}
