// SPDX-License-Identifier: PostgreSQL
//
// A wall clock that a test can set, for one server only: preloaded, it adds the microseconds in the file $STEWARD_CLOCK to
// what the kernel says. Clocks that measure durations are left alone. Nothing here may be unsafe in a signal handler, as
// servers before 16 start their processes in one; that is what libfaketime does not do.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace {

constexpr std::int64_t kMicros = 1'000'000;
const volatile std::int64_t* offset = nullptr;

__attribute__((constructor)) void map_offset() {
    const char* path = getenv("STEWARD_CLOCK");
    int file = path != nullptr ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void* memory = mmap(nullptr, sizeof(*offset), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED) offset = static_cast<const volatile std::int64_t*>(memory);
}

void move(timespec& at, std::int64_t micros) {
    std::int64_t nanos = at.tv_nsec + micros % kMicros * 1000;
    at.tv_sec += micros / kMicros + (nanos < 0 ? -1 : nanos / 1'000'000'000);
    at.tv_nsec = (nanos + 1'000'000'000) % 1'000'000'000;
}

std::int64_t set_by() { return offset != nullptr ? *offset : 0; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* at) noexcept {
    auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, at));
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) move(*at, set_by());
    return result;
}

int gettimeofday(timeval* __restrict at, void* __restrict) noexcept {
    timespec now{};
    int result = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t* at) noexcept {
    timespec now{};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (at != nullptr) *at = now.tv_sec;
    return now.tv_sec;
}

int timerfd_settime(int timer, int flags, const itimerspec* when, itimerspec* old) noexcept {
    itimerspec real = *when;
    bool is_set = real.it_value.tv_sec != 0 || real.it_value.tv_nsec != 0;
    if ((flags & TFD_TIMER_ABSTIME) != 0 && is_set) move(real.it_value, -set_by());
    // In the past, and not before the first second of all.
    if (is_set && real.it_value.tv_sec <= 0) real.it_value = {0, 1};
    return static_cast<int>(syscall(SYS_timerfd_settime, timer, flags, &real, old));
}
}
