// SPDX-License-Identifier: PostgreSQL
#include "route/import.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "base/text.hpp"

namespace steward::route {

namespace {

using Action = ImportStep::Action;

std::vector<NodeOption> merged(std::vector<NodeOption> own, const std::vector<NodeOption>& wanted) {
    for (const NodeOption& option : wanted) {
        own.erase(std::remove_if(own.begin(), own.end(), [&](const NodeOption& old) { return old.key == option.key; }),
                  own.end());
        own.push_back(option);
    }
    return own;
}

ImportStep step_for(const Foreign& foreign, const std::vector<Node>& registered, const std::vector<NodeOption>& options,
                    std::size_t count) {
    std::vector<NodeOption> all = merged(foreign.options, options);
    auto read = read_registration(foreign.name, foreign.host, foreign.port, all);
    if (!read) return {Action::skip, {foreign.name, foreign.host, foreign.port, {}}, read.failure().message, {}};
    const Node& node = read->node;
    const auto same =
        std::find_if(registered.begin(), registered.end(), [&](const Node& old) { return old.name == node.name; });
    const auto place = std::find_if(registered.begin(), registered.end(),
                                    [&](const Node& old) { return old.host == node.host && old.port == node.port; });
    if (place != registered.end() && place != same) {
        const std::string detail = fmt::format("it is registered as \"{}\"", place->name);
        // Two names for one server are one node; a name that has moved to another one's place is nobody's guess.
        if (same == registered.end()) return {Action::keep, *place, detail, {}};
        return {Action::skip, node, detail, {}};
    }
    if (same == registered.end()) {
        if (count >= kMaxNodes) return {Action::skip, node, fmt::format("{} nodes are the most", kMaxNodes), {}};
        return {Action::add, node, foreign.note, std::move(all)};
    }
    if (place == same) return {Action::keep, *same, foreign.note, {}};
    Node moved = *same;
    moved.host = node.host;
    moved.port = node.port;
    return {Action::move, moved, fmt::format("it is registered at {}:{}", same->host, same->port), {}};
}

}  // namespace

const char* name_of(Action action) noexcept {
    switch (action) {
    case Action::add: return "register";
    case Action::move: return "move";
    case Action::skip: return "skip";
    case Action::keep: break;
    }
    return "keep";
}

std::string options_json(const std::vector<NodeOption>& options) {
    std::string json;
    for (const NodeOption& option : options) {
        const std::string value = option.type == "string" ? base::json_string(option.text) : option.text;
        if (option.key != "check") json += (json.empty() ? "" : ", ") + base::json_string(option.key) + ": " + value;
    }
    return "{" + json + "}";
}

std::vector<ImportStep> plan_import(const std::vector<Foreign>& foreign, const std::vector<Node>& registered,
                                    const std::vector<NodeOption>& options) {
    std::vector<ImportStep> steps;
    std::set<std::string> known;
    std::set<std::string> names;
    std::size_t count = registered.size();
    for (const Foreign& node : foreign) {
        if (!names.insert(node.name).second) {
            steps.push_back({Action::skip, {node.name, node.host, node.port, {}}, "the name comes twice", {}});
            continue;
        }
        steps.push_back(step_for(node, registered, options, count));
        count += steps.back().action == Action::add ? 1 : 0;
        known.insert(steps.back().node.name);
    }
    for (const Node& node : registered)
        if (known.count(node.name) == 0)
            steps.push_back({Action::keep, node, "only registered here: steward.remove_node() takes it away", {}});
    return steps;
}

}  // namespace steward::route
