# SPDX-License-Identifier: Apache-2.0
"""Pushes: the sender alone beside h2load, the durable outbox, an operator's pushes through the API, a fleet that is woken."""
import contextlib
import json
import os
import plistlib
import re
import shutil
import subprocess
import time
import uuid

from rig import LOAD_CORE, SERVER_CORE, Failed, median, on_core, say
from local import Sink  # rig knows where it is
from subject import Result

TOPIC = "com.apple.mgmt.External.8b0e2d6c-2c0f-4b39-9c8e-0f2a4d9b7e11"
PAYLOAD = '{"mdm":"8B0E2D6C-2C0F-4B39-9C8E-0F2A4D9B7E11"}'
STREAMS = 1000
IDS_PER_CALL = 200
SETTLE_WAIT_S = 600
SENDER_TARGET_US, DURABLE_TARGET_US, RATE_TARGET = 6, 15, 60000
CONF = {"push.silent_s": "86400", "log.level": "warn"}


@contextlib.contextmanager
def service(bench, name, conf=None, starts=True, cores=(SERVER_CORE,), **sink_conf):
    """musterd on its core with apns-sink on the other; the server is not started without `starts`."""
    with bench.musterd(name, {**CONF, "push.enabled": "no"}, cores) as m:
        sink = Sink(m.local, on_core(LOAD_CORE), streams=STREAMS, **sink_conf)
        sink.start()
        try:
            m.local.stop()
            m.local.conf.update({**sink.push_conf(), **(conf or {}), "push.enabled": "yes"})
            m.local.write_conf()
            if starts:
                m.local.start()
                m.pid = m.local.pid
            yield m, sink
        finally:
            sink.kill()


def put_cert(m, sink):
    with open(sink.certificate(TOPIC), "rb") as f:
        m.local.ask("PUT", "/v1/pushcert", f.read())


def send(bench, sink, count):
    """The sender alone: the engine's topic and links."""
    out = sink.local.run("push", [*on_core(SERVER_CORE), bench.programs.bench, "push", "--port", str(sink.port), "--ca", "ca/ca.pem",
                                  "--certificate", "push.pem", "--count", str(count), "--window", str(2 * STREAMS), "--json"])
    return json.loads(out)


def h2load(sink, count):
    """Microseconds of CPU for each request of h2load on the sender's core; None where it is not installed."""
    if not shutil.which("h2load"):
        return None
    with open(sink.local.path("body"), "w", encoding="utf-8") as f:
        f.write(PAYLOAD)
    before = os.times()
    done = subprocess.run([*on_core(SERVER_CORE), "h2load", "-n", str(count), "-c", "1", "-m", str(STREAMS), "-t", "1", "-d", "body", "-H",
                           ":method: POST", "-H", "apns-push-type: mdm", "-H", f"apns-topic: {TOPIC}", "-H", "apns-priority: 10", "-H",
                           "apns-expiration: 1900000000", f"https://localhost:{sink.port}/3/device/{'5a' * 32}"], cwd=sink.local.home,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=SETTLE_WAIT_S)
    after = os.times()
    good = re.search(r"(\d+) succeeded", done.stdout)
    rate = re.search(r"([\d.]+) req/s", done.stdout)
    if not good or int(good[1]) != count:
        raise Failed(f"h2load: {done.stdout[-300:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"cpu_us": cpu * 1e6 / count, "rate": float(rate[1])}


def link(bench):
    """muster-bench push and h2load in turn against one apns-sink."""
    count = bench.n(300000, 100000)
    with service(bench, "link", starts=False, plain_topic=TOPIC) as (m, sink):
        sink.certificate(TOPIC)
        ours, theirs = [], []
        for _ in range(bench.runs):
            ours.append(send(bench, sink, count))
            theirs.append(h2load(sink, count))
    theirs = [t for t in theirs if t]
    result = Result("push", ours, peers={"h2load": [t["cpu_us"] for t in theirs]}).faultless()
    result.reach(f"<= {SENDER_TARGET_US} us of the sender", result["cpu_us"], SENDER_TARGET_US)
    result.reach(f">= {RATE_TARGET} a second", result["rate"], RATE_TARGET, is_least=True)
    if theirs:
        result.note(f"h2load, all requests alike: {median([t['rate'] for t in theirs]):.0f} a second")
    return result


def settled(m, sink, count, began):
    """Waits until the service took `count` and musterd has written them all; seconds since `began`."""
    until = time.monotonic() + SETTLE_WAIT_S
    while sink.stats()["accepted"] < count or m.local.ask("GET", "/v1/push")["in_hand"]:
        if time.monotonic() > until:
            raise Failed(f"not settled: {m.local.ask('GET', '/v1/push')} {sink.stats()}")
        time.sleep(0.1)
    return time.monotonic() - began


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) / 1024


def outbox(bench, count):
    """`count` pushes due at the start; the credential that lets them go comes when the server rests."""
    with service(bench, f"outbox{count}", starts=False) as (m, sink):
        say(f"  {count} devices with a push due")
        m.local.run("fill", [bench.programs.bench, "fill", "--devices", str(count), "--pushes"], SETTLE_WAIT_S)
        m.local.start()
        m.pid = m.local.pid
        time.sleep(2)
        rss, cpu, began = rss_mib(m.pid), m.cpu_us(), time.monotonic()
        put_cert(m, sink)
        seconds = settled(m, sink, count, began)
        used = m.cpu_us() - cpu
        stats = sink.stats()
        return {"n": count, "cpu_us": used / count, "rate": count / seconds, "errors": stats["accepted"] - count,
                "rss_mib": round(rss_mib(m.pid), 1), "rss_before_mib": round(rss, 1)}


def durable(bench, sizes=None):
    """The same work at growing numbers of due pushes: its cost must not grow."""
    sizes = sizes or ([1000, 10000, 100000, 1000000] if not bench.is_quick else [1000, 20000])
    runs = [outbox(bench, n) for n in sizes]
    large = [r for r in runs if r["n"] >= 10000] or runs
    result = Result("push-durable", large).faultless()
    result.reach(f"<= {DURABLE_TARGET_US} us of musterd for each push settled", result["cpu_us"], DURABLE_TARGET_US)
    for r in runs:
        result.note(f"{r['n']} due: {r['cpu_us']:.1f} us each, {r['rate']:.0f} a second, at most {r['rss_mib']:.0f} MiB "
                    f"({r['rss_before_mib']:.0f} before)")
    if len(large) > 1:
        result.reach(f"<= 1.25 from {large[0]['n']} to {large[-1]['n']} due", large[-1]["cpu_us"] / large[0]["cpu_us"], 1.25)
    result.more["sizes"] = runs
    return result


def operator(bench, count=None):
    """An operator's pushes through PUT /v1/push/{ids}, from the request to the settled record."""
    count = count or bench.n(20000, 5000)
    with service(bench, "operator", starts=False) as (m, sink):
        m.local.run("fill", [bench.programs.bench, "fill", "--devices", str(count)], SETTLE_WAIT_S)
        m.local.start()
        m.pid = m.local.pid
        put_cert(m, sink)
        ids = [d["id"] for d in m.local.devices()]
        cpu, began = m.cpu_us(), time.monotonic()
        for first in range(0, count, IDS_PER_CALL):
            m.local.ask("PUT", "/v1/push/" + ",".join(ids[first:first + IDS_PER_CALL]))
        asked = m.cpu_us() - cpu
        seconds = settled(m, sink, count, began)
        used = m.cpu_us() - cpu
        run = {"n": count, "cpu_us": used / count, "rate": count / seconds, "errors": sink.stats()["accepted"] - count}
    result = Result("push-operator", [run]).faultless()
    return result.note(f"API, outbox and sending; {asked / count:.1f} us each had gone when the last request was answered")


def enqueue(m, ids, per_device):
    for number in range(per_device):
        for first in range(0, len(ids), IDS_PER_CALL):
            body = plistlib.dumps({"CommandUUID": f"{uuid.uuid4()}-{number}", "Command": {"RequestType": "DeviceInformation"}})
            m.local.ask("PUT", "/v1/enqueue/" + ",".join(ids[first:first + IDS_PER_CALL]), body)


def fleet(bench, devices=None, commands=10):
    """Every device sleeps; commands are queued for all; it ends when the last one is acknowledged."""
    devices = devices or bench.n(4000, 500)
    with service(bench, "fleet", cores=(SERVER_CORE, LOAD_CORE)) as (m, sink):
        put_cert(m, sink)
        who = bench.enrol(m, devices, 1)
        ids = [d["id"] for d in m.local.devices()]
        words = m.local.fleet_command("pushed", *who, "--sink-device-port", sink.device_port, "--count", devices * commands, "--resume",
                                      "--concurrency", 256, "--patient")
        sleeping = subprocess.Popen(words, cwd=m.local.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    text=True)
        try:
            while sink.stats()["hellos"] < devices:
                if sleeping.poll() is not None:
                    raise Failed(f"fleet: {sleeping.communicate()[1][-300:]}")
                time.sleep(0.1)
            cpu, began = m.cpu_us(), time.monotonic()
            enqueue(m, ids, commands)
            queued = time.monotonic() - began
            out = sleeping.communicate(timeout=SETTLE_WAIT_S)[0]
            seconds, used = time.monotonic() - began, m.cpu_us() - cpu
        finally:
            sleeping.kill()
        r = json.loads(out)
        pushes = sink.stats()["accepted"]
    total = devices * commands
    run = {"n": total, "cpu_us": used / total, "rate": total / seconds, "errors": sum(r["errors"].values())}
    result = Result("push-fleet", [run]).faultless()
    result.more.update({"devices": devices, "commands": commands, "seconds": round(seconds, 1), "pushes": pushes})
    return result.note(f"{devices} devices x {commands} commands pushed, fetched and acknowledged in {seconds:.1f} s (queued after "
                       f"{queued:.1f} s), {pushes} pushes, {r['handshakes']['full'] + r['handshakes']['resumed']} connections; all programs "
                       "share the cores")
