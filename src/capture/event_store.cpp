// SPDX-License-Identifier: PostgreSQL
#include "capture/event_store.hpp"

#include <algorithm>
#include <bit>

#include "capture/layout.hpp"

namespace steward::capture {

namespace {

// Of the memory there is, an event's share. Most have a plan of a few lines.
constexpr std::size_t kBytesAnEvent = 2560;
// What is longer than the worst so far by that much is let in at any time.
constexpr std::int64_t worth_after(std::int64_t worst) noexcept { return worst + worst / 4 + 1; }

constexpr std::size_t buckets_for(std::uint32_t events) noexcept { return std::bit_ceil(std::size_t{events}); }
constexpr TextArena::Size texts_of(EventStore::Size size) noexcept { return {size.events, size.blocks}; }

}  // namespace

struct EventStore::Parts {
    Table::bucket_type* buckets;
    SlowEvent* events;
    SlowQuery* queries;
    void* texts;

    Parts(Layout& layout, Size size) noexcept
        : buckets(layout.array<Table::bucket_type>(buckets_for(size.events))),
          events(layout.array<SlowEvent>(size.events)),
          queries(layout.array<SlowQuery>(size.events)),
          texts(layout.take(TextArena::bytes(texts_of(size)))) {}
};

EventStore::Size EventStore::size_for(std::size_t bytes) noexcept {
    auto events = static_cast<std::uint32_t>(std::max<std::size_t>(bytes / kBytesAnEvent, 1));
    std::size_t fixed = EventStore::bytes({events, 0});
    return {events, static_cast<std::uint32_t>(bytes > fixed ? (bytes - fixed) / TextArena::kBlockBytes : 1)};
}

std::size_t EventStore::bytes(Size size) noexcept {
    Layout layout(nullptr);
    layout.take(sizeof(EventStore));
    Parts parts(layout, size);
    return layout.used();
}

EventStore* EventStore::create(void* memory, Size size) noexcept {
    Layout layout(memory);
    void* self = layout.take(sizeof(EventStore));
    return new (self) EventStore(Parts(layout, size), size);
}

EventStore::EventStore(const Parts& parts, Size size) noexcept
    : size_(size),
      events_(parts.events),
      table_(Table::bucket_traits(parts.buckets, buckets_for(size.events))),
      texts_(TextArena::create(parts.texts, texts_of(size))) {
    for (std::uint32_t i = 0; i < size.events; ++i) {
        free_events_.push_back(parts.events[i]);
        free_queries_.push_back(parts.queries[i]);
    }
}

SlowQuery* EventStore::find(const Key& key) noexcept {
    auto found = table_.find(
        key, [](const Key& wanted) { return hash_of(wanted); },
        [](const Key& wanted, const SlowQuery& query) { return wanted == query.key; });
    return found == table_.end() ? nullptr : &*found;
}

SlowQuery& EventStore::find_or_make(const Key& key) noexcept {
    if (SlowQuery* found = find(key)) {
        queries_.erase(queries_.iterator_to(*found));
        queries_.push_back(*found);
        return *found;
    }
    if (free_queries_.empty()) forget(queries_.front());
    SlowQuery& made = free_queries_.front();
    free_queries_.pop_front();
    made.key = key;
    made.bucket = {};
    made.worst_ns = 0;
    made.first = made.worst = made.latest = nullptr;
    table_.insert(made);
    queries_.push_back(made);
    return made;
}

// It is one of its query's no more, unless it still is.
void EventStore::let_go(SlowEvent* event) noexcept {
    if (event == nullptr || event->query == nullptr) return;
    SlowQuery& query = *event->query;
    if (query.first == event || query.worst == event || query.latest == event) return;
    event->query = nullptr;
    // Those that were let go of are in the order in which they came.
    auto place = passing_.empty() || event->number < passing_.front().number ? passing_.begin() : passing_.end();
    while (place != passing_.begin() && std::prev(place)->number > event->number) --place;
    passing_.insert(place, *event);
}

void EventStore::forget(SlowQuery& query) noexcept {
    SlowEvent* const held[] = {query.first, query.worst, query.latest};
    query.first = query.worst = query.latest = nullptr;
    for (SlowEvent* event : held) let_go(event);
    table_.erase(table_.iterator_to(query));
    queries_.erase(queries_.iterator_to(query));
    free_queries_.push_front(query);
}

// One that is of no query.
void EventStore::drop(SlowEvent& event) noexcept {
    passing_.erase(passing_.iterator_to(event));
    texts_->release(*event.texts);
    event.is_used = false;
    free_events_.push_front(event);
    --used_;
}

bool EventStore::evict() noexcept {
    while (passing_.empty()) {
        if (queries_.empty()) return false;
        forget(queries_.front());
    }
    drop(passing_.front());
    ++dropped_;
    return true;
}

EventStore::Admission EventStore::admit(const Key& key, std::int64_t nanos, std::int64_t now) noexcept {
    if (!bucket_.has_token(kTotalRate, now)) return {false, 0, nanos + 1, bucket_.ready_at(kTotalRate)};
    SlowQuery& query = find_or_make(key);
    bool is_worst = nanos >= worth_after(query.worst_ns);
    bool is_admitted = is_worst || query.bucket.has_token(kQueryRate, now);
    if (is_admitted) {
        bucket_.take(kTotalRate, now);
        query.bucket.take(kQueryRate, now);
        query.worst_ns = std::max(query.worst_ns, nanos);
    }
    return {is_admitted, query.bucket.ready_at(kQueryRate), worth_after(query.worst_ns), 0};
}

bool EventStore::add(const EventFacts& facts, std::string_view texts) noexcept {
    // It is slow now: not the one to be forgotten, unless there is no other.
    find_or_make(facts.key);
    Text* kept = nullptr;
    std::uint64_t number = added_ + 1;
    while (free_events_.empty() || (kept = texts_->add({number, 0}, {texts, 0, false})) == nullptr)
        if (!evict()) return false;
    SlowEvent& event = free_events_.front();
    free_events_.pop_front();
    event.number = ++added_;
    event.is_used = true;
    event.is_logged = false;
    event.facts = facts;
    event.texts = kept;
    ++used_;
    SlowQuery& query = find_or_make(facts.key);
    event.query = &query;
    SlowEvent* latest = query.latest;
    SlowEvent* worst = query.worst;
    query.latest = &event;
    if (query.first == nullptr) query.first = &event;
    if (worst == nullptr || facts.duration() > worst->facts.duration()) query.worst = &event;
    let_go(latest);
    let_go(worst);
    return true;
}

std::uint32_t EventStore::list(Ref* to) const noexcept {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < size_.events; ++i)
        if (events_[i].is_used) to[count++] = {events_[i].number, i};
    return count;
}

SlowEvent* EventStore::at(Ref ref) noexcept {
    SlowEvent& event = events_[ref.index];
    return event.is_used && event.number == ref.number ? &event : nullptr;
}

std::string_view EventStore::read(const SlowEvent& event, char* to) const noexcept {
    texts_->read(*event.texts, to);
    return {to, event.texts->length};
}

void EventStore::mark_logged(std::uint32_t database, std::uint64_t up_to) noexcept {
    for (std::uint32_t i = 0; i < size_.events; ++i)
        if (events_[i].is_used && events_[i].facts.key.database == database && events_[i].number <= up_to)
            events_[i].is_logged = true;
}

std::uint32_t EventStore::erase(std::uint64_t queryid, std::uint32_t database, std::uint32_t role) noexcept {
    auto matches = [&](const Key& key) {
        return (queryid == 0 || key.queryid == queryid) && (database == 0 || key.database == database) &&
               (role == 0 || key.role == role);
    };
    for (auto query = queries_.begin(); query != queries_.end();) {
        SlowQuery& one = *query++;
        if (matches(one.key)) forget(one);
    }
    std::uint32_t count = 0;
    for (auto event = passing_.begin(); event != passing_.end();) {
        SlowEvent& one = *event++;
        if (!matches(one.facts.key)) continue;
        drop(one);
        ++count;
    }
    return count;
}

}  // namespace steward::capture
