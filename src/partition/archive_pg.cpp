// SPDX-License-Identifier: PostgreSQL
#include "partition/archive_pg.hpp"

#include "base/text.hpp"
#include "pg/file.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

namespace {

std::string manifest_of(const PlanStep& step, std::int64_t rows, const pg::FileDigest& digest) {
    auto result = pg::query(
        "SELECT jsonb_pretty(jsonb_build_object('table', $1::text, 'bounds', $2::text, 'columns', "
        "(SELECT jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, atttypmod)) ORDER BY "
        "attnum) "
        " FROM pg_attribute WHERE attrelid = $3 AND attnum > 0 AND NOT attisdropped AND attgenerated = ''), "
        "'rows', $4::bigint, 'bytes', $5::bigint, 'sha256', $6::text, 'format', 'copy text', "
        "'encoding', current_setting('server_encoding'), 'server_version', current_setting('server_version'), "
        "'archived_at', clock_timestamp()))",
        {step.object, step.bounds, pg::Parameter::oid(step.partition_id), rows, digest.bytes, digest.sha256});
    return result.at(0).text(0) + "\n";
}

}  // namespace

namespace {

std::string copy_sql(const std::string& table, const std::string& path) {
    return fmt::format("COPY {} TO {}", table, base::quote_literal(path));
}

std::string drop_sql(const std::string& table) { return fmt::format("DROP TABLE {}", table); }

}  // namespace

std::string archive_sql(const std::string& table, const std::string& path) {
    return copy_sql(table, path) + "; " + drop_sql(table);
}

void archive(const PlanStep& step) {
    if (pg::file_exists(step.archive_path + ".manifest"))
        throw pg::PgError(ERRCODE_DUPLICATE_FILE, "archive \"{}\" exists already", step.archive_path)
            .hint("Move it away; an archive is never overwritten.");
    // Nobody writes between the copy, its check and the drop: the lock lasts to the end of this transaction.
    pg::execute(fmt::format("LOCK TABLE {} IN EXCLUSIVE MODE", step.object));
    auto copied = static_cast<std::int64_t>(pg::execute(copy_sql(step.object, step.archive_path)));
    pg::FileDigest digest = pg::digest_file(step.archive_path);
    std::int64_t rows = pg::query(fmt::format("SELECT count(*) FROM {}", step.object)).at(0).number(0);
    if (copied != rows || digest.lines != rows)
        throw pg::PgError(ERRCODE_DATA_CORRUPTED, "archive \"{}\" does not hold what {} holds", step.archive_path,
                          step.object)
            .detail("The table has {} rows, COPY wrote {}, the file has {} lines.", rows, copied, digest.lines);
    pg::sync_file(step.archive_path);
    pg::write_file(step.archive_path + ".manifest", manifest_of(step, rows, digest));
    pg::execute(drop_sql(step.object));
}

}  // namespace steward::partition
