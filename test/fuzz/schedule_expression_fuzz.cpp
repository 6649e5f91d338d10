// SPDX-License-Identifier: PostgreSQL
//
// Any text as a schedule, asked for its next runs in a restless zone: what is accepted comes due after the instant it is
// asked for, on the grid of its fields, and again later; what is refused says where; words can be found for both.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "schedule/calendar.hpp"
#include "schedule/explain.hpp"
#include "schedule/expression.hpp"
#include "schedule/next_run.hpp"

namespace {

using namespace steward;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

constexpr std::int64_t kSecond = base::kMicrosPerSecond;

// Changes by as much as it is told each week, and back three days later.
class JumpyZone final : public base::Zone {
public:
    explicit JumpyZone(std::int32_t jump) : jump_(jump) {}
    std::int32_t offset_seconds(base::Instant at) const noexcept override {
        const std::int64_t days = at.micros / base::kMicrosPerDay - (at.micros % base::kMicrosPerDay < 0 ? 1 : 0);
        return ((days % 7) + 7) % 7 < 3 ? 3600 + jump_ : 3600;
    }
    std::string_view name() const noexcept override { return "Jumpy"; }

private:
    std::int32_t jump_;
};

// A run either shows a time of the fields, or stands at the end of a gap.
void check_run(const schedule::Calendar& calendar, const base::Zone& zone, base::Instant at) {
    const std::int64_t second = at.micros / kSecond;
    require(at.micros % kSecond == 0);
    const std::int64_t local = second + zone.offset_seconds(at);
    if (schedule::first_match(calendar, local, local) == local) {
        return;
    }
    const auto shift = schedule::find_shift(zone, second - 1, second);
    require(shift && shift->is_gap() && !calendar.is_wildcard());
}

struct Head {
    std::int64_t after;
    std::int64_t anchor;
    std::int32_t jump;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Head head{};
    if (size < sizeof(head)) {
        return 0;
    }
    std::memcpy(&head, data, sizeof(head));
    const std::string_view text(reinterpret_cast<const char*>(data) + sizeof(head), size - sizeof(head));
    const auto expression = schedule::parse_schedule(text);
    if (!expression) {
        require(expression.failure().sqlstate == base::kInvalidParameter);
        require(expression.failure().message.find("(position ") != std::string::npos);
        return 0;
    }
    require(schedule::parse_schedule(expression->text)->text == expression->text);
    require(schedule::describe(*expression).size() > 2);
    (void)schedule::remarks(*expression);

    const JumpyZone zone(head.jump % (12 * 3600));
    const base::Instant anchor{head.anchor};
    base::Instant after{head.after};
    for (int i = 0; i < 5; ++i) {
        const auto at = schedule::next_run(*expression, zone, after, anchor);
        if (!at) {
            break;
        }
        require(*at > after && at->micros >= base::kMinMicros && at->micros < base::kEndMicros);
        // Nothing lies between the two.
        require(schedule::next_run(*expression, zone, base::Instant{at->micros - 1}, anchor) == at);
        if (const auto* calendar = expression->calendar()) {
            check_run(*calendar, zone, *at);
        }
        after = *at;
    }
    if (head.after > base::kMinMicros / 2 && head.after < base::kEndMicros / 2) {
        require(schedule::explain(*expression, zone, 2, base::Instant{head.after}, anchor).size() <= 2);
    }
    return 0;
}
