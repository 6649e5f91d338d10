// SPDX-License-Identifier: PostgreSQL
#include "route/readiness.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "route/synchronous.hpp"

namespace steward::route {

namespace {

constexpr std::int64_t kMuchLossMicros = 10'000'000;
constexpr std::int64_t kTooMuchLossMicros = 60'000'000;

// A standby with less than its primary stops replaying, or does not start.
constexpr const char* kNotLess[] = {"max_connections", "max_worker_processes", "max_wal_senders",
                                    "max_prepared_transactions", "max_locks_per_transaction"};

std::string setting(const Member& member, const char* name) {
    auto found = member.settings.find(name);
    return found == member.settings.end() ? std::string() : found->second;
}
long long number(const Member& member, const char* name) { return std::atoll(setting(member, name).c_str()); }

Lsn received(const Member& member) { return std::max(member.facts.flushed, member.facts.replayed); }

class Readiness {
public:
    explicit Readiness(const Cluster& cluster) : cluster_(cluster) {}

    std::vector<Finding> run() {
        find_primary();
        find_candidate();
        if (candidate_ != nullptr) {
            judge_loss();
            judge_standby(*candidate_);
            judge_promotion();
        }
        judge_synchronous();
        judge_slots();
        for (const Member* standby : standbys_)
            if (standby != candidate_) judge_follower(*standby);
        return std::move(findings_);
    }

private:
    void add(std::string check, const char* verdict, std::string detail, std::string remedy = "") {
        findings_.push_back({std::move(check), verdict, std::move(detail), std::move(remedy)});
    }

    void find_primary();
    void find_candidate();
    void judge_loss();
    void judge_standby(const Member& member);
    void judge_promotion();
    void judge_rewind(const Member& member);
    void judge_synchronous();
    void judge_slots();
    void judge_slot(const Slot& slot);
    void judge_follower(const Member& member);

    const Cluster& cluster_;
    const Member* primary_ = nullptr;  // that answers
    const Member* candidate_ = nullptr;
    std::vector<const Member*> standbys_;  // that answer
    std::vector<Finding> findings_;
};

void Readiness::find_primary() {
    if (!cluster_.has_nodes)
        add("nodes", "critical", "no node is registered: nobody knows who could take over",
            "SELECT steward.register_node(...) for each server of the cluster, on the primary");
    else if (!cluster_.is_prober_running)
        add("nodes", "unknown", "no prober is running", "shared_preload_libraries has to name pg_steward");
    std::string down;
    std::vector<const Member*> primaries;
    for (const Member& member : cluster_.members) {
        const bool is_ours = member.has_facts && member.facts.system_identifier == cluster_.system_identifier;
        if (!is_ours || member.reach != Reach::up) {
            down += (down.empty() ? "\"" : ", \"") + member.name + "\"";
            continue;
        }
        (member.facts.is_standby ? standbys_ : primaries).push_back(&member);
    }
    if (!down.empty())
        add("nodes", "warning", fmt::format("not up, or not of this cluster: {}", down),
            "replication_status says why; steward.remove_node() takes those away that are gone");
    else if (cluster_.has_nodes && cluster_.is_prober_running)
        add("nodes", "ok", fmt::format("all {} are up", cluster_.members.size()));
    if (primaries.size() == 1) primary_ = primaries[0];
    if (primaries.size() == 1)
        add("primary", "ok", fmt::format("\"{}\", on timeline {}", primary_->name, primary_->facts.timeline));
    else if (primaries.empty())
        add("primary", "critical", "no primary is up", "promote the candidate: SELECT pg_promote(), on it");
    else
        add("primary", "critical", fmt::format("{} servers of this cluster are primaries", primaries.size()),
            "stop all but the one that is to remain, and build the others anew");
}

// Of those on the newest timeline the one that has received most; without a primary likewise.
void Readiness::find_candidate() {
    for (const Member* standby : standbys_) {
        if (candidate_ != nullptr && std::make_pair(standby->facts.timeline, received(*standby)) <=
                                         std::make_pair(candidate_->facts.timeline, received(*candidate_)))
            continue;
        candidate_ = standby;
    }
    if (candidate_ == nullptr)
        return add("candidate", "critical", "no standby is up: nobody can take over",
                   "build one with pg_basebackup, and register it");
    add("candidate", "ok",
        fmt::format("\"{}\" has received most, up to {}", candidate_->name, format_lsn(received(*candidate_))));
}

void Readiness::judge_loss() {
    if (primary_ == nullptr)
        return add("loss", "unknown", "what the lost primary had written last is in steward.topology_events");
    const std::uint64_t bytes = primary_->facts.flushed > received(*candidate_)
                                    ? primary_->facts.flushed.value - received(*candidate_).value
                                    : 0;
    if (bytes == 0) return add("loss", "ok", "0 bytes, 0 seconds");
    if (!candidate_->loss) return add("loss", "unknown", fmt::format("{} bytes, of unknown age", bytes));
    const char* verdict = *candidate_->loss < kMuchLossMicros      ? "ok"
                          : *candidate_->loss < kTooMuchLossMicros ? "warning"
                                                                   : "critical";
    add("loss", verdict,
        fmt::format("{} bytes, the last {:.1f} seconds at most", bytes, static_cast<double>(*candidate_->loss) / 1e6),
        std::string_view(verdict) == "ok" ? "" : "find out in replication_status why the candidate does not keep up");
}

// What a standby needs to keep up and to be promoted.
void Readiness::judge_standby(const Member& member) {
    const std::string check = fmt::format("settings of \"{}\"", member.name);
    if (member.error) return add(check, "unknown", *member.error, "the role of the prober needs pg_monitor on it");
    const std::size_t before = findings_.size();
    if (primary_ != nullptr && !primary_->error) {
        for (const char* name : kNotLess)
            if (number(member, name) < number(*primary_, name))
                add(check, "critical",
                    fmt::format("{} is {}, on the primary {}: it pauses replay, or does not start again", name,
                                number(member, name), number(*primary_, name)),
                    fmt::format("ALTER SYSTEM SET {} = {}, and restart it", name, number(*primary_, name)));
        if (setting(member, "server_version_num") != setting(*primary_, "server_version_num"))
            add(check, "warning",
                fmt::format("it runs version {}, the primary {}", setting(member, "server_version"),
                            setting(*primary_, "server_version")),
                "bring all servers to the newest minor version");
    }
    if (member.facts.is_replay_paused)
        add(check, "warning", "replay is paused: a promotion first has to replay what has been received",
            "SELECT pg_wal_replay_resume(), on it");
    if (number(member, "recovery_min_apply_delay") > 0)
        add(check, "warning",
            "recovery_min_apply_delay makes it late: a promotion first has to replay what has been received",
            "ALTER SYSTEM RESET recovery_min_apply_delay, and reload it");
    if (findings_.size() == before) add(check, "ok", "nothing that would stop its replay");
}

// What would hurt once the candidate is the primary.
void Readiness::judge_promotion() {
    const Member& member = *candidate_;
    if (member.error) return;
    const std::string check = fmt::format("\"{}\" as a primary", member.name);
    const std::size_t before = findings_.size();
    const std::string level = setting(member, "wal_level");
    if (level == "minimal")
        add(check, "critical", "wal_level is minimal: nobody can follow it",
            "ALTER SYSTEM SET wal_level = replica, and restart it");
    else if (primary_ != nullptr && setting(*primary_, "wal_level") == "logical" && level != "logical")
        add(check, "critical",
            fmt::format("wal_level is {}, on the primary logical: no slot for logical replication works after", level),
            "ALTER SYSTEM SET wal_level = logical, and restart it");
    if (number(member, "max_wal_senders") == 0)
        add(check, "critical", "max_wal_senders is 0: nobody can follow it",
            "ALTER SYSTEM SET max_wal_senders = 10, and restart it");
    const bool is_archived = primary_ != nullptr && (setting(*primary_, "archive_mode") == "on" ||
                                                     setting(*primary_, "archive_mode") == "always");
    if (is_archived && setting(member, "archive_mode") == "off")
        add(check, "warning", "archive_mode is off: the archive of the primary would end there",
            "ALTER SYSTEM SET archive_mode = on, and restart it");
    else if (is_archived && setting(member, "archive_command").empty() && setting(member, "archive_library").empty())
        add(check, "warning", "it has no archive_command: WAL would pile up on it",
            "set archive_command to that of the primary");
    const Synchronous wanted = read_synchronous(setting(member, "synchronous_standby_names"));
    std::vector<std::string> others;
    for (const Member* standby : standbys_)
        if (standby != candidate_) others.push_back(standby->name);
    if (wanted.needed > wanted.count(others))
        add(check, "critical",
            fmt::format(
                "its synchronous_standby_names wants {} of standbys, of which {} would be there: commits would wait",
                wanted.needed, wanted.count(others)),
            "set synchronous_standby_names on it to those that are there");
    if (findings_.size() == before) add(check, "ok", "others can follow it");
    judge_rewind(member);
}

void Readiness::judge_rewind(const Member& member) {
    // The old primary is the one that is to be rewound.
    const Member& target = primary_ != nullptr && !primary_->error ? *primary_ : member;
    if (setting(target, "wal_log_hints") != "on" && setting(target, "data_checksums") != "on")
        add("rewind", "warning",
            fmt::format("\"{}\" has neither wal_log_hints nor data checksums: after a failover it has to be built anew",
                        target.name),
            "ALTER SYSTEM SET wal_log_hints = on, on all servers, and restart them");
    else if (setting(target, "full_page_writes") != "on")
        add("rewind", "warning", fmt::format("\"{}\" writes no full pages: pg_rewind refuses it", target.name),
            "ALTER SYSTEM SET full_page_writes = on");
    else
        add("rewind", "ok", fmt::format("\"{}\" could come back by pg_rewind", target.name));
}

void Readiness::judge_synchronous() {
    if (primary_ == nullptr || primary_->error) return;
    const Synchronous wanted = read_synchronous(setting(*primary_, "synchronous_standby_names"));
    if (wanted.needed == 0)
        return add("synchronous_standby_names", "ok",
                   "commits wait for no standby: what a standby has not received is lost with the primary");
    const std::vector<std::string> missing = wanted.missing(primary_->standbys);
    std::string names;
    for (const std::string& name : missing) names += (names.empty() ? "\"" : ", \"") + name + "\"";
    if (wanted.count(primary_->standbys) < wanted.needed)
        add("synchronous_standby_names", "critical",
            fmt::format("commits wait for {} of standbys, and {} are connected{}", wanted.needed,
                        wanted.count(primary_->standbys), names.empty() ? "" : ": lost are " + names),
            "bring them back, or set synchronous_standby_names to those that are there, and reload");
    else if (!missing.empty())
        add("synchronous_standby_names", "warning",
            fmt::format("it names {}, which {} not connected", names, missing.size() == 1 ? "is" : "are"),
            "bring them back, or take them out of it");
    else
        add("synchronous_standby_names", "ok",
            fmt::format("commits wait for {} of the connected standbys", wanted.needed));
}

void Readiness::judge_slots() {
    if (primary_ == nullptr || primary_->error || candidate_ == nullptr || candidate_->error) return;
    const std::size_t before = findings_.size();
    for (const Slot& slot : primary_->slots) judge_slot(slot);
    if (findings_.size() == before)
        add("slots", "ok", fmt::format("none of {} would be missed", primary_->slots.size()));
}

void Readiness::judge_slot(const Slot& slot) {
    const std::string check = fmt::format("slot \"{}\"", slot.name);
    const auto copy = std::find_if(candidate_->slots.begin(), candidate_->slots.end(),
                                   [&](const Slot& other) { return other.name == slot.name; });
    if (slot.wal_status == "lost")
        return add(check, "critical", "it has lost WAL: whoever uses it has to be built anew",
                   fmt::format("SELECT pg_drop_replication_slot({})", base::quote_literal(slot.name)));
    if (std::string_view(candidate_->facts.slot_name) == slot.name) return;
    if (copy != candidate_->slots.end() && (!slot.is_logical || copy->is_synced)) return;
    if (!slot.is_logical)
        return add(
            check, "warning",
            fmt::format("\"{}\" has no such slot: the standby that uses it may miss WAL after", candidate_->name),
            fmt::format("SELECT pg_create_physical_replication_slot({}, true), on \"{}\"",
                        base::quote_literal(slot.name), candidate_->name));
    add(check, "critical",
        fmt::format("it is for logical replication, and would be lost: \"{}\" has no copy of it", candidate_->name),
        number(*primary_, "server_version_num") >= 170000
            ? "make it a failover slot, and set sync_replication_slots = on on the standby"
            : "before PostgreSQL 17 such slots are not copied: have it made by a tool that keeps them, or plan for its "
              "subscriber to be built anew");
}

void Readiness::judge_follower(const Member& member) {
    judge_standby(member);
    if (member.error) return;
    const std::string timeline = setting(member, "recovery_target_timeline");
    if (timeline != "latest")
        add(fmt::format("settings of \"{}\"", member.name), "critical",
            fmt::format("recovery_target_timeline is {}: it does not follow a new primary", timeline),
            "ALTER SYSTEM SET recovery_target_timeline = latest, and restart it");
}

}  // namespace

std::vector<Finding> readiness(const Cluster& cluster) { return Readiness(cluster).run(); }

}  // namespace steward::route
