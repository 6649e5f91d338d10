-- SPDX-License-Identifier: PostgreSQL
--
-- What is wrong with the objects that CREATE EXTENSION has made; no row is good. Run in a database without it.

SET client_min_messages = warning;
CREATE EXTENSION pg_steward;

WITH member AS (
    SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS name
    FROM pg_depend d
    JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
    WHERE e.extname = 'pg_steward' AND d.deptype = 'e'
)
-- Row types and array types follow their table or type, the sequences of identity columns their column.
SELECT 'no comment: ' || m.name
FROM member m
LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
LEFT JOIN pg_class r ON r.oid = t.typrelid
WHERE obj_description(m.objid, m.classid::regclass::name) IS NULL
  AND (t.oid IS NULL OR (t.typelem = 0 AND (t.typrelid = 0 OR r.relkind = 'c')))
  AND NOT (m.classid = 'pg_class'::regclass AND (SELECT relkind FROM pg_class WHERE oid = m.objid) = 'c')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = m.objid AND m.classid = d.classid
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
                  AND (SELECT relkind FROM pg_class WHERE oid = m.objid) = 'S')
UNION ALL
SELECT 'SECURITY DEFINER without search_path: ' || m.name
FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
WHERE p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%')
UNION ALL
SELECT 'plpgsql without search_path: ' || m.name
FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname = 'plpgsql' AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%')
UNION ALL
SELECT 'table not registered with pg_extension_config_dump: ' || m.name
FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
JOIN pg_extension e ON e.extname = 'pg_steward'
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT (c.oid = ANY (coalesce(e.extconfig, '{}')));
