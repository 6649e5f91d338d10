// SPDX-License-Identifier: PostgreSQL
//
// A program outside the server, run without a shell and never left behind.
//
//   this process  --control-->  supervisor  --fork, exec-->  program, in a process group of its own
//                 <--report---             <--its output---
//
// The supervisor is a child of this process that only watches. It ends the program's whole group, by SIGTERM and after a
// while by SIGKILL, as soon as the other end of the control pipe is closed: by stop(), or by the kernel however this process
// has ended. It always exits with 0: a server that is process 1 of a container takes strange deaths of orphans for a crash.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace steward::maintain {

struct Program {
    std::vector<std::string> argv;  // the first is its path
    std::size_t kept_bytes = 0;     // how much of the end of its output is kept
    int grace_seconds = 10;         // between SIGTERM and SIGKILL
};

struct Ending {
    int exec_errno = 0;  // it could not be started
    int exit_code = 0;
    int signal = 0;         // it was ended by a signal
    bool is_known = false;  // false: the supervisor was killed, and the program by it
    bool is_cut = false;    // there was more output than was kept
    std::string output;     // of stdout and stderr together, as bytes
};

class RunningProgram {
public:
    // Throws std::system_error when pipes or processes run out. `in_supervisor` is called there first.
    RunningProgram(const Program& program, void (*in_supervisor)());
    // Stops the program, if it has not been waited for; the supervisor sees to it alone.
    ~RunningProgram();
    RunningProgram(const RunningProgram&) = delete;
    RunningProgram& operator=(const RunningProgram&) = delete;

    // Becomes readable when there is something to read().
    int fd() const { return report_; }
    // Reads without waiting. How it ended, once it has.
    std::optional<Ending> read();
    // Ends it and all it has started that stayed in its group.
    void stop();

private:
    int control_ = -1;
    int report_ = -1;
    int supervisor_ = -1;
    std::string received_;
};

}  // namespace steward::maintain
