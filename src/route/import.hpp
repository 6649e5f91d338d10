// SPDX-License-Identifier: PostgreSQL
//
// Nodes as another tool knows them, beside those that are registered: what is to be done to bring the second into line.
#pragma once

#include <string>
#include <vector>

#include "route/node.hpp"

namespace steward::route {

struct Foreign {
    std::string name;
    std::string host;
    int port = 0;
    std::vector<NodeOption> options;
    std::string note;  // what the tool says of it
};

struct ImportStep {
    enum class Action { add, move, keep, skip };
    Action action = Action::keep;
    Node node;
    std::string detail;
    std::vector<NodeOption> options;  // of one that is added, for the table
};
// As an object of JSON.
std::string options_json(const std::vector<NodeOption>& options);
const char* name_of(ImportStep::Action action) noexcept;

// In the order of `foreign`, then those that only we know. The options that are wanted for all come before a node's own.
std::vector<ImportStep> plan_import(const std::vector<Foreign>& foreign, const std::vector<Node>& registered,
                                    const std::vector<NodeOption>& options);

}  // namespace steward::route
