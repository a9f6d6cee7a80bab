#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SCEP with the clients of others: Debian's scepclient, certmonger's scep-submit, openssl for what is inside; and many at once."""
import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

from rig import *

WAIT_S = 60
SUBMIT = "/usr/lib/certmonger/scep-submit"
SECRET = "a-fixed-word"
PLACE = {}  # port of the plain listener


def run(rig, *command, data=None, fine=True, env=None):
    done = subprocess.run(command, cwd=rig.server.home, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S,
                          env={**os.environ, **(env or {})}, check=False)
    if fine and done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}: {(done.stdout + done.stderr).decode(errors='replace')[-600:]}")
    return done


def url(authority, tail=""):
    return f"http://127.0.0.1:{PLACE['port']}/scep/{authority}{tail}"


def get(authority, operation, more=""):
    done = subprocess.run(["curl", "--silent", "--show-error", "--include", url(authority, f"?operation={operation}{more}")],
                          stdout=subprocess.PIPE, timeout=WAIT_S, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), head.decode().lower(), body


def challenge(rig, authority, device, *words):
    return rig.server.ctl("challenge", "scep", "challenge", "new", "--authority", authority, "--device", device, "--socket",
                          rig.server.control, *words)["challenge"]


def bench(rig, *words, fine=True):
    done = run(rig, rig.server.programs.bench, "scep", "--port", str(PLACE["port"]), "--json", *words, fine=fine)
    return json.loads(done.stdout) if done.stdout else done.stderr.decode()


def text_of(rig, pem, *words):
    return run(rig, "openssl", "x509", "-in", pem, "-noout", *words).stdout.decode()


def ra_of(rig, authority):
    """The certificates of GetCACert as files, and the SHA-256 of the RA's."""
    _, head, body = get(authority, "GetCACert")
    if "x-x509-ca-cert" in head:
        run(rig, "openssl", "x509", "-inform", "DER", "-out", "ra.pem", data=body)
    else:
        pems = run(rig, "openssl", "pkcs7", "-inform", "DER", "-print_certs", data=body).stdout.decode()
        certs = [part + "-----END CERTIFICATE-----\n" for part in pems.split("-----END CERTIFICATE-----\n") if "BEGIN" in part]
        for cert in certs:
            text = run(rig, "openssl", "x509", "-noout", "-text", data=cert.encode()).stdout.decode()
            if "rsaEncryption" in text and "CA:TRUE" not in text:
                run(rig, "openssl", "x509", "-out", "ra.pem", data=cert.encode())
    der = run(rig, "openssl", "x509", "-in", "ra.pem", "-outform", "DER").stdout
    return hashlib.sha256(der).hexdigest()


def reload(rig, **conf):
    rig.server.conf.update({"scep." + key: value for key, value in conf.items()})
    rig.server.write_conf()
    os.kill(rig.server.pid, signal.SIGHUP)
    time.sleep(1)


@case("start with two authorities in the store")
def _(rig):
    tool = f"{sys.argv[1]}/tests/live/live_authority"
    for name, words in {"phones": ["p256"], "rsa": ["rsa2048", SECRET]}.items():
        with open(rig.server.path(name + ".pem"), "wb") as f:
            f.write(run(rig, tool, "store", "master.key", name, *words).stdout)
    PLACE["port"] = rig.server.plain_port
    rig.server.start()


@case("capabilities and certificates come as RFC 8894 wants them")
def _(rig):
    status, head, body = get("phones", "GetCACaps")
    expect_eq(status, 200)
    expect({"AES", "POSTPKIOperation", "SHA-256", "SCEPStandard", "Renewal"} <= set(body.decode().split()), body)
    expect("content-type: application/x-x509-ca-ra-cert" in get("phones", "GetCACert")[1], "an EC authority has an RA")
    expect("content-type: application/x-x509-ca-cert" in get("rsa", "GetCACert")[1], "an RSA authority speaks for itself")
    expect_eq(get("phones", "GetNextCACert")[0], 404)
    expect_eq(get("nobody", "GetCACaps")[0], 404)


@case("certmonger's scep-submit reads both")
def _(rig):
    if not os.path.exists(SUBMIT):
        return
    for authority in ("phones", "rsa"):
        done = run(rig, SUBMIT, "-u", url(authority), "-c")
        expect(b"SCEPStandard" in done.stdout, done.stdout)
        done = run(rig, SUBMIT, "-u", url(authority), "-C", fine=False)
        expect(b"BEGIN CERTIFICATE" in done.stdout, (done.stdout + done.stderr)[-300:])


@case("openssl opens an answer, and trusts what is in it")
def _(rig):
    for authority in ("phones", "rsa"):
        os.makedirs(rig.server.path(authority), exist_ok=True)
        result = bench(rig, "--path", f"/scep/{authority}", "--control", rig.server.control, "--authority", authority, "--name",
                       f"judged-{authority}", "--count", "1", "--keep", rig.server.path(authority))
        expect_eq(result["certificates"], 1, f"certificates of {authority}: {result}")
        place = authority + "/"
        run(rig, "openssl", "cms", "-verify", "-inform", "DER", "-in", place + "answer.der", "-CAfile", authority + ".pem", "-purpose",
            "any", "-binary", "-out", place + "envelope.der")
        run(rig, "openssl", "cms", "-decrypt", "-inform", "DER", "-in", place + "envelope.der", "-inkey", place + "key.pem", "-binary",
            "-out", place + "certs.der")
        pems = run(rig, "openssl", "pkcs7", "-inform", "DER", "-in", place + "certs.der", "-print_certs", "-out", place + "cert.pem")
        expect_eq(open(rig.server.path(place + "cert.pem"), encoding="utf-8").read().count("BEGIN CERTIFICATE"), 1, f"certificates {pems}")
        run(rig, "openssl", "verify", "-CAfile", authority + ".pem", "-purpose", "sslclient", place + "cert.pem")
        text = text_of(rig, place + "cert.pem", "-text")
        expect("CA:TRUE" not in text and f"CN = judged-{authority}-" in text, text)


@case("scep-submit carries a message there and back")
def _(rig):
    if not os.path.exists(SUBMIT):
        return
    with open(rig.server.path("phones/request.der"), "rb") as f:
        message = f.read()
    with open(rig.server.path("request.txt"), "wb") as f:
        f.write(base64.encodebytes(message))
    ra_of(rig, "phones")
    done = run(rig, SUBMIT, "-u", url("phones"), "-r", "ra.pem", "-N", "phones.pem", "-p", "request.txt", fine=False)
    # The transaction was carried out before: the same certificate comes again, for a key that scep-submit does not have.
    expect(done.returncode in (0, 1, 2, 3, 5), f"exit {done.returncode}: {(done.stdout + done.stderr)[-300:]}")
    expect(b"BEGIN PKCS7" in done.stdout or b"MII" in done.stdout, (done.stdout + done.stderr)[-400:])


def scepclient(rig, name, authority, word, *words, fine=True):
    """In a folder of its own, where it leaves its request beside key.pem."""
    os.makedirs(rig.server.path(name), exist_ok=True)
    return run(rig, "scepclient", "-private-key", name + "/key.pem", "-certificate", name + "/cert.pem", "-cn", name, "-server-url", url(authority),
               "-challenge", word, *words, fine=fine)


@case("single DES is refused unless the configuration takes it")
def _(rig):
    done = scepclient(rig, "des", "rsa", SECRET, fine=False)
    expect(done.returncode != 0 and b"badAlg" in done.stdout + done.stderr, (done.stdout + done.stderr)[-300:])
    reload(rig, des="yes")


@case("Debian's scepclient enrols with an RSA authority and its static challenge")
def _(rig):
    scepclient(rig, "first", "rsa", SECRET)
    run(rig, "openssl", "verify", "-CAfile", "rsa.pem", "first/cert.pem")
    subject = text_of(rig, "first/cert.pem", "-subject")
    expect("first" not in subject, f"the request's name is in the certificate: {subject}")
    done = scepclient(rig, "wrong", "rsa", "another-word", fine=False)
    expect(b"badRequest" in done.stdout + done.stderr, (done.stdout + done.stderr)[-300:])


@case("Debian's scepclient enrols with an EC authority, its RA and a one-time challenge, once")
def _(rig):
    ra = ra_of(rig, "phones")
    word = challenge(rig, "phones", "UDID-77", "--name", "phone 77", "--dns", "a.example")
    scepclient(rig, "second", "phones", word, "-ca-fingerprint", ra)
    run(rig, "openssl", "verify", "-CAfile", "phones.pem", "second/cert.pem")
    text = text_of(rig, "second/cert.pem", "-text")
    expect("CN = phone 77" in text and "DNS:a.example" in text, text)
    done = scepclient(rig, "third", "phones", word, "-ca-fingerprint", ra, fine=False)
    expect(b"badRequest" in done.stdout + done.stderr, (done.stdout + done.stderr)[-300:])


@case("64 at once: no failure, no serial number twice")
def _(rig):
    result = bench(rig, "--control", rig.server.control, "--count", "400", "--concurrency", "64", "--keys", "4")
    expect_eq((result["certificates"], result["refused"], result["broken"], result["serials_twice"]), (400, 0, 0, 0), str(result))
    result = bench(rig, "--path", "/scep/rsa", "--challenge", SECRET, "--count", "200", "--concurrency", "64", "--keys", "4", "--des3")
    expect_eq((result["certificates"], result["serials_twice"]), (200, 0), str(result))


@case("a source that sends too much is told so")
def _(rig):
    reload(rig, rate=1, burst=10)
    result = bench(rig, "--challenge", SECRET, "--path", "/scep/rsa", "--count", "60", "--concurrency", "4", fine=False)
    expect(result["broken"] >= 30, str(result))
    expect("429" in result["first_error"], str(result))


if __name__ == "__main__":
    sys.exit(main({"scep.rate": 0, "log.level": "info"}, starts=False))
