// SPDX-License-Identifier: PostgreSQL
#include "route/http_pg.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.hpp"
#include "pg/file.hpp"

#include "pg/postgres.hpp"

extern "C" {
#include "storage/latch.h"
}

namespace steward::route {

namespace {

class Socket {
public:
    Socket(const std::string& address, int port, const Patience& patience) : patience_(patience) {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
        addrinfo* found = nullptr;
        if (getaddrinfo(address.c_str(), fmt::format("{}", port).c_str(), &wanted, &found) != 0)
            throw RemoteError("it has no address");
        socket_ = ::socket(found->ai_family, SOCK_STREAM, 0);
        if (socket_ >= 0) {
            fcntl(socket_, F_SETFD, FD_CLOEXEC);
            fcntl(socket_, F_SETFL, O_NONBLOCK);
            is_begun_ = connect(socket_, found->ai_addr, found->ai_addrlen) == 0 || errno == EINPROGRESS;
        }
        const int error = errno;
        freeaddrinfo(found);
        if (!is_begun_) fail(error);
    }
    ~Socket() {
        if (socket_ >= 0) close(socket_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    void finish_connecting() const {
        wait_for_socket(socket_, WL_SOCKET_WRITEABLE, patience_);
        int error = 0;
        socklen_t size = sizeof(error);
        // It may have been woken by something else: then sending says so.
        if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0) fail(error);
    }

    void send(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t bytes = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (bytes >= 0)
                text.remove_prefix(static_cast<std::size_t>(bytes));
            else if (is_to_wait())
                wait_for_socket(socket_, WL_SOCKET_WRITEABLE, patience_);
            else
                fail(errno);
        }
    }

    // False when the other side has closed the connection.
    bool receive(std::string& received) const {
        char piece[8192];
        for (;;) {
            const ssize_t bytes = recv(socket_, piece, sizeof(piece), 0);
            if (bytes > 0) received.append(piece, static_cast<std::size_t>(bytes));
            if (bytes >= 0) return bytes > 0;
            if (!is_to_wait()) fail(errno);
            wait_for_socket(socket_, WL_SOCKET_READABLE, patience_);
        }
    }

private:
    static bool is_to_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN; }
    [[noreturn]] static void fail(int error) { throw RemoteError(std::strerror(error)); }

    const Patience& patience_;
    int socket_ = -1;
    bool is_begun_ = false;
};

}  // namespace

HttpAnswer http_get(const HttpPlace& place, const std::string& path, const Patience& patience) {
    const std::vector<std::string> addresses = addresses_of(place.host, patience);
    if (addresses.empty()) throw RemoteError("it has no address");
    const pg::CountedFile counted;
    if (!counted) throw RemoteError("too many open files");
    const Socket socket(addresses[0], place.port, patience);
    socket.finish_connecting();
    socket.send(http_request(place, path));
    std::string received;
    for (;;) {
        const bool is_open = socket.receive(received);
        auto answer = read_http_answer(received, !is_open);
        if (!answer) continue;
        if (!*answer) throw RemoteError(answer->failure().message);
        return **answer;
    }
}

}  // namespace steward::route
