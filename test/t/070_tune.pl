# SPDX-License-Identifier: PostgreSQL
#
# Servers take what is recommended: files for machines of 1 to 512 GB and each profile, the one that is shipped, and this
# server's own, which then has nothing left to recommend. What a file has wrong is named with its line.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use lib dirname(__FILE__);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use StewardTest;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "steward.capture_slow_threshold = -1\nrestart_after_crash = on");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_steward');
sub sql { return $node->safe_psql('postgres', shift); }

# One file a machine and profile, taken apart again here.
my $files = sql(q{
    SELECT '=== ' || gb || '_' || profile || E'\n' || string_agg(line, E'\n' ORDER BY n)
    FROM unnest(ARRAY[1, 2, 8, 64, 512]::bigint[]) gb CROSS JOIN unnest(ARRAY['web', 'oltp', 'mixed', 'dw', 'desktop']) profile,
         steward.tune_config('conf', profile, true, gb * 1024 * 1024 * 1024, 4, NULL, 'ssd', 1, '{"data_disk": "500GB", "wal_disk": "500GB"}') WITH ORDINALITY c(line, n)
    GROUP BY gb, profile});
my (%conf, $name);
for (split /\n/, $files) {
    if (/^=== (.*)/) { $name = $1; }
    else { $conf{$name} .= "$_\n"; }
}
is(scalar keys %conf, 25, 'there is a file for each machine and profile');
# Each is started with, but for the memory that it is for.
my @refused;
my $here = join ' ', map { "-c $_" } 'shared_buffers=16MB', 'fsync=off', q{dynamic_library_path='} . sql(q{SELECT current_setting('dynamic_library_path')}) . q{'}, 'port=' . $node->port, "listen_addresses=''", 'unix_socket_directories=' . $node->host;
sub pg_ctl { my ($log, @words) = @_; return IPC::Run::run([ 'pg_ctl', '-w', '-D', $node->data_dir, '-l', $log, @words ], '>', '/dev/null', '2>&1'); }
$node->stop;
for my $name (sort keys %conf) {
    my $file = "$PostgreSQL::Test::Utils::tmp_check/$name.conf";
    append_to_file($file, $conf{$name});
    if (pg_ctl("$file.log", '-o', "-c config_file=$file $here", 'start')) { pg_ctl("$file.log", '-m', 'immediate', 'stop'); }
    else { push @refused, "$name: " . slurp_file("$file.log"); }
}
is(join('', @refused), '', 'a server starts with each of them');
$node->start;

# What is wrong in a file is told with its line, by who reads it before the server does.
my $path = $node->data_dir . '/postgresql.conf';
my $lines = () = slurp_file($path) =~ /\n/g;
for ([ 'work_mme = 1', 'work_mme', 'unrecognized configuration parameter' ], [ 'max_wal_size = lots', 'max_wal_size', 'setting could not be applied' ],
    [ 'work_mem = -1GB', 'work_mem', 'setting could not be applied' ], [ 'work_mem = = 4MB', '', 'syntax error' ], [ q{include 'nowhere.conf'}, '', 'could not open file "' . $node->data_dir . '/nowhere.conf"' ]) {
    my ($line, $parameter, $why) = @$_;
    append_to_file($path, "$line\n");
    is(sql(q{SELECT verdict, parameter, detail FROM steward.check_config() WHERE detail LIKE '%postgresql.conf line%'}),
        "error|$parameter|$path line " . ($lines + 1) . ": $why", "a line that is wrong is named: $line");
    truncate $path, (-s $path) - length("$line\n");
}

# What the server would not start with is refused, and nothing is written: this one has wal_level minimal.
my $auto = $node->data_dir . '/postgresql.auto.conf';
my $unchanged = slurp_file($auto);
sub refused {
    my ($statement) = @_;
    my ($status, $out, $err) = $node->psql('postgres', $statement);
    return $err;
}
my $senders = q{steward.apply_tuning(%s, memory_bytes => 8589934592, parameters => '{max_wal_senders%s}')};
like(refused(sprintf "SELECT $senders", $_, ''), qr/would be an error of steward.check_config\(\): wal_level\n.*wal_level: minimal does not go with max_wal_senders.*\n.*Nothing has been changed. Set wal_level to replica/,
    "what would keep the server from starting is refused, dry run $_") for 'true', 'false';
is(slurp_file($auto) . sql('SELECT count(*) FROM steward.tuning_journal'), "${unchanged}0", 'and nothing is written');
is(sql(sprintf "SELECT string_agg(outcome, ',') FROM $senders", 'false', ', wal_level'), 'applied,applied', 'together they are applied');
sql(q{ALTER SYSTEM SET max_wal_senders = 5});
like(refused('SELECT steward.revert_tuning()'), qr/wal_level: minimal does not go with max_wal_senders above 0: the server will not start/, 'what is put back is looked at, too');
sql('ALTER SYSTEM SET max_wal_senders = 10');
is(sql(q{SELECT string_agg(outcome, ',') FROM steward.revert_tuning()}), 'reverted,reverted', 'and put back where it fits');

# Whenever it dies, what there was is on disk: before anything is changed, and after all is but before that is said.
sql(q{ALTER SYSTEM SET work_mem = '5MB'});
my $before = join '', sort { $a cmp $b } split /^/, slurp_file($auto);
my $seed = q{'mixed', true, 1073741824, 4, NULL, 'ssd', 1, '{"data_disk": "100GB", "wal_disk": "100GB", "databases": "500MB"}'};
sql(q{CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NEW; END'});
for ([ 'INSERT', 0 ], [ 'UPDATE', 1 ]) {
    my ($event, $is_changed) = @$_;
    sql("CREATE TRIGGER wait BEFORE $event ON steward.tuning_journal FOR EACH ROW EXECUTE FUNCTION wait()");
    my $session = session($node, 'applies', "SELECT steward.apply_tuning(false, $seed)");
    pid_of($node, q{backend_type = 'pg_steward' AND wait_event = 'PgSleep'});
    # Each of them has the shared memory.
    my @processes = split /\n/, sql('SELECT pid FROM pg_stat_activity');
    $node->kill9;
    finish($session);
    my $tries = 600;
    while ((grep { kill 0, $_ } @processes) && $tries-- > 0) { select undef, undef, undef, 0.1; }
    $node->start;
    is(slurp_file($auto) =~ /shared_buffers/ ? 1 : 0, $is_changed, "killed at the $event");
    sql('DROP TRIGGER wait ON steward.tuning_journal');
    my $reverted = sql('SELECT count(*) FROM steward.revert_tuning()');
    is($reverted > 20 ? 1 : 0, $is_changed, 'what has been begun is put back');
    is(join('', sort { $a cmp $b } split /^/, slurp_file($auto)), $before, 'and nothing is lost');
}
is(sql(qq{SELECT count(*) > 20, min(outcome), max(outcome) FROM steward.apply_tuning(false, $seed)}), 't|applied|applied', 'all is applied');
wait_for($node, q{current_setting('jit') = 'off'}, 'the settings');
sql(q{ALTER SYSTEM SET jit = 'on'});
is(sql(q{SELECT outcome, count(*) > 20, min(parameter) FILTER (WHERE outcome = 'kept') FROM steward.revert_tuning() GROUP BY outcome ORDER BY outcome}),
    "kept|f|jit\nreverted|t|", 'what somebody else has set stays');
sql('ALTER SYSTEM RESET jit');
is(join('', sort { $a cmp $b } split /^/, slurp_file($auto)), $before, 'all else is as it was');
is(sql('SELECT count(*) FROM steward.revert_tuning()'), '0', 'there is nothing left to put back');
sql('ALTER SYSTEM RESET ALL');

# What is put back and waits for a restart is set again: the running value says nothing of the next one.
sub applied { return sql(qq{SELECT string_agg(outcome || coalesce(': ' || detail, ''), ' ') FROM steward.apply_tuning(false, $seed, parameters => '{shared_buffers}')}); }
sub written { return sql(q{SELECT count(*) FROM pg_file_settings WHERE name = 'shared_buffers' AND sourcefile LIKE '%auto.conf'}); }
applied();
$node->restart;
sql('SELECT FROM steward.revert_tuning()');
wait_for($node, q{(SELECT pending_restart FROM pg_settings WHERE name = 'shared_buffers')}, 'a setting that waits for a restart');
is(written(), '0', 'a setting is put back while its former value is in force');
is(applied(), 'applied: It waits for a restart.', 'and set again');
is(written(), '1', 'which the next start finds');
is(applied(), 'applied: It waits for a restart.', 'once more is nothing new');
is(sql(q{SELECT count(*) FROM steward.tuning_journal WHERE outcome = 'applied' AND parameter = 'shared_buffers'}), '1', 'and is not written down again');
sql('ALTER SYSTEM RESET ALL');
$node->restart;

# The start is real where the machine has the memory.
sub restarted_with {
    my ($content) = @_;
    my $file = $node->data_dir . '/tuned.conf';
    unlink $file;
    append_to_file($file, $content);
    $node->restart;
}
append_to_file($path, "include_if_exists = 'tuned.conf'\n");

my ($memory) = slurp_file('/proc/meminfo') =~ /^MemTotal: +(\d+) kB/m;
SKIP: {
    skip 'too little memory for shared_buffers of 2 GB', 1 if $memory < 6 * 1024 * 1024;
    restarted_with(slurp_file(abs_path(dirname(__FILE__) . '/../..') . '/deploy/postgresql.conf'));
    is(sql(q{SELECT current_setting('shared_buffers') || ' ' || current_setting('work_mem') || ' ' || current_setting('max_connections')}),
        '2GB 32MB 200', 'a server starts with deploy/postgresql.conf');
}

# On the disk that there is.
my $its_own = q{'mixed', true, 1073741824, 4, NULL, 'ssd', 1, '{"databases": "500MB"}'};
restarted_with(sql("SELECT steward.tune_config('conf', $its_own)") . "\n");
is(sql("SELECT parameter, current_value, recommended_value FROM steward.tune($its_own) WHERE kind = 'setting' AND severity <> 'ok'"), '',
    'a server that has what is recommended is recommended nothing');
is(sql(q{SELECT string_agg(parameter, ',') FROM steward.check_config() WHERE verdict = 'error' AND parameter NOT IN ('fsync', 'full_page_writes')}), '',
    'and nothing is wrong with it');

# Watched: what makes queries slower is put back, but for what somebody has set otherwise. A restart begins the watch anew.
my $slower = q{SELECT pg_sleep(CASE current_setting('work_mem') WHEN '5MB' THEN 0.0005 ELSE 0.04 END)};
sub call { my ($times) = @_; sql(join ";\n", ($slower) x $times); }
sub watched { my ($interval) = @_; return sql(qq{SELECT string_agg(outcome, ',') FROM steward.apply_tuning(false, $its_own, parameters => '{jit, work_mem}', watch => '$interval')}); }
sql($_) for q{ALTER SYSTEM SET work_mem = '5MB'}, 'SELECT pg_reload_conf()';
wait_for($node, q{current_setting('work_mem') = '5MB'}, 'the former value');
call(400);
is(watched('1 hour'), 'applied,applied', 'settings are applied, and watched');
$node->restart;
my $judge = q{SELECT steward.judge_tuning((SELECT max(batch_id) FROM steward.tuning_watches))};
like(sql($judge), qr/^watching: The server has been restarted/, 'a restarted server is watched anew');
call(110);
sql('ALTER SYSTEM SET jit = on');
like(sql($judge), qr/^reverted: The 95th percentiles of .* Not put back: jit kept\.$/, 'what is slower is put back, but for what somebody else has set');
like(sql(q{SELECT decision, queries >= 1, calls_before >= 40, calls_after >= 110, p95_ratio >= 1.3, (SELECT count(*) FROM steward.tuning_watched_queries), (SELECT count(*) FROM steward.jobs WHERE name LIKE 'judge tuning%') FROM steward.tuning_watches}),
    qr/^reverted\|t\|t\|t\|t\|0\|0$/, 'what was compared is written down');
wait_for($node, q{current_setting('work_mem') = '5MB'}, 'what is put back');
is(watched('1 second'), 'applied,applied', 'it is applied once more');
wait_for($node, q{(SELECT decision IN ('undecided', 'kept') FROM steward.tuning_watches ORDER BY batch_id DESC LIMIT 1)}, 'a job that judges');
sql('ALTER SYSTEM RESET ALL');
sql(q{SELECT steward.reset_queries()});
like(refused(qq{SELECT steward.apply_tuning(false, $its_own, parameters => '{jit}', watch => '1 hour')}), qr/there is nothing to compare with afterwards/, 'without calls there is nothing to compare with');
is(sql(q{SELECT count(*) FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'}), '0', 'and nothing is changed');

# How many clients there were at most outlives a restart, and a crash too.
# Each psql of a wait leaves a moment after it has answered.
sub most {
    for (1 .. 600) { last if sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'}) == 1; select undef, undef, undef, 0.1; }
    return sql(q{SELECT substring(reason FROM 'Clients now: 1; at most (\d+) ')::int >= 12 FROM steward.tune() WHERE parameter = 'max_connections'});
}
{
    my @clients = map { WireClient->connect_to($node->host, $node->port, database => 'postgres', user => scalar getpwuid($<)) } 1 .. 12;
    is(sql(q{SELECT substring(reason FROM 'Clients now: (\d+)')::int > 12 FROM steward.tune() WHERE parameter = 'max_connections'}), 't', 'clients are counted');
}
is(most(), 't', 'how many there were is known when they are gone');
$node->restart;
is(most(), 't', 'and after a restart');
my $checkpointer = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'});
kill 'KILL', $checkpointer;
wait_for($node, "EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'checkpointer' AND pid <> $checkpointer)", 'the server after the crash');
is(most(), 't', 'and after a crash');
$node->stop;
my $kept = $node->data_dir . '/pg_stat/pg_steward_connections.stat';
is(sprintf('%o', (stat $kept)[2] & 0777), '600', 'the file is nobody else\'s');
append_to_file($kept, 'x');
$node->start;
like(slurp_file($node->logfile), qr/LOG:  ignoring file "pg_stat\/pg_steward_connections.stat", which is damaged/, 'a damaged file is ignored');
is(most(), 'f', 'and nothing taken from it');

# Across nodes: a standby may not have less than its primary, and so keeps it from having more.
$node->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hot_standby_feedback = off');
$standby->start;
sql(join ';', map { sprintf q{SELECT steward.register_node('%s', '%s', %d)}, $_->name, $_->host, $_->port } $node, $standby);
# A standby looks for nodes when it starts, and rarely after.
$standby->restart;
my $feedback = q{(SELECT detail FROM steward.check_config() WHERE parameter = 'hot_standby_feedback') LIKE 'off on "standby"%'};
wait_for($_, $feedback, 'a comparison on ' . $_->name) for $node, $standby;
my $workers = sql(q{SELECT current_setting('max_worker_processes')});
like(refused(q{SELECT steward.apply_tuning(false, cpus => 64, parameters => '{max_worker_processes}')}),
    qr/max_worker_processes: "standby" has $workers, its primary "main" 72.*\n.*ALTER SYSTEM SET max_worker_processes = 72 on "standby", and restart it/, 'a primary is not set beyond its standby');
$standby->stop;
quiet_log($standby, 'terminating walreceiver|terminating connection|canceling authentication');

$node->stop;
quiet_log($node, 'these settings would be an error|there is nothing to compare with|terminating background worker|terminating connection|the database system');
done_testing();
