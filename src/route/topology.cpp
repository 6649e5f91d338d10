// SPDX-License-Identifier: PostgreSQL
#include "route/topology.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"

namespace steward::route {

const char* name_of(EventKind kind) noexcept {
    switch (kind) {
    case EventKind::loss: return "loss";
    case EventKind::comeback: return "return";
    case EventKind::promotion: return "promotion";
    case EventKind::demotion: return "demotion";
    case EventKind::timeline_change: return "timeline_change";
    case EventKind::split_brain: return "split_brain";
    case EventKind::split_brain_end: break;
    }
    return "split_brain_end";
}

const char* severity_of(EventKind kind, bool was_primary) noexcept {
    switch (kind) {
    case EventKind::loss: return was_primary ? "critical" : "warning";
    case EventKind::split_brain: return "critical";
    case EventKind::promotion:
    case EventKind::demotion: return "warning";
    default: return "info";
    }
}

bool reigned_together(const Reign& one, const Reign& other) noexcept {
    return one.is_primary && other.is_primary && std::max(one.since, other.since) <= std::min(one.until, other.until);
}

std::optional<Change> Sightings::saw(const Facts& facts, Steady asked, Steady answered) noexcept {
    const Facts before = last_;
    const bool is_first = !is_known_;
    is_known_ = true;
    last_ = facts;
    const bool is_going_on = reign_.is_primary && before.instance == facts.instance && !facts.is_standby;
    reign_ = {!facts.is_standby, is_going_on ? reign_.since : answered, asked};
    // The lives of another server, or of another cluster's that has taken its place, are not compared.
    if (is_first || before.system_identifier != facts.system_identifier) return std::nullopt;
    const Change change{EventKind::timeline_change, facts.timeline, before.timeline};
    if (before.is_standby && !facts.is_standby)
        return Change{EventKind::promotion, change.timeline, change.previous_timeline};
    if (!before.is_standby && facts.is_standby)
        return Change{EventKind::demotion, change.timeline, change.previous_timeline};
    if (before.timeline != facts.timeline) return change;
    return std::nullopt;
}

std::vector<int> Rivalries::end(int one) {
    std::vector<int> others;
    for (auto pair = pairs_.begin(); pair != pairs_.end();) {
        if (pair->first != one && pair->second != one) {
            ++pair;
            continue;
        }
        others.push_back(pair->first == one ? pair->second : pair->first);
        pair = pairs_.erase(pair);
    }
    return others;
}

namespace {

std::string json_of(const KnownNode& node) {
    std::string text =
        fmt::format("{{\"node\": {}, \"state\": \"{}\"", base::json_string(node.name), name_of(node.reach));
    if (node.has_facts) {
        const Facts& facts = node.facts;
        text += fmt::format(", \"role\": \"{}\", \"timeline\": {}", facts.is_standby ? "standby" : "primary",
                            facts.timeline);
        if (facts.flushed.is_valid()) text += fmt::format(", \"flush_lsn\": \"{}\"", format_lsn(facts.flushed));
        if (facts.replayed.is_valid()) text += fmt::format(", \"replay_lsn\": \"{}\"", format_lsn(facts.replayed));
        text += fmt::format(", \"seconds_ago\": {:.3f}", static_cast<double>(node.age) / 1e6);
    }
    return text + "}";
}

}  // namespace

std::string known_json(const std::vector<KnownNode>& nodes, std::size_t bytes) {
    constexpr std::size_t kRoomForRest = 32;
    std::string text = "[";
    std::size_t left_out = 0;
    for (const KnownNode& node : nodes) {
        const std::string item = json_of(node);
        if (text.size() + item.size() + kRoomForRest > bytes)
            ++left_out;
        else
            text += (text.size() == 1 ? "" : ", ") + item;
    }
    if (left_out > 0) text += fmt::format("{}{{\"left_out\": {}}}", text.size() == 1 ? "" : ", ", left_out);
    return text + "]";
}

}  // namespace steward::route
