// SPDX-License-Identifier: PostgreSQL
#include "schedule/store_pg.hpp"

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "schedule/home_pg.hpp"
#include "schedule/roles_pg.hpp"
#include "schedule/shared_pg.hpp"

namespace steward::schedule {

namespace {

constexpr std::size_t kFixedColumns = 12;

std::string select_jobs() {
    std::string columns;
    for (const Option& option : options()) columns += fmt::format(", d.{}::text", option.column);
    return "SELECT d.job_id, d.name, d.schedule, d.run_at::text, d.command, d.timezone, d.role_name, "
           "d.is_paused, d.paused_reason, d.paused_until::text, p.is_here, p.role" +
           columns + " FROM steward.job_definitions d JOIN steward.job_places p USING (job_id)";
}

Job job_from(const pg::Row& row) {
    Job job;
    job.id = row.number(0);
    job.name = row.text(1);
    job.schedule = row.optional(2);
    job.run_at = row.optional(3);
    job.command = row.text(4);
    job.timezone = row.text(5);
    job.role_name = row.text(6);
    job.is_paused = row.truth(7);
    job.paused_reason = row.optional(8);
    job.paused_until = row.optional(9);
    job.is_here = row.truth(10);
    job.role = row.is_null(11) ? InvalidOid : row.oid(11);
    for (std::size_t i = 0; i < options().size(); ++i) job.policies.push_back(row.optional(kFixedColumns + i));
    return job;
}

struct Field {
    const char* column;
    const char* type;
    pg::Cell value;
};

std::vector<Field> fields_of(const Job& job) {
    std::vector<Field> fields{
        {"name", "text", job.name},
        {"schedule", "text", job.schedule},
        {"run_at", "timestamptz", job.run_at},
        {"command", "text", job.command},
        {"timezone", "text", job.timezone},
        {"role_name", "name", role_name(job.role)},
        {"role_oid", "oid", fmt::format("{}", job.role)},
        {"is_paused", "boolean", job.is_paused ? "true" : "false"},
        {"paused_reason", "text", job.paused_reason},
        {"paused_until", "timestamptz", job.paused_until},
    };
    for (std::size_t i = 0; i < options().size(); ++i)
        fields.push_back({options()[i].column, options()[i].type, job.policies[i]});
    return fields;
}

std::int64_t write(const Job& job, bool is_rescheduled) {
    std::string columns, values, updates;
    std::vector<pg::Parameter> parameters;
    for (const Field& field : fields_of(job)) {
        parameters.emplace_back(field.value);
        std::string value = fmt::format("${}::{}", parameters.size(), field.type);
        columns += fmt::format("{}{}", columns.empty() ? "" : ", ", field.column);
        values += (values.empty() ? "" : ", ") + value;
        updates += fmt::format("{}{} = {}", updates.empty() ? "" : ", ", field.column, value);
    }
    if (job.id == 0) {
        parameters.emplace_back(pg::system_identifier());
        parameters.push_back(pg::Parameter::oid(MyDatabaseId));
        return pg::query(
                   fmt::format("INSERT INTO steward.job_definitions ({}, system_identifier, database_oid, anchor) "
                               "VALUES ({}, ${}, ${}, clock_timestamp()) RETURNING job_id",
                               columns, values, parameters.size() - 1, parameters.size()),
                   parameters)
            .at(0)
            .number(0);
    }
    parameters.emplace_back(job.id);
    pg::execute(fmt::format("UPDATE steward.job_definitions SET {}, changed_at = now(){} WHERE job_id = ${}", updates,
                            is_rescheduled ? ", anchor = clock_timestamp()" : "", parameters.size()),
                parameters);
    return job.id;
}

}  // namespace

void check_room(std::int64_t more) {
    pg::AsExtensionOwner as_extension;
    auto rows = pg::query("SELECT count(*) FROM steward.job_definitions");
    std::int64_t jobs = rows.at(0).number(0);
    if (jobs + more <= max_jobs) return;
    throw pg::PgError(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "there are {} jobs already", jobs)
        .hint("Raise steward.schedule_max_jobs, which is {} and needs a restart.", max_jobs);
}

void lock_jobs() {
    pg::AsExtensionOwner as_extension;
    pg::execute("LOCK TABLE steward.job_definitions IN SHARE ROW EXCLUSIVE MODE");
}

std::optional<Job> find_job(const std::string& name) {
    pg::AsExtensionOwner as_extension;
    auto rows = pg::query(select_jobs() + " WHERE d.name = $1", {name});
    if (rows.empty()) return std::nullopt;
    return job_from(rows[0]);
}

std::vector<Job> all_jobs() {
    pg::AsExtensionOwner as_extension;
    std::vector<Job> jobs;
    for (const pg::Row& row : pg::query(select_jobs() + " ORDER BY d.name COLLATE \"C\""))
        jobs.push_back(job_from(row));
    return jobs;
}

bool may_manage(const Job& job) { return may_act_as(job.role); }

void check_may_manage(const Job& job) {
    if (may_manage(job)) return;
    throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied for job \"{}\"", job.name)
        .hint("Whoever may SET ROLE to the role it runs as may change and run it; a superuser's job only a superuser.");
}

Job managed_job(const std::string& name) {
    std::optional<Job> job = find_job(name);
    if (!job)
        throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "job \"{}\" does not exist", name)
            .hint("The view steward.jobs shows the jobs of this database.");
    check_may_manage(*job);
    return *job;
}

std::int64_t store_job(const Job& job, bool is_rescheduled) {
    pg::AsExtensionOwner as_extension;
    if (job.id == 0) {
        check_room(1);
        settle_home();
    }
    return write(job, is_rescheduled);
}

void drop_job(const Job& job) {
    pg::AsExtensionOwner as_extension;
    pg::execute("DELETE FROM steward.job_definitions WHERE job_id = $1", {job.id});
}

void warn_when_idle(const std::vector<std::string>& names) {
    if (names.empty()) return;
    bool is_template = false;
    bool is_here = true;
    {
        pg::AsExtensionOwner as_extension;
        is_template =
            pg::query("SELECT datistemplate FROM pg_database WHERE datname = current_database()").at(0).truth(0);
        is_here = find_job(names.front())->is_here;
    }
    const char* why = nullptr;
    const char* hint = nullptr;
    if (!has_shared()) {
        why = "pg_steward is not in shared_preload_libraries";
        hint = "Add it there and restart the server; steward.doctor() shows the line.";
    } else if (is_template) {
        why = "the jobs of template databases do not run";
        hint = "Schedule it in another database, or make this one no template.";
    } else if (!is_here) {
        why = "this database was restored or copied, and its jobs are paused";
        hint = "SELECT steward.resume_jobs() lets them run here.";
    } else {
        return;
    }
    std::string jobs =
        names.size() == 1 ? fmt::format("job \"{}\"", names.front()) : fmt::format("{} jobs", names.size());
    const char* what = jobs.c_str();
    pg::call([&] {
        ereport(WARNING,
                (errcode(ERRCODE_WARNING), errmsg_internal("%s will not run: %s", what, why), errhint("%s", hint)));
    });
}

}  // namespace steward::schedule
