// SPDX-License-Identifier: PostgreSQL
//
// The begin and the end of a statement.
#include "capture/slow_pg.hpp"
#include "capture/timing_pg.hpp"

namespace steward::capture {

Flights<Before> flights;
Flight* planned = nullptr;
std::int64_t clock_reading_ns = 0;
std::int64_t cpu_reading_ns = 0;

namespace {

// A statement whose calls take less on average is measured in processor time one time in kSampleOneOf, as that is a call of
// the kernel; the first few of each always.
constexpr std::int64_t kAlwaysSampledNs = 1'000'000;
constexpr int kSampleOneOf = 16;

bool draws_one_of(std::uint32_t count) noexcept { return random_state < (std::uint64_t{1} << 32) / count; }

// It has been drawn, one time in `one_of`.
STEWARD_APART int sampled(const std::int64_t* sums, int one_of) noexcept {
    if (draws_one_of(kTimeOneOf)) time_next_statement();
    bool is_short = sums[kTotalNs] < sums[kCalls] * kAlwaysSampledNs || sums[kCalls] == 0;
    return is_short && gives_up(kNoCpuTime) ? 0 : one_of;
}

int sampling_of(const SlabEntry& entry) noexcept {
    const std::int64_t* sums = entry.data.counters.sums;
    random_state = random_state * 1'664'525U + 1'013'904'223U;
    if (sums[kCalls] < kSampleOneOf / 2 || sums[kTotalNs] >= sums[kCalls] * kAlwaysSampledNs) return sampled(sums, 1);
    return draws_one_of(kSampleOneOf) ? sampled(sums, kSampleOneOf) : 0;
}

}  // namespace

void measure_clocks() noexcept {
    clock_reading_ns = pg::cost_of_reading_ns(CLOCK_MONOTONIC);
    cpu_reading_ns = pg::cost_of_reading_ns(CLOCK_THREAD_CPUTIME_ID);
}

STEWARD_APART void flush_planned() noexcept {
    record_plan(planned->key, planned->sums[kPlanNs], planned->seen_at);
    flights.end(planned);
    planned = nullptr;
}

Flight* begin(const void* query, std::uint64_t queryid, const Source& source) noexcept {
    if (planned != nullptr) {
        Flight* flight = planned;
        // Nothing was begun meanwhile, not even SET ROLE.
        if (flight->key.queryid == queryid && flight->key.is_toplevel == (flights.depth() == 0)) {
            planned = nullptr;
            flight->query = query;
            flight->transaction_level = GetCurrentTransactionNestLevel();
            return flight;
        }
        flush_planned();
    }
    Key key{queryid, MyDatabaseId, GetUserId(), flights.depth() == 0};
    std::uint64_t hash = hash_of(key);
    SlabEntry& entry = touch(key, hash, source, 0);
    Flight* flight = flights.begin(query);
    if (flight == nullptr) return nullptr;
    flight->key = key;
    flight->hash = hash;
    flight->entry = &entry;
    flight->entry_use = entry.use;
    flight->seen_at = GetCurrentStatementStartTimestamp();
    flight->transaction_level = GetCurrentTransactionNestLevel();
    flight->sampling = sampling_of(entry);
    return flight;
}

void count_untimed(std::uint64_t queryid, const Source& source) noexcept {
    record_untimed({queryid, MyDatabaseId, GetUserId(), flights.depth() == 0}, source,
                   GetCurrentStatementStartTimestamp());
}

void count(Flight* flight, const Source& source, const QueryDesc* query) noexcept {
    flight->sums[kCalls] = 1;
    SlabEntry& entry = record_call(*flight, source, flight->running_since);
    flight->is_counted = true;
    if (is_slow(*flight, entry)) keep_slow(*flight, entry, source, query);
}

}  // namespace steward::capture
