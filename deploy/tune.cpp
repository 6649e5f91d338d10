// SPDX-License-Identifier: PostgreSQL
//
// deploy/tune: the settings of a server for a machine, without one. `make tune` builds it.
#include <cstdio>
#include <string>
#include <vector>

#include "tune/command.hpp"
#include "tune/look.hpp"

using namespace steward;

namespace {

tune::Machine this_machine() {
    tune::Machine machine;
    if (const auto memory = tune::look_at_memory("")) {
        machine.memory_bytes = memory->bytes;
        machine.is_container = memory->is_limited;
    }
    machine.cpus = tune::look_at_processors("", tune::available_processors());
    if (const auto page = tune::look_at_huge_page("")) machine.huge_page_bytes = *page;
    return machine;
}

}  // namespace

int main(int count, char** arguments) {
    const auto text = tune::run_command({arguments + 1, arguments + count}, this_machine());
    if (text.ok()) return std::fputs(text->c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
    std::fprintf(stderr, "tune: %s\n", text.failure().message.c_str());
    if (!text.failure().hint.empty()) std::fprintf(stderr, "%s\n", text.failure().hint.c_str());
    return 2;
}
