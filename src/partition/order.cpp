// SPDX-License-Identifier: PostgreSQL
#include "partition/order.hpp"

#include <algorithm>

namespace steward::partition {

std::vector<RelationId> referencing_first(const std::vector<RelationId>& tables,
                                          const std::vector<Reference>& references) {
    std::vector<RelationId> ordered;
    std::vector<RelationId> waiting = tables;
    while (!waiting.empty()) {
        auto is_free = [&](RelationId table) {
            return std::none_of(references.begin(), references.end(), [&](const Reference& reference) {
                return reference.to == table && reference.from != table &&
                       std::find(waiting.begin(), waiting.end(), reference.from) != waiting.end();
            });
        };
        auto next = std::find_if(waiting.begin(), waiting.end(), is_free);
        if (next == waiting.end()) next = waiting.begin();
        ordered.push_back(*next);
        waiting.erase(next);
    }
    return ordered;
}

}  // namespace steward::partition
