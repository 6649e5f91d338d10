-- SPDX-License-Identifier: PostgreSQL
--
-- The main job on real data: the log of commits to PostgreSQL tools, 2006 to 2026.

CREATE EXTENSION pg_steward;

CREATE TABLE commits (
    repo text, commit text, author_time timestamptz, commit_time timestamptz NOT NULL, parents int, subject_chars int
) PARTITION BY RANGE (commit_time);

DO $$
BEGIN
    FOR month IN 0 .. 12 * 21 - 1 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF commits FOR VALUES FROM (%L) TO (%L)',
                       to_char(timestamp '2006-01-01' + month * interval '1 month', '"commits_"YYYY_MM'),
                       timestamp '2006-01-01' + month * interval '1 month',
                       timestamp '2006-01-01' + (month + 1) * interval '1 month');
    END LOOP;
END $$;

\copy commits FROM PROGRAM 'gzip -dc demo/commits.csv.gz' WITH (FORMAT csv, HEADER)

SELECT count(*) AS commits, count(DISTINCT tableoid) AS partitions, min(commit_time)::date, max(commit_time)::date FROM commits;
