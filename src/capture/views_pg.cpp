// SPDX-License-Identifier: PostgreSQL
//
// What SQL sees of the statistics. Rows are made of Datums at once: thousands of them are read each few seconds.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "capture/rows_pg.hpp"
#include "capture/saved_pg.hpp"
#include "pg/executor.hpp"
#include "pg/guard.hpp"
#include "pg/shmem.hpp"
#include "pg/srf.hpp"

namespace steward::capture {

namespace {

constexpr char kEvicted[] = "(evicted)";
constexpr int kStatisticColumns = 39;
using StatisticRow = Row<kStatisticColumns>;

void put_query(StatisticRow& row, const Statistic& one, bool is_visible) {
    if (one.key.queryid == 0) {
        row.put_null();
        row.put_text(kEvicted, sizeof(kEvicted) - 1);
    } else if (!is_visible) {
        row.put_null();
        row.put_text(kHidden, sizeof(kHidden) - 1);
    } else {
        row.put_number(static_cast<std::int64_t>(one.key.queryid));
        if (one.has_text)
            row.put(readable(one.text.data(), one.text.size(), one.encoding));
        else
            row.put_null();
    }
}

void put_durations(StatisticRow& row, const Statistic& one) {
    const Counters& counters = one.counters;
    bool has_any = counters.max_ns > 0 || counters.min_ns <= counters.max_ns;
    row.put_ms(counters.sums[kTotalNs]);
    row.put_real(mean_ns(counters) / kNsPerMs);
    row.put_ms(has_any ? counters.min_ns : 0);
    row.put_ms(counters.max_ns);
    row.put_real(stddev_ns(counters) / kNsPerMs);
    for (std::int64_t nanos : percentiles_of(one.histogram, std::array{0.5, 0.9, 0.95, 0.99}))
        row.put_ms(has_any ? std::clamp(nanos, counters.min_ns, counters.max_ns) : 0);
}

void put_statistic(StatisticRow& row, const Statistic& one, const Reader& reader) {
    const std::int64_t* sums = one.counters.sums;
    row.put_oid(one.key.database);
    row.put_oid(one.key.role);
    row.put(BoolGetDatum(one.key.is_toplevel));
    put_query(row, one, reader.may_see(one.key.role));
    row.put(BoolGetDatum(one.is_cut));
    row.put_number(sums[kCalls]);
    row.put_number(sums[kErrors]);
    row.put_number(sums[kRows]);
    put_durations(row, one);
    row.put_number(sums[kPlans]);
    for (std::int64_t nanos : {sums[kPlanNs], cpu_time_ns(one.counters), sums[kJitNs]}) row.put_ms(nanos);
    for (int sum = kSharedHit; sum <= kTempWritten; ++sum) row.put_number(sums[sum]);
    for (Sum sum : {kReadNs, kWriteNs}) row.put_ms(sums[sum]);
    for (Sum sum : {kWalRecords, kWalFpi, kWalBytes}) row.put_number(sums[sum]);
    row.put(TimestampTzGetDatum(one.counters.first_seen));
    row.put(TimestampTzGetDatum(one.counters.last_seen));
}

// All but those of evicted queries, which are summed up for the end.
template <class One, class IsEvicted>
std::vector<const One*> without_evicted(const std::vector<One>& part, std::vector<One>& evicted,
                                        IsEvicted&& is_evicted) {
    std::vector<const One*> others;
    others.reserve(part.size());
    for (const One& one : part)
        if (is_evicted(one))
            add(evicted, one);
        else
            others.push_back(&one);
    return others;
}

Datum query_statistics(FunctionCallInfo fcinfo) {
    require_shared();
    Reader reader = current_reader();
    pg::ResultSet result(fcinfo);
    std::vector<Statistic> evicted;
    each_shard(Locking::shared, Collector::What::all, [&](const Snapshot& part) {
        auto others =
            without_evicted(part.statistics, evicted, [](const Statistic& one) { return one.key.queryid == 0; });
        pg::put_rows<StatisticRow>(result, others.size(),
                                   [&](std::size_t i, StatisticRow& row) { put_statistic(row, *others[i], reader); });
    });
    pg::put_rows<StatisticRow>(result, evicted.size(),
                               [&](std::size_t i, StatisticRow& row) { put_statistic(row, evicted[i], reader); });
    return result.done();
}

constexpr int kFailureColumns = 9;
using FailureRow = Row<kFailureColumns>;

void put_failure(FailureRow& row, const FailureCount& one, const Reader& reader) {
    row.put_oid(one.key.database);
    row.put_oid(one.key.role);
    row.put(BoolGetDatum(one.key.is_toplevel));
    bool is_visible = reader.may_see(one.key.role);
    if (one.key.queryid != 0 && is_visible)
        row.put_number(static_cast<std::int64_t>(one.key.queryid));
    else
        row.put_null();
    if (one.sqlstate != 0)
        row.put(PointerGetDatum(cstring_to_text(unpack_sql_state(one.sqlstate))));
    else
        row.put_null();
    row.put_number(one.count);
    row.put_ms(one.total_ns);
    row.put(TimestampTzGetDatum(one.last_at));
    if (one.message.length == 0)
        row.put_null();
    else if (is_visible)
        row.put(readable(one.message.bytes, one.message.length, one.message.encoding));
    else
        row.put_text(kHidden, sizeof(kHidden) - 1);
}

Datum query_failures(FunctionCallInfo fcinfo) {
    require_shared();
    Reader reader = current_reader();
    pg::ResultSet result(fcinfo);
    std::vector<FailureCount> evicted;
    each_shard(Locking::shared, Collector::What::failures, [&](const Snapshot& part) {
        auto others =
            without_evicted(part.failures, evicted, [](const FailureCount& one) { return one.sqlstate == 0; });
        pg::put_rows<FailureRow>(result, others.size(),
                                 [&](std::size_t i, FailureRow& row) { put_failure(row, *others[i], reader); });
    });
    pg::put_rows<FailureRow>(result, evicted.size(),
                             [&](std::size_t i, FailureRow& row) { put_failure(row, evicted[i], reader); });
    return result.done();
}

// Of a name that nobody has there are no statistics.
Oid database_of(const std::string& name) {
    const char* text = name.c_str();
    return pg::call([&] { return get_database_oid(text, false); });
}
Oid role_of(const std::string& name) {
    const char* text = name.c_str();
    return pg::call([&] { return get_role_oid(text, false); });
}

Datum reset(FunctionCallInfo fcinfo) {
    require_shared();
    Filter filter{};
    if (!PG_ARGISNULL(0)) filter.queryid = static_cast<std::uint64_t>(PG_GETARG_INT64(0));
    if (!PG_ARGISNULL(1)) filter.database = database_of(NameStr(*PG_GETARG_NAME(1)));
    if (!PG_ARGISNULL(2)) filter.role = role_of(NameStr(*PG_GETARG_NAME(2)));
    for (LWLock* lock : shared().locks) LWLockAcquire(lock, LW_EXCLUSIVE);
    std::uint32_t erased = shared().store->reset(filter);
    for (LWLock* lock : shared().locks) LWLockRelease(lock);
    {
        pg::Locked locked(shared().events_lock);
        shared().events->erase(filter.queryid, filter.database, filter.role);
    }
    return pg::call([&] { return Int64GetDatum(erased); });
}

}  // namespace

}  // namespace steward::capture

using namespace steward;

STEWARD_FUNCTION(steward_query_statistics) {
    return pg::entry([&] { return capture::query_statistics(fcinfo); });
}

STEWARD_FUNCTION(steward_query_failures) {
    return pg::entry([&] { return capture::query_failures(fcinfo); });
}

STEWARD_FUNCTION(steward_reset_queries) {
    return pg::entry([&] { return capture::reset(fcinfo); });
}
