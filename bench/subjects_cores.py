# SPDX-License-Identifier: Apache-2.0
"""One loop against several."""
import os

from rig import DEVICES, median
from subject import Result

LOOPS = (1, 2, 4, 8)
WORK = {"handshake": (["handshake"], 10000, 2000), "command": (["command", "--concurrency", 200], 20000, 5000)}


def places(loops, total):
    """Cores of server and load. Where there are not enough for both, both have all of them, and only CPU time tells."""
    if total >= 2 * loops and total > 2:
        return range(loops), range(loops, total)
    return range(total), range(total)


def measure(bench, loops, total):
    """Rates and CPU times of each kind of work with so many loops."""
    server_cores, load_cores = places(loops, total)
    found = {}
    with bench.musterd(f"cores{loops}", {"threads.loops": loops, "threads.workers": 0}, server_cores) as m:
        for name, (words, full, quick) in WORK.items():
            count = bench.n(full, quick) * (loops if len(load_cores) > 2 else 1)
            runs = [bench.fleet(m, m.local, *words, "--devices", DEVICES * loops, "--seed", bench.new_seed(), "--count", count, "--threads",
                                min(2 * loops, len(load_cores)), cores=load_cores) for _ in range(bench.runs)]
            found[name] = {"rate": median([r["rate"] for r in runs]), "cpu_us": median([r["cpu_us"] for r in runs]),
                           "errors": sum(r["errors"] for r in runs), "is_wall": server_cores != load_cores}
    return found


def cores(bench):
    total = os.cpu_count()
    steps = [n for n in LOOPS if n <= max(2, total // 2)]
    found = {n: measure(bench, n, total) for n in steps}
    result = Result("cores", [{"n": steps[-1], "errors": sum(f[w]["errors"] for f in found.values() for w in WORK)}]).faultless()
    scaling = {}
    for work in WORK:
        one = found[1][work]
        for n in steps[1:]:
            this = found[n][work]
            is_wall = this["is_wall"] and one["is_wall"]
            times = this["rate"] / one["rate"] if is_wall else n * one["cpu_us"] / this["cpu_us"]
            least = 1.8 if n == 2 else 0.85 * n
            scaling[f"{work} {n}"] = round(times, 2)
            result.reach(f"{work}: >= {least:g} x with {n} loops", times, least, is_least=True)
        result.note(f"{work}: " + ", ".join(f"{n} loop{'s' * (n > 1)} {found[n][work]['cpu_us']:.1f} us" for n in steps))
    result.more = {"scaling": scaling}
    if total < 4:
        result.note("server and load share all cores here: how many times as much is told by CPU time, not by the clock")
    return result
