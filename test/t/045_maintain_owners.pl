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
sub as_owner { return $node->safe_psql('postgres', shift, extra_params => ['-U', 'owner']); }

# ---- A canary ----------------------------------------------------------------------------------------------------------

sql(q{
    CREATE ROLE owner LOGIN; CREATE SCHEMA theirs AUTHORIZATION owner;
    CREATE TABLE public.canary (what text, session name, who name, super bool);
    GRANT INSERT ON public.canary TO PUBLIC});
as_owner(q{
    -- What a function that is said to be immutable may not do, one that it calls may.
    CREATE FUNCTION theirs.really_sing(what text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.canary SELECT what, session_user, current_user, rolsuper FROM pg_roles WHERE rolname = current_user;
            BEGIN
                EXECUTE 'RESET SESSION AUTHORIZATION'; EXECUTE 'RESET ROLE';
                INSERT INTO public.canary SELECT 'escaped', session_user, current_user, rolsuper FROM pg_roles WHERE rolname = current_user;
                EXECUTE 'ALTER ROLE owner SUPERUSER';
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END$$;
    CREATE FUNCTION theirs.sing(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM theirs.really_sing('expression'); RETURN i; END$$;
    CREATE FUNCTION theirs.sing_default() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM theirs.really_sing('default'); RETURN 1; END$$;
    CREATE TABLE theirs.trap (i int DEFAULT theirs.sing_default());
    CREATE INDEX trap_sings ON theirs.trap (theirs.sing(i)) WHERE theirs.sing(i) > 0;
    INSERT INTO theirs.trap SELECT generate_series(1, 500);
    CREATE FUNCTION theirs.trigger_sings() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM theirs.really_sing('trigger'); RETURN NULL; END$$;
    CREATE TRIGGER sings AFTER INSERT OR UPDATE OR DELETE ON theirs.trap EXECUTE FUNCTION theirs.trigger_sings();
    INSERT INTO theirs.trap DEFAULT VALUES;
    DELETE FROM theirs.trap WHERE i < 300});
wait_for_counts($node, 'theirs.trap');
is(sql(q{SELECT string_agg(DISTINCT what, ', ') FROM public.canary}), 'default, expression, trigger', 'a canary that sings');
sql(q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'theirs.trap_sings'::regclass; TRUNCATE public.canary});
my ($status, $said) = call_maintain($node);
like($said, qr/analyze theirs\.trap: done/, 'the table of somebody else is maintained');
like($said, qr/reindex theirs\.trap_sings: done/, 'and its index rebuilt');
is(sql(q{SELECT string_agg(DISTINCT what || ' as ' || who, ', ') FROM public.canary}), 'expression as owner', 'its code sings with its owner\'s rights alone, and nothing but its expressions does');
is(sql(q{SELECT count(*) FROM public.canary WHERE super}), '0', 'never as a superuser');
is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'owner'}), 'f', 'nobody has become a superuser');
is(sql(q{SELECT count(*) FROM steward.maintenance_ledger WHERE object LIKE 'theirs.%' AND owner_name <> 'owner'}), '0', 'the ledger says whom a step ran as');

# ---- Who may -------------------------------------------------------------------------------------------------------------

sql(q{GRANT USAGE ON SCHEMA steward TO owner; CREATE TABLE public.mine AS SELECT generate_series(1, 500) i});
as_owner('DELETE FROM theirs.trap WHERE i < 400; CREATE TABLE theirs.new AS SELECT 1 AS i');
wait_for_counts($node, 'theirs.trap');
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
wait_for_counts($node, 'public.after');
my $holder = session($node, 'holder', 'BEGIN', 'LOCK TABLE public.locked', 'SELECT pg_sleep(600)');
pid_of($node, q{application_name = 'holder' AND query ~ 'pg_sleep'});
($status, $said) = call_maintain($node);
like($said, qr/analyze public\.after: done/, 'a locked table keeps no other from its maintenance');
unlike(ledger($node, q{object = 'public.locked'}) // '', qr/done/, 'it is left for the next time');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
finish($holder);
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'holder')}, 'its lock to be gone');
call_maintain($node);
like(ledger($node, q{object = 'public.locked'}), qr/analyze public\.locked done/, 'and maintained then');

$node->stop('fast');
quiet_log($node, join('|', 'permission denied', 'terminating connection', 'lock timeout', 'steps of maintenance failed', 'cannot set parameter'));
done_testing();
