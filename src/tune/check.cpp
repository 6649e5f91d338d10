// SPDX-License-Identifier: PostgreSQL
#include "tune/check.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.hpp"

namespace steward::tune {

namespace {

constexpr std::string_view kVerdictWords[] = {"error", "warning", "info"};

// A word that is wrong wherever it stands.
struct Word {
    const char* parameter;
    const char* value;
    Verdict verdict;
    const char* detail;
    const char* remedy;
};

constexpr Word kWords[] = {
    {"fsync", "off", Verdict::error, "a crash of the machine destroys the cluster",
     "Set it to on; synchronous_commit = off is the safe way to be faster."},
    {"full_page_writes", "off", Verdict::error, "a page torn by a crash cannot be repaired",
     "Set it to on, unless the file system never tears a page of 8 kB."},
    {"autovacuum", "off", Verdict::error, "tables bloat, statistics grow old, and transaction ids run out",
     "Set it to on; a table can be exempted by itself."},
    {"track_counts", "off", Verdict::error, "autovacuum does nothing without it", "Set it to on."},
    {"zero_damaged_pages", "on", Verdict::error, "damaged pages are emptied without a word",
     "Set it to off but for a rescue."},
    {"ignore_checksum_failure", "on", Verdict::error, "damaged pages are read as if they were sound",
     "Set it to off but for a rescue."},
    {"ignore_system_indexes", "on", Verdict::warning, "every look into the catalogs reads a whole table",
     "Set it to off, and reindex the catalogs that are damaged."},
    {"data_sync_retry", "on", Verdict::warning,
     "after a failed write the kernel may have lost what the server tries to write again",
     "Set it to off, unless the kernel is known to keep it."},
    {"track_activities", "off", Verdict::warning, "nobody sees what sessions do", "Set it to on."},
    {"synchronous_commit", "off", Verdict::warning,
     "a crash loses the last transactions that were reported as committed",
     "Set it to on, and to off for those roles or transactions that can bear it."},
    {"password_encryption", "md5", Verdict::warning,
     "MD5 passwords can be guessed from what is stored, and versions to come do not take them",
     "Set it to scram-sha-256 and have passwords set anew."},
    {"log_statement", "all", Verdict::warning, "every statement is written to the log, passwords included",
     "Set it to none or ddl, and log_min_duration_statement to a threshold."},
    {"log_lock_waits", "off", Verdict::info, "who waits for a lock leaves no trace", "Set it to on."},
    {"log_checkpoints", "off", Verdict::info, "checkpoints leave no trace", "Set it to on."},
    {"data_checksums", "off", Verdict::info, "a page that the storage has damaged is not noticed",
     "pg_checksums --enable while the server is stopped."},
    {"enable_seqscan", "off", Verdict::warning, "plans without a sensible index become absurd",
     "Set it to on; tune what makes the planner choose it."},
    {"enable_indexscan", "off", Verdict::warning, "single rows are found by reading tables", "Set it to on."},
    {"enable_hashjoin", "off", Verdict::warning, "large joins are sorted or nested",
     "Set it to on; tune what makes the planner choose it."},
    {"enable_nestloop", "off", Verdict::warning, "small joins are hashed or sorted",
     "Set it to on; tune what makes the planner choose it."},
    {"enable_partition_pruning", "off", Verdict::warning, "every query reads all partitions", "Set it to on."},
};

}  // namespace

std::string_view name_of(Verdict verdict) { return kVerdictWords[static_cast<int>(verdict)]; }

const std::string& Findings::text(const char* name) const {
    static const std::string nothing;
    const auto known = facts.settings.find(name);
    return known == facts.settings.end() ? nothing : known->second.value;
}

double Findings::amount(const char* name) const {
    const auto known = facts.settings.find(name);
    return known == facts.settings.end() ? 0 : amount_of(known->second).value_or(0);
}

double Findings::reserved_connections() const {
    return amount("superuser_reserved_connections") + amount("reserved_connections");
}

std::string Findings::shown_value(const char* name) const {
    const auto known = facts.settings.find(name);
    return known == facts.settings.end() ? "" : shown(known->second);
}

void Findings::error(std::string parameter, std::string detail, std::string remedy) {
    found_.push_back({std::move(parameter), Verdict::error, std::move(detail), std::move(remedy)});
}
void Findings::stop(std::string parameter, const std::string& detail, std::string remedy) {
    error(std::move(parameter), detail + ": the server will not start", std::move(remedy));
    found_.back().stops_start = true;
}
void Findings::warn(std::string parameter, std::string detail, std::string remedy) {
    found_.push_back({std::move(parameter), Verdict::warning, std::move(detail), std::move(remedy)});
}
void Findings::inform(std::string parameter, std::string detail, std::string remedy) {
    found_.push_back({std::move(parameter), Verdict::info, std::move(detail), std::move(remedy)});
}

std::vector<Finding> Findings::done() && {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Finding& a, const Finding& b) { return a.verdict < b.verdict; });
    return std::move(found_);
}

std::vector<Finding> check(const Facts& facts) {
    Findings found(facts);
    check_files(found);
    check_start(found);
    check_words(found);
    check_memory(found);
    check_wal(found);
    check_replication(found);
    check_planner(found);
    check_vacuum(found);
    check_nodes(found);
    return std::move(found).done();
}

std::vector<Finding> new_errors(const Facts& before, const Facts& after) {
    std::set<std::string> known;
    for (const Finding& finding : check(before))
        if (finding.verdict == Verdict::error) known.insert(finding.parameter);
    std::vector<Finding> found;
    for (Finding& finding : check(after))
        if (finding.verdict == Verdict::error && known.count(finding.parameter) == 0)
            found.push_back(std::move(finding));
    return found;
}

void check_words(Findings& found) {
    for (const Word& word : kWords) {
        if (!found.is(word.parameter, word.value)) continue;
        const std::string detail = fmt::format("{} is {}: {}", word.parameter, word.value, word.detail);
        if (word.verdict == Verdict::error) found.error(word.parameter, detail, word.remedy);
        if (word.verdict == Verdict::warning) found.warn(word.parameter, detail, word.remedy);
        if (word.verdict == Verdict::info) found.inform(word.parameter, detail, word.remedy);
    }
}

// What the files say, and whether it is so.
void check_files(Findings& found) {
    for (const FileError& error : found.facts.file_errors)
        found.error(error.parameter, fmt::format("{}: {}", error.place, error.message),
                    "Mend the line and reload: until then the server keeps what it had.");
    for (const std::string& parameter : found.facts.pending_restart)
        found.warn(parameter, fmt::format("{} has been changed and waits for a restart", parameter),
                   "Restart the server, or take the change back.");
    for (const std::string& parameter : found.facts.hidden)
        found.inform(parameter, fmt::format("{} of ALTER SYSTEM hides what postgresql.conf says", parameter),
                     fmt::format("ALTER SYSTEM RESET {}; where the file is meant.", parameter));
}

}  // namespace steward::tune
