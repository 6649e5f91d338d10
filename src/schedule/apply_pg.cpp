// SPDX-License-Identifier: PostgreSQL
//
// steward.jobs_export() and steward.jobs_apply(): the jobs of this database as a document, and a document made true. The
// steps that are shown are the ones that are carried out; everything that can be wrong with them is found before the first.
#include <algorithm>
#include <set>

#include "base/array.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "schedule/document_pg.hpp"
#include "schedule/roles_pg.hpp"
#include "schedule/states_pg.hpp"

namespace steward::schedule {

namespace {

Datum jsonb_datum(const std::string& json) {
    char* text = const_cast<char*>(json.c_str());
    return pg::call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); });
}

std::map<std::string, std::int64_t> group_limits() {
    pg::AsExtensionOwner as_extension;
    std::map<std::string, std::int64_t> limits;
    for (const pg::Row& row : pg::query("SELECT group_name, max_running FROM steward.job_groups"))
        limits.emplace(row.text(0), row.number(1));
    return limits;
}

bool sees_all() {
    pg::SafePath path;
    return pg::query("SELECT pg_has_role('pg_monitor', 'USAGE')").at(0).truth(0);
}

Datum jobs_export() {
    std::set<std::string> groups;
    std::string jobs;
    const auto visible = visible_jobs();
    for (const Job& job : all_jobs()) {
        if (visible.count(job.id) == 0) continue;
        jobs += (jobs.empty() ? "" : ", ") + job_entry(job);
        if (const pg::Cell& group = policy_of(job.policies, "group")) groups.insert(*group);
    }
    std::string limits;
    const bool has_all_groups = sees_all();
    for (const auto& [group, limit] : group_limits())
        if (has_all_groups || groups.count(group) != 0)
            limits += fmt::format("{}{}: {}", limits.empty() ? "" : ", ", base::json_string(group), limit);
    return jsonb_datum(fmt::format("{{\"groups\": {{{}}}, \"jobs\": [{}]}}", limits, jobs));
}

// ---- What a document changes -----------------------------------------------------------------------------------------

struct Change {
    std::string attribute;
    pg::Cell from;
    pg::Cell to;
};

struct GroupStep {
    std::string group;
    std::optional<int> from;
    std::optional<int> to;
};

// Neither before nor after: not possible. Both: altered, or kept when nothing changes.
struct JobStep {
    std::optional<Job> before;
    std::optional<Job> after;
    std::vector<Change> changes;
    bool is_skipped = false;  // its instant is past, and it is gone
};

struct Plan {
    std::vector<GroupStep> groups;
    std::vector<JobStep> dropped;
    std::vector<JobStep> defined;
};

// As a person reads it: texts bare, lists as in the document.
pg::Cell shown_policy(const Option& option, const pg::Cell& value) {
    if (!value || std::string_view(option.type).find("[]") == std::string_view::npos) return value;
    return policy_json(option, value);
}

std::vector<Change> changes_of(const Job& before, const Job& after) {
    std::vector<Change> changes;
    const auto compare = [&](const char* attribute, const pg::Cell& from, const pg::Cell& to) {
        if (from != to) changes.push_back({attribute, from, to});
    };
    compare("schedule", before.schedule, after.schedule);
    compare("run_at", before.run_at, after.run_at);
    compare("timezone", before.timezone, after.timezone);
    if (before.role != after.role) changes.push_back({"role", before.role_name, after.role_name});
    compare("command", before.command, after.command);
    for (std::size_t i = 0; i < options().size(); ++i)
        compare(options()[i].key, shown_policy(options()[i], before.policies[i]),
                shown_policy(options()[i], after.policies[i]));
    return changes;
}

bool is_past(const std::string& at) {
    pg::SafePath path;
    return pg::query("SELECT $1::timestamptz <= clock_timestamp()", {at}).at(0).truth(0);
}

// Which job of the document it is stands in the error's context: its own words may be about one option only.
JobStep step_of(const Document::Entry& entry, std::optional<Job> before) {
    JobStep step{std::move(before), std::nullopt, {}, false};
    try {
        step.after = defined_job(entry.name, step.before, entry.wish);
        bool is_new_instant = step.after->run_at && (!step.before || step.before->run_at != step.after->run_at);
        step.is_skipped = is_new_instant && is_past(*step.after->run_at);
        if (step.is_skipped && step.before)
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "job \"{}\" cannot run at {}, which is past", entry.name,
                              *step.after->run_at)
                .hint("Give a later instant, or leave the job out.");
    } catch (const pg::PgError& error) {
        pg::ErrorReport report = error.report();
        report.context += fmt::format("{}job \"{}\" of the document", report.context.empty() ? "" : "\n", entry.name);
        throw pg::PgError(std::move(report));
    }
    if (step.before) step.changes = changes_of(*step.before, *step.after);
    return step;
}

std::vector<GroupStep> plan_groups(const Document& document, bool is_pruned) {
    std::vector<GroupStep> steps;
    std::map<std::string, std::int64_t> limits = group_limits();
    const auto limit_of = [&](const std::string& group) {
        auto found = limits.find(group);
        return found == limits.end() ? std::nullopt : std::optional<int>(static_cast<int>(found->second));
    };
    steps.reserve(steps.size() + document.groups.size());
    for (const auto& [group, limit] : document.groups)
        steps.push_back({group, limit_of(group), limit ? std::optional<int>(static_cast<int>(*limit)) : std::nullopt});
    if (is_pruned && document.has_groups && may_manage_all())
        for (const auto& [group, limit] : limits)
            if (document.groups.count(group) == 0) steps.push_back({group, static_cast<int>(limit), std::nullopt});
    if (std::any_of(steps.begin(), steps.end(), [](const GroupStep& step) { return step.from != step.to; }))
        check_may_manage_all("limit groups of jobs");
    return steps;
}

Plan plan_for(const Document& document, bool is_pruned) {
    Plan plan;
    plan.groups = plan_groups(document, is_pruned);
    std::map<std::string, Job> jobs;
    for (Job& job : all_jobs()) jobs.emplace(job.name, std::move(job));
    std::set<std::string> meant;
    for (const Document::Entry& entry : document.jobs) meant.insert(entry.name);
    if (is_pruned) {
        for (const auto& [name, job] : jobs)
            if (meant.count(name) == 0 && may_manage(job)) plan.dropped.push_back({job, std::nullopt, {}, false});
        for (const JobStep& step : plan.dropped) jobs.erase(step.before->name);
    }
    std::set<std::string> changed;
    std::int64_t created = 0;
    for (const Document::Entry& entry : document.jobs) {
        pg::check_interrupts();
        auto known = jobs.find(entry.name);
        JobStep step = step_of(entry, known == jobs.end() ? std::nullopt : std::optional<Job>(known->second));
        if (!step.is_skipped) {
            if (!step.before) ++created;
            if (!step.before || !step.changes.empty()) changed.insert(entry.name);
            jobs.insert_or_assign(entry.name, *step.after);
        }
        plan.defined.push_back(std::move(step));
    }
    for (const JobStep& step : plan.dropped)
        check_followers(step.before->name, followers_among(jobs, step.before->name));
    check_edges_among(jobs, changed);
    if (created > 0) check_room(created - static_cast<std::int64_t>(plan.dropped.size()));
    return plan;
}

void carry_out(const Plan& plan) {
    for (const GroupStep& step : plan.groups)
        if (step.from != step.to) set_group_limit(step.group, step.to);
    for (const JobStep& step : plan.dropped) drop_job(*step.before);
    std::vector<std::string> names;
    for (const JobStep& step : plan.defined) {
        if (step.is_skipped || (step.before && step.changes.empty())) continue;
        store_job(*step.after, is_rescheduled(step.before.value_or(Job{}), *step.after));
        names.push_back(step.after->name);
    }
    warn_when_idle(names);
}

void show(pg::ResultSet& rows, const Plan& plan) {
    const auto limit = [](const std::optional<int>& value) {
        return value ? pg::Cell(fmt::format("{}", *value)) : std::nullopt;
    };
    for (const GroupStep& step : plan.groups) {
        bool is_kept = step.from == step.to;
        rows.add({is_kept ? "keep" : "alter", "group", step.group, is_kept ? pg::Cell() : "max_running",
                  is_kept ? pg::Cell() : limit(step.from), is_kept ? pg::Cell() : limit(step.to)});
    }
    for (const JobStep& step : plan.dropped)
        rows.add({"unschedule", "job", step.before->name, std::nullopt, job_entry(*step.before), std::nullopt});
    for (const JobStep& step : plan.defined) {
        const std::string& name = step.after->name;
        if (step.is_skipped)
            rows.add({"skip", "job", name, "run_at", std::nullopt, step.after->run_at});
        else if (!step.before)
            rows.add({"create", "job", name, std::nullopt, std::nullopt, job_entry(*step.after)});
        else if (step.changes.empty())
            rows.add({"keep", "job", name, std::nullopt, std::nullopt, std::nullopt});
        for (const Change& change : step.changes)
            rows.add({"alter", "job", name, change.attribute, change.from, change.to});
    }
}

Datum jobs_apply(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "jobs must not be null");
    const char* text = pg::call([&] { return DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(0))); });
    const bool is_dry = PG_ARGISNULL(1) || PG_GETARG_BOOL(1);
    const bool is_pruned = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
    const Document document = read_document(text);
    pg::ResultSet rows(fcinfo);
    if (!is_dry) lock_jobs();
    const Plan plan = plan_for(document, is_pruned);
    if (!is_dry) carry_out(plan);
    show(rows, plan);
    return rows.done();
}

}  // namespace

}  // namespace steward::schedule

STEWARD_FUNCTION(steward_jobs_export) {
    return steward::pg::entry([] { return steward::schedule::jobs_export(); });
}

STEWARD_FUNCTION(steward_jobs_apply) {
    return steward::pg::entry([&] { return steward::schedule::jobs_apply(fcinfo); });
}
