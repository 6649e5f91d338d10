// SPDX-License-Identifier: PostgreSQL
//
// What SQL sees of slow statements.
#include <algorithm>
#include <vector>

#include "capture/capture_pg.hpp"
#include "capture/rows_pg.hpp"
#include "pg/shmem.hpp"

extern "C" {
#include "utils/inet.h"
#include "utils/jsonb.h"
}

namespace steward::capture {

namespace {

// So many are copied out of shared memory at once.
constexpr std::size_t kBatch = 64;

struct Copied {
    std::uint64_t number;
    EventFacts facts;
    bool is_first;
    bool is_worst;
    bool is_latest;
    std::string bytes;
    EventTexts texts;
};

// The newest first.
std::vector<EventStore::Ref> all_events() {
    std::vector<EventStore::Ref> refs(shared().events->most_events());
    std::uint32_t count = 0;
    {
        pg::Locked locked(shared().events_lock, LW_SHARED);
        count = shared().events->list(refs.data());
    }
    refs.resize(count);
    std::sort(refs.begin(), refs.end(), [](const auto& a, const auto& b) { return a.number > b.number; });
    return refs;
}

// What is to be read of them.
struct Wanted {
    Oid database = InvalidOid;  // any
    bool is_unlogged = false;
};

bool copy(EventStore::Ref ref, const Wanted& wanted, Copied& to, std::vector<char>& buffer) {
    std::string_view bytes;
    {
        pg::Locked locked(shared().events_lock, LW_SHARED);
        EventStore& events = *shared().events;
        const SlowEvent* event = events.at(ref);
        if (event == nullptr || (wanted.is_unlogged && event->is_logged) ||
            (OidIsValid(wanted.database) && event->facts.key.database != wanted.database))
            return false;
        to.number = event->number;
        to.facts = event->facts;
        const SlowQuery* query = event->query;
        to.is_first = query != nullptr && query->first == event;
        to.is_worst = query != nullptr && query->worst == event;
        to.is_latest = query != nullptr && query->latest == event;
        bytes = events.read(*event, buffer.data());
    }
    to.bytes.assign(bytes);
    return read_texts(to.bytes, to.texts);
}

constexpr int kEventColumns = 38;
using EventRow = Row<kEventColumns>;

void put_optional(EventRow& row, const Copied& one, EventText which) {
    if (const auto& text = one.texts.texts[which])
        row.put(readable(text->data(), text->size(), one.facts.encoding));
    else
        row.put_null();
}

void put_tags(EventRow& row, const Copied& one) {
    const auto& tags = one.texts.texts[kTagsText];
    if (!tags) return row.put_null();
    char* json = TextDatumGetCString(readable(tags->data(), tags->size(), one.facts.encoding));
    row.put(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

void put_client(EventRow& row, const Copied& one) {
    const auto& text = one.texts.texts[kClientText];
    if (!text) return row.put_null();
    char* host = pnstrdup(text->data(), text->size());
    clean_ipv6_addr(strchr(host, ':') != nullptr ? AF_INET6 : AF_INET, host);
    row.put(DirectFunctionCall1(inet_in, CStringGetDatum(host)));
}

// All that says what it was.
void put_statement(EventRow& row, const Copied& one, bool is_visible) {
    if (!is_visible) {
        row.put_null();
        row.put_text(kHidden, sizeof(kHidden) - 1);
        for (int i = 0; i < 5; ++i) row.put_null();
        return;
    }
    row.put_number(static_cast<std::int64_t>(one.facts.key.queryid));
    for (EventText text : {kQueryText, kParametersText, kPlanText}) put_optional(row, one, text);
    put_tags(row, one);
    put_optional(row, one, kApplicationText);
    put_client(row, one);
}

void put_event(EventRow& row, const Copied& one, const Reader& reader) {
    const EventFacts& facts = one.facts;
    const std::int64_t* sums = facts.sums;
    row.put_number(static_cast<std::int64_t>(one.number));
    row.put(TimestampTzGetDatum(facts.ended_at));
    row.put_oid(facts.key.database);
    row.put_oid(facts.key.role);
    row.put(BoolGetDatum(facts.key.is_toplevel));
    const char* severity = facts.severity == Severity::critical ? "critical" : "slow";
    row.put_text(severity, strlen(severity));
    row.put_ms(sums[kTotalNs]);
    row.put_ms(sums[kPlanNs]);
    if (facts.sqlstate != 0)
        row.put(PointerGetDatum(cstring_to_text(unpack_sql_state(facts.sqlstate))));
    else
        row.put_null();
    put_statement(row, one, reader.may_see(facts.key.role));
    row.put(BoolGetDatum(facts.is_cut));
    row.put_number(sums[kRows]);
    if (facts.has_cpu)
        row.put_ms(sums[kCpuNs]);
    else
        row.put_null();
    row.put_ms(sums[kJitNs]);
    for (int sum = kSharedHit; sum <= kTempWritten; ++sum) row.put_number(sums[sum]);
    for (Sum sum : {kReadNs, kWriteNs}) row.put_ms(sums[sum]);
    for (Sum sum : {kWalRecords, kWalFpi, kWalBytes}) row.put_number(sums[sum]);
    for (bool is : {one.is_first, one.is_worst, one.is_latest}) row.put(BoolGetDatum(is));
}

Datum slow_events(FunctionCallInfo fcinfo) {
    require_shared();
    Wanted wanted;
    if (!PG_ARGISNULL(0)) wanted.database = PG_GETARG_OID(0);
    wanted.is_unlogged = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
    Reader reader = current_reader();
    pg::ResultSet result(fcinfo);
    std::vector<char> buffer(EventWriter::kMostBytes);
    std::vector<Copied> batch(kBatch);
    std::vector<EventStore::Ref> refs = all_events();
    for (std::size_t next = 0; next < refs.size();) {
        std::size_t count = 0;
        while (next < refs.size() && count < kBatch)
            if (copy(refs[next++], wanted, batch[count], buffer)) ++count;
        pg::put_rows<EventRow>(result, count, [&](std::size_t i, EventRow& row) { put_event(row, batch[i], reader); });
    }
    return result.done();
}

}  // namespace

}  // namespace steward::capture

using namespace steward;

STEWARD_FUNCTION(steward_slow_query_events) {
    return pg::entry([&] { return capture::slow_events(fcinfo); });
}
