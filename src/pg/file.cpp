// SPDX-License-Identifier: PostgreSQL
#include "pg/file.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "pg/guard.hpp"

namespace steward::pg {

namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;

int open_to_read(const char* path) {
    int file = OpenTransientFile(path, O_RDONLY | PG_BINARY);
    if (file < 0) ereport(ERROR, (errcode_for_file_access(), errmsg("could not open file \"%s\": %m", path)));
    return file;
}

struct RawDigest {
    std::int64_t bytes;
    std::int64_t lines;
    std::uint8_t hash[kSha256Bytes];
};

RawDigest read_and_hash(const char* path) {
    RawDigest digest{};
    int file = open_to_read(path);
    Sha256* hash = sha256_begin();
    auto* chunk = static_cast<std::uint8_t*>(palloc(kChunkBytes));
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        ssize_t got = read(file, chunk, kChunkBytes);
        if (got < 0) ereport(ERROR, (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", path)));
        if (got == 0) break;
        sha256_add(hash, chunk, static_cast<std::size_t>(got));
        digest.bytes += got;
        digest.lines += std::count(chunk, chunk + got, static_cast<std::uint8_t>('\n'));
    }
    sha256_end(hash, digest.hash);
    pfree(chunk);
    CloseTransientFile(file);
    return digest;
}

}  // namespace

FileDigest digest_file(const std::string& path) {
    const char* name = path.c_str();
    RawDigest raw = call([&] { return read_and_hash(name); });
    FileDigest digest{raw.bytes, raw.lines, ""};
    for (std::uint8_t byte : raw.hash) digest.sha256 += fmt::format("{:02x}", byte);
    return digest;
}

bool file_exists(const std::string& path) {
    struct stat state;
    return stat(path.c_str(), &state) == 0;
}

void sync_file(const std::string& path) {
    const char* name = path.c_str();
    call([&] { fsync_fname(name, false); });
}

void write_file(const std::string& path, const std::string& content) {
    std::string beside = path + ".tmp";
    const char* temporary = beside.c_str();
    const char* name = path.c_str();
    const char* data = content.data();
    std::size_t bytes = content.size();
    call([&] {
        int file = OpenTransientFilePerm(temporary, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY, S_IRUSR | S_IWUSR);
        if (file < 0)
            ereport(ERROR, (errcode_for_file_access(), errmsg("could not create file \"%s\": %m", temporary)));
        if (write(file, data, bytes) != static_cast<ssize_t>(bytes))
            ereport(ERROR, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", temporary)));
        CloseTransientFile(file);
        durable_rename(temporary, name, ERROR);
    });
}

CountedFile::CountedFile() : is_counted_(call([] { return AcquireExternalFD(); })) {}

CountedFile::~CountedFile() {
    if (is_counted_) ReleaseExternalFD();
}

}  // namespace steward::pg
