#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bad HTTP gets, on raw TLS connections: smuggling, sizes, slowness; and what good HTTP may do: pipelining, 100-continue."""
from rig import *

HEAD_MS, BODY_MS, IDLE_MS, HANDSHAKE_MS = 1000, 1500, 2500, 1200
CONF = {"conn.head_ms": HEAD_MS, "conn.body_ms": BODY_MS, "conn.idle_ms": IDLE_MS, "conn.handshake_ms": HANDSHAKE_MS,
        "mdm.checkin_max": 8192, "mdm.report_max": 65536, "http.line_max": 16384, "http.head_max": 32768, "http.headers_max": 64}
H = b"PUT /mdm HTTP/1.1\r\nHost: localhost\r\n"
CRLF = b"\r\n"


def device(rig):
    if not hasattr(rig, "device"):
        rig.device = Device(rig).enrol()
    return rig.device


def body(rig):
    return plistlib.dumps({"UDID": device(rig).udid, "Status": "Idle"})


# name, bytes ("B" is replaced by an Idle body, "N" by its length), statuses; None: closed without an answer is fine too
ROWS = [
    ("both lengths", H + b"Content-Length: N\r\nTransfer-Encoding: chunked\r\n\r\nB", (400,)),
    ("two different lengths", H + b"Content-Length: N\r\nContent-Length: 3\r\n\r\nB", (400,)),
    ("a list of lengths", H + b"Content-Length: N, 3\r\n\r\nB", (400,)),
    ("length with a sign", H + b"Content-Length: +N\r\n\r\nB", (400,)),
    ("negative length", H + b"Content-Length: -1\r\n\r\nB", (400,)),
    ("length in hex", H + b"Content-Length: 0x10\r\n\r\nB", (400,)),
    ("length that overflows", H + b"Content-Length: 18446744073709551617\r\n\r\nB", (400, 413)),
    ("empty length", H + b"Content-Length:\r\n\r\nB", (400,)),
    ("unknown coding", H + b"Transfer-Encoding: gzip\r\n\r\nB", (400, 501)),
    ("chunked not last", H + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", (400, 501)),
    ("chunked twice", H + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    ("chunked, disguised", H + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", (400, 501)),
    ("chunked in HTTP/1.0", b"PUT /mdm HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    ("bad chunk size", H + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", (400,)),
    ("negative chunk size", H + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", (400,)),
    ("chunk size that overflows", H + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n", (400, 413)),
    ("chunk data without its end", H + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n", (400,)),
    ("chunk size with a bare LF", H + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", (400,)),
    ("folded header", H + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", (400,)),
    ("bare LF ends lines", b"PUT /mdm HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n", (400,)),
    ("bare CR in a header", H + b"X: a\rb\r\n\r\n", (400,)),
    ("NUL in a header", H + b"X: a\0b\r\n\r\n", (400,)),
    ("space before the colon", H + b"Content-Length : 0\r\n\r\n", (400,)),
    ("space before the first header", b"PUT /mdm HTTP/1.1\r\n Host: localhost\r\n\r\n", (400,)),
    ("header without a colon", H + b"nonsense\r\n\r\n", (400,)),
    ("header without a name", H + b": x\r\n\r\n", (400,)),
    ("no Host", b"PUT /mdm HTTP/1.1\r\nContent-Length: 0\r\n\r\n", (400,)),
    ("two Hosts", H + b"Host: other\r\nContent-Length: 0\r\n\r\n", (400,)),
    ("unknown method", b"BREW /mdm HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 405, 501)),
    ("no version", b"PUT /mdm\r\n\r\n", (400, 505)),
    ("version 9", b"PUT /mdm HTTP/9.9\r\nHost: localhost\r\n\r\n", (400, 505)),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    ("spaces in the target", b"PUT /m dm HTTP/1.1\r\nHost: localhost\r\n\r\n", (400,)),
    ("control character in the target", b"PUT /m\x01dm HTTP/1.1\r\nHost: localhost\r\n\r\n", (400,)),
    ("parent folder", b"GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 404)),
    ("NUL in the target", b"GET /mdm%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", (400,)),
    ("bad escape in the target", b"GET /v1/devices/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 401)),
    ("line over the limit", b"PUT /" + b"a" * 17000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (414, 431)),
    ("header over the limit", H + b"X: " + b"a" * 17000 + b"\r\n\r\n", (431,)),
    ("too many headers", H + b"".join(b"X-%d: a\r\n" % n for n in range(100)) + CRLF, (431,)),
    ("head over the limit", H + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 4000) for n in range(12)) + CRLF, (431,)),
    ("announced body over the limit", H + b"Content-Type: " + CHECKIN.encode() + b"\r\nContent-Length: 9000\r\n\r\n", (413,)),
    ("chunked body over the limit", H + b"Content-Type: " + CHECKIN.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n" +
     b"1000\r\n" + b"a" * 4096 + b"\r\n" + b"1000\r\n" + b"a" * 4096 + b"\r\n" + b"1000\r\n" + b"a" * 4096 + b"\r\n0\r\n\r\n", (413,)),
    ("another Expect", H + b"Expect: tea\r\nContent-Length: 0\r\n\r\n", (417,)),
]


@case("a table of bad requests, each on its own connection")
def _(rig):
    problems = []
    for name, raw, statuses in ROWS:
        raw = raw.replace(b"B", body(rig)) if raw.endswith(b"\r\n\r\nB") else raw
        raw = raw.replace(b": N", b": %d" % len(body(rig))).replace(b"+N", b"+%d" % len(body(rig)))
        with rig.connect(device(rig)) as wire:
            try:
                wire.send(raw)
            except OSError:
                pass
            reply = wire.reply()
            got = reply.status if reply else None
            if got not in statuses:
                problems.append(f"{name}: {got}, not {statuses}")
            # What comes behind a refusal may not be taken for a request.
            elif got in (400, 413, 431) and wire.reply() is not None:
                problems.append(f"{name}: a second answer came")
    expect(not problems, "\n".join(problems))
    expect_eq(device(rig).report("Idle").status, 200, "a good request afterwards")


@case("404 and 405 leave the connection open; 405 says what is allowed")
def _(rig):
    with rig.connect(device(rig)) as wire:
        wire.send(b"GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n")
        expect_eq(wire.reply().status, 404)
        wire.send(b"GET /mdm HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reply = wire.reply()
        expect_eq((reply.status, reply.headers.get("allow")), (405, "PUT"))
        wire.send(idle(rig.device))
        expect_eq(wire.reply().status, 200)


@case("pipelined requests are answered in order")
def _(rig):
    other = Device(rig)
    with rig.connect(device(rig)) as wire:
        wire.send(idle(rig.device) + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + idle(rig.device) +
                  b"GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n" + request({"UDID": other.udid, "Status": "Idle"}) + idle(rig.device))
        expect_eq([wire.reply().status for _ in range(6)], [200, 200, 200, 404, 403, 200])
    many = 300
    with rig.connect(device(rig)) as wire:
        wire.send(idle(rig.device) * many)
        expect_eq({wire.reply().status for _ in range(many)}, {200})


@case("every way to cut a request into two writes gives the same answer")
def _(rig):
    raw = idle(device(rig))
    with rig.connect(rig.device) as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(1, len(raw), 7):
            wire.send(raw[:at])
            wire.send(raw[at:])
            expect_eq(wire.reply().status, 200, f"cut at {at}")


@case("chunked bodies are joined")
def _(rig):
    raw = body(rig)
    with rig.connect(device(rig)) as wire:
        for size in (1, 7, 100, len(raw)):
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(raw[i:i + size]), raw[i:i + size]) for i in range(0, len(raw), size))
            wire.send(H + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
            expect_eq(wire.reply().status, 200, f"chunks of {size}")
        wire.send(H + b"Transfer-Encoding: chunked\r\n\r\n" + b"%X;name=value\r\n%s\r\n" % (len(raw), raw) + b"0\r\nTrailer: x\r\n\r\n")
        expect_eq(wire.reply().status, 200, "extension and trailer")


@case("Expect: 100-continue is answered before the body, and a refusal instead of it")
def _(rig):
    raw = body(rig)
    with rig.connect(device(rig)) as wire:
        wire.send(H + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(raw))
        expect_eq(wire.reply().status, 100)
        wire.send(raw)
        expect_eq(wire.reply().status, 200)
    with rig.connect(device(rig)) as wire:
        wire.send(H + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        expect_eq(wire.reply().status, 413)


@case("HEAD, Connection: close and HTTP/1.0")
def _(rig):
    with rig.connect() as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        reply = wire.reply()
        expect_eq((reply.status, reply.headers.get("connection")), (200, "close"))
        expect(wire.ended(5), "it stays open")
    with rig.connect() as wire:
        wire.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        expect_eq(wire.reply().status, 200)
        expect(wire.ended(5), "HTTP/1.0 stays open")


def slow(rig, first, drip, pause_s, most_s, paired=True):
    """Seconds until the server ended a connection that drips bytes."""
    with rig.connect(device(rig) if paired else None) as wire:
        began = time.monotonic()
        wire.send(first)
        wire.sock.settimeout(pause_s)
        while time.monotonic() - began < most_s:
            try:
                if not wire.fill():
                    return time.monotonic() - began
                continue
            except TimeoutError:
                pass
            try:
                wire.send(drip)
            except OSError:
                return time.monotonic() - began
    raise Failed(f"still open after {most_s} s")


@case("a head, a body, and an idle connection have deadlines that dripping bytes do not move")
def _(rig):
    device(rig)
    expect(slow(rig, H, b"X: a\r\n", 0.2, HEAD_MS / 1000 + 2) >= HEAD_MS / 1000 - 0.1, "the head's came too early")
    expect(slow(rig, H + b"Content-Length: 1000\r\n\r\n", b"a", 0.2, BODY_MS / 1000 + 2) >= BODY_MS / 1000 - 0.1, "the body's came too early")
    expect(slow(rig, b"", b"", 0.2, IDLE_MS / 1000 + 2) >= IDLE_MS / 1000 - 0.1, "the idle one came too early")


@case("a handshake has a deadline")
def _(rig):
    with socket.create_connection(("127.0.0.1", rig.server.port), timeout=HANDSHAKE_MS / 1000 + 3) as plain:
        began = time.monotonic()
        plain.sendall(b"\x16\x03\x01\x02\x00\x01")
        try:
            while plain.recv(100):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            raise Failed("the connection is still open") from None
        expect(time.monotonic() - began >= HANDSHAKE_MS / 1000 - 0.1, "it came too early")


@case("a request cut short stores nothing")
def _(rig):
    other = Device(rig)
    raw = request(other.message("Authenticate"), CHECKIN)
    for at in (10, len(raw) // 2, len(raw) - 1):
        with rig.connect(other) as wire:
            wire.send(raw[:at])
    time.sleep(0.3)
    expect_eq(other.stored(), None)


@case("a peer that never reads its answers does not hurt others")
def _(rig):
    wires = [rig.connect(device(rig)) for _ in range(5)]
    for wire in wires:
        wire.sock.settimeout(1)
        try:
            for _ in range(200):
                wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        except (TimeoutError, OSError):
            pass
    expect_eq(device(rig).report("Idle").status, 200)
    for wire in wires:
        wire.close()


@case("Mdm-Signature of 8 KiB fits into the head")
def _(rig):
    with rig.connect(device(rig)) as wire:
        raw = body(rig)
        wire.send(H + b"Mdm-Signature: " + b"a" * 8192 + b"\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw)
        expect_eq(wire.reply().status, 200)


if __name__ == "__main__":
    sys.exit(main(CONF))
