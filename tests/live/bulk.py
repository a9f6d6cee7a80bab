#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk jobs: made, resumed after kill -9, cancelled; openssl verifies the certificates and opens the PKCS#12 files; the master key."""
import base64
import random

from rig import *

WAIT_S = 90
ROUNDS = 10
ROUND_COUNT = 4000
SAMPLE = 5
JOBS_MAX = 4


def run(rig, *command, data=None, fine=True):
    done = subprocess.run(command, cwd=rig.server.home, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S,
                          check=False)
    if fine and done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}: {(done.stdout + done.stderr).decode(errors='replace')[-600:]}")
    return done


def ctl(rig, *words):
    return rig.server.ctl(" ".join(words[:2]), *words, "--socket", rig.server.control)


def start(rig, count, prefix="phone-", *words):
    return ctl(rig, "bulk", "start", "--authority", "phones", "--prefix", prefix, "--count", str(count), *words)["id"]


def restart(rig):
    """A port of a killed process is free only when the kernel has closed its ring."""
    for left in reversed(range(10)):
        try:
            return rig.server.start()
        except Failed as error:
            if not left or "in use" not in str(error):
                raise
            time.sleep(0.3)


def wait(rig, job, state="done"):
    until = time.monotonic() + WAIT_S
    while True:
        now = ctl(rig, "bulk", "status", job)
        if now["state"] == state:
            return now
        expect(time.monotonic() < until, f"{job} is {now}, not {state}")
        time.sleep(0.05)


def identities(rig, job, more=""):
    found, cursor = [], ""
    while True:
        page = rig.server.ask("GET", f"/v1/bulk/{job}/identities?{'' if more else 'limit=1000'}{more}{cursor}")
        found += page["identities"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def verify(rig, item):
    with open(rig.server.path("leaf.pem"), "wb") as f:
        f.write(b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(base64.b64decode(item["certificate"]))
                + b"-----END CERTIFICATE-----\n")
    run(rig, "openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "phones.pem", "leaf.pem")
    subject = run(rig, "openssl", "x509", "-in", "leaf.pem", "-noout", "-subject", "-nameopt", "multiline").stdout.decode()
    expect(item["name"] in subject, subject)


def open_file(rig, item):
    """The PKCS#12 by openssl: key and certificate belong together, the chain is there."""
    with open(rig.server.path("one.p12"), "wb") as f:
        f.write(base64.b64decode(item["pkcs12"]))
    secret = f"pass:{item['password']}"
    info = run(rig, "openssl", "pkcs12", "-in", "one.p12", "-passin", secret, "-noout", "-info").stderr.decode()
    expect("PBES2" in info and "AES-256-CBC" in info and "sha256" in info.lower(), info)
    run(rig, "openssl", "pkcs12", "-in", "one.p12", "-passin", secret, "-nodes", "-nocerts", "-out", "one.key")
    run(rig, "openssl", "pkcs12", "-in", "one.p12", "-passin", secret, "-clcerts", "-nokeys", "-out", "one.pem")
    mine = run(rig, "openssl", "pkey", "-in", "one.key", "-pubout").stdout
    expect_eq(run(rig, "openssl", "x509", "-in", "one.pem", "-noout", "-pubkey").stdout, mine, "the public key")
    run(rig, "openssl", "verify", "-CAfile", "phones.pem", "one.pem")
    chain = run(rig, "openssl", "pkcs12", "-in", "one.p12", "-passin", secret, "-cacerts", "-nokeys").stdout
    expect(b"BEGIN CERTIFICATE" in chain, "the chain")
    wrong = run(rig, "openssl", "pkcs12", "-in", "one.p12", "-passin", "pass:wrong", "-noout", fine=False)
    expect(wrong.returncode != 0, "it opens with any password")


@case("start with an authority in the store")
def _(rig):
    tool = f"{sys.argv[1]}/tests/live/live_authority"
    with open(rig.server.path("phones.pem"), "wb") as f:
        f.write(run(rig, tool, "store", "master.key", "phones", "p256").stdout)
    rig.server.start()


@case("a job by a pattern: openssl verifies what it made")
def _(rig):
    job = start(rig, 1000, "phone-", "--digits", "6", "--organization", "Live")
    now = wait(rig, job)
    expect(now["done"] == 1000 and now["rate"] > 0, now)
    found = identities(rig, job)
    expect_eq([i["index"] for i in found], list(range(1000)), "indexes")
    expect_eq([i["name"] for i in found], [f"phone-{n:06}" for n in range(1, 1001)], "names")
    expect_eq(len({i["serial"] for i in found}), 1000, "serial numbers")
    for item in random.sample(found, SAMPLE):
        verify(rig, item)


@case("PKCS#12 files, made with the job or when asked: openssl opens them")
def _(rig):
    with open(rig.server.path("names"), "w", encoding="utf-8") as f:
        f.write("anna\r\n\nbärbel\ncarl\n")
    job = ctl(rig, "bulk", "start", "--authority", "phones", "--names", "names", "--pkcs12")["id"]
    wait(rig, job)
    found = identities(rig, job, "pkcs12=1")
    expect_eq([i["name"] for i in found], ["anna", "bärbel", "carl"], "names")
    for item in found:
        open_file(rig, item)
    expect_eq(len({i["password"] for i in found}), 3, "passwords")
    for words in (["--kind", "p384"], ["--kind", "rsa2048"]):
        job = start(rig, 2, "kept-", *words)
        wait(rig, job)
        for item in identities(rig, job, "pkcs12=1"):
            open_file(rig, item)
    again = identities(rig, job)
    expect(all("pkcs12" not in i for i in again), "keys nobody asked for")


@case("keys are for operators")
def _(rig):
    job = start(rig, 1)
    wait(rig, job)
    target = f"/v1/bulk/{job}/identities?pkcs12=1"
    expect_eq(rig.curl(target).status, 401)
    expect_eq(rig.curl(target, words=["--header", "Authorization: Bearer wrong"]).status, 401)
    reply = rig.curl(target, words=["--header", f"Authorization: Bearer {rig.server.api_key}"])
    expect(reply.status == 200 and b'"pkcs12"' in reply.body, reply.body[:100])
    expect_eq(rig.curl("/v1/key/rotate", method="POST", words=["--header", f"Authorization: Bearer {rig.server.api_key}"]).status, 404)


@case("a full queue is told, a job that waits and one at work are cancelled")
def _(rig):
    jobs = [start(rig, 100000) for _ in range(JOBS_MAX)]
    status, body = rig.server.call("POST", "/v1/bulk", '{"authority":"phones","prefix":"x","count":1}')
    expect_eq(status, 503, f"a full queue ({body})")
    for job in reversed(jobs):
        now = ctl(rig, "bulk", "cancel", job)
        expect_eq(now["state"], "cancelled")
    for job in jobs:
        now = ctl(rig, "bulk", "status", job)
        expect(now["state"] == "cancelled" and now["done"] < 100000, now)
        expect_eq(len(identities(rig, job)), now["done"], "what it made stays")
    status, body = rig.server.call("DELETE", f"/v1/bulk/{jobs[0]}")
    expect_eq(status, 409, body)


@case(f"kill -9 in the middle of a job, {ROUNDS} times: each index has one identity, no number came twice")
def _(rig):
    before = sum(j["done"] for j in rig.server.ask("GET", "/v1/bulk?limit=1000")["jobs"])
    jobs, halfway = [], 0
    for number in range(ROUNDS):
        if len(jobs) < JOBS_MAX - 1 or wait(rig, jobs[-1])["state"] == "done":
            jobs.append(start(rig, ROUND_COUNT, f"round-{number}-"))
        time.sleep(random.uniform(0.02, 0.3))
        rig.server.kill()
        restart(rig)
        halfway += any(0 < j["done"] < ROUND_COUNT for j in (ctl(rig, "bulk", "status", job) for job in jobs))
    serials = set()
    for job in jobs:
        expect_eq(wait(rig, job)["done"], ROUND_COUNT)
        found = identities(rig, job)
        expect_eq([i["index"] for i in found], list(range(ROUND_COUNT)), "indexes")
        expect(all("certificate" in i for i in found), "an identity without its certificate")
        serials |= {i["serial"] for i in found}
        for item in random.sample(found, 2):
            verify(rig, item)
    expect_eq(len(serials), ROUND_COUNT * len(jobs), "serial numbers")
    stored, cursor = 0, ""
    while True:
        page = rig.server.ask("GET", f"/v1/certificates?authority=phones&limit=1000{cursor}")
        stored += len(page["certificates"])
        if not page.get("next"):
            break
        cursor = f"&cursor={page['next']}"
    expect_eq(stored, before + ROUND_COUNT * len(jobs), "certificates in the store: none too many")
    print(f"# {len(jobs)} jobs, {halfway} kills found one half done")


@case("the pool of RSA keys fills and is used")
def _(rig):
    until = time.monotonic() + WAIT_S

    def made():
        text = rig.server.call("GET", "/metrics")[1]
        return int(re.search(r"keypool_made_total(?:{[^}]*})? (\d+)", text).group(1))

    rig.server.stop()
    rig.server.conf.update({"keypool.size": 2, "keypool.low": 1, "keypool.first_s": 1})
    rig.server.write_conf()
    rig.server.start()
    while made() < 2:
        expect(time.monotonic() < until, "the pool is not filled")
        time.sleep(0.1)
    job = start(rig, 3, "rsa-", "--kind", "rsa2048")
    wait(rig, job)
    expect_eq(len({i["serial"] for i in identities(rig, job)}), 3)
    while made() < 4:
        expect(time.monotonic() < until, "the pool is not filled again")
        time.sleep(0.1)


@case("a new master key: everything is sealed anew, the older one may go")
def _(rig):
    job = start(rig, 20, "key-", "--pkcs12")
    wait(rig, job)
    expect_eq(ctl(rig, "key", "status")["state"], "settled")
    expect_eq(ctl(rig, "key", "rotate")["key"], 2)
    until = time.monotonic() + WAIT_S
    while ctl(rig, "key", "status")["state"] != "settled":
        expect(time.monotonic() < until, "sealing anew does not end")
        time.sleep(0.2)
    with open(rig.server.path("master.key"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    expect_eq(len(lines), 2, "keys in the file")
    expect_eq(rig.server.stop(), 0, "exit status")
    with open(rig.server.path("master.key"), "w", encoding="utf-8") as f:
        f.write(lines[1] + "\n")
    rig.server.start()
    for item in identities(rig, job, "pkcs12=1")[:3]:
        open_file(rig, item)
    job = start(rig, 10, "after-")
    wait(rig, job)
    open_file(rig, identities(rig, job, "pkcs12=1")[0])
    rig.server.stop()
    with open(rig.server.path("master.key"), "w", encoding="utf-8") as f:
        f.write(lines[0] + "\n")
    done = run(rig, rig.server.programs.musterd, "-c", "musterd.conf", fine=False)
    expect(done.returncode == 1 and b"master key" in done.stderr, f"it starts with the wrong key: {done.returncode} {done.stderr[-200:]}")
    with open(rig.server.path("master.key"), "w", encoding="utf-8") as f:
        f.write(lines[1] + "\n")
    rig.server.start()


if __name__ == "__main__":
    sys.exit(main({"bulk.jobs_max": JOBS_MAX, "seal.quiet_s": 1, "keypool.size": 0, "threads.workers": 2}, starts=False))
