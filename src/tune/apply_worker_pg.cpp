// SPDX-License-Identifier: PostgreSQL
//
// The worker of steward.apply_tuning() and steward.revert_tuning().
#include <algorithm>
#include <functional>

#include "base/pack.hpp"
#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/top_level.hpp"
#include "pg/transaction.hpp"
#include "pg/worker.hpp"
#include "tune/apply_pg.hpp"
#include "tune/check_pg.hpp"
#include "tune/output.hpp"
#include "tune/watch_pg.hpp"

namespace steward::tune {

namespace {

constexpr char kRowMessage[] = "row";
constexpr char kEndMessage[] = "end";
constexpr char kErrorMessage[] = "error";

// A row of the journal.
struct Change {
    std::int64_t id = 0;
    Applied row;
};

// What ALTER SYSTEM has written for a parameter; the last line of it counts.
constexpr char kWritten[] =
    "(SELECT f.setting FROM pg_file_settings f WHERE f.name = {} AND f.sourcefile LIKE '%/postgresql.auto.conf' "
    "ORDER BY f.seqno DESC LIMIT 1)";

// On this server's disk before anything is changed, whatever standbys do.
void in_transaction(const std::function<void()>& work) {
    auto failure = pg::attempt(pg::Bounded::transaction, [&] {
        pg::AsExtensionOwner as_extension;
        work();
        pg::set_for_transaction("synchronous_commit", "local");
    });
    if (failure) throw pg::PgError(std::move(*failure));
}

std::vector<Change> write_down(const Order& order) {
    std::vector<Change> changes;
    in_transaction([&] {
        pg::execute("LOCK TABLE steward.tuning_journal IN SHARE ROW EXCLUSIVE MODE");
        const auto batch =
            pg::query("SELECT coalesce(max(batch_id), 0) + 1 FROM steward.tuning_journal").at(0).number(0);
        for (const Order::Value& value : order.values) {
            const auto rows = pg::query(
                fmt::format("INSERT INTO steward.tuning_journal (batch_id, role_name, parameter, old_value, new_value) "
                            "SELECT $1, $2, $3, written, $4 FROM (SELECT {} AS written) w "
                            "WHERE written IS DISTINCT FROM $4 RETURNING change_id, old_value",
                            fmt::format(kWritten, "$3")),
                {batch, order.role, value.parameter, value.value});
            // It is set already, and waits for a restart.
            if (rows.empty()) continue;
            changes.push_back({rows.at(0).number(0),
                               {value.parameter, rows.at(0).optional(1), value.value, "intended", std::nullopt}});
        }
        if (order.watch_micros > 0 && !changes.empty()) begin_watch(batch, order.watch_micros, order.role);
    });
    return changes;
}

std::optional<pg::ErrorReport> alter_system(const std::string& parameter, const pg::Cell& value) {
    const std::string name = base::quote_identifier(parameter);
    return pg::run_top_level(value
                                 ? fmt::format("ALTER SYSTEM SET {} = {}", name, alter_system_value(parameter, *value))
                                 : fmt::format("ALTER SYSTEM RESET {}", name),
                             GetUserId());
}

void alter(Change& change, const pg::Cell& value, const char* outcome) {
    const auto failure = alter_system(change.row.parameter, value);
    change.row.outcome = failure ? "failed" : outcome;
    if (failure) change.row.detail = failure->message;
}

// What became of it, and the server reads its files again.
void write_outcomes(const std::vector<Change>& changes) {
    in_transaction([&] {
        for (const Change& change : changes)
            pg::execute("UPDATE steward.tuning_journal SET outcome = $2, detail = $3, ended_at = clock_timestamp() "
                        "WHERE change_id = $1",
                        {change.id, change.row.outcome, change.row.detail});
    });
    in_transaction([] { pg::query("SELECT pg_reload_conf()"); });
}

std::vector<Change> apply(const Order& order) {
    std::vector<Change> changes = write_down(order);
    for (Change& change : changes) alter(change, change.row.after, "applied");
    write_outcomes(changes);
    return changes;
}

// What is to be put back is not yet as it was, and nobody has set it otherwise since.
bool is_ours(const Applied& row, const pg::Cell& written) {
    return written && row.before && same_value(*written, *row.before);
}

// A server that would not start with what is put back, as with what somebody has set otherwise since, is left as it is.
void refuse_to_stop(const std::vector<Change>& changes, const std::vector<pg::Cell>& written) {
    Changes back;
    for (std::size_t i = 0; i < changes.size(); ++i)
        if (is_ours(changes[i].row, written[i])) back[changes[i].row.parameter] = changes[i].row.after;
    std::vector<Finding> errors = errors_of(back, Scope::server, std::nullopt);
    errors.erase(std::remove_if(errors.begin(), errors.end(), [](const Finding& error) { return !error.stops_start; }),
                 errors.end());
    refuse(errors);
}

// The batch, or the last that has something left to put back. What somebody else has set meanwhile stays.
std::vector<Change> revert(std::int64_t batch) {
    std::vector<Change> changes;
    std::vector<pg::Cell> written;
    in_transaction([&] {
        for (const pg::Row& row : pg::query(
                 fmt::format(
                     "SELECT j.change_id, j.parameter, j.old_value, j.new_value, {} FROM steward.tuning_journal j "
                     "WHERE j.outcome IN ('intended', 'applied') AND j.batch_id = coalesce(nullif($1, 0), "
                     "(SELECT max(batch_id) FROM steward.tuning_journal WHERE outcome IN ('intended', 'applied'))) "
                     "ORDER BY j.change_id",
                     fmt::format(kWritten, "j.parameter")),
                 {batch})) {
            changes.push_back({row.number(0), {row.text(1), row.optional(3), row.optional(2), "", std::nullopt}});
            written.push_back(row.optional(4));
        }
        if (!changes.empty()) refuse_to_stop(changes, written);
    });
    for (std::size_t i = 0; i < changes.size(); ++i) {
        Applied& row = changes[i].row;
        if (written[i] == row.after)
            row.outcome = "reverted";
        else if (is_ours(row, written[i]))
            alter(changes[i], row.after, "reverted");
        else {
            row.outcome = "kept";
            row.detail = "It has been set otherwise since.";
            row.after = written[i];
        }
    }
    if (!changes.empty()) write_outcomes(changes);
    return changes;
}

void serve(Datum argument) {
    pg::WorkerLink link(argument);
    pg::ErrorReport error;
    const bool done = pg::capture(error, [&] {
        const Order order = Order::decode(link.request());
        for (const Change& change : order.what == Order::What::apply ? apply(order) : revert(order.batch)) {
            const auto text = [](const pg::Cell& cell) { return cell ? "=" + *cell : std::string(); };
            const Applied& row = change.row;
            link.send(base::pack(
                {kRowMessage, row.parameter, text(row.before), text(row.after), row.outcome, text(row.detail)}));
        }
    });
    link.send(done ? base::pack({kEndMessage})
                   : base::pack({kErrorMessage, error.sqlstate(), error.message, error.detail, error.hint}));
}

}  // namespace

std::string Order::encode() const {
    std::vector<std::string> words = {what == What::apply ? "apply" : "revert", role, fmt::format("{}", watch_micros),
                                      fmt::format("{}", batch)};
    for (const Value& value : values) {
        words.push_back(value.parameter);
        words.push_back(value.value);
    }
    return base::pack(words);
}

Order Order::decode(const std::string& text) {
    const std::vector<std::string> words = base::unpack(text);
    Order order{words.at(0) == "apply" ? What::apply : What::revert,
                words.at(1),
                {},
                std::stoll(words.at(2)),
                std::stoll(words.at(3))};
    for (std::size_t i = 4; i + 1 < words.size(); i += 2) order.values.push_back({words[i], words[i + 1]});
    return order;
}

std::vector<Applied> carry_out(const Order& order) {
    pg::Helper helper("steward_tune_worker", "pg_steward tuning", order.encode(), {MyDatabaseId, InvalidOid});
    if (!helper.started())
        throw pg::PgError(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "no background worker is free to change settings")
            .hint("Raise max_worker_processes, or call again when fewer jobs run.");
    std::vector<Applied> rows;
    while (auto message = helper.receive()) {
        const std::vector<std::string> words = base::unpack(*message);
        const auto cell = [&](std::size_t i) {
            return words.at(i).empty() ? pg::Cell() : pg::Cell(words.at(i).substr(1));
        };
        if (words.at(0) == kEndMessage) return rows;
        if (words.at(0) == kErrorMessage) throw pg::error_from({words.at(1), words.at(2), words.at(3), words.at(4)});
        rows.push_back({words.at(1), cell(2), cell(3), words.at(4), cell(5)});
    }
    throw pg::PgError(ERRCODE_INTERNAL_ERROR, "the background worker that changes settings ended unexpectedly")
        .hint("The server log says why; steward.tuning_journal says what it was about to do, and "
              "steward.revert_tuning() puts it back.");
}

}  // namespace steward::tune

extern "C" PGDLLEXPORT void steward_tune_worker(Datum argument);

extern "C" void steward_tune_worker(Datum argument) {
    steward::pg::entry([&] { steward::tune::serve(argument); });
}
