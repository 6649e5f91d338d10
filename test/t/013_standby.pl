# SPDX-License-Identifier: PostgreSQL
#
# On a standby all that reads works, all that writes says why it does not; after promotion everything works.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight();
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE log (at timestamptz NOT NULL, n integer) PARTITION BY RANGE (at);
    SELECT * FROM steward.manage_partitions('log', '1 day', future => 2, timezone => 'UTC');
    SELECT create_future_partitions('log');
    INSERT INTO log VALUES (now(), 1);
});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{
    SELECT * FROM steward.manage_partitions('log', future => 5);
    SELECT create_future_partitions('log')});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

is($standby->safe_psql('postgres', q{SELECT count(*), count(*) FILTER (WHERE is_current) FROM partition_info WHERE parent_table = 'log'::regclass}),
    '6|1', 'partition_info');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM get_partition_stats()}),
    $primary->safe_psql('postgres', q{SELECT count(*) FROM get_partition_stats()}), 'get_partition_stats()');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.partition_plan()}), 0, 'steward.partition_plan()');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.partition_plan('log', now() + interval '3 days')}), 3, 'and for a later day');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM steward.trash}), 0, 'steward.trash');
is($standby->safe_psql('postgres', q{SELECT count(*) > 0 FROM steward.partition_history}), 't', 'steward.partition_history');
$standby->safe_psql('postgres', q{SELECT * FROM steward.doctor()});
$standby->safe_psql('postgres', q{SELECT * FROM steward.partition_drift()}) if
    $standby->safe_psql('postgres', q{SELECT count(*) FROM pg_proc WHERE proname = 'partition_drift' AND pronargdefaults = pronargs});

for my $call (q{create_future_partitions('log')}, q{drop_old_partitions('log', 3)}, 'maintain_partitions()', 'steward.empty_trash()',
    q{steward.manage_partitions('log')}, q{steward.unmanage_partitions('log')}, q{steward.restore_partition('log')}) {
    my ($status, undef, $stderr) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM $call");
    like($stderr, qr/ERROR:  25006: /, "$call refuses on a standby");
}

$standby->promote;
$primary->stop('immediate');
is($standby->safe_psql('postgres', q{
    SELECT future_periods FROM steward.manage_partitions('log', future => 8)}), 8, 'a promoted standby registers');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM maintain_partitions() WHERE outcome = 'done'}), 3, 'maintains');
is($standby->safe_psql('postgres', q{SELECT drop_old_partitions('log', 0)}), 0, 'retires');
$standby->safe_psql('postgres', 'DROP TABLE log');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM steward.partition_sets'), 0, 'and forgets dropped tables');

quiet_log($standby, qr/ERROR:  cannot (?:maintain|.* during recovery|.* read-only)|replication|could not receive|streaming|walreceiver/);
$standby->stop;
done_testing();
