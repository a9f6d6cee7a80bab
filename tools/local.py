# SPDX-License-Identifier: Apache-2.0
"""A musterd of one's own on loopback: its files in a folder, its process, its control socket. For quickstart, bench and live tests."""
import atexit
import http.client
import json
import os
import signal
import socket
import subprocess
import time

START_WAIT_S = 20
STOP_WAIT_S = 15
CALL_WAIT_S = 60
RUN_WAIT_S = 170
SOCKET_PATH_MAX = 100  # what musterd.conf takes; the kernel's own bound is 107


class Failed(Exception):
    """What a person should read, without a trace."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=CALL_WAIT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Programs:
    """The programs of a build folder."""

    def __init__(self, build):
        build = os.path.abspath(build)
        self.musterd = os.path.join(build, "engine/main/musterd")
        self.musterctl = os.path.join(build, "admin/ctl/musterctl")
        self.bench = os.path.join(build, "bench/muster-bench")
        self.sink = os.path.join(build, "bench/sink/apns-sink")
        for path in (self.musterd, self.musterctl, self.bench):
            if not os.access(path, os.X_OK):
                raise Failed(f"{path} is missing")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_problem(port):
    """Why the port cannot be had, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror
    return None


class Local:
    """One server: `conf` adds or replaces options as {"section.key": value}, `prefix` goes before the server's command."""

    def __init__(self, programs, home, port, conf=None, prefix=()):
        self.programs, self.home, self.port, self.prefix = programs, os.path.abspath(home), port, list(prefix)
        self.plain_port = free_port()
        self.control = os.path.join(self.home, "control.sock")
        self.process = None
        self.api_key = ""
        self.certificates = {}
        self.conf = {"portal.address": "127.0.0.1", "portal.port": port, "plain.address": "127.0.0.1",
                     "plain.port": self.plain_port, "portal.certificate": "server.pem",
                     "portal.key": "server.key", "control.path": "control.sock", "store.path": "store",
                     "identity.device_ca": "ca/ca.pem", "seal.key": "master.key", "keypool.size": 0, "api.keys": "api.keys", "log.level": "warn"}
        self.conf.update(conf or {})
        if len(self.control) > SOCKET_PATH_MAX:
            raise Failed(f"{self.control} is longer than a socket's path may be: use a shorter folder")

    def path(self, *names):
        return os.path.join(self.home, *names)

    def run(self, what, command, wait_s=RUN_WAIT_S):
        done = subprocess.run(command, cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=wait_s)
        if done.returncode != 0:
            raise Failed(f"{what}: {done.stderr.strip() or done.stdout.strip() or 'exit ' + str(done.returncode)}")
        return done.stdout

    def ctl(self, what, *words):
        """A verb of musterctl, its JSON."""
        return json.loads(self.run(what, [self.programs.musterctl, *words, "--json"]))

    def make_files(self, name="Local"):
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        self.certificates["device CA"] = self.ctl("device CA", "ca", "init", "--ca", "ca", "--name", f"{name} device CA")
        self.certificates["server"] = self.ctl("server certificate", "ca", "issue", "--ca", "ca", "--server", "--name", "localhost",
                                               "--dns", "localhost", "--ip", "127.0.0.1", "--out", "server")
        self.ctl("master key", "key", "init", "master.key")
        self.api_key = self.ctl("API key", "key", "api", "api.keys")["key"]
        self.write_conf()

    def write_conf(self):
        sections = {}
        for name, value in self.conf.items():
            section, key = name.split(".", 1)
            sections.setdefault(section, []).append(f"{key} = {value}")
        with open(self.path("musterd.conf"), "w", encoding="utf-8") as f:
            for section, lines in sections.items():
                f.write(f"[{section}]\n" + "".join(line + "\n" for line in lines))

    def issue(self, name, out, *words):
        return self.ctl("certificate", "ca", "issue", "--ca", "ca", "--name", name, "--out", out, *words)

    def start(self, own_session=False):
        with open(self.path("musterd.log"), "ab") as log:
            self.process = subprocess.Popen([*self.prefix, self.programs.musterd, "-c", "musterd.conf"], cwd=self.home,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=own_session)
        until = time.monotonic() + START_WAIT_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise Failed(f"musterd ended at its start: {self.last_log()}")
            try:
                if self.call("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.01)
        raise Failed(f"musterd did not answer within {START_WAIT_S} s: {self.last_log()}")

    def log(self):
        with open(self.path("musterd.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def last_log(self):
        lines = self.log().splitlines()
        return lines[-1] if lines else "its log is empty"

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """SIGTERM and its exit status; killed, and a failure, when it does not end."""
        if not self.process:
            return 0
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"musterd did not end within {STOP_WAIT_S} s of SIGTERM") from None

    def kill(self):
        if self.process:
            process, self.process = self.process, None
            process.kill()
            process.wait()

    def call(self, method, target, body=None, headers=None):
        """One call on the control socket: status and parsed JSON (or text)."""
        connection = UnixConnection(self.control)
        try:
            connection.request(method, target, body, headers or {})
            reply = connection.getresponse()
            raw = reply.read()
        finally:
            connection.close()
        try:
            return reply.status, json.loads(raw)
        except ValueError:
            return reply.status, raw.decode(errors="replace")

    def ask(self, method, target, body=None):
        """As call, for answers that must be fine."""
        status, body = self.call(method, target, body)
        if status >= 300:
            raise Failed(f"{method} {target} was answered with {status}: {str(body)[:200]}")
        return body

    def devices(self):
        """Every device, in the order of the fleet's numbers, which its serial numbers hold."""
        devices, cursor = [], ""
        while True:
            page = self.ask("GET", f"/v1/devices?limit=1000{cursor}")
            devices += page["devices"]
            if not page.get("next"):
                return sorted(devices, key=lambda d: d.get("serial") or "")
            cursor = f"&cursor={page['next']}"

    def commands(self, device):
        commands, cursor = [], ""
        while True:
            page = self.ask("GET", f"/v1/devices/{device}/commands?limit=1000{cursor}")
            commands += page["commands"]
            if not page.get("next"):
                return commands
            cursor = f"&cursor={page['next']}"

    def fleet_command(self, script, *words, port=None):
        return [self.programs.bench, "fleet", "--port", str(port or self.port), "--ca", "ca", "--certs", "devices", "--server-ca",
                "ca/ca.pem", "--control", self.control, "--script", script, "--json", *[str(w) for w in words]]

    def fleet(self, script, *words, port=None, prefix=()):
        """A run of the simulated fleet without errors, its JSON."""
        done = subprocess.run([*prefix, *self.fleet_command(script, *words, port=port)], cwd=self.home,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=RUN_WAIT_S)
        try:
            result = json.loads(done.stdout)
        except ValueError:
            raise Failed(f"fleet, {script}: {done.stderr.strip() or 'exit ' + str(done.returncode)}") from None
        if done.returncode != 0 or result["errors"]:
            raise Failed(f"fleet, {script}: {result['errors']} {result.get('first_error', '')}")
        return result


class Sink:
    """apns-sink as the push service of a Local: its files are in the same folder; `conf` are its options, `prefix` goes before it."""

    def __init__(self, local, prefix=(), **conf):
        self.local, self.prefix, self.process = local, list(prefix), None
        self.port, self.device_port = 0, 0
        self.control = local.path("sink.sock")
        self.journal_path = local.path("sink.journal")
        self.conf = {"certificate": "server.pem", "key": "server.key", "client-ca": "ca/ca.pem", "control": "sink.sock", **conf}
        if len(self.control) > SOCKET_PATH_MAX:
            raise Failed(f"{self.control} is longer than a socket's path may be: use a shorter folder")

    def start(self, own_session=False):
        """Again after a kill: on the same ports."""
        conf = {**self.conf, "port": self.port, "device-port": self.device_port}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in conf.items()]
        with open(self.local.path("sink.log"), "ab") as log:
            self.process = subprocess.Popen([*self.prefix, self.local.programs.sink, *words], cwd=self.local.home,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                                            start_new_session=own_session)
        ready = self.process.stdout.readline().split()
        if not own_session:
            atexit.register(self.kill)
        if len(ready) != 4 or ready[0] != "ready":
            with open(self.local.path("sink.log"), encoding="utf-8") as log:
                raise Failed(f"apns-sink did not start: {log.read().strip()[-200:]}")
        self.port, self.device_port = int(ready[1]), int(ready[2])
        return self

    @property
    def pid(self):
        return self.process.pid

    def push_conf(self):
        """What musterd needs to find it."""
        return {"push.host": "localhost", "push.port": self.port, "push.ca": "ca/ca.pem"}

    def certificate(self, topic, out="push.pem", ca="ca"):
        """A push certificate for a topic; its path."""
        self.local.run("push certificate", [self.local.programs.sink, "issue", "--ca", ca, "--topic", topic, "--out", out])
        return self.local.path(out)

    def tell(self, *lines):
        """Commands, one answer each; the last one's."""
        answer = None
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plain:
            plain.settimeout(CALL_WAIT_S)
            plain.connect(self.control)
            with plain.makefile("rw", encoding="utf-8") as wire:
                for line in lines:
                    wire.write(line + "\n")
                    wire.flush()
                    answer = json.loads(wire.readline())
                    if "error" in answer:
                        raise Failed(f"apns-sink, {line}: {answer['error']}")
        return answer

    def stats(self):
        return self.tell("stats")

    def journal(self):
        """Every push it looked at: (ms, status, reason, token, apns-id). Only with the option journal."""
        with open(self.journal_path, encoding="utf-8") as f:
            for line in f:
                if not line.endswith("\n"):
                    return  # being written
                ms, status, reason, token, apns_id = line.split()
                yield int(ms), int(status), reason, token, apns_id

    def stop(self):
        """SIGTERM and its exit status."""
        if not self.process:
            return 0
        process, self.process = self.process, None
        process.stdout.close()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"apns-sink did not end within {STOP_WAIT_S} s of SIGTERM") from None

    def kill(self):
        if self.process:
            process, self.process = self.process, None
            process.stdout.close()
            process.kill()
            process.wait()
