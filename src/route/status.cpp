// SPDX-License-Identifier: PostgreSQL
#include "route/status.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace steward::route {

namespace {

struct Judgement {
    const char* verdict;
    std::string detail;
};

// Those that send to it are found by the slot it uses, else by the name it goes by.
std::optional<Sender> take_sender(std::vector<Sender>& senders, const std::string& name, const Facts& facts) {
    const std::string slot = facts.slot_name;
    auto found = senders.end();
    if (!slot.empty())
        found = std::find_if(senders.begin(), senders.end(), [&](const Sender& s) { return s.slot_name == slot; });
    if (found == senders.end())
        found = std::find_if(senders.begin(), senders.end(),
                             [&](const Sender& s) { return s.is_active && s.application_name == name; });
    if (found == senders.end()) return std::nullopt;
    Sender sender = std::move(*found);
    senders.erase(found);
    return sender;
}

void split_lag(StatusRow& row, const Horizon& horizon) {
    if (!row.lag.bytes) return;
    const Lsn received = std::max(row.facts.flushed, row.facts.replayed);
    row.receive_lag_bytes = horizon.flushed > received ? horizon.flushed.value - received.value : 0;
    row.replay_lag_bytes = received.value - row.facts.replayed.value;
}

Judgement judge_slot(const Sender& sender) {
    if (sender.slot_wal_status == "lost")
        return {"critical",
                fmt::format("its slot \"{}\" has lost WAL that it needs: it has to be built anew", sender.slot_name)};
    if (sender.slot_wal_status == "unreserved")
        return {"warning", fmt::format("its slot \"{}\" is about to lose WAL that it needs", sender.slot_name)};
    return {"ok", ""};
}

Judgement judge_standby(const StatusRow& row) {
    if (row.facts.is_replay_paused) return {"warning", "replay is paused: pg_wal_replay_resume() ends that"};
    const Blocker& blocker = row.facts.blocker;
    if (blocker.pid != 0)
        return {"warning", fmt::format("replay waits for process {} ({}), which has a transaction of {:.1f} s",
                                       blocker.pid, blocker.reason, static_cast<double>(blocker.age) / 1e6)};
    if (blocker.reason[0] != '\0') return {"warning", fmt::format("replay waits for queries ({})", blocker.reason)};
    if (row.facts.receiver_state[0] == '\0')
        return {"warning", "no WAL receiver: it does not stream from another server"};
    if (std::string_view(row.facts.receiver_state) != "streaming")
        return {"warning", fmt::format("its WAL receiver is {}", row.facts.receiver_state)};
    return {"ok", ""};
}

Judgement judge_unseen(const Known* known, const Surroundings& surroundings) {
    if (!surroundings.is_prober_running)
        return {"unknown", "no prober is running: shared_preload_libraries has to name pg_steward"};
    if (known == nullptr || known->reach == Reach::unknown) return {"unknown", "not asked yet"};
    return {"critical", known->error.empty() ? "it does not answer" : known->error};
}

Judgement judge(const StatusRow& row, const Known* known, bool has_rival, const Surroundings& surroundings) {
    const bool is_self = known != nullptr && known->is_self;
    if (known == nullptr || (!is_self && known->reach != Reach::up)) {
        Judgement unseen = judge_unseen(known, surroundings);
        // A lost slot matters more than whatever else is known.
        Judgement slot = judge_slot(row.sender);
        return std::string_view(slot.verdict) == "critical" ? slot : unseen;
    }
    if (row.facts.system_identifier != surroundings.system_identifier)
        return {"critical", "it belongs to another cluster: its system identifier differs"};
    if (row.role == "primary" && has_rival) return {"critical", "more than one server of this cluster is a primary"};
    Judgement slot = judge_slot(row.sender);
    if (std::string_view(slot.verdict) == "critical" || row.role == "primary") return slot;
    Judgement standby = judge_standby(row);
    return std::string_view(standby.verdict) == "ok" ? slot : standby;
}

bool is_primary_of_ours(const Registered& node, const Surroundings& surroundings) {
    return node.known && node.known->has_facts && node.known->reach == Reach::up && !node.known->facts.is_standby &&
           node.known->facts.system_identifier == surroundings.system_identifier;
}

// An old primary that was not asked again since the new one was seen is none, while a switch is going on.
bool has_two_primaries(const std::vector<Registered>& nodes, const Surroundings& surroundings) {
    std::vector<const Registered*> primaries;
    for (const Registered& node : nodes)
        if (is_primary_of_ours(node, surroundings)) primaries.push_back(&node);
    for (std::size_t i = 0; i < primaries.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (reigned_together(primaries[i]->known->reign, primaries[j]->known->reign)) return true;
    return false;
}

// If its standby stayed away from now on.
std::optional<double> hours_of(const Sender& sender, const Surroundings& around) {
    return hours_left(sender.safe_wal_size, around.hourly_wal_rate ? around.hourly_wal_rate : around.wal_rate);
}

StatusRow row_of(const Registered& registered, std::vector<Sender>& senders, const Surroundings& around) {
    StatusRow row;
    row.node_name = registered.node.name;
    row.node = registered.node;
    const Known* known = registered.known ? &*registered.known : nullptr;
    if (known != nullptr && known->has_facts) {
        row.facts = known->facts;
        row.role = known->facts.is_standby ? "standby" : "primary";
    }
    row.state = known == nullptr ? name_of(Reach::unknown) : name_of(known->is_self ? Reach::up : known->reach);
    if (known == nullptr || !known->is_self)
        if (auto sender = take_sender(senders, row.node_name, row.facts)) row.sender = std::move(*sender);
    if (known != nullptr) {
        row.last_contact = known->is_self ? around.now_text : known->last_contact;
        if (row.role == "standby" && row.facts.system_identifier == around.system_identifier) {
            row.lag = lag_of({row.facts.replayed, known->seen_at}, around.horizon, known->measured, around.now,
                             around.fresh_for);
            split_lag(row, around.horizon);
            row.catch_up_seconds = catch_up_seconds(row.lag.bytes, known->replay_rate, around.wal_rate);
        }
    }
    return row;
}

// This server, where it is not among the registered.
StatusRow row_of_self(const Surroundings& around) {
    StatusRow row;
    row.node_name = around.self_name;
    row.facts = around.self;
    row.role = around.self.is_standby ? "standby" : "primary";
    row.state = name_of(Reach::up);
    row.last_contact = around.now_text;
    if (around.self.is_standby) {
        row.lag = lag_of({around.self.replayed, around.now}, around.horizon, {}, around.now, around.fresh_for);
        split_lag(row, around.horizon);
    }
    Known self;
    self.is_self = true;
    Judgement judgement = judge(row, &self, false, around);
    row.verdict = judgement.verdict;
    row.detail = judgement.detail;
    return row;
}

// A standby nobody has registered: what its sender knows, and that may be seconds old.
StatusRow row_of_sender(Sender sender, const Surroundings& around) {
    StatusRow row;
    row.node_name = sender.is_active ? sender.application_name : sender.slot_name;
    if (sender.is_active) row.role = "standby";
    row.facts.flushed = sender.flushed;
    row.facts.replayed = sender.replayed;
    row.facts.timeline = sender.is_active ? around.self.timeline : 0;
    row.state = name_of(sender.is_active ? Reach::up : Reach::unknown);
    row.last_contact = sender.reply_time;
    if (sender.is_active && sender.replayed.is_valid()) {
        row.lag = lag_of({sender.replayed, around.now}, around.horizon, {}, around.now, around.fresh_for);
        split_lag(row, around.horizon);
    }
    Judgement judgement = judge_slot(sender);
    if (std::string_view(judgement.verdict) == "ok" && !sender.is_active)
        judgement = {"warning", fmt::format("nobody uses slot \"{}\", which keeps WAL", sender.slot_name)};
    row.verdict = judgement.verdict;
    row.detail = judgement.detail.empty() ? "not registered: its lag in seconds is not measured" : judgement.detail;
    row.slot_hours_left = hours_of(sender, around);
    row.sender = std::move(sender);
    return row;
}

}  // namespace

std::vector<StatusRow> status_rows(const std::vector<Registered>& nodes, std::vector<Sender> senders,
                                   const Surroundings& surroundings) {
    std::vector<StatusRow> rows;
    rows.reserve(nodes.size() + senders.size() + 1);
    const bool has_rival = has_two_primaries(nodes, surroundings);
    bool is_self_registered = false;
    for (const Registered& node : nodes) {
        StatusRow row = row_of(node, senders, surroundings);
        const Known* known = node.known ? &*node.known : nullptr;
        Judgement judgement = judge(row, known, has_rival, surroundings);
        row.verdict = judgement.verdict;
        row.detail = judgement.detail;
        row.slot_hours_left = hours_of(row.sender, surroundings);
        is_self_registered |= known != nullptr && known->is_self;
        rows.push_back(std::move(row));
    }
    if (!is_self_registered) rows.push_back(row_of_self(surroundings));
    for (Sender& sender : senders) rows.push_back(row_of_sender(std::move(sender), surroundings));
    return rows;
}

}  // namespace steward::route
