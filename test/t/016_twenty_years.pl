# SPDX-License-Identifier: PostgreSQL
#
# Twenty years of rows in months: what retention takes away and restore_partition() brings back are the same rows.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

wait_past_midnight('Europe/Berlin');
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'Europe/Berlin'\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_steward;
    CREATE TABLE log (at timestamptz NOT NULL, author text, n integer, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
    CREATE INDEX ON log (author);
    SELECT * FROM steward.manage_partitions('log', '1 month', future => 3, timezone => 'Europe/Berlin',
        options => json_build_object('start', date_trunc('month', now()) - interval '20 years')::jsonb);
    SELECT create_future_partitions('log');
    INSERT INTO log SELECT now() - i * interval '5 hours 13 minutes', 'author ' || i % 97, i FROM generate_series(0, 33000) i;
    ANALYZE log});
my $rows = fingerprint($node, 'log');
is(whole($node, 'log'), 244, 'all months are there');
is($node->safe_psql('postgres', q{SELECT count(*) FROM maintain_partitions()}), 0, 'nothing is missing');

# Automatic retention never takes the better part of a table.
$node->safe_psql('postgres', q{SELECT * FROM steward.manage_partitions('log', keep => '5 years')});
is($node->safe_psql('postgres', q{SELECT DISTINCT outcome FROM maintain_partitions()}), 'refused', 'three quarters at once are too much');
is(fingerprint($node, 'log'), $rows, 'and nothing is gone');
is($node->safe_psql('postgres', q{SELECT drop_old_partitions('log', 60)}), 180, 'by hand it is done');
whole($node, 'log');
my $inside = $node->safe_psql('postgres', 'SELECT count(*) FROM log');
my $trash = $node->safe_psql('postgres', 'SELECT count(*) FROM steward.trash');
is($trash, 180, 'what left the table lies in the trash');
is($node->safe_psql('postgres', q{SELECT steward.empty_trash()}), 0, 'from which nothing is dropped yet');
is($node->safe_psql('postgres', q{SELECT count(*) FROM maintain_partitions()}), 0, 'and there is nothing more to do');
is($node->safe_psql('postgres', q{SELECT count(steward.restore_partition(partition::text)) FROM steward.trash}), 180, 'all of it comes back');
is(fingerprint($node, 'log'), $rows, 'the same rows');
whole($node, 'log');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}), 0, 'with valid indexes');
is($node->safe_psql('postgres', q{SELECT count(*) FROM maintain_partitions()}), 0, 'and is left alone for its grace');

# In the end it is dropped, and only that.
$node->safe_psql('postgres', q{UPDATE steward.partition_trash SET held_until = now(); UPDATE steward.partition_sets SET max_drop_percent = 100});
is($node->safe_psql('postgres', q{SELECT count(*) FROM maintain_partitions() WHERE action = 'detach' AND outcome = 'done'}), 180, 'retired again');
$node->safe_psql('postgres', q{UPDATE steward.partition_trash SET drop_after = now() - interval '1 minute'});
is($node->safe_psql('postgres', q{SELECT steward.empty_trash()}), 180, 'and dropped');
is($node->safe_psql('postgres', 'SELECT count(*) FROM log'), $inside, 'the rest is there');
is($node->safe_psql('postgres', q{SELECT count(*) FROM steward.partition_trash}), 0, 'the trash is empty');
is($node->safe_psql('postgres', q{SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND NOT relispartition
    AND relnamespace = 'public'::regnamespace}), '', 'no table is left over');

quiet_log($node);
$node->stop;
done_testing();
