#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a link to a check-in: openssl verifies the profile, plistlib reads it, Debian's scepclient gets the identity, curl uses it."""
import hashlib
import json
import os
import plistlib
import signal
import ssl
import subprocess
import sys
import time
import uuid

from rig import *

WAIT_S = 20
PROFILE = "application/x-apple-aspen-config"
APPLE_ERA = ("UDID", "SERIAL", "PRODUCT", "VERSION")
EXTRA = {}  # what the first case makes for the others


def run(rig, *command, data=None, fine=True, env=None):
    done = subprocess.run(command, cwd=rig.server.home, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S,
                          env={**os.environ, **(env or {})}, check=False)
    if fine and done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}: {(done.stderr or done.stdout).decode(errors='replace')[-300:]}")
    return done


def link(rig, device, *words):
    return rig.server.ctl("link", "enroll", "link", "--authority", "phones", "--device", device, "--socket", rig.server.control, *words)


def path_of(url):
    return "/" + url.split("/", 3)[3]


def opened(rig, signed):
    """What openssl says was signed, with the chain verified up to the CA of the portal."""
    with open(rig.server.path("signed.der"), "wb") as f:
        f.write(signed)
    done = run(rig, "openssl", "cms", "-verify", "-inform", "DER", "-in", "signed.der", "-CAfile", "ca/ca.pem", "-purpose", "any")
    return plistlib.loads(done.stdout)


def profile(rig, path):
    reply = rig.curl(path)
    expect_eq(reply.status, 200, f"status of {path} ({reply.body[:100]})")
    expect_eq(reply.headers["content-type"], PROFILE)
    expect_eq(reply.headers["cache-control"], "no-store")
    return opened(rig, reply.body)


def payload(config, kind):
    found = [p for p in config["PayloadContent"] if p["PayloadType"] == kind]
    expect_eq(len(found), 1, f"payloads of type {kind}")
    return found[0]


def certify(rig, config, device):
    """The SCEP payload, done by scepclient: certificate and key of `device` from now on."""
    scep = payload(config, "com.apple.security.scep")["PayloadContent"]
    place = rig.server.path(rig.new("scep"))
    os.makedirs(place)
    name = scep["Subject"][0][0][1]
    run(rig, "scepclient", "-server-url", scep["URL"], "-challenge", scep["Challenge"], "-cn", name, "-keySize", str(scep["Keysize"]),
        "-private-key", f"{place}/key.pem", "-certificate", f"{place}/cert.pem", env={"SSL_CERT_FILE": rig.server.path("ca/ca.pem")})
    device.cert, device.key = f"{place}/cert.pem", f"{place}/key.pem"
    return run(rig, "openssl", "x509", "-in", device.cert, "-noout", "-subject", "-ext", "subjectAltName").stdout.decode()


class Enrolled(Device):
    """A device that has no identity yet."""

    def __init__(self, rig):
        self.rig, self.udid, self.cert, self.key = rig, str(uuid.uuid4()).upper(), None, None


def attributes(rig, device, challenge, cert, key, md="sha256"):
    """The device's attributes, signed as the profile service wants them."""
    with open(rig.server.path("attributes.plist"), "wb") as f:
        f.write(plistlib.dumps({"UDID": device.udid, "CHALLENGE": challenge, "SERIAL": "C0FFEE", "PRODUCT": "iPhone15,2", "VERSION": "22B83"}))
    done = run(rig, "openssl", "cms", "-sign", "-binary", "-nodetach", "-md", md, "-in", "attributes.plist", "-signer", cert, "-inkey", key,
               "-outform", "DER")
    return done.stdout


def post(rig, body):
    return rig.curl("/ota/phones", body, "application/pkcs7-signature", method="POST")


@case("start, and make an authority that is trusted at once")
def _(rig):
    server = rig.server
    run(rig, "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "enroll.key", "-out", "enroll.csr", "-subj", "/CN=iOS Enrollment")
    with open(server.path("enroll.conf"), "w", encoding="utf-8") as f:
        f.write("keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n")
    run(rig, "openssl", "x509", "-req", "-in", "enroll.csr", "-CA", "ca/ca.pem", "-CAkey", "ca/ca.key", "-set_serial", "4711", "-days", "30",
        "-extfile", "enroll.conf", "-out", "enroll.pem")
    server.conf.update({"mdm.url": f"https://localhost:{server.port}", "mdm.topic": TOPIC, "enroll.certificate": "enroll.pem",
                        "enroll.key": "enroll.key", "enroll.roots": "ca/ca.pem", "enroll.organization": "Live", "enroll.per_minute": 0,
                        "identity.device_ca": "", "scep.des": "yes"})
    server.write_conf()
    server.start()
    made = server.ctl("authority", "authority", "new", "phones", "--kind", "rsa2048", "--socket", "control.sock")
    expect_eq((made["name"], made["state"]), ("phones", "active"))
    EXTRA["ca"] = made["certificate"].encode()


@case("nobody gets a profile without a link")
def _(rig):
    for path in ("/enroll/phones", "/ota/phones", "/enroll/nobody"):
        expect_eq(rig.curl(path).status, 403, path)
    for path in ("/enroll/phones/short", "/enroll/phones/" + "0" * 48, "/ota/phones/" + "0" * 48):
        expect_eq(rig.curl(path).status, 404, path)


@case("a profile is signed, well-formed and says what a device needs")
def _(rig):
    config = profile(rig, path_of(link(rig, "UDID-1", "--name", "Ann's <phone>", "--dns", "a.example", "--dns", "b.example")["url"]))
    again = profile(rig, path_of(link(rig, "UDID-1")["url"]))
    expect_eq(config["PayloadType"], "Configuration")
    expect_eq(config["PayloadUUID"], again["PayloadUUID"], "a device's profile replaces itself")
    roots = [p["PayloadContent"] for p in config["PayloadContent"] if p["PayloadType"] == "com.apple.security.root"]
    expect_eq(len(roots), 2, "roots: the authority and the portal's CA")
    der = ssl.PEM_cert_to_DER_cert(EXTRA["ca"].decode())
    expect(der in roots, "the authority is not among the roots")
    scep, mdm = payload(config, "com.apple.security.scep"), payload(config, "com.apple.mdm")
    content = scep["PayloadContent"]
    expect_eq(content["Subject"], [[["CN", "Ann's <phone>"]]])
    expect_eq(content["SubjectAltName"], {"dNSName": ["a.example", "b.example"]})
    expect_eq((content["Keysize"], content["Key Type"], content["Key Usage"]), (2048, "RSA", 5))
    expect_eq(content["CAFingerprint"], hashlib.sha1(der).digest())
    expect(content["Challenge"] != payload(again, "com.apple.security.scep")["PayloadContent"]["Challenge"], "the challenge is not fresh")
    expect_eq(mdm["IdentityCertificateUUID"], scep["PayloadUUID"])
    base = f"https://localhost:{rig.server.port}"
    expect_eq((mdm["ServerURL"], mdm["CheckInURL"], mdm["Topic"]), (base + "/mdm", base + "/checkin", TOPIC))
    expect_eq((mdm["AccessRights"], mdm["CheckOutWhenRemoved"], mdm["SignMessage"]), (8191, True, True))


@case("simulated devices join from their profiles and check in")
def _(rig):
    server = rig.server
    words = ("--port", str(server.port), "--control", "control.sock", "--server-ca", "ca/ca.pem", "--devices", "4", "--authority", "phones")
    run(rig, server.programs.bench, "join", *words, "--certs", "joined")
    first = sorted(os.listdir(server.path("joined")))[0]
    text = run(rig, "openssl", "x509", "-in", server.path("joined", first), "-noout", "-text").stdout.decode()
    expect("(2048 bit)" in text and f"CN = {first[:-4]}" in text, text)
    with open(server.path("phones.pem"), "wb") as f:
        f.write(EXTRA["ca"])
    run(rig, "openssl", "verify", "-purpose", "sslclient", "-CAfile", "phones.pem", server.path("joined", first))
    done = run(rig, server.programs.bench, "fleet", "--port", str(server.port), "--server-ca", "ca/ca.pem", "--certs", "joined", "--devices",
               "4", "--script", "enrol", "--json")
    expect_eq(json.loads(done.stdout)["checkins"], 8)
    other = run(rig, server.programs.bench, "join", *words, "--certs", "others", "--server-ca", "phones.pem", fine=False)
    expect(other.returncode != 0, "a server of another CA was taken")


@case("link, profile, SCEP, check-in, renewal")
def _(rig):
    device = Enrolled(rig)
    url = path_of(link(rig, device.udid, "--dns", "phone.example")["url"])
    text = certify(rig, profile(rig, url), device)
    expect(device.udid in text and "DNS:phone.example" in text, text)
    expect_eq(rig.curl(url).status, 410, "the link was used")
    device.enrol()
    expect_eq(device.report("Idle").body, b"", "no command yet")
    answer = rig.server.ctl("renewal", "enroll", "renew", device.udid, "--socket", rig.server.control)
    command = plistlib.loads(device.report("Idle").body)
    expect_eq(command["CommandUUID"], answer["command_uuid"])
    expect_eq(command["Command"]["RequestType"], "InstallProfile")
    old = device.cert, device.key
    time.sleep(1.1)  # a successor is younger by a second at least
    certify(rig, opened(rig, command["Command"]["Payload"]), device)
    expect_eq(device.report("Acknowledged", command["CommandUUID"]).status, 200, "the new identity")
    device.cert, device.key = old
    expect_eq(device.report("Idle").status, 403, "the old identity")
    status, body = rig.server.call("GET", f"/v1/devices/{device.udid}/commands/{command['CommandUUID']}")
    expect_eq((status, body["state"]), (200, "acknowledged"))


@case("the profile service: attributes, SCEP, attributes, profile, check-in")
def _(rig):
    device, ota = Enrolled(rig), Enrolled(rig)
    service = profile(rig, path_of(link(rig, device.udid)["ota_url"]))
    expect_eq(service["PayloadType"], "Profile Service")
    expect(all(name in service["PayloadContent"]["DeviceAttributes"] for name in APPLE_ERA), service)
    expect_eq(service["PayloadContent"]["URL"], f"https://localhost:{rig.server.port}/ota/phones")
    run(rig, "openssl", "req", "-x509", "-newkey", "rsa:1024", "-sha1", "-nodes", "-keyout", "factory.key", "-out", "factory.pem", "-days",
        "9", "-subj", "/CN=factory")
    signed = attributes(rig, device, service["PayloadContent"]["Challenge"], "factory.pem", "factory.key", "sha1")
    expect_eq(post(rig, signed[:-9] + b"rubbish..").status in (400, 403), True, "a broken signature")
    reply = post(rig, signed)
    expect_eq(reply.status, 200, f"phase 2 ({reply.body[:100]})")
    config = opened(rig, reply.body)
    expect(all(p["PayloadType"] != "com.apple.mdm" for p in config["PayloadContent"]), "phase 2 has a com.apple.mdm payload")
    certify(rig, config, ota)
    expect_eq(post(rig, signed).status, 410, "phase 2 again")
    reply = post(rig, attributes(rig, device, "", ota.cert, ota.key))
    expect_eq(reply.status, 200, f"phase 3 ({reply.body[:100]})")
    expect(device.udid in certify(rig, opened(rig, reply.body), device), "the name is not the device's")
    device.enrol()


@case("a reload changes who may enrol, a wrong signer changes nothing")
def _(rig):
    server = rig.server

    def reload(change, want):
        server.conf.update(change)
        server.write_conf()
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + WAIT_S
        while rig.curl("/enroll/phones").status != want and time.monotonic() < until:
            time.sleep(0.05)
        for _ in range(8):  # every loop
            expect_eq(rig.curl("/enroll/phones").status, want)

    reload({"enroll.open": "yes"}, 200)
    device = Enrolled(rig)
    expect("enroll-" in certify(rig, profile(rig, "/enroll/phones"), device), "an open enrolment's name")
    reload({"enroll.open": "no"}, 403)
    server.conf["enroll.key"] = "server.key"
    server.conf["enroll.open"] = "yes"
    server.write_conf()
    server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + WAIT_S
    while "reload refused" not in server.log() and time.monotonic() < until:
        time.sleep(0.05)
    expect("[enroll] key is not the first certificate's" in server.log(), "the log does not say why")
    expect_eq(rig.curl("/enroll/phones").status, 403)
    profile(rig, path_of(link(rig, "UDID-9")["url"]))


@case("an intermediate authority is certified by openssl, imported and retired by musterctl")
def _(rig):
    server = rig.server

    def verb(*words):
        return server.ctl("authority", "authority", *words, "--socket", "control.sock")

    with open(server.path("below.csr"), "w", encoding="utf-8") as f:
        f.write(verb("new", "below", "--intermediate", "--name", "Below", "--static-challenge")["csr"])
    with open(server.path("below.conf"), "w", encoding="utf-8") as f:
        f.write("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,digitalSignature,keyCertSign,cRLSign\n")
    run(rig, "openssl", "req", "-in", "below.csr", "-noout", "-verify")
    run(rig, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "root.key", "-out",
        "root.pem", "-days", "9", "-subj", "/CN=Root")
    run(rig, "openssl", "x509", "-req", "-in", "below.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "7", "-days", "8",
        "-extfile", "below.conf", "-out", "below.pem")
    expect_eq(verb("import", "below", "below.pem")["state"], "active")
    run(rig, "openssl", "verify", "-CAfile", "root.pem", "below.pem")
    challenge = server.ctl("challenge", "scep", "challenge", "new", "--authority", "below", "--device", "UDID-7", "--socket", "control.sock")
    expect(challenge["challenge"], "it issues")
    expect_eq([a["name"] for a in verb("list")["authorities"] if a["state"] == "active"].count("below"), 1, "in the list")
    expect_eq(verb("retire", "below")["state"], "retired")
    shown = server.run("show", [server.programs.musterctl, "authority", "show", "below", "--socket", "control.sock"])
    expect("retired" in shown and "BEGIN CERTIFICATE" in shown, shown)


@case("the log holds no link and no challenge")
def _(rig):
    rig.server.conf["log.level"] = "debug"
    rig.server.conf["enroll.key"] = "enroll.key"
    rig.server.write_conf()
    rig.server.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    path = path_of(link(rig, "UDID-10")["url"])
    challenge = payload(profile(rig, path), "com.apple.security.scep")["PayloadContent"]["Challenge"]
    expect_eq(rig.curl(path, method="HEAD", words=("--head",)).status, 405)
    expect_eq(rig.curl(path.replace("phones", "others")).status, 404)
    rig.server.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    text = rig.server.log()
    expect("/enroll/others" in text, "refusals are not logged")
    expect(path.rsplit("/", 1)[1] not in text, "a link is in the log")
    expect(challenge not in text, "a challenge is in the log")


sys.exit(main(starts=False))
