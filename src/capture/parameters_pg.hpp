// SPDX-License-Identifier: PostgreSQL
//
// The values of a statement's parameters, as the server's log has them: $1 = 'a', $2 = NULL.
#pragma once

#include "capture/text_buffer.hpp"
#include "pg/executor.hpp"

namespace steward::capture {

// With the output functions of their types, in a transaction that may fail; it raises what they raise.
void write_parameters(ParamListInfo parameters, TextBuffer& to);
// While an error is being dealt with: of types that need no catalog; the others are shown as ?.
void write_plain_parameters(ParamListInfo parameters, TextBuffer& to);

}  // namespace steward::capture
