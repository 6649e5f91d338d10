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

// From the release notes of 13.5 (indexes built while rows are inserted), of 13.7 and of 14.4 (while they are updated).
constexpr Fault kReindexFaults[] = {
    {130000, 130005, "may leave rows out of an index that it rebuilds concurrently while they are inserted"},
    {130005, 130007, "may run an index's own functions with the caller's rights while it rebuilds it (CVE-2022-1552)"},
    {140000, 140004, "may leave rows out of an index that it rebuilds concurrently while they are updated"},
};

}  // namespace

std::string broken_reindex(int version) {
    const Fault* found = nullptr;
    int fixed = 0;
    for (const Fault& fault : kReindexFaults) {
        if (version / 10000 != fault.from / 10000) continue;
        fixed = fault.fixed;
        if (found == nullptr && version >= fault.from && version < fault.fixed) found = &fault;
    }
    if (found == nullptr) return "";
    return fmt::format("PostgreSQL {}.{} {}; update to {}.{} or later", version / 10000, version % 10000, found->what,
                       fixed / 10000, fixed % 10000);
}

}  // namespace steward::maintain
