// SPDX-License-Identifier: PostgreSQL
//
// What a caller of get_optimal_connection() or connection_candidates asks for, and the columns that both answer with.
#pragma once

#include <cstring>
#include <string>

#include "pg/datum_rows.hpp"
#include "route/board_pg.hpp"
#include "route/candidates.hpp"

extern "C" {
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
}

namespace steward::route {

// Which arguments they are.
struct RequestArguments {
    int max_staleness, min_lsn, zone;
};
// Before it is complete: see fault_of().
Request read_request(FunctionCallInfo fcinfo, RequestArguments at);
void refuse_faulty(const Request& request);

void require_board();

struct Moment {
    Steady steady;
    TimestampTz wall;
    TimestampTz of(Steady at) const { return wall + (at - steady); }
};

template <int columns>
struct NodeRow : pg::DatumRow<columns> {
    void put_text(const std::string& text) { pg::DatumRow<columns>::put_text(text.data(), text.size()); }
    void put_text(const char* text) { pg::DatumRow<columns>::put_text(text, std::strlen(text)); }
    void put_role(const BoardNode& node) {
        if (node.has_facts)
            put_text(node.is_standby ? "standby" : "primary");
        else
            this->put_null();
    }
    template <class Number>
    void put_optional(const std::optional<Number>& number) {
        if (number)
            this->put_number(static_cast<std::int64_t>(*number));
        else
            this->put_null();
    }
    void put_seconds(const std::optional<std::int64_t>& micros) {
        if (micros)
            this->put_real(static_cast<double>(*micros) / 1e6);
        else
            this->put_null();
    }
    void put_lag(const Lag& lag) {
        put_optional(lag.bytes);
        put_seconds(lag.micros);
        put_text(name_of(lag.kind));
    }
    void put_position(const BoardNode& node) {
        if (node.is_standby && node.replayed.is_valid())
            this->put(LSNGetDatum(node.replayed.value));
        else
            this->put_null();
        if (node.timeline != 0)
            this->put_number(node.timeline);
        else
            this->put_null();
    }
};

}  // namespace steward::route
