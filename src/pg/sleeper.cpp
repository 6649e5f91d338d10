// SPDX-License-Identifier: PostgreSQL
#include "pg/sleeper.hpp"

#ifdef __linux__
#include <sys/timerfd.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cerrno>

#include "pg/guard.hpp"
#include "pg/zone.hpp"

namespace steward::pg {

namespace {

// Without a timer of the kernel a changed clock is noticed this late.
constexpr long kBlindMillis = 60'000;

int make_timer() {
#ifdef __linux__
    return timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
#else
    return -1;
#endif
}

// An instant that never comes still reports a clock that is set.
void arm([[maybe_unused]] int timer, [[maybe_unused]] std::optional<base::Instant> until) {
#ifdef __linux__
    constexpr std::int64_t kNever = 4'102'444'800;  // 2100-01-01
    itimerspec when{};
    when.it_value.tv_sec = until ? std::max<std::int64_t>(until->micros / base::kMicrosPerSecond, 1) : kNever;
    when.it_value.tv_nsec = until ? until->micros % base::kMicrosPerSecond * 1000 : 0;
    timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr);
#endif
}

Sleeper::Woken read_timer([[maybe_unused]] int timer) {
#ifdef __linux__
    std::uint64_t expirations = 0;
    if (read(timer, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED) return Sleeper::Woken::clock_set;
#endif
    return Sleeper::Woken::due;
}

}  // namespace

Sleeper::Sleeper() : timer_(make_timer()) {
    call([&] {
        events_ = make_wait_event_set(3);
        AddWaitEventToSet(events_, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
        AddWaitEventToSet(events_, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
        if (timer_ >= 0) AddWaitEventToSet(events_, WL_SOCKET_READABLE, timer_, nullptr, nullptr);
    });
}

Sleeper::Woken Sleeper::sleep(std::optional<base::Instant> until) {
    long timeout = -1;
    if (timer_ >= 0)
        arm(timer_, until);
    else
        timeout = until ? std::clamp<long>((until->micros - now().micros) / 1000 + 1, 0, kBlindMillis) : kBlindMillis;
    WaitEvent event{};
    int happened = call([&] { return WaitEventSetWait(events_, timeout, &event, 1, PG_WAIT_EXTENSION); });
    if (happened > 0 && (event.events & WL_LATCH_SET) != 0) {
        ResetLatch(MyLatch);
        return Woken::latch;
    }
    return timer_ >= 0 ? read_timer(timer_) : Woken::due;
}

void nap(long millis) {
    call([&] {
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, millis, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    });
}

}  // namespace steward::pg
