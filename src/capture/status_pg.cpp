// SPDX-License-Identifier: PostgreSQL
//
// How counting is doing: the room it has, and what it costs.
#include "capture/rows_pg.hpp"
#include "capture/slow_pg.hpp"
#include "pg/executor.hpp"
#include "pg/shmem.hpp"

namespace steward::capture {

namespace {

constexpr int kStatusColumns = 28;

struct Totals {
    std::int64_t queries;
    std::int64_t blocks_used;
    std::int64_t blocks;
    std::int64_t evictions;
    std::int64_t returns;
    std::int64_t folds;
    std::int64_t without_text;
    std::int64_t failures;
};

Totals totals() noexcept {
    Totals sum{};
    for (int i = 0; i < kShards; ++i) {
        const Shard& shard = shared().store->shard(i);
        pg::Locked locked(shared().locks[i], LW_SHARED);
        sum.queries += shard.used();
        sum.blocks_used += shard.texts().blocks_used();
        sum.blocks += shard.texts().blocks_total();
        sum.evictions += shard.evictions();
        sum.returns += shard.returns();
        sum.folds += shard.folds();
        shard.each_entry(
            [&](const Entry& entry) { sum.without_text += entry.key.queryid != 0 && entry.text == nullptr; });
        shard.each_failure([&](const Failure&) { ++sum.failures; });
    }
    return sum;
}

struct SlowState {
    std::int64_t events;
    std::int64_t bytes_used;
    std::int64_t kept;
    std::int64_t dropped;
    std::int64_t thresholds;
};

SlowState slow_state() noexcept {
    const EventStore& events = *shared().events;
    std::int64_t thresholds = 0;
    {
        pg::Locked locked(shared().limits_lock, LW_SHARED);
        thresholds = shared().limits.count();
    }
    pg::Locked locked(shared().events_lock, LW_SHARED);
    return {events.used(), static_cast<std::int64_t>(events.blocks_used() * TextArena::kBlockBytes),
            static_cast<std::int64_t>(events.added()), static_cast<std::int64_t>(events.dropped()), thresholds};
}

void put_slow_state(Row<kStatusColumns>& row, const SlowState& slow) {
    row.put_number(static_cast<std::int64_t>(slow_bytes()));
    row.put_number(slow.bytes_used);
    row.put_number(slow.events);
    row.put_number(slow.kept);
    row.put_number(slow_skipped());
    row.put_number(slow.dropped);
    row.put_number(slow.thresholds);
}

struct Cost {
    Overhead overhead;
    std::int64_t downshifted;  // sessions
};

// A session that ends meanwhile is in one of both.
Cost cost() noexcept {
    const Store& store = *shared().store;
    pg::Locked locked(shared().locks[0], LW_SHARED);
    Cost sum{shared().ended.read(), 0};
    for (std::uint32_t i = 0; i < store.sessions(); ++i) {
        sum.overhead = sum.overhead + store.slab(i).overhead.read();
        sum.downshifted += store.slab(i).economy.load(std::memory_order_relaxed) > kNoEconomy;
    }
    return sum;
}

void put_time(Row<kStatusColumns>& row, TimestampTz at) {
    if (at != 0)
        row.put(TimestampTzGetDatum(at));
    else
        row.put_null();
}

void put_cost(Row<kStatusColumns>& row, const Cost& cost) {
    if (cost.overhead.timed > 0) {
        row.put_real(overhead_ns(cost.overhead) / kNsPerMs);
        row.put_real(overhead_percent(cost.overhead));
    } else {
        row.put_null();
        row.put_null();
    }
    row.put_number(cost.downshifted);
    put_time(row, shared().first_downshift_at.load(std::memory_order_relaxed));
}

Datum status(FunctionCallInfo fcinfo) {
    require_shared();
    pg::ResultSet result(fcinfo);
    const Shared& state = shared();
    const StoreSize& size = state.store->size();
    Totals sum = totals();
    SlowState slow = slow_state();
    Cost costs = cost();
    constexpr auto kBlock = static_cast<std::int64_t>(TextArena::kBlockBytes);
    pg::put_rows<Row<kStatusColumns>>(result, 1, [&](std::size_t, Row<kStatusColumns>& row) {
        const char* name = mode == kOff ? "off" : mode == kTop ? "top" : "all";
        row.put_text(name, strlen(name));
        row.put(BoolGetDatum(pg::has_query_id()));
        row.put_number(state.bytes);
        row.put_number(static_cast<std::int64_t>(size.sessions) * static_cast<std::int64_t>(sizeof(Slab)));
        row.put_number(sum.blocks * kBlock);
        row.put_number(sum.blocks_used * kBlock);
        row.put_number(sum.queries);
        row.put_number(size.queries);
        row.put_number(sum.without_text);
        row.put_number(sum.failures);
        row.put_number(sum.evictions);
        row.put_number(sum.returns);
        row.put_number(sum.folds);
        row.put_number(state.untimed.load(std::memory_order_relaxed));
        row.put_number(static_cast<std::int64_t>(state.store->resets()));
        row.put_number(state.loaded);
        put_time(row, state.saved_at);
        put_slow_state(row, slow);
        put_cost(row, costs);
    });
    return result.done();
}

}  // namespace

}  // namespace steward::capture

STEWARD_FUNCTION(steward_capture_status) {
    return steward::pg::entry([&] { return steward::capture::status(fcinfo); });
}
