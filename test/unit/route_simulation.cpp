// SPDX-License-Identifier: PostgreSQL
//
// Random clusters in which servers die and come back, networks part, standbys are promoted and replay stops, against what must
// hold whatever happens: of writes and of the age of what is read.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "base/text.hpp"
#include "route/page.hpp"
#include "route/ranking.hpp"

namespace steward::route {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kTick = kSecond / 2;
constexpr std::int64_t kFresh = 5 * kSecond;
constexpr std::int64_t kOurs = 77;
constexpr int kWorlds = 10'000;
constexpr int kTicks = 60;

struct Commit {
    std::uint64_t lsn;
    Steady at;
};

// A timeline as one server writes it: two may have the same number.
struct Branch {
    int parent = -1;
    std::uint64_t fork = 0;
    std::uint32_t timeline = 1;
    std::vector<Commit> commits;
};

// What a session keeps from one call to the next.
struct Session {
    KnownPrimary known;
    Request request;
    Ranking ranking;
};

struct Server {
    bool is_alive = true;
    bool is_standby = true;
    bool is_paused = false;
    int branch = 0;
    int component = 0;
    std::uint64_t instance = 0;
    std::uint64_t lsn = 100;  // replayed, or written
    Steady lost_at;           // when a majority was out of its reach
    std::unique_ptr<Page> page = std::make_unique<Page>();
    std::vector<Steady> asked;      // since when an answer is waited for; 0: none is
    std::uint32_t newest_seen = 0;  // timeline of any server that has answered
    std::uint64_t probes = 0;
    bool is_late = false;  // its prober
    Session session;
};

class World {
public:
    explicit World(std::uint64_t seed) : random_(seed), servers_(static_cast<std::size_t>(pick(2, 7))) {
        branches_.emplace_back();
        servers_[0].is_standby = false;
        for (std::size_t i = 0; i < servers_.size(); ++i) begin_life(i);
    }

    void live() {
        for (int i = 0; i < kTicks && !::testing::Test::HasFailure(); ++i) {
            now_ = now_ + kTick;
            if (chance(12)) fault();
            for (Server& server : servers_) work(server);
            for (std::size_t i_ = 0; i_ < servers_.size(); ++i_)
                if (servers_[i_].is_alive && !is_late(servers_[i_])) probe(i_);
            for (int i_ = 0; i_ < 2; ++i_) check(servers_[static_cast<std::size_t>(pick(0, size() - 1))]);
        }
    }

    int writes_offered = 0;
    int reads_offered = 0;
    int reads_bounded = 0;
    int rankings_kept = 0;

private:
    int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    bool chance(int percent) { return pick(1, 100) <= percent; }
    int size() const { return static_cast<int>(servers_.size()); }
    Around around() const { return {now_, kFresh, kOurs}; }

    void begin_life(std::size_t index) {
        Server& server = servers_[index];
        server.is_alive = true;
        server.instance = next_instance_++;
        server.newest_seen = 0;
        server.asked.assign(servers_.size(), Steady{});
        server.session = {};
        *server.page = Page();
        server.page->count = size();
        for (int i = 0; i < size(); ++i) {
            BoardNode& node = server.page->nodes[i];
            node.slot = i;
            node.is_self = static_cast<std::size_t>(i) == index;
            copy_short(node.name, fmt::format("n{}", i));
        }
    }

    bool is_reached(const Server& a, const Server& b) const { return b.is_alive && a.component == b.component; }
    int members(int component) const {
        return static_cast<int>(std::count_if(servers_.begin(), servers_.end(),
                                              [&](const Server& s) { return s.is_alive && s.component == component; }));
    }

    // ---- What happens ----------------------------------------------------------------------------------------------------

    void fault() {
        last_change_ = now_;
        Server& server = servers_[static_cast<std::size_t>(pick(0, size() - 1))];
        switch (pick(0, 6)) {
        case 0: server.is_alive = false; break;
        case 1:
            if (!server.is_alive) come_back(static_cast<std::size_t>(&server - servers_.data()));
            break;
        case 2:
            for (Server& other : servers_) other.component = pick(0, 1);
            break;
        case 3:
            for (Server& other : servers_) other.component = 0;
            break;
        case 4: server.is_paused = !server.is_paused; break;
        case 5: promote_where_many_are(); break;
        case 6:
            // By hand, whoever else is primary.
            if (chance(20)) promote_by_hand(server);
            break;
        }
    }

    // As a manager of clusters does: with a majority, and not before the others must have noticed that they have none.
    void promote_where_many_are() {
        for (Server& server : servers_) {
            if (!server.is_alive || !server.is_standby || members(server.component) * 2 <= size()) continue;
            const bool has_primary = std::any_of(servers_.begin(), servers_.end(), [&](const Server& other) {
                return !other.is_standby && other.is_alive &&
                       (other.component == server.component || now_ - other.lost_at <= kFresh + 2 * kSecond);
            });
            if (has_primary || branches_[static_cast<std::size_t>(server.branch)].timeline < newest_timeline_) continue;
            promote(server);
            return;
        }
    }

    void promote(Server& server) {
        Branch branch{server.branch, server.lsn, branches_[static_cast<std::size_t>(server.branch)].timeline + 1, {}};
        newest_timeline_ = std::max(newest_timeline_, branch.timeline);
        branches_.push_back(branch);
        server.branch = static_cast<int>(branches_.size()) - 1;
        server.is_standby = false;
        truth_ = static_cast<int>(&server - servers_.data());
    }

    // As the primary it was, where the one that has been promoted since is out of reach: as if both had written all along.
    void come_back(std::size_t index) {
        const Server& truth = servers_[static_cast<std::size_t>(truth_)];
        is_true_ &= servers_[index].is_standby || servers_[index].component == truth.component;
        begin_life(index);
    }

    // While another one writes it is anybody's guess what the truth is.
    void promote_by_hand(Server& server) {
        if (!server.is_alive || !server.is_standby) return;
        is_true_ &= std::none_of(servers_.begin(), servers_.end(),
                                 [](const Server& other) { return !other.is_standby && other.is_alive; });
        promote(server);
    }

    void work(Server& server) {
        if (members(server.component) * 2 > size()) server.lost_at = now_;
        if (!server.is_alive) return;
        if (!server.is_standby) {
            if (chance(70))
                branches_[static_cast<std::size_t>(server.branch)].commits.push_back({server.lsn += 10, now_});
            return;
        }
        if (server.is_paused || chance(20)) return;
        for (const Server& primary : servers_) {
            if (primary.is_standby || !is_reached(server, primary) || !follows(server, primary)) continue;
            server.branch = primary.branch;
            server.lsn =
                std::max(server.lsn, primary.lsn - static_cast<std::uint64_t>(chance(30) ? pick(0, 3) : 0) * 10);
            return;
        }
    }

    bool follows(const Server& standby, const Server& primary) const {
        int branch = primary.branch;
        std::uint64_t most = ~std::uint64_t{0};
        while (branch >= 0 && branch != standby.branch) {
            most = branches_[static_cast<std::size_t>(branch)].fork;
            branch = branches_[static_cast<std::size_t>(branch)].parent;
        }
        return branch >= 0 && standby.lsn <= most;
    }

    // ---- What probers know -----------------------------------------------------------------------------------------------

    // Of the oldest commit that a server does not have which has `lsn` of the history of `of`.
    std::int64_t age(const Server& of, std::uint64_t lsn) const {
        Steady oldest = now_;
        std::uint64_t most = ~std::uint64_t{0};
        for (int b = of.branch; b >= 0; b = branches_[static_cast<std::size_t>(b)].parent) {
            const Branch& branch = branches_[static_cast<std::size_t>(b)];
            for (const Commit& commit : branch.commits)
                if (commit.lsn > lsn && commit.lsn <= most) oldest = std::min(oldest, commit.at);
            most = branch.fork;
        }
        return now_ - oldest;
    }

    void describe(const Server& server, BoardNode& node) const {
        node.has_facts = true;
        node.is_missing = false;
        node.reach = Reach::up;
        node.instance = server.instance;
        node.system_identifier = kOurs;
        node.is_standby = server.is_standby;
        node.timeline = branches_[static_cast<std::size_t>(server.branch)].timeline;
        node.newest_timeline = std::max(node.newest_timeline, node.timeline);
        (server.is_standby ? node.replayed : node.flushed) = {server.lsn};
        node.seen_at = now_;
    }

    // Once in a while, never twice in a row.
    bool is_late(Server& server) { return server.is_late = !server.is_late && chance(20); }

    void probe(std::size_t index) {
        Server& server = servers_[index];
        ++server.probes;
        Page& next = *scratch_;
        copy(next, *server.page);
        describe(server, next.nodes[index]);
        for (std::size_t i = 0; i < servers_.size(); ++i)
            if (i != index && chance(90)) ask(server, i, next.nodes[i], next);
        follow(next, *server.page, around());
        copy(*server.page, next);
        for (int i = 0; i < next.count; ++i) server.newest_seen = std::max(server.newest_seen, next.nodes[i].timeline);
    }

    void ask(Server& server, std::size_t index, BoardNode& node, Page& page) {
        const Server& peer = servers_[index];
        Steady& since = server.asked[index];
        if (is_reached(server, peer)) {
            since = {};
            describe(peer, node);
            node.view = view_of(nodes_of(*peer.page, 0), around());
            if (!server.is_standby && peer.is_standby)
                node.measured = {node.replayed, age(server, peer.lsn), now_, true};
            if (server.is_standby && !peer.is_standby) hear(server, peer, page);
            return;
        }
        if (since.micros == 0) since = now_;
        // A dead process closes its connections, a parted network keeps silent.
        if (peer.component == server.component || now_ - since >= 2 * kSecond) node.is_missing = true;
    }

    // Only of the newest timeline, as the prober does.
    void hear(const Server& server, const Server& primary, Page& page) const {
        if (branches_[static_cast<std::size_t>(primary.branch)].timeline < server.newest_seen) return;
        page.horizon = {{primary.lsn}, now_, true};
        for (int i = 0; i < page.count; ++i) {
            BoardNode& node = page.nodes[i];
            if (node.has_facts && node.is_standby)
                node.measured = {node.replayed, age(primary, node.replayed.value), now_, true};
        }
    }

    // ---- What must hold --------------------------------------------------------------------------------------------------

    void check(Server& server) {
        if (!server.is_alive) return;
        const Scene scene = look(server);
        check_writes(server, scene);
        Session& session = server.session;
        Request& request = session.request;
        request.is_read_only = true;
        if (chance(30)) request.max_staleness = pick(1, 20) * kSecond / 4;
        if (chance(5)) request.max_staleness.reset();
        rankings_kept += session.ranking.version == scene.version && session.ranking.request == request;
        const Choice choice = choose(scene, request, session.ranking, random_(), 0);
        for (int node : offered(choice)) check_read(servers_[static_cast<std::size_t>(node)], scene, request, node);
        Ranking anew;
        EXPECT_EQ(offered(choice), offered(choose(scene, request, anew, random_(), 0)));
    }

    // As a session does, which looks for the primary when there is a reason.
    Scene look(Server& server) {
        Session& session = server.session;
        const Nodes nodes = nodes_of(*server.page, 0);
        session.known.look({server.probes, 0, false, kFresh}, nodes, around());
        const Primary primary = certain_primary(nodes, around());
        EXPECT_EQ(primary.index, session.known.primary().index);
        EXPECT_EQ(reason_of(primary, nodes), reason_of(session.known.primary(), nodes));
        return {nodes, session.known.primary(), server.page->horizon, false, around(), nullptr,
                0,     session.known.version()};
    }

    static std::vector<int> offered(const Choice& choice) {
        std::vector<int> all = choice.nodes;
        all.insert(all.end(), choice.spare.begin(), choice.spare.end());
        std::sort(all.begin(), all.end());
        return all;
    }

    void check_writes(const Server& server, const Scene& scene) {
        Ranking none;
        const Choice choice = choose(scene, {}, none, random_(), 0);
        ASSERT_LE(choice.nodes.size(), 1U);
        if (!choice.nodes.empty()) {
            ++writes_offered;
            const BoardNode& node = scene.nodes[static_cast<std::size_t>(choice.nodes[0])];
            EXPECT_FALSE(node.is_standby);
            EXPECT_GE(node.timeline, server.newest_seen) << "an old primary, after somebody has said so";
            for (const BoardNode& other : scene.nodes) {
                EXPECT_GE(node.timeline, std::max(other.view.timeline, other.view.newest_timeline));
                EXPECT_FALSE(&other != &node && is_fresh(other, scene.around) && !other.is_standby) << "beside another";
            }
        }
        if (now_ - last_change_ <= kFresh + 3 * kSecond) return;
        // All is calm: with a majority in reach there is one answer, without it there is none.
        const bool is_majority = members(server.component) * 2 > size();
        std::vector<const Server*> primaries;
        for (const Server& other : servers_)
            if (!other.is_standby && is_reached(server, other)) primaries.push_back(&other);
        EXPECT_TRUE(is_majority || size() == 2 || choice.nodes.empty()) << "a guess";
        EXPECT_TRUE(primaries.size() < 2 || choice.nodes.empty()) << "a split brain";
        const bool is_clear = is_majority && primaries.size() == 1 &&
                              branches_[static_cast<std::size_t>(primaries[0]->branch)].timeline == newest_timeline_;
        EXPECT_TRUE(!is_clear || !choice.nodes.empty()) << reason_of(scene.primary, scene.nodes);
    }

    void check_read(const Server& offered, const Scene& scene, const Request& request, int node) {
        ++reads_offered;
        if (!request.max_staleness || !is_true_ || !scene.nodes[static_cast<std::size_t>(node)].is_standby) return;
        ++reads_bounded;
        const Server& truth = servers_[static_cast<std::size_t>(truth_)];
        EXPECT_LE(age(truth, shared_with(truth, offered)), *request.max_staleness);
    }

    // How far the histories of two are the same, and the second has it.
    std::uint64_t shared_with(const Server& truth, const Server& other) const {
        std::uint64_t most = ~std::uint64_t{0};
        for (int b = truth.branch; b >= 0; b = branches_[static_cast<std::size_t>(b)].parent) {
            std::uint64_t own = other.lsn;
            for (int o = other.branch; o >= 0; o = branches_[static_cast<std::size_t>(o)].parent) {
                if (o == b) return std::min(own, most);
                own = std::min(own, branches_[static_cast<std::size_t>(o)].fork);
            }
            most = branches_[static_cast<std::size_t>(b)].fork;
        }
        return 0;
    }

    std::mt19937_64 random_;
    std::vector<Server> servers_;
    std::vector<Branch> branches_;
    Steady now_{1000 * kSecond};
    Steady last_change_{1000 * kSecond};
    std::uint64_t next_instance_ = 1;
    std::uint32_t newest_timeline_ = 1;
    int truth_ = 0;
    bool is_true_ = true;
    std::unique_ptr<Page> scratch_ = std::make_unique<Page>();
};

TEST(RouteSimulation, no_write_goes_astray_and_no_read_is_older_than_its_bound) {
    int writes = 0;
    int reads = 0;
    int bounded = 0;
    int kept = 0;
    for (std::uint64_t seed = 1; seed <= kWorlds && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world(seed);
        world.live();
        writes += world.writes_offered;
        reads += world.reads_offered;
        bounded += world.reads_bounded;
        kept += world.rankings_kept;
    }
    // It is not that nothing was ever offered.
    EXPECT_GT(writes, kWorlds * kTicks / 4);
    EXPECT_GT(reads, kWorlds * kTicks / 2);
    EXPECT_GT(bounded, kWorlds * kTicks / 4);
    EXPECT_GT(kept, kWorlds);
}

}  // namespace
}  // namespace steward::route
