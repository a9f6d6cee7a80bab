#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Enrolments by SCEP: musterd with a P-256 authority and an RSA-2048 RA, with an RSA authority, and Debian's scepserver, one after
the other on the same core; beside what RSA alone costs. bench/scep.py BUILD [--count N]"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools"))
from local import Failed, Local, Programs, free_port  # noqa: E402

SERVER_CORE, CLIENT_CORE = "0", "1"
TARGET = 900  # enrolments a second and core of server CPU
CONF = {"threads.loops": 1, "threads.workers": 1, "scep.rate": 0, "conn.per_source": 0, "log.level": "warn"}
SECRET = "bench"


def on_core(core):
    return ["taskset", "-c", core]


def measure(programs, port, path, pid, *words):
    done = subprocess.run([*on_core(CLIENT_CORE), programs.bench, "scep", "--port", str(port), "--path", path, "--server-pid", str(pid),
                           "--json", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise Failed(done.stderr.strip())
    return json.loads(done.stdout)


def musterd(programs, home, count):
    local = Local(programs, home, free_port(), CONF, on_core(SERVER_CORE))
    local.make_files("Bench")
    local.start()
    try:
        for name, words in {"phones": ["--kind", "p256"],
                            "rsa": ["--kind", "rsa2048", "--challenge-sha256", hashlib.sha256(SECRET.encode()).hexdigest()]}.items():
            local.ctl(name, "authority", "new", name, "--name", name, "--socket", local.control, *words)
        yield "musterd: P-256 CA, RSA-2048 RA, one-time challenges", measure(
            programs, local.plain_port, "/scep/phones", local.pid, "--count", count, "--control", local.control)
        yield "musterd: RSA-2048 CA, static challenge", measure(
            programs, local.plain_port, "/scep/rsa", local.pid, "--count", count, "--challenge", SECRET)
    finally:
        local.stop()


def scepserver(programs, home, count):
    if not shutil.which("scepserver"):
        return
    os.makedirs(home)
    subprocess.run(["scepserver", "ca", "-init", "-key-password", "", "-keySize", "2048", "-depot", "depot"], cwd=home, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    port = free_port()
    with open(os.path.join(home, "log"), "wb") as log:
        process = subprocess.Popen([*on_core(SERVER_CORE), "scepserver", "-depot", "depot", "-port", str(port), "-challenge", SECRET,
                                    "-allowrenew", "0"], cwd=home, stdout=log, stderr=log)
    try:
        time.sleep(1)
        for concurrency in (1, 64):
            yield f"scepserver: RSA-2048 CA, {concurrency} at once", measure(
                programs, port, "/scep", process.pid, "--count", max(count // 4, 200), "--challenge", SECRET, "--concurrency", concurrency)
    finally:
        process.terminate()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--count", type=int, default=2000)
    words = parser.parse_args()
    programs = Programs(words.build)
    with tempfile.TemporaryDirectory(prefix="muster-scep.") as home:
        print(f"{'server':<52} {'/s':>6} {'p99 ms':>7} {'CPU us':>7} {'/core s':>8} {'RSA us':>7} {'limit':>6} {'good':>6} {'twice':>6}")
        for rows in (musterd(programs, os.path.join(home, "m"), words.count),
                     scepserver(programs, os.path.join(home, "s"), words.count)):
            for name, r in rows:
                rsa = r["rsa_sign_ns"] + r["rsa_decrypt_ns"]
                print(f"{name:<52} {r['count'] * 1e9 / r['wall_ns']:>6.0f} {r['p99_ns'] / 1e6:>7.1f} {r['cpu_ns_per_operation'] / 1e3:>7.0f} "
                      f"{1e9 / r['cpu_ns_per_operation']:>8.0f} {rsa / 1e3:>7.0f} {1e9 / rsa:>6.0f} {r['certificates']:>6} {r['serials_twice']:>6}",
                      flush=True)
    print(f"target: {TARGET} a second and core where RSA allows it; 'limit' is two RSA-2048 private operations and nothing else, here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
