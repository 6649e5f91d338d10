// SPDX-License-Identifier: PostgreSQL
//
// steward.manage_partitions() and steward.unmanage_partitions(): a policy read from a user's words, checked, and stored.
#include <algorithm>

#include "base/text.hpp"
#include "partition/catalog_pg.hpp"
#include "partition/relation_pg.hpp"
#include "partition/demand_pg.hpp"
#include "partition/options_pg.hpp"
#include "partition/plan_pg.hpp"
#include "partition/store_policy_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

namespace {

bool is_plain_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789.-+ ") == std::string::npos;
}

base::Interval interval_with_unit(const std::string& text, const char* what) {
    if (is_plain_number(text))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "{} \"{}\" has no unit", what, text)
            .hint("Write '{} days', '{} mons' or another interval.", text, text);
    if (auto word = interval_from_word(text)) return *word;
    try {
        return pg::parse_interval(text);
    } catch (const pg::PgError& error) {
        pg::ErrorReport report = error.report();
        if (report.hint.empty())
            report.hint =
                "Write an interval such as '1 day', or one of hourly, daily, weekly, monthly, quarterly, yearly, "
                "decade, century.";
        throw pg::PgError(report);
    }
}

void apply_step(Policy& policy, const std::string& text) {
    if (policy.codec.axis() == Axis::number) {
        if (policy.codec.kind == CodecKind::numeric)
            policy.codec.scale = std::max(policy.codec.scale, base::decimal_scale(text));
        policy.step = pg::value_or_throw(base::parse_decimal(text, policy.codec.scale));
    } else {
        policy.step = interval_with_unit(text, "interval");
    }
    if (auto failure = check_step(*policy.step)) throw pg::error_from(*failure);
}

void apply_keep(Policy& policy, const std::string& text) {
    if (policy.codec.axis() == Axis::number) {
        policy.keep_width = pg::value_or_throw(base::parse_decimal(text, policy.codec.scale));
        if (*policy.keep_width < 0)
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "retention \"{}\" must not be negative", text);
        return;
    }
    base::Interval keep = interval_with_unit(text, "retention");
    if (keep.months < 0 || keep.days < 0 || keep.micros < 0)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "retention \"{}\" must not be negative", text);
    policy.keep = keep;
}

void apply_codec(Policy& policy, const PartitionSet& set, const std::string& name) {
    std::optional<CodecKind> kind = codec_from_name(name);
    if (!kind)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "unknown codec \"{}\"", name)
            .hint("Codecs are date, timestamp, timestamptz, integer, numeric, epoch_s, epoch_ms, epoch_us, epoch_ns, "
                  "uuidv7, ulid, "
                  "snowflake, objectid and functions.");
    std::optional<Codec> natural = natural_codec(set.key.type_id);
    bool is_number = natural && natural->axis() == Axis::number;
    bool needs_number = *kind == CodecKind::integer || *kind == CodecKind::numeric || *kind == CodecKind::snowflake ||
                        (*kind >= CodecKind::epoch_s && *kind <= CodecKind::epoch_ns);
    bool is_own = natural && natural->kind == *kind;
    bool is_textual = !natural || natural->kind == CodecKind::uuidv7;
    bool needs_text = *kind == CodecKind::ulid || *kind == CodecKind::objectid || *kind == CodecKind::functions ||
                      *kind == CodecKind::uuidv7;
    if (!is_own && !(needs_number && is_number) && !(needs_text && is_textual))
        throw pg::PgError(ERRCODE_DATATYPE_MISMATCH, "codec \"{}\" does not fit the key of \"{}\"", name,
                          set.qualified())
            .detail("The key is of type {}.", set.key.type);
    policy.codec.kind = *kind;
}

// Without a step nobody can say where a period begins.
void require_step(const Policy& policy, const PartitionSet& set) {
    if (policy.step || set.strategy != Strategy::range) return;
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "\"{}\" needs an interval or a width", set.qualified())
        .hint("For example: SELECT steward.manage_partitions({}, '{}').", base::quote_literal(set.qualified()),
              policy.codec.axis() == Axis::number ? "1000000" : "1 month");
}

struct Words {
    std::optional<std::string> step;
    std::optional<std::int32_t> future;
    std::optional<std::string> keep;
    std::optional<std::string> timezone;
    std::optional<std::string> codec;
    std::string options;
};

Policy policy_to_begin_with(const PartitionSet& set, const Words& words, base::Instant now) {
    if (auto stored = read_policy(set.id)) return *stored;
    Policy policy;
    policy.timezone = words.timezone.value_or(std::string(pg::session_zone().name()));
    if (set.codec) policy.codec = *set.codec;
    if (words.codec) apply_codec(policy, set, *words.codec);
    if (words.step || set.strategy != Strategy::range) return policy;
    Policy inferred = known_set(set.id, now).policy;
    if (words.codec && inferred.codec.kind != policy.codec.kind) return policy;
    if (words.timezone) inferred.timezone = *words.timezone;
    return inferred;
}

// The grid of a new step goes on from the existing bounds: it is laid through the newest one where that is possible.
void choose_origin(Policy& policy, const PartitionSet& set, bool has_origin) {
    if (has_origin || !policy.step) return;
    const base::Zone& zone = pg::zone(policy.timezone);
    policy.origin = default_origin(policy.codec.axis(), *policy.step, zone);
    if (set.strategy != Strategy::range || set.partitions.empty() || set.undecoded) return;
    const Bound& newest = set.partitions.back().range.upper;
    if (newest.kind != Bound::Kind::value || !newest.exact) return;
    if (Grid(policy.codec.axis(), *policy.step, policy.origin, zone).is_on_grid(newest.position)) return;
    policy.origin = newest.position;
}

// Interval and retention are words about time; not every set has one.
void refuse_meaningless(const Policy& policy, const PartitionSet& set, const Words& words) {
    if (!words.step && !words.keep) return;
    if (set.strategy == Strategy::hash)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE,
                          "\"{}\" is partitioned by hash, which has neither interval nor retention", set.qualified())
            .hint("Say how many partitions it is to have: options => '{{\"modulus\": 8}}'.");
    if (set.strategy == Strategy::list && !words.step && !policy.step)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "\"{}\" has lists without an interval, which are never old",
                          set.qualified())
            .hint("Name the interval of its values as well, such as '1 day'.");
}

void require_modulus(Policy& policy, const PartitionSet& set) {
    if (set.strategy != Strategy::hash || policy.modulus != 0) return;
    if (set.partitions.empty())
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "\"{}\" has no partitions yet and needs a modulus",
                          set.qualified())
            .hint("Say how many partitions it is to have: options => '{{\"modulus\": 8}}'.");
    policy.modulus = set.partitions.front().modulus;
}

Policy policy_from_words(const PartitionSet& set, const Words& words, base::Instant now) {
    Policy policy = policy_to_begin_with(set, words, now);
    bool is_new = !policy.is_registered;
    refuse_meaningless(policy, set, words);
    if (words.codec) apply_codec(policy, set, *words.codec);
    bool has_steps = words.step || (set.strategy == Strategy::range && set.partitions.empty());
    if (set.strategy != Strategy::hash && has_steps && !set.codec && !words.codec && is_new)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "\"{}\" needs a codec", set.qualified())
            .detail("Its key is of type {}, which has no natural order in time.", set.key.type)
            .hint("Name one: codec => 'ulid', 'objectid', or 'functions' with options encode and decode.");
    if (words.timezone) policy.timezone = std::string(pg::zone(*words.timezone).name());
    if (words.future) policy.future = *words.future;
    if (words.step) apply_step(policy, *words.step);
    if (words.keep) apply_keep(policy, *words.keep);
    bool has_origin = apply_options(policy, set, words.options);
    require_step(policy, set);
    require_modulus(policy, set);
    if (is_new || words.step || words.timezone) choose_origin(policy, set, has_origin);
    return policy;
}

void check_policy(const Policy& policy) {
    if (policy.future < kMinFuture || policy.future > kMaxPeriods)
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "future must be between {} and {}, not {}", kMinFuture,
                          kMaxPeriods, policy.future);
    if (policy.codec.kind == CodecKind::functions && (policy.encode_function.empty() || policy.decode_function.empty()))
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "codec \"functions\" needs an encode and a decode function")
            .hint("options => '{{\"encode\": \"my_encode\", \"decode\": \"my_decode\"}}': my_encode(timestamptz) "
                  "returns text, "
                  "my_decode(text) returns timestamptz.");
}

Words read_words(FunctionCallInfo fcinfo) {
    Words words;
    words.step = pg::optional_text_argument(fcinfo, 1);
    words.future = pg::optional_int_argument(fcinfo, 2);
    words.keep = pg::optional_text_argument(fcinfo, 3);
    words.timezone = pg::optional_text_argument(fcinfo, 4);
    words.codec = pg::optional_text_argument(fcinfo, 5);
    if (!PG_ARGISNULL(6)) {
        char* json = pg::call([&] { return DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(6))); });
        words.options = json;
    }
    return words;
}

std::string described_keep(const Policy& policy) {
    if (policy.keep) return base::format_interval(*policy.keep);
    if (policy.keep_width) return base::format_decimal(*policy.keep_width, policy.codec.scale);
    return "";
}

Datum manage_partitions(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "parent must not be null");
    Oid parent = PG_GETARG_OID(0);
    pg::ResultSet rows(fcinfo);
    PartitionSet set = read_set(parent);
    check_owner(parent);
    base::Instant now = pg::now();
    Policy policy = policy_from_words(set, read_words(fcinfo), now);
    check_policy(policy);
    store_policy(parent, policy, set);

    KnownSet known = known_set(parent, now);
    Ask ask;
    ask.retention = false;
    ask.now = now;
    Plan plan = plan_set(known, ask);
    auto missing = std::count_if(plan.steps.begin(), plan.steps.end(),
                                 [](const PlanStep& step) { return step.action == Action::create; });
    std::string keep = described_keep(known.policy);
    rows.add({known.set.qualified(), stored_codec_name(known.policy, known.set),
              known.policy.step ? pg::Cell(format_step(*known.policy.step, known.policy.codec.scale)) : std::nullopt,
              known.policy.timezone, fmt::format("{}", known.policy.future),
              keep.empty() ? std::nullopt : pg::Cell(keep), fmt::format("{}", missing)});
    return rows.done();
}

Datum unmanage_partitions(FunctionCallInfo fcinfo) {
    Oid parent = PG_GETARG_OID(0);
    PartitionSet set = read_set(parent);
    check_owner(parent);
    unwatch(set);
    AsExtensionOwner as_extension;
    pg::execute("DELETE FROM steward.partition_pace WHERE parent = $1::oid", {pg::Parameter::oid(parent)});
    return BoolGetDatum(
        pg::execute("DELETE FROM steward.partition_policies WHERE parent = $1::oid", {pg::Parameter::oid(parent)}) > 0);
}

}  // namespace

}  // namespace steward::partition

STEWARD_FUNCTION(steward_manage_partitions) {
    return steward::pg::entry([&] { return steward::partition::manage_partitions(fcinfo); });
}

STEWARD_FUNCTION(steward_unmanage_partitions) {
    return steward::pg::entry([&] { return steward::partition::unmanage_partitions(fcinfo); });
}
