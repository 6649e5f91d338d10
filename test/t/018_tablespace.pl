# SPDX-License-Identifier: PostgreSQL
#
# retire: tablespace. A partition moves whole, with its indexes and subpartitions; what cannot move does not leave its table.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $place = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE \"Cold Store\" LOCATION '$place'");
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE ROLE owner;
    GRANT CREATE ON SCHEMA public TO owner;
    SET ROLE owner;
    CREATE TABLE log (at timestamptz NOT NULL, n integer, payload text, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
    CREATE INDEX ON log (n);
    CREATE TABLE tree (at timestamptz NOT NULL, n integer, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
    SELECT * FROM steward.manage_partitions('log', '1 month', future => 1, timezone => 'UTC',
        options => json_build_object('start', now() - interval '3 months', 'max_drop_percent', 100)::jsonb);
    SELECT * FROM steward.manage_partitions('tree', '1 month', future => 1, timezone => 'UTC',
        options => json_build_object('start', now() - interval '3 months', 'max_drop_percent', 100,
            'subpartition_by', 'HASH (n)', 'subpartitions', 2)::jsonb);
    SELECT * FROM maintain_partitions();
    INSERT INTO log SELECT now() - i * interval '1 day', i, repeat('x', i) FROM generate_series(0, 85) i;
    INSERT INTO tree SELECT at, n FROM log});
my %rows = map { $_ => fingerprint($node, $_) } 'log', 'tree';

# What a partition consists of, TOAST and indexes included, and where that lies.
my $family = q{WITH RECURSIVE family(top, id) AS (
        SELECT c.oid, c.oid FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(log|tree)_\d+_\d+$'
        UNION ALL SELECT f.top, i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.id),
    whole(top, id) AS (SELECT * FROM family UNION SELECT top, indexrelid FROM family JOIN pg_index ON indrelid = id),
    everything(top, id) AS (SELECT * FROM whole
        UNION SELECT top, reltoastrelid FROM whole JOIN pg_class ON oid = id WHERE reltoastrelid <> 0
        UNION SELECT top, indexrelid FROM whole JOIN pg_class ON oid = id JOIN pg_index ON indrelid = reltoastrelid)};
my $state = qq{$family SELECT top::regclass, (SELECT relispartition FROM pg_class WHERE oid = top), id::regclass, relkind, coalesce(spcname, '')
    FROM everything JOIN pg_class c ON c.oid = id LEFT JOIN pg_tablespace s ON s.oid = reltablespace
    ORDER BY top::regclass::text, id::regclass::text};
my $places = qq{$family SELECT (SELECT relispartition FROM pg_class WHERE oid = top), string_agg(DISTINCT coalesce(spcname, '-'), ',')
    FROM everything JOIN pg_class c ON c.oid = id LEFT JOIN pg_tablespace s ON s.oid = reltablespace GROUP BY 1 ORDER BY 1};
my $trash = 'SELECT partition, held_until IS NULL FROM steward.partition_trash ORDER BY partition::text';
my $maintain = q{SELECT action, outcome, count(*) FROM maintain_partitions() GROUP BY 1, 2 ORDER BY 1, 2};

sub policy {
    my ($where, $table) = @_;
    return $node->psql('postgres', sprintf(q{SET ROLE owner; SELECT * FROM steward.manage_partitions('%s', keep => '1 month',
        options => '{"retire": "tablespace", "retire_to": "%s"}')}, $table // 'log', $where));
}

# Said when the policy is made.
for my $where ('Nowhere', 'Cold Store', 'pg_global') {
    my (undef, undef, $stderr) = policy($where);
    like($stderr, qr/invalid value for option "retire_to": "$where".*HINT:  The name of a tablespace in which the owner of the table may create/s,
        "$where: refused when it is registered");
}
is($node->safe_psql('postgres', q{SELECT DISTINCT retire FROM steward.partition_sets}), 'trash', 'and not registered');
$node->safe_psql('postgres', 'GRANT CREATE ON TABLESPACE "Cold Store" TO owner');
is((policy('Cold Store', $_))[2], '', "$_: a place where the owner may go") for 'log', 'tree';

# The place is gone, or the privilege: by then nothing may leave its table half-way.
my $before = $node->safe_psql('postgres', $state);
for my $change ([ 'ALTER TABLESPACE "Cold Store" RENAME TO away', 'ALTER TABLESPACE away RENAME TO "Cold Store"', 'no tablespace' ],
    [ 'REVOKE CREATE ON TABLESPACE "Cold Store" FROM owner', 'GRANT CREATE ON TABLESPACE "Cold Store" TO owner', 'no privilege' ]) {
    my ($break, $repair, $what) = @$change;
    $node->safe_psql('postgres', $break);
    my $refusals = 'SELECT action, outcome, detail FROM maintain_partitions()';
    for my $run ($refusals, "BEGIN; $refusals; COMMIT") {
        like($node->safe_psql('postgres', "SET ROLE owner; $run"),
            qr/^(?:detach\|refused\|the owner of public\.(?:log|tree) cannot move tables to tablespace "Cold Store": .*\n?){4}$/, "$what: refused");
    }
    is($node->safe_psql('postgres', q{SELECT DISTINCT risk FROM steward.partition_plan() WHERE action IN ('detach', 'move')}), 'refused',
        "$what: which the plan shows");
    my ($status, $stdout, $stderr) = $node->psql('postgres', q{SET ROLE owner; SELECT drop_old_partitions('log', 1)});
    is($stdout, 0, "$what: by hand nothing is done");
    like($stderr, qr/WARNING:  detach of partition public.log_\d+_\d+ refused: .*"Cold Store"/, "$what: and it is said why");
    is($node->safe_psql('postgres', $state), $before, "$what: all is as it was");
    is($node->safe_psql('postgres', $trash), '', "$what: and nothing in the trash");
    is(fingerprint($node, $_), $rows{$_}, "$what: the same rows of $_") for 'log', 'tree';
    $node->safe_psql('postgres', $repair);
}

# It moves whole.
my @old = split /\n/, $node->safe_psql('postgres', q{SELECT object FROM steward.partition_plan() WHERE action = 'detach'});
is(scalar @old, 4, 'two partitions of each table are past');
my %moved = map { $_ => fingerprint($node, $_) } @old;
like($node->safe_psql('postgres', q{SELECT string_agg(sql, ';') FROM steward.partition_plan('log') WHERE action = 'move'}),
    qr/^ALTER TABLE public\.(log_\d+_\d+) SET TABLESPACE "Cold Store";\nALTER INDEX public\.\1_n_idx SET TABLESPACE "Cold Store";\nALTER INDEX public\.\1_pkey/,
    'the plan shows the indexes');
is($node->safe_psql('postgres', "SET ROLE owner; $maintain"), "detach|done|4\nmove|done|4", 'detached and moved');
is($node->safe_psql('postgres', $places), "f|Cold Store\nt|-", 'with indexes, TOAST and subpartitions, and nothing else');
is($node->safe_psql('postgres', q{SELECT count(*), count(drop_after) FROM steward.trash}), '4|0', 'to stay there for ever');
for my $table (@old) {
    is(fingerprint($node, $table), $moved{$table}, "$table: the same rows");
    is($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM $table WHERE at > '-infinity'"),
        (split / /, $moved{$table})[0], "$table: by its index too");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}), 0, 'all indexes are valid');

# And comes back, from where it lies.
is($node->safe_psql('postgres', q{SELECT count(steward.restore_partition(partition::text)) FROM steward.trash}), 4, 'all come back');
is(fingerprint($node, $_), $rows{$_}, "$_: the same rows") for 'log', 'tree';
is($node->safe_psql('postgres', $places), 't|-,Cold Store', 'from the other tablespace');
is($node->safe_psql('postgres', "SET ROLE owner; $maintain"), '', 'and are left alone for a while');

quiet_log($node, qr/invalid value for option|WARNING:  detach of partition/);
$node->stop;
done_testing();
