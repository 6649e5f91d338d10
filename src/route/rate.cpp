// SPDX-License-Identifier: PostgreSQL
#include "route/rate.hpp"

#include <algorithm>

namespace steward::route {

void Rate::note(Lsn at, Steady now) noexcept {
    if (count_ > 0 && (at < newest().lsn || now <= newest().at)) {
        if (at >= newest().lsn) return;
        count_ = 0;
    }
    if (count_ == kSamples) {
        first_ = (first_ + 1) % kSamples;
        --count_;
    }
    samples_[(first_ + count_++) % kSamples] = {at, now};
}

std::optional<double> Rate::value() const noexcept {
    if (count_ < 2) return std::nullopt;
    const Sample& oldest = samples_[first_];
    return static_cast<double>(newest().lsn.value - oldest.lsn.value) * 1e6 /
           static_cast<double>(newest().at - oldest.at);
}

std::optional<double> catch_up_seconds(std::optional<std::uint64_t> bytes, std::optional<double> replayed,
                                       std::optional<double> written) noexcept {
    if (!bytes) return std::nullopt;
    if (*bytes == 0) return 0;
    if (!replayed || !written || *replayed <= *written) return std::nullopt;
    return static_cast<double>(*bytes) / (*replayed - *written);
}

std::optional<double> hours_left(std::optional<std::int64_t> bytes, std::optional<double> written) noexcept {
    if (!bytes || !written || *written <= 0) return std::nullopt;
    return static_cast<double>(std::max<std::int64_t>(*bytes, 0)) / *written / 3600;
}

}  // namespace steward::route
