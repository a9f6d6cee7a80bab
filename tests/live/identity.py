#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whose certificate is it: others', forged, expired or missing ones are refused and store nothing."""
from rig import *


def refused(rig, device, pair, what):
    """Either TLS refuses, or the answer is a 403; 401 would make a device unenrol. Nothing may be stored."""
    for kind, body in ((CHECKIN, device.message("Authenticate")), (COMMAND, {"UDID": device.udid, "Status": "Idle"})):
        before = device.stored()
        reply = rig.curl("/mdm", plistlib.dumps(body), kind, cert=pair)
        expect(reply.status in (0, 403), f"{what}: status {reply.status}")
        expect_eq(device.stored(), before, f"{what}: what is stored")


@case("no certificate")
def _(rig):
    device = Device(rig)
    for kind, body in ((CHECKIN, device.message("Authenticate")), (COMMAND, {"UDID": device.udid, "Status": "Idle"})):
        expect_eq(rig.curl("/mdm", plistlib.dumps(body), kind).status, 403)
    expect_eq(device.stored(), None)


@case("a certificate of another CA, even of the same name")
def _(rig):
    device = Device(rig)
    rig.server.ctl("other CA", "ca", "init", "--ca", "other", "--name", "Live device CA")
    refused(rig, device, rig.forge(device.udid, ca="other"), "other CA")


@case("an expired certificate")
def _(rig):
    device = Device(rig)
    refused(rig, device, rig.forge(device.udid, start="20200101000000Z", end="20210101000000Z"), "expired")


@case("a certificate that is not yet valid")
def _(rig):
    device = Device(rig)
    refused(rig, device, rig.forge(device.udid, start="20900101000000Z", end="20910101000000Z"), "not yet valid")


@case("a certificate that openssl made under our CA is fine")
def _(rig):
    device = Device(rig)
    device.cert, device.key = rig.forge(device.udid)
    device.enrol()


@case("a self-signed certificate, and the CA's own")
def _(rig):
    device = Device(rig)
    rig.server.ctl("self-signed", "ca", "init", "--ca", "self", "--name", device.udid)
    refused(rig, device, (rig.server.path("self/ca.pem"), rig.server.path("self/ca.key")), "self-signed")
    refused(rig, device, (rig.server.path("ca/ca.pem"), rig.server.path("ca/ca.key")), "the CA's own")


@case("a server's certificate is no device's")
def _(rig):
    device = Device(rig)
    refused(rig, device, (rig.server.path("server.pem"), rig.server.path("server.key")), "server's")


@case("another device's certificate may not speak for an enrolled device")
def _(rig):
    mine, other = Device(rig).enrol(), Device(rig).enrol()
    before = mine.stored()
    for kind, body in ((CHECKIN, mine.message("TokenUpdate")), (CHECKIN, mine.message("Authenticate")), (CHECKIN, mine.message("CheckOut")),
                       (COMMAND, {"UDID": mine.udid, "Status": "Idle"})):
        reply = rig.curl("/mdm", plistlib.dumps(body), kind, cert=(other.cert, other.key))
        expect_eq(reply.status, 403, f"{body.get('MessageType', 'Idle')} ({reply.body[:80]})")
    after = mine.stored()
    for key in ("state", "token_updates", "certificate", "updated_at"):
        expect_eq(after[key], before[key], key)
    expect_eq(mine.report("Idle").status, 200, "the device itself")


@case("a renewed certificate of the same name and CA is bound anew, and the history says so")
def _(rig):
    device = Device(rig).enrol()
    before = device.stored()["certificate"]["sha256"]
    old = (device.cert, device.key)
    time.sleep(1.1)  # a younger one counts; dates are in seconds
    device.cert, device.key = rig.identity(device.udid)
    expect_eq(device.report("Idle").status, 200, "with the new certificate")
    reply = rig.curl("/mdm", plistlib.dumps({"UDID": device.udid, "Status": "Idle"}), COMMAND, cert=old)
    expect_eq(reply.status, 403, "the old one afterwards")
    stored = device.stored()
    expect(stored["certificate"]["sha256"] != before, "the binding is the old one")
    events = [h["event"] for h in rig.server.ask("GET", f"/v1/devices/{device.udid}/history")["history"]]
    expect("certificate-rebound" in events, str(events))


@case("a new certificate of another name is not bound outside Authenticate")
def _(rig):
    device = Device(rig).enrol()
    pair = rig.identity("another name")
    expect_eq(rig.curl("/mdm", plistlib.dumps({"UDID": device.udid, "Status": "Idle"}), COMMAND, cert=pair).status, 403)
    expect_eq(device.report("Idle").status, 200, "the device itself")


@case("an RSA identity is fine")
def _(rig):
    device = Device(rig)
    rig.server.issue(device.udid, "rsa-device", "--kind", "rsa2048")
    device.cert, device.key = rig.server.path("rsa-device.pem"), rig.server.path("rsa-device.key")
    device.enrol()
    expect_eq(device.report("Idle").status, 200)


@case("refusals are counted and logged with a reason")
def _(rig):
    _, text = rig.server.call("GET", "/metrics")
    count = re.search(r"^muster_identities_refused_total (\d+)", text, re.M)
    expect(count and int(count[1]) > 0, "muster_identities_refused_total")
    expect("identity refused" in rig.server.log(), "no reason in the log")


if __name__ == "__main__":
    sys.exit(main({"log.level": "info"}))
