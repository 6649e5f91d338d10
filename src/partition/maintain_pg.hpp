// SPDX-License-Identifier: PostgreSQL
//
// A request for maintenance, and who carries it out. Outside a transaction block a background worker does it, in
// transactions of its own, step by step; what is done stays done. Inside a transaction block (or when the call has
// written already, or no worker is free) it happens in the caller's transaction, each step in a subtransaction, and
// rolls back with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "partition/execute_pg.hpp"

namespace steward::partition {

struct Request {
    enum class Kind { future, retention, everything, empty_trash };
    Kind kind = Kind::everything;
    Oid parent = InvalidOid;  // InvalidOid: every registered set of the acting role
    std::optional<int> periods;
    Oid acting_role = InvalidOid;
    int lock_timeout = 0;
    std::string timezone;  // of the session: what has no zone of its own is understood in it

    std::string encode() const;
    static Request decode(const std::string& message);
};

// Where nothing can be written, before anything is looked at.
void refuse_on_standby();

struct Maintained {
    std::vector<StepResult> steps;
    bool is_committed = false;  // by the worker: an error of the caller takes nothing back
};

// Decides who carries it out, and collects what was done.
Maintained maintain(const Request& request);

}  // namespace steward::partition
