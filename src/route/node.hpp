// SPDX-License-Identifier: PostgreSQL
//
// A server of the cluster as it was registered, and the parameters of a connection to it. No password is among them: the
// server reads one from a passfile of its operating system's user.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "route/probe.hpp"

namespace steward::route {

inline constexpr int kMaxNodes = 64;
inline constexpr int kMaxPort = 65535;
inline constexpr std::size_t kMaxHostBytes = 255;

inline constexpr int kLeastWeight = 1;
inline constexpr int kUsualWeight = 100;
inline constexpr int kMostWeight = 1000;

// What of a node matters to those who are sent to it, and nothing to the connection by which it is asked.
struct Placement {
    std::string zone;
    int weight = kUsualWeight;
    bool is_in_maintenance = false;  // nobody is sent to it, and it has no vote on who is primary
    bool operator==(const Placement&) const = default;
};

struct Node {
    std::string name;
    std::string host;  // a name, an address, or the directory of a socket
    int port = 0;
    std::map<std::string, std::string> options;  // parameters of libpq
    Placement placement = {};
    bool operator==(const Node&) const = default;

    bool is_socket() const { return !host.empty() && host[0] == '/'; }
    bool is_asked_like(const Node& other) const {
        return name == other.name && host == other.host && port == other.port && options == other.options;
    }
};

// One of the options in steward.nodes, which somebody may have written there without steward.register_node(): what makes no
// sense counts as not given.
void set_option(Node& node, const std::string& key, const std::string& text);

// As a user gives them: the type is that of JSON.
struct NodeOption {
    std::string key;
    std::string type;
    std::string text;
};

struct Registration {
    Node node;
    bool is_checked = true;  // connected to before it is written down
};

base::Result<Registration> read_registration(std::string_view name, std::string_view host, int port,
                                             const std::vector<NodeOption>& options);

// `addresses` are what the host's name stands for, so that libpq asks nobody; none for a socket.
std::vector<std::pair<std::string, std::string>> connection_parameters(const Node& node,
                                                                       const std::vector<std::string>& addresses,
                                                                       const std::string& database, const Pace& pace);

// What somebody else's server or library has said, as one line of ASCII.
std::string plain_line(std::string_view text, std::size_t bytes);

}  // namespace steward::route
