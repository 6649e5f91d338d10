// SPDX-License-Identifier: PostgreSQL
//
// Any grid in a zone made of any few changes of the clock: each position lies in exactly one period, lines never fall
// back, and holes cut at the grid leave neither gap nor overlap.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "partition/bounds.hpp"
#include "partition/grid.hpp"

namespace {

using namespace steward::partition;
namespace base = steward::base;

void require(bool holds) {
    if (!holds) std::abort();
}

// Reads numbers from the input; zeros behind its end.
class Bytes {
public:
    Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}

    template <class T>
    T next() {
        T value{};
        const size_t taken = std::min(sizeof value, size_);
        if (taken == 0) return value;  // memcpy refuses the null pointer of an empty input
        std::memcpy(&value, data_, taken);
        data_ += taken;
        size_ -= taken;
        return value;
    }

private:
    const uint8_t* data_;
    size_t size_;
};

// Up to four changes of the clock, at least three days apart (real zones keep them weeks apart), offsets within 16 hours.
class AnyZone final : public base::Zone {
public:
    explicit AnyZone(Bytes& bytes) {
        for (Change& change : changes_) {
            change.at = std::int64_t{bytes.next<std::int32_t>()};
            change.offset = bytes.next<std::int32_t>() % (16 * 3600);
        }
        std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
        for (size_t i = 1; i < changes_.size(); ++i) {
            changes_[i].at = std::max(changes_[i].at, changes_[i - 1].at + std::int64_t{3} * 86'400);
        }
    }

    std::int32_t offset_seconds(base::Instant at) const noexcept override {
        std::int32_t offset = changes_[0].offset;
        for (size_t i = 1; i < changes_.size(); ++i) {
            if (at.micros >= changes_[i].at * base::kMicrosPerSecond) offset = changes_[i].offset;
        }
        return offset;
    }
    std::string_view name() const noexcept override { return "any"; }

    base::Instant near_change(std::uint8_t which, std::int32_t seconds) const {
        return {(changes_[which % changes_.size()].at + seconds) * base::kMicrosPerSecond};
    }

private:
    struct Change {
        std::int64_t at = 0;
        std::int32_t offset = 0;
    };
    std::array<Change, 4> changes_;
};

Step any_step(Bytes& bytes, Axis axis) {
    if (axis == Axis::number)
        return static_cast<Position>(bytes.next<std::int64_t>()) << bytes.next<std::uint8_t>() % 63;
    const auto kind = bytes.next<std::uint8_t>();
    base::Interval step;
    if ((kind & 1U) != 0) step.months = bytes.next<std::int32_t>() >> (kind >> 4U);
    if ((kind & 2U) != 0) step.days = bytes.next<std::int32_t>() >> (kind >> 4U);
    if ((kind & 4U) != 0) step.micros = bytes.next<std::int64_t>() >> (kind >> 4U);
    return step;
}

void check_period(const Grid& grid, Position position) {
    const auto n = grid.index_of(position);
    if (!n) return;
    const auto begin = grid.begin(*n);
    const auto end = grid.begin(*n + 1);
    require(begin && *begin <= position);
    require(!end || *end > position);
    require(grid.index_of(*begin) == *n && grid.is_on_grid(*begin));
    if (end) require(grid.index_of(*end - 1) == *n);
    for (std::int64_t k = std::max(*n, INT64_MIN + 5) - 4; k < *n; ++k) {
        const auto line = grid.begin(k);
        require(!line || *line <= *grid.begin(*n));
        require(!line || grid.begin(k + 1) >= line);
    }
}

void check_cover(const Grid& grid, Position from, Position to, const Range& existing) {
    const Bound end{Bound::Kind::value, to, true, ""};
    Bound reached{Bound::Kind::value, from, true, ""};
    const auto pass = [&](const Range& range) {
        require(!before(range.lower, reached) || reached.position == from);
        require(!before(reached, range.lower) || reached.position == range.lower.position);
        reached = before(reached, range.upper) ? range.upper : reached;
    };
    constexpr size_t kPieces = 200;
    bool is_passed = false;
    for (const Range& hole : holes({existing}, from, to)) {
        if (!is_passed && !before(hole.lower, existing.upper)) {
            is_passed = true;
            if (before(reached, existing.upper)) reached = existing.upper;
        }
        const auto pieces = cut(hole, grid, kPieces);
        require(!pieces.empty() && pieces.size() <= kPieces);
        for (const Range& piece : pieces) {
            require(piece.lower.position < piece.upper.position);
            pass(piece);
        }
        if (pieces.size() == kPieces) return;
        require(!before(reached, hole.upper));
    }
    if (!is_passed && before(reached, existing.upper)) reached = existing.upper;
    require(!before(reached, end));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes bytes(data, size);
    const auto axis = static_cast<Axis>(bytes.next<std::uint8_t>() % 3);
    const Step step = any_step(bytes, axis);
    if (check_step(step)) return 0;
    const Position origin = axis == Axis::number
                                ? Position{bytes.next<std::int64_t>()} << 60
                                : Position{bytes.next<std::int64_t>() >> bytes.next<std::uint8_t>() % 32};
    const AnyZone zone(bytes);
    const Grid grid(axis, step, origin, zone);
    const auto which = bytes.next<std::uint8_t>();
    const Position near = zone.near_change(which, bytes.next<std::int32_t>() % (4 * 86'400)).micros;
    const Position far = bytes.next<std::int64_t>();
    for (const Position position : {near, near + 1, near + far % (2 * base::kMicrosPerDay), far, origin}) {
        check_period(grid, position);
    }
    const Position to = near + (far < 0 ? -far : far) % (400 * base::kMicrosPerDay) + 1;
    const Position width = bytes.next<std::uint32_t>() + Position{1};
    const Bound lower{Bound::Kind::value, near + bytes.next<std::int32_t>(), (which & 64U) == 0, "lower"};
    const Bound upper{Bound::Kind::value, lower.position + width, (which & 128U) == 0, "upper"};
    check_cover(grid, near, to, {lower, upper});
    return 0;
}
