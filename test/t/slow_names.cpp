// SPDX-License-Identifier: PostgreSQL
//
// Preloaded into a server: the name slow.test is looked up for ever, all others as usual.
#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

#include <cstring>

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    const bool is_number = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
    while (!is_number && name != nullptr && strcmp(name, "slow.test") == 0) pause();
    using Look = int(const char*, const char*, const addrinfo*, addrinfo**);
    return reinterpret_cast<Look*>(dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, found);
}
