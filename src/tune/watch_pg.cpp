// SPDX-License-Identifier: PostgreSQL
#include "tune/watch_pg.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>

#include "base/array.hpp"
#include "base/text.hpp"
#include "capture/durations_pg.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "tune/apply_pg.hpp"
#include "tune/watch.hpp"

namespace steward::tune {

namespace {

using capture::Histogram;

// Those with most calls: the others weigh little.
constexpr std::size_t kMostQueries = 500;

std::string job_name(std::int64_t batch) { return fmt::format("judge tuning {}", batch); }

std::string literal_of(const Histogram& histogram) {
    std::vector<std::string> counts;
    for (const std::int64_t count : histogram.counts) counts.push_back(fmt::format("{}", count));
    return base::array_literal(counts);
}

Histogram histogram_of(const std::string& literal) {
    Histogram histogram{};
    std::size_t i = 0;
    for (const std::string& count : base::array_items(literal))
        if (i < capture::kBuckets) histogram.counts[i++] = std::atoll(count.c_str());
    return histogram;
}

using QueryKey = std::tuple<Oid, Oid, std::int64_t>;
QueryKey key_of(const capture::Key& key) { return {key.database, key.role, static_cast<std::int64_t>(key.queryid)}; }

std::map<QueryKey, Histogram> durations_now() {
    std::map<QueryKey, Histogram> found;
    for (const capture::Durations& one : capture::query_durations()) found[key_of(one.key)] = one.histogram;
    return found;
}

// Retried where a crash interrupts it.
void schedule_judge(std::int64_t batch, std::int64_t micros, const std::string& role) {
    pg::query("SELECT steward.schedule_at($1, clock_timestamp() + $2 * interval '1 microsecond', $3, "
              "quote_ident($4)::regrole, '{\"retries\": 3}')",
              {job_name(batch), micros, fmt::format("SELECT steward.judge_tuning({})", batch), role});
}

struct Watch {
    std::int64_t batch = 0;
    std::int64_t micros = 0;
    std::string role;
    std::string decision;
    std::string detail;
    bool has_restarted = false;
};

Watch read_watch(std::int64_t batch) {
    const auto rows =
        pg::query("SELECT (extract(epoch FROM w.watch_for) * 1000000)::bigint, w.decision, w.detail, "
                  "pg_postmaster_start_time() > "
                  "w.since, (SELECT min(role_name) FROM steward.tuning_journal j WHERE j.batch_id = w.batch_id) "
                  "FROM steward.tuning_watches w WHERE w.batch_id = $1 FOR UPDATE",
                  {batch});
    if (rows.empty())
        throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "no batch {} of settings is watched", batch)
            .hint("steward.tuning_watches shows those that are.");
    const pg::Row& row = rows.at(0);
    return {batch, row.number(0), row.text(4), row.text(1), row.text(2), row.truth(3)};
}

// Caches are cold, and what waited for a restart is in force: counted is from now on.
void watch_anew(const Watch& watch) {
    const auto now = durations_now();
    for (const pg::Row& row : pg::query("SELECT database_oid, role_oid, queryid FROM steward.tuning_watched_queries "
                                        "WHERE batch_id = $1",
                                        {watch.batch})) {
        const auto found = now.find({row.oid(0), row.oid(1), row.number(2)});
        pg::execute("UPDATE steward.tuning_watched_queries SET since = $5::bigint[] WHERE batch_id = $1 AND "
                    "database_oid = $2 AND role_oid = $3 AND queryid = $4",
                    {watch.batch, pg::Parameter::oid(row.oid(0)), pg::Parameter::oid(row.oid(1)), row.number(2),
                     literal_of(found == now.end() ? Histogram{} : found->second)});
    }
    pg::execute("UPDATE steward.tuning_watches SET since = clock_timestamp() WHERE batch_id = $1", {watch.batch});
    schedule_judge(watch.batch, watch.micros, watch.role);
}

// Without those whose statistics have been reset meanwhile.
std::vector<WatchedQuery> compared(std::int64_t batch) {
    const auto now = durations_now();
    std::vector<WatchedQuery> queries;
    for (const pg::Row& row : pg::query("SELECT database_oid, role_oid, queryid, before, since FROM "
                                        "steward.tuning_watched_queries WHERE batch_id = $1",
                                        {batch})) {
        const auto found = now.find({row.oid(0), row.oid(1), row.number(2)});
        if (found == now.end()) continue;
        WatchedQuery query{histogram_of(row.text(3)), found->second};
        const Histogram since = histogram_of(row.text(4));
        bool is_reset = false;
        for (int i = 0; i < capture::kBuckets; ++i) {
            query.after.counts[i] -= since.counts[i];
            is_reset |= query.after.counts[i] < 0;
        }
        if (!is_reset) queries.push_back(query);
    }
    return queries;
}

// Why there is nothing to judge, or what is left out.
struct InForce {
    bool is_judged = true;
    std::string detail;
};

InForce in_force(std::int64_t batch) {
    const auto rows = pg::query(
        "WITH ours AS (SELECT j.parameter, s.pending_restart FROM steward.tuning_journal j "
        "JOIN pg_settings s ON s.name = j.parameter WHERE j.batch_id = $1 AND j.outcome IN ('intended', 'applied') "
        "AND j.new_value = (SELECT f.setting FROM pg_file_settings f WHERE f.name = j.parameter AND f.sourcefile LIKE "
        "'%/postgresql.auto.conf' ORDER BY f.seqno DESC LIMIT 1)) "
        "SELECT (SELECT count(*) FROM ours), (SELECT string_agg(parameter, ', ' ORDER BY parameter) FROM ours WHERE "
        "pending_restart), (SELECT count(*) FROM ours WHERE NOT pending_restart), (SELECT count(*) FROM "
        "steward.tuning_journal WHERE batch_id > $1)",
        {batch});
    const pg::Row& row = rows.at(0);
    if (row.number(0) == 0) return {false, "Nothing of it is left: it has been put back, or set otherwise."};
    if (row.number(3) > 0) return {false, "Other settings have been applied since."};
    const std::string waiting =
        row.text(1).empty() ? "" : "Not in force yet, for want of a restart: " + row.text(1) + ".";
    return {row.number(2) > 0, waiting};
}

Judgement judgement_of(const Watch& watch) {
    const InForce state = in_force(watch.batch);
    Judgement judgement;
    if (state.is_judged) judgement = judge(compared(watch.batch));
    if (!state.detail.empty()) judgement.detail += (judgement.detail.empty() ? "" : " ") + state.detail;
    return judgement;
}

// What somebody has set otherwise meanwhile stays.
void put_back(const Watch& watch, Judgement& judgement) {
    std::string others;
    for (const Applied& row : carry_out({Order::What::revert, watch.role, {}, 0, watch.batch}))
        if (row.outcome != "reverted") others += (others.empty() ? "" : ", ") + row.parameter + " " + row.outcome;
    if (!others.empty()) judgement.detail += " Not put back: " + others + ".";
}

void write_judgement(const Watch& watch, const Judgement& judgement) {
    pg::execute("UPDATE steward.tuning_watches SET judged_at = clock_timestamp(), decision = $2, queries = $3, "
                "calls_before = $4, calls_after = $5, p95_ratio = CASE WHEN $3 > 0 THEN $6 END, detail = $7 "
                "WHERE batch_id = $1",
                {watch.batch, std::string(name_of(judgement.decision)), judgement.queries, judgement.calls_before,
                 judgement.calls_after, judgement.ratio, judgement.detail});
    pg::execute("DELETE FROM steward.tuning_watched_queries WHERE batch_id = $1", {watch.batch});
    pg::query("SELECT steward.unschedule(name) FROM steward.job_definitions WHERE name = $1", {job_name(watch.batch)});
}

std::string judge_tuning(std::int64_t batch) {
    Watch watch;
    Judgement judgement;
    {
        const pg::AsExtensionOwner as_extension;
        watch = read_watch(batch);
        if (watch.decision != "watching") return watch.decision + ": " + watch.detail;
        if (watch.has_restarted) {
            watch_anew(watch);
            return "watching: The server has been restarted, and is watched anew.";
        }
        judgement = judgement_of(watch);
    }
    if (judgement.decision == Decision::reverted) put_back(watch, judgement);
    const pg::AsExtensionOwner as_extension;
    write_judgement(watch, judgement);
    return fmt::format("{}: {}", name_of(judgement.decision), judgement.detail);
}

}  // namespace

void begin_watch(std::int64_t batch, std::int64_t micros, const std::string& role) {
    auto queries = capture::query_durations();
    queries.erase(
        std::remove_if(queries.begin(), queries.end(),
                       [](const capture::Durations& one) { return capture::total_of(one.histogram) < kEnoughCalls; }),
        queries.end());
    if (queries.empty())
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "there is nothing to compare with afterwards")
            .detail("No query has been called {} times since statistics were reset.", kEnoughCalls)
            .hint("Call it without watch, or when steward.queries has seen the usual work.");
    std::sort(queries.begin(), queries.end(), [](const capture::Durations& a, const capture::Durations& b) {
        return capture::total_of(a.histogram) > capture::total_of(b.histogram);
    });
    if (queries.size() > kMostQueries) queries.resize(kMostQueries);
    pg::execute("INSERT INTO steward.tuning_watches (batch_id, watch_for) VALUES ($1, $2 * interval '1 microsecond')",
                {batch, micros});
    for (const capture::Durations& one : queries)
        pg::execute("INSERT INTO steward.tuning_watched_queries VALUES ($1, $2, $3, $4, $5::bigint[], $5::bigint[])",
                    {batch, pg::Parameter::oid(one.key.database), pg::Parameter::oid(one.key.role),
                     static_cast<std::int64_t>(one.key.queryid), literal_of(one.histogram)});
    schedule_judge(batch, micros, role);
}

}  // namespace steward::tune

using namespace steward;

STEWARD_FUNCTION(steward_judge_tuning) {
    return pg::entry([&] {
        tune::check_caller("judge_tuning", tune::read_settings());
        tune::check_transaction("judge_tuning");
        const std::string told = tune::judge_tuning(PG_GETARG_INT64(0));
        return pg::call([&] { return PointerGetDatum(cstring_to_text(told.c_str())); });
    });
}
