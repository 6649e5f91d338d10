// SPDX-License-Identifier: PostgreSQL
//
// What our own part of statements costs. One statement of kTimeOneOf goes through hooks that read the clock wherever the server
// takes over and gives back; the others through the very same hooks without that, so that they pay nothing for it.
#pragma once

#include "capture/flight_pg.hpp"

namespace steward::capture {

inline constexpr int kTimeOneOf = 1024;

// Nothing here is called from a hook that is not timed.
class Untimed {
public:
    void pause() noexcept {}
    void resume() noexcept {}
    void end_statement() noexcept {}
};

// Of a hook, from its begin. Plain, so that one may jump over it.
class Timed {
public:
    Timed() noexcept : since_(now_ns()) {}
    // What comes is not our part, or nothing.
    void pause() noexcept;
    void resume() noexcept { since_ = now_ns(); }
    void end_statement() noexcept;

private:
    std::int64_t since_;
};

// From the end of the statement that is under way to the end of the one after it: that makes one whole statement.
void time_next_statement() noexcept;

// The ways through a hook: past it, counted, or counted and timed. The hooks hold pointers to them, so that there is nothing
// to be decided on the way.
enum class Way { past, counted, timed };

// In hooks_pg.cpp.
void use_timed_hooks(bool is_timed) noexcept;
// In planning_pg.cpp.
void choose_planning_way(Way way) noexcept;
void install_planning_hooks();

}  // namespace steward::capture
