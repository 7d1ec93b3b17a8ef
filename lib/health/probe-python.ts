/*
 * The short programs that listen, dial and time the disk, for hosts with Python (3.6 and newer: RHEL 8's own is that
 * old). `probe-perl.ts` has the same for hosts with Perl; `probe-script.ts` says what goes in and out.
 */

/** Binds what the specification names, answers with the token, ends with its time, its reader or its parent. */
export const PYTHON_LISTEN = String.raw`
import errno, os, select, socket, sys, time
token = os.environ["SP_TOKEN"].encode()
end = time.time() + int(os.environ["SP_SECONDS"])
parent = os.getppid()
def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
def bind(protocol, address, port):
    if protocol == "tcp":
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    elif protocol == "udp":
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    else:
        one = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
    try:
        one.bind((address, port))
        if protocol == "tcp":
            one.listen(64)
        one.setblocking(False)
        return one
    except OSError:
        one.close()
        raise
def bind_soon(protocol, address, port):
    while True:
        try:
            return bind(protocol, address, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.time() > patience:
                raise
            time.sleep(0.1)
poll = select.poll()
sockets = {}
say("siteplan-listen 1")
say("pid %d" % os.getpid())
patience = time.time() + 1.5
for line in os.environ["SP_SPEC"].split("\n"):
    if not line:
        continue
    protocol, address, port = line.split(" ")
    state = "listening"
    try:
        one = bind_soon(protocol, address, int(port))
        sockets[one.fileno()] = (one, protocol)
        poll.register(one, select.POLLIN)
    except OSError as error:
        state = "taken" if error.errno == errno.EADDRINUSE else "failed"
    say(state + " " + protocol + " " + port)
say("ready")
while time.time() < end and os.getppid() == parent:
    for number, _ in poll.poll(1000):
        one, protocol = sockets[number]
        try:
            if protocol == "tcp":
                peer = one.accept()[0]
                peer.settimeout(1)
                try:
                    peer.sendall(token)
                    peer.shutdown(socket.SHUT_WR)
                finally:
                    peer.close()
            else:
                data, sender = one.recvfrom(2048)
                if protocol == "vrrp":
                    data = data[(data[0] & 15) * 4:]
                if data == token:
                    one.sendto(token + b"!", sender)
        except OSError:
            pass
    try:
        say(".")
    except OSError:
        os._exit(0)
`;

/** Dials everything on standard input at once, 100 at a time, each for as long as it is told. */
export const PYTHON_DIAL = String.raw`
import errno, os, select, socket, struct, sys, time
wait = float(os.environ["SP_WAIT"])
REFUSED = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPERM, errno.EACCES)
LOST = (errno.EHOSTUNREACH, errno.ENETUNREACH)
def name(code):
    if code in REFUSED:
        return "refused"
    if code in LOST:
        return "no-route"
    if code == errno.EMSGSIZE:
        return "too-big"
    return "no-source" if code == errno.EADDRNOTAVAIL else "error"
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
class Dial:
    def __init__(self, line):
        self.id, self.protocol, source, self.to, port, word = line.split(" ")
        self.state, self.sock, self.heard, self.sent, self.up = None, None, b"", 0, False
        self.word = word.encode()
        try:
            if self.protocol == "tcp":
                self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            elif self.protocol == "udp":
                self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            elif self.protocol == "vrrp":
                self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
                self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
            else:
                self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
                size = int(word)
                size += size % 2
                self.number = (os.getpid() * 131 + int(self.id)) & 0xffff
                head = struct.pack("!BBHHH", 8, 0, 0, self.number, 1)
                body = b"s" * size
                self.word = struct.pack("!BBHHH", 8, 0, checksum(head + body), self.number, 1) + body
                if size > 56:
                    self.sock.setsockopt(socket.IPPROTO_IP, 10, 2)
            self.sock.setblocking(False)
            self.sock.bind((source, 0))
            code = self.sock.connect_ex((self.to, int(port)))
            if code not in (0, errno.EINPROGRESS):
                self.state = name(code)
        except OSError as error:
            self.state = name(error.errno)
    def send(self, now):
        if self.protocol == "tcp" or now < self.sent + 0.7:
            return
        self.sent = now
        try:
            self.sock.send(self.word)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
                self.state = name(error.errno)
    def events(self):
        return select.POLLOUT if self.protocol == "tcp" and not self.up else select.POLLIN
    def handle(self):
        if self.protocol == "tcp" and not self.up:
            code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self.up = code == 0
            if code != 0:
                self.state = name(code)
            elif self.word == b"-":
                self.state = "open"
            return
        try:
            data = self.sock.recv(4096)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                self.state = name(error.errno)
            return
        if self.protocol == "tcp":
            self.heard += data
            if self.heard == self.word:
                self.state = "open"
            elif not data or not self.word.startswith(self.heard):
                self.state = "stranger"
        elif self.protocol == "udp":
            self.state = "open" if data == self.word + b"!" else self.state
        else:
            data = data[(data[0] & 15) * 4:]
            if self.protocol == "vrrp":
                self.state = "open" if data == self.word + b"!" else self.state
            elif len(data) >= 8 and data[0] == 0 and struct.unpack("!H", data[4:6])[0] == self.number:
                self.state = "open"
    def end(self):
        if self.state is None:
            self.state = "stranger" if self.up else "blocked"
        if self.sock is not None:
            self.sock.close()
lines = [line for line in sys.stdin.read().split("\n") if line]
print("siteplan-dial 1")
for start in range(0, len(lines), 100):
    dials = [Dial(line) for line in lines[start:start + 100]]
    deadline = time.time() + wait
    while time.time() < deadline:
        waiting = [dial for dial in dials if dial.state is None]
        if not waiting:
            break
        poll = select.poll()
        for dial in waiting:
            dial.send(time.time())
            if dial.state is None:
                poll.register(dial.sock, dial.events())
        by = dict((dial.sock.fileno(), dial) for dial in waiting)
        for number, _ in poll.poll(200):
            by[number].handle()
    for dial in dials:
        dial.end()
        print(dial.id + " " + dial.state)
print("end")
`;

/** Writes 2,300 bytes at a time and waits for the disk after each, as etcd's log does; microseconds go out. */
export const PYTHON_SYNC = String.raw`
import os, sys, time
path = os.environ["SP_FILE"]
count, seconds = int(os.environ["SP_COUNT"]), float(os.environ["SP_SECONDS"])
number = os.open(path, os.O_WRONLY | os.O_DSYNC)
os.unlink(path)
block = b"s" * 2300
for _ in range(count):
    os.write(number, block)
os.fsync(number)
os.lseek(number, 0, os.SEEK_SET)
times = []
end = time.time() + seconds
while len(times) < count and time.time() < end:
    begun = time.time()
    os.write(number, block)
    times.append(int((time.time() - begun) * 1000000))
times.sort()
print("sync %d %d %d" % (len(times), times[max(0, -(-len(times) * 99 // 100) - 1)], times[-1]))
`;
