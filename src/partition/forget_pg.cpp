// SPDX-License-Identifier: PostgreSQL
//
// Dropped tables leave no settings behind: the event trigger on sql_drop. It never fails the DROP of a user, whoever that
// is, and costs one look at the list of dropped objects when there is no table among them.
#include "base/text.hpp"
#include "partition/policy_pg.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace steward::partition {

namespace {

// DROP EXTENSION takes our own tables away before the trigger runs.
bool are_our_tables_there() {
    return pg::call([] {
        Oid schema = get_namespace_oid("steward", true);
        return OidIsValid(schema) && OidIsValid(get_relname_relid("partition_policies", schema)) &&
               OidIsValid(get_relname_relid("partition_trash", schema)) &&
               OidIsValid(get_relname_relid("partition_pace", schema));
    });
}

// As an array literal of OIDs; empty when no table was dropped.
std::string dropped_tables() {
    std::string list;
    for (const pg::Row& row :
         pg::query("SELECT o.objid FROM pg_catalog.pg_event_trigger_dropped_objects() o "
                   "WHERE o.classid OPERATOR(pg_catalog.=) 1259 AND o.objsubid OPERATOR(pg_catalog.=) 0 "
                   "AND o.object_type OPERATOR(pg_catalog.=) ANY (ARRAY['table', 'foreign table'])"))
        list += fmt::format("{}{}", list.empty() ? "{" : ",", row.oid(0));
    return list.empty() ? list : list + "}";
}

void forget(const std::string& tables) {
    AsExtensionOwner as_extension;
    pg::execute("DELETE FROM steward.partition_policies WHERE parent = ANY ($1::oid[])", {tables});
    pg::execute("DELETE FROM steward.partition_pace WHERE parent = ANY ($1::oid[])", {tables});
    pg::execute("UPDATE steward.partition_policies SET template = NULL WHERE template = ANY ($1::oid[])", {tables});
    pg::execute("DELETE FROM steward.partition_trash WHERE partition = ANY ($1::oid[])", {tables});
}

void warn(const pg::ErrorReport& failure) {
    const char* message = failure.message.c_str();
    pg::call([&] {
        ereport(WARNING, (errmsg("pg_steward could not forget the dropped tables: %s", message),
                          errhint("steward.doctor() shows settings that are left over.")));
    });
}

}  // namespace

}  // namespace steward::partition

using namespace steward;

STEWARD_FUNCTION(steward_forget_dropped_tables) {
    return pg::entry([&] {
        if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
            throw pg::PgError(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED,
                              "steward.forget_dropped_tables() must be called as an event trigger");
        if (IsBinaryUpgrade || !partition::are_our_tables_there()) return Datum{0};
        auto failure = pg::attempt(pg::Bounded::subtransaction, [] {
            std::string tables = partition::dropped_tables();
            if (!tables.empty()) partition::forget(tables);
        });
        if (failure) partition::warn(*failure);
        return Datum{0};
    });
}
