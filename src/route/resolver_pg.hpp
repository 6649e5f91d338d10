// SPDX-License-Identifier: PostgreSQL
//
// What addresses a host's name stands for. The C library waits for name servers, so a child process asks it and writes the
// answer into a pipe: nobody else waits, and a name that takes long can be given up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/postgres.hpp"

namespace steward::route {

// Whether the text is an address by itself, of either family; with or without a scope.
bool is_address(const std::string& host);

class Resolver {
public:
    // Throws std::system_error when processes or pipes run out.
    explicit Resolver(const std::string& host);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    int socket() const { return pipe_; }

    struct Outcome {
        std::vector<std::string> addresses;  // none: `error` says why
        std::string error;
    };
    // Without waiting; nothing while it goes on.
    std::optional<Outcome> read();

private:
    int pipe_ = -1;
    int child_ = -1;
    std::string received_;
};

}  // namespace steward::route
