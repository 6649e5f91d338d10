// SPDX-License-Identifier: PostgreSQL
#include "maintain/step.hpp"

#include <array>

namespace steward::maintain {

namespace {

struct Named {
    Action action;
    std::string_view name;
};

constexpr std::array<Named, 5> kActions{{{Action::freeze, "freeze"},
                                         {Action::vacuum, "vacuum"},
                                         {Action::analyze, "analyze"},
                                         {Action::reindex, "reindex"},
                                         {Action::drop_leftover, "drop leftover"}}};

}  // namespace

std::string_view name_of(Action action) {
    for (const Named& known : kActions)
        if (known.action == action) return known.name;
    return "";
}

std::optional<Action> action_of(std::string_view name) {
    for (const Named& known : kActions)
        if (known.name == name) return known.action;
    return std::nullopt;
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::run: return "run";
    case Verdict::no_time: return "no time";
    case Verdict::no_wal: return "no WAL left";
    case Verdict::no_disk: return "no disk left";
    case Verdict::blocked: return "blocked";
    case Verdict::refused: return "refused";
    case Verdict::covered: return "covered";
    }
    return "";
}

}  // namespace steward::maintain
