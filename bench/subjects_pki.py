# SPDX-License-Identifier: Apache-2.0
"""Subjects of identities: bulk jobs and SCEP, beside their cryptography alone and beside other programs."""
import contextlib
import hashlib
import json
import os
import time

from peers import openssl_identity, scepserver
from rig import SERVER_CORE, Failed, median
from subject import Result

SECRET = "bench"


@contextlib.contextmanager
def authority(bench, name, kind="p256"):
    with bench.musterd(name) as m:
        m.local.ctl("authority", "authority", "new", "phones", "--name", "phones", "--kind", kind, "--socket", m.local.control)
        yield m


def bulk_run(m, kind, count):
    """A bulk job from the request until its last identity is durable, by the server's own CPU time."""
    began, cpu = time.monotonic(), m.cpu_us()
    job = m.local.ask("POST", "/v1/bulk", json.dumps({"authority": "phones", "prefix": f"{kind}-{time.monotonic_ns()}-", "count": count,
                                                      "kind": kind}))["id"]
    state = {"state": ""}
    while state["state"] != "done":
        time.sleep(0.02)
        state = m.local.ask("GET", f"/v1/bulk/{job}")
        if state["state"] == "failed":
            raise Failed(f"the bulk job failed: {state}")
    return {"n": count, "rate": count / (time.monotonic() - began), "cpu_us": (m.cpu_us() - cpu) / count, "errors": 0}


def issue(bench, name, kind, count, limit, num_peer, most):
    runs, limits, peers = [], [], {"openssl": []}
    with authority(bench, name) as m:
        for _ in range(bench.runs):
            limits.append(limit(m))
            runs.append(bulk_run(m, kind, count))
            peers["openssl"].append(openssl_identity(m.local.home, kind, num_peer))
        with bench.perf(name, m) as is_on:
            if is_on:
                bulk_run(m, kind, count)
    return Result(name, runs, limits, peers).of_limit(most).faultless()


def primitives(bench, m, *words):
    return bench.tool("bulk", "--primitives", *words, local=m.local, cores=(SERVER_CORE,))


def issue_p256(bench):
    result = issue(bench, "issue-p256", "p256", bench.n(50000, 8000), lambda m: primitives(bench, m, "--count", 5000, "--rsa", 0)["primitives_us"],
                   bench.n(40, 15), 1.5)
    return result.note("limit: a key made and one signature; openssl: `openssl req -x509` for each, a process of its own")


def issue_rsa(bench):
    """RSA keys take a random time: the limit makes as many as it can in the same while."""
    count = bench.n(200, 24)

    def limit(m):
        r = primitives(bench, m, "--count", 1000, "--rsa", count)
        return r["rsa2048_ms"] * 1e3 + r["sign_us"]

    result = issue(bench, "issue-rsa", "rsa2048", count, limit, bench.n(40, 8), 1.05)
    return result.note("limit: an RSA-2048 key and one signature; how long a key takes is chance: "
                       f"the standard error of a mean of {count} is some {60 / count ** 0.5:.0f} %")


def scep_run(bench, m, path, count, *words):
    r = bench.tool("scep", "--port", m.port, "--path", path, "--server-pid", m.pid, "--count", count, *words, cwd=bench.home)
    return {"n": count, "rate": count * 1e9 / r["wall_ns"], "cpu_us": r["cpu_ns_per_operation"] / 1e3, "p50_us": r["p50_ns"] / 1e3,
            "p99_us": r["p99_ns"] / 1e3, "errors": count - r["certificates"] + r["serials_twice"],
            "rsa_us": (r["rsa_sign_ns"] + r["rsa_decrypt_ns"]) / 1e3}


def scep(bench):
    count = bench.n(2000, 400)
    runs, peers, rsa_runs = [], {"scepserver": []}, []
    with authority(bench, "scep") as m, scepserver(bench, os.path.join(bench.home, "scepserver"), SECRET) as peer:
        m.local.ctl("authority", "authority", "new", "rsa", "--name", "rsa", "--kind", "rsa2048", "--challenge-sha256",
                    hashlib.sha256(SECRET.encode()).hexdigest(), "--socket", m.local.control)
        m.port = m.local.plain_port
        for _ in range(bench.runs):
            runs.append(scep_run(bench, m, "/scep/phones", count, "--control", m.local.control))
            rsa_runs.append(scep_run(bench, m, "/scep/rsa", count // 2, "--challenge", SECRET)["cpu_us"])
            if peer:
                peers["scepserver"].append(scep_run(bench, peer, "/scep", count // 4, "--challenge", SECRET)["cpu_us"])
        with bench.perf("scep", m) as is_on:
            if is_on:
                scep_run(bench, m, "/scep/phones", count, "--control", m.local.control)
    result = Result("scep", runs, [r["rsa_us"] for r in runs], peers)
    result.reach(">= 900/s/core", 1e6 / result["cpu_us"], 900, is_least=True).faultless()
    return result.note(f"P-256 CA with RSA-2048 RA, one-time challenges; RSA-2048 CA with a static one {median(rsa_runs):.0f} us; two RSA "
                       f"operations alone allow {1e6 / result['limit_us']:.0f} a second and core here")


CRL_ENTRIES, CRL_MOST_MS, OCSP_LEAST = 100000, 50, 30000


def revoke(bench):
    """In one process: an OCSP answer signed, and the CRL of a large authority."""
    entries = bench.n(CRL_ENTRIES, 20000)
    runs, limits, again, crl = [], [], [], []
    for _ in range(bench.runs):
        r = bench.tool("revoke", "--entries", entries, "--crls", bench.n(5, 3), "--count", bench.n(30000, 8000), cwd=bench.home, cores=(SERVER_CORE,))
        runs.append({"n": bench.n(30000, 8000), "cpu_us": r["ocsp_signed_ns"] / 1e3, "rate": r["ocsp_signed_per_s"], "errors": 0})
        limits.append(r["p256_sign_ns"] / 1e3)
        again.append(r["ocsp_cached_ns"] / 1e3)
        crl.append(r["crl_worker_ns"] / 1e6)
    result = Result("revoke", runs, limits).reach(f">= {OCSP_LEAST} signed OCSP answers a second", 1e6 / median([r["cpu_us"] for r in runs]),
                                                  OCSP_LEAST, is_least=True)
    result.reach(f"CRL of {CRL_ENTRIES} entries <= {CRL_MOST_MS} ms of a worker", None if bench.is_quick else median(crl), CRL_MOST_MS)
    result.more = {"crl_entries": entries, "crl_ms": round(median(crl), 2), "ocsp_again_us": round(median(again), 3)}
    return result.note(f"OCSP answer signed; given again {median(again):.1f} us; CRL of {entries} entries {median(crl):.0f} ms of a worker")
