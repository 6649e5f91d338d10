// SPDX-License-Identifier: PostgreSQL
#include "tune/connections.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/time.hpp"

namespace steward::tune {

namespace {

// Fewer are recommended only when a week has been seen, with its busiest day; more at once.
constexpr int kEnoughDays = 7;

enum class Choice { asked, set, profile, raised, lowered };

struct Chosen {
    Choice by = Choice::profile;
    int count = 0;
    int before = 0;  // of what was raised or lowered
    int most = 0;
};

int of_profile(const Input& input) {
    constexpr int kPerGigabyte = 25;
    constexpr int kLeast = 25;  // what Patroni takes
    constexpr int kOf[] = {200, 300, 200, 40, 20};
    const int wanted = kOf[static_cast<int>(input.workload.profile)];
    const std::int64_t memory = input.machine.memory_bytes;
    const auto affordable = static_cast<int>(std::min<std::int64_t>(memory * kPerGigabyte / kGB, kMaxConnections));
    return std::min(wanted, std::max(affordable, kLeast));
}

int rounded_up_to_ten(double count) {
    return std::clamp(static_cast<int>((count + 9.999) / 10) * 10, kMinConnections, kMaxConnections);
}

Chosen choose(const Input& input) {
    const Workload& load = input.workload;
    if (load.max_connections) return {Choice::asked, *load.max_connections, 0, 0};
    Chosen chosen{load.connections_set ? Choice::set : Choice::profile,
                  load.connections_set.value_or(of_profile(input)), 0, 0};
    if (!input.evidence || !input.evidence->connection_history) return chosen;
    const ConnectionHistory& history = *input.evidence->connection_history;
    const int most = std::max<int>(history.most, input.evidence->connections);
    if (const int wanted = rounded_up_to_ten(most * 1.25); wanted > chosen.count)
        return {Choice::raised, wanted, chosen.count, most};
    const int enough = std::max(of_profile(input), rounded_up_to_ten(most * 2.0));
    if (chosen.by == Choice::set && history.days >= kEnoughDays && enough < chosen.count)
        return {Choice::lowered, enough, chosen.count, most};
    return chosen;
}

}  // namespace

std::string history_text(const ConnectionHistory& history) {
    const std::string day = base::format_date(base::LocalTime{history.on_day * base::kMicrosPerDay});
    return history.days == 1 ? fmt::format("{} today", history.most)
                             : fmt::format("{} in {} days ({})", history.most, history.days, day);
}

int connections_of(const Input& input) { return choose(input).count; }

std::string why_connections(const Input& input) {
    const Chosen chosen = choose(input);
    std::string why;
    switch (chosen.by) {
    case Choice::asked: why = "As asked for."; break;
    case Choice::set: why = "As it is set."; break;
    case Choice::profile:
        why = fmt::format("What the profile {} needs, at most 25 for each gigabyte of memory.",
                          name_of(input.workload.profile));
        break;
    case Choice::raised:
        why = fmt::format("A quarter more than the {} clients there were; {} would be close to refusing some.",
                          chosen.most, chosen.before);
        break;
    case Choice::lowered:
        why = fmt::format(
            "Twice the {} clients there were, or what the profile needs; the rest of {} only keeps work_mem small.",
            chosen.most, chosen.before);
        break;
    }
    if (!input.evidence) return why;
    why += fmt::format(" Clients now: {}", input.evidence->connections);
    if (input.evidence->connection_history)
        return why + "; at most " + history_text(*input.evidence->connection_history) + ".";
    return why + "; how many at most is known only with pg_steward in shared_preload_libraries.";
}

}  // namespace steward::tune
