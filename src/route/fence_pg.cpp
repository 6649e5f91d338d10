// SPDX-License-Identifier: PostgreSQL
#include "route/fence_pg.hpp"

#include <utility>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/guc.hpp"
#include "route/shared_pg.hpp"

namespace steward::route {

namespace {

bool is_fencing = false;

// What keeps the server itself alive is never stopped, and neither is who mends it alone in single-user mode.
bool is_exempt() noexcept { return !IsUnderPostmaster || MyBackendType == B_AUTOVAC_WORKER || RecoveryInProgress(); }

[[noreturn]] void refuse(Steady lease, Steady now) {
    auto error = pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot commit: this server is fenced");
    const char* hint =
        "The transaction is rolled back. replication_status says which nodes do not answer; without steward.fence this "
        "server takes commits all the same.";
    if (!lease.micros)
        throw std::move(error)
            .detail("No more than half of the nodes of steward.nodes take it for the primary, or one has seen another.")
            .hint("{}", hint);
    throw std::move(error)
        .detail("For {:.1f} s no more than half of the nodes of steward.nodes have answered it.",
                static_cast<double>(now - lease + fresh_for()) / 1e6)
        .hint("{}", hint);
}

void before_commit(XactEvent event, void*) {
    if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE) return;
    if (!is_fencing || !TransactionIdIsValid(GetTopTransactionIdIfAny()) || !has_shared() || is_exempt()) return;
    const Steady lease{shared().lease.load(std::memory_order_relaxed)};
    const Steady now = steady_now();
    if (now <= lease) return;
    pg::entry([&] { refuse(lease, now); });
}

void on_assign(bool is_wanted, void*) {
    static bool is_listening = false;
    if (!is_wanted || is_listening) return;
    RegisterXactCallback(before_commit, nullptr);
    is_listening = true;
}

}  // namespace

void init_fence() {
    pg::define_setting("steward.fence", "Refuses commits on a primary that most other nodes have lost sight of.",
                       &is_fencing, PGC_SIGHUP, on_assign);
}

void renew_lease(Steady until) noexcept { shared().lease.store(until.micros, std::memory_order_relaxed); }

}  // namespace steward::route
