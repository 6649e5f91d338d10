// SPDX-License-Identifier: PostgreSQL
#include "route/node.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace steward::route {

namespace {

constexpr const char* kParameters[] = {"dbname", "passfile", "service",     "sslcert", "sslcrl",
                                       "sslkey", "sslmode",  "sslrootcert", "user"};
constexpr char kCheck[] = "check";
constexpr char kMaintenance[] = "maintenance";
constexpr char kWeight[] = "weight";
constexpr char kZone[] = "zone";
constexpr char kAllowed[] = "Options are check, dbname, maintenance, passfile, service, sslcert, sslcrl, sslkey, "
                            "sslmode, sslrootcert, user, weight and zone.";

base::Failure invalid(std::string message, std::string hint) {
    return {base::kInvalidParameter, std::move(message), "", std::move(hint)};
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:%").find(c) != std::string_view::npos || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

std::string join(const std::vector<std::string>& items) {
    std::string all;
    for (const std::string& item : items) all += (all.empty() ? "" : ",") + item;
    return all;
}

std::optional<base::Failure> fault_of_host(std::string_view host) {
    if (host.empty())
        return invalid("host must not be empty", "Give a name, an address, or the directory of a socket.");
    if (host.size() > kMaxHostBytes)
        return invalid(fmt::format("host is longer than {} bytes", kMaxHostBytes), "Give a name or an address.");
    const bool is_directory = host[0] == '/' && !has_control(host) && host.find(',') == std::string_view::npos;
    if (is_directory || std::all_of(host.begin(), host.end(), is_host_character)) return std::nullopt;
    // It may hold a password: not said again.
    return invalid("host is not one name, address or directory",
                   "A node has one host: a name, an address, or the directory of a socket. Everything else about the "
                   "connection goes into options.");
}

std::optional<int> parse_weight(std::string_view text) {
    int weight = 0;
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(text.data(), end, weight);
    if (error != std::errc() || stop != end || weight < kLeastWeight || weight > kMostWeight) return std::nullopt;
    return weight;
}

bool is_zone(std::string_view text) {
    return !text.empty() && text.size() <= base::kMaxIdentifierBytes && !has_control(text);
}

// Nothing: it is a parameter of the connection.
std::optional<std::string> wanted_of_placement(const NodeOption& option, bool& is_right) {
    if (option.key == kCheck || option.key == kMaintenance) {
        is_right = option.type == "boolean";
        return "true or false.";
    }
    if (option.key == kWeight) {
        is_right = option.type == "number" && parse_weight(option.text);
        return fmt::format("A whole number from {} to {}; {} is usual.", kLeastWeight, kMostWeight, kUsualWeight);
    }
    if (option.key == kZone) {
        is_right = option.type == "string" && is_zone(option.text);
        return fmt::format("A text of 1 to {} bytes.", base::kMaxIdentifierBytes);
    }
    return std::nullopt;
}

std::optional<base::Failure> fault_of_option(const NodeOption& option) {
    if (option.key.find("pass") != std::string::npos && option.key != "passfile")
        return invalid(fmt::format("option \"{}\" is not allowed", option.key),
                       "Passwords are not kept in tables. Put it into a passfile that the server's operating system "
                       "user reads: its ~/.pgpass, or the file named by the option passfile.");
    bool is_right = false;
    if (auto wanted = wanted_of_placement(option, is_right)) {
        if (is_right) return std::nullopt;
        return invalid(fmt::format("invalid value for option \"{}\"", option.key), *wanted);
    }
    if (std::find(std::begin(kParameters), std::end(kParameters), option.key) == std::end(kParameters))
        return invalid(fmt::format("unknown option \"{}\"", option.key), kAllowed);
    if (option.type != "string" || option.text.empty() || has_control(option.text))
        return invalid(fmt::format("invalid value for option \"{}\"", option.key), "A text that is not empty.");
    return std::nullopt;
}

}  // namespace

base::Result<Registration> read_registration(std::string_view name, std::string_view host, int port,
                                             const std::vector<NodeOption>& options) {
    if (name.empty() || name.size() > base::kMaxIdentifierBytes || has_control(name))
        return invalid(name.empty() ? "name of a node must not be empty" : "invalid name of a node",
                       fmt::format("A name of 1 to {} bytes.", base::kMaxIdentifierBytes));
    if (auto fault = fault_of_host(host)) return *fault;
    if (port < 1 || port > kMaxPort)
        return invalid(fmt::format("port {} is out of range", port), fmt::format("A number from 1 to {}.", kMaxPort));
    Registration registration{{std::string(name), std::string(host), port, {}}};
    for (const NodeOption& option : options) {
        if (auto fault = fault_of_option(option)) return *fault;
        if (option.key == kCheck)
            registration.is_checked = option.text == "true";
        else
            set_option(registration.node, option.key, option.text);
    }
    return registration;
}

void set_option(Node& node, const std::string& key, const std::string& text) {
    if (key == kMaintenance)
        node.placement.is_in_maintenance = text == "true";
    else if (key == kWeight)
        node.placement.weight = parse_weight(text).value_or(kUsualWeight);
    else if (key == kZone)
        node.placement.zone = is_zone(text) ? text : "";
    else
        node.options[key] = text;
}

std::vector<std::pair<std::string, std::string>> connection_parameters(const Node& node,
                                                                       const std::vector<std::string>& addresses,
                                                                       const std::string& database, const Pace& pace) {
    const std::string millis = fmt::format("{}", pace.timeout / 1000);
    std::vector<std::pair<std::string, std::string>> parameters = {
        // A host for each address: they are tried one after the other.
        {"host", join(std::vector<std::string>(std::max<std::size_t>(addresses.size(), 1), node.host))},
        {"port", fmt::format("{}", node.port)},
        {"dbname", database},
        {"application_name", "pg_steward prober"},
        // Kerberos would be asked by functions that wait.
        {"gssencmode", "disable"},
        {"tcp_user_timeout", millis},
        {"options", fmt::format("-c statement_timeout={} -c search_path=pg_catalog,pg_temp", millis)},
    };
    if (!addresses.empty()) parameters.emplace_back("hostaddr", join(addresses));
    for (const auto& option : node.options) {
        auto same = std::find_if(parameters.begin(), parameters.end(),
                                 [&](const auto& parameter) { return parameter.first == option.first; });
        if (same != parameters.end())
            same->second = option.second;
        else
            parameters.emplace_back(option.first, option.second);
    }
    return parameters;
}

std::string plain_line(std::string_view text, std::size_t bytes) {
    std::string line;
    for (char c : text) {
        if (line.size() == bytes) break;
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80)
            line += '?';
        else if (byte >= 0x20 && byte != 0x7f)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

}  // namespace steward::route
