// SPDX-License-Identifier: PostgreSQL
//
// Registering nodes and removing them. The caller's own rights on steward.nodes decide.
#include "base/text.hpp"
#include "pg/databases.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/srf.hpp"
#include "pg/transaction.hpp"
#include "route/nodes_pg.hpp"
#include "route/remote_pg.hpp"
#include "route/shared_pg.hpp"

extern "C" {
#include "utils/jsonb.h"
}

namespace steward::route {

std::string jsonb_argument(FunctionCallInfo fcinfo, int index) {
    return pg::call([&] { return DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(index))); });
}

std::vector<NodeOption> read_options(const std::string& json) {
    if (pg::query("SELECT jsonb_typeof($1::jsonb)", {json})[0].text(0) != "object")
        throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "options must be a JSON object")
            .hint("For example '{{\"user\": \"steward\", \"sslmode\": \"require\"}}'.");
    std::vector<NodeOption> options;
    for (const pg::Row& row :
         pg::query("SELECT key, jsonb_typeof(value), value #>> '{}' FROM jsonb_each($1::jsonb)", {json}))
        options.push_back({row.text(0), row.text(1), row.text(2)});
    return options;
}

void refuse_on_standby(const char* what) {
    if (!RecoveryInProgress()) return;
    throw pg::PgError(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot {} nodes during recovery", what)
        .hint("Do so on the primary: standbys get the table by replication.");
}

void refuse_password(const std::map<std::string, std::string>& conninfo) {
    if (conninfo.count("password") == 0 && conninfo.count("sslpassword") == 0) return;
    throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "a password is not taken in a connection string")
        .hint("Put it into a passfile that the server's operating system user reads, and name that if it is not "
              "~/.pgpass: passfile=...");
}

namespace {

// ---- Looking before writing down -----------------------------------------------------------------------------------------

class Check {
public:
    explicit Check(const Node& node) : node_(node), patience_(probe_timeout) {}

    void run() {
        const Facts facts = ask();
        if (facts.system_identifier != pg::system_identifier())
            throw pg::PgError(ERRCODE_INVALID_PARAMETER_VALUE, "node \"{}\" belongs to another cluster", node_.name)
                .detail("Its system identifier is {}, that of this server {}.", facts.system_identifier,
                        pg::system_identifier())
                .hint("Register the servers of this cluster: its primary and the standbys made from it.");
    }

private:
    [[noreturn]] void give_up(const std::string& why) const {
        throw pg::PgError(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, "could not ask node \"{}\" at {}:{}",
                          node_.name, node_.host, node_.port)
            .detail("{}", why)
            .hint("Mend that, or register it without a look: options => '{{\"check\": false}}'.");
    }

    Facts ask() const {
        try {
            return ask(addresses_of(node_.host, patience_));
        } catch (const RemoteError& error) {
            give_up(error.what());
        }
    }

    Facts ask(const std::vector<std::string>& addresses) const {
        Peer peer(node_, addresses, pg::current_database(), pace());
        finish(
            peer, [&] { return peer.socket() < 0 ? Peer::State::failed : Peer::State::waiting; },
            [&] { return peer.connect(); });
        finish(
            peer, [&] { return peer.ask({}); }, [&] { return peer.receive(); });
        if (!peer.answer()) give_up(peer.answer().failure().message);
        return peer.answer()->facts;
    }

    template <class Begin, class Go>
    void finish(const Peer& peer, Begin begin, Go go) const {
        Peer::State state = begin();
        while (state == Peer::State::waiting) {
            wait_for_socket(peer.socket(), peer.events(), patience_);
            state = go();
        }
        if (state == Peer::State::failed) give_up(peer.error());
    }

    const Node& node_;
    Patience patience_;
};

// ---- The functions -------------------------------------------------------------------------------------------------------

void refuse_twice(const Node& node) {
    for (const pg::Row& row :
         pg::query("SELECT name, name = $1 FROM steward.nodes WHERE name = $1 OR (host = $2 AND port = $3)",
                   {node.name, node.host, node.port})) {
        if (row.truth(1))
            throw pg::PgError(ERRCODE_DUPLICATE_OBJECT, "node \"{}\" is registered already", node.name)
                .hint("SELECT steward.remove_node({}); takes it away.", base::quote_literal(node.name));
        throw pg::PgError(ERRCODE_DUPLICATE_OBJECT, "{}:{} is registered already, as node \"{}\"", node.host, node.port,
                          row.text(0))
            .hint("A server is one node.");
    }
    if (pg::query("SELECT count(*) FROM steward.nodes")[0].number(0) >= kMaxNodes)
        throw pg::PgError(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "{} nodes are registered already", kMaxNodes)
            .hint("steward.remove_node() takes those away that are gone.");
}

void register_node(const std::string& name, const std::string& host, int port, const std::string& json) {
    const pg::SafePath path;
    refuse_on_standby("register");
    const Registration wanted = pg::value_or_throw(read_registration(name, host, port, read_options(json)));
    const Node& node = wanted.node;
    refuse_twice(node);
    // First what the caller may not do, then what the network says.
    pg::execute("INSERT INTO steward.nodes (name, host, port, options) VALUES ($1, $2, $3, $4::jsonb - 'check')",
                {node.name, node.host, node.port, json});
    if (wanted.is_checked) Check(node).run();
}

void remove_node(const std::string& name) {
    const pg::SafePath path;
    refuse_on_standby("remove");
    if (pg::execute("DELETE FROM steward.nodes WHERE name = $1", {name}) == 0)
        throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "node \"{}\" is not registered", name)
            .hint("The table steward.nodes has those that are.");
}

}  // namespace

}  // namespace steward::route

STEWARD_FUNCTION(steward_register_node) {
    using namespace steward;
    return pg::entry([&]() -> Datum {
        for (int i = 0; i < 4; ++i)
            if (PG_ARGISNULL(i))
                throw pg::PgError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "name, host, port and options must not be null");
        const std::string json = route::jsonb_argument(fcinfo, 3);
        route::register_node(pg::text_argument(fcinfo, 0), pg::text_argument(fcinfo, 1), PG_GETARG_INT32(2), json);
        return Datum{0};
    });
}

STEWARD_FUNCTION(steward_remove_node) {
    using namespace steward;
    return pg::entry([&]() -> Datum {
        route::remove_node(pg::text_argument(fcinfo, 0));
        return Datum{0};
    });
}
