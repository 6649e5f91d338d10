// SPDX-License-Identifier: PostgreSQL
//
// steward.import_pg_cron(): jobs of pg_cron as jobs of ours. They begin paused, and pg_cron's are left as they are: one
// statement of the result's rows hands a job over, so that at no time both run it.
#include <map>

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"
#include "schedule/command_pg.hpp"
#include "schedule/document_pg.hpp"
#include "schedule/pg_cron.hpp"
#include "schedule/roles_pg.hpp"

namespace steward::schedule {

namespace {

struct CronJob {
    std::int64_t id = 0;
    std::string schedule;
    std::string command;
    std::string host;
    std::int64_t port = 0;
    std::string database;
    std::string user;
    bool is_active = true;
    std::string name;
};

struct Imported {
    const char* action = "refuse";
    std::string name;
    pg::Cell definition;
    std::vector<std::string> notes;
    pg::Cell handover;
    std::optional<Job> job;  // to be stored
};

void require_pg_cron() {
    pg::SafePath path;
    auto tables =
        pg::query("SELECT FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND "
                  "d.refobjid = e.oid AND d.classid = 'pg_class'::regclass WHERE e.extname = 'pg_cron' AND "
                  "d.objid = to_regclass('cron.job')");
    if (!tables.empty()) return;
    auto home = pg::query("SELECT coalesce(current_setting('cron.database_name', true), 'postgres')");
    throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "extension \"pg_cron\" is not installed in this database")
        .hint("It is in the one that its setting cron.database_name names, here \"{}\".", home.at(0).text(0));
}

// With the rights of the caller: pg_cron shows everybody their own jobs, superusers all. Older versions lack some columns.
std::vector<CronJob> read_cron_jobs() {
    pg::SafePath path;
    std::vector<CronJob> jobs;
    std::map<std::string, int> uses;
    for (const pg::Row& row :
         pg::query("SELECT j ->> 'jobid', j ->> 'schedule', j ->> 'command', j ->> 'nodename', j ->> 'nodeport', "
                   "j ->> 'database', j ->> 'username', (coalesce((j ->> 'active')::boolean, true)), j ->> 'jobname' "
                   "FROM (SELECT to_jsonb(c) AS j, c.jobid FROM cron.job c) c ORDER BY c.jobid")) {
        CronJob job{row.number(0), row.text(1), row.text(2),  row.text(3), row.number(4),
                    row.text(5),   row.text(6), row.truth(7), row.text(8)};
        if (job.name.empty()) job.name = fmt::format("pg_cron {}", job.id);
        ++uses[job.name];
        jobs.push_back(std::move(job));
    }
    // There, names are of one user each. A name that was given here stays, also when its like there is gone.
    for (CronJob& job : jobs) {
        std::string long_name = fmt::format("{} ({})", job.name, job.user);
        if (uses[job.name] > 1 || find_job(long_name)) job.name = std::move(long_name);
        if (job.name.size() > base::kMaxIdentifierBytes) job.name = fmt::format("pg_cron {}", job.id);
    }
    return jobs;
}

// Some of pg_cron's not everybody may read by SQL; the fallback is what it has where it does not know the setting.
std::string setting(const char* name, const char* fallback) {
    const char* value = pg::call([&] { return GetConfigOption(name, true, false); });
    return value == nullptr ? fallback : value;
}

class Importer {
public:
    Importer() {
        zone_ = pg::canonical_zone_name(setting("cron.timezone", "GMT"));
        matches_both_days_ = setting("cron.match_dom_and_dow", "off") == "on";
        host_ = setting("cron.host", "localhost");
        port_ = std::stoll(setting("port", "5432"));
        pg::SafePath path;
        database_ = pg::query("SELECT current_database()").at(0).text(0);
    }

    Imported import(const CronJob& cron) {
        Imported result;
        result.name = cron.name;
        if (auto failure = pg::attempt(pg::Bounded::subtransaction, [&] { plan(cron, result); })) {
            result.action = "refuse";
            result.definition = std::nullopt;
            result.job = std::nullopt;
            result.notes.insert(result.notes.begin(),
                                failure->message + (failure->hint.empty() ? "" : " (" + failure->hint + ")"));
        }
        return result;
    }

private:
    void plan(const CronJob& cron, Imported& result) {
        bool is_local = cron.host == host_ || cron.host == "localhost" || cron.host == "127.0.0.1" ||
                        cron.host == "::1" || cron.host.empty() || cron.host[0] == '/';
        if (!is_local || cron.port != port_)
            throw pg::PgError(ERRCODE_FEATURE_NOT_SUPPORTED, "it runs in another server, {} port {}", cron.host,
                              cron.port)
                .hint("Schedule it there.");
        CronReading reading =
            pg::value_or_throw(read_pg_cron(cron.schedule, matches_both_days_, pg::zone(zone_), pg::now()));
        result.notes = reading.notes;
        check_command(cron.name, cron.command);
        CommandShape shape = command_shape(cron.command);
        bool is_atomic = shape.statements > 1 && !shape.has_transaction_control;
        if (is_atomic)
            result.notes.emplace_back("its statements run in one transaction, as pg_cron has it (option atomic)");
        std::string options =
            fmt::format(R"({{"overlap": "queue", "missed": "skip"{}}})", is_atomic ? R"(, "atomic": true)" : "");
        if (cron.database != database_) return plan_elsewhere(cron, reading.schedule, options, result);
        Wish wish;
        wish.schedule = reading.schedule;
        wish.command = cron.command;
        wish.timezone = zone_;
        wish.role = role_named(cron.user, fmt::format("job {}", cron.id));
        wish.options = options;
        Job job = defined_job(cron.name, std::nullopt, wish);
        if (auto known = find_job(cron.name)) return plan_known(cron, job, *known, result);
        check_room(created_ + 1);
        ++created_;
        job.is_paused = true;
        job.paused_reason = cron.is_active ? fmt::format("pg_cron runs it still, as its job {}", cron.id)
                                           : fmt::format("was inactive in pg_cron, as its job {}", cron.id);
        if (!cron.is_active) result.notes.emplace_back("is inactive in pg_cron");
        result.action = "create";
        result.definition = job_entry(job);
        result.handover = handover(cron, cron.is_active);
        result.job = std::move(job);
    }

    void plan_known(const CronJob& cron, const Job& job, const Job& known, Imported& result) {
        check_may_manage(known);
        bool is_same = job_entry(job) == job_entry(known);
        result.action = "keep";
        result.definition = job_entry(known);
        result.notes.emplace_back(is_same ? "there is such a job already"
                                          : "there is another job of that name, which is left as it is");
        if (is_same && cron.is_active && !known.is_paused) result.notes.emplace_back("both run it");
        result.handover = handover(cron, is_same && cron.is_active && known.is_paused);
    }

    void plan_elsewhere(const CronJob& cron, const std::string& schedule, const std::string& options,
                        Imported& result) {
        result.action = "elsewhere";
        result.notes.emplace_back("belongs to another database, which keeps its own jobs");
        result.handover =
            fmt::format("in database {}: SELECT steward.schedule({}, {}, {}, {}, {}, {}); then here: {}",
                        base::quote_identifier(cron.database), base::quote_literal(cron.name),
                        base::quote_literal(schedule), base::quote_literal(cron.command), base::quote_literal(zone_),
                        base::quote_literal(base::quote_identifier(cron.user)), base::quote_literal(options),
                        handover(cron, false));
    }

    // One statement, so that no run falls between.
    static std::string handover(const CronJob& cron, bool resumes) {
        return resumes ? fmt::format("SELECT cron.unschedule({}), steward.resume_jobs({});", cron.id,
                                     base::quote_literal(cron.name))
                       : fmt::format("SELECT cron.unschedule({});", cron.id);
    }

    std::string zone_;
    bool matches_both_days_ = false;
    std::string host_;
    std::int64_t port_ = 0;
    std::string database_;
    std::int64_t created_ = 0;
};

pg::Cell joined(const std::vector<std::string>& notes) {
    std::string text;
    for (const std::string& note : notes) text += (text.empty() ? "" : "; ") + note;
    return text.empty() ? pg::Cell() : text;
}

Datum import_pg_cron(FunctionCallInfo fcinfo) {
    const bool is_dry = PG_ARGISNULL(0) || PG_GETARG_BOOL(0);
    pg::ResultSet rows(fcinfo);
    require_pg_cron();
    if (!is_dry) lock_jobs();
    std::vector<std::string> names;
    Importer importer;
    std::vector<Imported> results;
    for (const CronJob& cron : read_cron_jobs()) {
        pg::check_interrupts();
        Imported result = importer.import(cron);
        rows.add({fmt::format("{}", cron.id), result.action, result.name, result.definition, joined(result.notes),
                  result.handover});
        results.push_back(std::move(result));
    }
    for (const Imported& result : results) {
        if (is_dry || !result.job) continue;
        store_job(*result.job, true);
        names.push_back(result.name);
    }
    warn_when_idle(names);
    return rows.done();
}

}  // namespace

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_import_pg_cron) {
    return steward::pg::entry([&] { return steward::schedule::import_pg_cron(fcinfo); });
}
