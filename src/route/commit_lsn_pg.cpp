// SPDX-License-Identifier: PostgreSQL
#include "route/commit_lsn_pg.hpp"

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/guc.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace steward::route {

namespace {

constexpr const char* kCommitLsn = "steward.commit_lsn";
constexpr pg::IntRange kParity = {0, 1};

bool is_reporting = false;
// Set at each report; what the setting shows is `reported`.
int parity = 0;
XLogRecPtr reported = InvalidXLogRecPtr;

const char* show_commit_lsn() {
    static char text[sizeof "FFFFFFFF/FFFFFFFF"];
    *fmt::format_to_n(text, sizeof text - 1, "{:X}/{:X}", reported >> 32U, reported & 0xffffffffU).out = '\0';
    return text;
}

// The server sends it with the answer to the statement that committed. It is too late for an error then: a client that is
// not told of a commit, for want of memory, reads from the primary.
void report_commit(XactEvent event, void*) {
    if (event != XACT_EVENT_COMMIT || !is_reporting || XactLastCommitEnd == reported) return;
    if (whereToSendOutput != DestRemote) return;
    reported = XactLastCommitEnd;
    parity = 1 - parity;
    pg::ErrorReport lost;
    (void)pg::capture(lost, [] {
        pg::call([] { SetConfigOption(kCommitLsn, parity == 0 ? "0" : "1", PGC_INTERNAL, PGC_S_OVERRIDE); });
    });
}

// Whoever does not want it does not pay for it: not one instruction a transaction.
void on_assign_reporting(bool is_wanted, void*) {
    static bool is_listening = false;
    if (!is_wanted || is_listening) return;
    RegisterXactCallback(report_commit, nullptr);
    is_listening = true;
}

}  // namespace

void init_commit_lsn() {
    pg::define_setting("steward.report_commit_lsn",
                       "Sends the position of each commit in the WAL to the client, as steward.commit_lsn.",
                       &is_reporting, PGC_USERSET, on_assign_reporting);
    DefineCustomIntVariable(kCommitLsn, "Shows the position in the WAL of this session's last commit.", nullptr,
                            &parity, parity, kParity.min, kParity.max, PGC_INTERNAL,
                            GUC_REPORT | GUC_NO_RESET_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, nullptr, nullptr,
                            show_commit_lsn);
}

}  // namespace steward::route
