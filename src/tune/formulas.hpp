// SPDX-License-Identifier: PostgreSQL
//
// The formulas, a function for each heading of the file that comes out. Where a number comes from stands in the row's reason.
#pragma once

#include <utility>

#include "tune/plan.hpp"

namespace steward::tune {

int autovacuum_workers_of(int cpus, int most_partitions);

// The rows while they are made.
class Rows {
public:
    explicit Rows(const Input& from);

    const Input& input;
    const MemoryPlan memory;

    bool has(Profile profile) const { return input.workload.profile == profile; }
    bool from(int version) const { return input.build.version >= version; }
    bool has_replicas() const { return input.workload.replicas > 0; }
    bool is_spinning() const { return input.machine.disk == Disk::hdd; }

    void under(std::string_view group) { group_ = group; }
    void set(std::string parameter, std::string value, Severity severity, std::string reason);
    void set(std::string parameter, std::int64_t value, Severity severity, std::string reason);
    void add(Kind kind, std::string parameter, std::string value, std::string reason);

    std::vector<Row> done() && { return std::move(rows_); }

private:
    std::string_view group_;
    std::vector<Row> rows_;
};

void add_connections(Rows& rows);
void add_memory(Rows& rows);
void add_wal(Rows& rows);
void add_replication(Rows& rows);
void add_planner(Rows& rows);
void add_parallel(Rows& rows);
void add_vacuum(Rows& rows);
void add_monitoring(Rows& rows);
void add_surroundings(Rows& rows);

// As max_wal_size comes out, which slots are measured by too.
std::int64_t max_wal_size_of(const Input& input);

}  // namespace steward::tune
