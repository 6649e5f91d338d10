// SPDX-License-Identifier: PostgreSQL
//
// The server keeps the counters that ask for maintenance in memory only: a crash, an immediate stop and a promotion lose them, and
// autovacuum then waits for as many changes again. They are noted every few minutes, and where the server shows fewer than were noted,
// the changes of the note count on until the next vacuum or analyse.
#pragma once

#include "maintain/table.hpp"

namespace steward::maintain {

// As the server has them at one instant.
struct Counters {
    RelationId file = 0;              // another one: rewritten or truncated
    std::int64_t changed_in_all = 0;  // rows ever inserted, updated and deleted
    std::int64_t vacuums = 0;         // manual and automatic ones
    std::int64_t analyzes = 0;
    std::optional<base::Instant> last_vacuum;
    std::optional<base::Instant> last_analyze;
    Changes changes;
    bool operator==(const Counters& other) const;
};

struct Note {
    base::Instant at;
    Counters counters;
    Changes forgotten;  // that the server did not know any more, and were still to be reckoned with
};

// Counters only grow: fewer than noted are others.
bool has_lost(const Note& noted, const Counters& now);

// What is to be added to the changes that the server shows.
Changes forgotten(const Note& noted, const Counters& now);

// What to note now, after `noted`.
Note note(const std::optional<Note>& noted, const Counters& now, base::Instant at);

// Whether a note would say anything that the last one does not.
bool is_worth_noting(const std::optional<Note>& noted, const Counters& now);

}  // namespace steward::maintain
