// SPDX-License-Identifier: PostgreSQL
//
// Two readings of the input: as the text of a key, which must decode or fail, and as a position, which must come back.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "partition/axis.hpp"

namespace {

using namespace steward;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// The edge reads times as microseconds, so what encode() writes of them is not what decode() reads.
bool is_text_of_its_own(partition::CodecKind kind) {
    return kind > partition::CodecKind::timestamptz && kind != partition::CodecKind::functions;
}

void decode_text(const partition::Codec& codec, std::string_view text) {
    const auto at = partition::decode(codec, text);
    if (!at) {
        require(at.failure().sqlstate.size() == 5 && at.failure().message.size() < 300);
        return;
    }
    (void)partition::format_position(codec, at->position, base::utc());
    const auto written = partition::encode(codec, at->position, base::utc());
    if (!written || !is_text_of_its_own(codec.kind)) {
        return;
    }
    const auto again = partition::decode(codec, *written);
    require(again && again->exact && again->position == at->position);
}

void encode_position(const partition::Codec& codec, partition::Position position) {
    const auto written = partition::encode(codec, position, base::utc());
    if (!written || !is_text_of_its_own(codec.kind)) {
        return;
    }
    // Rounded up to a key, by less than a second.
    const auto at = partition::decode(codec, *written);
    require(at && at->exact && at->position >= position && at->position - position < base::kMicrosPerSecond);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    partition::Codec codec;
    codec.kind = static_cast<partition::CodecKind>(data[0] % 14);
    codec.scale = data[1] % (base::kMaxDecimalDigits + 1);
    const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
    decode_text(codec, rest);
    partition::Position position = 0;
    std::memcpy(&position, rest.data(), rest.size() < sizeof(position) ? rest.size() : sizeof(position));
    encode_position(codec, position);
    encode_position(codec, position >> 64);
    return 0;
}
