#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 on the portal: curl, nghttp and h2load as peers; frames by hand for many streams at once, for deadlines and for abuse."""
import struct

from rig import *

HEAD_MS, BODY_MS, IDLE_MS, WRITE_MS = 1000, 1500, 4000, 1500
CONF = {"conn.head_ms": HEAD_MS, "conn.body_ms": BODY_MS, "conn.idle_ms": IDLE_MS, "conn.write_ms": WRITE_MS,
        "mdm.checkin_max": 8192, "http.head_max": 32768, "process.drain_s": 5, "log.level": "error"}

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR, CALM = 0, 1, 3, 6, 9, 11
GROWTH_MAX_MIB = 48  # of the server's memory while all of this runs
H2LOAD_REQUESTS = 3000


def literal(name, value):
    """A header field without indexing and without Huffman, RFC 7541 6.2.2."""
    def text(raw):
        raw = raw.encode() if isinstance(raw, str) else raw
        if len(raw) < 127:
            return bytes([len(raw)]) + raw
        rest, out = len(raw) - 127, b"\x7f"
        while rest >= 128:
            out, rest = out + bytes([rest % 128 | 128]), rest >> 7
        return out + bytes([rest]) + raw
    return b"\0" + text(name) + text(value)


def fields(method="PUT", path="/mdm", *more):
    rows = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), *more]
    return b"".join(literal(*row) for row in rows)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*rows):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *row) for row in rows))


class Session:
    """An HTTP/2 connection on which frames are ours."""

    def __init__(self, rig, device=None, *rows, greets=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(rig.server.path("ca/ca.pem"))
        context.set_alpn_protocols(["h2"])
        if device:
            context.load_cert_chain(device.cert, device.key)
        plain = socket.create_connection(("127.0.0.1", rig.server.port), timeout=10)
        self.sock = context.wrap_socket(plain, server_hostname="localhost")
        expect_eq(self.sock.selected_alpn_protocol(), "h2", "the protocol chosen")
        self.buffer, self.stream = b"", -1
        if greets:
            self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings(*rows))

    def send(self, raw):
        self.sock.sendall(raw)

    def next_stream(self):
        self.stream += 2
        return self.stream

    def request(self, device, body, kind=COMMAND):
        raw = body if isinstance(body, bytes) else plistlib.dumps(body)
        stream = self.next_stream()
        return frame(HEADERS, END_HEADERS, stream, fields("PUT", "/mdm", ("content-type", kind))) + frame(DATA, END_STREAM, stream, raw)

    def frame(self, wait_s=10):
        """The next frame: kind, flags, stream, payload; None at the end."""
        self.sock.settimeout(wait_s)
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                piece = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                piece = b""
            if not piece:
                return None
            self.buffer += piece
        length = int.from_bytes(self.buffer[:3], "big")
        head, payload, self.buffer = self.buffer[:9], self.buffer[9:9 + length], self.buffer[9 + length:]
        if head[3] == SETTINGS and not head[4] & ACK:
            try:
                self.send(frame(SETTINGS, ACK, 0))
            except OSError:
                pass
        return head[3], head[4], int.from_bytes(head[5:9], "big"), payload

    def until(self, kind, wait_s=10):
        """The next frame of this kind; None when the connection ends before it."""
        while True:
            got = self.frame(wait_s)
            if got is None or got[0] == kind:
                return got

    def answers(self, number, wait_s=10):
        """How many streams of `number` were answered whole, by stream: their bodies."""
        bodies, done = {}, set()
        while len(done) < number:
            got = self.frame(wait_s)
            if got is None:
                break
            kind, flags, stream, payload = got
            if kind == DATA:
                bodies[stream] = bodies.get(stream, b"") + payload
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                done.add(stream)
                bodies.setdefault(stream, b"")
        return bodies

    def ask(self, device, body):
        self.send(self.request(device, body))
        return self.answers(1)[self.stream]

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def device(rig):
    if not hasattr(rig, "device"):
        rig.device = Device(rig).enrol()
    return rig.device


def idle_of(rig):
    return {"UDID": device(rig).udid, "Status": "Idle"}


def memory_mib(rig):
    with open(f"/proc/{rig.server.pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


@case("curl speaks HTTP/2 where it may, HTTP/1.1 where it wants or knows no ALPN")
def _(rig):
    def version(*words):
        with open(rig.server.path("idle.plist"), "wb") as f:
            f.write(plistlib.dumps(idle_of(rig)))
        done = subprocess.run(["curl", "--silent", "--show-error", "--cacert", rig.server.path("ca/ca.pem"), "--cert", rig.device.cert,
                               "--key", rig.device.key, "--request", "PUT", "--data-binary", "@" + rig.server.path("idle.plist"),
                               "--header", f"Content-Type: {COMMAND}", "--output", "/dev/null", "--write-out",
                               "%{http_code} %{http_version}", *words, f"https://localhost:{rig.server.port}/mdm"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        return done.stdout or done.stderr

    expect_eq(version("--http2"), "200 2")
    expect_eq(version("--http1.1"), "200 1.1")
    expect_eq(version("--no-alpn"), "200 1.1")
    expect_eq(version("--http2", "--tls-max", "1.2"), "200 2")
    expect_eq(version("--http2", "--header", "Expect: 100-continue"), "200 2")


@case("nghttp enrols nothing but is answered, also without TLS")
def _(rig):
    with open(rig.server.path("idle.plist"), "wb") as f:
        f.write(plistlib.dumps(idle_of(rig)))
    done = subprocess.run(["nghttp", "-v", "--cert", rig.device.cert, "--key", rig.device.key, "-H", ":method: PUT", "-H",
                           f"content-type: {COMMAND}", "-d", rig.server.path("idle.plist"), "-m", "20",
                           f"https://localhost:{rig.server.port}/mdm"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    expect_eq(done.stdout.count(":status: 200"), 20, "answers\n" + done.stdout[-500:])
    expect("GOAWAY" not in done.stdout.replace("send GOAWAY", ""), "a GOAWAY came")
    done = subprocess.run(["nghttp", "-v", f"http://127.0.0.1:{rig.server.plain_port}/crl/none"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    expect(":status: 404" in done.stdout, done.stdout[-500:])


@case("h2load: every request succeeds, one and many streams at once")
def _(rig):
    for streams in ("1", "100"):
        done = subprocess.run(["h2load", "-n", str(H2LOAD_REQUESTS), "-c", "8", "-m", streams, f"https://localhost:{rig.server.port}/healthz"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100, check=False)
        expect("Application protocol: h2" in done.stdout, done.stdout[-800:])
        expect(f"{H2LOAD_REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout, done.stdout[-800:])


@case("many devices' messages on one connection at once, each answered on its stream")
def _(rig):
    rounds, streams = 5, 100
    with Session(rig, device(rig), (3, 0)) as session:
        for _ in range(rounds):
            session.send(b"".join(session.request(rig.device, idle_of(rig)) for _ in range(streams)))
            expect_eq(len(session.answers(streams)), streams, "answers")


@case("a session is the connection's: what was NotNow is not offered again until the next Idle")
def _(rig):
    one = rig.enqueue(device(rig).udid)
    with Session(rig, rig.device) as session:
        got = plistlib.loads(session.ask(rig.device, idle_of(rig)))
        expect_eq(got["CommandUUID"], one)
        body = {"UDID": rig.device.udid, "Status": "NotNow", "CommandUUID": one}
        expect_eq(session.ask(rig.device, body), b"", "what is offered behind NotNow")
        got = plistlib.loads(session.ask(rig.device, idle_of(rig)))
        expect_eq(got["CommandUUID"], one)
        body = {"UDID": rig.device.udid, "Status": "Acknowledged", "CommandUUID": one}
        expect_eq(session.ask(rig.device, body), b"")


@case("a stream whose body does not end is answered and ended; the others go on")
def _(rig):
    with Session(rig, device(rig)) as session:
        stream = session.next_stream()
        session.send(frame(HEADERS, END_HEADERS, stream, fields("PUT", "/mdm", ("content-type", COMMAND))) + frame(DATA, 0, stream, b"<"))
        began = time.monotonic()
        expect_eq(session.ask(rig.device, idle_of(rig)), b"")
        got = session.until(RST)
        expect(got and got[2] == stream and got[3] == b"\0\0\0\0", f"not NO_ERROR behind the answer: {got}")
        expect(time.monotonic() - began < BODY_MS / 1000 + 2, "late")
        expect_eq(session.ask(rig.device, idle_of(rig)), b"")


@case("a body over its limit is refused, also without a length, and the connection goes on")
def _(rig):
    with Session(rig, device(rig)) as session:
        stream = session.next_stream()
        session.send(frame(HEADERS, END_HEADERS, stream, fields("PUT", "/checkin", ("content-type", CHECKIN))))
        session.send(frame(DATA, 0, stream, b"a" * 8000) + frame(DATA, 0, stream, b"a" * 8000))
        got = session.until(HEADERS)
        expect(got and got[3].startswith((b"\x48\x82\x68\x06", b"\x48\x03413", b"\x48\x83")), f"no 413: {got}")
        session.send(frame(DATA, 0, stream, b"a" * 16000) * 4)
        got = session.until(RST)
        expect(got and got[2] == stream and got[3] == b"\0\0\0\0", f"{got}")
        expect_eq(session.ask(rig.device, idle_of(rig)), b"")


def ends(session, codes, within_s=10):
    """A GOAWAY with one of these codes, then the end."""
    got, code = True, None
    while got:
        got = session.frame(within_s)
        if got and got[0] == GOAWAY:
            code = struct.unpack(">I", got[3][4:8])[0]
    expect(code in codes, f"GOAWAY {code}, not {codes}")


def flood(session, pieces):
    """Sends until the server has had enough."""
    try:
        for piece in pieces:
            session.send(piece)
    except OSError:
        pass


@case("deadlines: a head, rest, and answers that are not taken")
def _(rig):
    with Session(rig, device(rig)) as session:
        session.ask(rig.device, idle_of(rig))
        session.send(frame(HEADERS, 0, session.next_stream(), fields()))
        began = time.monotonic()
        ends(session, (NO_ERROR,))
        expect(HEAD_MS / 1000 * 0.9 < time.monotonic() - began < HEAD_MS / 1000 + 2, "the head's deadline")
    with Session(rig, rig.device) as session:
        session.ask(rig.device, idle_of(rig))
        began = time.monotonic()
        ends(session, (NO_ERROR,))
        expect(IDLE_MS / 1000 * 0.9 < time.monotonic() - began < IDLE_MS / 1000 + 2, "the time to rest")
    # No window for any answer's body.
    with Session(rig, rig.device, (4, 0)) as session:
        rows = [frame(HEADERS, END_HEADERS | END_STREAM, session.next_stream(), fields("GET", "/nope")) for _ in range(100)]
        session.send(b"".join(rows))
        began = time.monotonic()
        ends(session, (NO_ERROR,))
        expect(time.monotonic() - began < WRITE_MS / 1000 + 3, "the time to take answers")


def heads(session, flags=END_HEADERS | END_STREAM, path="/mdm"):
    return frame(HEADERS, flags, session.next_stream(), fields("PUT", path, ("content-type", COMMAND)))


def resets(session, number=20000):
    for _ in range(number):
        yield heads(session, END_HEADERS) + frame(RST, 0, session.stream, struct.pack(">I", 8))


def bad_updates(session, number=20000):
    """Resets that the server is made to send: CVE-2025-8671."""
    for _ in range(number):
        yield heads(session, END_HEADERS) + frame(WINDOW, 0, session.stream, struct.pack(">I", 0))


def bomb(session):
    """One large field in the table, then said again by its number: CVE-2016-6581."""
    yield frame(HEADERS, END_HEADERS | END_STREAM, session.next_stream(), fields() + b"\x40\x01x" + b"\x7f\x81\x1e" + b"a" * 3968)
    for _ in range(200):
        yield frame(HEADERS, END_HEADERS | END_STREAM, session.next_stream(), fields() + b"\xbe" * 16000)


# name, what is sent on a connection of its own, codes of the GOAWAY that ends it
ABUSES = [
    ("rapid reset", resets, (CALM,)),
    ("resets provoked by bad frames", bad_updates, (CALM, PROTOCOL_ERROR)),
    ("CONTINUATION flood", lambda s: [heads(s, END_STREAM)] + [frame(CONTINUATION, 0, 1, literal("x", "y"))] * 20000, (CALM,)),
    ("empty CONTINUATION flood", lambda s: [heads(s, END_STREAM)] + [frame(CONTINUATION, 0, 1)] * 20000, (CALM,)),
    ("SETTINGS flood", lambda s: [settings((4, 65535))] * 20000, (CALM,)),
    ("PING flood", lambda s: [frame(PING, 0, 0, b"01234567") * 10] * 20000, (CALM,)),
    ("empty DATA flood", lambda s: [heads(s, END_HEADERS)] + [frame(DATA, 0, 1) * 10] * 20000, (CALM,)),
    ("WINDOW_UPDATE flood", lambda s: [frame(WINDOW, 0, 0, struct.pack(">I", 1)) * 10] * 20000, (CALM,)),
    ("PRIORITY flood", lambda s: [frame(PRIORITY, 0, 1, b"\0\0\0\0\0") * 10] * 20000, (CALM,)),
    ("unknown frames", lambda s: [frame(99, 0, 0, b"x") * 10] * 20000, (CALM,)),
    ("padding only", lambda s: [heads(s, END_HEADERS)] + [frame(DATA, 8, 1, b"\xff" + b"\0" * 255)] * 20000, (CALM, FLOW_CONTROL_ERROR)),
    ("a huge list of headers", lambda s: [heads(s, END_STREAM)] + [frame(CONTINUATION, 0, 1, literal("x", "y" * 16000))] * 20, (CALM,)),
    ("a table bomb", bomb, (CALM,)),
    ("not HTTP/2", lambda s: [frame(HEADERS, END_HEADERS, 2, fields())], (PROTOCOL_ERROR,)),
    ("a frame over its size", lambda s: [frame(DATA, 0, 1, b"a" * 20000)], (FRAME_SIZE_ERROR, PROTOCOL_ERROR)),
    ("DATA on no stream", lambda s: [frame(DATA, 0, 1, b"a")], (PROTOCOL_ERROR,)),
    ("a window that overflows", lambda s: [frame(WINDOW, 0, 0, struct.pack(">I", 0x7fffffff)) * 2], (FLOW_CONTROL_ERROR,)),
    ("a stream's window ignored", lambda s: [heads(s, END_HEADERS, "/mdm")] + [frame(DATA, 0, 1, b"a" * 16384)] * 1000,
     (FLOW_CONTROL_ERROR, CALM, NO_ERROR, PROTOCOL_ERROR)),
    ("broken HPACK", lambda s: [frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff")], (COMPRESSION_ERROR,)),
]


@case("abuse ends by a GOAWAY, the server stays well and its memory small")
def _(rig):
    problems = []
    device(rig).report("Idle")
    before = memory_mib(rig)
    for name, make, codes in ABUSES:
        with Session(rig, rig.device) as session:
            flood(session, make(session))
            try:
                ends(session, codes)
            except (Failed, OSError) as error:
                problems.append(f"{name}: {error}")
        status = rig.device.report("Idle").status
        if status != 200:
            problems.append(f"{name}: an Idle afterwards got {status}")
    grown = memory_mib(rig) - before
    expect(not problems, "\n".join(problems))
    print(f"# {grown:.1f} MiB more")
    is_plain = "process.sandbox" not in rig.server.conf  # the address sanitizer keeps what is freed
    expect(grown < GROWTH_MAX_MIB or not is_plain, f"{grown:.0f} MiB more")


@case("peers that take nothing cost a bounded piece of memory each")
def _(rig):
    before, sessions = memory_mib(rig), []
    for number in range(20):
        session = Session(rig, device(rig), (4, 0))
        sessions.append(session)
        if number % 2:  # answers that may not leave
            flood(session, [frame(HEADERS, END_HEADERS | END_STREAM, session.next_stream(), fields("GET", "/nope")) for _ in range(300)])
        else:  # bodies that do not end
            flood(session, [heads(session, END_HEADERS) + frame(DATA, 0, session.stream, b"a" * 2000) for _ in range(300)])
    time.sleep(0.3)
    grown = memory_mib(rig) - before
    expect_eq(rig.device.report("Idle").status, 200)
    for session in sessions:
        session.close()
    print(f"# {grown:.1f} MiB more")
    is_plain = "process.sandbox" not in rig.server.conf
    expect(grown < GROWTH_MAX_MIB or not is_plain, f"{grown:.0f} MiB more for 20 of them")


@case("a reload switches HTTP/2 off and on for new connections")
def _(rig):
    def chosen():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(rig.server.path("ca/ca.pem"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection(("127.0.0.1", rig.server.port), timeout=10) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as sock:
            return sock.selected_alpn_protocol()

    def becomes(want):
        until = time.monotonic() + 10
        while chosen() != want and time.monotonic() < until:
            time.sleep(0.05)
        expect_eq(chosen(), want)

    for word, want in (("no", "http/1.1"), ("yes", "h2")):
        rig.server.conf["portal.http2"] = word
        rig.server.write_conf()
        os.kill(rig.server.pid, signal.SIGHUP)
        becomes(want)


@case("SIGTERM: connections are told by a GOAWAY and end")
def _(rig):
    device(rig)
    with Session(rig, rig.device) as session:
        session.ask(rig.device, idle_of(rig))
        os.kill(rig.server.pid, signal.SIGTERM)
        ends(session, (NO_ERROR,))
    expect_eq(rig.server.stop(), 0, "exit status")


if __name__ == "__main__":
    sys.exit(main(CONF))
