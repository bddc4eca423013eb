# perl -e THIS FAMILY PROTOCOL:PORT... holds the sockets of `portward detect --listen`. FAMILY 4 is portsentry
# 1.2's 0.0.0.0, 6 is 2.x's dual-stack :: with SO_REUSEADDR. Ends when its standard input does.
#
# Out: "bound PROTOCOL PORT 0" or "refused PROTOCOL PORT ERRNO" for each port, "ready", then for each client
# "PROTOCOL PORT ID SOURCE SOURCEPORT DESTINATION" (addresses in hexadecimal), or "over" for one turned away.
# In: "ID BANNER" (hexadecimal, may be empty): the banner is sent and the client let go.
use strict;
use warnings;
use IO::Handle;
use Socket qw(:DEFAULT IPPROTO_IPV6 IPV6_V6ONLY IN6ADDR_ANY pack_sockaddr_in6 unpack_sockaddr_in6);

my $most_held = 512;
my ($family, @wanted) = @ARGV;
my $six = $family == 6;
my (%listeners, %held);
my $last_id = 0;
$SIG{PIPE} = 'IGNORE';
STDOUT->autoflush(1);

for (@wanted) {
    my ($protocol, $port) = split /:/;
    my $tcp = $protocol eq 'tcp';
    my $any = $six ? pack_sockaddr_in6($port, IN6ADDR_ANY) : pack_sockaddr_in($port, INADDR_ANY);
    my $socket;
    my $done = socket($socket, $six ? AF_INET6 : AF_INET, $tcp ? SOCK_STREAM : SOCK_DGRAM, 0)
        && (!$six || setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0))
        && (!$six || !$tcp || setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1))
        && bind($socket, $any)
        && (!$tcp || listen($socket, 5));
    printf "%s %s %d %d\n", $done ? 'bound' : 'refused', $protocol, $port, $done ? 0 : $!;
    next if !$done;
    $socket->blocking(0);
    $listeners{fileno $socket} = [$socket, $protocol, $port];
}
print "ready\n";

sub ends { return reverse $six ? (unpack_sockaddr_in6 $_[0])[0, 1] : unpack_sockaddr_in $_[0] }

# A client that has hung up already still has its address in what accept() gives, and nowhere else.
sub receive {
    my ($socket, $protocol, $port) = @{$_[0]};
    my $tcp = $protocol eq 'tcp';
    my ($client, $datagram);
    my $peer = $tcp ? accept($client, $socket) : recv($socket, $datagram, 1, 0);
    return if !$peer;
    if (keys %held >= $most_held) { print "over\n"; return }
    my ($source, $source_port) = ends($peer);
    my ($destination) = $tcp ? ends(getsockname $client) : ('');
    $last_id++;
    $held{$last_id} = $tcp ? [$client] : [$socket, $peer];
    printf "%s %d %d %s %d %s\n", $protocol, $port, $last_id, unpack('H*', $source), $source_port,
        unpack('H*', $destination);
}

sub answer {
    my ($id, $banner) = @_;
    my ($socket, $peer) = @{delete $held{$id} // return};
    return if $banner eq '';
    if (defined $peer) { send($socket, pack('H*', $banner), 0, $peer) }
    else { $socket->blocking(0); syswrite($socket, pack('H*', $banner)) }
}

my $watched = '';
vec($watched, $_, 1) = 1 for 0, keys %listeners;
my $input = '';
while (1) {
    next if select(my $ready = $watched, undef, undef, undef) < 0;
    if (vec $ready, 0, 1) {
        last if !sysread STDIN, $input, 65536, length $input;
        answer($1, $2) while $input =~ s/^(\d+) ([0-9a-f]*)\n//;
    }
    for (keys %listeners) { receive($listeners{$_}) if vec $ready, $_, 1 }
}
