// SPDX-License-Identifier: PostgreSQL
//
// What a background worker's commands would say to a client: notices, and the words of the error that ends the process.
#pragma once

#include <cstddef>
#include <string>

#include "pg/postgres.hpp"

namespace steward::pg {

// From now on this process listens to itself, and forgets what it heard before.
void listen_to_notices();
// The notices since listening began, the last 8 kB of them.
std::string notices();
struct LastWords {
    char sqlstate[6];
    char message[200];
};
const LastWords& last_words();

}  // namespace steward::pg
