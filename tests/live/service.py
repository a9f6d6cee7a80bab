# SPDX-License-Identifier: Apache-2.0
"""What the push tests share: apns-sink as the push service, a fleet with known tokens, waiting for what must come true."""
import base64
import hashlib

from rig import *
from rig import PEER_WAIT_S
from local import Sink

FLEET_TOPIC = "com.apple.mgmt.External.8b0e2d6c-2c0f-4b39-9c8e-0f2a4d9b7e11"  # the simulated fleet's
IDS_PER_CALL = 200
# Failures are repaired within the test, and nobody is pushed again who simply stays silent.
CONF = {"push.retry_ms": 100, "push.retry_max_ms": 1000, "push.silent_s": "3600", "push.ping_s": 10, "log.level": "info"}


def token_of(udid):
    """The token the simulated fleet gives the device."""
    return hashlib.sha256(udid.encode()).hexdigest()


class Service:
    """One musterd with apns-sink; devices of the fleet are enrolled once."""

    def __init__(self, rig, conf=None, **sink_conf):
        self.rig, self.server = rig, rig.server
        self.sink = Sink(rig.server, journal="sink.journal", **sink_conf)
        self.sink.start()
        self.server.conf.update({**CONF, **self.sink.push_conf(), **(conf or {})})
        self.server.write_conf()
        self.server.start()
        self.ids = []

    def put_cert(self, path):
        with open(path, "rb") as f:
            return self.server.call("PUT", "/v1/pushcert", f.read())

    def trust(self, topic=FLEET_TOPIC, out="push.pem"):
        status, answer = self.put_cert(self.sink.certificate(topic, out))
        expect_eq(status, 200, f"status of PUT /v1/pushcert ({answer})")
        return answer

    def enrol(self, num, first=0):
        self.server.fleet("enrol", "--devices", num, "--first", first)
        self.ids = [d["id"] for d in self.server.devices()]
        return self.ids

    def enqueue(self, ids, request_type="DeviceInformation"):
        """One command for many; when it was asked for, in ms."""
        for first in range(0, len(ids), IDS_PER_CALL):
            began = int(time.time() * 1000)
            body = plistlib.dumps({"CommandUUID": str(uuid.uuid4()), "Command": {"RequestType": request_type}})
            status, answer = self.server.call("PUT", f"/v1/enqueue/{','.join(ids[first:first + IDS_PER_CALL])}", body)
            expect_eq(status, 200, f"status of enqueue ({str(answer)[:200]})")
            for udid in ids[first:first + IDS_PER_CALL]:
                yield udid, began

    def push(self, ids):
        return self.server.call("PUT", "/v1/push/" + ",".join(ids))

    def stats(self):
        return self.server.ask("GET", "/v1/push")

    def topic(self, name=FLEET_TOPIC):
        return next((t for t in self.stats()["topics"] if t["topic"] == name), None)

    def metrics(self):
        """push_* of /metrics, by name without prefix."""
        found = {}
        for line in self.server.ask("GET", "/metrics").splitlines():
            match = re.match(r"(?:\w+?_)?(push_\w+?)(?:_total)? ([0-9.e+-]+)$", line)
            if match:
                found[match[1]] = int(float(match[2]))
        return found

    def taken(self):
        """token -> the last time the service took a push for it, ms."""
        last = {}
        for ms, status, _, token, _ in self.sink.journal():
            if status == 200:
                last[token] = max(ms, last.get(token, 0))
        return last

    def missing(self, wanted):
        """Who was not pushed after its command was queued, of {udid: ms}."""
        last = self.taken()
        return [udid for udid, ms in wanted.items() if last.get(token_of(udid), 0) < ms]

    def settled(self, wanted, within_s=60):
        """Waits until everybody in {udid: ms} was pushed since, and nothing is in hand."""
        until = time.monotonic() + within_s
        while True:
            missing = self.missing(wanted)
            if not missing and self.stats()["in_hand"] == 0:
                return
            if time.monotonic() > until:
                raise Failed(f"{len(missing)} of {len(wanted)} devices were not pushed, e.g. {missing[:3]}; {self.stats()}; "
                             f"{self.sink.stats()}")
            time.sleep(0.2)


def wait_for(what, test, within_s=20):
    """Until `test` is true; its value."""
    until = time.monotonic() + within_s
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > until:
            raise Failed(f"within {within_s} s it did not come true: {what}")
        time.sleep(0.1)


class Sleeper:
    """A device's side of the push service: says hello for tokens, reads pushes."""

    def __init__(self, sink, *tokens):
        self.sock = socket.create_connection(("127.0.0.1", sink.device_port), timeout=PEER_WAIT_S)
        self.buffer = b""
        self.sock.sendall(b"".join(b"hello %s\n" % token.encode() for token in tokens))

    def next(self, within_s=PEER_WAIT_S):
        """(token, payload), or None when none comes in time."""
        self.sock.settimeout(within_s)
        while b"\n" not in self.buffer:
            try:
                piece = self.sock.recv(65536)
            except TimeoutError:
                return None
            if not piece:
                raise Failed("apns-sink closed the device's connection")
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        word, token, payload = line.decode().split()
        expect_eq(word, "push", "word of the line")
        return token, base64.b64decode(payload)

    def close(self):
        self.sock.close()


__all__ = ["FLEET_TOPIC", "Service", "Sleeper", "Sink", "token_of", "wait_for", "base64", "hashlib"]
