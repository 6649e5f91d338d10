-- SPDX-License-Identifier: PostgreSQL
-- The library is the one that the install script belongs to.
SELECT steward.version() = extversion AS same_version FROM pg_extension WHERE extname = 'pg_steward';
-- Whoever is not a superuser may ask, too.
CREATE ROLE steward_house_nobody;
SET ROLE steward_house_nobody;
SELECT steward.version() IS NOT NULL AS answers;
RESET ROLE;
DROP ROLE steward_house_nobody;
