// SPDX-License-Identifier: PostgreSQL
//
// steward.maintenance_ledger: a row when a step begins, completed when it ends. Needs a transaction and works as the
// extension's owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "maintain/step.hpp"

#include "pg/postgres.hpp"

namespace steward::maintain {

struct Taken {
    double seconds = 0;
    double held_back_seconds = 0;
    std::int64_t wal_bytes = 0;
    std::optional<std::int64_t> lag_bytes;
};

struct StepEnd {
    std::string outcome;  // as the ledger has it
    std::string sqlstate;
    std::string detail;
    Taken taken;
};

struct LedgerEntry {
    std::int64_t run = 0;
    std::int64_t step = 0;
    std::int64_t bytes_before = 0;
    double dead_before = 0;
};

// `run` 0: the first step of a run.
LedgerEntry begin_entry(std::int64_t run, const Step& step);
// Gives the bytes that the step has given back to the file system.
std::int64_t end_entry(const LedgerEntry& entry, const Step& step, const StepEnd& end);
// Of a step that did not begin; gives its run.
std::int64_t enter_postponed(std::int64_t run, const Step& step, const std::string& why);
// Nobody else is at work in this database: what is said to run was interrupted.
void mark_interrupted();

}  // namespace steward::maintain
