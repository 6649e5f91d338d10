// SPDX-License-Identifier: PostgreSQL
#include "capture/overhead.hpp"

#include <initializer_list>

namespace steward::capture {

namespace {

// There is one writer.
void increase(std::atomic<std::int64_t>& sum, std::int64_t more) noexcept {
    sum.store(sum.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

void SharedOverhead::add(const Overhead& more) noexcept {
    increase(timed_, more.timed);
    increase(timed_ns_, more.timed_ns);
    increase(statements_, more.statements);
    increase(spent_ns_, more.spent_ns);
}

Overhead SharedOverhead::read() const noexcept {
    return {timed_.load(std::memory_order_relaxed), timed_ns_.load(std::memory_order_relaxed),
            statements_.load(std::memory_order_relaxed), spent_ns_.load(std::memory_order_relaxed)};
}

void SharedOverhead::clear() noexcept {
    for (auto* sum : {&timed_, &timed_ns_, &statements_, &spent_ns_}) sum->store(0, std::memory_order_relaxed);
}

double overhead_ns(const Overhead& overhead) noexcept {
    if (overhead.timed <= 0) return 0;
    return static_cast<double>(overhead.timed_ns) / static_cast<double>(overhead.timed) *
           static_cast<double>(overhead.statements);
}

double overhead_percent(const Overhead& overhead) noexcept {
    if (overhead.spent_ns <= 0) return 0;
    return 100 * overhead_ns(overhead) / static_cast<double>(overhead.spent_ns);
}

bool Downshift::judge(const Overhead& now, double budget_percent) noexcept {
    double percent = overhead_percent(now - judged_);
    judged_ = now;
    int before = economy_;
    if (budget_percent <= 0) {
        economy_ = kNoEconomy;
        over_ = under_ = 0;
        return economy_ != before;
    }
    over_ = percent > budget_percent ? over_ + 1 : 0;
    under_ = percent < budget_percent / 2 ? under_ + 1 : 0;
    if (over_ == kOverToGiveUp) {
        over_ = 0;
        if (economy_ < kMostEconomy) ++economy_;
    }
    if (under_ == kUnderToTakeUp) {
        under_ = 0;
        if (economy_ > kNoEconomy) --economy_;
    }
    return economy_ != before;
}

}  // namespace steward::capture
