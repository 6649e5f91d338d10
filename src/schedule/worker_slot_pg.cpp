// SPDX-License-Identifier: PostgreSQL
#include "schedule/worker_slot_pg.hpp"

#include <algorithm>
#include <optional>

#include "pg/guard.hpp"

namespace steward::schedule {

namespace {

// DROP DATABASE waits five seconds for everybody to be gone.
constexpr long kStayMillis = 2000;

RunSlot* mine = nullptr;
std::uint32_t my_token = 0;
bool is_over = false;  // the slot is none of this worker's business any more

// Under the lock, shared at least.
std::optional<Order> find_order(std::int64_t known) noexcept {
    if (mine->token != my_token) return Order{};
    if (mine->state == RunState::starting) return Order{mine->job, true};
    if (mine->state == RunState::ready && mine->job != known) return Order{mine->job, false};
    return std::nullopt;
}

std::optional<Order> take_order(std::int64_t known, bool is_patient) noexcept {
    if (is_patient) {
        pg::Locked locked(shared().lock, LW_SHARED);
        return find_order(known);
    }
    pg::Locked locked(shared().lock);
    if (std::optional<Order> order = find_order(known)) return order;
    is_over = mine->state == RunState::ready;
    if (is_over) mine->state = RunState::ended;
    wake_launcher(shared());
    return Order{};
}

}  // namespace

RunSlot& my_slot() { return *mine; }

bool claim_slot(Datum argument) {
    const auto [index, token] = unpack(argument);
    pg::Locked locked(shared().lock);
    RunSlot& run = shared().runs[index];
    bool is_wanted = run.state == RunState::starting || run.state == RunState::ready;
    if (!is_wanted || run.token != token || run.stop != Stop::no) return false;
    run.pid = MyProcPid;
    run.latch = MyLatch;
    mine = &run;
    my_token = token;
    return true;
}

Order await_order(std::int64_t known) {
    const TimestampTz leave_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kStayMillis);
    for (;;) {
        long millis = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), leave_at);
        if (std::optional<Order> order = take_order(known, known != 0 || millis > 0)) return *order;
        pg::call([&] {
            int wanted = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (known == 0 ? WL_TIMEOUT : 0);
            (void)WaitLatch(MyLatch, wanted, known == 0 ? std::max(millis, 10L) : -1, PG_WAIT_EXTENSION);
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
}

void end_run(bool is_recorded, Outcome outcome, const char* sqlstate, const char* message, Then then) noexcept {
    pg::Locked locked(shared().lock);
    mine->stays = then == Then::stay;
    is_over = then == Then::leave;
    mine->state = RunState::ended;
    mine->is_recorded = is_recorded;
    mine->outcome = static_cast<std::uint8_t>(outcome);
    mine->ended_at = GetCurrentTimestamp();
    strlcpy(mine->sqlstate, sqlstate, sizeof(mine->sqlstate));
    copy_text(mine->message, sizeof(mine->message), message);
    wake_launcher(shared());
}

bool has_left_slot() noexcept {
    pg::Locked locked(shared().lock);
    if (is_over || mine->token != my_token) return true;
    if (mine->state != RunState::ended) return false;
    mine->stays = false;
    return true;
}

}  // namespace steward::schedule
