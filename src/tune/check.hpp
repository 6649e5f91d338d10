// SPDX-License-Identifier: PostgreSQL
//
// Judges a configuration, whoever made it: what loses data, what stops the server, what costs more than it gains. Independent
// of the formulas, except that what they recommend passes without a warning.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tune/plan.hpp"

namespace steward::tune {

enum class Verdict { error, warning, info };

std::string_view name_of(Verdict verdict);

struct Finding {
    std::string parameter;
    Verdict verdict = Verdict::info;
    std::string detail;
    std::string remedy;
    bool stops_start = false;  // an error: with it the server does not start
};

struct FileError {
    std::string place;  // file and line
    std::string parameter;
    std::string message;
};

// Of a role or a database: ALTER ROLE ... SET.
struct Override {
    std::string of;
    std::string parameter;
    std::string value;
};

// A server of the cluster, this one included, as far as it could be asked.
struct Node {
    std::string name;
    bool is_self = false;
    bool is_standby = false;
    std::optional<std::string> problem;  // why its settings are unknown
    std::map<std::string, std::string> settings;
    std::vector<std::string> standbys;  // that stream from it, by application_name
};

// What is judged. Settings are outside of sessions, in the units of pg_settings.
struct Facts {
    std::map<std::string, Setting> settings;
    Machine machine;
    std::optional<std::int64_t> wal_disk_free_bytes;
    std::optional<Evidence> evidence;
    std::vector<std::string> pending_restart;
    std::vector<std::string> hidden;  // of a file, behind those of ALTER SYSTEM
    std::vector<FileError> file_errors;
    std::vector<Override> overrides;
    int slots = 0;
    int logical_slots = 0;  // of them
    int replicas = 0;
    int synchronous_standbys = 0;  // that are there
    bool is_standby = false;
    std::vector<Node> nodes;
    int prepared_transactions = 0;
    int old_prepared_transactions = 0;  // older than an hour
};

// Errors first.
std::vector<Finding> check(const Facts& facts);

// The errors of parameters that had none before.
std::vector<Finding> new_errors(const Facts& before, const Facts& after);

// The rules while they run, for the files that hold them.
class Findings {
public:
    explicit Findings(const Facts& from) : facts(from) {}

    const Facts& facts;

    bool has(const char* name) const { return facts.settings.count(name) > 0; }
    const std::string& text(const char* name) const;
    bool is(const char* name, std::string_view value) const { return has(name) && text(name) == value; }
    double amount(const char* name) const;  // bytes, milliseconds or a number; 0 where there is none
    std::string shown_value(const char* name) const;
    double reserved_connections() const;

    void error(std::string parameter, std::string detail, std::string remedy);
    void stop(std::string parameter, const std::string& detail, std::string remedy);
    void warn(std::string parameter, std::string detail, std::string remedy);
    void inform(std::string parameter, std::string detail, std::string remedy);

    std::vector<Finding> done() &&;

private:
    std::vector<Finding> found_;
};

void check_start(Findings& found);
void check_words(Findings& found);
void check_memory(Findings& found);
void check_wal(Findings& found);
void check_replication(Findings& found);
void check_planner(Findings& found);
void check_vacuum(Findings& found);
void check_files(Findings& found);
void check_nodes(Findings& found);

}  // namespace steward::tune
