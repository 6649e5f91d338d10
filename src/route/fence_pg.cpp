// SPDX-License-Identifier: PostgreSQL
#include "route/fence_pg.hpp"

#include <string>
#include <utility>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/guc.hpp"
#include "route/shared_pg.hpp"

extern "C" {
#include "replication/logicalworker.h"
#include "replication/walreceiver.h"
}

// Here, where Node is the server's.
static bool is_commit_prepared(const PlannedStmt* statement) noexcept {
    const Node* node = statement->utilityStmt;
    return IsA(node, TransactionStmt) &&
           reinterpret_cast<const TransactionStmt*>(node)->kind == TRANS_STMT_COMMIT_PREPARED;
}

namespace steward::route {

namespace {

bool is_fencing = false;

// What keeps the server itself alive is never stopped, and neither is who mends it alone in single-user mode.
bool is_exempt() noexcept { return !IsUnderPostmaster || MyBackendType == B_AUTOVAC_WORKER || RecoveryInProgress(); }

// A subscription's worker that fails may react by a commit of its own, which disables the subscription: so it ends instead.
[[noreturn]] void refuse(Steady lease, Steady now, const char* outcome) {
    auto error = pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot commit: this server is fenced")
                     .hint("The transaction {}. replication_status says which nodes do not answer; without "
                           "steward.fence this server takes commits all the same.",
                           outcome)
                     .ends_session(IsLogicalWorker());
    if (!lease.micros)
        throw std::move(error).detail(
            "No more than half of the nodes of steward.nodes take it for the primary, one has seen another, or its "
            "prober has only begun to look.");
    throw std::move(error).detail("For {:.1f} s no more than half of the nodes of steward.nodes have answered it.",
                                  static_cast<double>(now - lease + fresh_for()) / 1e6);
}

void require_lease(const char* outcome) {
    if (!is_fencing || !has_shared() || is_exempt()) return;
    const Steady lease{shared().lease.load(std::memory_order_relaxed)};
    const Steady now = steady_now();
    if (now <= lease) return;
    if (!lease.micros) wake_prober();
    pg::entry([&] { refuse(lease, now, outcome); });
}

// A subscription's worker commits what its publisher has prepared without being asked by any hook: so it is not handed the
// message that says so.
walrcv_receive_fn previous_receive = nullptr;

int receive(WalReceiverConn* connection, char** buffer, pgsocket* wait_fd) {
    // After its kind three numbers of eight bytes, and then what pgoutput says. COPY hands over rows, in a transaction.
    constexpr int kHead = 25;
    const int bytes = previous_receive(connection, buffer, wait_fd);
    if (bytes > kHead && (*buffer)[0] == 'w' && (*buffer)[kHead] == 'K' && !IsTransactionState())
        require_lease("stays prepared, and the subscription tries again");
    return bytes;
}

void listen_to_publisher() noexcept {
    static WalReceiverFunctionsType functions;
    if (previous_receive != nullptr || WalReceiverFunctions == nullptr || !IsLogicalWorker()) return;
    functions = *WalReceiverFunctions;
    previous_receive = std::exchange(functions.walrcv_receive, receive);
    WalReceiverFunctions = &functions;
}

void before_commit(XactEvent event, void*) {
    listen_to_publisher();
    if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE) return;
    if (TransactionIdIsValid(GetTopTransactionIdIfAny())) require_lease("is rolled back");
}

ProcessUtility_hook_type previous_utility = nullptr;

// Who commits a prepared transaction has none of his own that would be asked.
template <class... Rest>
void before_utility(PlannedStmt* statement, Rest... rest) {
    if (is_commit_prepared(statement)) require_lease("stays prepared");
    if (previous_utility != nullptr)
        previous_utility(statement, rest...);
    else
        standard_ProcessUtility(statement, rest...);
}

void on_assign_fencing(bool is_wanted, void*) {
    static bool is_listening = false;
    if (is_wanted) listen_to_publisher();
    if (!is_wanted || is_listening) return;
    RegisterXactCallback(before_commit, nullptr);
    previous_utility = ProcessUtility_hook;
    ProcessUtility_hook = before_utility;
    is_listening = true;
}

}  // namespace

void init_fence() {
    pg::define_setting("steward.fence", "Refuses commits on a primary that most other nodes have lost sight of.",
                       &is_fencing, PGC_SIGHUP, on_assign_fencing);
}

void renew_lease(Steady until) noexcept { shared().lease.store(until.micros, std::memory_order_relaxed); }

}  // namespace steward::route
