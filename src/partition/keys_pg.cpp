// SPDX-License-Identifier: PostgreSQL
//
// Positions as SQL: literals by the set's codec or the user's functions, FROM ... TO clauses, and where "now" is.
#include "base/text.hpp"
#include "partition/relation_pg.hpp"
#include "partition/plan_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "pg/zone.hpp"

namespace steward::partition {

std::optional<Position> largest_key(const KnownSet& known) {
    const PartitionSet& set = known.set;
    for (auto it = set.partitions.rbegin(); it != set.partitions.rend(); ++it) {
        std::string sql =
            fmt::format("SELECT pg_catalog.max({})::text FROM {}", set.key.first, relation_name(it->id).qualified());
        auto rows = pg::query(sql);
        if (rows.empty() || rows[0].is_null(0)) continue;
        return pg::value_or_throw(decode(known.policy.codec, rows[0].text(0))).position;
    }
    return std::nullopt;
}

std::optional<Position> current_position(const KnownSet& known, base::Instant now) {
    if (!known.policy.step) return std::nullopt;
    switch (known.policy.codec.axis()) {
    case Axis::instant: return now.micros;
    case Axis::wall_clock: return base::to_local(now, known.zone()).micros;
    case Axis::number: break;
    }
    if (auto largest = largest_key(known)) return largest;
    return known.policy.start.value_or(known.policy.origin);
}

std::string key_literal(const KnownSet& known, Position position) {
    if (known.policy.codec.kind != CodecKind::functions)
        return base::quote_literal(pg::value_or_throw(encode(known.policy.codec, position, known.zone())));
    base::Instant at{static_cast<std::int64_t>(position)};
    auto rows = pg::query(fmt::format("SELECT {}($1)::text", known.policy.encode_function),
                          {pg::Parameter::timestamptz(pg::to_server(at))});
    if (rows.empty() || rows[0].is_null(0))
        throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "encode function {} of \"{}\" returned null",
                          known.policy.encode_function, known.set.qualified())
            .detail("It was called with {}.", base::format_instant(at, known.zone()));
    return base::quote_literal(rows[0].text(0));
}

void read_bounds(KnownSet& known) {
    if (!known.set.undecoded) return;
    const base::Failure& failure = *known.set.undecoded;
    if (known.policy.codec.kind != CodecKind::functions)
        throw pg::error_from({failure.sqlstate, fmt::format("\"{}\": {}", known.set.qualified(), failure.message),
                              failure.detail,
                              "Register the table with the codec of its key, or detach that partition."});
    std::string values;
    std::vector<Bound*> bounds;
    for (Partition& partition : known.set.partitions) {
        for (Bound* bound : {&partition.range.lower, &partition.range.upper}) {
            if (bound->unread.empty()) continue;
            values += fmt::format("{}({}, {}::text)", values.empty() ? "" : ", ", bounds.size(),
                                  base::quote_literal(bound->unread));
            bounds.push_back(bound);
        }
    }
    auto rows =
        pg::query(fmt::format("SELECT (date_part('epoch', {}(v.key)) * 1000000)::bigint, v.key FROM (VALUES {}) "
                              "v(n, key) ORDER BY v.n",
                              known.policy.decode_function, values));
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        if (rows.at(i).is_null(0))
            throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "decode function {} of \"{}\" returned null",
                              known.policy.decode_function, known.set.qualified())
                .detail("It was called with {}.", base::quote_literal(rows.at(i).text(1)));
        bounds[i]->position = rows.at(i).number(0);
    }
    known.set.undecoded.reset();
}

std::string range_clause(const KnownSet& known, const Range& range) {
    auto side = [&](const Bound& bound) {
        if (!bound.literal.empty()) return bound.literal;
        if (bound.kind == Bound::Kind::minvalue) return std::string("MINVALUE");
        if (bound.kind == Bound::Kind::maxvalue) return std::string("MAXVALUE");
        std::string literal = key_literal(known, bound.position);
        for (int column = 1; column < known.set.key.columns; ++column) literal += ", MINVALUE";
        return literal;
    };
    return fmt::format("FROM ({}) TO ({})", side(range.lower), side(range.upper));
}

}  // namespace steward::partition
