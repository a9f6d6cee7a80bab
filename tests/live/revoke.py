#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CRL, OCSP and the end of a certificate, judged by openssl, certtool, ocsptool and curl; also after kill -9."""
import base64
import threading

from rig import *

WAIT_S = 60
CRL_S = 15  # a revocation is on the CRL within
CRL = "/crl/phones.crl"


def run(rig, *command, data=None, fine=True):
    done = subprocess.run(command, cwd=rig.server.home, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT_S,
                          check=False)
    if fine and done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}: {done.stdout.decode(errors='replace')[-600:]}")
    return done.stdout.decode(errors="replace")


def ctl(rig, *words):
    return rig.server.ctl(" ".join(words[:2]), *words, "--socket", rig.server.control)


def plain(rig, path, *words, data=None):
    """curl at the plain listener: status, headers, body."""
    done = subprocess.run(["curl", "--silent", "--show-error", "--include", "--path-as-is", "--max-time", "20", *words,
                           *(["--data-binary", "@-"] if data is not None else []), f"http://127.0.0.1:{rig.server.plain_port}{path}"],
                          input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S, check=False)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    if not head:
        raise Failed(done.stderr.decode())
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


def identity(rig, name):
    """A device with a certificate of the authority in the store: by a bulk job, its key out of the PKCS#12."""
    with open(rig.server.path("names"), "w", encoding="utf-8") as f:
        f.write(name + "\n")
    job = ctl(rig, "bulk", "start", "--authority", "phones", "--names", "names", "--pkcs12")["id"]
    until = time.monotonic() + WAIT_S
    while ctl(rig, "bulk", "status", job)["state"] != "done":
        expect(time.monotonic() < until, "the job does not end")
        time.sleep(0.05)
    item = rig.server.ask("GET", f"/v1/bulk/{job}/identities?pkcs12=1")["identities"][0]
    prefix = rig.server.path(rig.new("phone"))
    with open(prefix + ".p12", "wb") as f:
        f.write(base64.b64decode(item["pkcs12"]))
    run(rig, "openssl", "pkcs12", "-in", prefix + ".p12", "-passin", f"pass:{item['password']}", "-nodes", "-nocerts", "-out", prefix + ".key")
    run(rig, "openssl", "pkcs12", "-in", prefix + ".p12", "-passin", f"pass:{item['password']}", "-clcerts", "-nokeys", "-out", prefix + ".pem")
    device = Device.__new__(Device)
    device.rig, device.udid, device.cert, device.key, device.serial = rig, name, prefix + ".pem", prefix + ".key", item["serial"]
    return device


def crl_text(rig):
    """The CRL as openssl reads and verifies it."""
    status, _, body = plain(rig, CRL)
    expect_eq(status, 200, "status of the CRL")
    with open(rig.server.path("now.crl"), "wb") as f:
        f.write(body)
    text = run(rig, "openssl", "crl", "-inform", "DER", "-in", "now.crl", "-CAfile", "phones.pem", "-text", "-noout")
    run(rig, "openssl", "crl", "-inform", "DER", "-in", "now.crl", "-out", "now.pem")
    expect("verify OK" in text, text)
    return text


def number(text):
    match = re.search(r"CRL Number:\s+(?:0x)?([0-9A-Fa-f]+)", text)
    return int(match[1], 16 if "0x" in match[0] else 10)


def wait_crl(rig, serial):
    until = time.monotonic() + CRL_S
    while f"{int(serial, 16):X}" not in (text := crl_text(rig)):
        expect(time.monotonic() < until, "the CRL does not name it")
        time.sleep(0.2)
    return text


def ocsp(rig, cert, *words):
    return run(rig, "openssl", "ocsp", "-issuer", "phones.pem", "-CAfile", "phones.pem", "-cert", cert, "-url",
               f"http://127.0.0.1:{rig.server.plain_port}/ocsp/phones", *words)


STATE = {}


@case("start with an authority in the store whose devices are taken")
def _(rig):
    with open(rig.server.path("phones.pem"), "w", encoding="utf-8") as f:
        f.write(run(rig, f"{sys.argv[1]}/tests/live/live_authority", "store", "master.key", "phones", "p256"))
    with open(rig.server.path("devices.pem"), "w", encoding="utf-8") as f:
        for name in ("ca/ca.pem", "phones.pem"):
            with open(rig.server.path(name), encoding="utf-8") as part:
                f.write(part.read())
    rig.server.conf["identity.device_ca"] = "devices.pem"
    rig.server.write_conf()
    rig.server.start()
    until = time.monotonic() + CRL_S
    while plain(rig, CRL)[0] == 503:
        expect(time.monotonic() < until, "no first CRL")
        time.sleep(0.1)


@case("the CRL: openssl and certtool verify it, HTTP caches may keep it")
def _(rig):
    text = crl_text(rig)
    expect("No Revoked Certificates" in text, text)
    STATE["number"] = number(text)
    run(rig, "certtool", "--verify-crl", "--load-ca-certificate", "phones.pem", "--infile", "now.pem")
    _, headers, body = plain(rig, CRL)
    expect_eq(headers["content-type"], "application/pkix-crl")
    for words in (["If-None-Match: " + headers["etag"]], ["If-Modified-Since: " + headers["last-modified"].title().replace("Gmt", "GMT")]):
        status, again, rest = plain(rig, CRL, "--header", words[0])
        expect_eq((status, rest), (304, b""), words[0])
        expect_eq(again["etag"], headers["etag"])
    status, headers, rest = plain(rig, CRL, "--head")
    expect_eq((status, headers["content-length"], rest), (200, str(len(body)), b""), "HEAD")
    expect_eq(rig.curl(CRL, method="GET").body, body, "the CRL over HTTPS")
    expect_eq(plain(rig, "/crl/nobody.crl")[0], 404)
    expect_eq(plain(rig, CRL, "--request", "DELETE")[0], 405)
    expect_eq(plain(rig, "/v1/certificates")[0], 404, "operators' paths on the plain listener")


@case("OCSP: openssl asks by POST, with and without nonce, SHA-1 and SHA-256; ocsptool asks, too")
def _(rig):
    device = STATE["device"] = identity(rig, str(uuid.uuid4()).upper())
    for words in ((), ("-no_nonce",)):
        for digest in ("-sha1", "-sha256"):
            text = run(rig, "openssl", "ocsp", digest, "-issuer", "phones.pem", "-CAfile", "phones.pem", "-cert", device.cert, "-url",
                       f"http://127.0.0.1:{rig.server.plain_port}/ocsp/phones", *words)
            expect("Response verify OK" in text and ": good" in text and "WARNING" not in text, text)
    text = run(rig, "ocsptool", f"--ask=http://127.0.0.1:{rig.server.plain_port}/ocsp/phones", "--load-issuer", "phones.pem",
               "--load-cert", device.cert, "--load-trust", "phones.pem")
    expect("Certificate Status: good" in text and "Success" in text, text)
    expect("unknown" in run(rig, "openssl", "ocsp", "-issuer", "phones.pem", "-CAfile", "phones.pem", "-serial", "0x4711", "-url",
                            f"http://127.0.0.1:{rig.server.plain_port}/ocsp/phones"))


@case("OCSP by GET: base64 as it is and escaped; cached, 304")
def _(rig):
    device = STATE["device"]
    for round in range(20):  # some of them hold // in base64
        serial = [] if round == 0 else ["-serial", hex(0xfffff << round | 0x3ffff)]
        run(rig, "openssl", "ocsp", "-no_nonce", "-issuer", "phones.pem", *(serial or ["-cert", device.cert]), "-reqout", "req.der")
        with open(rig.server.path("req.der"), "rb") as f:
            text = base64.b64encode(f.read()).decode()
        for path in (text, text.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")):
            status, headers, body = plain(rig, f"/ocsp/phones/{path}")
            expect_eq((status, headers["content-type"]), (200, "application/ocsp-response"), path)
        with open(rig.server.path("resp.der"), "wb") as f:
            f.write(body)
        if round == 0:
            expect("max-age=" in headers["cache-control"] and "expires" in headers and "last-modified" in headers, headers)
            # Each loop signs its own answer, so the right one has to take the question.
            expect(any(plain(rig, f"/ocsp/phones/{text}", "--header", f"If-None-Match: {headers['etag']}")[0] == 304 for _ in range(40)),
                   "never 304")
            answer = run(rig, "openssl", "ocsp", "-respin", "resp.der", "-issuer", "phones.pem", "-CAfile", "phones.pem", "-cert", device.cert)
            expect("Response verify OK" in answer and ": good" in answer, answer)


@case("OCSP: rubbish is malformed, another authority's question is unauthorized, a long body is refused")
def _(rig):
    expect_eq(plain(rig, "/ocsp/phones", data=os.urandom(300))[2], bytes.fromhex("30030a0101"))
    expect_eq(plain(rig, "/ocsp/phones", data=b"x" * 8193)[0], 413)
    run(rig, "openssl", "ocsp", "-issuer", "ca/ca.pem", "-cert", "server.pem", "-reqout", "req.der")
    with open(rig.server.path("req.der"), "rb") as f:
        other = f.read()
    for path in ("/ocsp/phones", "/ocsp/nobody"):
        expect_eq(plain(rig, path, data=other)[2], bytes.fromhex("30030a0106"), path)


@case("musterctl lists and shows certificates")
def _(rig):
    device = STATE["device"]
    page = ctl(rig, "cert", "list", "phones")
    expect(any(c["serial"] == device.serial and c["state"] == "valid" for c in page["certificates"]), page)
    one = ctl(rig, "cert", "show", "phones", device.serial)
    with open(device.cert, encoding="utf-8") as f:
        expect(one["certificate"].split("-----")[2].split() == f.read().split("-----")[2].split(), "the certificate itself")
    text = run(rig, rig.server.programs.musterctl, "cert", "list", "--socket", rig.server.control)
    expect("AUTHORITY" in text and device.serial in text, text)
    expect("unknown" in run(rig, rig.server.programs.musterctl, "cert", "show", "phones", "00", "--socket", rig.server.control, fine=False))


@case("a revoked device is refused: on its open connection, at the next handshake, with a ticket")
def _(rig):
    device = STATE["device"]
    device.enrol()
    session = rig.server.path("session")
    said = rig.s_client("-sess_out", session, "-tls1_2", device=device, text=b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    expect("200 OK" in said, said)
    with rig.connect(device) as wire:
        wire.send(idle(device))
        expect_eq(wire.reply().status, 200, "status before")
        ctl(rig, "cert", "revoke", "phones", device.serial, "--reason", "keyCompromise")
        wire.send(idle(device))
        reply = wire.reply()
        expect_eq(reply.status, 403, "status on the open connection")
        expect(wire.ended(5), "the connection stays open")
    for _ in range(8):  # whichever loop takes it
        reply = device.report("Idle")
        expect(reply.status == 0 and b"revoked" in reply.body, f"{reply.status} {reply.body[:200]}")
    said = rig.s_client("-sess_in", session, "-tls1_2", device=device, text=idle(device))
    expect("200 OK" not in said, said)
    one = ctl(rig, "cert", "show", "phones", device.serial)
    expect_eq((one["state"], one["reason"]), ("revoked", "keyCompromise"))
    again = ctl(rig, "cert", "revoke", "phones", device.serial)
    expect_eq((again["reason"], again["revoked_at"]), (one["reason"], one["revoked_at"]), "revoked twice")


@case("OCSP says so at once, the CRL soon, and openssl refuses the certificate")
def _(rig):
    device = STATE["device"]
    text = ocsp(rig, device.cert)
    expect(": revoked" in text and "keyCompromise" in text, text)
    text = wait_crl(rig, device.serial)
    expect("Key Compromise" in text, text)
    expect(number(text) > STATE["number"], "its number grows")
    STATE["number"] = number(text)
    verdict = run(rig, "openssl", "verify", "-CAfile", "phones.pem", "-CRLfile", "now.pem", "-crl_check", device.cert, fine=False)
    expect("certificate revoked" in verdict, verdict)


@case("musterctl issues for a request and with a key of its own; openssl verifies both; they are revoked")
def _(rig):
    run(rig, "openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key", "-subj", "/CN=somebody", "-addext",
        "basicConstraints=critical,CA:true", "-out", "own.csr")
    one = ctl(rig, "cert", "issue", "phones", "--name", "own one", "--dns", "own.example", "--csr", "own.csr")
    with open(rig.server.path("own.pem"), "w", encoding="utf-8") as f:
        f.write(one["certificate"])
    two = ctl(rig, "cert", "issue", "phones", "--name", "own two", "--out", "two")
    expect_eq(os.stat(rig.server.path("two.key")).st_mode & 0o777, 0o600, "mode of the key")
    for name, issued in (("own", one), ("two", two)):
        run(rig, "openssl", "verify", "-CAfile", "phones.pem", f"{name}.pem")
        expect_eq(run(rig, "openssl", "x509", "-in", f"{name}.pem", "-noout", "-pubkey"),
                  run(rig, "openssl", "pkey", "-in", f"{name}.key", "-pubout"), "the key")
        expect(": good" in ocsp(rig, f"{name}.pem"))
        ctl(rig, "cert", "revoke", "phones", issued["serial"])
        expect(": revoked" in ocsp(rig, f"{name}.pem"))
    text = run(rig, "openssl", "x509", "-in", "own.pem", "-noout", "-text")
    expect("CN = own one" in text and "DNS:own.example" in text and "CA:TRUE" not in text and "somebody" not in text, text)
    wrong = run(rig, rig.server.programs.musterctl, "cert", "issue", "phones", "--name", "x", "--out", "two", "--socket", rig.server.control,
                fine=False)
    expect("there already" in wrong, wrong)


@case("others go on; wrong reasons and numbers are refused")
def _(rig):
    other = STATE["other"] = identity(rig, str(uuid.uuid4()).upper()).enrol()
    expect_eq(other.report("Idle").status, 200)
    expect(": good" in ocsp(rig, other.cert))
    run(rig, "openssl", "verify", "-CAfile", "phones.pem", "-CRLfile", "now.pem", "-crl_check", other.cert)
    for path, want in (("phones/zz/revoke", 400), ("phones/12/revoke", 404), ("nobody/12/revoke", 404),
                       (f"phones/{other.serial}/revoke?reason=bored", 400), (f"phones/{other.serial}/revoke?reason=certificateHold", 400)):
        expect_eq(rig.server.call("POST", f"/v1/certificates/{path}")[0], want, path)
    expect_eq(rig.curl(f"/v1/certificates/phones/{other.serial}/revoke", b"", method="POST").status, 401, "without a key")


@case("after kill -9: still refused, the CRL is there at once, its number does not fall")
def _(rig):
    device, other = STATE["device"], STATE["other"]
    rig.server.call("POST", f"/v1/certificates/phones/{other.serial}/revoke?reason=superseded")
    rig.server.kill()
    for left in reversed(range(10)):
        try:
            rig.server.start()
            break
        except Failed as error:
            if not left or "in use" not in str(error):
                raise
            time.sleep(0.3)
    expect(number(crl_text(rig)) >= STATE["number"], "the number fell")
    for one in (device, other):
        reply = one.report("Idle")
        expect(reply.status == 0 and b"revoked" in reply.body, f"{reply.status} {reply.body[:200]}")
        expect(": revoked" in ocsp(rig, one.cert))
    # It was not on a CRL when the server died.
    wait_crl(rig, other.serial)


@case("many revoke at once: each is on the CRL, none is lost")
def _(rig):
    with open(rig.server.path("names"), "w", encoding="utf-8") as f:
        f.write("".join(f"many-{n}\n" for n in range(60)))
    job = ctl(rig, "bulk", "start", "--authority", "phones", "--names", "names")["id"]
    while ctl(rig, "bulk", "status", job)["state"] != "done":
        time.sleep(0.05)
    serials = [i["serial"] for i in rig.server.ask("GET", f"/v1/bulk/{job}/identities?limit=1000")["identities"]]
    failed = []

    def revoke(part):
        for serial in part:
            if rig.server.call("POST", f"/v1/certificates/phones/{serial}/revoke")[0] != 200:
                failed.append(serial)

    threads = [threading.Thread(target=revoke, args=(serials[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect_eq(failed, [], "refused")
    for serial in serials:
        text = wait_crl(rig, serial)
    expect_eq(text.count("Serial Number: "), 64, "entries")
    expect_eq(len(rig.server.ask("GET", "/v1/certificates?state=revoked&limit=1000")["certificates"]), 64, "revoked ones listed")


sys.exit(main(starts=False))
