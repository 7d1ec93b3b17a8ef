/*
 * The same programs as `probe-python.ts` for hosts with Perl: Debian and Ubuntu always have its base modules. These
 * have no clock finer than a second, so it is asked from the kernel by its call number (amd64, arm64).
 */

const CLOCK = String.raw`
use strict; use Fcntl; use POSIX (); use Socket;
sub now {
  my $calls = { x86_64 => 228, aarch64 => 113 };
  my $number = $calls->{(POSIX::uname())[4]} or return time;
  my $at = "\0" x 16;
  syscall($number, 1, $at);
  my ($seconds, $nanos) = unpack("qq", $at);
  return $seconds + $nanos / 1e9;
}
`;

export const PERL_LISTEN = `${CLOCK}${String.raw`
my $token = $ENV{SP_TOKEN};
my $end = now() + $ENV{SP_SECONDS};
my $parent = getppid();
$SIG{PIPE} = sub { exit 0 };
$| = 1;
print "siteplan-listen 1\n";
print "pid $$\n";
my $patience = now() + 1.5;
my %sockets;
for my $line (split /\n/, $ENV{SP_SPEC}) {
  my ($protocol, $address, $port) = split / /, $line;
  next unless defined $port;
  my $one;
  my $ok = $protocol eq "tcp" ? socket($one, PF_INET, SOCK_STREAM, 0)
    : $protocol eq "udp" ? socket($one, PF_INET, SOCK_DGRAM, 0) : socket($one, PF_INET, SOCK_RAW, 112);
  setsockopt($one, SOL_SOCKET, SO_REUSEADDR, 1) if $ok && $protocol eq "tcp";
  if ($ok) {
    # What select has promised may be gone when it is read: a datagram with a wrong checksum, a caller that hung up.
    fcntl($one, F_SETFL, fcntl($one, F_GETFL, 0) | O_NONBLOCK);
    until ($ok = bind($one, pack_sockaddr_in($port, inet_aton($address)))) {
      last if $! != POSIX::EADDRINUSE() || now() > $patience;
      select(undef, undef, undef, 0.1);
    }
  }
  $ok = listen($one, 64) if $ok && $protocol eq "tcp";
  my $state = $ok ? "listening" : $! == POSIX::EADDRINUSE() ? "taken" : "failed";
  $sockets{fileno($one)} = [$one, $protocol] if $ok;
  print "$state $protocol $port\n";
}
print "ready\n";
while (now() < $end && getppid() == $parent) {
  my $read = "";
  vec($read, $_, 1) = 1 for keys %sockets;
  if (select($read, undef, undef, 1) > 0) {
    for my $number (keys %sockets) {
      next unless vec($read, $number, 1);
      my ($one, $protocol) = @{$sockets{$number}};
      if ($protocol eq "tcp") {
        my $peer;
        next unless accept($peer, $one);
        local $SIG{PIPE} = "IGNORE";
        syswrite($peer, $token);
        shutdown($peer, 1);
        close($peer);
      } else {
        my $data = "";
        my $from = recv($one, $data, 2048, 0);
        next unless defined $from;
        $data = substr($data, (ord($data) & 15) * 4) if $protocol eq "vrrp" && length $data;
        send($one, $token . "!", 0, $from) if $data eq $token;
      }
    }
  }
  print ".\n" or exit 0;
}
`}`;

export const PERL_DIAL = `${CLOCK}${String.raw`
my $wait = $ENV{SP_WAIT};
$SIG{PIPE} = "IGNORE";
sub name {
  my $code = shift;
  return "refused" if grep { $code == $_ } POSIX::ECONNREFUSED(), POSIX::ECONNRESET(), POSIX::EPERM(), POSIX::EACCES();
  return "no-route" if $code == POSIX::EHOSTUNREACH() || $code == POSIX::ENETUNREACH();
  return "too-big" if $code == POSIX::EMSGSIZE();
  return $code == POSIX::EADDRNOTAVAIL() ? "no-source" : "error";
}
sub checksum {
  my $total = unpack("%32n*", shift);
  $total = ($total >> 16) + ($total & 0xffff);
  return ~($total + ($total >> 16)) & 0xffff;
}
sub start {
  my %dial;
  my ($source, $port);
  (@dial{qw(id protocol)}, $source, my $to, $port, $dial{word}) = split / /, shift;
  @dial{qw(heard sent up)} = ("", 0, 0);
  my ($protocol, $one) = ($dial{protocol});
  my $ok = $protocol eq "tcp" ? socket($one, PF_INET, SOCK_STREAM, 0)
    : $protocol eq "udp" ? socket($one, PF_INET, SOCK_DGRAM, 0)
    : socket($one, PF_INET, SOCK_RAW, $protocol eq "vrrp" ? 112 : 1);
  if (!$ok) { $dial{state} = name($! + 0); return \%dial; }
  $dial{sock} = $one;
  setsockopt($one, 0, 2, pack("i", 255)) if $protocol eq "vrrp";
  if ($protocol eq "icmp") {
    my $size = $dial{word};
    $size += $size % 2;
    $dial{number} = ($$ * 131 + $dial{id}) & 0xffff;
    my $body = "s" x $size;
    my $sum = checksum(pack("CCnnn", 8, 0, 0, $dial{number}, 1) . $body);
    $dial{word} = pack("CCnnn", 8, 0, $sum, $dial{number}, 1) . $body;
    setsockopt($one, 0, 10, pack("i", 2)) if $size > 56;
  }
  fcntl($one, F_SETFL, fcntl($one, F_GETFL, 0) | O_NONBLOCK);
  if (!bind($one, pack_sockaddr_in(0, inet_aton($source)))
    || !connect($one, pack_sockaddr_in($port, inet_aton($to))) && $! != POSIX::EINPROGRESS()) {
    $dial{state} = name($! + 0);
  }
  return \%dial;
}
sub beat {
  my ($dial, $now) = @_;
  return if $dial->{protocol} eq "tcp" || $now < $dial->{sent} + 0.7;
  $dial->{sent} = $now;
  return if defined send($dial->{sock}, $dial->{word}, 0);
  $dial->{state} = name($! + 0) unless $! == POSIX::EAGAIN() || $! == POSIX::ENOBUFS();
}
sub handle {
  my $dial = shift;
  my $protocol = $dial->{protocol};
  if ($protocol eq "tcp" && !$dial->{up}) {
    my $code = unpack("i", getsockopt($dial->{sock}, SOL_SOCKET, SO_ERROR));
    if ($code) { $dial->{state} = name($code); return; }
    $dial->{up} = 1;
    $dial->{state} = "open" if $dial->{word} eq "-";
    return;
  }
  my $data = "";
  if (!defined recv($dial->{sock}, $data, 4096, 0)) {
    $dial->{state} = name($! + 0) unless $! == POSIX::EAGAIN();
    return;
  }
  if ($protocol eq "tcp") {
    $dial->{heard} .= $data;
    if ($dial->{heard} eq $dial->{word}) { $dial->{state} = "open"; }
    elsif ($data eq "" || index($dial->{word}, $dial->{heard}) != 0) { $dial->{state} = "stranger"; }
    return;
  }
  $data = substr($data, (ord($data) & 15) * 4) if $protocol ne "udp" && length $data;
  if ($protocol ne "icmp") { $dial->{state} = "open" if $data eq $dial->{word} . "!"; }
  elsif (length $data >= 8 && ord($data) == 0 && unpack("n", substr($data, 4, 2)) == $dial->{number}) { $dial->{state} = "open"; }
}
my @lines = grep { length } split /\n/, join("", <STDIN>);
$| = 1;
print "siteplan-dial 1\n";
while (my @some = splice(@lines, 0, 100)) {
  my @dials = map { start($_) } @some;
  my $deadline = now() + $wait;
  while (now() < $deadline) {
    my @waiting = grep { !defined $_->{state} } @dials;
    last unless @waiting;
    my ($read, $write) = ("", "");
    for my $dial (@waiting) {
      beat($dial, now());
      next if defined $dial->{state};
      if ($dial->{protocol} eq "tcp" && !$dial->{up}) { vec($write, fileno($dial->{sock}), 1) = 1; }
      else { vec($read, fileno($dial->{sock}), 1) = 1; }
    }
    next unless select($read, $write, undef, 0.2) > 0;
    for my $dial (@waiting) {
      next if defined $dial->{state};
      my $number = fileno($dial->{sock});
      handle($dial) if vec($read, $number, 1) || vec($write, $number, 1);
    }
  }
  for my $dial (@dials) {
    my $state = defined $dial->{state} ? $dial->{state} : $dial->{up} ? "stranger" : "blocked";
    print "$dial->{id} $state\n";
  }
}
print "end\n";
`}`;

export const PERL_SYNC = `${CLOCK}${String.raw`
my ($path, $count, $seconds) = @ENV{qw(SP_FILE SP_COUNT SP_SECONDS)};
sysopen(my $file, $path, O_WRONLY | 010000) or exit 1;
unlink $path;
my $block = "s" x 2300;
for (1 .. $count) { syswrite($file, $block) == 2300 or exit 1; }
sysseek($file, 0, 0);
my @times;
my $end = now() + $seconds;
while (@times < $count && now() < $end) {
  my $begun = now();
  syswrite($file, $block) == 2300 or exit 1;
  push @times, int((now() - $begun) * 1e6);
}
@times = sort { $a <=> $b } @times;
my $last = $#times;
my $at = POSIX::ceil(@times * 99 / 100) - 1;
printf "sync %d %d %d\n", scalar @times, $times[$at < 0 ? 0 : $at], $times[$last];
`}`;
