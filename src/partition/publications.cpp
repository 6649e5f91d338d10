// SPDX-License-Identifier: PostgreSQL
#include "partition/publications.hpp"

#include "base/text.hpp"

namespace steward::partition {

using base::quote_identifier;
using base::quote_literal;

std::string Listing::text() const {
    if (is_whole()) return "all columns and rows";
    std::string text = columns.empty() ? "" : "(" + columns + ")";
    if (!filter.empty()) text += (text.empty() ? "WHERE (" : " WHERE (") + filter + ")";
    return text;
}

bool follows_set(Strategy strategy, bool lists_newest, bool lists_all) {
    return strategy == Strategy::range ? lists_newest : lists_all;
}

std::string obstacle(const Publication& publication, bool is_unlogged, bool is_partitioned) {
    if (!publication.is_ours) return "it belongs to " + publication.owner;
    if (is_unlogged && !is_partitioned) return "unlogged tables are not replicated";
    if (is_partitioned && !publication.listing.is_whole() && !publication.is_root)
        return "it takes columns and rows of a partitioned table only with publish_via_partition_root";
    return "";
}

std::string publish_sql(const std::string& publication, const Listing& listing, const std::string& table) {
    std::string sql = fmt::format("ALTER PUBLICATION {} ADD TABLE {}", quote_identifier(publication), table);
    return listing.is_whole() ? sql : sql + " " + listing.text();
}

std::string republish_sql(const std::string& publication, const Listing& listing, const std::string& table) {
    return fmt::format("BEGIN;\nALTER PUBLICATION {} DROP TABLE {};\n{};\nCOMMIT", quote_identifier(publication), table,
                       publish_sql(publication, listing, table));
}

std::string publish_new_sql(const std::string& publication, const Listing& listing, const std::string& table) {
    return "DO " + quote_literal("BEGIN " + publish_sql(publication, listing, table) +
                                 "; EXCEPTION WHEN duplicate_object THEN NULL; END");
}

Expectation expected_listings(Strategy strategy, const std::vector<Member>& members) {
    Expectation expectation;
    std::size_t first = members.size();
    std::size_t listed = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (!members[i].listing) continue;
        if (listed++ == 0) first = i;
        expectation.listing = *members[i].listing;
    }
    if (strategy != Strategy::range) first = listed > 0 && 2 * listed >= members.size() ? 0 : members.size();
    for (std::size_t i = first; i < members.size(); ++i)
        if (!members[i].is_exempt && !(members[i].listing == expectation.listing)) expectation.differing.push_back(i);
    return expectation;
}

}  // namespace steward::partition
