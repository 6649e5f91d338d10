// SPDX-License-Identifier: PostgreSQL
//
// Maintenance where it is done: in the worker, or in the caller's transaction.
#pragma once

#include <vector>

#include "partition/maintain_pg.hpp"
#include "partition/plan_pg.hpp"

namespace steward::partition {

// What a request asks of the planner.
Ask ask_for(const Request& request, bool in_worker);

bool owns(Oid role, Oid relation);

// Whoever only looks waits for nobody for long: a lock in the way ends the look with 55P03. Until the (sub)transaction ends.
void look_briefly();

// Runs the request here and now. Returns the sets whose retention has to wait until the caller has let go: to finalise
// a detach is to wait for every older snapshot, and the caller who waits for us holds one.
std::vector<Oid> carry_out(const Request& request, pg::Bounded bounded, const StepSink& sink);

// Their retention, once nobody waits for it; what comes of it is told by steward.partition_history.
void carry_out_late(const Request& request, const std::vector<Oid>& parents);

}  // namespace steward::partition
