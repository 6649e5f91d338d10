// SPDX-License-Identifier: PostgreSQL
#include "maintain/server_faults.hpp"

#include "base/text.hpp"

namespace steward::maintain {

namespace {

struct Fault {
    int from;   // the first minor that has it
    int fixed;  // the first that has not
    const char* what;
};

// From the release notes of 13.5 (indexes built while rows are inserted) and of 14.4 (while they are updated).
constexpr Fault kReindexFaults[] = {
    {130000, 130005, "may leave rows out of an index that it rebuilds concurrently while they are inserted"},
    {140000, 140004, "may leave rows out of an index that it rebuilds concurrently while they are updated"},
};

}  // namespace

std::string broken_reindex(int version) {
    for (const Fault& fault : kReindexFaults)
        if (version >= fault.from && version < fault.fixed)
            return fmt::format("PostgreSQL {}.{} {}; update to {}.{} or later", version / 10000, version % 10000,
                               fault.what, fault.fixed / 10000, fault.fixed % 10000);
    return "";
}

}  // namespace steward::maintain
