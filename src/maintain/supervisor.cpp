// SPDX-License-Identifier: PostgreSQL
#include "maintain/supervisor.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "maintain/supervise.hpp"

namespace steward::maintain {

namespace {

void close_pipe(const Pipe& made) {
    if (made.read >= 0) close(made.read);
    if (made.write >= 0) close(made.write);
}

// No signal reaches the child before it has let go of this process's handlers.
class SignalsHeld {
public:
    SignalsHeld() {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &saved_);
    }
    ~SignalsHeld() { sigprocmask(SIG_SETMASK, &saved_, nullptr); }
    SignalsHeld(const SignalsHeld&) = delete;
    SignalsHeld& operator=(const SignalsHeld&) = delete;

private:
    sigset_t saved_{};
};

}  // namespace

RunningProgram::RunningProgram(const Program& program, void (*in_supervisor)()) {
    std::vector<char*> argv;
    argv.reserve(program.argv.size() + 1);
    for (const std::string& argument : program.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    Pipe control;
    Pipe report;
    bool is_made = make_pipe(control) && make_pipe(report);
    if (is_made) {
        SignalsHeld held;
        supervisor_ = fork();
        if (supervisor_ == 0) {
            close(control.write);
            close(report.read);
            supervise(program, argv.data(), control.read, report.write, in_supervisor);
        }
        is_made = supervisor_ > 0;
    }
    if (!is_made) {
        const int error = errno;
        close_pipe(control);
        close_pipe(report);
        throw std::system_error(error, std::generic_category());
    }
    close(control.read);
    close(report.write);
    control_ = control.write;
    report_ = report.read;
    fcntl(report_, F_SETFL, O_NONBLOCK);
}

RunningProgram::~RunningProgram() {
    stop();
    if (report_ >= 0) close(report_);
}

void RunningProgram::stop() {
    if (control_ >= 0) close(control_);
    control_ = -1;
}

std::optional<Ending> RunningProgram::read() {
    char chunk[65536];
    for (;;) {
        const ssize_t got = retried([&] { return ::read(report_, chunk, sizeof(chunk)); });
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        received_.append(chunk, static_cast<std::size_t>(got));
    }
    // It exits now.
    retried([&] { return waitpid(supervisor_, nullptr, 0); });
    Ending ending;
    ReportHeader header{};
    if (received_.size() < sizeof(header)) return ending;
    std::memcpy(&header, received_.data(), sizeof(header));
    if (header.is_whole == 0 || received_.size() != sizeof(header) + header.bytes) return ending;
    ending.is_known = true;
    ending.exec_errno = header.exec_errno;
    if (WIFEXITED(header.wait_status)) ending.exit_code = WEXITSTATUS(header.wait_status);
    if (WIFSIGNALED(header.wait_status)) ending.signal = WTERMSIG(header.wait_status);
    ending.is_cut = header.is_cut != 0;
    ending.output = received_.substr(sizeof(header));
    return ending;
}

}  // namespace steward::maintain
