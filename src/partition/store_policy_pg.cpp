// SPDX-License-Identifier: PostgreSQL
#include "partition/store_policy_pg.hpp"

#include "base/text.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"

namespace steward::partition {

namespace {

const char* retire_word(Retire retire) {
    switch (retire) {
    case Retire::trash: return "trash";
    case Retire::keep: return "keep";
    case Retire::schema: return "schema";
    case Retire::tablespace: return "tablespace";
    case Retire::archive: return "archive";
    }
    return "trash";
}

std::optional<std::string> interval_text(const std::optional<base::Interval>& interval) {
    if (!interval) return std::nullopt;
    return base::format_interval(*interval);
}

std::string lists_json(const Policy& policy) {
    pg::SafePath path;
    std::string json;
    for (const auto& [label, values] : policy.lists) {
        auto rows = pg::query("SELECT to_jsonb($1::text)::text", {label});
        std::string array;
        for (const std::string& value : values)
            array += (array.empty() ? "" : ", ") + pg::query("SELECT to_jsonb($1::text)::text", {value}).at(0).text(0);
        json += fmt::format("{}{}: [{}]", json.empty() ? "" : ", ", rows.at(0).text(0), array);
    }
    return "{" + json + "}";
}

// One column of steward.partition_policies.
struct Field {
    const char* column;
    const char* cast;
    std::optional<std::string> value;
};

std::vector<Field> fields_of(const Policy& policy, const PartitionSet& set) {
    bool is_number = policy.codec.axis() == Axis::number;
    auto on_time = [&](const std::optional<Position>& at) -> std::optional<std::string> {
        if (is_number || !at) return std::nullopt;
        return base::format_instant({static_cast<std::int64_t>(*at)}, base::utc());
    };
    auto on_numbers = [&](const std::optional<Position>& at) -> std::optional<std::string> {
        if (!is_number || !at) return std::nullopt;
        return base::format_decimal(*at, policy.codec.scale);
    };
    std::optional<std::string> step, width;
    if (policy.step && is_number) width = on_numbers(std::get<Position>(*policy.step));
    if (policy.step && !is_number) step = base::format_interval(std::get<base::Interval>(*policy.step));
    std::optional<std::string> snowflake;
    if (policy.codec.kind == CodecKind::snowflake)
        snowflake = base::format_instant({policy.codec.epoch_ms * 1000}, base::utc());
    return {
        {"codec", "text", stored_codec_name(policy, set)},
        {"step", "interval", step},
        {"width", "numeric", width},
        {"origin", "timestamptz", on_time(policy.origin)},
        {"origin_number", "numeric", on_numbers(policy.origin)},
        {"timezone", "text", policy.timezone},
        {"future", "integer", fmt::format("{}", policy.future)},
        {"max_ahead", "interval", interval_text(policy.max_ahead)},
        {"keep", "interval", interval_text(policy.keep)},
        {"keep_width", "numeric", on_numbers(policy.keep_width)},
        {"start", "timestamptz", on_time(policy.start)},
        {"start_number", "numeric", on_numbers(policy.start)},
        {"retire", "text", retire_word(policy.retire)},
        {"grace", "interval", base::format_interval(policy.grace)},
        {"retire_to", "text", base::unless_empty(policy.retire_to)},
        {"max_drop_percent", "double precision", fmt::format("{}", policy.max_drop_percent)},
        {"template", "oid",
         policy.template_id == 0 ? std::nullopt : std::optional(fmt::format("{}", policy.template_id))},
        {"partition_schema", "text", base::unless_empty(policy.partition_schema)},
        {"name_prefix", "text", base::unless_empty(policy.name_prefix)},
        {"subpartition_by", "text", base::unless_empty(policy.subpartition_by)},
        {"subpartitions", "integer", fmt::format("{}", policy.subpartitions)},
        {"lists", "jsonb", policy.lists.empty() ? std::nullopt : std::optional(lists_json(policy))},
        {"modulus", "integer", fmt::format("{}", policy.modulus)},
        {"snowflake_epoch", "timestamptz", snowflake},
        {"encode_function", "text", base::unless_empty(policy.encode_function)},
        {"decode_function", "text", base::unless_empty(policy.decode_function)},
        {"before_create", "text", base::unless_empty(policy.before_create)},
        {"after_create", "text", base::unless_empty(policy.after_create)},
        {"before_drop", "text", base::unless_empty(policy.before_drop)},
        {"after_drop", "text", base::unless_empty(policy.after_drop)},
        {"on_demand", "boolean", policy.on_demand ? "true" : "false"},
    };
}

}  // namespace

std::string stored_codec_name(const Policy& policy, const PartitionSet& set) {
    if (set.strategy == Strategy::hash) return "hash";
    if (set.strategy == Strategy::list && !policy.step) return "list";
    return std::string(codec_name(policy.codec.kind));
}

void store_policy(Oid parent, const Policy& policy, const PartitionSet& set) {
    std::vector<Field> fields = fields_of(policy, set);
    std::string columns = "parent", values = "$1::oid", updates;
    std::vector<pg::Parameter> parameters{pg::Parameter::oid(parent)};
    for (const Field& field : fields) {
        parameters.emplace_back(field.value);
        columns += fmt::format(", {}", field.column);
        values += fmt::format(", ${}::{}", parameters.size(), field.cast);
        updates += fmt::format("{}{} = excluded.{}", updates.empty() ? "" : ", ", field.column, field.column);
    }
    parameters.push_back(pg::Parameter::oid(GetUserId()));
    std::string sql =
        fmt::format("INSERT INTO steward.partition_policies ({}, registered_by) VALUES ({}, pg_get_userbyid(${}::oid)) "
                    "ON CONFLICT (parent) DO UPDATE SET {}",
                    columns, values, parameters.size(), updates);
    AsExtensionOwner as_extension;
    pg::execute(sql, parameters);
}

}  // namespace steward::partition
