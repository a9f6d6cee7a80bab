#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figures of the benchmark section: every subject several times, beside what a bare server costs on the same cores."""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools"))
from local import Failed, Local, Programs, free_port  # noqa: E402

SERVER_CORE, FLEET_CORE = 0, 1
DEVICES = 200
HELD = 4000
SOAK = 100000
OPEN_RATE = 10000
# Small write buffers, so that the store reaches the memory it keeps within the run.
CONF = {"threads.loops": 1, "threads.workers": 1, "conn.per_source": 0, "conn.max": 15000, "store.memtable_mib": 4,
        "store.cache_mib": 16, "log.level": "warn"}
# name, what, script, options, target in ns of server CPU
SUBJECTS = [
    ("handshake", "full mutual TLS 1.3 handshake + Idle + close", "handshake", ["--count", 10000, "--concurrency", 32], 180000),
    ("idle", "Idle check-in on an open connection", "idle-open", ["--count", 100000, "--concurrency", 64], 20000),
    ("command", "durable command round trip (report + next)", "command", ["--count", 20000, "--concurrency", 200], 60000),
]
HOLD_TARGET = 16 * 1024
SOAK_GROWTH = 2048  # KiB between the halves of the soak that still count as flat: a leak of 40 bytes a check-in would show


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def on_core(core):
    return ["taskset", "-c", str(core)]


class Bench:
    def __init__(self, programs, home, runs):
        self.programs, self.home, self.runs = programs, home, runs
        self.processes = []
        self.results = {}

    def server(self, name):
        local = Local(self.programs, os.path.join(self.home, name), free_port(), CONF, on_core(SERVER_CORE))
        local.make_files("Bench")
        local.start()
        self.processes.append(local)
        return local

    def bare(self, local):
        """The bare server with the same certificates; its process and port."""
        process = subprocess.Popen([*on_core(SERVER_CORE), self.programs.bench, "bare", "--certificate", "server.pem", "--key",
                                    "server.key", "--device-ca", "ca/ca.pem"], cwd=local.home, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        words = process.stdout.readline().split()
        if len(words) != 3 or words[0] != "ready":
            raise Failed("the bare server did not start")
        return process, int(words[1])

    def fleet(self, local, script, *words, pid=None, port=None):
        return local.fleet(script, "--server-pid", pid or local.pid, *words, port=port, prefix=on_core(FLEET_CORE))

    def measure(self, local, name, script, words, **where):
        """Each run has devices of its own, so that queues and sessions begin alike."""
        values = []
        for run in range(self.runs):
            values.append(self.fleet(local, script, "--devices", DEVICES, "--seed", 100 + run, *words, **where))
            self.results.setdefault(name, []).append(values[-1])
        return [v["server"]["cpu_ns_per_operation"] for v in values]

    def limits(self, local):
        say("limits: TLS in one process, then the bare server")
        limit = json.loads(local.run("limit", [*on_core(SERVER_CORE), self.programs.bench, "limit", "--json"]))
        process, port = self.bare(local)
        figures = {"tls": limit}
        for name, _, script, words, _ in SUBJECTS[:2]:
            figures[name] = self.measure(local, f"bare {name}", script, [*words, "--enrolled"], pid=process.pid, port=port)
        process.kill()
        process.wait()
        process, port = self.bare(local)  # a fresh one: its memory has not grown yet
        held = self.fleet(local, "hold", "--devices", HELD, "--enrolled", pid=process.pid, port=port)
        figures["memory"] = [held["server"]["bytes_per_connection"]]
        process.kill()
        process.wait()
        return figures

    def all(self):
        table = []
        local = self.server("main")
        limits = self.limits(local)
        for name, what, script, words, target in SUBJECTS:
            say(f"{name}: {self.runs} runs")
            values = self.measure(local, name, script, words)
            table.append(self.row(what, values, target, limits.get(name), 1e3, "us CPU"))
        say(f"open loop: Idle check-ins, {OPEN_RATE} a second")
        loop = self.fleet(local, "idle-open", "--devices", DEVICES, "--seed", 200, "--rate", OPEN_RATE, "--count", 3 * OPEN_RATE)
        self.results["open loop"] = [loop]
        local.stop()
        say(f"memory: {HELD} idle connections after a check-in")
        local = self.server("hold")
        held = self.fleet(local, "hold", "--devices", HELD)
        self.results["memory"] = [held]
        table.append(self.row("memory of an idle connection after a check-in", [held["server"]["bytes_per_connection"]], HOLD_TARGET,
                              limits["memory"], 1024, "KiB"))
        local.stop()
        say(f"soak: {SOAK} check-ins and as many polls")
        local = self.server("soak")
        self.fleet(local, "soak", "--devices", DEVICES, "--count", SOAK)  # until the store has all it keeps
        soak = self.fleet(local, "soak", "--devices", DEVICES, "--count", SOAK, "--enrolled")
        self.results["soak"] = [soak]
        samples = soak["server"]["rss_kib_samples"]
        # The store's buffers come and go, what leaked never does: the floor of each half counts.
        growth = min(samples[6:] + [soak["server"]["rss_kib"]]) - min(samples[:6])
        table.append({"figure": f"memory growth over {SOAK} check-ins, half against half", "value": round(growth / 1024, 2), "unit": "MiB",
                      "least": None, "most": None, "target": SOAK_GROWTH / 1024, "limit": None, "met": growth <= SOAK_GROWTH})
        local.stop()
        return table, loop, limits

    def row(self, what, values, target, limit, scale, unit):
        middle = statistics.median(values)
        return {"figure": what, "value": round(middle / scale, 1), "unit": unit, "least": round(min(values) / scale, 1),
                "most": round(max(values) / scale, 1), "target": target / scale,
                "limit": round(statistics.median(limit) / scale, 1) if limit else None, "met": middle <= target}

    def end(self):
        for process in self.processes:
            if isinstance(process, Local):
                process.kill()
            elif process.poll() is None:
                process.kill()
                process.wait()


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=os.path.dirname(os.path.abspath(__file__)),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release(), "commit": done.stdout.strip() or None}


def show(table, loop, limits, place, seconds):
    print(f"\n{place['processor']}, {place['cores']} cores, Linux {place['kernel']}, commit {place['commit']}\n")
    print(f"  {'figure':<52} {'value':>8} {'runs':>15} {'target':>8} {'limit':>7}  verdict")
    for row in table:
        runs = f"{row['least']}-{row['most']}" if row["least"] not in (None, row["most"]) else "-"
        limit = row["limit"] if row["limit"] is not None else "-"
        print(f"  {row['figure']:<52} {row['value']:>8} {runs:>15} {row['target']:>8g} {limit:>7}  {row['unit']}, "
              f"{'met' if row['met'] else 'MISSED'}")
    latency = loop["latency_ns"]
    print(f"\n  open loop, {OPEN_RATE} Idle check-ins a second: p50 {latency['p50'] / 1e6:.2f} ms, p99 {latency['p99'] / 1e6:.2f} ms, "
          f"p99.9 {latency['p999'] / 1e6:.2f} ms, {loop['server']['cpu_ns_per_operation'] / 1e3:.1f} us CPU each")
    print("  limit: a bare server of the same loop and TLS that answers everything with an empty 200; TLS alone, without sockets: "
          f"{limits['tls']['handshake_full_ns'] / 1e3:.0f} us a handshake with one request, {limits['tls']['request_ns'] / 1e3:.1f} us "
          f"a request\n  {seconds:.0f} s in all")


def main():
    parser = argparse.ArgumentParser(prog="bench/fleet")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--build", required=True)
    words = parser.parse_args()
    began = time.monotonic()
    if os.cpu_count() < 2:
        print("bench: two cores are needed: one for the server, one for the fleet", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="muster-bench.") as home:
        bench = None
        try:
            bench = Bench(Programs(words.build), home, words.runs)
            table, loop, limits = bench.all()
        except (Failed, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            print(f"bench: FAILED: {error}", file=sys.stderr)
            return 1
        finally:
            if bench:
                bench.end()
    place, seconds = machine(), time.monotonic() - began
    show(table, loop, limits, place, seconds)
    if words.json:
        with open(words.json, "w", encoding="utf-8") as f:
            json.dump({"machine": place, "figures": table, "limits": limits, "runs": bench.results}, f, indent=1)
            f.write("\n")
    return 0 if all(row["met"] for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())
