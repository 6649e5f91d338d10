// SPDX-License-Identifier: PostgreSQL
#include "partition/pace_pg.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "partition/plan_pg.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

std::vector<Oid> due_sets() {
    base::Instant now = pg::now();
    AsExtensionOwner as_extension;
    std::vector<Oid> due;
    for (const pg::Row& row :
         pg::query("SELECT s.parent::oid FROM steward.partition_policies s WHERE s.codec IN ('integer', 'numeric') AND "
                   "s.width IS NOT NULL AND NOT EXISTS (SELECT FROM steward.partition_pace p WHERE p.parent = s.parent "
                   "AND p.seen_at BETWEEN $1 AND $2) ORDER BY s.parent::oid",
                   {pg::Parameter::timestamptz(pg::to_server({now.micros - kSightingMicros})),
                    pg::Parameter::timestamptz(pg::to_server(now))}))
        due.push_back(row.oid(0));
    return due;
}

// Whoever has noted keys in a transaction that goes on is not waited for.
bool is_alone(Oid parent) {
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, parent, 1);
    tag.locktag_lockmethodid = USER_LOCKMETHOD;
    return pg::lock_tag_politely(tag, false, 0);
}

void store(Oid parent, const std::vector<Sighting>& kept, const Sighting& seen, int scale) {
    std::string times;
    for (const Sighting& sighting : kept)
        if (sighting.at != seen.at)
            times += fmt::format("{}\"{}\"", times.empty() ? "" : ",", base::format_instant(sighting.at, base::utc()));
    AsExtensionOwner as_extension;
    pg::execute("DELETE FROM steward.partition_pace WHERE parent = $1::oid AND seen_at <> ALL ($2::timestamptz[])",
                {pg::Parameter::oid(parent), "{" + times + "}"});
    pg::execute("INSERT INTO steward.partition_pace (parent, seen_at, newest_key) VALUES ($1::oid, $2, $3::numeric)",
                {pg::Parameter::oid(parent), pg::Parameter::timestamptz(pg::to_server(seen.at)),
                 base::format_decimal(seen.key, scale)});
}

void note_key(Oid role, Oid parent) {
    bool is_mine = pg::call(
        [&] { return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(parent)) && pg::is_owner_of_table(parent, role); });
    if (!is_mine || !is_alone(parent)) return;
    pg::set_local("lock_timeout", "1ms");
    base::Instant now = pg::now();
    KnownSet known = known_set(parent, now);
    if (known.set.strategy != Strategy::range || known.policy.codec.axis() != Axis::number) return;
    std::optional<Position> key;
    {
        pg::AsOwner as_owner(known.set.owner);
        key = largest_key(known);
    }
    if (!key) return;
    const int scale = known.policy.codec.scale;
    Sighting seen{now, *key};
    store(parent, remember(NotedKeys(parent).sightings_of(parent, scale), seen), seen, scale);
}

}  // namespace

void note_keys(Oid role, pg::Bounded bounded) {
    std::vector<Oid> due;
    pg::attempt(bounded, [&] { due = due_sets(); });
    for (Oid parent : due) pg::attempt(bounded, [&] { note_key(role, parent); });
}

NotedKeys::NotedKeys(Oid parent) {
    AsExtensionOwner as_extension;
    for (const pg::Row& row :
         pg::query("SELECT parent::oid, (date_part('epoch', seen_at) * 1000000)::bigint, "
                   "newest_key::text FROM steward.partition_pace WHERE $1 IN (0::oid, parent::oid) "
                   "ORDER BY parent::oid, seen_at",
                   {pg::Parameter::oid(parent)}))
        noted_[row.oid(0)].push_back({{row.number(1)}, row.text(2)});
}

std::vector<Sighting> NotedKeys::sightings_of(Oid parent, int scale) const {
    std::vector<Sighting> sightings;
    auto found = noted_.find(parent);
    if (found == noted_.end()) return sightings;
    for (const Noted& noted : found->second)
        // Digits that the set has no use for any more: the key is noted anew soon.
        if (auto key = base::parse_decimal(noted.key, scale)) sightings.push_back({noted.at, *key});
    return sightings;
}

}  // namespace steward::partition
