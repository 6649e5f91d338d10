// SPDX-License-Identifier: PostgreSQL
//
// A fuzzer without libFuzzer: feeds every file of the given directories, and a few odd inputs besides, to the target.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void feed(const std::string& bytes) {
    // A copy of exactly this size, so that the sanitizer sees a read past its end; never null, as libFuzzer has it.
    std::unique_ptr<uint8_t[]> exact(new uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    LLVMFuzzerTestOneInput(exact.get(), bytes.size());
}

// What is one byte off a known input: cheap mutations that find the careless mistakes on every run.
void feed_around(const std::string& bytes) {
    feed(bytes);
    for (size_t at = 0; at < bytes.size() && at < 256; ++at) {
        feed(bytes.substr(0, at));
        for (char other : {'\0', '\xff', '9', '-', static_cast<char>(bytes[at] + 1)}) {
            std::string changed = bytes;
            changed[at] = other;
            feed(changed);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    int files = 0;
    feed("");
    feed(std::string(1000, 'a'));
    feed(std::string(64, '\0'));
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) continue;
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            if (!entry.is_regular_file()) continue;
            std::ifstream in(entry.path(), std::ios::binary);
            feed_around({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
            ++files;
        }
    }
    std::printf("replayed %d files\n", files);
}
