// SPDX-License-Identifier: PostgreSQL
//
// Recommended settings as text to be taken elsewhere. Each line is short, whatever client prints it.
#pragma once

#include <string>
#include <vector>

#include "tune/plan.hpp"

namespace steward::tune {

enum class Format { conf, alter_system, json, patroni, diff };

inline constexpr char kFormatNames[] = "conf, alter_system, json, patroni, diff";

base::Result<Format> parse_format(std::string_view name);

// A row beside what the server has.
struct Advice {
    Row row;
    std::optional<std::string> current;  // none: there is no server, or it does not know the parameter
};

// What a server says of a parameter in pg_settings.
struct Known {
    Setting current;  // outside of any session
    std::string type;
    std::string min;
    std::string max;          // in the unit of `current`
    std::string enum_values;  // "{off,lz4,on}"
    bool needs_restart = false;
    bool is_pending = false;  // another value waits for a restart
};

// A row as this server can take it, with the severity of the difference: ok where there is none that matters, as of sizes
// within a tenth of each other. Nothing where the server does not have such a value. What a standby may need as much of as
// its primary has is not lowered.
std::optional<Advice> advised(Row row, const Known& known);

// The head of what is written: for whom it was computed.
std::string title_of(const Input& input);

// Lines. Of alter_system and diff: only what differs.
std::vector<std::string> config_lines(Format format, const std::vector<Advice>& rows, const std::string& title);

// Of a list: each name a literal of its own, as ALTER SYSTEM wants it.
std::string alter_system_value(const std::string& parameter, const std::string& value);

}  // namespace steward::tune
