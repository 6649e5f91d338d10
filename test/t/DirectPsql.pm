# SPDX-License-Identifier: PostgreSQL
#
# psql without its process: starting one costs more than most of what the tests ask. The node's psql() and safe_psql() speak
# to the server themselves, a session for each call as ever, whenever the text is plain SQL; all else is for psql.
package DirectPsql;
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use WireClient;

my $psql = PostgreSQL::Test::Cluster->can('psql');
{
    no warnings 'redefine';
    *PostgreSQL::Test::Cluster::psql = \&psql;
}

# The statements of a text as psql divides it; none when it has anything that only psql understands.
sub statements {
    my $text = shift;
    my ($depth, $one, @all) = (0, '');
    while ($text =~ /\G(--[^\n]*|\/\*.*?\*\/|'[^']*'|"[^"]*"|(\$\w*\$).*?\g2|[a-z_0-9]+|.)/gcsi) {
        my $token = $1;
        return if $token eq '\\' || $token =~ /^(?:copy|atomic)$/i || $token =~ /^["']$/ || ($token =~ /^e$/i && substr($text, pos $text, 1) eq "'");
        $depth += $token eq '(' ? 1 : $token eq ')' ? -1 : 0;
        if ($token eq ';' && $depth == 0) { push @all, $one; $one = ''; }
        else { $one .= $token; }
    }
    return grep { /\S/ } @all, $one;
}

# A message of the server as psql shows it.
sub shown {
    my %field = map { (substr($_, 0, 1) => substr($_, 1)) } split /\0/, shift;
    my $text = "psql:<stdin>:1: $field{S}:  $field{M}\n";
    $text .= "DETAIL:  $field{D}\n" if exists $field{D};
    $text .= "HINT:  $field{H}\n" if exists $field{H};
    $text .= "CONTEXT:  $field{W}\n" if exists $field{W} && $field{V} =~ /ERROR|FATAL|PANIC/;
    return $text;
}

sub row {
    my ($count, $rest) = unpack 'n a*', shift;
    my @values;
    for (1 .. $count) {
        (my $length, $rest) = unpack 'N a*', $rest;
        push @values, $length == 0xffffffff ? '' : substr($rest, 0, $length, '');
    }
    return join('|', @values) . "\n";
}

sub connection {
    my ($node, $db, %params) = @_;
    my @user = @{ $params{extra_params} // [] };
    return if @user && !(@user == 2 && $user[0] eq '-U');
    return if $db =~ m{[=/]} || grep { !/^(?:stdout|stderr|on_error_die|on_error_stop|extra_params)$/ } keys %params;
    return eval {
        WireClient->connect_to($node->host, $node->port, database => $db, user => $user[1] // $ENV{PGUSER} // scalar getpwuid($<),
            application_name => $ENV{PGAPPNAME} // 'psql', $ENV{PGOPTIONS} ? (options => $ENV{PGOPTIONS}) : ());
    };
}

sub psql {
    my ($node, $db, $sql, %params) = @_;
    my @statements = statements($sql);
    # What cannot connect is left to psql, which says why.
    my $client = @statements ? connection($node, $db, %params) : undef;
    return $psql->(@_) unless $client;

    my ($out, $err, $status) = ('', '', 0);
    my %on = (D => sub { $out .= row(@_) }, E => sub { $err .= shown(@_) }, N => sub { $err .= shown(@_) });
    for my $statement (@statements) {
        my $error = eval { $client->query($statement, %on) };
        if (!defined $error) { $err .= "server closed the connection unexpectedly\nconnection to server was lost"; $status = 2; last; }
        if ($error ne '' && ($params{on_error_stop} // 1)) { $status = 3; last; }
    }
    $client->send_bytes("X\0\0\0\4") if $status != 2;
    # As of old, psql is gone when its session is.
    $client->{socket}->sysread(my $end, 1) if $status != 2;
    chomp($out, $err);
    ${ $params{stdout} } = $out if ref $params{stdout};
    if (ref $params{stderr}) { ${ $params{stderr} } = $err; }
    elsif (!wantarray) { print STDERR $err; }
    die(($status == 2 ? 'connection error' : 'error running SQL') . ": '$err'\nwith sql '$sql'") if $status && $params{on_error_die};
    return wantarray ? ($status, $out, $err) : $status;
}

1;
