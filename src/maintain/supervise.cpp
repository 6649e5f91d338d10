// SPDX-License-Identifier: PostgreSQL
//
// A copy of a process that has other things to do: no exceptions, no exit handlers.
#include "maintain/supervise.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

namespace steward::maintain {

namespace {

// The supervisor's own descriptors; everything else is closed.
constexpr int kControl = 3;
constexpr int kReport = 4;
constexpr int kOutput = 5;

// Even a killed process is there until the kernel gets round to it.
constexpr double kSecondsToDie = 2;

void close_from(int first) {
#if defined(__linux__) && defined(SYS_close_range)
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
    rlimit limit{};
    const int end =
        getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? static_cast<int>(limit.rlim_cur) : 65536;
    for (int fd = first; fd < end; ++fd) close(fd);
}

void on_child(int) {}

void settle(int control, int report) {
    setsid();
    // Beyond the numbers they are moved to.
    const int spare_control = fcntl(control, F_DUPFD, 10);
    const int spare_report = fcntl(report, F_DUPFD, 10);
    dup2(spare_control, kControl);
    dup2(spare_report, kReport);
    close_from(kOutput);
    const int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; ++fd) dup2(nothing, fd);
    if (nothing > 2) close(nothing);
    for (int fd : {kControl, kReport}) fcntl(fd, F_SETFD, FD_CLOEXEC);

    for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction child {};
    child.sa_handler = on_child;
    sigaction(SIGCHLD, &child, nullptr);
#ifdef __linux__
    // What the program leaves behind comes to this process, which can tell then when all of it is gone.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
}

[[noreturn]] void become_program(char* const* argv, int output, int failure, pid_t supervisor) {
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor) _exit(127);
#else
    (void)supervisor;
#endif
    dup2(output, 1);
    dup2(output, 2);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    // Nothing falls into the data directory by accident.
    if (chdir("/") == 0) execv(argv[0], argv);
    const int error = errno;
    retried([&] { return write(failure, &error, sizeof(error)); });
    _exit(127);
}

class Watch {
public:
    Watch(const Program& program, char* const* argv) : program_(program), argv_(argv) {}

    void run() {
        start();
        while (leader_ > 0 && !is_over()) wait_for_something();
        read_output();
        report();
    }

private:
    void start() {
        Pipe output;
        Pipe failure;
        if (!make_pipe(output) || !make_pipe(failure)) {
            header_.exec_errno = errno;
            return;
        }
        const pid_t self = getpid();
        const pid_t child = fork();
        if (child == 0) become_program(argv_, output.write, failure.write, self);
        if (child < 0) header_.exec_errno = errno;
        close(output.write);
        close(failure.write);
        output_ = output.read;
        fcntl(output_, F_SETFL, O_NONBLOCK);
        if (child < 0) return;
        setpgid(child, child);
        leader_ = child;
        // Ends when the program has been started.
        int error = 0;
        if (retried([&] { return read(failure.read, &error, sizeof(error)); }) == sizeof(error))
            header_.exec_errno = error;
        close(failure.read);
    }

    // The program has ended and nothing of its group is left, or nothing that can be helped.
    bool is_over() {
        for (;;) {
            int status = 0;
            const pid_t child = retried([&] { return waitpid(-1, &status, WNOHANG); });
            if (child <= 0) break;
            if (child != leader_) continue;
            header_.wait_status = status;
            has_ended_ = true;
        }
        if (!has_ended_) return false;
        if (kill(-leader_, 0) != 0) return true;
        if (phase_ == Phase::running) ask_to_end();
        return phase_ == Phase::killed && now() >= phase_ends_;
    }

    void wait_for_something() {
        fd_set ready;
        FD_ZERO(&ready);
        if (phase_ == Phase::running) FD_SET(kControl, &ready);
        if (output_ >= 0) FD_SET(output_, &ready);
        sigset_t all_but_child;
        sigfillset(&all_but_child);
        sigdelset(&all_but_child, SIGCHLD);
        const timespec left = time_left();
        const int count = pselect(std::max(output_, kControl) + 1, &ready, nullptr, nullptr,
                                  phase_ == Phase::running ? nullptr : &left, &all_but_child);
        if (count > 0 && output_ >= 0 && FD_ISSET(output_, &ready)) read_output();
        if (phase_ == Phase::running && count > 0 && FD_ISSET(kControl, &ready))
            ask_to_end();
        else if (phase_ == Phase::asked && now() >= phase_ends_)
            kill_it();
    }

    void ask_to_end() {
        phase_ = Phase::asked;
        phase_ends_ = now() + program_.grace_seconds;
        kill(-leader_, SIGTERM);
        // A stopped process would not hear it.
        kill(-leader_, SIGCONT);
    }

    void kill_it() {
        phase_ = Phase::killed;
        phase_ends_ = now() + kSecondsToDie;
        kill(-leader_, SIGKILL);
    }

    static double now() {
        timespec at{};
        clock_gettime(CLOCK_MONOTONIC, &at);
        return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) / 1e9;
    }

    timespec time_left() const {
        const double left = phase_ends_ - now();
        if (left <= 0) return {0, 0};
        const auto seconds = static_cast<time_t>(left);
        return {seconds, static_cast<long>((left - static_cast<double>(seconds)) * 1e9)};
    }

    void read_output() {
        char chunk[4096];
        // A writer that never stops must not keep anything else from being seen.
        for (int times = 0; output_ >= 0 && times < 64; ++times) {
            const ssize_t got = retried([&] { return read(output_, chunk, sizeof(chunk)); });
            if (got < 0) return;
            if (got == 0) {
                close(output_);
                output_ = -1;
                return;
            }
            kept_.append(chunk, static_cast<std::size_t>(got));
            if (kept_.size() > 2 * program_.kept_bytes + sizeof(chunk)) cut();
        }
    }

    void cut() {
        if (kept_.size() <= program_.kept_bytes) return;
        kept_.erase(0, kept_.size() - program_.kept_bytes);
        header_.is_cut = 1;
    }

    void report() {
        cut();
        header_.is_whole = 1;
        header_.bytes = kept_.size();
        if (send(&header_, sizeof(header_))) send(kept_.data(), kept_.size());
    }

    static bool send(const void* data, std::size_t bytes) {
        const char* at = static_cast<const char*>(data);
        while (bytes > 0) {
            const ssize_t sent = retried([&] { return write(kReport, at, bytes); });
            if (sent < 0) return false;
            at += sent;
            bytes -= static_cast<std::size_t>(sent);
        }
        return true;
    }

    const Program& program_;
    char* const* argv_;
    pid_t leader_ = -1;
    int output_ = -1;
    bool has_ended_ = false;
    enum class Phase { running, asked, killed };
    Phase phase_ = Phase::running;
    double phase_ends_ = 0;
    std::string kept_;
    ReportHeader header_{};
};

}  // namespace

bool make_pipe(Pipe& made) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    for (int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
    made = {ends[0], ends[1]};
    return true;
}

[[noreturn]] void supervise(const Program& program, char* const* argv, int control, int report,
                            void (*in_supervisor)()) {
    settle(control, report);
    try {
        if (in_supervisor != nullptr) in_supervisor();
        Watch(program, argv).run();
    } catch (...) {
        // Without memory there is nothing to report; that the report is missing says so.
    }
    _exit(0);
}

}  // namespace steward::maintain
