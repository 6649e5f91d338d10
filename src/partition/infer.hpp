// SPDX-License-Identifier: PostgreSQL
//
// What a table that nobody registered tells by its bounds: the step, its origin and the zone its bounds were meant in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "partition/bounds.hpp"

namespace steward::partition {

struct Inference {
    Step step;
    Position origin = 0;
    const base::Zone* zone = nullptr;  // one of the candidates
    CodecKind codec =
        CodecKind::timestamptz;  // an integer key whose widths are those of a calendar becomes an epoch codec
};

// `ranges` sorted, overlap-free. The newest partitions count more than old ones: of the step that the last few agree on,
// the largest calendar unit that explains them wins (28 to 31 days = 1 month; 23 to 25 hours in a zone = 1 day). Zones are
// tried in order (the set's stored or the session's first, then the database's, then UTC): the first in which the bounds lie on
// whole local days, months or years wins. MINVALUE/MAXVALUE ranges say nothing. Fails with 42P17, naming what does not fit,
// when no step explains the newest ranges, with the hint to call steward.manage_partitions() with an interval.
// `now` decides whether integer bounds can be epoch numbers: the decoded ranges must lie within 50 years of it.
base::Result<Inference> infer(const Codec& codec, const std::vector<Range>& ranges,
                              const std::vector<const base::Zone*>& zones, base::Instant now, std::string_view table);

}  // namespace steward::partition
