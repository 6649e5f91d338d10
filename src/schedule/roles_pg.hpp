// SPDX-License-Identifier: PostgreSQL
//
// Who may do what with which job: whoever could SET ROLE to the job's role may manage it, and a superuser's job only a
// superuser.
#pragma once

#include <string>

#include "pg/postgres.hpp"

namespace steward::schedule {

// Throws unless the current user may give jobs to the role (42501), and the role may log in (55000) and connect to this
// database (42501).
void check_job_role(Oid role);

bool may_act_as(Oid role);

// The extension's owner and superusers may do what concerns all jobs of the database.
bool may_manage_all();
void check_may_manage_all(const char* what);

std::string role_name(Oid role);
// Throws 42704, with whose it is, when there is none.
Oid role_named(const std::string& name, const std::string& whose);

}  // namespace steward::schedule
