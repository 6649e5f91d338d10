// SPDX-License-Identifier: PostgreSQL
//
// What happens to the servers of the cluster, told from one answer to the next.
//
// Whether two were primaries at the same time is not guessed: a server was one for certain between its first answer that said
// so and the last question that it answered so. Two such stretches that overlap are a split brain; an old primary that was
// asked last before the new one was promoted is none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "route/facts.hpp"
#include "route/probe.hpp"
#include "route/units.hpp"

namespace steward::route {

enum class EventKind : std::uint8_t {
    loss,
    comeback,
    promotion,
    demotion,
    timeline_change,
    split_brain,
    split_brain_end
};
const char* name_of(EventKind kind) noexcept;

// A server while it is a primary, by this server's clock.
struct Reign {
    bool is_primary = false;
    Steady since;
    Steady until;
};
bool reigned_together(const Reign& one, const Reign& other) noexcept;

struct Change {
    EventKind kind = EventKind::loss;
    std::uint32_t timeline = 0;
    std::uint32_t previous_timeline = 0;
};

// One server, as it was seen last.
class Sightings {
public:
    // What its answer to a question of that moment says that is new.
    std::optional<Change> saw(const Facts& facts, Steady asked, Steady answered) noexcept;
    const Reign& reign() const noexcept { return reign_; }
    bool was_primary() const noexcept { return is_known_ && !last_.is_standby; }
    std::uint32_t timeline() const noexcept { return last_.timeline; }
    // One server under two names.
    bool is_same_server(const Sightings& other) const noexcept {
        return last_.instance != 0 && last_.instance == other.last_.instance;
    }

private:
    bool is_known_ = false;
    Facts last_;
    Reign reign_;
};

// Pairs of servers that were primaries at the same time, up to the end of that.
class Rivalries {
public:
    // False when that was known.
    bool begin(int one, int other) { return pairs_.insert(std::minmax(one, other)).second; }
    // All of one server; those it was in a pair with.
    std::vector<int> end(int one);

private:
    std::set<std::pair<int, int>> pairs_;
};

const char* severity_of(EventKind kind, bool was_primary) noexcept;

// What was known of a server when something happened.
struct KnownNode {
    std::string name;
    bool has_facts = false;
    Facts facts;
    Reach reach = Reach::unknown;
    std::int64_t age = 0;  // microseconds, of the facts
};
// As JSON of at most so many bytes: those for which there is no room are left out, and counted.
std::string known_json(const std::vector<KnownNode>& nodes, std::size_t bytes);

}  // namespace steward::route
