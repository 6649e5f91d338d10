// SPDX-License-Identifier: PostgreSQL
#include "pg/databases.hpp"

#include <algorithm>

#include "pg/guard.hpp"
#include "pg/transaction.hpp"

namespace steward::pg {

namespace {

struct Found {
    Oid* databases;
    int count;
};

Found scan_databases() {
    Relation relation = table_open(DatabaseRelationId, AccessShareLock);
    TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
    int room = 64;
    Found found{static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<Size>(room))), 0};
    while (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection)) {
        auto* database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
        if (!database->datallowconn || database->datistemplate || database->datconnlimit == kInvalidDatabase) continue;
        if (found.count == room) {
            room *= 2;
            found.databases = static_cast<Oid*>(repalloc(found.databases, sizeof(Oid) * static_cast<Size>(room)));
        }
        found.databases[found.count++] = database->oid;
    }
    table_endscan(scan);
    table_close(relation, AccessShareLock);
    return found;
}

bool is_list_old = true;

void on_change(Datum, int, uint32) { is_list_old = true; }

}  // namespace

const std::vector<Oid>& connectable_databases() {
    static std::vector<Oid>* databases = nullptr;
    if (databases == nullptr) {
        databases = new std::vector<Oid>();
        call([] { CacheRegisterSyscacheCallback(DATABASEOID, on_change, Datum{0}); });
    }
    // Whose beginning hears of changes.
    auto failure = attempt(Bounded::transaction, [&] {
        if (!is_list_old) return;
        is_list_old = false;
        Found found = call([] { return scan_databases(); });
        databases->assign(found.databases, found.databases + found.count);
    });
    if (!failure) return *databases;
    is_list_old = true;
    throw PgError(std::move(*failure));
}

bool is_connectable(Oid database) {
    const std::vector<Oid>& databases = connectable_databases();
    return std::find(databases.begin(), databases.end(), database) != databases.end();
}

std::string current_database() {
    const char* name = call([] { return get_database_name(MyDatabaseId); });
    return name != nullptr ? name : "";
}

}  // namespace steward::pg
