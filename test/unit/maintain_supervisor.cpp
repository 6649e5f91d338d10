// SPDX-License-Identifier: PostgreSQL
#include "maintain/supervisor.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace steward::maintain {
namespace {

Program shell(const std::string& script, std::size_t kept = 1000, int grace = 10) {
    return {{"/bin/sh", "-c", script}, kept, grace};
}

Ending wait(RunningProgram& running) {
    for (;;) {
        if (auto ending = running.read()) return *ending;
        pollfd ready{running.fd(), POLLIN, 0};
        poll(&ready, 1, -1);
    }
}

Ending run(const Program& program) {
    RunningProgram running(program, nullptr);
    return wait(running);
}

class Files : public testing::Test {
protected:
    Files() { EXPECT_NE(mkdtemp(directory_), nullptr); }
    ~Files() override {
        const std::string command = std::string("rm -rf ") + directory_;
        EXPECT_EQ(std::system(command.c_str()), 0);
    }
    std::string path(const std::string& name) const { return std::string(directory_) + "/" + name; }

    // What a program has written into a file, with its end of line.
    std::string awaited(const std::string& name) const {
        for (;;) {
            std::ifstream file(path(name));
            std::string line;
            if (std::getline(file, line) && !file.eof()) return line;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }

    static bool is_gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }
    static void await_gone(pid_t pid) {
        while (!is_gone(pid)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }

private:
    char directory_[32] = "/tmp/steward_unit.XXXXXX";
};

TEST(Supervisor, tells_how_a_program_ended) {
    const Ending good = run(shell("echo out; echo err >&2"));
    EXPECT_TRUE(good.is_known);
    EXPECT_EQ(good.exit_code, 0);
    EXPECT_EQ(good.signal, 0);
    EXPECT_EQ(good.output, "out\nerr\n");
    EXPECT_EQ(run(shell("exit 7")).exit_code, 7);
    EXPECT_EQ(run(shell("kill -SEGV $$")).signal, SIGSEGV);
}

TEST(Supervisor, tells_why_a_program_could_not_be_started) {
    EXPECT_EQ(run({{"/nowhere/to/be/found"}, 100, 1}).exec_errno, ENOENT);
    EXPECT_EQ(run({{"/etc/passwd"}, 100, 1}).exec_errno, EACCES);
}

TEST(Supervisor, hands_arguments_over_as_they_are) {
    EXPECT_EQ(run({{"/bin/echo", "a b", "$(id)", "*", ""}, 100, 1}).output, "a b $(id) * \n");
}

TEST(Supervisor, keeps_the_end_of_much_output) {
    const Ending ending = run(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", 100));
    EXPECT_TRUE(ending.is_cut);
    EXPECT_EQ(ending.output.size(), 100U);
    EXPECT_EQ(ending.output.substr(89), "line 19999\n");
    EXPECT_FALSE(run(shell("echo short", 100)).is_cut);
    // More than a pipe holds.
    EXPECT_EQ(run(shell("head -c 3000000 /dev/zero", 4000000)).output.size(), 3000000U);
}

TEST(Supervisor, gives_a_program_nothing_but_its_output) {
    const Ending ending = run(shell("ls /proc/self/fd 2>/dev/null | wc -l; cat; pwd; umask >/dev/null; trap"));
    // 0, 1, 2, and the directory that ls reads.
    EXPECT_EQ(ending.output, "4\n/\n");
    EXPECT_EQ(run(shell("sed -n 's/^Sig\\(Blk\\|Ign\\):\t//p' /proc/self/status")).output,
              "0000000000000000\n0000000000000000\n");
}

TEST_F(Files, stop_ends_the_whole_group) {
    RunningProgram running(shell("sleep 1000 & echo $! > " + path("child") + "; wait"), nullptr);
    const pid_t child = std::stoi(awaited("child"));
    EXPECT_FALSE(is_gone(child));
    running.stop();
    EXPECT_EQ(wait(running).signal, SIGTERM);
    EXPECT_TRUE(is_gone(child));
}

TEST_F(Files, stop_kills_what_does_not_listen) {
    RunningProgram running(
        shell("trap '' TERM; (echo $$ > " + path("deaf") + "; while :; do sleep 1000; done)", 100, 0), nullptr);
    const pid_t deaf = std::stoi(awaited("deaf"));
    running.stop();
    EXPECT_EQ(wait(running).signal, SIGKILL);
    EXPECT_TRUE(is_gone(deaf));
}

TEST_F(Files, grace_lets_a_program_clean_up) {
    RunningProgram running(
        shell("trap 'echo cleaned; exit 3' TERM; echo > " + path("ready") + "; while :; do sleep 0.01; done"), nullptr);
    awaited("ready");
    running.stop();
    const Ending ending = wait(running);
    EXPECT_EQ(ending.exit_code, 3);
    EXPECT_NE(ending.output.find("cleaned\n"), std::string::npos);
}

TEST_F(Files, what_a_program_leaves_behind_is_ended) {
    const Ending ending = run(shell("sleep 1000 & echo $! > " + path("left")));
    EXPECT_EQ(ending.exit_code, 0);
    EXPECT_TRUE(is_gone(std::stoi(awaited("left"))));
}

TEST_F(Files, a_killed_parent_leaves_nothing) {
    const pid_t parent = fork();
    if (parent == 0) {
        RunningProgram running(shell("echo $$ > " + path("program") + "; sleep 1000 & wait"), nullptr);
        pause();
        _exit(0);
    }
    const pid_t program = std::stoi(awaited("program"));
    EXPECT_FALSE(is_gone(program));
    kill(parent, SIGKILL);
    waitpid(parent, nullptr, 0);
    await_gone(program);
}

TEST_F(Files, a_killed_supervisor_leaves_no_program) {
    RunningProgram running(shell("echo $$ $PPID > " + path("program") + "; exec sleep 1000"), nullptr);
    const std::string line = awaited("program");
    kill(std::stoi(line.substr(line.find(' '))), SIGKILL);
    EXPECT_FALSE(wait(running).is_known);
    await_gone(std::stoi(line));
}

}  // namespace
}  // namespace steward::maintain
