// SPDX-License-Identifier: PostgreSQL
#include "capture/parameters_pg.hpp"

#include <cstring>

#include "capture/characters_pg.hpp"

namespace steward::capture {

namespace {

constexpr std::size_t kMostValueBytes = 1024;
// A number longer than that could want much memory where there may be none.
constexpr std::size_t kMostNumberBytes = 64;
constexpr std::string_view kMore = "...";

void put_quoted(std::string_view value, TextBuffer& to) noexcept {
    std::size_t length = clipped(value.data(), value.size(), kMostValueBytes);
    to.put('\'');
    for (char c : value.substr(0, length)) {
        if (c == '\'') to.put('\'');
        to.put(c);
    }
    if (length < value.size()) to.put(kMore);
    to.put('\'');
}

void put_bytes(std::string_view bytes, TextBuffer& to) noexcept {
    constexpr char kDigits[] = "0123456789abcdef";
    to.put("'\\x");
    for (char c : bytes.substr(0, kMostValueBytes / 2)) {
        auto byte = static_cast<unsigned char>(c);
        to.put(kDigits[byte >> 4]);
        to.put(kDigits[byte & 15]);
    }
    if (bytes.size() > kMostValueBytes / 2) to.put(kMore);
    to.put('\'');
}

// Whether it lies there as it is, neither compressed nor elsewhere.
bool is_plain(Datum value) noexcept {
    const void* datum = DatumGetPointer(value);
    return VARATT_IS_1B(datum) ? !VARATT_IS_1B_E(datum) : VARATT_IS_4B_U(datum);
}

std::string_view bytes_of(Datum value) noexcept {
    const void* datum = DatumGetPointer(value);
    return {VARDATA_ANY(datum), VARSIZE_ANY_EXHDR(datum)};
}

// The output function of a type whose text is short, without a look into any catalog.
PGFunction short_output(Oid type) noexcept {
    switch (type) {
    case BOOLOID: return boolout;
    case CHAROID: return charout;
    case INT2OID: return int2out;
    case INT4OID: return int4out;
    case INT8OID: return int8out;
    case OIDOID: return oidout;
    case FLOAT4OID: return float4out;
    case FLOAT8OID: return float8out;
    case DATEOID: return date_out;
    case TIMEOID: return time_out;
    case TIMESTAMPOID: return timestamp_out;
    case TIMESTAMPTZOID: return timestamptz_out;
    case INTERVALOID: return interval_out;
    case UUIDOID: return uuid_out;
    default: return nullptr;
    }
}

void put_output(PGFunction output, Datum value, TextBuffer& to) {
    const char* text = DatumGetCString(DirectFunctionCall1(output, value));
    put_quoted(text, to);
}

void put_plain_value(Oid type, Datum value, TextBuffer& to) {
    if (PGFunction output = short_output(type)) return put_output(output, value, to);
    switch (type) {
    case UNKNOWNOID: return put_quoted(DatumGetCString(value), to);
    case NAMEOID: return put_quoted(NameStr(*DatumGetName(value)), to);
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case JSONOID:
        if (is_plain(value)) return put_quoted(bytes_of(value), to);
        break;
    case BYTEAOID:
        if (is_plain(value)) return put_bytes(bytes_of(value), to);
        break;
    case NUMERICOID:
        if (is_plain(value) && bytes_of(value).size() <= kMostNumberBytes) return put_output(numeric_out, value, to);
        break;
    default: break;
    }
    to.put('?');
}

void put_value(Oid type, Datum value, TextBuffer& to) {
    Oid output = InvalidOid;
    bool is_varlena = false;
    getTypeOutputInfo(type, &output, &is_varlena);
    char* text = OidOutputFunctionCall(output, value);
    put_quoted(text, to);
    pfree(text);
}

void put_number(int number, TextBuffer& to) noexcept {
    char digits[16];
    int length = std::snprintf(digits, sizeof(digits), "$%d = ", number);
    to.put({digits, static_cast<std::size_t>(length)});
}

template <class PutValue>
void put_parameters(ParamListInfo parameters, bool may_fetch, TextBuffer& to, PutValue&& put_one) {
    for (int i = 0; i < parameters->numParams && !to.is_full(); ++i) {
        ParamExternData workspace;
        const ParamExternData* one = &parameters->params[i];
        if (parameters->paramFetch != nullptr) {
            if (!may_fetch) return;
            one = parameters->paramFetch(parameters, i + 1, true, &workspace);
        }
        // A variable of PL/pgSQL that the statement does not use.
        if (!OidIsValid(one->ptype)) continue;
        if (to.length() > 0) to.put(", ");
        put_number(i + 1, to);
        if (one->isnull)
            to.put("NULL");
        else
            put_one(one->ptype, one->value, to);
    }
}

}  // namespace

void write_parameters(ParamListInfo parameters, TextBuffer& to) { put_parameters(parameters, true, to, put_value); }

void write_plain_parameters(ParamListInfo parameters, TextBuffer& to) {
    put_parameters(parameters, false, to, put_plain_value);
}

}  // namespace steward::capture
