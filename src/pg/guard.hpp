// SPDX-License-Identifier: PostgreSQL
//
// The two guards between C++ and the server; nothing else uses sigsetjmp, PG_TRY or ereport(ERROR).
//
//   pg::call(lambda)    goes into the server. A server error comes back as a PgError. The lambda must not create an
//                       object with a destructor: a longjmp would skip it. Guard a batch, not a tuple (15 to 25 ns each).
//   pg::entry(lambda)   is the shape of every door from C. It catches everything, leaves the catch block, and only then
//                       hands the error to the server, whole.
#pragma once

#include <csetjmp>
#include <exception>
#include <new>
#include <type_traits>

#include "pg/error.hpp"
#include "pg/postgres.hpp"

namespace steward::pg {

template <class F>
auto call(F&& body) -> std::invoke_result_t<F> {
    using Outcome = std::invoke_result_t<F>;
    static_assert(std::is_trivially_destructible_v<std::remove_reference_t<F>>, "capture by reference only");
    static_assert(std::is_void_v<Outcome> || std::is_trivially_copyable_v<Outcome>, "return plain values only");

    sigjmp_buf* const saved_stack = PG_exception_stack;
    ErrorContextCallback* const saved_callbacks = error_context_stack;
    MemoryContext const saved_context = CurrentMemoryContext;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) == 0) {
        PG_exception_stack = &here;
        if constexpr (std::is_void_v<Outcome>) {
            body();
            PG_exception_stack = saved_stack;
            error_context_stack = saved_callbacks;
            return;
        } else {
            Outcome outcome = body();
            PG_exception_stack = saved_stack;
            error_context_stack = saved_callbacks;
            return outcome;
        }
    }
    PG_exception_stack = saved_stack;
    error_context_stack = saved_callbacks;
    MemoryContextSwitchTo(saved_context);
    throw_server_error();
}

// Runs body; whatever it throws becomes an ErrorReport. Returns true when nothing was thrown.
template <class F>
bool capture(ErrorReport& report, F&& body) {
    try {
        body();
        return true;
    } catch (const PgError& error) {
        report = error.report();
    } catch (const std::bad_alloc&) {
        report.sqlerrcode = ERRCODE_OUT_OF_MEMORY;
        report.message = "out of memory";
    } catch (const std::exception& error) {
        report.sqlerrcode = ERRCODE_INTERNAL_ERROR;
        report.message = error.what();
    } catch (...) {
        report.sqlerrcode = ERRCODE_INTERNAL_ERROR;
        report.message = "unknown C++ exception";
    }
    return false;
}

template <class F>
auto entry(F&& body) -> std::invoke_result_t<F> {
    using Outcome = std::invoke_result_t<F>;
    ErrorData* error = nullptr;
    bool is_from_server = false;
    {
        ErrorReport report;
        if constexpr (std::is_void_v<Outcome>) {
            if (capture(report, body)) return;
        } else {
            Outcome outcome{};
            if (capture(report, [&] { outcome = body(); })) return outcome;
        }
        error = to_error_data(report);
        is_from_server = report.is_from_server;
    }
    if (error == nullptr) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
    if (is_from_server) ReThrowError(error);
    ThrowErrorData(error);
    pg_unreachable();
}

// A cancelled query or a terminated session leaves a long C++ loop by this.
inline void check_interrupts() {
    if (InterruptPending) call([] { ProcessInterrupts(); });
}

}  // namespace steward::pg

// The head of every SQL-callable function: STEWARD_FUNCTION(steward_version) { return pg::entry([&] { ... }); }
#define STEWARD_FUNCTION(name)                                                                                         \
    extern "C" {                                                                                                       \
    PG_FUNCTION_INFO_V1(name);                                                                                         \
    }                                                                                                                  \
    extern "C" PGDLLEXPORT Datum name([[maybe_unused]] FunctionCallInfo fcinfo)
