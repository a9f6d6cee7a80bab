#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Identities that TLS does not bring: messages signed by openssl as devices sign them, and a front end that curl plays."""
import base64
import subprocess
import sys

from rig import *

PLACE = {}


def sign(rig, device, body, *words):
    """Mdm-Signature as openssl makes it: detached, DER, base64 in one line."""
    with open(rig.server.path("body"), "wb") as f:
        f.write(body)
    done = subprocess.run(["openssl", *words, "-sign", "-binary", "-in", "body", "-outform", "DER", "-signer", device.cert, "-inkey",
                           device.key, "-nosmimecap"], cwd=rig.server.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    expect(done.returncode == 0, done.stderr.decode())
    return base64.b64encode(done.stdout).decode()


def put(rig, body, *headers, cert=None):
    words = [w for h in headers for w in ("--header", h)]
    return rig.curl("/checkin", body, CHECKIN, words=words, cert=cert)


def message(device, message_type="Authenticate"):
    return plistlib.dumps(device.message(message_type))


@case("start with a CA for front ends")
def _(rig):
    rig.server.ctl("front end CA", "ca", "init", "--ca", "front", "--name", "Front ends")
    rig.server.ctl("front end", "ca", "issue", "--ca", "front", "--name", "proxy", "--out", "proxy")
    rig.server.ctl("front end", "ca", "issue", "--ca", "front", "--name", "another", "--out", "another")
    rig.server.start()
    PLACE["proxy"] = (rig.server.path("proxy.pem"), rig.server.path("proxy.key"))
    PLACE["another"] = (rig.server.path("another.pem"), rig.server.path("another.key"))


@case("openssl's signatures of every kind are a device's identity")
def _(rig):
    for words in (["cms", "-md", "sha256"], ["cms", "-md", "sha1"], ["smime", "-md", "sha1", "-noattr"], ["cms", "-md", "sha512"]):
        device = Device(rig)
        body = message(device)
        reply = put(rig, body, "Mdm-Signature: " + sign(rig, device, body, *words))
        expect_eq(reply.status, 200, f"{words}: {reply.body}")
        expect(device.stored() is not None, f"{words}: not stored")


@case("an RSA identity signs as well")
def _(rig):
    prefix = rig.new("rsa")
    rig.server.issue("an RSA phone", prefix, "--kind", "rsa2048")
    device = Device(rig)
    device.cert, device.key = rig.server.path(prefix + ".pem"), rig.server.path(prefix + ".key")
    for words in (["cms", "-md", "sha256"], ["smime", "-md", "sha1", "-noattr"]):
        body = message(device)
        reply = put(rig, body, "Mdm-Signature: " + sign(rig, device, body, *words))
        expect_eq(reply.status, 200, f"{words}: {reply.body}")


@case("a signature of another body, of a stranger, or none at all is refused, and never with 401")
def _(rig):
    device, other = Device(rig), Device(rig)
    body = message(device)
    good = sign(rig, device, body, "cms", "-md", "sha256")
    for name, headers in {"none": [], "another body": ["Mdm-Signature: " + sign(rig, device, message(other), "cms")],
                          "rubbish": ["Mdm-Signature: AAAA"], "twice": ["Mdm-Signature: " + good] * 2}.items():
        expect_eq(put(rig, body, *headers).status, 403, name)
    pair = rig.forge("forged", ca="front")
    other.cert, other.key = pair
    expect_eq(put(rig, body, "Mdm-Signature: " + sign(rig, other, body, "cms")).status, 403, "a CA that is not for devices")
    expect(device.stored() is None, "somebody's message was stored")
    expect_eq(put(rig, body, "Mdm-Signature: " + good).status, 200)


@case("a front end's header is a device's identity; anybody else's is not")
def _(rig):
    device, other = Device(rig), Device(rig)
    der = subprocess.run(["openssl", "x509", "-in", device.cert, "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
    header = f"Client-Cert: :{base64.b64encode(der).decode()}:"
    body = message(device)
    for name, cert in {"nobody": None, "a front end of another name": PLACE["another"]}.items():
        expect_eq(put(rig, body, header, cert=cert).status, 403, name)
    expect_eq(put(rig, body, cert=PLACE["proxy"]).status, 403, "a front end without a header")
    expect_eq(put(rig, body, header, cert=PLACE["proxy"]).status, 200)
    expect(device.stored() is not None, "not stored")
    expect_eq(put(rig, message(other), header, cert=(other.cert, other.key)).status, 200, "a device is itself, whatever it says")
    expect(other.stored()["certificate"]["sha256"] != device.stored()["certificate"]["sha256"], "the header spoke for a device")


@case("what the configuration may not say")
def _(rig):
    for words in ({"identity.sources": "tls,letter"}, {"identity.sources": "header", "identity.front_end_ca": ""},
                  {"identity.front_end_ca": "ca/ca.pem"}):
        before = dict(rig.server.conf)
        rig.server.conf.update(words)
        rig.server.write_conf()
        done = subprocess.run([rig.server.programs.musterd, "-t", "-c", "musterd.conf"], cwd=rig.server.home, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        rig.server.conf = before
        rig.server.write_conf()
        expect(done.returncode != 0, f"{words} was taken: {done.stdout}")


if __name__ == "__main__":
    sys.exit(main({"identity.sources": "tls, signature, header", "identity.front_end_ca": "front/ca.pem",
                   "identity.front_end_names": "proxy"}, starts=False))
