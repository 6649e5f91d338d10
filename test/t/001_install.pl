# SPDX-License-Identifier: PostgreSQL
#
# Installing: into any schema, never over somebody else's objects, and away again without a trace.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

$node->safe_psql('postgres', 'CREATE DATABASE anywhere');
$node->safe_psql('anywhere', 'CREATE SCHEMA "Odd place"; CREATE EXTENSION pg_steward SCHEMA "Odd place"');
is($node->safe_psql('anywhere', 'SELECT steward.version() IS NOT NULL'), 't', 'installs into a schema of any name');

$node->safe_psql('postgres', 'CREATE DATABASE squatted');
$node->safe_psql('squatted', 'CREATE ROLE squatter; CREATE SCHEMA steward AUTHORIZATION squatter');
my ($status, undef, $stderr) = $node->psql('squatted', 'CREATE EXTENSION pg_steward');
isnt($status, 0, 'does not adopt a schema that somebody made before it');
like($stderr, qr/schema "steward" already exists/, 'and says which object is in the way');

my $objects = q{SELECT count(*) FROM (SELECT oid FROM pg_proc UNION ALL SELECT oid FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace
    UNION ALL SELECT oid FROM pg_type UNION ALL SELECT oid FROM pg_namespace UNION ALL SELECT oid FROM pg_event_trigger) o};
$node->safe_psql('postgres', 'CREATE DATABASE clean');
my $before = $node->safe_psql('clean', $objects);
$node->safe_psql('clean', 'CREATE EXTENSION pg_steward');
$node->safe_psql('clean', 'DROP EXTENSION pg_steward');
is($node->safe_psql('clean', $objects), $before, 'DROP EXTENSION leaves nothing behind');

$node->stop;
done_testing();
