// SPDX-License-Identifier: PostgreSQL
#include "schedule/roles_pg.hpp"

#include "base/text.hpp"
#include "pg/extension.hpp"
#include "pg/guard.hpp"
#include "pg/spi.hpp"

namespace steward::schedule {

namespace {

struct Role {
    std::string name;
    bool is_superuser = false;
    bool can_login = false;
    bool can_connect = false;
    bool can_be_set = false;
};

Role read_role(Oid role) {
    pg::SafePath path;
    auto rows = pg::query("SELECT rolname, rolsuper, rolcanlogin, has_database_privilege(oid, current_database(), "
                          "'CONNECT'), pg_has_role($2, oid, $3) FROM pg_roles WHERE oid = $1",
                          {pg::Parameter::oid(role), pg::Parameter::oid(GetUserId()), pg::kSetRolePrivilege});
    if (rows.empty()) throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "role with OID {} does not exist", role);
    return {rows[0].text(0), rows[0].truth(1), rows[0].truth(2), rows[0].truth(3), rows[0].truth(4)};
}

bool is_superuser() {
    return pg::call([] { return superuser(); });
}

}  // namespace

bool may_act_as(Oid role) {
    if (is_superuser()) return true;
    pg::SafePath path;
    auto rows = pg::query("SELECT NOT rolsuper AND pg_has_role($2, oid, $3) FROM pg_roles WHERE oid = $1",
                          {pg::Parameter::oid(role), pg::Parameter::oid(GetUserId()), pg::kSetRolePrivilege});
    return !rows.empty() && rows[0].truth(0);
}

void check_job_role(Oid id) {
    Role role = read_role(id);
    if (!is_superuser()) {
        if (role.is_superuser)
            throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "only superusers may give jobs to role \"{}\"", role.name)
                .detail("It is a superuser.");
        if (!role.can_be_set)
            throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied to give jobs to role \"{}\"",
                              role.name)
                .hint("Only roles that you may SET ROLE to can run jobs of yours.");
    }
    if (!role.can_login)
        throw pg::PgError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "role \"{}\" cannot run jobs: it may not log in",
                          role.name)
            .hint("ALTER ROLE {} LOGIN, or name another role.", base::quote_identifier(role.name));
    if (!role.can_connect)
        throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                          "role \"{}\" cannot run jobs: it may not connect to this database", role.name)
            .hint("GRANT CONNECT ON DATABASE to it, or name another role.");
}

bool may_manage_all() { return is_superuser() || GetUserId() == pg::extension_owner(); }

void check_may_manage_all(const char* what) {
    if (may_manage_all()) return;
    throw pg::PgError(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied to {}", what)
        .hint("Only superusers and the owner of the extension may; name one job of yours instead.");
}

std::string role_name(Oid role) {
    pg::SafePath path;
    auto rows = pg::query("SELECT rolname FROM pg_roles WHERE oid = $1", {pg::Parameter::oid(role)});
    return rows.empty() ? std::string() : rows[0].text(0);
}

Oid role_named(const std::string& name, const std::string& whose) {
    pg::SafePath path;
    auto rows = pg::query("SELECT oid FROM pg_roles WHERE rolname = $1", {name});
    if (rows.empty()) throw pg::PgError(ERRCODE_UNDEFINED_OBJECT, "role \"{}\" of {} does not exist", name, whose);
    return rows[0].oid(0);
}

}  // namespace steward::schedule
