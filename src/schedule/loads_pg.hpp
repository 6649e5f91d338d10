// SPDX-License-Identifier: PostgreSQL
//
// The launcher's reading of databases: which ones want to be read, one loader at a time, and what came of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pg/databases.hpp"
#include "pg/worker.hpp"
#include "schedule/wire_pg.hpp"

#include "pg/postgres.hpp"

namespace steward::schedule {

struct Loaded {
    Oid database = InvalidOid;
    bool has_extension = false;
    std::vector<Definition> jobs;
    LoadEnd end;
};

class Loads {
public:
    void want(Oid database, base::Instant not_before, bool is_first = false);
    // The same for somebody who asks again and again: a reading that failed keeps its wait.
    void keep_wanting(Oid database, base::Instant now) { wanted_.try_emplace(database, Wanted{now}); }
    // All that can be connected to, template databases left out; those that are gone are returned.
    std::vector<Oid> want_all(base::Instant now, bool is_first);

    // Takes what the loader has sent, starts the next one. `request_for` says what it has to record. A result when a
    // database has been read whole.
    template <class RequestFor>
    std::optional<Loaded> advance(base::Instant now, RequestFor request_for) {
        if (helper_ == nullptr) {
            std::optional<Oid> next = take_next(now);
            if (!next) return std::nullopt;
            // Dropped since somebody wanted it: a loader would only fail, again and again.
            if (!pg::is_connectable(*next)) return gone(*next);
            LoadRequest request = request_for(*next);
            request.is_first = taken_.is_first;
            start(*next, request, now);
        }
        return helper_ == nullptr ? std::nullopt : receive(now);
    }
    std::optional<base::Instant> next_wake() const;
    bool is_reading(Oid database) const { return helper_ != nullptr && reading_.database == database; }
    // Whether all that were wanted for the first time have been read, or could not be: those wait to be tried again.
    bool is_first_round_over() const;
    std::vector<Oid> first_failed() const;

private:
    struct Wanted {
        base::Instant not_before;
        bool is_first = false;
        int failures = 0;
    };
    Loaded gone(Oid database);
    std::optional<Oid> take_next(base::Instant now);
    void start(Oid database, const LoadRequest& request, base::Instant now);
    std::optional<Loaded> receive(base::Instant now);
    void try_again(base::Instant now);

    std::map<Oid, Wanted> wanted_;
    std::set<Oid> known_;  // databases that have the extension
    std::unique_ptr<pg::Helper> helper_;
    Wanted taken_;
    Loaded reading_;
};

}  // namespace steward::schedule
