// SPDX-License-Identifier: PostgreSQL
#include "schedule/wire_pg.hpp"

#include <charconv>

#include "base/pack.hpp"
#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/zone.hpp"

namespace steward::schedule {

namespace {

constexpr std::size_t kColumns = 36;
constexpr std::size_t kLostFields = 13;

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::optional<std::int64_t> optional_number(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return number(text);
}

std::optional<base::Instant> instant(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return base::Instant{number(text)};
}

template <class T, class Convert>
std::vector<T> list(const std::string& text, Convert convert) {
    std::vector<T> values;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t comma = std::min(text.find(',', at), text.size());
        values.push_back(convert(text.substr(at, comma - at)));
        at = comma + 1;
    }
    return values;
}

}  // namespace

// Instants are microseconds since 1970, NULL where they are infinite; a column order that decode_definition() knows. A pause
// that is over is read too: what was due in it is not made up for.
const char kSelectDefinitions[] = R"(
SELECT 'job', d.job_id, d.name, d.role_oid, d.schedule, (extract(epoch FROM d.run_at) * 1000000)::bigint, d.timezone,
    (extract(epoch FROM d.anchor) * 1000000)::bigint, d.overlap, d.max_parallel, d.missed,
    (extract(epoch FROM d.missed_within) * 1000000)::bigint, d.retries, (extract(epoch FROM d.retry_delay) * 1000000)::bigint,
    array_to_string(d.retry_on, ','), d.priority, d.group_name, g.max_running,
    (SELECT string_agg(o.job_id::text, ',') FROM steward.job_definitions o WHERE o.name = ANY (d.after)),
    (SELECT string_agg(o.job_id::text, ',') FROM steward.job_definitions o WHERE o.name = ANY (d.on_success)),
    (SELECT string_agg(o.job_id::text, ',') FROM steward.job_definitions o WHERE o.name = ANY (d.on_failure)),
    d.run_on,
    CASE WHEN isfinite(d.valid_from) THEN (extract(epoch FROM d.valid_from) * 1000000)::bigint END,
    CASE WHEN isfinite(d.valid_until) THEN (extract(epoch FROM d.valid_until) * 1000000)::bigint END,
    (SELECT string_agg((x.day - DATE '1970-01-01')::text, ',' ORDER BY x.day) FROM unnest(d.exclude_dates) x (day)),
    d.is_paused OR a.is_all IS NOT NULL OR NOT h.is_here,
    CASE WHEN h.is_here THEN
        (extract(epoch FROM CASE WHEN d.is_paused AND a.is_all IS NOT NULL THEN
            CASE WHEN d.paused_until IS NOT NULL AND a.until IS NOT NULL THEN greatest(d.paused_until, a.until) END
            WHEN d.is_paused THEN d.paused_until ELSE a.until END) * 1000000)::bigint END,
    CASE WHEN h.is_here THEN coalesce(d.paused_reason, a.reason) ELSE 'came with a dump or a copy of another database' END,
    CASE WHEN r.oid IS NULL THEN format('role "%s" does not exist', d.role_name)
        WHEN NOT r.rolcanlogin THEN format('role "%s" is not permitted to log in', r.rolname)
        WHEN NOT has_database_privilege(r.oid, current_database(), 'CONNECT')
            THEN format('role "%s" may not connect to this database', r.rolname) END,
    (extract(epoch FROM p.handled_until) * 1000000)::bigint, (extract(epoch FROM p.last_due) * 1000000)::bigint,
    (extract(epoch FROM p.last_ended_at) * 1000000)::bigint, p.last_outcome, p.last_sqlstate, p.last_attempt, p.usual_ms
FROM steward.job_definitions d
JOIN steward.job_places h USING (job_id)
LEFT JOIN steward.job_progress p USING (job_id)
LEFT JOIN steward.job_groups g USING (group_name)
LEFT JOIN pg_roles r ON r.oid = h.role
LEFT JOIN steward.job_pause a ON true
ORDER BY d.job_id)";

std::string encode_definition(const pg::Row& row) {
    std::vector<std::string> fields;
    fields.reserve(kColumns);
    for (std::size_t i = 0; i < kColumns; ++i) fields.push_back(row.text(i));
    return base::pack(fields);
}

Definition decode_definition(Oid database, const std::vector<std::string>& fields) {
    std::size_t at = 1;  // behind the kind of the message
    auto next = [&]() -> const std::string& { return fields.at(at++); };
    Definition job;
    job.key = {database, number(next())};
    job.name = next();
    job.role = static_cast<std::uint32_t>(number(next()));
    const std::string& schedule = next();
    job.run_at = instant(next());
    const std::string& zone = next();
    job.anchor = {number(next())};
    job.overlap = overlap_of(next()).value_or(Overlap::skip);
    job.max_parallel = static_cast<int>(number(next()));
    job.missed = missed_of(next()).value_or(Missed::once);
    job.missed_within_micros = optional_number(next());
    job.retry.limit = static_cast<int>(number(next()));
    job.retry.delay_micros = number(next());
    auto same = [](const std::string& text) { return text; };
    job.retry.on = list<std::string>(next(), same);
    job.priority = static_cast<int>(number(next()));
    job.group = next();
    job.group_limit = static_cast<int>(number(next()));
    job.after = list<std::int64_t>(next(), number);
    job.on_success = list<std::int64_t>(next(), number);
    job.on_failure = list<std::int64_t>(next(), number);
    job.run_on = run_on_of(next()).value_or(RunOn::primary);
    job.valid_from = instant(next());
    job.valid_until = instant(next());
    job.excluded_days = list<std::int64_t>(next(), number);
    job.is_paused = next() == "t";
    job.paused_until = instant(next());
    job.paused_reason = next();
    job.broken = next();
    job.progress.handled_until = instant(next());
    job.progress.last_due = instant(next());
    job.progress.last_ended_at = instant(next());
    job.progress.last_outcome = outcome_of(next());
    job.progress.last_sqlstate = next();
    job.progress.last_attempt = static_cast<int>(number(next()));
    const std::string& usual = next();
    if (!usual.empty()) job.progress.usual_ms = std::strtod(usual.c_str(), nullptr);

    pg::ErrorReport error;
    if (!pg::capture(error, [&] {
            job.zone = &pg::zone(zone);
            if (!schedule.empty()) job.schedule = pg::value_or_throw(parse_schedule(schedule));
        })) {
        if (job.zone == nullptr) job.zone = &base::utc();
        job.schedule.reset();
        if (job.broken.empty()) job.broken = error.message;
    }
    return job;
}

std::string LoadRequest::encode() const {
    std::vector<std::string> fields{is_first ? "first" : "again", std::to_string(under_way.size())};
    for (RunId run : under_way) fields.push_back(std::to_string(run));
    for (const RunRecord& run : lost)
        fields.insert(fields.end(),
                      {std::to_string(run.run), std::to_string(run.job), std::to_string(run.role),
                       std::to_string(static_cast<int>(run.kind)), std::to_string(run.attempt), std::to_string(run.due),
                       std::to_string(run.started_at), std::to_string(run.ended_at), std::to_string(run.handled_until),
                       std::to_string(static_cast<int>(run.outcome)), std::to_string(run.pid), run.sqlstate,
                       run.message});
    return base::pack(fields);
}

LoadRequest LoadRequest::decode(const std::string& message) {
    std::vector<std::string> fields = base::unpack(message);
    LoadRequest request;
    request.is_first = fields.at(0) == "first";
    std::size_t at = 2;
    for (std::int64_t left = number(fields.at(1)); left > 0; --left)
        request.under_way.push_back(number(fields.at(at++)));
    for (; at + kLostFields <= fields.size(); at += kLostFields) {
        RunRecord run;
        run.run = number(fields[at]);
        run.job = number(fields[at + 1]);
        run.role = static_cast<Oid>(number(fields[at + 2]));
        run.kind = static_cast<Kind>(number(fields[at + 3]));
        run.attempt = static_cast<int>(number(fields[at + 4]));
        run.due = number(fields[at + 5]);
        run.started_at = number(fields[at + 6]);
        run.ended_at = number(fields[at + 7]);
        run.handled_until = number(fields[at + 8]);
        run.outcome = static_cast<Outcome>(number(fields[at + 9]));
        run.pid = static_cast<int>(number(fields[at + 10]));
        run.sqlstate = fields[at + 11];
        run.message = fields[at + 12];
        request.lost.push_back(std::move(run));
    }
    return request;
}

std::string LoadEnd::encode() const {
    std::vector<std::string> fields{kEndMessage, std::to_string(used.highest), std::to_string(used.lowest), refusal};
    for (RunId run : recorded) fields.push_back(std::to_string(run));
    return base::pack(fields);
}

LoadEnd LoadEnd::decode(const std::vector<std::string>& fields) {
    LoadEnd end;
    end.used = {number(fields.at(1)), number(fields.at(2))};
    end.refusal = fields.at(3);
    for (std::size_t i = 4; i < fields.size(); ++i) end.recorded.push_back(number(fields[i]));
    return end;
}

}  // namespace steward::schedule
