// SPDX-License-Identifier: PostgreSQL
#include "partition/policy_pg.hpp"

#include "base/text.hpp"
#include "partition/catalog_pg.hpp"
#include "partition/infer.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

constexpr char kSelectPolicies[] = "SELECT parent::oid, codec, step, width, (date_part('epoch', origin) * "
                                   "1000000)::bigint, origin_number, timezone, future, "
                                   "max_ahead, keep, keep_width, (date_part('epoch', start) * 1000000)::bigint, "
                                   "start_number, retire, grace, retire_to, "
                                   "max_drop_percent, template::oid, partition_schema, name_prefix, subpartition_by, "
                                   "subpartitions, lists::text, modulus, "
                                   "(date_part('epoch', snowflake_epoch) * 1000)::bigint, encode_function, "
                                   "decode_function, before_create, after_create, "
                                   "before_drop, after_drop, on_demand FROM steward.partition_policies";

Retire retire_from(const std::string& word) {
    if (word == "keep") return Retire::keep;
    if (word == "schema") return Retire::schema;
    if (word == "tablespace") return Retire::tablespace;
    if (word == "archive") return Retire::archive;
    return Retire::trash;
}

std::optional<base::Interval> interval_at(const pg::Row& row, std::size_t column) {
    if (row.is_null(column)) return std::nullopt;
    return pg::parse_interval(row.text(column));
}

// Numbers of a policy are kept as numeric text; the codec's scale has to hold all of them.
int scale_of(const pg::Row& row) {
    int scale = 0;
    for (std::size_t column : {3, 5, 10, 12})
        if (!row.is_null(column)) scale = std::max(scale, base::decimal_scale(row.text(column)));
    return scale;
}

std::optional<Position> number_at(const pg::Row& row, std::size_t column, int scale) {
    if (row.is_null(column)) return std::nullopt;
    return pg::value_or_throw(base::parse_decimal(row.text(column), scale));
}

std::map<std::string, std::vector<std::string>> parse_lists(const std::string& lists) {
    std::map<std::string, std::vector<std::string>> result;
    for (const pg::Row& row :
         pg::query("SELECT l.key, v.value FROM jsonb_each($1::jsonb) l, jsonb_array_elements_text(l.value) "
                   "WITH ORDINALITY v(value, n) ORDER BY l.key, v.n",
                   {lists}))
        result[row.text(0)].push_back(row.text(1));
    return result;
}

void read_time_fields(Policy& policy, const pg::Row& row) {
    policy.step = interval_at(row, 2) ? std::optional<Step>(*interval_at(row, 2)) : std::nullopt;
    if (!row.is_null(4)) policy.origin = row.number(4);
    policy.max_ahead = interval_at(row, 8);
    policy.keep = interval_at(row, 9);
    if (!row.is_null(11)) policy.start = row.number(11);
}

void read_number_fields(Policy& policy, const pg::Row& row) {
    int scale = scale_of(row);
    if (policy.codec.kind == CodecKind::numeric) policy.codec.scale = scale;
    if (auto width = number_at(row, 3, scale)) policy.step = *width;
    policy.origin = number_at(row, 5, scale).value_or(0);
    policy.keep_width = number_at(row, 10, scale);
    policy.start = number_at(row, 12, scale);
}

Policy policy_from(const pg::Row& row) {
    Policy policy;
    policy.is_registered = true;
    if (auto kind = codec_from_name(row.text(1))) policy.codec.kind = *kind;
    if (!row.is_null(24)) policy.codec.epoch_ms = row.number(24);
    policy.timezone = row.text(6);
    policy.future = static_cast<int>(row.number(7));
    if (policy.codec.axis() == Axis::number)
        read_number_fields(policy, row);
    else
        read_time_fields(policy, row);
    policy.retire = retire_from(row.text(13));
    policy.grace = pg::parse_interval(row.text(14));
    policy.retire_to = row.text(15);
    policy.max_drop_percent = row.real(16);
    policy.template_id = row.oid(17);
    policy.partition_schema = row.text(18);
    policy.name_prefix = row.text(19);
    policy.subpartition_by = row.text(20);
    policy.subpartitions = static_cast<int>(row.number(21));
    if (!row.is_null(22)) policy.lists = parse_lists(row.text(22));
    policy.modulus = static_cast<int>(row.number(23));
    policy.encode_function = row.text(25);
    policy.decode_function = row.text(26);
    policy.before_create = row.text(27);
    policy.after_create = row.text(28);
    policy.before_drop = row.text(29);
    policy.after_drop = row.text(30);
    policy.on_demand = row.truth(31);
    return policy;
}

// The range of the key's own type, which the stored codec does not repeat.
void bound_by_type(Codec& codec, Oid key_type) {
    if (auto natural = natural_codec(key_type); natural && natural->kind == CodecKind::integer) {
        codec.min_number = natural->min_number;
        codec.max_number = natural->max_number;
    } else if (codec.kind >= CodecKind::epoch_s && codec.kind <= CodecKind::epoch_ns) {
        codec.min_number = INT64_MIN;
        codec.max_number = INT64_MAX;
    }
}

std::vector<Range> ranges_of(const PartitionSet& set) {
    std::vector<Range> ranges;
    ranges.reserve(set.partitions.size());
    for (const Partition& partition : set.partitions) ranges.push_back(partition.range);
    return ranges;
}

std::vector<const base::Zone*> candidate_zones() {
    const char* reset = pg::call([] { return GetConfigOptionResetString("TimeZone"); });
    std::vector<const base::Zone*> zones{&pg::session_zone()};
    if (reset != nullptr) zones.push_back(&pg::zone(reset));
    zones.push_back(&pg::zone("UTC"));
    return zones;
}

// Text keys say nothing by their type: the first codec that reads every bound is taken.
PartitionSet decode_by_trial(PartitionSet set) {
    for (CodecKind kind : {CodecKind::ulid, CodecKind::objectid}) {
        Codec codec;
        codec.kind = kind;
        PartitionSet trial = read_set(set.id, &codec);
        if (!trial.partitions.empty() && !trial.undecoded) return trial;
    }
    return set;
}

[[noreturn]] void cannot_infer(const PartitionSet& set, const std::string& why) {
    const char* words = set.strategy == Strategy::hash      ? "options => '{\"modulus\": 8}'"
                        : !set.codec                        ? "'1 month', codec => 'ulid'"
                        : set.codec->axis() == Axis::number ? "'1000000'"
                                                            : "'1 month'";
    throw pg::PgError(ERRCODE_INVALID_OBJECT_DEFINITION, "cannot infer how \"{}\" is to be partitioned",
                      set.qualified())
        .detail("{}", why)
        .hint("Say it: SELECT steward.manage_partitions({}, {}).", base::quote_literal(set.qualified()), words);
}

void infer_policy(KnownSet& known, base::Instant now) {
    PartitionSet& set = known.set;
    Policy& policy = known.policy;
    if (set.strategy == Strategy::hash) {
        if (set.partitions.empty()) cannot_infer(set, "It has no partitions yet, and no natural number of them.");
        policy.modulus = set.partitions.front().modulus;
    }
    if (set.strategy != Strategy::range) return;
    if (!set.codec) set = decode_by_trial(std::move(set));
    if (!set.codec)
        cannot_infer(set, fmt::format("The key is of type {}, which has no natural order in time.", set.key.type));
    if (set.undecoded) cannot_infer(set, set.undecoded->message + ".");
    policy.codec = *set.codec;
    std::vector<const base::Zone*> zones = candidate_zones();
    policy.timezone = std::string(zones.front()->name());
    if (set.partitions.empty()) {
        if (policy.codec.axis() == Axis::number)
            cannot_infer(set, "It has no partitions yet, and a number key has no natural width.");
        policy.step = base::Interval{1, 0, 0};
        policy.origin = default_origin(policy.codec.axis(), *policy.step, *zones.front());
        return;
    }
    Inference inferred = pg::value_or_throw(infer(policy.codec, ranges_of(set), zones, now, set.qualified()));
    policy.step = inferred.step;
    policy.origin = inferred.origin;
    if (inferred.zone != nullptr) policy.timezone = std::string(inferred.zone->name());
    if (inferred.codec != policy.codec.kind) {
        policy.codec.kind = inferred.codec;
        set = read_set(set.id, &policy.codec);
    }
}

}  // namespace

const base::Zone& KnownSet::zone() const { return pg::zone(policy.timezone); }

Grid KnownSet::grid() const { return Grid(policy.codec.axis(), policy.step.value(), policy.origin, zone()); }

std::vector<RegisteredSet> read_policies() {
    AsExtensionOwner as_extension;
    std::vector<RegisteredSet> sets;
    for (const pg::Row& row : pg::query(std::string(kSelectPolicies) + " ORDER BY parent::text"))
        sets.push_back({row.oid(0), policy_from(row)});
    return sets;
}

std::optional<Policy> read_policy(Oid parent) {
    AsExtensionOwner as_extension;
    auto rows = pg::query(std::string(kSelectPolicies) + " WHERE parent = $1::oid", {pg::Parameter::oid(parent)});
    if (rows.empty()) return std::nullopt;
    return policy_from(rows[0]);
}

KnownSet known_set(Oid parent, const Policy& registered) {
    KnownSet known{read_set(parent, &registered.codec), registered};
    if (known.set.strategy != Strategy::range) return known;
    bound_by_type(known.policy.codec, known.set.key.type_id);
    if (known.set.codec->scale > known.policy.codec.scale) {
        Position factor = 1;
        for (int i = known.policy.codec.scale; i < known.set.codec->scale; ++i) factor *= 10;
        Policy& policy = known.policy;
        if (policy.step && std::holds_alternative<Position>(*policy.step))
            policy.step = std::get<Position>(*policy.step) * factor;
        policy.origin *= factor;
        if (policy.keep_width) policy.keep_width = *policy.keep_width * factor;
        if (policy.start) policy.start = *policy.start * factor;
        policy.codec.scale = known.set.codec->scale;
    }
    return known;
}

KnownSet inferred_set(Oid parent, base::Instant now) {
    KnownSet known{read_set(parent), Policy{}};
    infer_policy(known, now);
    return known;
}

KnownSet known_set(Oid parent, base::Instant now) {
    if (auto registered = read_policy(parent)) return known_set(parent, *registered);
    return inferred_set(parent, now);
}

}  // namespace steward::partition
