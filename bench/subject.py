# SPDX-License-Identifier: Apache-2.0
"""A subject's result: medians and spread of its runs, and what it must reach."""
from rig import median

FIELDS = ("n", "rate", "cpu_us", "p50_us", "p99_us")


class Result:
    """One row of the table; `limit_us` and peers are medians of what was measured between the runs."""

    def __init__(self, name, runs, limits=(), peers=None, latency=None):
        self.name, self.runs = name, runs
        self.value = {f: median([r.get(f) for r in runs]) for f in FIELDS}
        if latency:  # of an open loop; a closed loop's own says how many were at once, no more
            self.value.update({f: median([r[f] for r in latency]) for f in ("p50_us", "p99_us")})
        self.value["errors"] = sum(r.get("errors", 0) for r in runs + (latency or []))
        self.value["limit_us"] = median(limits)
        self.value["peers"] = {k: median(v) for k, v in (peers or {}).items() if median(v) is not None}
        cpu = [r["cpu_us"] for r in runs if r.get("cpu_us") is not None]
        self.spread = [min(cpu), max(cpu)] if cpu else None
        self.targets, self.notes, self.more = [], [], {"is_open_loop": True} if latency else {}

    def __getitem__(self, field):
        return self.value[field]

    def reach(self, words, value, bound, is_least=False):
        """A target: at most `bound`, or at least. A value of None: what it is compared with is not there."""
        is_ok = None if value is None or bound is None else value >= bound if is_least else value <= bound
        self.targets.append({"words": words, "value": value, "bound": bound, "ok": is_ok})
        return self

    def of_limit(self, most):
        return self.reach(f"<= {most} x limit", self["limit_us"] and self["cpu_us"] / self["limit_us"], most)

    def of_peer(self, name, most):
        peer = self["peers"].get(name)
        return self.reach(f"<= {most} x {name}", peer and self["cpu_us"] / peer, most)

    def faultless(self):
        return self.reach("no error", self["errors"], 0)

    def note(self, text):
        self.notes.append(text)
        return self

    def json(self):
        def tidy(v):
            return round(v, 3) if isinstance(v, float) else v

        return {"name": self.name, **{f: tidy(self.value[f]) for f in ("n", "rate", "cpu_us", "limit_us", "p50_us", "p99_us", "errors")},
                "peers": {k: tidy(v) for k, v in self.value["peers"].items()}, "spread": self.spread and [tidy(v) for v in self.spread],
                "targets": [{k: tidy(v) for k, v in t.items()} for t in self.targets], "ok": all(t["ok"] is not False for t in self.targets),
                "notes": self.notes, **self.more}


def unavailable(name, why):
    result = Result(name, [])
    return result.note(f"not measured: {why}")
