// SPDX-License-Identifier: PostgreSQL
//
// Events out of shared memory: into the view, and into steward.topology_event_log by a worker that the prober starts.
#include <algorithm>
#include <cstdlib>

#include "base/backoff.hpp"
#include "base/pack.hpp"
#include "base/text.hpp"
#include "pg/databases.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/lock.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "route/chronicle_pg.hpp"
#include "route/facts_pg.hpp"
#include "route/shared_pg.hpp"

namespace steward::route {

namespace {

// A node that comes and goes for weeks does not fill the disk.
constexpr std::int64_t kMostLogged = 10'000;

constexpr char kWrite[] =
    "INSERT INTO steward.topology_event_log SELECT e.* FROM steward.topology_events_seen() e ORDER BY e.number "
    "ON CONFLICT DO NOTHING";
constexpr char kForget[] =
    "DELETE FROM steward.topology_event_log WHERE (instance, number) IN "
    "(SELECT instance, number FROM steward.topology_event_log ORDER BY at DESC, number DESC OFFSET $1)";

// ---- The worker ------------------------------------------------------------------------------------------------------

// False when the table is taken, and it has to be tried again.
bool write_events() {
    if (!pg::has_extension()) return true;
    pg::AsExtensionOwner as_extension;
    auto table = pg::query("SELECT to_regclass('steward.topology_event_log')::oid");
    if (table[0].is_null(0)) return true;
    if (!pg::lock_politely(table[0].oid(0), RowExclusiveLock, kLockPatienceMillis)) return false;
    // A standby that is waited for may be what was lost.
    pg::set_for_transaction("synchronous_commit", "local");
    if (pg::execute(kWrite) > 0) pg::execute(kForget, {kMostLogged});
    return true;
}

std::uint64_t newest_event() {
    pg::Locked locked(shared().events_lock, LW_SHARED);
    return shared().events_added;
}

void serve_events(Datum argument) {
    pg::WorkerLink link(argument);
    if (!has_shared()) return;
    const std::uint64_t up_to = newest_event();
    bool is_written = false;
    auto failure = pg::attempt(pg::Bounded::transaction, [&] { is_written = write_events(); });
    if (failure) throw pg::PgError(std::move(*failure));
    if (is_written) link.send(base::pack({fmt::format("{}", up_to)}));
}

// ---- The view ----------------------------------------------------------------------------------------------------------

std::vector<Event> events_of_database() {
    std::vector<Event> events;
    if (!has_shared()) return events;
    const Shared& state = shared();
    events.reserve(kMaxEvents);
    pg::Locked locked(state.events_lock, LW_SHARED);
    const std::uint64_t first = state.events_added > kMaxEvents ? state.events_added - kMaxEvents : 0;
    for (std::uint64_t number = first; number < state.events_added; ++number)
        if (state.events[number % kMaxEvents].database == MyDatabaseId)
            events.push_back(state.events[number % kMaxEvents]);
    return events;
}

pg::Cell timeline_or_null(std::uint32_t timeline) {
    return timeline == 0 ? pg::Cell() : pg::Cell(fmt::format("{}", timeline));
}

std::vector<pg::Cell> cells_of(const Event& event) {
    const std::string at = pg::call([&] { return timestamptz_to_str(event.at); });
    return {
        fmt::format("{}", static_cast<std::int64_t>(shared().instance)),
        fmt::format("{}", event.number),
        at,
        event.seen_by,
        event.node,
        name_of(event.kind),
        severity_of(event.kind, event.was_primary),
        timeline_or_null(event.timeline),
        timeline_or_null(event.previous_timeline),
        lsn_or_null(event.lsn),
        base::unless_empty(event.other),
        base::unless_empty(event.detail),
        event.known,
    };
}

}  // namespace

// ---- The prober ------------------------------------------------------------------------------------------------------

void EventWriter::advance(const std::map<Oid, std::uint64_t>& newest, Steady now) {
    if (helper_ != nullptr) receive(now);
    next_.reset();
    if (helper_ != nullptr) return;
    for (const auto& [database, number] : newest) {
        Book& book = books_[database];
        if (book.written >= number) continue;
        if (now < book.not_before) {
            next_ = std::min(next_.value_or(book.not_before), book.not_before);
            continue;
        }
        if (!pg::is_connectable(database)) {
            book.written = number;
            continue;
        }
        database_ = database;
        helper_ = std::make_unique<pg::Helper>("steward_route_writer", "pg_steward event writer", std::string(),
                                               pg::Connection{database, InvalidOid});
        if (helper_->started()) return;
        fail(book, now);
        next_ = std::min(next_.value_or(book.not_before), book.not_before);
    }
}

void EventWriter::receive(Steady now) {
    bool is_ended = false;
    std::optional<std::string> message = helper_->receive_now(is_ended);
    Book& book = books_[database_];
    if (message) {
        book = {std::strtoull(base::unpack(*message).at(0).c_str(), nullptr, 10), 0, now + kFirstRetryMicros};
        helper_.reset();
    } else if (is_ended) {
        fail(book, now);
    }
}

void EventWriter::fail(Book& book, Steady now) {
    helper_.reset();
    book.not_before = now + base::backoff(kFirstRetryMicros, ++book.failures, kMostRetryMicros);
}

// The worker's messages set the latch.
std::optional<Steady> EventWriter::next_wake() const { return next_; }

}  // namespace steward::route

extern "C" PGDLLEXPORT void steward_route_writer(Datum argument);

extern "C" void steward_route_writer(Datum argument) {
    steward::pg::worker_entry([&] { steward::route::serve_events(argument); });
}

STEWARD_FUNCTION(steward_topology_events_seen) {
    using namespace steward;
    return pg::entry([&]() -> Datum {
        const pg::SafePath path;
        pg::ResultSet result(fcinfo);
        for (const route::Event& event : route::events_of_database()) result.add(route::cells_of(event));
        return result.done();
    });
}
