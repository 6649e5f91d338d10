// SPDX-License-Identifier: PostgreSQL
#include "pg/worker.hpp"

#include <cstring>

#include "pg/guard.hpp"
#include "pg/session.hpp"

namespace steward::pg {

namespace {

constexpr std::uint64_t kMagic = 0x73746577617264ULL;
constexpr Size kQueueBytes = 65536;
enum Entry : uint64 { kHeader = 1, kRequest = 2, kQueue = 3, kShared = 4 };

struct Header {
    Oid database;
    Oid session_user;
    std::uint64_t request_bytes;
};

struct OpenedLink {
    dsm_segment* segment;
    shm_mq_handle* queue;
    BackgroundWorkerHandle* handle;
    void* shared;
};

dsm_segment* make_segment(const char* request, Size bytes, Connection connection, Size shared_bytes) {
    shm_toc_estimator estimator;
    shm_toc_initialize_estimator(&estimator);
    shm_toc_estimate_chunk(&estimator, sizeof(Header));
    shm_toc_estimate_chunk(&estimator, bytes);
    shm_toc_estimate_chunk(&estimator, kQueueBytes);
    shm_toc_estimate_chunk(&estimator, shared_bytes);
    shm_toc_estimate_keys(&estimator, 4);
    Size total = shm_toc_estimate(&estimator);
    dsm_segment* segment = dsm_create(total, DSM_CREATE_NULL_IF_MAXSEGMENTS);
    if (segment == nullptr) return nullptr;
    shm_toc* toc = shm_toc_create(kMagic, dsm_segment_address(segment), total);
    auto* header = static_cast<Header*>(shm_toc_allocate(toc, sizeof(Header)));
    header->database = connection.database;
    header->session_user = connection.user;
    header->request_bytes = bytes;
    shm_toc_insert(toc, kHeader, header);
    void* copy = shm_toc_allocate(toc, bytes);
    std::memcpy(copy, request, bytes);
    shm_toc_insert(toc, kRequest, copy);
    shm_mq* queue = shm_mq_create(shm_toc_allocate(toc, kQueueBytes), kQueueBytes);
    shm_mq_set_receiver(queue, MyProc);
    shm_toc_insert(toc, kQueue, queue);
    void* shared = shm_toc_allocate(toc, shared_bytes);
    std::memset(shared, 0, shared_bytes);
    shm_toc_insert(toc, kShared, shared);
    return segment;
}

// What all workers of this library have in common.
BackgroundWorker describe_worker(const char* main, const char* title, const char* type) {
    BackgroundWorker worker;
    std::memset(&worker, 0, sizeof(worker));
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    strlcpy(worker.bgw_library_name, "pg_steward", sizeof(worker.bgw_library_name));
    strlcpy(worker.bgw_function_name, main, sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_name, title, sizeof(worker.bgw_name));
    strlcpy(worker.bgw_type, type, sizeof(worker.bgw_type));
    return worker;
}

BackgroundWorkerHandle* register_worker(const char* main, const char* title, Datum argument) {
    BackgroundWorker worker = describe_worker(main, title, "pg_steward");
    worker.bgw_start_time = BgWorkerStart_ConsistentState;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_main_arg = argument;
    worker.bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle* handle = nullptr;
    MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
    bool is_registered = RegisterDynamicBackgroundWorker(&worker, &handle);
    MemoryContextSwitchTo(caller);
    return is_registered ? handle : nullptr;
}

// Also when the caller is terminated: no destructor runs then.
void end_worker(dsm_segment*, Datum handle) {
    TerminateBackgroundWorker(reinterpret_cast<BackgroundWorkerHandle*>(DatumGetPointer(handle)));
}

}  // namespace

void register_static_worker(const char* main, const char* title, BgWorkerStartTime start, int restart_seconds) {
    BackgroundWorker worker = describe_worker(main, title, title);
    worker.bgw_start_time = start;
    worker.bgw_restart_time = restart_seconds;
    RegisterBackgroundWorker(&worker);
}

void begin_static_worker() {
    call([] {
        pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
        pqsignal(SIGHUP, SignalHandlerForConfigReload);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    });
}

void obey_signals() {
    if (ShutdownRequestPending != 0) proc_exit(1);
    // Others wait until all processes have heard of a database that is dropped.
    call([] { CHECK_FOR_INTERRUPTS(); });
    reload_settings();
}

BackgroundWorkerHandle* start_worker(const char* main, const char* title, Datum argument) {
    return call([&] { return register_worker(main, title, argument); });
}

bool has_stopped(BackgroundWorkerHandle* handle) {
    return call([&] {
        pid_t pid = 0;
        return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
    });
}

void release(BackgroundWorkerHandle* handle) { pfree(handle); }

Helper::Helper(const char* main, const char* title, const std::string& request)
    : Helper(main, title, request, Connection{MyDatabaseId, GetSessionUserId()}) {}

Helper::Helper(const char* main, const char* title, const std::string& request, Connection connection,
               std::size_t shared_bytes) {
    const char* data = request.data();
    Size bytes = request.size();
    OpenedLink opened = call([&] {
        OpenedLink result{make_segment(data, bytes, connection, shared_bytes), nullptr, nullptr, nullptr};
        if (result.segment == nullptr) return result;
        result.handle = register_worker(main, title, UInt32GetDatum(dsm_segment_handle(result.segment)));
        if (result.handle == nullptr) {
            dsm_detach(result.segment);
            return OpenedLink{nullptr, nullptr, nullptr, nullptr};
        }
        shm_toc* toc = shm_toc_attach(kMagic, dsm_segment_address(result.segment));
        auto* queue = static_cast<shm_mq*>(shm_toc_lookup(toc, kQueue, false));
        MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
        result.queue = shm_mq_attach(queue, result.segment, result.handle);
        result.shared = shm_toc_lookup(toc, kShared, false);
        on_dsm_detach(result.segment, end_worker, PointerGetDatum(result.handle));
        // It outlives the transaction of a procedure that commits meanwhile; the destructor lets go of it.
        dsm_pin_mapping(result.segment);
        MemoryContextSwitchTo(caller);
        return result;
    });
    segment_ = opened.segment;
    queue_ = opened.queue;
    handle_ = opened.handle;
    shared_ = opened.shared;
}

// Also when the caller is cancelled: the worker ends after the step it is in, or at once where it waits.
Helper::~Helper() {
    if (handle_ == nullptr) return;
    dsm_detach(segment_);
    release(handle_);
}

void Helper::let_go() {
    call([&] {
        cancel_on_dsm_detach(segment_, end_worker, PointerGetDatum(handle_));
        dsm_detach(segment_);
    });
    handle_ = nullptr;
}

std::optional<std::string> Helper::receive(bool is_waiting, bool& is_ended) {
    struct Message {
        void* data;
        Size bytes;
        shm_mq_result result;
    };
    Message message = call([&] {
        Message received{nullptr, 0, SHM_MQ_SUCCESS};
        received.result = shm_mq_receive(queue_, &received.bytes, &received.data, !is_waiting);
        return received;
    });
    is_ended = message.result == SHM_MQ_DETACHED;
    if (message.result != SHM_MQ_SUCCESS) return std::nullopt;
    return std::string(static_cast<const char*>(message.data), message.bytes);
}

std::optional<std::string> Helper::receive() {
    bool is_ended = false;
    return receive(true, is_ended);
}

std::optional<std::string> Helper::receive_now(bool& is_ended) { return receive(false, is_ended); }

WorkerLink::WorkerLink(Datum argument) {
    struct Raw {
        shm_mq_handle* queue;
        char* request;
        Size bytes;
        void* shared;
    };
    Raw raw = call([&] {
        pqsignal(SIGTERM, die);
        BackgroundWorkerUnblockSignals();
        CurrentResourceOwner = ResourceOwnerCreate(nullptr, "pg_steward worker");
        dsm_segment* segment = dsm_attach(DatumGetUInt32(argument));
        // The caller left before we came.
        if (segment == nullptr) proc_exit(0);
        dsm_pin_mapping(segment);
        shm_toc* toc = shm_toc_attach(kMagic, dsm_segment_address(segment));
        if (toc == nullptr) elog(ERROR, "bad magic number in dynamic shared memory segment");
        auto* header = static_cast<Header*>(shm_toc_lookup(toc, kHeader, false));
        auto* queue = static_cast<shm_mq*>(shm_toc_lookup(toc, kQueue, false));
        shm_mq_set_sender(queue, MyProc);
        Raw result{};
        MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
        result.queue = shm_mq_attach(queue, segment, nullptr);
        result.bytes = header->request_bytes;
        result.request = static_cast<char*>(palloc(result.bytes + 1));
        result.shared = shm_toc_lookup(toc, kShared, false);
        std::memcpy(result.request, shm_toc_lookup(toc, kRequest, false), result.bytes);
        MemoryContextSwitchTo(caller);
        BackgroundWorkerInitializeConnectionByOid(header->database, header->session_user, 0);
        return result;
    });
    queue_ = raw.queue;
    shared_ = raw.shared;
    request_.assign(raw.request, raw.bytes);
}

void WorkerLink::send(const std::string& message) {
    if (is_caller_gone_) return;
    const char* data = message.data();
    Size bytes = message.size();
    shm_mq_result result = call([&] { return send_message(queue_, bytes, data); });
    if (result != SHM_MQ_SUCCESS) is_caller_gone_ = true;
}

}  // namespace steward::pg
