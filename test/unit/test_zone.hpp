// SPDX-License-Identifier: PostgreSQL
//
// A zone over the C library's time zone tables, for tests without a server. One thread only: the zone is the TZ
// variable.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"

namespace steward::test {

class TestZone final : public base::Zone {
public:
    explicit TestZone(std::string name) : name_(std::move(name)) {}

    std::int32_t offset_seconds(base::Instant at) const noexcept override {
        static std::string current;
        if (current != name_) {
            current = name_;
            setenv("TZ", (":" + name_).c_str(), 1);
            tzset();
        }
        const std::int64_t rest = at.micros % base::kMicrosPerSecond;
        const std::time_t seconds = at.micros / base::kMicrosPerSecond - (rest < 0 ? 1 : 0);
        std::tm local{};
        localtime_r(&seconds, &local);
        return static_cast<std::int32_t>(local.tm_gmtoff);
    }

    std::string_view name() const noexcept override { return name_; }

private:
    std::string name_;
};

inline base::LocalTime local(std::int32_t year, int month, int day, int hour = 0, int minute = 0, int second = 0,
                             int microsecond = 0) {
    return base::local_from(base::Civil{year, month, day, hour, minute, second, microsecond});
}

// The instant a clock in Greenwich calls so.
inline base::Instant utc_instant(std::int32_t year, int month, int day, int hour = 0, int minute = 0, int second = 0,
                                 int microsecond = 0) {
    return base::Instant{local(year, month, day, hour, minute, second, microsecond).micros};
}

}  // namespace steward::test
