#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""apns-sink behaves as Apple documents its push service: curl as the provider, sockets as the devices."""
import base64
import json
import threading

from rig import *
from service import Sleeper, Sink

TOPIC = "com.apple.mgmt.External.sink"
TOKEN = "5a" * 32
PAYLOAD = b'{"mdm":"magic"}'
SECOND_TOKEN = "a5" * 32
world = {}


def sink():
    return world["sink"]


class Answer:
    def __init__(self, raw):
        self.status, self.headers, self.reason, self.body = 0, {}, None, {}
        if not raw:
            return
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        self.body = json.loads(body) if body else {}
        self.reason = self.body.get("reason")


def push(rig, *headers, token=TOKEN, body=PAYLOAD, method="POST", path=None, pair="push.pem"):
    """One request by curl."""
    command = ["curl", "--silent", "--http2", "--include", "--max-time", "20", "--cacert", "ca/ca.pem", "--request", method, "--data-binary", "@-",
               "--path-as-is", "--header", "Content-Type:"]
    if pair:
        command += ["--cert", pair, "--key", pair]
    for header in headers:
        command += ["--header", header]
    done = subprocess.run([*command, f"https://localhost:{sink().port}{path or '/3/device/' + token}"], cwd=rig.server.home, input=body,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return Answer(done.stdout)


def url64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bearer(rig, age_s=0, key="token.key", **claims):
    """A provider token signed by the openssl program."""
    head = url64(json.dumps({"alg": "ES256", "kid": "ABC1234567"}).encode())
    text = f"{head}.{url64(json.dumps({'iss': 'TEAM123456', 'iat': int(time.time()) - age_s, **claims}).encode())}"
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], cwd=rig.server.home, input=text.encode(), stdout=subprocess.PIPE,
                         check=True).stdout
    at, raw = 4 if der[1] < 0x80 else 5, b""
    at = der.index(b"\x02", 2)
    for _ in range(2):
        length = der[at + 1]
        raw += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return f"authorization: bearer {text}.{url64(raw)}"


@case("a push is taken: apns-id comes back, or is made")
def _(rig):
    key = ("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "token.key")
    subprocess.run(key, cwd=rig.server.home, check=True)
    open(rig.server.path("musterd.log"), "ab").close()  # there is none here
    subprocess.run(["openssl", "ec", "-in", "token.key", "-pubout", "-out", "token.pub"], cwd=rig.server.home, check=True,
                   stderr=subprocess.DEVNULL)
    world["sink"] = Sink(rig.server, journal="sink.journal", loops=2, token_key="token.pub", sandbox="yes").start()
    sink().certificate(TOPIC)
    name = str(uuid.uuid4())
    answer = push(rig, f"apns-id: {name}")
    expect_eq((answer.status, answer.headers.get("apns-id"), "apns-unique-id" in answer.headers), (200, name, True), "answer")
    expect(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", push(rig).headers["apns-id"]), "an apns-id of its own")


ROWS = [
    (("apns-id: 5",), {}, 400, "BadMessageId"),
    ((f"apns-id: {str(uuid.uuid4()).upper()}",), {}, 400, "BadMessageId"),
    (("apns-expiration: soon",), {}, 400, "BadExpirationDate"),
    (("apns-priority: 7",), {}, 400, "BadPriority"),
    (("apns-priority: 5",), {}, 200, None),
    ((f"apns-collapse-id: {'x' * 65}",), {}, 400, "BadCollapseId"),
    ((f"apns-collapse-id: {'x' * 64}",), {}, 200, None),
    (("apns-push-type: mdm",), {}, 200, None),
    (("apns-push-type: alert",), {}, 400, "InvalidPushType"),
    (("apns-push-type: nonsense",), {}, 400, "InvalidPushType"),
    (("apns-topic: com.apple.mgmt.External.other",), {}, 400, "BadTopic"),
    (("apns-priority: 5", "apns-priority: 10"), {}, 400, "DuplicateHeaders"),
    ((), {"token": "5a" * 31}, 400, "BadDeviceToken"),
    ((), {"token": "zz" * 32}, 400, "BadDeviceToken"),
    ((), {"token": ""}, 400, "MissingDeviceToken"),
    ((), {"path": "/2/device/" + TOKEN}, 404, "BadPath"),
    ((), {"method": "GET"}, 405, "MethodNotAllowed"),
    ((), {"body": b""}, 400, "PayloadEmpty"),
    ((), {"body": b"x" * 4096}, 200, None),
    ((), {"body": b"x" * 4097}, 413, "PayloadTooLarge"),
    ((), {"pair": None}, 403, "MissingProviderToken"),
    (("authorization: bearer rubbish",), {"pair": None}, 403, "InvalidProviderToken"),
]


@case("what Apple refuses is refused, with Apple's words")
def _(rig):
    for headers, more, status, reason in ROWS:
        answer = push(rig, *headers, **more)
        expect_eq((answer.status, answer.reason), (status, reason), f"{headers} {str(more)[:60]}")
        expect(answer.headers.get("apns-id"), f"{headers}: no apns-id")


@case("provider tokens: signature, age, renewal, topic")
def _(rig):
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "other.key"], cwd=rig.server.home, check=True)
    app = "apns-topic: com.example.app"
    good = bearer(rig, 100)
    rows = [((good, app), 200, None), ((good,), 400, "MissingTopic"), ((good, f"apns-topic: {TOPIC}"), 400, "TopicDisallowed"),
            ((bearer(rig, 4000), app), 403, "ExpiredProviderToken"), ((bearer(rig, 100, "other.key"), app), 403, "InvalidProviderToken"),
            ((bearer(rig, -1000), app), 403, "InvalidProviderToken"), ((good + "x", app), 403, "InvalidProviderToken")]
    for headers, status, reason in rows:
        answer = push(rig, *headers, pair=None)
        expect_eq((answer.status, answer.reason), (status, reason), f"{headers[0][:40]} {headers[1:]}")
    # Loops remember for themselves which token came last, so one of two connections may still be the first of its loop.
    answers = [push(rig, bearer(rig, age), app, pair=None).reason for age in (60, 50, 40, 30, 20, 10)]
    expect("TooManyProviderTokenUpdates" in answers, str(answers))


@case("a certificate of another authority, and one without topic, do not get in")
def _(rig):
    rig.server.ctl("another CA", "ca", "init", "--ca", "wrong", "--name", "Another CA")
    sink().certificate(TOPIC, "wrong.pem", "wrong")
    expect_eq(push(rig, pair="wrong.pem").status, 0, "status with a certificate of another authority")
    cert, key = rig.identity("no topic")
    with open(rig.server.path("plain.pem"), "wb") as out:
        for name in (cert, key):
            with open(name, "rb") as f:
                out.write(f.read())
    expect_eq(push(rig, pair="plain.pem").status, 0, "status without a topic")


@case("one push is stored for a device that is away, the newest; it expires; 0 is not stored")
def _(rig):
    first = "77" * 32
    push(rig, body=b"old", token=first)
    push(rig, body=b"new", token=first)
    push(rig, "apns-expiration: 0", token=SECOND_TOKEN)
    sleeper = Sleeper(sink(), first, SECOND_TOKEN)
    expect_eq(sleeper.next(), (first, b"new"), "push")
    expect_eq(sleeper.next(0.5), None, "another push")
    push(rig, "apns-expiration: 0", token=SECOND_TOKEN)
    expect_eq(sleeper.next(), (SECOND_TOKEN, PAYLOAD), "push for who is there")
    sleeper.close()
    time.sleep(0.3)
    push(rig, f"apns-expiration: {int(time.time()) + 1}", token=first)
    time.sleep(2.1)
    sleeper = Sleeper(sink(), first)
    expect_eq(sleeper.next(0.5), None, "a push that expired")
    sleeper.close()


@case("answers by script: token, topic, times, timestamp, Retry-After; by chance")
def _(rig):
    sink().tell(f"token {TOKEN} Unregistered timestamp=1234567890123 times=4")
    answer = push(rig)
    expect_eq((answer.status, answer.reason, answer.body["timestamp"]), (410, "Unregistered", 1234567890123), "answer")
    sink().tell(f"token {TOKEN} TooManyRequests retry-after=17")
    answer = push(rig)
    expect_eq((answer.status, answer.reason, answer.headers.get("retry-after")), (429, "TooManyRequests", "17"), "answer")
    sink().tell(f"token {TOKEN} ok topic=com.example.app")
    expect_eq(push(rig).reason, "DeviceTokenNotForTopic", "reason")
    sink().tell(f"token {TOKEN} ok", f"topic {TOPIC} BadCertificate")
    expect_eq(push(rig).status, 403, "status")
    sink().tell(f"topic {TOPIC} ok", "set error-reason ServiceUnavailable", "set error-rate 1000")
    expect_eq(push(rig).status, 503, "status")
    sink().tell("set error-rate 0")
    expect_eq(push(rig).status, 200, "status")


@case("it delays, stalls, freezes, refuses, and goes on")
def _(rig):
    for line, end, least in (("set delay-ms 400", "set delay-ms 0", 0.4), ("stall 600", "stall end", 0.5), ("freeze 600", "freeze end", 0.5)):
        sink().tell(line)
        began = time.monotonic()
        expect_eq(push(rig).status, 200, line)
        expect(time.monotonic() - began >= least, f"{line}: answered after {time.monotonic() - began:.1f} s")
        sink().tell(end)
    sink().tell("set refuse yes")
    expect_eq(push(rig).status, 0, "status while it refuses")
    sink().tell("set refuse no")
    expect_eq(push(rig).status, 200, "status afterwards")


@case("GOAWAY and breaks cost a connection, not the service")
def _(rig):
    answers = {}
    sink().tell("set delay-ms 300")
    for option, want in (("goaway-every", 200), ("drop-every", 0)):
        sink().tell(f"set {option} 1")
        threads = [threading.Thread(target=lambda n=n: answers.__setitem__(n, push(rig).status)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sink().tell(f"set {option} 0")
        expect_eq(list(answers.values()), [want] * 4, f"statuses with {option}")
    sink().tell("set delay-ms 0")
    stats = sink().stats()
    expect_eq((stats["goaways"], stats["links_dropped"]), (4, 4), "GOAWAYs and breaks counted")
    expect_eq(push(rig).status, 200, "status afterwards")


@case("rubbish on every port, and wrong commands, are survived")
def _(rig):
    for port in (sink().port, sink().device_port):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(os.urandom(300) + b"\n")
            s.settimeout(5)
            try:
                while s.recv(4096):
                    pass
            except ConnectionError:
                pass
    for line in ("nonsense", "set port 1", "token zz ok", "set error-rate 5000", "stall soon", ""):
        try:
            sink().tell(line)
        except Failed:
            continue
        raise Failed(f"{line!r} was obeyed")
    expect_eq(push(rig).status, 200, "status afterwards")
    expect_eq(sink().stop(), 0, "exit status")
    with open(rig.server.path("sink.log"), encoding="utf-8") as f:
        expect_eq(f.read(), "", "what it wrote to stderr")


if __name__ == "__main__":
    sys.exit(main(starts=False))
