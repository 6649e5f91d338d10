# SPDX-License-Identifier: PostgreSQL
#
# Bloat is sampled without waiting for anybody, while others write, and on a standby; what others keep to themselves or have
# broken stops nothing.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', 'autovacuum = off');
$primary->start;
$primary->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE EXTENSION pgstattuple;
    CREATE TABLE bloated (id int PRIMARY KEY, note text);
    INSERT INTO bloated SELECT n, repeat('x', 100) FROM generate_series(1, 60000) n;
    DELETE FROM bloated WHERE id <= 30000;
    CREATE TABLE broken (id int PRIMARY KEY, note text);
    INSERT INTO broken SELECT n, repeat('x', 100) FROM generate_series(1, 10000) n;
    CREATE UNLOGGED TABLE unlogged AS SELECT n, repeat('x', 100) FROM generate_series(1, 10000) n;
    CHECKPOINT;
});
my $truth = q{(SELECT dead_tuple_len + free_space FROM pgstattuple('bloated'))};

# ---- Others hold locks ----
my $locker = session($primary, 'locker', 'BEGIN', 'LOCK TABLE bloated', 'SELECT pg_sleep(600)');
my $pid = pid_of($primary, q{application_name = 'locker' AND wait_event = 'PgSleep'});
for my $call (q{estimate_bloat('bloated')}, q{measure_bloat('bloated')}) {
    my ($status, undef, $stderr) = $primary->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM steward.$call");
    like($stderr, qr/ERROR:  55P03: "bloated" is locked by somebody who keeps readers out/, "steward.$call does not wait");
}
is($primary->safe_psql('postgres', q{
    SELECT relation, outcome, detail FROM steward.sample_bloat(1000) WHERE relation IN ('bloated'::regclass, 'broken'::regclass) ORDER BY 1}),
    "bloated|skipped|locked by somebody who keeps readers out\nbroken|sampled|", 'steward.sample_bloat() goes on with the others');
is($primary->safe_psql('postgres', q{SELECT count(*), min(relation_bytes) > 0 FROM steward.bloat WHERE relation = 'bloated'::regclass}),
    '1|t', 'steward.bloat does not wait either');
$primary->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
finish($locker);
wait_for($primary, "NOT EXISTS (SELECT FROM pg_locks WHERE pid = $pid)", 'the lock to be gone');

# ---- Writers are not disturbed, and their rows are neither dead nor in the way ----
my $writer = session($primary, 'writer', 'BEGIN', 'UPDATE bloated SET note = note WHERE id > 59000', 'SELECT pg_sleep(600)');
$pid = pid_of($primary, q{application_name = 'writer' AND wait_event = 'PgSleep'});
is($primary->safe_psql('postgres', "SELECT $truth BETWEEN bloat_bytes_low AND bloat_bytes_high FROM steward.estimate_bloat('bloated')"), 't',
    'a table with a transaction under way');
$primary->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
finish($writer);

# ---- Temporary tables of others ----
my $other = session($primary, 'other', 'CREATE TEMP TABLE mine AS SELECT generate_series(1, 10000)', 'SELECT pg_sleep(600)');
$pid = pid_of($primary, q{application_name = 'other' AND wait_event = 'PgSleep'});
my $temporary = $primary->safe_psql('postgres', q{SELECT oid FROM pg_class WHERE relname = 'mine'});
my ($status, undef, $stderr) = $primary->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM steward.estimate_bloat($temporary)");
like($stderr, qr/ERROR:  0A000: cannot access temporary tables of other sessions/, 'those of other sessions are refused');
is($primary->safe_psql('postgres', "SELECT count(*) FROM steward.bloat WHERE relation = $temporary"), 0, 'and not listed');
$primary->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
finish($other);

# ---- A standby ----
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{SELECT count(*) FROM steward.sample_bloat(1000)});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($standby->safe_psql('postgres', "SELECT $truth BETWEEN bloat_bytes_low AND bloat_bytes_high, is_exact FROM steward.estimate_bloat('bloated')"),
    't|f', 'steward.estimate_bloat() on a standby');
is($standby->safe_psql('postgres', q{SELECT is_exact FROM steward.estimate_bloat('bloated_pkey')}), 't', 'of an index');
is($standby->safe_psql('postgres', "SELECT bloat_bytes = $truth FROM steward.measure_bloat('bloated')"), 't', 'steward.measure_bloat()');
is($standby->safe_psql('postgres', q{SELECT sampled_at IS NOT NULL, measured_at FROM steward.bloat WHERE relation = 'bloated'::regclass}), 't|',
    'steward.bloat has what the primary found');
($status, undef, $stderr) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM steward.sample_bloat()");
like($stderr, qr/ERROR:  25006: cannot store samples of bloat during recovery/, 'steward.sample_bloat() refuses on a standby');
($status, undef, $stderr) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM steward.estimate_bloat('unlogged')");
like($stderr, qr/ERROR:  0A000: cannot access temporary or unlogged relations during recovery/, 'unlogged tables have no pages there');
quiet_log($standby, qr/ERROR:  cannot |replication|could not receive|streaming|walreceiver/);
$standby->stop;

# ---- A page that cannot be read ----
my $file = $primary->data_dir . '/' . $primary->safe_psql('postgres', q{SELECT pg_relation_filepath('broken')});
$primary->stop;
open(my $handle, '+<:raw', $file) or die "$file: $!";
seek($handle, 8192 * 3, 0);
print $handle "\x7f" x 8192;
close($handle);
$primary->start;
$primary->safe_psql('postgres', q{UPDATE steward.bloat_estimates SET taken_at = taken_at - interval '1 day'});
like($primary->safe_psql('postgres', q{
    SELECT relation, outcome, detail FROM steward.sample_bloat(1000) WHERE relation IN ('bloated'::regclass, 'broken'::regclass) ORDER BY 1}),
    qr/^bloated\|sampled\|\nbroken\|failed\|invalid page in block 3/, 'one broken table does not keep the others from being sampled');
quiet_log($primary, qr/terminating connection|FATAL:  |is locked by somebody|temporary tables of other|invalid page/);
$primary->stop;
done_testing();
