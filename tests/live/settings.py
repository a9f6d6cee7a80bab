#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A phone enrols by SCEP (Debian's scepclient), gets a Wi-Fi profile with an identity, and loses it; openssl verifies all of it."""
import json
import os
import plistlib
import subprocess
import sys
import time
import uuid

from rig import *

WAIT_S = 20
EXTRA = {}


def run(rig, *command, data=None, env=None):
    done = subprocess.run(command, cwd=rig.server.home, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S,
                          env={**os.environ, **(env or {})}, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}: {(done.stderr or done.stdout).decode(errors='replace')[-300:]}")
    return done.stdout


def opened(rig, signed):
    """What was signed, with the chain verified up to the CA of the portal."""
    with open(rig.server.path("signed.der"), "wb") as f:
        f.write(signed)
    return plistlib.loads(run(rig, "openssl", "cms", "-verify", "-inform", "DER", "-in", "signed.der", "-CAfile", "ca/ca.pem", "-purpose", "any"))


def payload(config, kind):
    found = [p for p in config["PayloadContent"] if p["PayloadType"] == kind]
    expect_eq(len(found), 1, f"payloads of type {kind}")
    return found[0]


def call(rig, method, path, body=None, want=(200, 201, 204)):
    status, answer = rig.server.call(method, path, json.dumps(body).encode() if body is not None else None)
    expect(status in want, f"{method} {path}: {status} {answer}")
    return answer


def states(rig, device):
    return {s["name"]: s for s in rig.server.ctl("settings", "device", "settings", device.udid, "--socket", rig.server.control)["settings"]}


def until(what, condition):
    end = time.time() + WAIT_S
    while time.time() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise Failed(f"{what}: not within {WAIT_S} s")


def command(device, kind):
    """The next command, which is of this kind."""
    def look():
        reply = device.report("Idle")
        expect_eq(reply.status, 200, "status of Idle")
        return plistlib.loads(reply.body) if reply.body else None
    found = until(kind, look)
    expect_eq(found["Command"]["RequestType"], kind, "the command")
    return found


class Phone(Device):
    """A device whose identity comes by its enrolment profile."""

    def __init__(self, rig):
        self.rig, self.udid = rig, str(uuid.uuid4()).upper()
        made = rig.server.ctl("link", "enroll", "link", "--authority", "phones", "--device", self.udid, "--socket", rig.server.control)
        reply = rig.curl("/" + made["url"].split("/", 3)[3])
        expect_eq(reply.status, 200, "status of the enrolment profile")
        scep = payload(opened(rig, reply.body), "com.apple.security.scep")["PayloadContent"]
        place = rig.server.path(rig.new("scep"))
        os.makedirs(place)
        run(rig, "scepclient", "-server-url", scep["URL"], "-challenge", scep["Challenge"], "-cn", scep["Subject"][0][0][1], "-keySize",
            str(scep["Keysize"]), "-private-key", f"{place}/key.pem", "-certificate", f"{place}/cert.pem",
            env={"SSL_CERT_FILE": rig.server.path("ca/ca.pem")})
        self.cert, self.key = f"{place}/cert.pem", f"{place}/key.pem"


@case("start with a signer, an authority for devices and one for Wi-Fi")
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
    server.ctl("authority", "authority", "new", "phones", "--kind", "rsa2048", "--socket", "control.sock")
    made = server.ctl("authority", "authority", "new", "wifi", "--kind", "p256", "--socket", "control.sock")
    with open(server.path("wifi.pem"), "w", encoding="utf-8") as f:
        f.write(made["certificate"])


@case("a phone enrols by SCEP")
def _(rig):
    EXTRA["phone"] = Phone(rig).enrol()
    expect_eq(call(rig, "GET", f"/v1/devices/{EXTRA['phone'].udid}")["detail"]["platform"], "ios")


@case("its label brings a Wi-Fi profile with an identity that openssl verifies")
def _(rig):
    phone = EXTRA["phone"]
    call(rig, "PUT", "/v1/users/jane", {"name": "jane", "fields": {"email": "jane@example.com"}})
    call(rig, "PUT", "/v1/labels/iphones", {"name": "iphones", "fields": {"expression": "device.platform = \"ios\" and user.name = \"jane\""}})
    call(rig, "PUT", "/v1/enrollments/wifi", {"name": "wifi", "type": "local", "fields": {
        "authority": "wifi", "common_name": "$EMAIL$", "sans": [{"key": "rfc822", "value": "$EMAIL$"}]}})
    call(rig, "PUT", "/v1/settings/Office", {"name": "Office", "type": "wifi", "fields": {
        "ssid": "Office", "eap_types": ["tls"], "identity": "wifi", "labels": ["iphones"]}})
    call(rig, "PUT", f"/v1/devices/{phone.udid}/detail", {"user": "jane"})
    install = command(phone, "InstallProfile")
    config = opened(rig, install["Command"]["Payload"])
    wifi, p12 = payload(config, "com.apple.wifi.managed"), payload(config, "com.apple.security.pkcs12")
    expect_eq((wifi["SSID_STR"], wifi["PayloadCertificateUUID"]), ("Office", p12["PayloadUUID"]))
    with open(rig.server.path("id.p12"), "wb") as f:
        f.write(p12["PayloadContent"])
    env = {"P12": p12["Password"]}
    run(rig, "openssl", "pkcs12", "-in", "id.p12", "-passin", "env:P12", "-nodes", "-nocerts", "-out", "id.key", env=env)
    run(rig, "openssl", "pkcs12", "-in", "id.p12", "-passin", "env:P12", "-clcerts", "-nokeys", "-out", "id.pem", env=env)
    run(rig, "openssl", "verify", "-CAfile", "wifi.pem", "-purpose", "sslclient", "id.pem")
    text = run(rig, "openssl", "x509", "-in", "id.pem", "-noout", "-subject", "-ext", "subjectAltName").decode()
    expect("jane@example.com" in text and "email:jane@example.com" in text, text)
    expect_eq(run(rig, "openssl", "pkey", "-in", "id.key", "-pubout"), run(rig, "openssl", "x509", "-in", "id.pem", "-noout", "-pubkey"),
              "the key is the certificate's")
    expect_eq(states(rig, phone)["Office"]["state"], "sent")
    phone.report("Acknowledged", install["CommandUUID"])
    until("applied", lambda: states(rig, phone)["Office"]["state"] == "applied")
    EXTRA["identifier"] = config["PayloadIdentifier"]


@case("after a kill nothing is sent twice")
def _(rig):
    rig.server.kill()
    rig.server.start()
    time.sleep(2)
    expect_eq(EXTRA["phone"].report("Idle").body, b"", "a command")
    expect_eq(states(rig, EXTRA["phone"])["Office"]["state"], "applied")


@case("without the label the profile goes, and its identity is revoked")
def _(rig):
    phone = EXTRA["phone"]
    call(rig, "PUT", f"/v1/devices/{phone.udid}/detail", {"user": None})
    remove = command(phone, "RemoveProfile")
    expect_eq(remove["Command"]["Identifier"], EXTRA["identifier"])
    phone.report("Acknowledged", remove["CommandUUID"])
    until("removed", lambda: states(rig, phone)["Office"]["state"] == "removed")
    serial = run(rig, "openssl", "x509", "-in", "id.pem", "-noout", "-serial").decode().strip().split("=")[1].lower()

    def revoked():
        certs = call(rig, "GET", "/v1/certificates?authority=wifi")["certificates"]
        return [c for c in certs if int(c["serial"], 16) == int(serial, 16) and c["state"] == "revoked"]
    until("revoked", revoked)


@case("a retired device loses its settings, and then its enrolment")
def _(rig):
    phone = EXTRA["phone"]
    call(rig, "PUT", f"/v1/devices/{phone.udid}/detail", {"user": "jane"})
    install = command(phone, "InstallProfile")
    phone.report("Acknowledged", install["CommandUUID"])
    until("applied", lambda: states(rig, phone)["Office"]["state"] == "applied")
    expect_eq(rig.server.ctl("retire", "device", "retire", phone.udid, "--socket", rig.server.control)["retired"], True)
    remove = command(phone, "RemoveProfile")
    expect_eq(remove["Command"]["Identifier"], EXTRA["identifier"])
    phone.report("Acknowledged", remove["CommandUUID"])
    remove = command(phone, "RemoveProfile")
    expect_eq(remove["Command"]["Identifier"], "muster.enroll")
    phone.report("Acknowledged", remove["CommandUUID"])
    expect_eq(phone.checkin("CheckOut").status, 200)
    until("removed", lambda: states(rig, phone)["Office"]["state"] == "removed")


sys.exit(main(starts=False))
