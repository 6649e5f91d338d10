# SPDX-License-Identifier: PostgreSQL
#
# Texts of any length and encoding, lists of any length, parameters in any format: one entry a query, whatever its text is like.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

# Names of a megabyte are cut by the server, which it would say.
$ENV{PGOPTIONS} = '-c client_min_messages=warning';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_steward'", 'autovacuum = off', 'steward.capture_save_interval = 0',
    'steward.capture_text_memory = 1MB'));
$node->start;
sub sql { my ($query, $db) = @_; return $node->safe_psql($db // 'postgres', $query); }
sql(q{
    CREATE EXTENSION pg_steward;
    CREATE ROLE worker LOGIN;
    CREATE TABLE t (a integer PRIMARY KEY, b integer, c text);
    INSERT INTO t SELECT i, 0, 'x' FROM generate_series(1, 1000) i;
    GRANT ALL ON t TO worker;
});
sub of_worker { my ($what, $like) = @_; return sql("SELECT $what FROM steward.queries WHERE role = 'worker' AND query LIKE '$like'"); }
# From a file, since no command line is long enough.
my $files = 0;
sub work_file {
    my ($statement, $db) = @_;
    my $file = $node->basedir . '/work' . ++$files . '.sql';
    append_to_file($file, "$statement;\n");
    return IPC::Run::run([ 'psql', '-XAtq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db // 'postgres') . ' user=worker', '-f', $file ]);
}

# ---- Length ----------------------------------------------------------------------------------------------------------

my $megabyte = 1024 * 1024;
ok(work_file(q{SELECT length('} . 'x' x $megabyte . q{') AS constant}), 'a constant of a megabyte');
is(of_worker(q{query || ' ' || calls || ' ' || is_cut}, '%AS constant'), 'SELECT length($1) AS constant 1 false', 'is not in the text');
ok(work_file('SELECT a FROM t WHERE ' . join(' OR ', map { 'a = b + 1' } 1 .. $megabyte / 14)), 'a statement of a megabyte');
is(of_worker(q{octet_length(query) || ' ' || calls || ' ' || is_cut}, 'SELECT a FROM t WHERE a = b + $1 OR%'), '16384 1 true', 'is cut');
ok(work_file('SELECT 1 AS "' . 'ä' x $megabyte . '"'), 'a name of two megabytes');
is(of_worker(q{octet_length(query) || ' ' || replace(query, 'ä', '') || ' ' || is_cut}, 'SELECT $1 AS "ä%'), '16384 SELECT $1 AS " true', 'is cut between characters')
    or diag(of_worker('octet_length(query)', 'SELECT $1 AS "ä%'));
ok(work_file('SELECT 11 AS "' . 'ä' x $megabyte . '"'), 'and one that begins elsewhere');

# Lists: what differs in their length is shown alike, and the server tells it apart or not.
ok(work_file('SELECT a FROM t WHERE a IN (' . join(', ', 1 .. $_) . ')'), "a list of $_ constants") for 10_000, 9_999;
is(of_worker(q{sum(calls) || ' ' || count(DISTINCT query) || ' ' || bool_or(is_cut)}, 'SELECT a FROM t WHERE a IN (%'), '2 1 false', 'is one text');
cmp_ok(of_worker('max(octet_length(query))', 'SELECT a FROM t WHERE a IN (%'), '<', 100, 'and a short one');
ok(work_file('SELECT 1 WHERE 1 IN (' . join(', ', map { "(SELECT $_)" } 1 .. 1000) . ')'), 'a list of other things');
is(of_worker('calls', 'SELECT $1 WHERE $2 IN ((SELECT%'), '1', 'is counted');

# The room for texts is full at some time; counting goes on.
for my $n (1 .. 80) {
    work_file("SELECT $n AS \"" . 'y' x 60 . join('', map { $n >> $_ & 1 ? '+' : '-' } 0 .. 6) . '", ' . join(', ', map { "a AS \"column_$_\"" } 1 .. 700)
        . ' FROM t WHERE ' . join(' AND ', map { $n >> $_ & 1 ? 'a = b' : 'b = a' } 0 .. 6));
}
is(sql(q{SELECT sum(calls) FROM steward.queries WHERE role = 'worker' AND (query IS NULL OR query LIKE 'SELECT $1 AS "yyy%')}), 80, 'with and without a text');
cmp_ok(sql('SELECT queries_without_text FROM steward.capture_status'), '>', 0, 'which the status says');
sql('SELECT steward.reset_queries()');
work_file('SELECT 1 AS room_again');
is(of_worker('calls', '%room_again'), 1, 'a reset makes room for texts');

# ---- Encodings -------------------------------------------------------------------------------------------------------

sql(q{CREATE DATABASE japanese TEMPLATE template0 ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C'});
sql(q{CREATE TABLE t (a integer PRIMARY KEY, b integer, c text); GRANT ALL ON t TO worker}, 'japanese');
ok(work_file("SET client_encoding = 'UTF8';\nSELECT 1 AS \"" . '日' x 20_000 . '"', 'japanese'), 'another encoding');
sub japanese { my $what = shift; return sql("SELECT $what FROM steward.queries WHERE role = 'worker' AND database = 'japanese' AND query LIKE 'SELECT \$1 AS \"%'", shift); }
is(japanese(q{octet_length(query) || ' ' || is_cut || ' ' || replace(query, '?', '')}), '16384 true SELECT $1 AS "', 'is not what this database can show');
sql('CREATE EXTENSION pg_steward', 'japanese');
like(japanese('query', 'japanese'), qr/^SELECT \$1 AS ".{100}/, 'but that one can');

# ---- Two databases ---------------------------------------------------------------------------------------------------

work_file('SELECT b FROM t WHERE a = 3', $_) for 'postgres', 'postgres', 'japanese';
is(of_worker(q{string_agg(database || ' ' || calls, ', ' ORDER BY database)}, 'SELECT b FROM t WHERE a = $1'), 'japanese 1, postgres 2', 'each database has its own');

# ---- Protocols -------------------------------------------------------------------------------------------------------

my $script = $node->basedir . '/script.sql';
append_to_file($script, "\\set a random(1, 1000)\nSELECT c FROM t WHERE a = :a AND b = 0;\n");
for my $protocol ('simple', 'extended', 'prepared') {
    sql(q{SELECT steward.reset_queries(role => 'worker')});
    ok(IPC::Run::run([ 'pgbench', '-n', '-M', $protocol, '-f', $script, '-t', '100', '-h', $node->host, '-p', $node->port, '-U', 'worker', 'postgres' ],
        '>', '/dev/null', '2>', '/dev/null'), "the $protocol protocol");
    is(sql(q{SELECT string_agg(concat_ws(' ', calls, rows, errors, min_ms > 0), ',') FROM steward.queries WHERE role = 'worker' AND query LIKE 'SELECT c FROM t%'}),
        '100 100 0 t', 'counts each call');
}
my $plans = sql(q{SELECT sum(plans) FROM steward.queries WHERE role = 'worker' AND query LIKE 'SELECT c FROM t%'});
cmp_ok($plans, '<', 100, "and planned $plans times when it was prepared");

# Parts of one execution: a portal that is read bit by bit, and one that is left.
sql(q{SELECT steward.reset_queries(role => 'worker')});
work_file("BEGIN;\nDECLARE p CURSOR FOR SELECT a, b FROM t ORDER BY a;\n" . "FETCH FORWARD 7 FROM p;\n" x 143 . 'COMMIT');
is(of_worker(q{string_agg(concat_ws(' ', calls, rows), ',')}, 'FETCH FORWARD%'), '143 1000', 'a cursor is read by FETCH');
work_file("BEGIN;\nDECLARE c CURSOR FOR SELECT a, c FROM t ORDER BY a;\nFETCH 5 FROM c;\nFETCH 6 FROM c;\nCOMMIT");
is(of_worker(q{string_agg(concat_ws(' ', calls, rows, errors), ',')}, 'FETCH $1 FROM c'), '2 11 0', 'with the rows that were read');

$node->stop;
quiet_log($node);
done_testing();
