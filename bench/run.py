#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figures of docs/bench.md: each subject several times, beside its limit and its peers, and what it must reach."""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

import plots
import subjects_cores
import subjects_pki
import subjects_push
import subjects_store
import subjects_tls
from peers import GIVEN
from rig import Bench, Failed, Programs, say
from subject import unavailable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# name, work, limit, must reach
SUBJECTS = [
    ("handshake", subjects_tls.handshake, "connect, full mutual TLS 1.3 (P-256), one Idle check-in, close, by a device never seen before",
     "the TLS library's own full handshake", "1.25 x limit, 0.40 x nginx"),
    ("handshake-known", subjects_tls.handshake_known, "the same by a device seen before", "the same", "0.95 x limit"),
    ("resume", subjects_tls.resume, "the same with a session ticket", "the library's own resumed handshake", "1.25 x limit"),
    ("idle", subjects_tls.idle, "Idle check-in on an open connection, HTTP/1.1", "a bare server", "14 us"),
    ("idle-h2", subjects_tls.idle_h2, "the same, HTTP/2", "a bare server, HTTP/1.1", "14 us"),
    ("signed", subjects_tls.signed, "the same authenticated by Mdm-Signature (RSA-2048)", "RSA verify", "limit + 20 us"),
    ("command", subjects_store.command, "report with the next command in the reply, durable", "a durable write", "40 us; p99 5 ms at half load"),
    ("enrol", subjects_store.enrol, "connect, Authenticate, TokenUpdate, durable, close", "", "5000 a second on two cores"),
    ("connections", subjects_tls.connections, "idle mutual TLS connections", "", "8 KiB each, 15,000 on one ring, all answer afterwards"),
    ("issue-p256", subjects_pki.issue_p256, "bulk identities with P-256 keys, durable", "a key made and one signature", "1.5 x limit"),
    ("issue-rsa", subjects_pki.issue_rsa, "bulk identities with RSA-2048 keys, durable", "the same", "1.05 x limit"),
    ("scep", subjects_pki.scep, "PKCSReq, all at once", "two RSA-2048 operations", "900 a second and core"),
    ("revoke", subjects_pki.revoke, "OCSP answers; a CRL of 100,000 entries", "a P-256 signature", "30,000 a second; 50 ms"),
    ("push", subjects_push.link, "pushes to one topic over one HTTP/2 connection", "", "6 us, 60,000 a second"),
    ("push-durable", subjects_push.durable, "the same from the durable outbox, each settled", "", "15 us, the same for 10 k and 1 M due"),
    ("grow", subjects_store.grow, "idle, command and issue with 1 k, 100 k and 1 M devices stored and 1 M old commands", "", "within 10 %"),
    ("soak", subjects_store.soak, "100,000 TokenUpdates and as many polls", "", "memory stays flat: 2 MiB"),
    ("storm", subjects_tls.storm, "every device of a fleet of 20,000 connects at once after a push", "", "all served, no error, shed is answered"),
    ("cores", subjects_cores.cores, "handshake and command with 1 to N loops", "linear", "1.8 x with 2 loops, 0.85 x N up to 8"),
]


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release()}


def commit():
    words = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"], cwd=ROOT, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, check=False)
    return words.stdout.strip() or None


def chosen(only):
    names = [s[0] for s in SUBJECTS]
    wanted = only.split(",") if only else names
    unknown = [n for n in wanted if n not in names]
    if unknown:
        raise Failed(f"no such subject: {', '.join(unknown)}; there are {', '.join(names)}")
    return [s for s in SUBJECTS if s[0] in wanted]


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}" if abs(value) < 10000 else f"{value:.0f}"


HEAD = f"{'subject':<16} {'n':>7} {'rate/s':>8} {'cpu us':>8} {'least-most':>15} {'limit us':>8} {'x':>5} {'p50 ms':>7} {'p99 ms':>7} {'errors':>6}  " \
       "peers, cpu us"


def show(result):
    v = result.value
    spread = "-" if not result.spread else f"{number(result.spread[0])}-{number(result.spread[1])}"
    peers = ", ".join(f"{k} {number(p)}" for k, p in v["peers"].items()) or "-"
    ratio = v["cpu_us"] / v["limit_us"] if v["cpu_us"] and v["limit_us"] else None
    millis = [None if v[f] is None else v[f] / 1e3 for f in ("p50_us", "p99_us")]
    print(f"{result.name:<16} {number(v['n'], 0):>7} {number(v['rate'], 0):>8} {number(v['cpu_us']):>8} {spread:>15} {number(v['limit_us']):>8} "
          f"{number(ratio, 2):>5} {number(millis[0], 2):>7} {number(millis[1], 2):>7} {v['errors']:>6}  {peers}")
    for t in result.targets:
        verdict = {True: "ok", False: "MISSED", None: "not comparable here"}[t["ok"]]
        print(f"{'':<16}   {t['words']}: {number(t['value'], 2)}  {verdict}")
    for note in result.notes:
        print(f"{'':<16}   {note}")
    sys.stdout.flush()


def measure(bench, subjects):
    results = []
    for name, work, *_ in subjects:
        began = time.monotonic()
        say(name)
        try:
            results.append(work(bench))
        except (Failed, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            results.append(unavailable(name, str(error)).reach("measured", 0, 1, is_least=True))
        results[-1].more["seconds_taken"] = round(time.monotonic() - began, 1)
    return results


def read_words():
    parser = argparse.ArgumentParser(prog="bench/run")
    parser.add_argument("--quick", action="store_true", help="fewer operations and devices: within three minutes")
    parser.add_argument("--only", metavar="NAME,...", help="these subjects only")
    parser.add_argument("--json", metavar="FILE", help="keep the results")
    parser.add_argument("--runs", type=int, default=3, help="of each subject (3)")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH", help="another server's program: nanomdm")
    parser.add_argument("--perf", action="store_true", help="also write docs/bench/perf-SUBJECT.txt")
    parser.add_argument("--plots", metavar="FOLDER", help="where plots are drawn (docs/bench; run/bench with --quick)")
    parser.add_argument("--build", help="folder of a release build")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def main():
    words = read_words()
    if words.list:
        for name, _, work, limit, reach in SUBJECTS:
            print(f"{name:<16} {work}\n{'':<16}   limit: {limit or '-'}; must reach: {reach}")
        return 0
    if os.cpu_count() < 2:
        print("bench: two cores are needed: one for the server, one for the load", file=sys.stderr)
        return 1
    began = time.monotonic()
    try:
        subjects = chosen(words.only)
        strangers = [p for p in words.peer if p.split("=", 1)[0] not in GIVEN or "=" not in p]
        if strangers:
            raise Failed(f"--peer {strangers[0]}: NAME=PATH with one of {', '.join(GIVEN)}")
        with tempfile.TemporaryDirectory(prefix="mb.") as home:
            results = measure(Bench(Programs(words.build), home, words), subjects)
    except Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    place = machine()
    print(f"\n{place['processor']}, {place['cores']} cores, Linux {place['kernel']}, commit {commit()}, {time.monotonic() - began:.0f} s"
          f"{', quick' if words.quick else ''}\n\n{HEAD}")
    for result in results:
        show(result)
    folder = words.plots or os.path.join(ROOT, "run/bench" if words.quick else "docs/bench")
    drawn = plots.draw([r.json() for r in results], folder)
    if drawn:
        print(f"\nplots: {', '.join(os.path.relpath(d) for d in drawn)}")
    if words.json:
        with open(words.json, "w", encoding="utf-8") as f:
            json.dump({"commit": commit(), "machine": place, "quick": words.quick, "results": [r.json() for r in results]}, f, indent=1)
            f.write("\n")
    return 0 if all(r.json()["ok"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
