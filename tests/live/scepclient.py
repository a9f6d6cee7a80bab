#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The engine as SCEP client: of Debian's scepserver, of another musterd, of itself; the proxy; and everything that can go wrong."""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

from rig import *
from rig import Local, free_port

WAIT_S = 60
SECRET = "AFixedWord0123456789"
NAME = {}  # what the cases share: ports, certificates


def run(home, *command, data=None):
    done = subprocess.run(command, cwd=home, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}: {(done.stdout + done.stderr).decode(errors='replace')[-600:]}")
    return done.stdout


def put(rig, name, **fields):
    """An enrolment setting of type scep."""
    body = {"name": name, "type": "scep", "fields": {"common_name": "jane", "timeout_s": 5, **fields}}
    status, answer = rig.server.call("PUT", f"/v1/enrollments/{name}", json_of(body))
    expect(status in (200, 201), f"{name}: {status} {answer}")


def json_of(body):
    return json.dumps(body)


def try_it(rig, name, **body):
    return rig.server.call("POST", f"/v1/enrollments/{name}/test", json_of(body))


def expect_certificate(rig, name, want="CN = jane"):
    status, answer = try_it(rig, name)
    expect_eq(status, 200, f"{name}: {answer}")
    text = run(rig.server.home, "openssl", "x509", "-noout", "-subject", "-issuer", data=answer["certificate"].encode()).decode()
    expect(want in text, text)
    return answer["certificate"]


def expect_why(rig, name, *parts):
    """It fails, says why, and does so again: nothing is stuck."""
    for _ in range(2):
        status, answer = try_it(rig, name)
        expect(status >= 400, f"{name}: {answer}")
        for part in parts:
            expect(part in str(answer), f"{name}: {answer}, not {part!r}")


@contextlib.contextmanager
def double(answer):
    """A server of a few lines: answer(handler) writes what it likes."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(OSError):
                answer(self)
        do_POST = do_GET

        def log_message(self, *words):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def say(handler, status, body, kind="text/plain"):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def plant(server, name, kind, *words):
    tool = f"{sys.argv[1]}/tests/live/live_authority"
    pem = run(server.home, tool, "store", "master.key", name, kind, *words)
    der = run(server.home, "openssl", "x509", "-outform", "DER", data=pem)
    return pem.decode(), hashlib.sha256(der).hexdigest()


def start(server, more=dict):
    """With ports that are free now: making keys takes long enough for others to have taken them."""
    server.port, server.plain_port = free_port(), free_port()
    server.conf.update({"portal.port": server.port, "plain.port": server.plain_port, **more()})
    server.write_conf()
    server.start()


@case("start with another musterd as CA, and authorities of our own")
def _(rig):
    other = Local(rig.server.programs, rig.server.path("o"), free_port(),
                  {key: value for key, value in rig.server.conf.items() if key in ("process.sandbox", "threads.loops")})
    NAME["other"] = other
    other.conf["scep.des"] = "yes"  # Debian's scepclient knows nothing better
    other.make_files("Other")
    NAME["rsa"] = plant(other, "rsa", "rsa2048", SECRET)
    NAME["ec"] = plant(other, "ec", "p256", SECRET)
    NAME["own"] = plant(rig.server, "own", "p256")
    start(other)
    start(rig.server, lambda: {"mdm.url": f"https://localhost:{rig.server.port}", "log.level": "info",
                               "enroll.scep_url": f"http://127.0.0.1:{rig.server.plain_port}"})
    NAME["http"] = f"http://127.0.0.1:{other.plain_port}/scep"
    NAME["https"] = f"https://localhost:{other.port}/scep"
    with open(other.path("ca/ca.pem"), encoding="utf-8") as f:
        NAME["other ca"] = f.read()


@case("a static challenge: CA of RSA, and CA of P-256 with an RA, pinned by SHA-256, over HTTP and HTTPS")
def _(rig):
    for kind in ("rsa", "ec"):
        put(rig, f"static-{kind}", url=f"{NAME['http']}/{kind}", challenge_kind="static", challenge=SECRET, ca_fingerprint=NAME[kind][1])
        expect_certificate(rig, f"static-{kind}", f"CN = {kind}")
        put(rig, f"tls-{kind}", url=f"{NAME['https']}/{kind}", ca=NAME["other ca"], challenge_kind="static", challenge=SECRET)
        expect_certificate(rig, f"tls-{kind}", f"CN = {kind}")


@case("a one-time challenge of our own authority names what the certificate says")
def _(rig):
    put(rig, "one-time", url=f"http://127.0.0.1:{rig.server.plain_port}/scep/own", challenge_kind="one-time", authority="own",
        ca_fingerprint=NAME["own"][1], sans=[{"key": "dns", "value": "phone.example"}])
    pem = expect_certificate(rig, "one-time")
    text = run(rig.server.home, "openssl", "x509", "-noout", "-text", data=pem.encode()).decode()
    expect("DNS:phone.example" in text, text)
    put(rig, "one-time-nobody", url=f"http://127.0.0.1:{rig.server.plain_port}/scep/own", challenge_kind="one-time", authority="nobody")
    expect_why(rig, "one-time-nobody", "authority")


@case("a challenge from the page of NDES, of either form")
def _(rig):
    page = f"<HTML><P> The enrollment challenge password is: <B> {SECRET} </B> <P> It can be used once".encode()
    forms = {"narrow": page, "wide": b"\xff\xfe" + page.decode().encode("utf-16le"), "full": b"<P> The password cache is full.", "odd": b"hello"}
    want = "Basic " + base64.b64encode(b"admin:word").decode()

    def answer(handler):
        if handler.headers.get("Authorization") != want:
            say(handler, 401, b"who?")
        else:
            say(handler, 200, forms[handler.path.strip("/")], "text/html")
    with double(answer) as port:
        for form in forms:
            put(rig, f"ndes-{form}", url=f"{NAME['http']}/rsa", challenge_kind="ndes", challenge_url=f"http://127.0.0.1:{port}/{form}",
                challenge_user="admin", challenge_password="word")
        expect_certificate(rig, "ndes-narrow", "CN = rsa")
        expect_certificate(rig, "ndes-wide", "CN = rsa")
        expect_why(rig, "ndes-odd", "no password")
        put(rig, "ndes-narrow", challenge_password="another")
        expect_why(rig, "ndes-narrow", "challenge_user")


@case("Debian's scepserver issues, with its own challenge and ours in every key size")
def _(rig):
    if not shutil.which("scepserver"):
        return
    home = rig.server.path("scepserver")
    os.makedirs(home)
    run(home, "scepserver", "ca", "-init", "-key-password", "", "-keySize", "2048", "-depot", "depot", "-organization", "Peer",
        "-organizational_unit", "SCEP", "-country", "DE")
    der = run(home, "openssl", "x509", "-in", "depot/ca.pem", "-outform", "DER")
    port = free_port()
    with open(os.path.join(home, "log"), "wb") as log:
        peer = subprocess.Popen(["scepserver", "-depot", "depot", "-port", str(port), "-challenge", SECRET, "-allowrenew", "0"], cwd=home,
                                stdout=log, stderr=log)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", port), 1):
                    break
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port}/scep"
        put(rig, "peer", url=url, challenge_kind="static", challenge=SECRET, ca_fingerprint=hashlib.sha256(der).hexdigest().upper())
        pem = expect_certificate(rig, "peer")
        with open(os.path.join(home, "cert.pem"), "w", encoding="utf-8") as f:
            f.write(pem)
        run(home, "openssl", "verify", "-CAfile", "depot/ca.pem", "cert.pem")
        put(rig, "peer-sha1", url=url, challenge_kind="static", challenge=SECRET, ca_fingerprint=hashlib.sha1(der).hexdigest(),
            common_name="jane $$ 2", subject="OU=Sales,O=Example", key_usage="signing")
        expect_certificate(rig, "peer-sha1", "OU = Sales")
        put(rig, "peer-pin", url=url, challenge_kind="static", challenge=SECRET, ca_fingerprint="00" * 32)
        expect_why(rig, "peer-pin", "ca_fingerprint")
        put(rig, "peer-word", url=url, challenge_kind="static", challenge="another")
        expect_why(rig, "peer-word", "refuses")
    finally:
        peer.terminate()
        peer.wait()
    expect_why(rig, "peer", "refused")


@case("whatever goes wrong at the CA is said, and can be tried again")
def _(rig):
    words = dict(challenge_kind="static", challenge=SECRET)
    put(rig, "bad-pin", url=f"{NAME['http']}/ec", ca_fingerprint=NAME["rsa"][1], **words)
    expect_why(rig, "bad-pin", "ca_fingerprint")
    put(rig, "bad-word", url=f"{NAME['http']}/ec", challenge_kind="static", challenge="another")
    expect_why(rig, "bad-word", "badRequest")
    put(rig, "bad-path", url=f"{NAME['http']}/nobody", **words)
    expect_why(rig, "bad-path", "404")
    put(rig, "bad-tls", url=f"{NAME['https']}/ec", ca=open(rig.server.path("ca/ca.pem"), encoding="utf-8").read(), **words)
    expect_why(rig, "bad-tls", "localhost")
    put(rig, "bad-port", url=f"http://127.0.0.1:{free_port()}/scep", **words)
    expect_why(rig, "bad-port", "refused")
    put(rig, "bad-host", url="http://no-such-host.invalid/scep", **words)
    expect_why(rig, "bad-host", "no-such-host.invalid")
    behaviours = {
        "silent": (lambda h: time.sleep(4), "does not answer"),
        "garbage": (lambda h: say(h, 200, b"\x30\x82 rubbish"), "no certificate"),
        "broken": (lambda h: say(h, 500, b"oh"), "500"),
        "closing": (lambda h: h.connection.close(), ""),
        "big": (lambda h: say(h, 200, b"x" * 2000000), "over"),
        "elsewhere": (lambda h: (h.send_response(302), h.send_header("Location", NAME["http"] + "/ec"), h.end_headers()), "302"),
    }
    with contextlib.ExitStack() as stack:
        for name, (answer, why) in behaviours.items():
            port = stack.enter_context(double(answer))
            put(rig, "bad-" + name, url=f"http://127.0.0.1:{port}/scep", **{**words, "timeout_s": 1})
            expect_why(rig, "bad-" + name, why)
    # the same setting, put right
    put(rig, "bad-word", challenge=SECRET)
    expect_certificate(rig, "bad-word", "CN = ec")


@case("garbage instead of a CertRep")
def _(rig):
    der = run(rig.server.home, "openssl", "x509", "-outform", "DER", data=NAME["rsa"][0].encode())

    def answer(handler):
        if "GetCACaps" in handler.path:
            say(handler, 200, b"POSTPKIOperation\nAES\n")
        elif "GetCACert" in handler.path:
            say(handler, 200, der, "application/x-x509-ca-cert")
        else:
            say(handler, 200, der, "application/x-pki-message")
    with double(answer) as port:
        put(rig, "rubbish", url=f"http://127.0.0.1:{port}/scep", challenge_kind="none", ca_fingerprint=NAME["rsa"][1])
        expect_why(rig, "rubbish", "no message of SCEP")


@case("decentralised: the device is told where and how; through the proxy it reaches the CA")
def _(rig):
    device = Device(rig).enrol()
    put(rig, "device-direct", mode="decentralized", url=f"{NAME['http']}/rsa", ca_name="rsa", challenge_kind="static", challenge=SECRET)
    status, told = try_it(rig, "device-direct", device=device.udid)
    expect_eq(status, 200, told)
    expect_eq(told["scep_url"], f"{NAME['http']}/rsa")
    put(rig, "device-proxy", mode="decentralized", is_proxied=True, url=f"{NAME['http']}/rsa", challenge_kind="static", challenge=SECRET)
    status, told = try_it(rig, "device-proxy", device=device.udid)
    expect_eq(status, 200, told)
    url = told["scep_url"]
    expect(url.startswith(f"http://127.0.0.1:{rig.server.plain_port}/scepproxy/"), url)

    def get(target, *words):
        done = subprocess.run(["curl", "--silent", "--include", *words, target], stdout=subprocess.PIPE, timeout=WAIT_S, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.decode().lower(), body
    expect(b"POSTPKIOperation" in get(url + "?operation=GetCACaps")[2], "capabilities")
    status, head, body = get(url + "?operation=GetCACert")
    expect(status == 200 and "application/x-x509-ca-cert" in head, head)
    expect_eq(body, run(rig.server.home, "openssl", "x509", "-outform", "DER", data=NAME["rsa"][0].encode()))
    expect_eq(get(url + "?operation=GetNextCACert")[0], 400)
    expect_eq(get(url)[0], 400)
    expect_eq(get(url + "?operation=PKIOperation", "--data-binary", "x" * 100000)[0], 413)
    expect(get(url + "?operation=PKIOperation", "--data-binary", "rubbish")[0] >= 400, "rubbish is the CA's to refuse")
    for changed in (url[:-1] + ("0" if url[-1] != "0" else "1"), url[:-2], url[:url.rindex("/")] + "/00"):
        expect_eq(get(changed + "?operation=GetCACaps")[0], 404, changed)
    if shutil.which("scepclient"):
        home = rig.server.path("client")
        os.makedirs(home)
        run(home, "scepclient", "-private-key", "key.pem", "-certificate", "cert.pem", "-server-url", url, "-challenge", SECRET, "-cn", "by proxy",
            "-keySize", "2048")
        text = run(home, "openssl", "x509", "-in", "cert.pem", "-noout", "-issuer").decode()
        expect("CN = rsa" in text, text)
    expect(url.rsplit("/", 1)[1] not in rig.server.log(), "the token is in the log")
    put(rig, "device-proxy", is_proxied=False)
    expect_eq(wait_for(lambda: get(url + "?operation=GetCACaps")[0], 404), 404)


def wait_for(call, want):
    for _ in range(50):
        got = call()
        if got == want:
            return got
        time.sleep(0.1)
    return got


@case("the other server ends")
def _(rig):
    expect_eq(NAME["other"].stop(), 0)


if __name__ == "__main__":
    try:
        sys.exit(main(starts=False))
    finally:
        if "other" in NAME:
            NAME["other"].kill()
