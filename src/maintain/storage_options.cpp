// SPDX-License-Identifier: PostgreSQL
#include "maintain/storage_options.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/ascii.hpp"

namespace steward::maintain {

namespace {

// As the server reads a boolean: any beginning of true, yes and on; of false, no and off; 1 and 0.
bool is_true(std::string value) {
    std::transform(value.begin(), value.end(), value.begin(), base::lower);
    if (value == "1" || value == "on") return true;
    return !value.empty() && (std::string_view("true").substr(0, value.size()) == value ||
                              std::string_view("yes").substr(0, value.size()) == value);
}

// Below 0 stands for the server's setting, but for the thresholds that -1 switches off.
void apply(Thresholds& given, std::string_view name, double value) {
    auto take = [&](double& part) {
        if (value >= 0) part = value;
    };
    // A table may only be frozen earlier than the server says.
    auto lower = [&](std::int64_t& part) {
        if (value >= 0) part = std::min(part, static_cast<std::int64_t>(value));
    };
    if (name == "autovacuum_vacuum_threshold") take(given.vacuum_base);
    if (name == "autovacuum_vacuum_scale_factor") take(given.vacuum_scale);
    if (name == "autovacuum_vacuum_insert_scale_factor") take(given.insert_scale);
    if (name == "autovacuum_analyze_threshold") take(given.analyze_base);
    if (name == "autovacuum_analyze_scale_factor") take(given.analyze_scale);
    if (name == "autovacuum_freeze_max_age") lower(given.freeze_max_age);
    if (name == "autovacuum_multixact_freeze_max_age") lower(given.multixact_freeze_max_age);
    if (name == "autovacuum_vacuum_insert_threshold" && value >= -1) given.insert_base = value;
    if (name == "autovacuum_vacuum_max_threshold" && value >= -1)
        given.vacuum_max = value >= 0 ? std::optional<double>(value) : std::nullopt;
}

}  // namespace

void apply_storage_options(HeapFacts& heap, const std::vector<std::string>& options) {
    for (const std::string& option : options) {
        const std::size_t equals = option.find('=');
        if (equals == std::string::npos) continue;
        const std::string name = option.substr(0, equals);
        const std::string value = option.substr(equals + 1);
        if (name == "autovacuum_enabled")
            heap.is_autovacuum_enabled = is_true(value);
        else
            apply(heap.thresholds, name, std::strtod(value.c_str(), nullptr));
    }
}

}  // namespace steward::maintain
