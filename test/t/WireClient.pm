# SPDX-License-Identifier: PostgreSQL
#
# A client that does what psql does not: it sees the settings a server reports, as PQparameterStatus() has them, and binds values in binary.
package WireClient;
use strict;
use warnings;
use Errno;
use IO::Socket::INET;
use IO::Socket::UNIX;

# Of a server, or of a pooler at host:port, that trusts the user.
sub connect_to {
    my ($class, $host, $port, %startup) = @_;
    my $socket;
    # A pooler that has just gone into the background listens in a moment.
    for (1 .. 100) {
        $socket = $host =~ m{^/} ? IO::Socket::UNIX->new(Peer => "$host/.s.PGSQL.$port") : IO::Socket::INET->new("$host:$port");
        last if $socket || !$!{ECONNREFUSED};
        select(undef, undef, undef, 0.1);
    }
    die "no connection to $host:$port: $!" unless $socket;
    my $self = bless { socket => $socket, reported => {}, unread => '' }, $class;
    %startup = (user => 'postgres', database => 'postgres', %startup);
    my $body = pack('N', 196608) . join('', map { "$_\0$startup{$_}\0" } sort keys %startup) . "\0";
    $self->send_bytes(pack('N', 4 + length $body) . $body);
    $self->until_ready;
    return $self;
}

sub send_bytes { my ($self, $bytes) = @_; $self->{socket}->syswrite($bytes) == length $bytes or die "send: $!"; return; }

sub read_bytes {
    my ($self, $count) = @_;
    while (length $self->{unread} < $count) {
        my $got = $self->{socket}->sysread($self->{unread}, 65536, length $self->{unread});
        # A session in the background that ends interrupts it.
        $got || (!defined $got && $!{EINTR}) or die 'the connection is closed';
    }
    return substr($self->{unread}, 0, $count, '');
}

# Reads messages up to ReadyForQuery, each handed to what %on has for its type; returns the error there was, if any.
sub until_ready {
    my ($self, %on) = @_;
    my $error = '';
    while (1) {
        my ($type, $length) = unpack('aN', $self->read_bytes(5));
        my $body = $self->read_bytes($length - 4);
        $on{$type}->($body) if $on{$type};
        if ($type eq 'S') { my ($name, $value) = split /\0/, $body; $self->{reported}{$name} = $value; $self->{told}++; }
        $error = $body =~ s/\0/ /gr if $type eq 'E';
        die $error if $error =~ /FATAL/;
        return $error if $type eq 'Z';
    }
}

sub query {
    my ($self, $sql, %on) = @_;
    $self->send_bytes('Q' . pack('N', 5 + length $sql) . "$sql\0");
    return $self->until_ready(%on);
}

# By the extended protocol, with values in binary, each a pair of its type's number and bytes.
sub bind_binary {
    my ($self, $sql, @values) = @_;
    my $count = @values;
    my @messages = (
        [ 'P', "\0$sql\0" . pack('n N*', $count, map { $_->[0] } @values) ],
        [ 'B', "\0\0" . pack('n n n', 1, 1, $count) . join('', map { pack('N/a*', $_->[1]) } @values) . pack('n', 0) ],
        [ 'E', "\0" . pack('N', 0) ], [ 'S', '' ]);
    $self->send_bytes(join '', map { $_->[0] . pack('N', 4 + length $_->[1]) . $_->[1] } @messages);
    return $self->until_ready;
}

sub reported { my ($self, $name) = @_; return $self->{reported}{$name}; }

1;
