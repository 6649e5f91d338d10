// SPDX-License-Identifier: PostgreSQL
//
// A background worker for the length of one call: it gets a request, sends back messages, and ends. It works in the
// caller's database as the caller's session user, in transactions of its own, so that it can commit step by step.
//
//   caller                         worker
//   Helper helper(main, request)   main(): WorkerLink link(arg); link.request(); link.send(...); ...
//   helper.receive() ...           returns
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "pg/postgres.hpp"

namespace steward::pg {

// A worker that the postmaster starts by itself, each time after `restart_seconds` unless it ends with exit code 0. Only
// while shared_preload_libraries are loaded.
void register_static_worker(const char* main, const char* title, BgWorkerStartTime start, int restart_seconds);

// In such a worker, attached to no database: once, before anything else.
void begin_static_worker();
// Between two pieces of its work: ends the process when it is to end, and takes what has been announced.
void obey_signals();

// A dynamic worker of this library that is never restarted. `main` is the exported name of its entry; the caller's latch is
// set when it starts and ends. Null when no slot is free, which is no error; the handle is freed by release().
BackgroundWorkerHandle* start_worker(const char* main, const char* title, Datum argument);
bool has_stopped(BackgroundWorkerHandle* handle);
void release(BackgroundWorkerHandle* handle);

// Whom a helper connects as, and where. InvalidOid as user is the bootstrap superuser.
struct Connection {
    Oid database;
    Oid user;
};

class Helper {
public:
    // Check started() after.
    Helper(const char* main, const char* title, const std::string& request);
    Helper(const char* main, const char* title, const std::string& request, Connection connection,
           std::size_t shared_bytes = 0);
    ~Helper();
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;

    bool started() const { return handle_ != nullptr; }
    // The next message; nothing when the worker has ended.
    std::optional<std::string> receive();
    // The same without waiting: is_ended says which kind of nothing came back.
    std::optional<std::string> receive_now(bool& is_ended);
    // Memory that both see, zeroed at the start.
    void* shared() const { return shared_; }
    // Lets the worker go on by itself; otherwise it is ended with this object.
    void let_go();

private:
    std::optional<std::string> receive(bool is_waiting, bool& is_ended);

    dsm_segment* segment_ = nullptr;
    shm_mq_handle* queue_ = nullptr;
    BackgroundWorkerHandle* handle_ = nullptr;
    void* shared_ = nullptr;
};

// The worker's end. Connects to the database on construction; the caller may be gone at any time.
class WorkerLink {
public:
    explicit WorkerLink(Datum argument);
    const std::string& request() const { return request_; }
    void send(const std::string& message);
    bool is_caller_gone() const { return is_caller_gone_; }
    void* shared() const { return shared_; }

private:
    shm_mq_handle* queue_ = nullptr;
    void* shared_ = nullptr;
    std::string request_;
    bool is_caller_gone_ = false;
};

}  // namespace steward::pg
