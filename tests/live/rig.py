# SPDX-License-Identifier: Apache-2.0
"""What the live tests share: TAP, a server in a folder of its own, devices, and three independent clients: curl, openssl, sockets."""
import os
import plistlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from local import Failed, Local, Programs, free_port  # noqa: E402,F401

CHECKIN = "application/x-apple-aspen-mdm-checkin"
COMMAND = "application/x-apple-aspen-mdm; charset=UTF-8"
TOPIC = "com.apple.mgmt.External.11111111-2222-3333-4444-555555555555"
PEER_WAIT_S = 20
SANITIZER_WORDS = ("AddressSanitizer", "runtime error:", "LeakSanitizer", "mst_bug", "bug:")

_cases = []


def case(name):
    """Registers a test; they run in the order they stand in the file."""
    def register(function):
        _cases.append((name, function))
        return function
    return register


def expect(is_fine, text="not as expected"):
    if not is_fine:
        raise Failed(text)


def expect_eq(got, want, what="value"):
    if got != want:
        raise Failed(f"{what} is {got!r}, not {want!r}")


def _note(text):
    for line in str(text).splitlines():
        print(f"# {line}")


def _run(number, name, function, rig):
    try:
        function(rig)
    except Exception as error:  # a test's own mistake is a failed test as well
        print(f"not ok {number} - {name}")
        _note(f"{type(error).__name__}: {error}" if isinstance(error, (Failed, OSError, subprocess.SubprocessError))
              else traceback.format_exc())
        return False
    print(f"ok {number} - {name}", flush=True)
    return True


def main(conf=None, starts=True):
    """Runs the cases against one server, ends it, and looks at how it ended."""
    with tempfile.TemporaryDirectory(prefix="muster-live.") as home:
        rig = Rig(sys.argv[1], home, conf)
        good = True
        try:
            rig.server.make_files("Live")
            if starts:
                rig.server.start()
            print(f"1..{len(_cases) + 1}")
            for number, (name, function) in enumerate(_cases, 1):
                good = _run(number, name, function, rig) and good
            good = _run(len(_cases) + 1, "the server ends as it should and reported no bug", Rig.end, rig) and good
            if not good:
                _note("\n".join(line[:300] for line in rig.server.log().splitlines()[-25:]) if os.path.exists(rig.server.path("musterd.log")) else "")
        finally:
            rig.server.kill()
    return 0 if good else 1


class Device:
    """One device with a certificate: what it says, through curl or a socket."""

    def __init__(self, rig, udid=None, name=None):
        self.rig = rig
        self.udid = udid or str(uuid.uuid4()).upper()
        self.cert, self.key = rig.identity(name or self.udid)

    def message(self, message_type, **more):
        body = {"MessageType": message_type, "Topic": TOPIC, "UDID": self.udid}
        if message_type == "Authenticate":
            body.update(OSVersion="18.1", BuildVersion="22B83", ProductName="iPhone15,2", SerialNumber="LIVE" + self.udid[:8])
        if message_type == "TokenUpdate":
            body.update(Token=os.urandom(32), PushMagic=str(uuid.uuid4()), AwaitingConfiguration=False)
        body.update(more)
        return {k: v for k, v in body.items() if v is not None}

    def put(self, body, kind, path="/mdm", form=plistlib.FMT_XML):
        raw = body if isinstance(body, bytes) else plistlib.dumps(body, fmt=form)
        return self.rig.curl(path, raw, kind, self)

    def checkin(self, message_type, **more):
        return self.put(self.message(message_type, **more), CHECKIN)

    def report(self, status, command=None, **more):
        body = {"UDID": self.udid, "Status": status}
        if command:
            body["CommandUUID"] = command
        body.update(more)
        return self.put(body, COMMAND)

    def enrol(self):
        for message_type in ("Authenticate", "TokenUpdate"):
            reply = self.checkin(message_type)
            if reply.status != 200:
                raise Failed(f"{message_type} was answered with {reply.status}: {reply.body[:200]}")
        return self

    def stored(self):
        status, body = self.rig.server.call("GET", f"/v1/devices/{self.udid}")
        return body if status == 200 else None


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Rig:
    def __init__(self, build, home, conf):
        programs = Programs(build)
        conf = {"threads.loops": 2, "conn.per_source": 0, **(conf or {})}
        if b"libasan" in subprocess.run(["ldd", programs.musterd], stdout=subprocess.PIPE, check=True).stdout:
            conf["process.sandbox"] = "no"  # the leak checker at the end stops threads in a way the sandbox denies
        self.server = Local(programs, home, free_port(), conf)
        self.numbers = 0

    def end(self):
        rc = self.server.stop()
        expect(rc in (0, None), f"exit status {rc}")
        for line in self.server.log().splitlines():
            expect(not any(word in line for word in SANITIZER_WORDS), line)

    def new(self, name):
        self.numbers += 1
        return f"{name}-{self.numbers}"

    def identity(self, name):
        prefix = self.new("device")
        self.server.issue(name, prefix)
        return self.server.path(prefix + ".pem"), self.server.path(prefix + ".key")

    def forge(self, name, ca="ca", start=None, end=None):
        """A certificate by the openssl program, with any dates: from the CA folder `ca` (ca.pem, ca.key)."""
        place = self.server.path(self.new("forged"))
        os.makedirs(place)

        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=place, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        ca = self.server.path(ca)
        with open(os.path.join(place, "conf"), "w", encoding="utf-8") as f:
            f.write("[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
                    "x509_extensions=x\nemail_in_dn=no\nunique_subject=no\n[p]\ncommonName=supplied\n"
                    "[x]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n")
        open(os.path.join(place, "index"), "w", encoding="utf-8").close()
        with open(os.path.join(place, "serial"), "w", encoding="utf-8") as f:
            f.write(f"{random.getrandbits(100) | 1:026x}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key", "-out", "csr",
                "-subj", f"/CN={name}")
        openssl("ca", "-batch", "-config", "conf", "-in", "csr", "-out", "pem", "-notext", "-cert", f"{ca}/ca.pem", "-keyfile",
                f"{ca}/ca.key", "-startdate", start or time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 3600)), "-enddate",
                end or time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400)))
        return os.path.join(place, "pem"), os.path.join(place, "key")

    # curl

    def curl(self, path, body=None, kind=None, device=None, method=None, words=(), cert=None):
        """One request by curl; Reply with status 0 when there was no answer (its error is the body)."""
        command = ["curl", "--silent", "--show-error", "--max-time", str(PEER_WAIT_S), "--cacert", self.server.path("ca/ca.pem"),
                   "--include", "--path-as-is", *words]
        pair = cert or ((device.cert, device.key) if device else None)
        if pair:
            command += ["--cert", pair[0], "--key", pair[1]]
        if method or body is not None:
            command += ["--request", method or "PUT"]
        if body is not None:
            command += ["--data-binary", "@-"]
        command += ["--header", f"Content-Type: {kind}" if kind else "Content-Type:", "--header", "Expect:"]
        done = subprocess.run([*command, f"https://localhost:{self.server.port}{path}"], input=body, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PEER_WAIT_S + 5, check=False)
        if done.returncode != 0 and not done.stdout:
            return Reply(0, {}, done.stderr)
        rest = done.stdout
        while True:
            head, _, rest = rest.partition(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status >= 200:
                return Reply(status, _headers(head), rest)

    def enqueue(self, udid, request_type="DeviceInformation", command=None, **more):
        """Queues through the control socket; the UUID."""
        command = command or str(uuid.uuid4()).upper()
        body = plistlib.dumps({"CommandUUID": command, "Command": {"RequestType": request_type, **more}})
        status, answer = self.server.call("PUT", f"/v1/enqueue/{udid}", body)
        expect_eq(status, 200, f"status of enqueue ({answer})")
        return command

    # openssl

    def s_client(self, *words, device=None, text=b""):
        """openssl s_client with `text` as its input; what it printed."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.server.port}", "-CAfile", self.server.path("ca/ca.pem"),
                   "-servername", "localhost", "-verify_return_error", *words]
        if device:
            command += ["-cert", device.cert, "-key", device.key]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # Its input stays open until the server closes: the request asks for that.
        try:
            process.stdin.write(text)
            process.stdin.flush()
            out = b""
            until = time.monotonic() + PEER_WAIT_S
            while time.monotonic() < until:
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    break
                out += piece
        except BrokenPipeError:
            out = process.stdout.read()
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        return out.decode(errors="replace")

    # sockets

    def connect(self, device=None, pair=None, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.server.path("ca/ca.pem"))
        if version:
            context.minimum_version = context.maximum_version = version
        pair = pair or ((device.cert, device.key) if device else None)
        if pair:
            context.load_cert_chain(*pair)
        plain = socket.create_connection(("127.0.0.1", self.server.port), timeout=PEER_WAIT_S)
        return Wire(context.wrap_socket(plain, server_hostname="localhost"))


def _headers(head):
    headers = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower().decode()] = value.strip().decode()
    return headers


class Wire:
    """A TLS connection on which bytes are ours."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def send(self, raw):
        self.sock.sendall(raw)

    def fill(self):
        """More bytes; False at the end, however it came."""
        try:
            piece = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return False
        self.buffer += piece
        return bool(piece)

    def reply(self):
        """The next reply, or None when the connection ended before one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        headers = _headers(head)
        length = int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            if not self.fill():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Reply(int(head.split(b" ", 2)[1]), headers, body)

    def ended(self, within_s):
        """Did the server close within this time? Waits for it."""
        self.sock.settimeout(within_s)
        try:
            while self.fill():
                pass
            return True
        except TimeoutError:
            return False

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(body, kind=COMMAND, path="/mdm", method="PUT", more=()):
    """A whole request as bytes."""
    raw = body if isinstance(body, bytes) else plistlib.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {len(raw)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


def idle(device):
    return request({"UDID": device.udid, "Status": "Idle"})


__all__ = ["CHECKIN", "COMMAND", "TOPIC", "Device", "Failed", "Rig", "Wire", "case", "expect", "expect_eq", "idle", "main", "request",
           "os", "plistlib", "re", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "time", "uuid"]
