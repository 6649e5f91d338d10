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

class Helper {
public:
    // `main` is the exported name of the worker's entry. Check started() after: no free slot is no error.
    Helper(const char* main, const char* title, const std::string& request);
    ~Helper();
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;

    bool started() const { return handle_ != nullptr; }
    // The next message; nothing when the worker has ended.
    std::optional<std::string> receive();
    // Lets the worker go on by itself; otherwise it is ended with this object.
    void let_go();

private:
    dsm_segment* segment_ = nullptr;
    shm_mq_handle* queue_ = nullptr;
    BackgroundWorkerHandle* handle_ = nullptr;
};

// The worker's end. Connects to the database on construction; the caller may be gone at any time.
class WorkerLink {
public:
    explicit WorkerLink(Datum argument);
    const std::string& request() const { return request_; }
    void send(const std::string& message);
    bool is_caller_gone() const { return is_caller_gone_; }

private:
    shm_mq_handle* queue_ = nullptr;
    std::string request_;
    bool is_caller_gone_ = false;
};

}  // namespace steward::pg
