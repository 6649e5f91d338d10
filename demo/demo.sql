-- SPDX-License-Identifier: PostgreSQL
--
-- The main job on real data: the log of commits of 14 public database projects, 2006 to 2026, written in 20 UTC offsets.

CREATE EXTENSION pg_steward;

CREATE TABLE commits (
    repo          text NOT NULL,
    commit        text NOT NULL,
    author_time   timestamptz NOT NULL,
    commit_time   timestamptz NOT NULL,
    parents       integer NOT NULL,
    subject_chars integer NOT NULL,
    PRIMARY KEY (repo, commit, commit_time)
) PARTITION BY RANGE (commit_time);

-- A policy: months of UTC from 2006 on, four ready ahead of now.
SELECT * FROM steward.manage_partitions('commits', '1 month', future => 4, timezone => 'UTC',
    options => '{"start": "2006-01-01"}');
SELECT create_future_partitions('commits');

\copy commits FROM PROGRAM 'gzip -dc demo/commits.csv.gz' WITH (FORMAT csv, HEADER)
ANALYZE commits;

SELECT count(*) AS commits, count(DISTINCT tableoid) AS partitions, min(commit_time), max(commit_time) FROM commits;

-- Every partition, with its bounds and sizes.
SELECT partition_name, range_start, range_end, is_current, row_estimate, total_bytes
FROM partition_info WHERE parent_table = 'commits'::regclass ORDER BY range_start DESC LIMIT 8;

-- The set as a whole.
\x on
SELECT * FROM get_partition_stats('commits');
\x off

-- A hole, as somebody's mistake would make it: maintenance finds and fills it.
DROP TABLE commits_2026_12;
SELECT step, action, object, lock_mode, reason, risk FROM steward.partition_plan('commits');
SELECT * FROM maintain_partitions();

-- Retention: first what would go, then exactly that; nothing is lost for a week.
SELECT parent_table, keeps FROM steward.manage_partitions('commits', keep => '12 years');
SELECT count(*) AS steps, min(object) AS first, max(object) AS last, sum(estimated_bytes) AS bytes,
    min(lock_mode) AS lock_mode, min(risk) AS risk
FROM steward.partition_plan('commits') WHERE action = 'detach';
SELECT outcome, count(*) FROM maintain_partitions() GROUP BY outcome;
SELECT count(*) AS in_the_trash, min(drop_after) - now() > interval '6 days' AS safe_for_a_week, sum(total_bytes) AS bytes
FROM steward.trash;
SELECT steward.restore_partition('commits_2008_02');
SELECT count(*) AS commits_of_february_2008 FROM commits WHERE commit_time >= '2008-02-01' AND commit_time < '2008-03-01';

-- A second run has nothing left to do.
SELECT * FROM maintain_partitions();

SELECT action, outcome, count(*), round(avg(duration_ms)::numeric, 2) AS mean_ms
FROM steward.partition_history GROUP BY action, outcome ORDER BY action;
SELECT * FROM steward.doctor();
