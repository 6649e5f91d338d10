// SPDX-License-Identifier: PostgreSQL
#include "maintain/memory.hpp"

#include <algorithm>

namespace steward::maintain {

namespace {

using OptionalInstant = std::optional<base::Instant>;

// An empty optional is less than any instant.
OptionalInstant later(const OptionalInstant& a, const OptionalInstant& b) { return std::max(a, b); }

}  // namespace

bool Counters::operator==(const Counters& other) const {
    return file == other.file && changed_in_all == other.changed_in_all && vacuums == other.vacuums &&
           analyzes == other.analyzes && last_vacuum == other.last_vacuum && last_analyze == other.last_analyze &&
           changes.dead == other.changes.dead && changes.inserted == other.changes.inserted &&
           changes.modified == other.changes.modified;
}

bool has_lost(const Note& noted, const Counters& now) {
    return now.changed_in_all < noted.counters.changed_in_all || now.vacuums < noted.counters.vacuums ||
           now.analyzes < noted.counters.analyzes;
}

Changes forgotten(const Note& noted, const Counters& now) {
    const bool is_lost = has_lost(noted, now);
    // What was done after the note is done, also when it is the ledger that knows of it and not the server.
    const auto is_done = [&](std::int64_t before, std::int64_t count, const OptionalInstant& last) {
        return count > (is_lost ? 0 : before) || (last && *last > noted.at);
    };
    Changes changes = noted.forgotten;
    if (is_lost) {
        changes.dead += noted.counters.changes.dead;
        changes.inserted += noted.counters.changes.inserted;
        changes.modified += noted.counters.changes.modified;
    }
    if (now.file != noted.counters.file || is_done(noted.counters.vacuums, now.vacuums, now.last_vacuum)) {
        changes.dead = 0;
        changes.inserted = 0;
    }
    if (is_done(noted.counters.analyzes, now.analyzes, now.last_analyze)) changes.modified = 0;
    return changes;
}

Note note(const std::optional<Note>& noted, const Counters& now, base::Instant at) {
    Note made;
    made.at = at;
    made.counters = now;
    if (!noted) return made;
    made.forgotten = forgotten(*noted, now);
    made.counters.last_vacuum = later(now.last_vacuum, noted->counters.last_vacuum);
    made.counters.last_analyze = later(now.last_analyze, noted->counters.last_analyze);
    return made;
}

bool is_worth_noting(const std::optional<Note>& noted, const Counters& now) {
    if (!noted) return now.changed_in_all > 0 || now.vacuums > 0 || now.analyzes > 0;
    Counters known = now;
    known.last_vacuum = later(now.last_vacuum, noted->counters.last_vacuum);
    known.last_analyze = later(now.last_analyze, noted->counters.last_analyze);
    return !(known == noted->counters);
}

}  // namespace steward::maintain
