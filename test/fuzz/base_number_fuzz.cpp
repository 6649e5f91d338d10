// SPDX-License-Identifier: PostgreSQL
//
// Any bytes as a decimal: what is read is written and read again alike, what is refused is refused with a known SQLSTATE.
// The first byte is the scale.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/number.hpp"

namespace {

using steward::base::Int128;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_arithmetic(Int128 a, Int128 b) {
    using namespace steward::base;
    if (const auto sum = checked_add(a, b)) require(checked_sub(*sum, b) == a);
    if (const auto product = checked_mul(a, b))
        require(b == 0 ? *product == 0 : *product / b == a && *product % b == 0);
    require(checked_mul(a, b) == checked_mul(b, a));
    if (b > 0) {
        const Int128 quotient = floor_div(a, b);
        const Int128 rest = a - quotient * b;
        require(rest >= 0 && rest < b);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steward::base;
    if (size == 0) return 0;
    const int scale = data[0] % 48;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto parsed = parse_decimal(text, scale);
    if (!parsed.ok()) {
        require(parsed.failure().sqlstate == kInvalidTextRepresentation ||
                parsed.failure().sqlstate == kNumericOutOfRange);
        require(parsed.failure().message.size() < 200);
        return 0;
    }
    const std::string written = format_decimal(*parsed, scale);
    const auto again = parse_decimal(written, scale);
    require(again.ok() && *again == *parsed);
    require(format_decimal(*again, scale) == written);
    require(decimal_scale(written) == decimal_scale(text) && decimal_scale(text) <= scale);
    check_arithmetic(*parsed, static_cast<Int128>(scale) - 20);
    check_arithmetic(*parsed, *parsed / 3 + 1);
    check_arithmetic(-*parsed, *parsed);
    return 0;
}
