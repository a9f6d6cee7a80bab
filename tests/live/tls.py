#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS as openssl sees it: versions, resumption, client certificates, reload without dropping anybody."""
from rig import *

CLOSE = "Connection: close"


def poll(device):
    return request({"UDID": device.udid, "Status": "Idle"}, more=[CLOSE])


def enrolled(rig):
    if not hasattr(rig, "device"):
        rig.device = Device(rig).enrol()
    return rig.device


def served_name(rig):
    """The common name of the certificate the server shows now."""
    text = rig.s_client("-tls1_3", text=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    found = re.search(r"subject=(?:.*)CN ?= ?(\S+)", text)
    expect(found, text[-400:])
    return found[1]


for option, words in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
    @case(f"{words} with a client certificate, by openssl s_client")
    def _(rig, option=option, words=words):
        text = rig.s_client(option, device=enrolled(rig), text=poll(rig.device))
        expect(f"{words}, Cipher is" in text, text[-600:])
        expect("Verify return code: 0 (ok)" in text or "Verification: OK" in text, "the server's certificate")
        expect("HTTP/1.1 200" in text, text[-400:])

    @case(f"{words} without a client certificate is asked, not demanded")
    def _(rig, option=option):
        text = rig.s_client(option, text=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        expect("HTTP/1.1 200" in text, text[-400:])
        expect("Acceptable client certificate CA names" in text, "CA names are sent")

    @case(f"{words} session resumption keeps the identity")
    def _(rig, option=option):
        ticket = rig.server.path("session" + option)
        first = rig.s_client(option, "-sess_out", ticket, device=enrolled(rig), text=poll(rig.device))
        expect("HTTP/1.1 200" in first, first[-400:])
        second = rig.s_client(option, "-sess_in", ticket, text=poll(rig.device))
        expect("Reused, " in second, second[-600:])
        expect("HTTP/1.1 200" in second, "the identity did not survive: " + second[-400:])


@case("TLS 1.1 and a cipher without forward secrecy are refused")
def _(rig):
    for words in (("-tls1_1",), ("-tls1_2", "-cipher", "AES128-GCM-SHA256")):
        text = rig.s_client(*words, "-cipher", "ALL:@SECLEVEL=0" if words[0] == "-tls1_1" else words[-1])
        expect("Cipher is (NONE)" in text or "alert" in text, text[-300:])


@case("bytes that are no TLS end the connection, and others are served")
def _(rig):
    for raw in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 200, os.urandom(4096), b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"):
        with socket.create_connection(("127.0.0.1", rig.server.port), timeout=15) as plain:
            plain.sendall(raw)
            plain.shutdown(socket.SHUT_WR)
            try:
                while plain.recv(4096):
                    pass
            except ConnectionError:
                pass
    expect_eq(enrolled(rig).report("Idle").status, 200)


@case("SIGHUP swaps the certificate; a live connection stays; a broken file changes nothing")
def _(rig):
    expect_eq(served_name(rig), "localhost")
    with rig.connect(enrolled(rig)) as wire:
        wire.send(idle(rig.device))
        expect_eq(wire.reply().status, 200, "before")
        rig.server.issue("renewed", "renewed", "--server", "--dns", "localhost", "--ip", "127.0.0.1")
        for end in ("pem", "key"):
            os.replace(rig.server.path("renewed." + end), rig.server.path("server." + end))
        rig.server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 10
        while served_name(rig) != "renewed":
            expect(time.monotonic() < until, "the new certificate is not served")
            time.sleep(0.1)
        wire.send(idle(rig.device))
        reply = wire.reply()
        expect(reply is not None and reply.status == 200, "the live connection was dropped")
        with open(rig.server.path("server.key"), encoding="utf-8") as f:
            key = f.read()
        with open(rig.server.path("server.key"), "w", encoding="utf-8") as f:
            f.write("rubbish\n")
        rig.server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        expect_eq(served_name(rig), "renewed", "after a broken key")
        wire.send(idle(rig.device))
        expect_eq(wire.reply().status, 200, "after a broken key")
        with open(rig.server.path("server.key"), "w", encoding="utf-8") as f:
            f.write(key)


@case("an RSA server certificate is served in both versions")
def _(rig):
    rig.server.issue("rsa-server", "rsa", "--server", "--dns", "localhost", "--ip", "127.0.0.1", "--kind", "rsa2048")
    for end in ("pem", "key"):
        os.replace(rig.server.path("rsa." + end), rig.server.path("server." + end))
    rig.server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 10
    while served_name(rig) != "rsa-server":
        expect(time.monotonic() < until, "the RSA certificate is not served")
        time.sleep(0.1)
    for option in ("-tls1_2", "-tls1_3"):
        text = rig.s_client(option, device=enrolled(rig), text=poll(rig.device))
        expect("HTTP/1.1 200" in text, text[-400:])
    many = [rig.connect(rig.device) for _ in range(30)]
    for wire in many:
        wire.send(idle(rig.device))
    for wire in many:
        expect_eq(wire.reply().status, 200)
        wire.close()


@case("a CA taken out of the file is refused after a reload, also with a session ticket")
def _(rig):
    rig.server.ctl("second CA", "ca", "init", "--ca", "second", "--name", "Second CA")
    path = rig.server.path("ca/ca.pem")
    with open(path, encoding="utf-8") as f:
        ours = f.read()
    with open(rig.server.path("second/ca.pem"), encoding="utf-8") as f:
        second = f.read()
    both = rig.server.path("both.pem")
    with open(both, "w", encoding="utf-8") as f:
        f.write(ours + second)
    rig.server.conf["identity.device_ca"] = "both.pem"
    rig.server.write_conf()
    rig.server.process.send_signal(signal.SIGHUP)
    time.sleep(0.7)
    device = Device(rig)
    device.cert, device.key = rig.forge(device.udid, ca="second")
    device.enrol()
    ticket = rig.server.path("session-second")
    expect("HTTP/1.1 200" in rig.s_client("-tls1_3", "-sess_out", ticket, device=device, text=poll(device)), "before")
    with open(both, "w", encoding="utf-8") as f:
        f.write(ours)
    rig.server.process.send_signal(signal.SIGHUP)
    time.sleep(0.7)
    expect(rig.curl("/mdm", plistlib.dumps({"UDID": device.udid, "Status": "Idle"}), COMMAND, device).status in (0, 403), "full handshake")
    text = rig.s_client("-tls1_3", "-sess_in", ticket, text=poll(device))
    expect("HTTP/1.1 200" not in text, "the ticket still speaks for the device")


if __name__ == "__main__":
    sys.exit(main())
