// SPDX-License-Identifier: PostgreSQL
//
// What the server itself refuses when it starts, and no sooner: settings that do not go with each other, or with what it finds
// on its disk.
#include "base/text.hpp"
#include "tune/check.hpp"

namespace steward::tune {

namespace {

void check_wal_level(Findings& found) {
    const char* const remedy = "Set wal_level to replica.";
    const Facts& facts = found.facts;
    if (found.is("wal_level", "minimal")) {
        if (found.amount("max_wal_senders") > 0)
            found.stop("wal_level", "minimal does not go with max_wal_senders above 0", remedy);
        if (found.has("archive_mode") && !found.is("archive_mode", "off"))
            found.stop("wal_level", "minimal does not go with archive_mode", remedy);
        if (found.is("summarize_wal", "on")) found.stop("wal_level", "minimal does not go with summarize_wal", remedy);
        if (facts.slots > facts.logical_slots)
            found.stop("wal_level", fmt::format("minimal, but there are {} replication slots", facts.slots), remedy);
    }
    // From version 19 on logical decoding is turned on when there is a slot for it.
    constexpr double kDecodesByItself = 190000;
    const double version = found.amount("server_version_num");
    if (facts.logical_slots > 0 && version < kDecodesByItself && found.has("wal_level") &&
        !found.is("wal_level", "logical"))
        found.stop("wal_level",
                   fmt::format("{}, but there are {} logical slots", found.text("wal_level"), facts.logical_slots),
                   "Set wal_level to logical, or drop the slots.");
}

}  // namespace

void check_start(Findings& found) {
    const double connections = found.amount("max_connections");
    const double reserved = found.reserved_connections();
    if (connections > 0 && reserved >= connections)
        found.stop("superuser_reserved_connections",
                   fmt::format("{} of {} connections are reserved", reserved, connections),
                   "Lower it, or raise max_connections.");
    check_wal_level(found);
    const double segment = found.amount("wal_segment_size");
    for (const char* name : {"min_wal_size", "max_wal_size"})
        if (found.has(name) && found.amount(name) < 2 * segment)
            found.stop(name,
                       fmt::format("{} is less than two segments of WAL of {}", found.shown_value(name),
                                   found.shown_value("wal_segment_size")),
                       "Raise it.");
    const Facts& facts = found.facts;
    if (found.has("max_replication_slots") && found.amount("max_replication_slots") < facts.slots)
        found.stop("max_replication_slots",
                   fmt::format("{}, but there are {} slots", found.text("max_replication_slots"), facts.slots),
                   "Raise it, or drop the slots that nobody uses.");
    if (found.has("max_prepared_transactions") &&
        found.amount("max_prepared_transactions") < facts.prepared_transactions)
        found.stop("max_prepared_transactions",
                   fmt::format("{}, but {} transactions are prepared", found.text("max_prepared_transactions"),
                               facts.prepared_transactions),
                   "Raise it, or end those of pg_prepared_xacts.");
}

}  // namespace steward::tune
