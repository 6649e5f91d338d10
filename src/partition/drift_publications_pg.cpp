// SPDX-License-Identifier: PostgreSQL
//
// Partitions that a publication lists otherwise than the others, or not at all.
#include "partition/drift_finder_pg.hpp"

#include <map>

#include "partition/catalog_pg.hpp"
#include "partition/publications_pg.hpp"

namespace steward::partition {

namespace {

// The columns behind those of begin_difference().
constexpr std::size_t kPublication = 6, kParent = 7, kChild = 8, kIsListed = 9, kColumns = 10, kFilter = 11,
                      kIsExempt = 12, kIsRoot = 13;

// The partitions of one parent that may be told of, by OID: not the default.
using Siblings = std::map<Oid, const pg::Row*>;

std::vector<Member> members_of(const PartitionSet& set, const Siblings& siblings) {
    std::vector<Member> members;
    for (const Partition& partition : set.partitions) {
        Member& member = members.emplace_back();
        auto found = siblings.find(partition.id);
        if (found == siblings.end()) {
            member.is_exempt = true;  // came after our snapshot
            continue;
        }
        const pg::Row& row = *found->second;
        if (row.truth(kIsListed)) member.listing = Listing{row.text(kColumns), row.text(kFilter)};
        member.is_exempt = row.truth(kIsExempt);
    }
    return members;
}

}  // namespace

void Finder::find_publications() {
    const std::string sql =
        ", published AS (SELECT DISTINCT i.inhparent, r.prpubid FROM (SELECT DISTINCT parent FROM "
        "family) t JOIN pg_inherits "
        "i ON i.inhparent = t.parent JOIN pg_publication_rel r ON r.prrelid = i.inhrelid) SELECT " +
        std::string(kHead) + "NULL, NULL, p.pubname, i.inhparent, i.inhrelid, r.prrelid IS NOT NULL, " +
        listing_columns("i.inhparent") +
        ", c.relkind NOT IN ('r', 'p') OR c.relpersistence <> 'p' OR f.child IS NULL OR " +
        is_covered("i.inhparent", "c.relnamespace") +
        ", p.pubviaroot FROM published s JOIN pg_publication p ON p.oid = s.prpubid JOIN pg_inherits i ON "
        "i.inhparent = s.inhparent JOIN "
        "pg_class c ON c.oid = i.inhrelid LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND "
        "r.prrelid = i.inhrelid "
        "LEFT JOIN family f ON f.child = i.inhrelid ORDER BY i.inhparent, p.pubname";
    const std::vector<pg::Row> rows = query(sql);
    std::optional<PartitionSet> set;
    for (std::size_t i = 0; i < rows.size();) {
        const Oid parent = rows[i].oid(kParent);
        const std::string& publication = rows[i].text(kPublication);
        Siblings siblings;
        for (; i < rows.size() && rows[i].oid(kParent) == parent && rows[i].text(kPublication) == publication; ++i)
            siblings.emplace(rows[i].oid(kChild), &rows[i]);
        if (!set || set->id != parent) set = read_set(parent);
        const std::vector<Member> members = members_of(*set, siblings);
        const Expectation expectation = expected_listings(set->strategy, members);
        for (const std::size_t index : expectation.differing) {
            const pg::Row& row = *siblings.at(set->partitions[index].id);
            Difference& difference = begin_difference(row, Aspect::publication);
            difference.subject = publication;
            difference.listing = expectation.listing;
            difference.expected = expectation.listing.text();
            if (members[index].listing) difference.actual = members[index].listing->text();
            Publication wanted{publication, expectation.listing, true, "", row.truth(kIsRoot)};
            difference.obstacle = obstacle(wanted, false, difference.is_partitioned);
        }
    }
}

}  // namespace steward::partition
