// SPDX-License-Identifier: PostgreSQL
//
// Any prefix, step and two positions: names fit, differ when the positions do, and are found again by infer_naming().
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "partition/naming.hpp"

namespace {

using namespace steward;
using partition::Position;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// Half an hour back each week and an hour forward three days later: more jumps than any real zone has.
class JumpyZone final : public base::Zone {
public:
    std::int32_t offset_seconds(base::Instant at) const noexcept override {
        const std::int64_t days = at.micros / base::kMicrosPerDay - (at.micros < 0 ? 1 : 0);
        return ((days % 7) + 7) % 7 < 3 ? 5400 : 3600;
    }
    std::string_view name() const noexcept override { return "Jumpy"; }
};

struct Input {
    std::uint8_t axis;
    std::uint8_t style;
    std::uint8_t separator;
    std::uint8_t months;
    std::uint16_t days;
    std::int64_t micros;
    std::int64_t origin;
    std::int64_t lower;
    std::int64_t distance;
};

Position within_range(std::int64_t micros) { return micros % (base::kEndMicros / 64); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input{};
    if (size < sizeof(input)) {
        return 0;
    }
    std::memcpy(&input, data, sizeof(input));
    const JumpyZone zone;
    partition::Codec codec;
    partition::Axis axis = static_cast<partition::Axis>(input.axis % 3);
    codec.kind = axis == partition::Axis::instant      ? partition::CodecKind::timestamptz
                 : axis == partition::Axis::wall_clock ? partition::CodecKind::timestamp
                                                       : partition::CodecKind::integer;
    partition::Step step = base::Interval{input.months, input.days, input.micros};
    if (axis == partition::Axis::number) {
        step = Position{input.micros};
    }
    if (partition::check_step(step)) {
        return 0;
    }
    const partition::Grid grid(axis, step, within_range(input.origin), zone);
    partition::Naming naming;
    naming.prefix = std::string(reinterpret_cast<const char*>(data) + sizeof(input), size - sizeof(input));
    naming.separator = static_cast<partition::PeriodSeparator>(input.separator % 5);
    if (input.style % 10 != 9) {
        naming.style = static_cast<partition::PeriodStyle>(input.style % 10);
    }

    Position lower = within_range(input.lower);
    Position other = within_range(input.lower) + within_range(input.distance);
    if ((input.axis & 64) != 0) {  // on the grid and next to each other
        const auto index = grid.index_of(lower);
        const auto a = index ? grid.begin(*index) : std::nullopt;
        const auto b = index ? grid.begin(*index + 1) : std::nullopt;
        lower = a.value_or(lower);
        other = b.value_or(other);
    }
    const std::string period = partition::period_text(codec, grid, lower, naming);
    const std::string other_period = partition::period_text(codec, grid, other, naming);
    require((period == other_period) == (lower == other));
    const std::string name = partition::partition_name(naming, period);
    require(name.size() <= base::kMaxIdentifierBytes);
    require(lower == other || name != partition::partition_name(naming, other_period));
    require(partition::alternative_name(name, period).size() <= base::kMaxIdentifierBytes);
    (void)partition::infer_naming(codec, grid, {{name, lower}, {naming.prefix, other}});
    return 0;
}
