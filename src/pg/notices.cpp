// SPDX-License-Identifier: PostgreSQL
#include "pg/notices.hpp"

#include <algorithm>
#include <cstring>

namespace steward::pg {

namespace {

constexpr std::size_t kNoticeBytes = 8192;

// The server calls in here while it reports: nothing may allocate or raise.
struct Heard {
    char text[kNoticeBytes];
    std::size_t length;
    LastWords last;
};
Heard heard;

void append(const char* text, std::size_t bytes) noexcept {
    if (bytes > kNoticeBytes) {
        text += bytes - kNoticeBytes;
        bytes = kNoticeBytes;
    }
    if (heard.length + bytes > kNoticeBytes) {
        std::size_t dropped = heard.length + bytes - kNoticeBytes;
        std::memmove(heard.text, heard.text + dropped, heard.length - dropped);
        heard.length -= dropped;
    }
    std::memcpy(heard.text + heard.length, text, bytes);
    heard.length += bytes;
}

void append(const char* text) noexcept { append(text, std::strlen(text)); }

struct Fields {
    const char* severity = "";
    const char* sqlstate = "";
    const char* message = "";
    const char* detail = nullptr;
    const char* hint = nullptr;
};

// A byte that names the field and its text, until a zero byte.
Fields read_fields(const char* data, std::size_t bytes) noexcept {
    Fields fields;
    const char* end = data + bytes;
    while (data < end && *data != '\0') {
        char field = *data++;
        if (field == PG_DIAG_SEVERITY) fields.severity = data;
        if (field == PG_DIAG_SQLSTATE) fields.sqlstate = data;
        if (field == PG_DIAG_MESSAGE_PRIMARY) fields.message = data;
        if (field == PG_DIAG_MESSAGE_DETAIL) fields.detail = data;
        if (field == PG_DIAG_MESSAGE_HINT) fields.hint = data;
        data += strnlen(data, static_cast<std::size_t>(end - data)) + 1;
    }
    return fields;
}

void say(const char* label, const char* text) noexcept {
    append(label);
    append(":  ");
    append(text);
    append("\n");
}

int put_message(char type, const char* data, std::size_t bytes) {
    if (type == 'N') {
        Fields fields = read_fields(data, bytes);
        say(fields.severity, fields.message);
        if (fields.detail != nullptr) say("DETAIL", fields.detail);
        if (fields.hint != nullptr) say("HINT", fields.hint);
    } else if (type == 'E') {
        Fields fields = read_fields(data, bytes);
        strlcpy(heard.last.sqlstate, fields.sqlstate, sizeof(heard.last.sqlstate));
        strlcpy(heard.last.message, fields.message, sizeof(heard.last.message));
    }
    return 0;
}

void put_message_later(char type, const char* data, std::size_t bytes) { put_message(type, data, bytes); }
void do_nothing() {}
int flush_nothing() { return 0; }
bool is_nothing_pending() { return false; }

}  // namespace

void listen_to_notices() {
    heard.length = 0;
    heard.last = LastWords{};
    static PQcommMethods methods{};
    methods.comm_reset = do_nothing;
    methods.flush = flush_nothing;
    methods.flush_if_writable = flush_nothing;
    methods.is_send_pending = is_nothing_pending;
    methods.putmessage = put_message;
    methods.putmessage_noblock = put_message_later;
    leave_out_copy(methods);
    PqCommMethods = &methods;
    whereToSendOutput = DestRemote;
    FrontendProtocol = PG_PROTOCOL_LATEST;
}

// Cut at a line's begin when earlier ones were dropped.
std::string notices() {
    std::string text(heard.text, heard.length);
    if (heard.length == kNoticeBytes) text.erase(0, std::min(text.find('\n') + 1, text.size()));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

const LastWords& last_words() { return heard.last; }

}  // namespace steward::pg
