#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The process: its configuration, its start and end, what its binaries export, a store that cannot write."""
import resource
import threading

from rig import *


def musterd(rig, *words, wait_s=30):
    done = subprocess.run([rig.server.programs.musterd, *words], cwd=rig.server.home, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=wait_s, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@case("no binary exports a symbol of the TLS library")
def _(rig):
    for path in (rig.server.programs.musterd, rig.server.programs.musterctl, rig.server.programs.bench):
        out = subprocess.run(["nm", "-D", "--defined-only", path], stdout=subprocess.PIPE, check=True).stdout.decode()
        names = [line.split()[-1] for line in out.splitlines()]
        bad = [n for n in names if n.startswith(("SSL_", "EVP_", "X509_", "CRYPTO_", "BN_"))]
        expect(not bad, f"{path}: {bad[:5]}")
        needed = subprocess.run(["ldd", path], stdout=subprocess.PIPE, check=True).stdout.decode()
        expect("libssl" not in needed and "libcrypto" not in needed, needed)


@case("-t is content with the configuration and with the defaults' syntax")
def _(rig):
    rc, out, err = musterd(rig, "-c", "musterd.conf", "-t")
    expect(rc == 0 and "fine" in out, err)
    rc, out, _ = musterd(rig, "--dump-defaults")
    expect(rc == 0 and "[portal]" in out and "[store]" in out, out[:200])


@case("-t names file, line and key of a mistake")
def _(rig):
    with open(rig.server.path("musterd.conf"), encoding="utf-8") as f:
        good = f.read()
    lines = good.count("\n")
    rows = [("[portal]\nport = 70000\n", "port", 2), ("[portal]\nport = many\n", "port", 2), ("[portal]\nprot = 443\n", "prot", 2),
            ("[nowhere]\nx = 1\n", "x", 2), ("[log]\nlevel = loud\n", "level", 2), ("[conn]\nidle_ms = 1\n", "idle_ms", 2),
            ("[store]\ncache_mib 5\n", None, 2)]
    for text, key, line in rows:
        with open(rig.server.path("bad.conf"), "w", encoding="utf-8") as f:
            f.write(good + text)
        rc, out, err = musterd(rig, "-c", "bad.conf", "-t")
        expect_eq(rc, 1, f"exit status for {text!r} ({out})")
        expect("bad.conf" in err and str(lines + line) in err and (key is None or key in err), f"{text!r}: {err}")


@case("-t finds missing files, a key that does not fit, and a master key that others may read")
def _(rig):
    rows = [("portal.certificate", "nowhere.pem"), ("portal.key", "ca/ca.key"), ("identity.device_ca", "master.key"),
            ("seal.key", "nowhere.key"), ("api.keys", "server.pem")]
    for name, value in rows:
        with open(rig.server.path("musterd.conf"), encoding="utf-8") as f:
            good = f.read()
        section, key = name.split(".")
        with open(rig.server.path("bad.conf"), "w", encoding="utf-8") as f:
            f.write(good + f"[{section}]\n{key} = {value}\n")
        rc, _, err = musterd(rig, "-c", "bad.conf", "-t")
        expect(rc == 1 and err.startswith("musterd: "), f"{name} = {value}: {rc} {err}")
    os.chmod(rig.server.path("master.key"), 0o644)
    rc, _, err = musterd(rig, "-c", "musterd.conf", "-t")
    os.chmod(rig.server.path("master.key"), 0o600)
    expect(rc == 1 and "master.key" in err, err)


@case("a port or store in use ends the start with a reason")
def _(rig):
    with open(rig.server.path("musterd.conf"), encoding="utf-8") as f:
        good = f.read()
    rc, _, err = musterd(rig, "-c", "musterd.conf")
    expect(rc == 1 and err, f"a second one on the same store: {rc} {err}")
    expect_eq(rig.server.call("GET", "/healthz")[0], 200, "the first one")
    with open(rig.server.path("other.conf"), "w", encoding="utf-8") as f:
        f.write(good.replace("path = store", "path = other-store").replace("control.sock", "other.sock"))
    rc, _, err = musterd(rig, "-c", "other.conf")
    # SO_REUSEPORT would let a second server of the same user share the port; ours must not.
    expect(rc == 1 and str(rig.server.port) in err, f"a second one on the same port: {rc} {err}")


@case("after SIGHUP a new master key still goes into the file named at the start")
def _(rig):
    rig.server.conf["log.level"] = "info"
    rig.server.write_conf()
    for _ in range(3):
        read = rig.server.log().count("configuration read anew")
        rig.server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 10
        while rig.server.log().count("configuration read anew") == read:
            expect(time.monotonic() < until, "SIGHUP is not heard")
            time.sleep(0.05)
    time.sleep(0.2)  # the loops let go of what they had
    until = time.monotonic() + 10
    while rig.server.call("GET", "/v1/key")[1].get("state") != "settled":
        expect(time.monotonic() < until, "the first key is not settled")
        time.sleep(0.05)
    status, body = rig.server.call("POST", "/v1/key/rotate")
    expect_eq((status, body.get("key")), (202, 2), f"a new key ({body})")
    with open(rig.server.path("master.key"), encoding="utf-8") as f:
        expect_eq(len([line for line in f if not line.startswith("#")]), 2, "keys in the file")


@case("SIGTERM answers what is open, then ends with status 0; the data is there after the start")
def _(rig):
    device = Device(rig).enrol()
    devices = [device] + [Device(rig).enrol() for _ in range(3)]
    wires = [rig.connect(d) for d in devices]
    raw = request(device.message("TokenUpdate"), CHECKIN)
    wires[0].send(raw[:-30])  # a request under way
    for wire, d in zip(wires[1:], devices[1:]):
        wire.send(idle(d))
        expect_eq(wire.reply().status, 200)
    rig.server.process.send_signal(signal.SIGTERM)
    time.sleep(0.4)
    wires[0].send(raw[-30:])
    reply = wires[0].reply()
    expect(reply is not None and reply.status == 200, "the request under way was dropped")
    expect_eq(reply.headers.get("connection"), "close", "Connection")
    for wire in wires[1:]:
        expect(wire.ended(10), "an idle connection stays open")
    expect_eq(rig.server.stop(), 0, "exit status")
    for wire in wires:
        wire.close()
    rig.server.start()
    expect_eq(device.stored()["token_updates"], 2)
    expect_eq(device.report("Idle").status, 200)


@case("SIGTERM is bounded when a peer stalls")
def _(rig):
    rig.server.stop()
    rig.server.conf["process.drain_s"] = 1
    rig.server.write_conf()
    rig.server.start()
    wire = rig.connect(Device(rig))
    wire.send(b"PUT /mdm HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123")
    time.sleep(0.2)
    began = time.monotonic()
    expect_eq(rig.server.stop(), 0, "exit status")
    expect(time.monotonic() - began < 8, f"it took {time.monotonic() - began:.1f} s")
    wire.close()
    rig.server.start()


@case("starting with many connections in a burst serves them all")
def _(rig):
    device, wires, failures = Device(rig).enrol(), [], []

    def poll():
        try:
            with rig.connect(device) as wire:
                for _ in range(5):
                    wire.send(idle(device))
                    if wire.reply().status != 200:
                        raise Failed("status")
        except Exception as error:  # told below
            failures.append(error)
    wires = [threading.Thread(target=poll) for _ in range(60)]
    for thread in wires:
        thread.start()
    for thread in wires:
        thread.join()
    expect(not failures, str(failures[:3]))


@case("a store that cannot write: 503 with Retry-After, reads go on, what was acknowledged is there")
def _(rig):
    device = Device(rig).enrol()
    # A limit on file sizes stands for the full disk: the log of the store cannot grow any more.
    rig.server.stop()
    rig.server.prefix = [sys.executable, "-c", "import os,signal,sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
                         "os.execv(sys.argv[1], sys.argv[1:])"]
    rig.server.start()
    good = 0
    for _ in range(3):
        expect_eq(device.checkin("TokenUpdate").status, 200)
        good += 1
    sizes = [os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(rig.server.path("store")) for name in names
             if name.endswith(".log")]
    limit = max(sizes) + 100
    resource.prlimit(rig.server.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    refused = 0
    for _ in range(40):
        reply = device.checkin("TokenUpdate")
        if reply.status == 200:
            expect_eq(refused, 0, "refused before an acknowledged one")
            good += 1
            continue
        expect_eq(reply.status, 503, f"status ({reply.body[:80]})")
        expect(int(reply.headers["retry-after"]) > 0, "Retry-After")
        refused += 1
    expect(refused > 0, "nothing was refused")
    status, body = rig.server.call("PUT", f"/v1/enqueue/{device.udid}",
                                   plistlib.dumps({"CommandUUID": "c", "Command": {"RequestType": "SecurityInfo"}}))
    expect(status in (500, 503), f"enqueue: {status} {body}")
    expect_eq(device.stored()["token_updates"] >= good, True, "reads go on")
    expect_eq(device.report("Idle").status, 200, "polls go on")
    resource.prlimit(rig.server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    rc = rig.server.stop()
    rig.server.prefix = []
    rig.server.start()
    stored = device.stored()["token_updates"]
    expect(good + 1 <= stored + 1 and stored >= good, f"{stored} stored, {good} acknowledged")
    expect_eq(device.checkin("TokenUpdate").status, 200, "after the restart")
    expect_eq(rc, 0, "exit status of the one that could not write")


if __name__ == "__main__":
    sys.exit(main())
