// SPDX-License-Identifier: PostgreSQL
//
// The rules across nodes: what a standby has otherwise than its primary.
#include <cstdlib>

#include "base/text.hpp"
#include "route/synchronous.hpp"
#include "tune/check.hpp"
#include "tune/libraries.hpp"

namespace steward::tune {

namespace {

// A standby with less than its primary pauses replay, or does not start.
constexpr const char* kNotLess[] = {"max_connections", "max_worker_processes", "max_wal_senders",
                                    "max_prepared_transactions", "max_locks_per_transaction"};

std::string setting(const Node& node, const char* name) {
    const auto found = node.settings.find(name);
    return found == node.settings.end() ? std::string() : found->second;
}
long long number(const Node& node, const char* name) { return std::atoll(setting(node, name).c_str()); }

bool preloads_us(const Node& node) {
    for (const std::string& library : parse_libraries(setting(node, "shared_preload_libraries")))
        if (library == "pg_steward") return true;
    return false;
}

// What it has to have to go on following.
void check_follower(Findings& found, const Node& primary, const Node& node) {
    for (const char* name : kNotLess)
        if (number(node, name) < number(primary, name))
            found.error(name,
                        fmt::format("\"{}\" has {}, its primary \"{}\" {}: it pauses replay, or does not start again",
                                    node.name, number(node, name), primary.name, number(primary, name)),
                        fmt::format("ALTER SYSTEM SET {} = {} on \"{}\", and restart it; only then raise it on the "
                                    "primary.",
                                    name, number(primary, name), node.name));
    if (setting(node, "server_version_num") != setting(primary, "server_version_num"))
        found.warn("server_version",
                   fmt::format("\"{}\" runs {}, its primary \"{}\" {}", node.name, setting(node, "server_version"),
                               primary.name, setting(primary, "server_version")),
                   "Bring all servers to the newest minor version, standbys first.");
    constexpr long long kMinuteMs = 60'000;
    const long long delay = number(node, "max_standby_streaming_delay");
    if (delay < 0)
        found.warn("max_standby_streaming_delay",
                   fmt::format("one query on \"{}\" may stop its replay for ever", node.name),
                   "Set it to 30s there, or to what a reader may wait.");
    else if (setting(node, "hot_standby_feedback") == "off" && delay < kMinuteMs)
        found.inform("hot_standby_feedback",
                     fmt::format("off on \"{}\": its queries end when they need rows that VACUUM has removed on the "
                                 "primary",
                                 node.name),
                     "Set it to on there, and VACUUM waits for its queries; or raise max_standby_streaming_delay.");
}

// What would be missed once it is the primary.
void check_successor(Findings& found, const Node& primary, const Node& node) {
    const std::string level = setting(node, "wal_level");
    const std::string wanted = setting(primary, "wal_level");
    if (level == "minimal" || (wanted == "logical" && level != "logical"))
        found.warn("wal_level",
                   fmt::format("{} on \"{}\", {} on its primary: after a failover somebody cannot follow", level,
                               node.name, wanted),
                   fmt::format("ALTER SYSTEM SET wal_level = {} on \"{}\", and restart it.", wanted, node.name));
    if (setting(primary, "archive_mode") != "off" && setting(node, "archive_mode") == "off")
        found.warn("archive_mode",
                   fmt::format("off on \"{}\": after a failover the archive of \"{}\" is not gone on with", node.name,
                               primary.name),
                   fmt::format("ALTER SYSTEM SET archive_mode = on on \"{}\", and restart it.", node.name));
    if (preloads_us(primary) && !preloads_us(node))
        found.warn("shared_preload_libraries",
                   fmt::format("\"{}\" does not preload pg_steward: after a failover no job runs", node.name),
                   "Add it there, and restart it.");
}

// Of another server, or where some are there: this one's own rule tells when none is.
void check_commits(Findings& found, const Node& primary) {
    if (primary.is_self && found.facts.synchronous_standbys == 0) return;
    const route::Synchronous wanted = route::read_synchronous(setting(primary, "synchronous_standby_names"));
    const std::size_t there = wanted.count(primary.standbys);
    if (there < wanted.needed)
        found.error(
            "synchronous_standby_names",
            fmt::format("commits on \"{}\" wait for {} standbys, and {} are there", primary.name, wanted.needed, there),
            "Bring standbys back, or set it to those that are there, and reload.");
    else if (wanted.needed > 0 && !wanted.is_any() && !wanted.missing(primary.standbys).empty())
        found.warn("synchronous_standby_names",
                   fmt::format("on \"{}\" it names \"{}\", which is not there", primary.name,
                               wanted.missing(primary.standbys).front()),
                   "Bring it back, or take it out.");
}

}  // namespace

// Without exactly one primary nobody knows whom the others follow.
void check_nodes(Findings& found) {
    const Node* primary = nullptr;
    int primaries = 0;
    for (const Node& node : found.facts.nodes) {
        if (node.problem) {
            found.inform("nodes", fmt::format("\"{}\" is compared with nobody: {}", node.name, *node.problem),
                         "SELECT * FROM replication_status; says how it is.");
            continue;
        }
        if (node.is_standby) continue;
        primary = &node;
        ++primaries;
    }
    if (primaries != 1) return;
    check_commits(found, *primary);
    for (const Node& node : found.facts.nodes) {
        if (!node.is_standby || node.problem) continue;
        check_follower(found, *primary, node);
        check_successor(found, *primary, node);
    }
}

}  // namespace steward::tune
