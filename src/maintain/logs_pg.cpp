// SPDX-License-Identifier: PostgreSQL
//
// steward.clean_logs(): files of the server's log collector that have become old.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "maintain/log_name.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/zone.hpp"

namespace steward::maintain {

namespace {

class Directory {
public:
    explicit Directory(const std::string& path) : stream_(opendir(path.c_str())) {
        if (stream_ == nullptr && errno != ENOENT)
            throw pg::PgError(ERRCODE_IO_ERROR, "could not open directory \"{}\": {}", path, std::strerror(errno));
    }
    ~Directory() {
        if (stream_ != nullptr) closedir(stream_);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    std::vector<std::string> names() const {
        std::vector<std::string> names;
        while (stream_ != nullptr) {
            const dirent* entry = readdir(stream_);
            if (entry == nullptr) break;
            names.emplace_back(entry->d_name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    int fd() const { return dirfd(stream_); }

private:
    DIR* stream_;
};

struct OldLog {
    std::string name;
    std::int64_t bytes;
    base::Instant modified_at;
    bool is_link;
};

struct Logs {
    std::string directory;
    std::string pattern;
    std::set<std::string> current;  // names of the files the collector writes to, one a format
};

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Logs read_logs() {
    pg::AsExtensionOwner as_extension;
    const auto settings = pg::query("SELECT current_setting('log_directory'), current_setting('log_filename')");
    Logs logs{settings.at(0).text(0), settings.at(0).text(1), {}};
    if (logs.directory.empty() || logs.directory[0] != '/')
        logs.directory = std::string(DataDir) + "/" + logs.directory;
    const char* json = PG_VERSION_NUM >= 150000 ? ", ('jsonlog')" : "";
    for (const pg::Row& row : pg::query(fmt::format("SELECT pg_current_logfile(f) FROM (VALUES ('stderr'), "
                                                    "('csvlog'){}) v(f) WHERE pg_current_logfile(f) IS NOT NULL",
                                                    json)))
        logs.current.insert(last_part(row.text(0)));
    return logs;
}

std::vector<OldLog> old_logs(const Logs& logs, const Directory& directory, base::Instant before) {
    std::vector<OldLog> found;
    for (const std::string& name : directory.names()) {
        struct stat state {};
        if (!could_be_log(logs.pattern, name) || logs.current.count(name) > 0 ||
            fstatat(directory.fd(), name.c_str(), &state, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (!S_ISREG(state.st_mode) && !S_ISLNK(state.st_mode)) continue;
        const base::Instant modified_at{static_cast<std::int64_t>(state.st_mtime) * base::kMicrosPerSecond};
        if (modified_at < before) found.push_back({name, state.st_size, modified_at, S_ISLNK(state.st_mode)});
    }
    return found;
}

struct Outcome {
    const char* outcome;
    pg::Cell detail;
};

Outcome remove(const Directory& directory, const OldLog& log, bool is_dry_run) {
    if (log.is_link) return {"kept", "It is a symbolic link, which the server does not make."};
    if (is_dry_run) return {"to be removed", std::nullopt};
    if (unlinkat(directory.fd(), log.name.c_str(), 0) == 0) return {"removed", std::nullopt};
    return {"failed", std::string(std::strerror(errno))};
}

void warn(std::size_t failed, const std::string& directory, const std::string& reason) {
    const char* where = directory.c_str();
    const char* why = reason.c_str();
    pg::call([&] {
        ereport(WARNING, (errcode(ERRCODE_IO_ERROR),
                          errmsg("%zu old log files could not be removed from \"%s\": %s", failed, where, why)));
    });
}

Datum clean_logs(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
        throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "arguments of steward.clean_logs() must not be null");
    const Datum older_than = PG_GETARG_DATUM(0);
    const bool is_dry_run = PG_GETARG_BOOL(1);
    const base::Instant now = pg::now();
    const TimestampTz server_now = pg::to_server(now);
    const TimestampTz limit = pg::call([&] {
        return DatumGetTimestampTz(
            DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(server_now), older_than));
    });
    if (TIMESTAMP_NOT_FINITE(limit)) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "older_than must be finite");
    const base::Instant before = pg::from_server(limit);
    if (before > now) throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "older_than must not be less than 0");

    pg::ResultSet rows(fcinfo);
    if (PG_GETARG_BOOL(2) && !is_dry_run) pg::query("SELECT pg_catalog.pg_rotate_logfile()");
    const Logs logs = read_logs();
    const Directory directory(logs.directory);
    std::size_t failed = 0;
    std::string reason;
    for (const OldLog& log : old_logs(logs, directory, before)) {
        pg::check_interrupts();
        const Outcome outcome = remove(directory, log, is_dry_run);
        if (outcome.outcome == std::string_view("failed") && failed++ == 0) reason = *outcome.detail;
        rows.add({log.name, fmt::format("{}", log.bytes), base::format_instant(log.modified_at, base::utc()),
                  std::string(outcome.outcome), outcome.detail});
    }
    if (failed > 0) warn(failed, logs.directory, reason);
    return rows.done();
}

}  // namespace

}  // namespace steward::maintain

STEWARD_FUNCTION(steward_clean_logs) {
    return steward::pg::entry([&] { return steward::maintain::clean_logs(fcinfo); });
}
