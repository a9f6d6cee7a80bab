#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figures of pushes: each part by itself, what it must reach, and its peer."""
import argparse
import json
import sys
import tempfile

import subjects_push
from rig import Bench, Failed, Programs, say
from run import HEAD, commit, machine, show


def read_words():
    parser = argparse.ArgumentParser(prog="bench/push")
    parser.add_argument("--only", default="link,durable,operator,fleet")
    parser.add_argument("--sizes", type=lambda text: [int(n) for n in text.split(",")], help="pushes due at once, durable")
    parser.add_argument("--devices", type=int, help="of the fleet that is woken (4000)")
    parser.add_argument("--commands", type=int, default=10, help="for each of them")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--build", required=True)
    parser.set_defaults(peer=[], perf=False)
    return parser.parse_args()


def main():
    words = read_words()
    parts = {"link": subjects_push.link, "durable": lambda b: subjects_push.durable(b, words.sizes), "operator": subjects_push.operator,
             "fleet": lambda b: subjects_push.fleet(b, words.devices, words.commands)}
    results = []
    try:
        with tempfile.TemporaryDirectory(prefix="mb.") as home:
            bench = Bench(Programs(words.build), home, words)
            for name in words.only.split(","):
                say(name)
                results.append(parts[name](bench))
    except (Failed, KeyError, OSError) as error:
        print(f"bench: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    finally:
        place = machine()
        print(f"\n{place['processor']}, {place['cores']} cores, Linux {place['kernel']}, commit {commit()}\n\n{HEAD}")
        for result in results:
            show(result)
    if words.json:
        with open(words.json, "w", encoding="utf-8") as f:
            json.dump({"commit": commit(), "machine": place, "results": [r.json() for r in results]}, f, indent=1)
            f.write("\n")
    return 0 if all(t["ok"] is not False for r in results for t in r.targets) else 1


if __name__ == "__main__":
    sys.exit(main())
