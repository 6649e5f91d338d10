# SPDX-License-Identifier: PostgreSQL
#
# Maintenance waits for a replica that is behind, slows a VACUUM that runs already, and does nothing on a standby.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use MaintainTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $primary = maintain_node('primary', 'wal_keep_size = 2GB');
sub sql { return $primary->safe_psql('postgres', shift); }
# So many MB of WAL.
sub ballast { my $mb = shift; return sql("SELECT count(pg_logical_emit_message(false, 'ballast', repeat('x', 1000000))) FROM generate_series(1, $mb)"); }
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my (undef, undef, $stderr) = $standby->psql('postgres', 'CALL steward.maintain()');
like($stderr, qr/ERROR:  cannot maintain tables during recovery/, 'a standby is not maintained');

# ---- A replica that stands still ---------------------------------------------------------------------------------------

untidy($primary, 'public.bloated', 20_000);
unlike(planned($primary, ''), qr/^$/, 'there is something to do');
like(sql(q{SELECT string_agg(sql, ' ') FROM steward.maintenance_plan() WHERE action = 'vacuum'}), qr/TRUNCATE false/i, 'without truncating what standbys read');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
ballast(80);
wait_for($primary, q{(SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) > 70e6 FROM pg_stat_replication)}, 'a replica that is behind');
my ($status, $said) = call_maintain($primary, q{'5 seconds', ARRAY['vacuum']});
like($said, qr/vacuum public\.bloated: postponed, a replica is \d+ MB behind/, 'maintenance waits for it, and says so');
is(sql(q{SELECT last_vacuum < (SELECT min(started_at) FROM steward.maintenance_ledger) FROM pg_stat_user_tables WHERE relname = 'bloated'}), 't', 'nothing was vacuumed meanwhile');
my $call = session($primary, 'call', q{CALL steward.maintain('10 minutes', ARRAY['vacuum'])});
wait_for($primary, q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward' AND wait_event_type = 'Extension')}, 'the worker to wait');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
ok(finish($call), 'when it has caught up');
like(ledger($primary, q{object = 'public.bloated'}), qr/vacuum public\.bloated done$/, 'it goes on');
is(sql(q{SELECT lag_caused_bytes IS NOT NULL FROM steward.maintenance_ledger WHERE object = 'public.bloated' AND outcome = 'done'}), 't', 'and notes the lag it caused');

# ---- A VACUUM that is under way ----------------------------------------------------------------------------------------

untidy($primary, 'public.large', 600_000);
$primary->wait_for_catchup($standby);
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my $lag = '(SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) FROM pg_stat_replication)';
# Near the end of what is tolerated it goes slowly from the start.
ballast(2) until sql("SELECT $lag > 55e6") eq 't';
$call = session($primary, 'call', q{CALL steward.maintain('10 minutes', ARRAY['vacuum'])});
wait_for($primary, q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_steward' AND wait_event = 'VacuumDelay')}, 'a VACUUM that sleeps');
ballast(20);
is(sql(q{SELECT outcome FROM steward.maintenance_ledger WHERE object = 'public.large'}), 'running', 'it goes slowly beside a replica that is behind');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
ok(finish($call), 'it ends when the replica has caught up');
like(ledger($primary, q{object = 'public.large'}), qr/vacuum public\.large done$/, 'with success');
is(sql(q{SELECT slept_seconds > 0 FROM steward.maintenance_ledger WHERE object = 'public.large'}), 't', 'and tells how long it has held back');

$standby->stop;
$primary->stop('fast');
quiet_log($primary, join('|', 'steps of maintenance failed', 'terminating'));
done_testing();
