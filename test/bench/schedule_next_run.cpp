// SPDX-License-Identifier: PostgreSQL
//
// How long next_run() takes, and how often it asks the zone for an offset. The zone is the C library's; the server's
// own costs about as much. Prints the median of 9 rounds, and what it would be if offsets were free.
#include <algorithm>
#include <chrono>
#include <vector>

#include "base/text.hpp"
#include "schedule/next_run.hpp"
#include "unit/test_zone.hpp"

namespace {

using namespace steward;

class CountingZone final : public base::Zone {
public:
    explicit CountingZone(const base::Zone& zone) : zone_(zone) {}
    std::int32_t offset_seconds(base::Instant at) const noexcept override {
        ++calls_;
        return zone_.offset_seconds(at);
    }
    std::string_view name() const noexcept override { return zone_.name(); }
    double calls() const { return static_cast<double>(calls_); }

private:
    const base::Zone& zone_;
    mutable std::int64_t calls_ = 0;
};

constexpr int kCalls = 2000;

// `after` moves on by a prime number of seconds, over two years: through changes of the clock too.
double nanoseconds(const schedule::Expression& expression, const base::Zone& zone, base::Instant start,
                   bool is_moving) {
    std::vector<double> rounds;
    for (int round = 0; round < 9; ++round) {
        base::Instant after = start;
        const auto begin = std::chrono::steady_clock::now();
        std::int64_t sum = 0;
        for (int i = 0; i < kCalls; ++i) {
            const auto at = schedule::next_run(expression, zone, after, start);
            sum += at ? at->micros : 1;
            after.micros += is_moving ? 31'543 * base::kMicrosPerSecond : 0;
        }
        const auto spent = std::chrono::steady_clock::now() - begin;
        if (sum != 0) rounds.push_back(std::chrono::duration<double, std::nano>(spent).count() / kCalls);
    }
    std::sort(rounds.begin(), rounds.end());
    return rounds[rounds.size() / 2];
}

void measure(const char* text, const char* zone_name, base::Instant start, bool is_moving, const char* what) {
    const auto expression = schedule::parse_schedule(text);
    if (!expression) return;
    const test::TestZone zone(zone_name);
    const CountingZone counting(zone);
    const double with_zone = nanoseconds(*expression, zone, start, is_moving);
    const double free_zone = nanoseconds(*expression, base::utc(), start, is_moving);
    base::Instant after = start;
    for (int i = 0; i < kCalls; ++i) {
        (void)schedule::next_run(*expression, counting, after, start);
        after.micros += is_moving ? 31'543 * base::kMicrosPerSecond : 0;
    }
    fmt::print("{:<22} {:<20} {:>7.0f} ns, {:>5.1f} offsets; in UTC {:>6.0f} ns  {}\n", text, zone_name, with_zone,
               counting.calls() / kCalls, free_zone, what);
}

}  // namespace

int main() {
    const base::Instant start = test::utc_instant(2025, 1, 1);
    const char* berlin = "Europe/Berlin";
    measure("*/5 * * * *", berlin, start, true, "");
    measure("30 2 * * *", berlin, start, true, "");
    measure("0 9-17 * * 1-5", berlin, start, true, "");
    measure("15 30 2 * * 1-5", berlin, start, true, "");
    measure("0 3 * * FRI#2", berlin, start, true, "");
    measure("0 0 $ * *", berlin, start, true, "");
    measure("@yearly", berlin, start, true, "");
    measure("every 15 seconds", berlin, start, true, "");
    measure("every day", berlin, start, true, "");
    measure("30 2 * * *", berlin, test::utc_instant(2025, 3, 29, 12), false, "before a gap");
    measure("30 2 * * *", berlin, test::utc_instant(2025, 10, 26, 1, 10), false, "in a second pass");
    measure("0 0 29 2 *", berlin, test::utc_instant(2096, 2, 29, 12), false, "eight years");
    measure("0 0 */28 2 MON#5", berlin, test::utc_instant(2044, 3, 1), false, "none in eight years");
    measure("30 2 */28 2 MON#5", "Australia/Lord_Howe", test::utc_instant(2044, 4, 2, 15, 30), false,
            "none, after a change");
    const auto parse_begin = std::chrono::steady_clock::now();
    std::size_t length = 0;
    for (int i = 0; i < kCalls; ++i) length += schedule::parse_schedule("*/5 9-17 1,15 jan-jun MON-FRI")->text.size();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - parse_begin;
    fmt::print("parse_schedule: {:.0f} ns{}\n", spent.count() / kCalls, length == 0 ? "?" : "");
}
