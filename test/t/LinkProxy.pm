# SPDX-License-Identifier: PostgreSQL
#
# A TCP link to a server that can be broken: a process that listens on a port of 127.0.0.1 and passes on what it hears.
#
#   pass    as a link should
#   stall   connections are taken and stay open, and nothing moves any more
#   half    what clients say arrives, what the server says does not
#   cut     connections are closed, new ones refused
package LinkProxy;
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket;

sub new {
    my ($class, $node) = @_;
    my $path = $node->host . '/.s.PGSQL.' . $node->port;
    my $listener = _listen(0);
    my $port = $listener->sockport;
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
    my $pid = fork // die $!;
    if ($pid == 0) {
        close $ours;
        $SIG{PIPE} = 'IGNORE';
        eval { _serve($theirs, $listener, $port, $path) };
        POSIX::_exit(0);
    }
    close $theirs;
    return bless { control => $ours, port => $port }, $class;
}

sub port { return shift->{port}; }

# Returns when it is so.
sub set {
    my ($self, $mode) = @_;
    syswrite $self->{control}, substr($mode, 0, 1);
    sysread($self->{control}, my $done, 1) or die 'the proxy is gone';
    return;
}

sub _listen {
    my $port = shift;
    return IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp', ReuseAddr => 1) // die $!;
}

# Until the test that has made it ends.
sub _serve {
    my ($control, $listener, $port, $path) = @_;
    my $mode = 'p';
    my %other;    # what is read from one goes to the other
    my %is_server;
    while (1) {
        my @wanted = $mode eq 'p' ? map { $_->[0] } values %other : $mode eq 'h' ? map { $_->[0] } grep { !$is_server{ $_->[0] } } values %other : ();
        for my $ready (IO::Select->new($control, $listener // (), @wanted)->can_read) {
            if ($ready == $control) {
                return if !sysread($control, $mode, 1);
                if ($mode eq 'c') {
                    close $_->[0] for values %other;
                    close $listener if defined $listener;
                    %other = ();
                    undef $listener;
                }
                $listener //= _listen($port) if $mode ne 'c';
                syswrite $control, '.';
                last;
            } elsif (defined $listener && $ready == $listener) {
                my $client = $listener->accept // next;
                my $server = IO::Socket::UNIX->new(Peer => $path) // next;
                $other{$client} = [ $client, $server ];
                $other{$server} = [ $server, $client ];
                $is_server{$server} = 1;
            } elsif (exists $other{$ready}) {
                my $peer = $other{$ready}[1];
                my $bytes = '';
                next if sysread($ready, $bytes, 65536) && syswrite($peer, $bytes);
                delete @other{ $ready, $peer };
                close $_ for $ready, $peer;
            }
        }
    }
}

1;
