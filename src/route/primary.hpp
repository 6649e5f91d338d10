// SPDX-License-Identifier: PostgreSQL
//
// Who is primary, beyond doubt: one node that says so itself, of the newest timeline anybody knows of, and that more than
// half of all nodes have lately seen as the primary. Where there is any doubt there is no primary: whoever writes to the wrong
// one loses what he writes.
#pragma once

#include <span>
#include <string>

#include "route/board.hpp"

namespace steward::route {

struct Around {
    Steady now;
    std::int64_t fresh_for = 0;  // what is older is not the present
    std::int64_t system_identifier = 0;
};

enum class Doubt : std::uint8_t { none, nobody, split_brain, outdated, outvoted, in_maintenance };

struct Primary {
    int index = -1;  // the node in question, also where there is doubt; -1: none
    int rival = -1;  // in a split brain
    Doubt doubt = Doubt::nobody;
    int votes = 0;
    int voters = 0;
    std::uint32_t timeline = 0;  // the newest that is known of
    Steady until;                // it is so while nothing else is heard

    bool is_certain() const noexcept { return doubt == Doubt::none; }
};

using Nodes = std::span<const BoardNode>;

bool is_same_server(const BoardNode& a, const BoardNode& b) noexcept;
// Seen lately, and not missed since.
bool is_fresh(const BoardNode& node, const Around& around) noexcept;
bool is_of_cluster(const BoardNode& node, const Around& around) noexcept;

Primary certain_primary(Nodes nodes, const Around& around) noexcept;

// The certain primary as a session keeps it from one call to the next.
class KnownPrimary {
public:
    // What it is found from, but for the time.
    struct Origin {
        std::uint64_t page = 0;
        std::uint32_t timeline = 0;  // of this server
        bool is_standby = false;     // likewise
        std::int64_t fresh_for = 0;
        bool operator==(const Origin&) const = default;
    };
    // Finds it again where there is a reason.
    void look(const Origin& origin, Nodes nodes, const Around& around) noexcept;
    const Primary& primary() const noexcept { return primary_; }
    // Another one each time it was found again.
    std::uint64_t version() const noexcept { return version_; }

private:
    Origin origin_;
    Primary primary_;
    std::uint64_t version_ = 0;
};

// Whom this server sees: what it says to others, who count it as its vote.
View view_of(Nodes nodes, const Around& around) noexcept;

// Why there is none, or why it is certain; one line.
std::string reason_of(const Primary& primary, Nodes nodes);

}  // namespace steward::route
