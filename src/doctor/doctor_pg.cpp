// SPDX-License-Identifier: PostgreSQL
//
// steward.doctor(): whether this installation is whole, and what to do where it is not. One row a check that holds, one
// row a thing that is wrong. A check that cannot be made says 'unknown'; it never ends the others.
#include <algorithm>
#include <functional>

#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/stats_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "schedule/health_pg.hpp"
#include "tune/check_pg.hpp"

namespace steward::doctor {

namespace {

using partition::InfoQuery;

constexpr int kOldestMajor = 13;
constexpr int kNewestTestedMajor = 18;
// The first minors of each major, from 13 on, that detach partitions with foreign keys right (November 2024).
constexpr int kFirstSoundMinors[] = {18, 15, 10, 6, 2};
// One query may take this share of the lock table before it is worth a word.
constexpr double kWarnLockShare = 0.5;

class Doctor {
public:
    explicit Doctor(FunctionCallInfo fcinfo) : query_(InfoQuery::of(fcinfo)), result_(fcinfo) {}

    Datum run() {
        check("installation", "version", [&] { version(); });
        check("installation", "server", [&] { server(); });
        check("installation", "preload", [&] { preload(); });
        check("installation", "background workers", [&] { workers(); });
        check("partition", "event trigger", [&] { event_trigger(); });
        check("partition", "registered sets", [&] { registered_sets(); });
        check("partition", "runway", [&] { runways(); });
        check("partition", "locks", [&] { locks(); });
        for (const schedule::Check& one : schedule::health_checks())
            check("schedule", one.name, [&] {
                for (const schedule::Finding& finding : one.run()) say(finding.verdict, finding.detail, finding.remedy);
            });
        check("tune", "settings", [&] { settings(); });
        return result_.done();
    }

private:
    void check(const char* area, const char* name, const std::function<void()>& body) {
        area_ = area;
        check_ = name;
        if (auto failure = pg::attempt(pg::Bounded::subtransaction, body))
            say("unknown", failure->message, failure->hint);
    }

    void say(const char* verdict, const std::string& detail, const std::string& remedy = {}) {
        result_.add({area_, check_, verdict, detail, remedy.empty() ? pg::Cell() : remedy});
    }
    void ok(const std::string& detail) { say("ok", detail); }

    void version();
    void server();
    void preload();
    void workers();
    void event_trigger();
    void registered_sets();
    bool is_whole(const pg::Row& row);
    void runways();
    void locks();
    void settings();

    InfoQuery& query_;
    pg::ResultSet result_;
    std::string area_;
    std::string check_;
};

void Doctor::version() {
    auto rows = pg::query("SELECT e.extversion, steward.version(), n.nspname FROM pg_catalog.pg_extension e "
                          "JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace "
                          "WHERE e.extname OPERATOR(pg_catalog.=) 'pg_steward'");
    if (rows.empty()) return say("critical", "extension pg_steward is not installed", "CREATE EXTENSION pg_steward;");
    const std::string& extension = rows[0].text(0);
    const std::string& library = rows[0].text(1);
    if (extension == library)
        return ok(fmt::format("extension and library are {}, public functions in schema {}", extension,
                              base::quote_identifier(rows[0].text(2))));
    say("critical", fmt::format("extension is {}, library is {}", extension, library),
        "ALTER EXTENSION pg_steward UPDATE; then let sessions reconnect, or restart the server if the library is "
        "preloaded.");
}

void Doctor::server() {
    auto rows = pg::query("SELECT pg_catalog.current_setting('server_version_num')");
    int number = static_cast<int>(rows[0].number(0));
    int major = number / 10000;
    int minor = number % 10000;
    auto known = static_cast<std::size_t>(std::max(major - kOldestMajor, 0));
    if (known < std::size(kFirstSoundMinors) && minor < kFirstSoundMinors[known])
        return say("warning",
                   fmt::format("PostgreSQL {}.{} has known faults when partitions with foreign keys are detached",
                               major, minor),
                   fmt::format("Update to {}.{} or later.", major, kFirstSoundMinors[known]));
    if (major > kNewestTestedMajor)
        return say("warning", fmt::format("this version has not been tested with PostgreSQL {}", major));
    ok(fmt::format("PostgreSQL {}.{}", major, minor));
}

void Doctor::preload() {
    std::string libraries = shared_preload_libraries_string == nullptr ? "" : shared_preload_libraries_string;
    if (libraries.find("pg_steward") != std::string::npos) return ok("pg_steward is preloaded");
    std::string all = libraries.empty() ? "pg_steward" : libraries + ", pg_steward";
    say("warning", "pg_steward is not preloaded: what needs shared memory or a permanent worker is off",
        fmt::format("Put into postgresql.conf and restart: shared_preload_libraries = {}", base::quote_literal(all)));
}

// Everything that the statistics name otherwise than the server's own processes is a background worker.
void Doctor::workers() {
    auto rows = pg::query("SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.backend_type "
                          "OPERATOR(pg_catalog.<>) ALL "
                          "(ARRAY['client backend', 'autovacuum launcher', 'autovacuum worker', 'background writer', "
                          "'checkpointer', 'archiver', "
                          "'startup', 'walreceiver', 'walsender', 'walwriter', 'walsummarizer', 'slotsync worker', 'io "
                          "worker', 'logger', "
                          "'standalone backend'])");
    auto used = rows[0].number(0);
    if (used < max_worker_processes)
        return ok(fmt::format("{} of {} in use; maintenance takes one for a moment", used, max_worker_processes));
    say("warning", fmt::format("all {} are in use: nothing can be done in the background", max_worker_processes),
        fmt::format("Put into postgresql.conf and restart: max_worker_processes = {}", max_worker_processes + 4));
}

void Doctor::event_trigger() {
    auto rows = pg::query("SELECT t.evtenabled FROM pg_catalog.pg_event_trigger t "
                          "WHERE t.evtname OPERATOR(pg_catalog.=) 'steward_forget_dropped_tables'");
    if (rows.empty())
        return say("warning",
                   "event trigger steward_forget_dropped_tables is missing: settings of dropped tables stay behind",
                   "CREATE EVENT TRIGGER steward_forget_dropped_tables ON sql_drop EXECUTE FUNCTION "
                   "steward.forget_dropped_tables();");
    if (rows[0].text(0) == "D" || rows[0].text(0) == "R")
        return say("warning",
                   "event trigger steward_forget_dropped_tables does not fire: settings of dropped tables stay behind",
                   "ALTER EVENT TRIGGER steward_forget_dropped_tables ENABLE;");
    ok("settings of dropped tables go with them");
}

// Says what is wrong when something the set refers to is not there.
bool Doctor::is_whole(const pg::Row& row) {
    const std::string& parent = row.text(1);
    if (!row.truth(2)) {
        say("critical", fmt::format("the table of set {} is gone", parent),
            fmt::format("DELETE FROM steward.partition_sets WHERE parent = {};", row.oid(0)));
        return false;
    }
    if (!row.truth(3)) {
        say("critical", fmt::format("the template of {} is gone", parent),
            fmt::format("UPDATE steward.partition_sets SET template = NULL WHERE parent = {}::regclass;",
                        base::quote_literal(parent)));
        return false;
    }
    if (!row.is_null(4)) {
        say("critical", fmt::format("{} calls functions that do not exist: {}", parent, row.text(4)),
            "Create them, or register the set again with steward.manage_partitions().");
        return false;
    }
    std::optional<partition::KnownSet> known;
    auto failure = pg::attempt(pg::Bounded::subtransaction, [&] {
        known = partition::known_set(row.oid(0), query_.now());
        known->zone();
    });
    if (!failure && !known->set.undecoded) return true;
    const std::string& why = failure ? failure->message : known->set.undecoded->message;
    say("critical", fmt::format("{} cannot be maintained: {}", parent, why),
        failure ? failure->hint : known->set.undecoded->hint);
    return false;
}

void Doctor::registered_sets() {
    std::vector<pg::Row> rows;
    {
        partition::AsExtensionOwner as_extension;
        rows = pg::query(
            "SELECT s.parent::oid, s.parent::text, t.oid IS NOT NULL, s.template IS NULL OR m.oid IS NOT NULL, "
            "(SELECT string_agg(f.name || f.arguments, ', ') FROM (VALUES "
            "(s.encode_function, '(timestamp with time zone)'), (s.decode_function, '(text)'), "
            "(s.before_create, '(regclass,text,text)'), (s.after_create, '(regclass,text,text)'), "
            "(s.before_drop, '(regclass,text,text)'), (s.after_drop, '(regclass,text,text)')) f(name, arguments) "
            "WHERE f.name <> '' AND to_regprocedure(f.name || f.arguments) IS NULL) "
            "FROM steward.partition_sets s LEFT JOIN pg_class t ON t.oid = s.parent::oid "
            "LEFT JOIN pg_class m ON m.oid = s.template::oid ORDER BY s.parent::text COLLATE \"C\"");
    }
    bool are_whole = true;
    for (const pg::Row& row : rows) are_whole = is_whole(row) && are_whole;
    if (are_whole)
        ok(rows.empty() ? "no set is registered" : fmt::format("{} registered, all can be maintained", rows.size()));
}

void Doctor::runways() {
    int good = 0;
    int bad = 0;
    for (const partition::RegisteredSet& registered : partition::read_policies()) {
        auto shown = query_.try_read(registered.parent);
        if (!shown) continue;
        auto end = partition::stats_of(query_, *shown).stats.runway_end;
        if (!end) continue;
        if (*end > query_.now()) {
            ++good;
            continue;
        }
        ++bad;
        std::string table = shown->set.qualified();
        bool is_number = shown->policy.codec.axis() == partition::Axis::number;
        say("critical",
            fmt::format("{} has no partition for {}: new rows go to the default partition or are refused", table,
                        is_number ? "the keys that are due by now" : "now"),
            fmt::format("SELECT create_future_partitions({});", base::quote_literal(table)));
    }
    if (bad == 0 && good > 0) ok(fmt::format("sets with a partition for now: {}", good));
}

void Doctor::locks() {
    auto rows = pg::query("SELECT c.oid FROM pg_catalog.pg_class c "
                          "WHERE c.relkind OPERATOR(pg_catalog.=) 'p' AND NOT c.relispartition");
    std::int64_t most = 0;
    Oid table = InvalidOid;
    for (const pg::Row& row : rows) {
        std::int64_t needed = partition::locks_of(query_, row.oid(0));
        if (needed <= most) continue;
        most = needed;
        table = row.oid(0);
    }
    if (most == 0) return;
    std::int64_t capacity = partition::lock_capacity();
    std::string detail = fmt::format("a query over all of {} takes {} of {} locks",
                                     partition::relation_name(table).qualified(), most, capacity);
    double share = static_cast<double>(most) / static_cast<double>(capacity);
    if (share < kWarnLockShare) return ok(detail);
    // A quarter of what there is then, in steps of 64.
    std::int64_t wanted = (4 * most * max_locks_per_xact / capacity / 64 + 1) * 64;
    say(share < 1 ? "warning" : "critical", detail,
        fmt::format("Put into postgresql.conf and restart: max_locks_per_transaction = {}", wanted));
}

// Those that lose data or stop the server; the others are steward.check_config()'s.
void Doctor::settings() {
    bool is_sound = true;
    for (const tune::Finding& finding : tune::check_server(tune::Scope::server)) {
        if (finding.verdict != tune::Verdict::error) continue;
        is_sound = false;
        const bool is_named = finding.detail.find(finding.parameter) != std::string::npos;
        say("critical", is_named ? finding.detail : fmt::format("{}: {}", finding.parameter, finding.detail),
            finding.remedy);
    }
    if (is_sound) ok("none that loses data or stops the server; steward.check_config() says more");
}

}  // namespace

}  // namespace steward::doctor

using namespace steward;

STEWARD_FUNCTION(steward_doctor) {
    return pg::entry([&] { return doctor::Doctor(fcinfo).run(); });
}
