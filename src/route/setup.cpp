// SPDX-License-Identifier: PostgreSQL
#include "route/setup.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "route/synchronous.hpp"

namespace steward::route {

namespace {

constexpr char kRestart[] = ", and restart";
constexpr char kReload[] = ", and reload";

class SetupCheck {
public:
    explicit SetupCheck(const ReplicationSetup& setup) : setup_(setup) {}

    std::vector<Finding> run() {
        judge_wal();
        judge_senders();
        judge_slots();
        judge_access();
        judge_roles();
        judge_archive();
        if (setup_.is_standby) judge_standby();
        judge_rewind();
        judge_steward();
        return std::move(findings_);
    }

private:
    void add(const char* check, const char* verdict, std::string detail, std::string remedy = "") {
        findings_.push_back({check, verdict, std::move(detail), std::move(remedy)});
    }
    std::string setting(const char* name) const {
        auto found = setup_.settings.find(name);
        return found == setup_.settings.end() ? std::string() : found->second;
    }
    long long number(const char* name) const { return std::atoll(setting(name).c_str()); }

    void judge_wal();
    void judge_senders();
    void judge_slots();
    void judge_access();
    void judge_hba();
    void judge_roles();
    void judge_archive();
    void judge_standby();
    void judge_rewind();
    void judge_steward();

    const ReplicationSetup& setup_;
    std::vector<Finding> findings_;
};

void SetupCheck::judge_wal() {
    const std::string level = setting("wal_level");
    if (level == "minimal")
        add("wal_level", "critical", "it is minimal: no standby can follow",
            std::string("ALTER SYSTEM SET wal_level = replica") + kRestart);
    else
        add("wal_level", "ok", fmt::format("it is {}", level));
    if (setting("full_page_writes") == "on")
        add("full_page_writes", "ok", "they are on");
    else
        add("full_page_writes", "critical",
            "they are off: base backups of a standby are refused, and a crash may tear pages",
            std::string("ALTER SYSTEM SET full_page_writes = on") + kReload);
}

void SetupCheck::judge_senders() {
    const long long most = number("max_wal_senders");
    const auto used = static_cast<long long>(setup_.senders);
    if (most == 0)
        add("max_wal_senders", "critical", "it is 0: no standby can follow",
            std::string("ALTER SYSTEM SET max_wal_senders = 10") + kRestart);
    else if (used + 1 >= most)
        add("max_wal_senders", "warning",
            fmt::format("{} of {} are in use: a standby that reconnects, or a backup, finds none", used, most),
            fmt::format("ALTER SYSTEM SET max_wal_senders = {}{}", 2 * most, kRestart));
    else
        add("max_wal_senders", "ok", fmt::format("{} of {} are in use", used, most));
}

void SetupCheck::judge_slots() {
    const long long most = number("max_replication_slots");
    const auto used = static_cast<long long>(setup_.slots.size());
    if (used >= most)
        add("max_replication_slots", "warning", fmt::format("{} of {} are in use", used, most),
            fmt::format("ALTER SYSTEM SET max_replication_slots = {}{}", std::max(10LL, 2 * most), kRestart));
    else
        add("max_replication_slots", "ok", fmt::format("{} of {} are in use", used, most));
    bool is_idle = false;
    for (const Slot& slot : setup_.slots) {
        const std::string drop = fmt::format("SELECT pg_drop_replication_slot({})", base::quote_literal(slot.name));
        if (slot.wal_status == "lost")
            add("slots", "critical",
                fmt::format("slot \"{}\" has lost WAL: whoever uses it has to be built anew", slot.name), drop);
        else if (!slot.is_active && !slot.is_synced)
            add("slots", "warning", fmt::format("nobody uses slot \"{}\", which keeps WAL", slot.name),
                "start what uses it, or " + drop);
        is_idle |= !slot.is_active;
    }
    if (!setup_.slots.empty() && number("max_slot_wal_keep_size") < 0)
        add("max_slot_wal_keep_size", "warning",
            fmt::format("it is unlimited: a slot {} fills the disk",
                        is_idle ? "that nobody uses" : "whose standby is gone"),
            std::string("set max_slot_wal_keep_size to what the disk has room for") + kReload);
    else
        add("max_slot_wal_keep_size", "ok",
            setup_.slots.empty() ? "there are no slots" : fmt::format("{} MB", number("max_slot_wal_keep_size")));
    const long long kept = number("wal_keep_size");
    if (setup_.standbys_without_slot > 0 && kept == 0)
        add("wal_keep_size", "warning",
            fmt::format("{} of the standbys use no slot, and no WAL is kept for them: one that is away for long has to "
                        "be built anew",
                        setup_.standbys_without_slot),
            "give each a slot (primary_slot_name), or set wal_keep_size");
    else
        add("wal_keep_size", "ok",
            fmt::format("{} MB, and {} standbys without a slot", kept, setup_.standbys_without_slot));
}

void SetupCheck::judge_access() {
    const std::string listen = setting("listen_addresses");
    if (listen.empty() || listen == "localhost" || listen == "127.0.0.1" || listen == "::1")
        add("listen_addresses", "warning",
            listen.empty() ? "it is empty: only this machine can connect"
                           : fmt::format("it is {}: only this machine can connect", listen),
            std::string("ALTER SYSTEM SET listen_addresses = '*'") + kRestart);
    else
        add("listen_addresses", "ok", fmt::format("it is {}", listen));
    judge_hba();
    const std::string encryption = setting("password_encryption");
    if (encryption == "scram-sha-256")
        add("password_encryption", "ok", "it is scram-sha-256");
    else
        add("password_encryption", "warning",
            fmt::format("it is {}: whoever reads a stored password can log in with it",
                        encryption == "on" ? "md5" : encryption),
            std::string("ALTER SYSTEM SET password_encryption = 'scram-sha-256'") + kReload +
                ", and set passwords anew");
}

void SetupCheck::judge_hba() {
    if (!setup_.hba)
        return add("pg_hba", "unknown", "pg_hba_file_rules may be read by superusers", "call this as a superuser");
    std::size_t rules = 0;
    std::string weak;
    for (const HbaRule& rule : *setup_.hba) {
        if (!rule.error.empty()) {
            add("pg_hba", "critical", fmt::format("pg_hba.conf has an error: {}", rule.error), "mend it, and reload");
            continue;
        }
        // "all" does not mean replication.
        if (("," + rule.database + ",").find(",replication,") == std::string::npos || rule.method == "reject") continue;
        ++rules;
        const bool is_weak = rule.method == "trust" || rule.method == "password" || rule.method == "md5";
        if (is_weak && rule.type != "local") weak = rule.method;
    }
    if (rules == 0)
        add("pg_hba", "critical", "no line of pg_hba.conf lets replication in: \"all\" as a database does not",
            "add a line such as: hostssl replication replicator 10.0.0.0/8 scram-sha-256");
    else if (!weak.empty())
        add("pg_hba", "warning", fmt::format("a line for replication over the network has the method {}", weak),
            "use scram-sha-256, or certificates");
    else
        add("pg_hba", "ok", fmt::format("{} lines for replication", rules));
}

void SetupCheck::judge_roles() {
    if (setup_.replication_roles.size() > setup_.replication_superusers)
        return add("role", "ok", "there is a role with REPLICATION that is no superuser");
    add("role", "warning", "only superusers may replicate", "CREATE ROLE replicator LOGIN REPLICATION PASSWORD '...'");
}

void SetupCheck::judge_archive() {
    const std::string mode = setting("archive_mode");
    if (mode == "off")
        add("archive", "warning",
            "archive_mode is off: a standby that misses WAL cannot get it, and there is no recovery to a moment",
            std::string("set archive_mode = on and archive_command") + kRestart);
    else if (setting("archive_command").empty() && setting("archive_library").empty())
        add("archive", "critical", "archive_mode is on and there is no archive_command: WAL piles up",
            std::string("set archive_command to what copies a file away") + kReload);
    else if (setup_.is_archiving_failing)
        add("archive", "critical", "the last attempt to archive has failed: WAL piles up",
            "pg_stat_archiver says which file, the server log why");
    else
        add("archive", "ok", "WAL is archived");
}

void SetupCheck::judge_standby() {
    const std::string conninfo = setting("primary_conninfo");
    if (conninfo.empty() && setting("restore_command").empty())
        add("primary_conninfo", "critical", "neither it nor restore_command is set: nothing is replayed",
            "ALTER SYSTEM SET primary_conninfo = 'host=... user=...', and reload");
    else if (setup_.has_password_in_conninfo)
        add("primary_conninfo", "warning", "it has a password in it, which stands in files that are backed up",
            "put the password into a passfile, and name that: passfile=...");
    else if (!conninfo.empty() && setup_.receiver_state != "streaming")
        add("primary_conninfo", "warning",
            setup_.receiver_state.empty() ? "there is no WAL receiver"
                                          : fmt::format("the WAL receiver is {}", setup_.receiver_state),
            "the server log says why");
    else
        add("primary_conninfo", "ok", conninfo.empty() ? "WAL comes from the archive only" : "it streams");
    if (!conninfo.empty() && setting("primary_slot_name").empty())
        add("primary_slot_name", "warning",
            "no slot keeps WAL for this standby: once it is away for long it has to be built anew",
            "create a slot on the server above, ALTER SYSTEM SET primary_slot_name, and reload");
    else
        add("primary_slot_name", "ok",
            conninfo.empty() ? "it does not stream" : fmt::format("it is {}", setting("primary_slot_name")));
    if (setting("recovery_target_timeline") == "latest")
        add("recovery_target_timeline", "ok", "it is latest");
    else
        add("recovery_target_timeline", "critical",
            fmt::format("it is {}: this standby does not follow a new primary", setting("recovery_target_timeline")),
            std::string("ALTER SYSTEM SET recovery_target_timeline = 'latest'") + kRestart);
    const bool has_feedback = setting("hot_standby_feedback") == "on";
    add("hot_standby_feedback", "ok",
        has_feedback ? "it is on: queries here keep dead rows on the primary"
                     : fmt::format("it is off: queries here are cancelled when they block replay for {} ms",
                                   setting("max_standby_streaming_delay")));
}

void SetupCheck::judge_rewind() {
    if (setting("wal_log_hints") == "on" || setting("data_checksums") == "on")
        return add("rewind", "ok", "pg_rewind can bring it back after a failover");
    add("rewind", "warning",
        "neither wal_log_hints nor data checksums are on: pg_rewind cannot bring it back after a failover",
        std::string("ALTER SYSTEM SET wal_log_hints = on") + kRestart);
}

void SetupCheck::judge_steward() {
    const Synchronous wanted = read_synchronous(setting("synchronous_standby_names"));
    if (!setup_.is_standby && wanted.count(setup_.standbys) < wanted.needed)
        add("synchronous_standby_names", "critical",
            fmt::format("commits wait for {} of standbys, and {} are connected", wanted.needed,
                        wanted.count(setup_.standbys)),
            std::string("set synchronous_standby_names to those that are there") + kReload);
    else
        add("synchronous_standby_names", "ok",
            wanted.needed == 0 ? "commits wait for no standby"
                               : fmt::format("commits wait for {} of standbys", wanted.needed));
    if (!setup_.is_preloaded)
        add("prober", "warning", "shared_preload_libraries does not name pg_steward: nobody watches the other servers",
            std::string("add pg_steward to shared_preload_libraries") + kRestart);
    else if (!setup_.has_nodes)
        add("prober", "warning", "no node is registered in this database",
            "SELECT steward.register_node(...) for each server of the cluster, on the primary");
    else
        add("prober", "ok", "nodes are registered and watched");
}

}  // namespace

std::vector<Finding> replication_setup(const ReplicationSetup& setup) { return SetupCheck(setup).run(); }

}  // namespace steward::route
