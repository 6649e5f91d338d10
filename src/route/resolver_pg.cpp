// SPDX-License-Identifier: PostgreSQL
#include "route/resolver_pg.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "pg/postgres.hpp"

extern "C" {
#include "storage/pg_shmem.h"
}

namespace steward::route {

namespace {

// However its parent has ended, the child does not stay longer.
constexpr unsigned kMostSeconds = 60;
constexpr char kFound = '+';
constexpr int kMostAddresses = 8;

// A server that is process 1 of a container takes strange deaths of orphans for a crash.
void leave(int) { _exit(0); }

void say(int pipe, char kind, const char* text) {
    const std::string line = kind + std::string(text) + '\n';
    if (write(pipe, line.data(), line.size()) < 0) _exit(0);
}

void leave_server(int pipe) {
    for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, leave);
    signal(SIGTERM, leave);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    alarm(kMostSeconds);
    // Nobody who starts the server anew takes the child for a part of the old one.
    PGSharedMemoryDetach();
    const int kept = fcntl(pipe, F_DUPFD, 3);
    for (int fd = 3; fd < 1024; ++fd)
        if (fd != kept) close(fd);
    dup2(kept, 3);
}

[[noreturn]] void resolve(const char* host, int pipe) {
    leave_server(pipe);
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failure = getaddrinfo(host, nullptr, &wanted, &found);
    if (failure != 0) say(3, '-', gai_strerror(failure));
    int said = 0;
    for (; found != nullptr && said < kMostAddresses; found = found->ai_next) {
        char address[NI_MAXHOST];
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), nullptr, 0, NI_NUMERICHOST) != 0)
            continue;
        say(3, kFound, address);
        ++said;
    }
    _exit(0);
}

}  // namespace

bool is_address(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) return false;
    freeaddrinfo(found);
    return true;
}

Resolver::Resolver(const std::string& host) {
    int ends[2];
    if (pipe(ends) != 0) throw std::system_error(errno, std::generic_category());
    for (int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child_ = fork();
    if (child_ == 0) resolve(host.c_str(), ends[1]);
    const int error = errno;
    close(ends[1]);
    pipe_ = ends[0];
    if (child_ > 0) return;
    close(pipe_);
    throw std::system_error(error, std::generic_category());
}

Resolver::~Resolver() {
    close(pipe_);
    kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::optional<Resolver::Outcome> Resolver::read() {
    char piece[256];
    for (;;) {
        const ssize_t bytes = ::read(pipe_, piece, sizeof(piece));
        if (bytes > 0) {
            received_.append(piece, static_cast<std::size_t>(bytes));
            continue;
        }
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
        break;
    }
    Outcome outcome{{}, "could not translate its host name to an address"};
    for (std::size_t begin = 0; begin < received_.size();) {
        const std::size_t end = std::min(received_.find('\n', begin), received_.size());
        const std::string said = received_.substr(begin + 1, end - begin - 1);
        if (received_[begin] == kFound)
            outcome.addresses.push_back(said);
        else
            outcome.error += ": " + said;
        begin = end + 1;
    }
    return outcome;
}

}  // namespace steward::route
