# SPDX-License-Identifier: Apache-2.0
"""What every subject needs: servers on one core, load on another, CPU time of whoever serves, medians of runs."""
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import where

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools"))
from local import Failed, Local, Programs, free_port  # noqa: E402

SERVER_CORE, LOAD_CORE = 0, 1
DEVICES = 200
LOAD_WAIT_S = 900
# One loop, and nothing that limits a load that comes from one address.
CONF = {"threads.loops": 1, "threads.workers": 1, "conn.per_source": 0, "scep.rate": 0, "log.level": "error"}


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def on_core(*cores):
    return ["taskset", "-c", ",".join(map(str, cores))]


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def cost(run):
    """CPU of a peer's run; None when it did not do the work."""
    return None if run["errors"] or not run["n"] else run["cpu_us"]


class Server:
    """Whoever serves on a port: its process id is whose CPU counts."""

    def __init__(self, pid, port, local=None):
        self.pid, self.port, self.local = pid, port, local

    def cpu_us(self):
        """User and system time of all its threads so far."""
        return time.clock_gettime(~self.pid << 3 | 2) * 1e6  # the process's CPU clock, as clock_getcpuclockid makes it


class Bench:
    def __init__(self, programs, home, words):
        self.programs, self.home, self.words = programs, home, words
        self.is_quick, self.runs = words.quick, words.runs
        self.peers = dict(p.split("=", 1) for p in words.peer)
        self.seed = 100
        self.num_folders = 0
        self.memory = tempfile.TemporaryDirectory(prefix="mb.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.perf_folder = words.perf and os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs/bench")

    def n(self, full, quick):
        return quick if self.is_quick else full

    def new_seed(self):
        """Each run has devices of its own, so that queues and sessions begin alike."""
        self.seed += 1
        return self.seed

    @contextlib.contextmanager
    def musterd(self, name, conf=None, cores=(SERVER_CORE,)):
        local = Local(self.programs, os.path.join(self.home, name), free_port(), {**CONF, **(conf or {})}, on_core(*cores))
        local.make_files("Bench")
        self.keep_in_memory(local)
        local.start()
        server = Server(local.pid, local.port, local)
        try:
            yield server
        except BaseException:
            local.kill()
            raise
        local.stop()

    def keep_in_memory(self, local):
        """Tens of thousands of identities are files that nobody needs on a disk."""
        if os.access("/dev/shm", os.W_OK):
            self.num_folders += 1
            folder = os.path.join(self.memory.name, str(self.num_folders))
            os.mkdir(folder, 0o700)
            os.symlink(folder, local.path("devices"))

    def restart(self, server):
        server.local.stop()
        server.local.start()
        server.pid = server.local.pid

    @contextlib.contextmanager
    def process(self, command, cwd, log, ready):
        """A server of somebody else's; `ready` is asked with the process until it returns a Server."""
        with open(os.path.join(cwd, log), "wb") as out:
            process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            until = time.monotonic() + 10
            server = None
            while server is None:
                if process.poll() is not None or time.monotonic() > until:
                    with open(os.path.join(cwd, log), encoding="utf-8", errors="replace") as f:
                        raise Failed(f"{command[-1]} did not start: {f.read()[-300:]}")
                time.sleep(0.05)
                server = ready(process)
            yield server
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def bare(self, local):
        """Loop, net and TLS of the engine, every request answered with an empty 200."""
        port = free_port()

        def ready(process):
            with open(local.path("bare.log"), encoding="utf-8") as f:
                return Server(process.pid, port) if f.readline().startswith("ready") else None

        return self.process([*on_core(SERVER_CORE), self.programs.bench, "bare", "--port", str(port), "--certificate", "server.pem", "--key",
                             "server.key", "--device-ca", "ca/ca.pem"], local.home, "bare.log", ready)

    def limit(self, name, local, rounds=None, cores=(SERVER_CORE,)):
        """Microseconds, measured now."""
        rounds = rounds or self.n(3000, 1000)
        out = local.run("limit", [*on_core(*cores), self.programs.bench, "limit", "--only", name, "--count", str(rounds), "--folder", local.home,
                                  "--json"])
        return json.loads(out)[name] / 1e3

    def tool(self, program, *words, local=None, cwd=None, cores=(LOAD_CORE,)):
        """A program of muster-bench, its JSON."""
        done = subprocess.run([*on_core(*cores), self.programs.bench, program, "--json", *map(str, words)], cwd=cwd or local.home,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LOAD_WAIT_S, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise Failed(f"muster-bench {program}: {done.stderr.strip()[-300:] or 'exit ' + str(done.returncode)}") from None

    def fleet(self, server, local, script, *words, cores=(LOAD_CORE,)):
        """A run of the simulated fleet, as a run of a subject."""
        command = local.fleet_command(script, "--server-pid", server.pid, *words, port=server.port)
        done = subprocess.run([*on_core(*cores), *command], cwd=local.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=LOAD_WAIT_S, check=False)
        try:
            r = json.loads(done.stdout)
        except ValueError:
            raise Failed(f"fleet, {script}: {done.stderr.strip()[-300:] or 'exit ' + str(done.returncode)}") from None
        if r["errors"]:
            say(f"  errors of {script}: {r['errors']} {r.get('first_error', '')}")
        return {"n": r["operations"], "rate": r["rate"], "cpu_us": r["server"]["cpu_ns_per_operation"] / 1e3 if r["operations"] else None,
                "p50_us": r["latency_ns"]["p50"] / 1e3, "p99_us": r["latency_ns"]["p99"] / 1e3, "errors": sum(r["errors"].values()), "raw": r}

    def enrol(self, server, count, seed, *words):
        """Devices that are there before anything is measured. Returns the words that name them."""
        who = ["--devices", count, "--seed", seed, *words]
        errors = self.fleet(server, server.local, "enrol", *who, "--concurrency", 64)["errors"]
        if errors:
            raise Failed(f"{errors} devices could not be enrolled")
        return [*who, "--enrolled"]

    @contextlib.contextmanager
    def perf(self, name, server):
        """With --perf: where the server's time goes meanwhile, as a table under docs/bench."""
        if not self.perf_folder:
            yield False
            return
        data = os.path.join(self.home, "perf.data")
        recorder = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "4999", "-p", str(server.pid), "-o", data],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        try:
            yield True
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.wait()
        where.write(data, name, self.perf_folder)
