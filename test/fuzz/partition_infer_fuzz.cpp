// SPDX-License-Identifier: PostgreSQL
//
// Any bounds: inference answers or fails, and an answer always makes a grid. Ranges cut from a grid give their step back.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "partition/infer.hpp"

namespace {

using namespace steward;
using partition::Position;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

class HalfHourZone final : public base::Zone {
public:
    std::int32_t offset_seconds(base::Instant at) const noexcept override {
        const std::int64_t days = at.micros / base::kMicrosPerDay - (at.micros < 0 ? 1 : 0);
        return ((days % 365) + 365) % 365 < 180 ? 39'600 : 37'800;
    }
    std::string_view name() const noexcept override { return "HalfHour"; }
};

partition::Range range(Position lower, Position upper) {
    partition::Range result;
    result.lower.position = lower;
    result.upper.position = upper;
    return result;
}

template <class T>
T take(const std::uint8_t*& data, std::size_t& size) {
    T value{};
    const std::size_t bytes = size < sizeof(value) ? size : sizeof(value);
    std::memcpy(&value, data, bytes);
    data += bytes;
    size -= bytes;
    return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const HalfHourZone zone;
    const std::vector<const base::Zone*> zones = {&zone, &base::utc()};
    partition::Codec codec;
    codec.kind = static_cast<partition::CodecKind>(take<std::uint8_t>(data, size) % 14);
    const auto shape = take<std::uint8_t>(data, size);
    const base::Instant now{take<std::int64_t>(data, size) / 8};
    std::vector<partition::Range> ranges;
    if (shape % 2 == 0) {
        // Distances of any size, even to positions no timestamp reaches.
        Position at = take<std::int64_t>(data, size);
        while (size > 0 && ranges.size() < 64) {
            const auto width = take<std::uint64_t>(data, size) >> (shape % 64);
            ranges.push_back(range(at, at + width));
            ranges.back().lower.kind = static_cast<partition::Bound::Kind>(width % 17 == 0 ? 0 : 1);
            at += width;
        }
    } else {
        const base::Interval step{take<std::uint8_t>(data, size) % 24, 0, 0};
        const Position origin =
            base::to_instant({take<std::int64_t>(data, size) / 1024 / base::kMicrosPerDay * base::kMicrosPerDay}, zone)
                .micros;
        codec.kind = partition::CodecKind::timestamptz;
        if (partition::check_step(step)) {
            return 0;
        }
        const partition::Grid grid(partition::Axis::instant, step, origin, zone);
        for (int n = 0; n < 5; ++n) {
            ranges.push_back(range(grid.begin(n).value(), grid.begin(n + 1).value()));
        }
        const auto inference = partition::infer(codec, ranges, zones, now, "t");
        require(inference.ok() && inference->step == partition::Step(step));
        const partition::Grid found(partition::Axis::instant, inference->step, inference->origin, *inference->zone);
        for (const partition::Range& known : ranges) {
            require(found.is_on_grid(known.lower.position) && found.is_on_grid(known.upper.position));
        }
        return 0;
    }
    const auto inference = partition::infer(codec, ranges, zones, now, "t");
    if (inference) {
        require(!partition::check_step(inference->step));
        codec.kind = inference->codec;
        const partition::Grid grid(codec.axis(), inference->step, inference->origin, *inference->zone);
        (void)grid.index_of(ranges.back().lower.position);
    }
    return 0;
}
