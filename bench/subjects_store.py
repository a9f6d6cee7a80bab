# SPDX-License-Identifier: Apache-2.0
"""Subjects that write: commands, enrolments, stores that grow. Every answer waits until its record is durable."""
import contextlib
import time

from rig import DEVICES, LOAD_CORE, LOAD_WAIT_S, median, on_core
from subject import Result
from subjects_pki import authority, bulk_run


def command(bench):
    count = bench.n(20000, 6000)
    runs, latency, limits = [], [], []
    with bench.musterd("command") as m:
        for _ in range(bench.runs):
            limits.append(bench.limit("commit_ns", m.local))
            runs.append(bench.fleet(m, m.local, "command", "--devices", DEVICES, "--seed", bench.new_seed(), "--count", count, "--concurrency", 200))
        half = int(median([r["rate"] for r in runs]) / 2)
        for _ in range(bench.runs):
            latency.append(bench.fleet(m, m.local, "command", "--devices", DEVICES, "--seed", bench.new_seed(), "--count", 2 * half, "--rate", half))
        with bench.perf("command", m) as is_on:
            if is_on:
                bench.fleet(m, m.local, "command", "--devices", DEVICES, "--seed", bench.new_seed(), "--count", count, "--concurrency", 200)
    result = Result("command", runs, limits, {}, latency)
    result.reach("<= 40 us", result["cpu_us"], 40).reach("p99 <= 5 ms at half load", result["p99_us"] / 1e3, 5).faultless()
    return result.note(f"latency: open loop, {half} a second, half of what 200 at once reach; limit: a durable write of one record")


def enrol(bench):
    count = bench.n(6000, 1500)
    runs = []
    with bench.musterd("enrol") as m:
        for _ in range(bench.runs):
            runs.append(bench.fleet(m, m.local, "enrol", "--devices", count, "--seed", bench.new_seed(), "--concurrency", 64))
    result = Result("enrol", runs)
    result.reach(">= 5000/s on two cores", 2e6 / result["cpu_us"], 5000, is_least=True).faultless()
    return result.note("connect, full handshake, Authenticate, TokenUpdate, close; two cores: twice what the CPU of one allows, the load elsewhere")


GROW = ("idle", "command", "issue")


def settle(server):
    """Waits until the store has tidied up what was filled in."""
    last = server.cpu_us()
    for _ in range(120):
        time.sleep(0.5)
        now = server.cpu_us()
        if now - last < 10000:
            return
        last = now


def fill(bench, m, devices, commands, seed):
    """Years of use: so many devices more, so many commands that the devices of `seed` answered long ago."""
    m.local.stop()
    m.local.run("fill", [*on_core(LOAD_CORE), bench.programs.bench, "fill", "--store", "store", "--seal", "master.key", "--devices", str(devices),
                         "--commands", str(commands), "--owners", str(DEVICES), "--owner-seed", str(seed)], LOAD_WAIT_S)
    m.local.start()
    m.pid = m.local.pid
    settle(m)


def grow(bench):
    """Servers with stores of different sizes stand side by side; each run asks one after the other."""
    sizes = bench.n([1000, 100000, 1000000], [1000, 50000])
    commands = bench.n(1000000, 50000)
    counts = bench.n({"idle": 40000, "command": 10000, "issue": 10000}, {"idle": 8000, "command": 3000, "issue": 2000})
    cpu = {s: {g: [] for g in GROW} for s in sizes}
    errors = 0
    with contextlib.ExitStack() as stack:
        servers = {}
        for size in sizes:
            m = stack.enter_context(authority(bench, f"grow{size}"))
            seed = bench.new_seed()
            who = bench.enrol(m, DEVICES, seed)
            fill(bench, m, size, commands if size == sizes[-1] else 0, seed)
            servers[size] = m, who
        for _ in range(bench.runs):
            for size, (m, who) in servers.items():
                runs = {"idle": bench.fleet(m, m.local, "idle-open", *who, "--concurrency", 64, "--count", counts["idle"]),
                        "command": bench.fleet(m, m.local, "command", *who, "--concurrency", 200, "--count", counts["command"]),
                        "issue": bulk_run(m, "p256", counts["issue"])}
                for g in GROW:
                    cpu[size][g].append(runs[g]["cpu_us"])
                    errors += runs[g]["errors"]
                bench.fleet(m, m.local, "drain", *who)  # commands are left over: nobody's pace is quite the same
        with bench.perf("grow-idle", m) as is_on:  # of the largest, the last one
            if is_on:
                bench.fleet(m, m.local, "idle-open", *who, "--concurrency", 64, "--count", counts["idle"])
    return grown(cpu, sizes, errors, commands)


def grown(cpu, sizes, errors, commands):
    result = Result("grow", [{"n": sizes[-1], "errors": errors}])
    result.more = {"grown": {str(s): {g: round(median(cpu[s][g]), 2) for g in GROW} for s in sizes}}
    for g in GROW:
        first, last = median(cpu[sizes[0]][g]), median(cpu[sizes[-1]][g])
        result.reach(f"{g}: {sizes[-1]} devices within 10 % of {sizes[0]}", last / first, 1.10)
        result.note(f"{g}: " + ", ".join(f"{median(cpu[s][g]):.1f} us with {s} devices" for s in sizes))
    return result.faultless().note(f"the largest has {commands} commands that the asking devices answered long ago")


SOAK_GROWTH_KIB = 2048  # between the halves that still counts as flat: a leak of 40 bytes a check-in would show


def soak(bench):
    """Memory stays where it is: TokenUpdates and polls in turn, the second half against the first."""
    count = bench.n(100000, 15000)
    # Small write buffers, so that the store reaches the memory it keeps within the run.
    with bench.musterd("soak", {"store.memtable_mib": 4, "store.cache_mib": 16}) as m:
        who = bench.enrol(m, DEVICES, bench.new_seed())
        bench.fleet(m, m.local, "soak", *who, "--count", count)  # until the store has all it keeps
        run = bench.fleet(m, m.local, "soak", *who, "--count", count)
    server = run["raw"]["server"]
    samples = server["rss_kib_samples"]
    # The store's buffers come and go, what leaked never does: the floor of each half counts.
    growth = min(samples[6:] + [server["rss_kib"]]) - min(samples[:6])
    result = Result("soak", [{**run, "p50_us": None, "p99_us": None}])
    result.more = {"growth_kib": growth}
    result.reach("growth <= 2 MiB between the halves", growth / 1024, SOAK_GROWTH_KIB / 1024).faultless()
    return result.note(f"{growth} KiB over {count} TokenUpdates and as many polls")
