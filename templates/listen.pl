# perl -e THIS FAMILY PROTOCOL:PORT... holds the sockets of `portward detect --listen`. FAMILY 4 is portsentry
# 1.2's 0.0.0.0, 6 is 2.x's dual-stack :: with SO_REUSEADDR. Ends when its standard input does.
# Out: "bound PROTOCOL PORT 0" or "refused PROTOCOL PORT ERRNO" for each port, "ready", then for each client
# "PROTOCOL PORT ID SOURCE SOURCEPORT DESTINATION" (addresses in hexadecimal), or "over" for a rejected one.
# In: "ID BANNER" (hexadecimal, may be empty): the banner is sent and the connection closed.
use strict;
use warnings;
use IO::Handle;
use Socket qw(:DEFAULT IPPROTO_IPV6 IPV6_V6ONLY IN6ADDR_ANY pack_sockaddr_in6 unpack_sockaddr_in6);
my ($family, @wanted) = @ARGV;
my ($six, $most_held, $last_id) = ($family == 6, 512, 0);
my (%listeners, %held);
$SIG{PIPE} = 'IGNORE';
STDOUT->autoflush(1);

for (@wanted) {
    my ($protocol, $port) = split /:/;
    my $tcp = $protocol eq 'tcp';
    my $socket;
    my $done = socket($socket, $six ? AF_INET6 : AF_INET, $tcp ? SOCK_STREAM : SOCK_DGRAM, 0)
        && (!$six || setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0))
        && (!$six || !$tcp || setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1))
        && bind($socket, $six ? pack_sockaddr_in6($port, IN6ADDR_ANY) : pack_sockaddr_in($port, INADDR_ANY))
        && (!$tcp || listen($socket, 5));
    printf "%s %s %d %d\n", $done ? 'bound' : 'refused', $protocol, $port, $done ? 0 : $!;
    $listeners{fileno $socket} = [$socket, $protocol, $port] if $done && $socket->blocking(0);
}
print "ready\n";
sub ends { return reverse $six ? (unpack_sockaddr_in6 $_[0])[0, 1] : unpack_sockaddr_in $_[0] }

sub receive {  # The address of a client that has closed its connection is only known from accept().
    my ($socket, $protocol, $port) = @{$_[0]};
    my $tcp = $protocol eq 'tcp';
    my $peer = $tcp ? accept(my $client, $socket) : recv($socket, my $datagram, 1, 0);
    return if !$peer;
    return print "over\n" if keys %held >= $most_held;
    my ($source, $source_port) = ends($peer);
    my ($destination) = $tcp ? ends(getsockname $client) : ('');
    $held{++$last_id} = $tcp ? [$client] : [$socket, $peer];
    printf "$protocol $port $last_id %s $source_port %s\n", unpack('H*', $source), unpack('H*', $destination);
}

sub answer {
    my ($id, $banner) = @_;
    my ($socket, $peer) = @{delete $held{$id} // return};
    return if $banner eq '';
    return send($socket, pack('H*', $banner), 0, $peer) if defined $peer;
    syswrite($socket, pack('H*', $banner)) if defined $socket->blocking(0);
}

my ($watched, $input) = ('', '');
vec($watched, $_, 1) = 1 for 0, keys %listeners;
while (1) {
    next if select(my $ready = $watched, undef, undef, undef) < 0;
    if (vec $ready, 0, 1) {
        last if !sysread STDIN, $input, 65536, length $input;
        answer($1, $2) while $input =~ s/^(\d+) ([0-9a-f]*)\n//;
    }
    for (keys %listeners) { receive($listeners{$_}) if vec $ready, $_, 1 }
}
