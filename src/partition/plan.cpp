// SPDX-License-Identifier: PostgreSQL
#include "partition/plan.hpp"

namespace steward::partition {

std::string_view action_name(Action action) {
    switch (action) {
    case Action::finalize_detach: return "finalize detach";
    case Action::unguard_default: return "unguard default";
    case Action::guard_default: return "guard default";
    case Action::validate_default: return "validate default";
    case Action::watch_default: return "watch default";
    case Action::unwatch_default: return "unwatch default";
    case Action::leave_in_default: return "leave in default";
    case Action::create: return "create";
    case Action::detach: return "detach";
    case Action::move: return "move";
    case Action::archive: return "archive";
    case Action::strip_foreign_keys: return "strip foreign keys";
    case Action::drop: return "drop";
    case Action::restore: return "restore";
    case Action::start_grace: return "start grace";
    case Action::forget: return "forget";
    }
    return "unknown";
}

}  // namespace steward::partition
