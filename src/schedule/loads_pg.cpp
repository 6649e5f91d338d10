// SPDX-License-Identifier: PostgreSQL
#include "schedule/loads_pg.hpp"

#include <algorithm>

#include "base/backoff.hpp"
#include "base/pack.hpp"
#include "pg/databases.hpp"
#include "pg/guard.hpp"

namespace steward::schedule {

namespace {

constexpr std::int64_t kFirstRetryMicros = base::kMicrosPerSecond;
constexpr std::int64_t kMostRetryMicros = base::kMicrosPerMinute;

bool is_among(const std::vector<Oid>& databases, Oid database) {
    return std::find(databases.begin(), databases.end(), database) != databases.end();
}

template <class Wanted>
auto earliest(const Wanted& wanted) {
    return std::min_element(wanted.begin(), wanted.end(),
                            [](const auto& a, const auto& b) { return a.second.not_before < b.second.not_before; });
}

}  // namespace

Loaded Loads::gone(Oid database) {
    known_.erase(database);
    Loaded nothing;
    nothing.database = database;
    return nothing;
}

void Loads::want(Oid database, base::Instant not_before, bool is_first) {
    auto [entry, is_new] = wanted_.try_emplace(database, Wanted{not_before, is_first, 0});
    if (is_new) return;
    entry->second.not_before = std::min(entry->second.not_before, not_before);
    entry->second.is_first |= is_first;
}

std::vector<Oid> Loads::want_all(base::Instant now, bool is_first) {
    const std::vector<Oid>& databases = pg::connectable_databases();
    auto is_there = [&](Oid database) { return is_among(databases, database); };
    for (Oid database : databases) want(database, now, is_first);
    std::vector<Oid> gone;
    for (Oid database : known_)
        if (!is_there(database)) gone.push_back(database);
    for (Oid database : gone) known_.erase(database);
    for (auto entry = wanted_.begin(); entry != wanted_.end();)
        entry = is_there(entry->first) ? std::next(entry) : wanted_.erase(entry);
    return gone;
}

std::optional<Oid> Loads::take_next(base::Instant now) {
    // The one that waits longest: one that is wanted all the time keeps no other from its turn.
    auto due = earliest(wanted_);
    if (due == wanted_.end() || due->second.not_before > now) return std::nullopt;
    Oid database = due->first;
    taken_ = due->second;
    wanted_.erase(due);
    return database;
}

void Loads::start(Oid database, const LoadRequest& request, base::Instant now) {
    reading_ = Loaded{};
    reading_.database = database;
    helper_ = std::make_unique<pg::Helper>("steward_schedule_loader", "pg_steward loader", request.encode(),
                                           pg::Connection{database, InvalidOid});
    if (!helper_->started()) try_again(now);
}

void Loads::try_again(base::Instant now) {
    helper_.reset();
    ++taken_.failures;
    taken_.not_before = {now.micros + base::backoff(kFirstRetryMicros, taken_.failures, kMostRetryMicros)};
    auto [entry, is_new] = wanted_.try_emplace(reading_.database, taken_);
    if (!is_new) entry->second.is_first |= taken_.is_first;
}

std::optional<Loaded> Loads::receive(base::Instant now) {
    for (;;) {
        bool is_ended = false;
        std::optional<std::string> message = helper_->receive_now(is_ended);
        if (!message) {
            if (is_ended) try_again(now);
            return std::nullopt;
        }
        std::vector<std::string> fields = base::unpack(*message);
        if (fields.at(0) == kJobMessage) {
            reading_.jobs.push_back(decode_definition(reading_.database, fields));
            continue;
        }
        reading_.has_extension = fields[0] == kEndMessage;
        if (reading_.has_extension) {
            reading_.end = LoadEnd::decode(fields);
            known_.insert(reading_.database);
        } else {
            known_.erase(reading_.database);
        }
        helper_.reset();
        return std::move(reading_);
    }
}

bool Loads::is_first_round_over() const {
    auto is_to_come = [](const Wanted& wanted) { return wanted.is_first && wanted.failures == 0; };
    if (helper_ != nullptr && is_to_come(taken_)) return false;
    return std::none_of(wanted_.begin(), wanted_.end(), [&](const auto& entry) { return is_to_come(entry.second); });
}

std::vector<Oid> Loads::first_failed() const {
    std::vector<Oid> failed;
    for (const auto& [database, wanted] : wanted_)
        if (wanted.is_first) failed.push_back(database);
    if (helper_ != nullptr && taken_.is_first) failed.push_back(reading_.database);
    return failed;
}

std::optional<base::Instant> Loads::next_wake() const {
    // The loader's messages set the latch.
    if (helper_ != nullptr || wanted_.empty()) return std::nullopt;
    return earliest(wanted_)->second.not_before;
}

}  // namespace steward::schedule
