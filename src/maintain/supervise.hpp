// SPDX-License-Identifier: PostgreSQL
//
// What the two sides of supervisor.hpp share, and the side of the child.
#pragma once

#include <cerrno>
#include <cstdint>

#include "maintain/supervisor.hpp"

namespace steward::maintain {

// What it reports, followed by the output.
struct ReportHeader {
    std::int32_t exec_errno;
    std::int32_t wait_status;
    std::int32_t is_cut;
    std::int32_t is_whole;
    std::uint64_t bytes;
};

template <class Call>
auto retried(Call&& call) {
    for (;;) {
        const auto outcome = call();
        if (outcome != -1 || errno != EINTR) return outcome;
    }
}

struct Pipe {
    int read = -1;
    int write = -1;
};

bool make_pipe(Pipe& made);

// The life of the supervisor, from its fork on.
[[noreturn]] void supervise(const Program& program, char* const* argv, int control, int report,
                            void (*in_supervisor)());

}  // namespace steward::maintain
