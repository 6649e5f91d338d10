// SPDX-License-Identifier: PostgreSQL
//
// Slow statements of any size in any order: what is kept stays within its memory, of each query the worst is among it, and
// texts come back whole. And any text as a statement with tags, and as the bytes of an event.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "capture/event_store.hpp"
#include "capture/sql_tags.hpp"

namespace {

using namespace steward::capture;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(EventStore& store) {
    std::vector<EventStore::Ref> refs(store.most_events());
    refs.resize(store.list(refs.data()));
    require(refs.size() == store.used());
    std::vector<char> buffer(EventWriter::kMostBytes);
    std::map<std::uint64_t, std::int64_t> worst;
    for (EventStore::Ref ref : refs) {
        const SlowEvent* event = store.at(ref);
        std::string_view bytes = store.read(*event, buffer.data());
        require(std::all_of(bytes.begin(), bytes.end(), [&](char c) { return c == static_cast<char>(ref.number); }));
        const SlowQuery* query = event->query;
        if (query == nullptr) continue;
        require(query->key == event->facts.key && query->first->number <= ref.number &&
                query->latest->number >= ref.number && query->worst->facts.duration() >= event->facts.duration());
        require(event == query->first || event == query->worst || event == query->latest);
    }
}

void run_store(const std::uint8_t* data, std::size_t size) {
    const EventStore::Size room{12, 80};
    void* memory = std::aligned_alloc(64, (EventStore::bytes(room) + 63) / 64 * 64);
    EventStore& store = *EventStore::create(memory, room);
    std::int64_t now = 1'000'000'000'000;
    for (std::size_t i = 0; i + 3 < size; i += 4) {
        Key key{data[i] % 16U + 1U, 1, 2, true};
        now += std::int64_t{data[i + 1]} * 10'000'000;
        if (data[i] >= 250) store.erase(key.queryid, 0, 0);
        if (!store.admit(key, data[i + 2], now).is_admitted) continue;
        EventFacts facts{};
        facts.key = key;
        facts.sums[kTotalNs] = data[i + 2];
        store.add(facts, std::string(std::size_t{data[i + 3]} * 100, static_cast<char>(store.added() + 1)));
        check(store);
    }
    std::free(memory);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    run_store(data, size);
    std::string_view text(reinterpret_cast<const char*>(data), size);
    EventTexts texts;
    read_texts(text, texts);
    std::string json(100, '\0');
    TextBuffer to(json.data(), json.size());
    bool has_any = write_tags(text, to);
    require(has_any ? to.length() >= 8 && to.text().front() == '{' && to.text().back() == '}' : to.length() == 0);
    return 0;
}
