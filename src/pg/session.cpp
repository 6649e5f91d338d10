// SPDX-License-Identifier: PostgreSQL
#include "pg/session.hpp"

#include <cstring>
#include <vector>

#include "pg/guard.hpp"

extern "C" {
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "utils/portal.h"
}

namespace steward::pg {

namespace {

constexpr char kPlpgsql[] = "plpgsql";

}  // namespace

std::set<std::string> loaded_libraries() {
    std::vector<char> names(call([] { return EstimateLibraryStateSpace(); }));
    call([&] { SerializeLibraryState(names.size(), names.data()); });
    std::set<std::string> libraries;
    // One after the other, each with its terminator, and an empty one at the end.
    for (const char* name = names.data(); *name != '\0'; name += std::strlen(name) + 1) {
        std::string library = name;
        if (library.find(kPlpgsql) == std::string::npos) libraries.insert(std::move(library));
    }
    return libraries;
}

bool lock_database_now() {
    return call([] {
        LOCKTAG database;
        SET_LOCKTAG_OBJECT(database, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
        return LockAcquire(&database, RowExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
    });
}

void reload_settings() {
    if (ConfigReloadPending == 0) return;
    ConfigReloadPending = 0;
    call([] { ProcessConfigFile(PGC_SIGHUP); });
}

bool discard_session() {
    ErrorReport report;
    bool done = capture(report, [] {
        call([] {
            StartTransactionCommand();
            PortalHashTableDeleteAll();
            SetPGVariable("session_authorization", NIL, false);
            ResetAllOptions();
            DropAllPreparedStatements();
            Async_UnlistenAll();
            LockReleaseAll(USER_LOCKMETHOD, true);
            ResetTempTableNamespace();
            ResetSequenceCaches();
            CommitTransactionCommand();
        });
    });
    if (!done) call([] { AbortCurrentTransaction(); });
    return done;
}

}  // namespace steward::pg
