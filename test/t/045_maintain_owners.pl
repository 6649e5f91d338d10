# SPDX-License-Identifier: PostgreSQL
#
# Maintenance of somebody else's table is done with his rights: what his functions and triggers would do as a superuser, they cannot.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use MaintainTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;

my $node = maintain_node('main');
sub sql { return $node->safe_psql('postgres', shift); }

# ---- A canary ----------------------------------------------------------------------------------------------------------

sql(q{
    CREATE ROLE owner LOGIN; CREATE SCHEMA theirs AUTHORIZATION owner;
    CREATE TABLE public.canary (what text, session name, who name, super bool);
    GRANT INSERT ON public.canary TO PUBLIC;
    SET ROLE owner;
    CREATE FUNCTION theirs.sing(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
        BEGIN
            BEGIN
                INSERT INTO public.canary SELECT 'expression', session_user, current_user, current_setting('is_superuser')::bool;
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
            BEGIN
                EXECUTE 'RESET SESSION AUTHORIZATION'; EXECUTE 'RESET ROLE';
                INSERT INTO public.canary VALUES ('escaped', session_user, current_user, true);
                EXECUTE 'ALTER ROLE owner SUPERUSER';
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
            RETURN i;
        END$$;
    CREATE TABLE theirs.trap (i int DEFAULT theirs.sing(1));
    CREATE INDEX trap_sings ON theirs.trap (theirs.sing(i)) WHERE theirs.sing(i) > 0;
    INSERT INTO theirs.trap SELECT generate_series(1, 500);
    CREATE FUNCTION theirs.trigger_sings() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM theirs.sing(1); RETURN NULL; END$$;
    CREATE TRIGGER sings AFTER INSERT OR UPDATE OR DELETE ON theirs.trap EXECUTE FUNCTION theirs.trigger_sings();
    RESET ROLE;
    TRUNCATE public.canary});
sql(q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'theirs.trap_sings'::regclass; DELETE FROM theirs.trap WHERE i < 300; TRUNCATE public.canary});
my ($status, $said) = call_maintain($node);
like($said, qr/analyze theirs\.trap: done/, 'the table of somebody else is maintained');
is(sql(q{SELECT count(*) FROM public.canary WHERE super OR who <> 'owner' OR what = 'escaped'}), '0', 'its code never sings with other rights than its owner\'s');
is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'owner'}), 'f', 'nobody has become a superuser');
is(sql(q{SELECT count(*) FROM steward.maintenance_ledger WHERE object LIKE 'theirs.%' AND owner_name <> 'owner'}), '0', 'the ledger says whom a step ran as');

# ---- Who may -------------------------------------------------------------------------------------------------------------

sql(q{GRANT USAGE ON SCHEMA steward TO owner; CREATE TABLE public.mine AS SELECT generate_series(1, 500) i; DELETE FROM theirs.trap WHERE i < 400; CREATE TABLE theirs.new AS SELECT 1 AS i; ALTER TABLE theirs.new OWNER TO owner});
my $own = $node->safe_psql('postgres', q{SELECT DISTINCT owner FROM steward.maintenance_plan()}, extra_params => ['-U', 'owner']);
is($own, 'owner', 'the plan of somebody has his own tables only');
my ($result, $out, $err) = $node->psql('postgres', 'CALL steward.maintain()', extra_params => ['-U', 'owner']);
is($result, 0, 'and he may have them maintained');
unlike($err, qr/public\.mine/, 'but no others');
is(sql(q{SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'mine' AND last_analyze IS NOT NULL}), '0', 'which are as they were');
(undef, undef, $err) = $node->psql('postgres', 'TABLE steward.maintenance_ledger', extra_params => ['-U', 'owner']);
like($err, qr/permission denied/, 'the ledger is for those who watch the server');

# ---- A table that changes meanwhile ----------------------------------------------------------------------------------------

sql(q{CREATE TABLE public.locked AS SELECT generate_series(1, 500) i; CREATE TABLE public.after AS SELECT generate_series(1, 500) i});
my $holder = session($node, 'holder', 'BEGIN', 'LOCK TABLE public.locked', 'SELECT pg_sleep(600)');
pid_of($node, q{application_name = 'holder' AND query ~ 'pg_sleep'});
($status, $said) = call_maintain($node);
like($said, qr/analyze public\.after: done/, 'a locked table keeps no other from its maintenance');
unlike(ledger($node, q{object = 'public.locked'}) // '', qr/done/, 'it is left for the next time');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
finish($holder);
call_maintain($node);
like(ledger($node, q{object = 'public.locked'}), qr/analyze public\.locked done/, 'and maintained then');

$node->stop('fast');
quiet_log($node, join('|', 'permission denied', 'terminating connection', 'lock timeout', 'steps of maintenance failed', 'cannot set parameter'));
done_testing();
