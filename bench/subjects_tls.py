# SPDX-License-Identifier: Apache-2.0
"""Subjects of connections: handshakes, check-ins on open connections, many connections, all at once, several loops."""
from peers import GIVEN, nginx
from rig import DEVICES, Failed, cost, median
from subject import Result

KIB = 1024
HELD = 15000  # a ring's table of descriptors, which the limit on open files bounds
HELD_MOST_KIB = 8
STORM = 20000


def handshake(bench):
    """Devices that this server, started anew, has never seen: their certificates are verified."""
    count = bench.n(6000, 1200)
    runs, limits, peers = [], [], {"nginx": []}
    with bench.musterd("handshake") as m:
        devices = [bench.enrol(m, count, bench.new_seed()) for _ in range(bench.runs)]
        bench.restart(m)
        with nginx(bench, m.local) as peer:
            for who in devices:
                limits.append(bench.limit("stock_full_ns", m.local))
                runs.append(bench.fleet(m, m.local, "handshake", *who, "--count", count))
                if peer:
                    peers["nginx"].append(cost(bench.fleet(peer, m.local, "handshake", *who, "--count", count)))
    return Result("handshake", runs, limits, peers).of_limit(1.25).of_peer("nginx", 0.40).faultless()


def handshake_known(bench):
    count = bench.n(10000, 2000)
    runs, limits, primitives, bare_us, peers = [], [], [], [], {"nginx": []}
    with bench.musterd("known") as m, nginx(bench, m.local) as peer, bench.bare(m.local) as bare:
        who = bench.enrol(m, DEVICES, bench.new_seed())
        words = ["return", *who, "--count", count]
        for _ in range(bench.runs):
            limits.append(bench.limit("stock_full_ns", m.local))
            primitives.append(bench.limit("primitives_ns", m.local))
            runs.append(bench.fleet(m, m.local, *words))
            bare_us.append(bench.fleet(bare, m.local, *words)["cpu_us"])
            if peer:
                peers["nginx"].append(cost(bench.fleet(peer, m.local, *words)))
        with bench.perf("handshake-known", m) as is_on:
            if is_on:
                bench.fleet(m, m.local, *words)
    result = Result("handshake-known", runs, limits, peers).of_limit(0.95).faultless()
    return result.note(f"primitives alone {median(primitives):.1f} us; a bare server of the same loop and TLS {median(bare_us):.1f} us")


def resume(bench):
    count = bench.n(10000, 2000)
    runs, limits, peers = [], [], {"nginx": []}
    with bench.musterd("resume") as m, nginx(bench, m.local) as peer:
        words = ["return", *bench.enrol(m, DEVICES, bench.new_seed()), "--count", count, "--resume"]
        for _ in range(bench.runs):
            limits.append(bench.limit("stock_resumed_ns", m.local))
            runs.append(bench.fleet(m, m.local, *words))
            if runs[-1]["raw"]["handshakes"]["full"]:
                raise Failed("not every session was resumed")
            if peer:
                peers["nginx"].append(cost(bench.fleet(peer, m.local, *words)))
        with bench.perf("resume", m) as is_on:
            if is_on:
                bench.fleet(m, m.local, *words)
    return Result("resume", runs, limits, peers).of_limit(1.25).faultless()


def given_idle(bench, local, count):
    """Idle check-ins of servers whose programs were given: no TLS, signed messages."""
    found = {}
    for name, path in bench.peers.items():
        with GIVEN[name](bench, local, path) as peer:
            who = ["--devices", DEVICES, "--seed", bench.new_seed(), "--signed", "--plain"]
            if bench.fleet(peer, local, "enrol", *who)["errors"]:
                raise Failed(f"{name} does not enrol devices")
            found[name] = [cost(bench.fleet(peer, local, "idle-open", *who, "--enrolled", "--concurrency", 64, "--count", count // 4))
                           for _ in range(bench.runs)]
    return found


def idle_on(bench, name, is_http2):
    count = bench.n(100000, 20000)
    version = ["--http2"] if is_http2 else []
    runs, latency, limits, peers = [], [], [], {"nginx": []}
    with bench.musterd(name) as m, nginx(bench, m.local, is_http2) as peer, bench.bare(m.local) as bare:
        words = ["idle-open", *bench.enrol(m, DEVICES, bench.new_seed()), "--concurrency", 64]
        for _ in range(bench.runs):
            limits.append(bench.fleet(bare, m.local, *words, "--count", count)["cpu_us"])
            runs.append(bench.fleet(m, m.local, *words, *version, "--count", count))
            if peer:
                peers["nginx"].append(cost(bench.fleet(peer, m.local, *words, *version, "--count", count)))
        if not is_http2:
            peers.update(given_idle(bench, m.local, count))
        half = int(median([r["rate"] for r in runs]) / 2)
        for _ in range(bench.runs):
            latency.append(bench.fleet(m, m.local, *words, *version, "--rate", half, "--count", half))
        with bench.perf(name, m) as is_on:
            if is_on:
                bench.fleet(m, m.local, *words, *version, "--count", count)
    result = Result(name, runs, limits, peers, latency).reach("<= 14 us", median([r["cpu_us"] for r in runs]), 14).faultless()
    return result.note(f"latency: open loop, {half} a second, half of what one connection after the other reaches")


def idle(bench):
    return idle_on(bench, "idle", False)


def idle_h2(bench):
    return idle_on(bench, "idle-h2", True)


def connections(bench):
    num = bench.n(HELD, 3000)
    with bench.musterd("connections", {"conn.max": HELD, "ring.files": 16384}) as m:
        run = bench.fleet(m, m.local, "hold", "--devices", num, "--seed", bench.new_seed(), "--concurrency", 64)
        peer_kib = None
        with nginx(bench, m.local) as peer:
            if peer:
                # nginx has no MDM in it: its devices need no enrolment.
                held = bench.fleet(peer, m.local, "hold", "--devices", num, "--seed", bench.seed, "--concurrency", 64, "--enrolled")
                peer_kib = held["raw"]["server"]["bytes_per_connection"] / KIB
    kib = run["raw"]["server"]["bytes_per_connection"] / KIB
    result = Result("connections", [{**run, "p50_us": None, "p99_us": None}])
    result.more = {"held": num, "kib": round(kib, 2), "peers_kib": {"nginx": peer_kib and round(peer_kib, 2)}}
    result.reach(f"<= {HELD_MOST_KIB} KiB each", kib, HELD_MOST_KIB)
    result.reach(f"{num} held, all answer", run["n"] if run["errors"] == 0 else 0, num, is_least=True)
    return result.note(f"{kib:.1f} KiB of resident memory each" + (f", nginx {peer_kib:.1f} KiB" if peer_kib else ""))


def storm(bench):
    """Every device has a command waiting and connects now."""
    num = bench.n(STORM, 4000)
    with bench.musterd("storm", {"threads.loops": 0}) as m:
        run = bench.fleet(m, m.local, "storm", "--devices", num, "--seed", bench.new_seed(), "--concurrency", num, "--threads", 2, "--patient",
                          "--wait-ms", 60000)
    shed = run["raw"]["shed"]
    result = Result("storm", [run]).faultless()
    result.more = {"shed": shed, "seconds": round(run["raw"]["wall_ns"] / 1e9, 2)}
    result.reach("all served", run["n"], num, is_least=True)
    result.reach("none refused without an answer", shed["refused"], 0)
    return result.note(f"{num} devices at once: the last served after {run['raw']['wall_ns'] / 1e9:.1f} s; {shed['told']} told to come again")


def signed(bench):
    """No client certificate: the message's signature says who it is, verified each time."""
    count = bench.n(40000, 8000)
    runs, limits, peers = [], [], {}
    with bench.musterd("signed", {"identity.sources": "signature"}) as m:
        words = ["idle-open", *bench.enrol(m, DEVICES, bench.new_seed(), "--signed"), "--concurrency", 64, "--count", count]
        for _ in range(bench.runs):
            limits.append(bench.limit("rsa_verify_ns", m.local))
            runs.append(bench.fleet(m, m.local, *words))
        with bench.perf("signed", m) as is_on:
            if is_on:
                bench.fleet(m, m.local, *words)
    result = Result("signed", runs, limits, peers)
    return result.reach("<= limit + 20 us", result["cpu_us"], result["limit_us"] + 20).faultless()
