// SPDX-License-Identifier: PostgreSQL
#include "capture/slow_pg.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "capture/characters_pg.hpp"
#include "capture/flight_pg.hpp"
#include "capture/parameters_pg.hpp"
#include "capture/plan_text_pg.hpp"
#include "capture/slow_limits_pg.hpp"
#include "capture/sql_tags.hpp"
#include "pg/guard.hpp"
#include "pg/guc.hpp"
#include "pg/shmem.hpp"
#include "schedule/errands_pg.hpp"

namespace steward::capture {

int slow_threshold = 1000;
int critical_threshold = 5000;
bool keeps_parameters = true;
int slow_kilobytes = 8192;
RelativeRule relative_rule{10, 100};
std::uint64_t slow_after_ns = 1'000'000'000;

namespace {

constexpr std::size_t kMostParametersBytes = 8 * 1024;
constexpr std::size_t kMostPlanBytes = 24 * 1024;
constexpr std::size_t kMostTagsBytes = 2 * 1024;
static_assert(kMostTextBytes + kMostParametersBytes + kMostPlanBytes + kMostTagsBytes + 4096 < EventWriter::kMostBytes);

// Those of so long are written down by one worker.
constexpr std::int64_t kLogDelayMicros = 5 * base::kMicrosPerSecond;

// None of the events of the session is admitted before.
std::int64_t all_pause_until = 0;

// Each is used by one statement at a time: what runs while one is written is not counted.
EventWriter draft;
// Of statements that run and that an error has passed by: the innermost, and the outermost of the others.
struct Noted {
    const FlightState* flight;
    std::int64_t running_since;
    bool is_cut;
    EventWriter writer;

    bool is_of(const FlightState& one) const noexcept { return flight == &one && running_since == one.running_since; }
    bool is_running() const noexcept { return flight != nullptr && flight->is_running && is_of(*flight); }
} noted[2];

void set_slow_threshold(int millis, void*) { slow_after_ns = std::min(nanos_of(millis), nanos_of(critical_threshold)); }
void set_critical_threshold(int millis, void*) { slow_after_ns = std::min(nanos_of(slow_threshold), nanos_of(millis)); }

// Only its session writes it.
void note_skipped() noexcept {
    std::atomic<std::int64_t>& count = session_slab->slow_skipped;
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// Whether it really is slow: what the entry knows is as old as its last fold, and a row of steward.slow_thresholds may say more
// than the settings.
bool is_slow_by(const Thresholds& thresholds, const FlightState& flight, const SlabEntry& entry) noexcept {
    bool is_unusual = relative_rule.factor > 0 && thresholds.slow_ms >= 0 && duration_of(flight) >= entry.unusual_after;
    return is_unusual || duration_of(flight) >= thresholds.after_ns();
}

bool is_admitted(const FlightState& flight, SlabEntry& entry) noexcept {
    std::int64_t nanos = flight.sums[kTotalNs];
    std::int64_t now = now_ns();
    if ((now < entry.slow_pause_until && nanos < entry.slow_worth) || now < all_pause_until) {
        note_skipped();
        return false;
    }
    EventStore::Admission given{};
    {
        pg::Locked locked(shared().events_lock);
        given = shared().events->admit(flight.key, nanos, now);
    }
    entry.slow_pause_until = given.pause_until;
    entry.slow_worth = given.worth;
    all_pause_until = given.all_pause_until;
    if (!given.is_admitted) note_skipped();
    return given.is_admitted;
}

// ---- Texts -----------------------------------------------------------------------------------------------------------

// True when it was cut. Utility statements never show constants.
bool put_query(const Source& source, const QueryDesc* query, EventWriter& to) noexcept {
    std::string_view text = source.statement();
    if (keeps_parameters && query != nullptr) {
        std::size_t length = clipped(text.data(), text.size(), kMostTextBytes);
        to.put(text.substr(0, length));
        return length < text.size();
    }
    Normalized made = normalized(text, to.place(), kMostTextBytes);
    to.put_written(made.length);
    return made.is_cut;
}

void put_parameters(const QueryDesc* query, bool may_look_up, EventWriter& to) {
    if (query == nullptr || query->params == nullptr || query->params->numParams == 0 || !keeps_parameters)
        return to.put_null();
    TextBuffer buffer(to.place(), kMostParametersBytes);
    if (!may_look_up || !write_values(*query, buffer)) write_plain_parameters(query->params, buffer);
    if (buffer.length() == 0) return to.put_null();
    to.put_written(whole_characters(to.place(), buffer.length()));
}

void put_plan(const QueryDesc* query, EventWriter& to) {
    static char buffer[kMostPlanBytes];
    TextBuffer plan(buffer, sizeof(buffer));
    if (query == nullptr || !write_plan(*query, keeps_parameters, plan)) return to.put_null();
    if (keeps_parameters) return to.put(plan.text());
    to.put_written(normalized(plan.text(), to.place(), sizeof(buffer)).length);
}

void put_tags(const Source& source, EventWriter& to) noexcept {
    TextBuffer buffer(to.place(), kMostTagsBytes);
    bool has_any = source.text != nullptr &&
                   (write_tags(source.statement(), buffer) || write_tags({source.text, strlen(source.text)}, buffer));
    if (has_any && pg_verifymbstr(buffer.text().data(), static_cast<int>(buffer.length()), true))
        to.put_written(buffer.length());
    else
        to.put_null();
}

void put_client(EventWriter& to) noexcept {
    to.put({application_name, clipped(application_name, strlen(application_name), NAMEDATALEN)});
    char host[NI_MAXHOST];
    if (pg::client_host(host, sizeof(host)))
        to.put(host);
    else
        to.put_null();
}

Severity severity_of(const FlightState& flight, const Thresholds& thresholds) noexcept {
    return duration_of(flight) >= nanos_of(thresholds.critical_ms) ? Severity::critical : Severity::slow;
}

struct Ending {
    int sqlstate;
    Severity severity;
};

void add_event(const FlightState& flight, const Ending& ending, bool is_cut, EventWriter& texts) noexcept {
    EventFacts facts{};
    facts.key = flight.key;
    facts.ended_at = GetCurrentTimestamp();
    facts.sqlstate = ending.sqlstate;
    facts.encoding = GetDatabaseEncoding();
    facts.severity = ending.severity;
    facts.is_cut = is_cut;
    flight.add_to(facts.sums);
    facts.has_cpu = flight.sampling > 0;
    if (facts.has_cpu) facts.sums[kCpuNs] /= flight.sampling;
    std::string_view bytes = texts.done();
    {
        pg::Locked locked(shared().events_lock);
        if (!shared().events->add(facts, bytes)) return;
    }
    if (!RecoveryInProgress()) schedule::ask_now(schedule::kSlowLogErrand, kLogDelayMicros);
}

// What is known of it without the statement itself.
bool put_kept_text(const Key& key, std::uint64_t hash, EventWriter& to) noexcept {
    pg::Locked locked(shared().locks[Store::shard_index(hash)], LW_SHARED);
    Shard& shard = shared_store->shard(Store::shard_index(hash));
    const Entry* entry = shard.find(key, hash);
    if (entry == nullptr || entry->text == nullptr) {
        to.put_null();
        return false;
    }
    shard.texts().read(*entry->text, to.place());
    bool is_cut = entry->text->is_cut;
    to.put_written(entry->text->length);
    return is_cut;
}

void keep_without_query(const FlightState& flight, const Ending& ending) noexcept {
    draft.begin();
    bool is_cut = put_kept_text(flight.key, flight.hash, draft);
    for (int text = kParametersText; text <= kTagsText; ++text) draft.put_null();
    put_client(draft);
    add_event(flight, ending, is_cut, draft);
}

}  // namespace

void define_slow_settings() {
    constexpr pg::IntRange kThresholds{-1, std::numeric_limits<int>::max()};
    pg::define_setting("steward.capture_slow_threshold",
                       "Sets how long a statement takes that is kept as slow; 0 = any, -1 = none.", &slow_threshold,
                       kThresholds, PGC_SUSET, GUC_UNIT_MS, set_slow_threshold);
    pg::define_setting("steward.capture_critical_threshold",
                       "Sets how long a statement takes that is kept as critical; 0 = any, -1 = none.",
                       &critical_threshold, kThresholds, PGC_SUSET, GUC_UNIT_MS, set_critical_threshold);
    pg::define_setting("steward.capture_slow_factor",
                       "Sets how many times the 99th percentile of its query a statement takes that is kept as slow; "
                       "0 = however many.",
                       &relative_rule.factor, {0, kMostFactor}, PGC_SUSET);
    pg::define_setting("steward.capture_slow_floor",
                       "Sets how long a statement takes at least that is slow by steward.capture_slow_factor.",
                       &relative_rule.floor_ms, {0, std::numeric_limits<int>::max()}, PGC_SUSET, GUC_UNIT_MS);
    pg::define_setting("steward.capture_parameters", "Keeps the values that slow statements were run with.",
                       &keeps_parameters, PGC_SUSET);
    pg::define_setting("steward.capture_slow_memory", "Sets the memory for slow statements.", &slow_kilobytes,
                       {kMinSlowKilobytes, kMaxSlowKilobytes}, PGC_POSTMASTER, GUC_UNIT_KB);
}

void keep_slow(const FlightState& ended, SlabEntry& entry, const Source& source, const QueryDesc* query) {
    Thresholds thresholds = thresholds_of(ended.key.queryid);
    if (!is_slow_by(thresholds, ended, entry) || !is_admitted(ended, entry)) return;
    pg::entry([&] {
        draft.begin();
        bool is_cut = put_query(source, query, draft);
        put_parameters(query, true, draft);
        put_plan(query, draft);
        put_tags(source, draft);
        put_client(draft);
        add_event(ended, {0, severity_of(ended, thresholds)}, is_cut, draft);
    });
}

void note_running(const FlightState& running, const Source& source, const QueryDesc* query) noexcept {
    if (noted[0].is_of(running) || noted[1].is_of(running)) return;
    std::int64_t so_far = running.sums[kTotalNs] + running.sums[kPlanNs] + now_ns() - running.running_since;
    auto nanos = static_cast<std::uint64_t>(so_far);
    if (nanos < slow_after_ns && nanos < running.entry->slow_after) return;
    Noted& to = noted[0].is_running() ? noted[1] : noted[0];
    EventWriter& writer = to.writer;
    writer.begin();
    to.is_cut = put_query(source, query, writer);
    put_parameters(query, false, writer);
    writer.put_null();
    put_tags(source, writer);
    put_client(writer);
    to.flight = &running;
    to.running_since = running.running_since;
}

void keep_lost(const FlightState& lost, SlabEntry& entry, int sqlstate) noexcept {
    auto* known = std::find_if(std::begin(noted), std::end(noted), [&](const Noted& one) { return one.is_of(lost); });
    bool is_known = known != std::end(noted);
    if (is_known) known->flight = nullptr;
    Thresholds thresholds = thresholds_of(lost.key.queryid);
    if (!is_slow_by(thresholds, lost, entry) || !is_admitted(lost, entry)) return;
    Ending ending{sqlstate, severity_of(lost, thresholds)};
    if (is_known && sqlstate != 0) return add_event(lost, ending, known->is_cut, known->writer);
    keep_without_query(lost, ending);
}

std::int64_t slow_skipped() noexcept {
    std::int64_t sum = 0;
    for (std::uint32_t i = 0; i < shared_store->sessions(); ++i)
        sum += shared_store->slab(i).slow_skipped.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace steward::capture
