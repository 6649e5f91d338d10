// SPDX-License-Identifier: PostgreSQL
//
// What the views of this room show, and to whom.
#pragma once

#include "pg/datum_rows.hpp"
#include "pg/executor.hpp"
#include "pg/guard.hpp"

namespace steward::capture {

inline constexpr char kHidden[] = "<insufficient privilege>";
inline constexpr double kNsPerMs = 1e6;

// Which rows the reader may see whole: their own, and all with pg_read_all_stats.
struct Reader {
    Oid role;
    bool sees_all;
    bool may_see(Oid owner) const { return sees_all || owner == role; }
};

inline Reader current_reader() {
    return pg::call([] { return Reader{GetUserId(), pg::may_read_all_statistics()}; });
}

template <int columns>
struct Row : pg::DatumRow<columns> {
    void put_ms(std::int64_t nanos) { this->put_real(static_cast<double>(nanos) / kNsPerMs); }
};

// A text of another database, in whose encoding this one may not know it: what is not ASCII is left out of sight.
inline Datum readable(const char* bytes, std::size_t length, std::int32_t encoding) {
    text* made = cstring_to_text_with_len(bytes, static_cast<int>(length));
    if (encoding != GetDatabaseEncoding())
        for (std::size_t i = 0; i < length; ++i)
            if ((static_cast<unsigned char>(bytes[i]) & 0x80) != 0) VARDATA(made)[i] = '?';
    return PointerGetDatum(made);
}

}  // namespace steward::capture
