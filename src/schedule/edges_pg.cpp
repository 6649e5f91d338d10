// SPDX-License-Identifier: PostgreSQL
//
// after, on_success and on_failure: which job follows which.
#include <algorithm>
#include <map>
#include <set>

#include "base/array.hpp"
#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "schedule/store_pg.hpp"

namespace steward::schedule {

namespace {

constexpr const char* kEdgeKeys[] = {"after", "on_success", "on_failure"};

using Edges = std::map<std::string, std::vector<std::string>>;  // a job: those it comes after

Edges read_edges() {
    pg::AsExtensionOwner as_extension;
    Edges edges;
    for (const pg::Row& row : pg::query("SELECT d.name, e.name FROM steward.job_definitions d CROSS JOIN LATERAL "
                                        "unnest(d.after || d.on_success || d.on_failure) e(name) ORDER BY 1, 2"))
        edges[row.text(0)].push_back(row.text(1));
    return edges;
}

[[noreturn]] void no_such_job(const std::string& job, const std::string& key, const std::string& before) {
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for option \"{}\": job \"{}\" does not exist",
                      key, before)
        .detail("Job \"{}\" would run after it.", job)
        .hint("Schedule that job first.");
}

void check_exist(const std::vector<std::string>& jobs) {
    pg::AsExtensionOwner as_extension;
    auto rows =
        pg::query("SELECT d.name, e.key, e.name FROM steward.job_definitions d CROSS JOIN LATERAL (SELECT 'after', "
                  "unnest(d.after) UNION ALL SELECT 'on_success', unnest(d.on_success) UNION ALL SELECT "
                  "'on_failure', unnest(d.on_failure)) e(key, name) WHERE NOT EXISTS (SELECT FROM "
                  "steward.job_definitions o WHERE o.name = e.name) AND d.name = ANY ($1::text[]) ORDER BY 1, 2, 3 "
                  "LIMIT 1",
                  {base::array_literal(jobs)});
    if (!rows.empty()) no_such_job(rows[0].text(0), rows[0].text(1), rows[0].text(2));
}

// Depth first without recursion: chains may be as long as there are jobs.
class CycleSearch {
public:
    explicit CycleSearch(const Edges& edges) : edges_(edges) {}

    // The jobs of a circle, the first again at the end; empty when there is none.
    std::vector<std::string> run() {
        for (const auto& [job, before] : edges_) {
            std::vector<std::string> circle = from(job);
            if (!circle.empty()) return circle;
        }
        return {};
    }

private:
    struct Step {
        std::string job;
        std::size_t next = 0;
    };

    std::vector<std::string> from(const std::string& job) {
        std::vector<Step> path;
        enter(path, job);
        while (!path.empty()) {
            auto found = edges_.find(path.back().job);
            if (found == edges_.end() || path.back().next == found->second.size()) {
                on_path_.erase(path.back().job);
                path.pop_back();
                continue;
            }
            const std::string& before = found->second[path.back().next++];
            if (on_path_.count(before) != 0) return circle_of(path, before);
            enter(path, before);
        }
        return {};
    }

    void enter(std::vector<Step>& path, const std::string& job) {
        if (!seen_.insert(job).second) return;
        on_path_.insert(job);
        path.push_back({job});
    }

    static std::vector<std::string> circle_of(const std::vector<Step>& path, const std::string& first) {
        auto begin = std::find_if(path.begin(), path.end(), [&](const Step& step) { return step.job == first; });
        std::vector<std::string> circle;
        for (auto step = begin; step != path.end(); ++step) circle.push_back(step->job);
        circle.push_back(first);
        return circle;
    }

    const Edges& edges_;
    std::set<std::string> seen_;
    std::set<std::string> on_path_;
};

void check_circles(const Edges& edges) {
    std::vector<std::string> circle = CycleSearch(edges).run();
    if (circle.empty()) return;
    std::string shown;
    for (const std::string& job : circle) shown += (shown.empty() ? "" : " after ") + base::quote_identifier(job);
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "jobs would run after each other in a circle: {}", shown)
        .hint("Leave out one of these edges: options after, on_success and on_failure.");
}

}  // namespace

void check_edges(const std::vector<std::string>& jobs) {
    check_exist(jobs);
    check_circles(read_edges());
}

void check_edges_among(const std::map<std::string, Job>& jobs, const std::set<std::string>& changed) {
    Edges edges;
    for (const auto& [name, job] : jobs) {
        for (const char* key : kEdgeKeys) {
            const pg::Cell& before = policy_of(job.policies, key);
            if (!before) continue;
            for (std::string& other : base::array_items(*before)) {
                if (changed.count(name) != 0 && jobs.count(other) == 0) no_such_job(name, key, other);
                edges[name].push_back(std::move(other));
            }
        }
    }
    check_circles(edges);
}

std::vector<std::string> followers_among(const std::map<std::string, Job>& jobs, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& entry : jobs) {
        bool follows = std::any_of(std::begin(kEdgeKeys), std::end(kEdgeKeys), [&](const char* key) {
            const pg::Cell& before = policy_of(entry.second.policies, key);
            if (!before) return false;
            std::vector<std::string> others = base::array_items(*before);
            return std::find(others.begin(), others.end(), name) != others.end();
        });
        if (follows) names.push_back(entry.first);
    }
    return names;
}

std::vector<std::string> followers(const std::string& name) {
    pg::AsExtensionOwner as_extension;
    std::vector<std::string> names;
    for (const pg::Row& row :
         pg::query("SELECT name FROM steward.job_definitions WHERE $1 = ANY (after || on_success || "
                   "on_failure) ORDER BY name COLLATE \"C\"",
                   {name}))
        names.push_back(row.text(0));
    return names;
}

void rename_in_edges(const std::string& from, const std::string& to) {
    pg::AsExtensionOwner as_extension;
    pg::execute("UPDATE steward.job_definitions SET after = array_replace(after, $1, $2), on_success = "
                "array_replace(on_success, $1, $2), on_failure = array_replace(on_failure, $1, $2) WHERE $1 = ANY "
                "(after || on_success || on_failure)",
                {from, to});
}

}  // namespace steward::schedule
