// SPDX-License-Identifier: PostgreSQL
//
// steward.estimate_bloat(), steward.sample_bloat(), steward.measure_bloat().
#include "maintain/bloat_pg.hpp"

#include <algorithm>
#include <cmath>

#include "maintain/sample_pg.hpp"
#include "maintain/screen.hpp"
#include "maintain/screen_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/pages.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

// Smaller ones are not worth a line in a plan.
constexpr std::int64_t kLeastBytes = 1 << 20;
// A sample is good for so long; the job that takes them runs once a day.
constexpr double kFreshDays = 0.5;

constexpr const char* kBySample = "sample";
constexpr const char* kByPgstattuple = "pgstattuple";

pg::Cell cell(double value) { return fmt::format("{}", value); }
pg::Cell cell(std::int64_t value) { return fmt::format("{}", value); }

std::int64_t bytes_of(double share, std::int64_t bytes) { return std::llround(share * static_cast<double>(bytes)); }

void store(const Sampleable& relation, const Sample& found, const char* method) {
    pg::AsExtensionOwner owner;
    pg::execute("INSERT INTO steward.bloat_estimates AS e (relation_oid, method, file_node, taken_at, relation_bytes, "
                "pages_read, "
                "bloat_share_low, bloat_share, bloat_share_high, dead_share) "
                "SELECT $1, $2, pg_relation_filenode($1), clock_timestamp(), $3, $4, $5, $6, $7, $8::float8 "
                "ON CONFLICT (relation_oid, method) DO UPDATE SET file_node = excluded.file_node, taken_at = "
                "excluded.taken_at, "
                "relation_bytes = excluded.relation_bytes, pages_read = excluded.pages_read, "
                "bloat_share_low = excluded.bloat_share_low, bloat_share = excluded.bloat_share, "
                "bloat_share_high = excluded.bloat_share_high, dead_share = excluded.dead_share",
                {pg::Parameter::oid(relation.id), method, found.bytes, found.pages_read, found.bloat.low,
                 found.bloat.share, found.bloat.high, found.dead_share});
}

Sample sample_or_throw(const Sampleable& relation) {
    std::optional<Sample> found = sample(relation);
    if (found) return *found;
    throw pg::PgError(ERRCODE_LOCK_NOT_AVAILABLE, "\"{}\" is locked by somebody who keeps readers out", relation.name)
        .hint("Try again when that is over.");
}

// ---- steward.sample_bloat() ------------------------------------------------------------------------------------------

std::vector<Screened> most_promising(std::size_t at_most) {
    struct Ranked {
        double promise;
        Screened relation;
    };
    const std::map<RelationId, StoredBloat> known = stored_bloat();
    const base::Instant now = pg::now();
    std::vector<Ranked> ranked;
    for (Screened& relation : screen_relations()) {
        if (relation.bytes < kLeastBytes) continue;
        Candidate candidate{static_cast<double>(relation.bytes), relation.guess, relation.reserved, {}, {}};
        if (auto last = known.find(relation.id); last != known.end()) {
            candidate.last_high = last->second.share.high;
            candidate.last_age_days = static_cast<double>(now.micros - last->second.taken_at.micros) /
                                      static_cast<double>(base::kMicrosPerDay);
            if (*candidate.last_age_days < kFreshDays) continue;
        }
        ranked.push_back({promise(candidate), std::move(relation)});
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const Ranked& a, const Ranked& b) { return a.promise > b.promise; });
    std::vector<Screened> result;
    for (std::size_t at = 0; at < std::min(at_most, ranked.size()); ++at)
        result.push_back(std::move(ranked[at].relation));
    return result;
}

void forget_what_is_gone() {
    pg::AsExtensionOwner owner;
    pg::execute("DELETE FROM steward.bloat_estimates e WHERE e.file_node IS DISTINCT FROM "
                "pg_relation_filenode(e.relation_oid)");
}

void sample_one(const Screened& relation, pg::ResultSet& result) {
    const std::string id = fmt::format("{}", relation.id);
    std::optional<Sample> found;
    auto failure = pg::attempt(pg::Bounded::subtransaction, [&] {
        const Sampleable sampled = check_sampleable(relation.id);
        found = sample(sampled);
        if (found) store(sampled, *found, kBySample);
    });
    if (failure) {
        result.add({id, "failed", {}, {}, {}, {}, {}, failure->message});
    } else if (!found) {
        result.add({id, "skipped", {}, {}, {}, {}, {}, "locked by somebody who keeps readers out"});
    } else {
        result.add({id,
                    "sampled",
                    cell(found->bytes),
                    cell(found->pages_read),
                    cell(found->bloat.low),
                    cell(found->bloat.share),
                    cell(found->bloat.high),
                    {}});
    }
}

void refuse_read_only() {
    if (!RecoveryInProgress() && !XactReadOnly) return;
    throw pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot store samples of bloat {}",
                      RecoveryInProgress() ? "during recovery" : "in a read-only transaction")
        .hint("steward.estimate_bloat() looks at one relation and stores nothing.");
}

// ---- steward.measure_bloat() -----------------------------------------------------------------------------------------

// Quoted; where pgstattuple lives.
std::string pgstattuple_schema() {
    auto rows =
        pg::query("SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
                  "WHERE e.extname = 'pgstattuple'");
    if (!rows.empty()) return rows[0].text(0);
    throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "extension \"pgstattuple\" does not exist in this database")
        .hint("CREATE EXTENSION pgstattuple makes it; steward.estimate_bloat() does without.");
}

Sample measured_table(const Sampleable& relation, const std::string& schema) {
    const pg::Row row =
        pg::query("SELECT table_len, dead_tuple_len, free_space FROM " + schema + ".pgstattuple($1::regclass)",
                  {pg::Parameter::oid(relation.id)})
            .at(0);
    Sample found;
    found.bytes = row.number(0);
    const double all = std::max(row.real(0), 1.0);
    found.dead_share = row.real(1) / all;
    const double share = (row.real(1) + row.real(2)) / all;
    found.bloat = {share, share, share};
    return found;
}

Sample measured_index(const Sampleable& relation, const std::string& schema) {
    const pg::Row row =
        pg::query("SELECT index_size, leaf_pages, internal_pages, empty_pages + deleted_pages, "
                  "nullif(avg_leaf_density, 'NaN'), coalesce((SELECT o.option_value::float8 FROM pg_class c, "
                  "pg_options_to_table(c.reloptions) o WHERE c.oid = $1 AND o.option_name = 'fillfactor'), $2) FROM " +
                      schema + ".pgstatindex($1::regclass)",
                  {pg::Parameter::oid(relation.id), static_cast<double>(BTREE_DEFAULT_FILLFACTOR)})
            .at(0);
    Sample found;
    found.bytes = row.number(0);
    const double share = btree_bloat({row.real(1), row.real(2), row.real(3), row.real(4) / 100}, row.real(5) / 100);
    found.bloat = {share, share, share};
    return found;
}

// As the caller: pgstattuple has privileges of its own.
Sample measure(const Sampleable& relation) {
    pg::SafePath path;
    const std::string schema = pgstattuple_schema();
    if (!pg::call([&] { return ConditionalLockRelationOid(relation.id, AccessShareLock); }))
        throw pg::PgError(ERRCODE_LOCK_NOT_AVAILABLE, "\"{}\" is locked by somebody who keeps readers out",
                          relation.name)
            .hint("Try again when that is over.");
    Sample found = relation.is_index ? measured_index(relation, schema) : measured_table(relation, schema);
    found.pages_read = found.bytes / BLCKSZ;
    found.is_exact = true;
    return found;
}

}  // namespace

std::map<RelationId, StoredBloat> stored_bloat() {
    pg::AsExtensionOwner owner;
    std::map<RelationId, StoredBloat> result;
    for (const pg::Row& row :
         pg::query("SELECT DISTINCT ON (relation_oid) relation_oid, bloat_share_low, bloat_share, bloat_share_high, "
                   "relation_bytes, (extract(epoch FROM taken_at) * 1000000)::bigint FROM steward.bloat_estimates "
                   "WHERE file_node = pg_relation_filenode(relation_oid) ORDER BY relation_oid, taken_at DESC"))
        result[row.oid(0)] = {{row.real(1), row.real(2), row.real(3)}, base::Instant{row.number(5)}, row.number(4)};
    return result;
}

}  // namespace steward::maintain

using namespace steward;

STEWARD_FUNCTION(steward_estimate_bloat) {
    return pg::entry([&] {
        pg::ResultSet result(fcinfo);
        const maintain::Sampleable relation = maintain::check_sampleable(PG_GETARG_OID(0));
        maintain::check_may_read_pages(relation.id, relation.name);
        const maintain::Sample found = maintain::sample_or_throw(relation);
        const auto bytes = [&](double share) { return maintain::cell(maintain::bytes_of(share, found.bytes)); };
        result.add({maintain::cell(found.bytes), maintain::cell(found.pages_read), found.is_exact ? "t" : "f",
                    maintain::cell(found.bloat.low), maintain::cell(found.bloat.share),
                    maintain::cell(found.bloat.high), bytes(found.bloat.low), bytes(found.bloat.share),
                    bytes(found.bloat.high), found.dead_share ? bytes(*found.dead_share) : std::nullopt});
        return result.done();
    });
}

STEWARD_FUNCTION(steward_sample_bloat) {
    return pg::entry([&] {
        const std::int32_t relations = PG_GETARG_INT32(0);
        if (relations < 1)
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "cannot sample {} relations", relations)
                .hint("Give a number from 1 on.");
        maintain::refuse_read_only();
        pg::ResultSet result(fcinfo);
        maintain::forget_what_is_gone();
        for (const maintain::Screened& relation : maintain::most_promising(static_cast<std::size_t>(relations))) {
            maintain::sample_one(relation, result);
            pg::check_interrupts();
        }
        return result.done();
    });
}

STEWARD_FUNCTION(steward_measure_bloat) {
    return pg::entry([&] {
        pg::ResultSet result(fcinfo);
        const maintain::Sampleable relation = maintain::check_sampleable(PG_GETARG_OID(0));
        maintain::check_may_read_pages(relation.id, relation.name);
        const maintain::Sample found = maintain::measure(relation);
        if (!RecoveryInProgress() && !XactReadOnly) maintain::store(relation, found, maintain::kByPgstattuple);
        const auto bytes = [&](double share) { return maintain::cell(maintain::bytes_of(share, found.bytes)); };
        result.add({maintain::cell(found.bytes), maintain::cell(found.bloat.share), bytes(found.bloat.share),
                    found.dead_share ? bytes(*found.dead_share) : std::nullopt});
        return result.done();
    });
}
