# SPDX-License-Identifier: Apache-2.0
"""Plots of a run as SVG, by gnuplot. Each draws what its data allow; a run of some subjects draws some plots."""
import os
import shutil
import subprocess

HEAD = """set terminal svg size {width},{height} font 'sans-serif,13' background 'white'
set output '{path}'
set title "{title}"
set border 3
set tics nomirror
set grid ytics lc rgb '#dddddd'
set key above
"""
COLOURS = ("#1f6fb2", "#9aa5b1", "#d9822b", "#5a9e6f")


def clean(text):
    return str(text).replace('"', "'").replace("_", "-")


def rows(table):
    """A gnuplot data block; missing cells are '?'."""
    return "$data << EOD\n" + "\n".join(" ".join(f'"{clean(c)}"' if isinstance(c, str) else "?" if c is None else f"{c:g}" for c in r)
                                        for r in table) + "\nEOD\nset datafile missing '?'\n"


def cost(results):
    """CPU of each subject beside its limit and its peer."""
    table = [(r["name"], r["cpu_us"], r["limit_us"], min(r["peers"].values(), default=None)) for r in results
             if r["cpu_us"] and (r["limit_us"] or r["peers"])]
    if len(table) < 2:
        return None
    labels = "\n".join(f"set label {i * 3 + k + 1} \"{round(v, 1 if v < 100 else None):g}\" at {i + (k - 1) * 0.25:g},{v:g} center offset 0,0.5 font ',9'" for i, r in enumerate(table)
                       for k, v in enumerate(r[1:]) if v)
    return "CPU per operation", 980, rows(table) + labels + """
set logscale y
set yrange [1:*]
set ylabel 'us of server CPU'
set style data histograms
set style histogram clustered gap 1
set style fill solid noborder
set xtics rotate by -25
plot $data using 2:xtic(1) title 'musterd' lc rgb '{0}', '' using 3 title 'limit: its library alone' lc rgb '{1}', \\
	'' using 4 title 'peer' lc rgb '{2}'
""".format(*COLOURS)


def grow(results):
    """CPU with more and more stored."""
    sizes = next((r["grown"] for r in results if r.get("grown")), None)
    if not sizes:
        return None
    names = list(next(iter(sizes.values())))
    table = [(int(s), *[cells[n] for n in names]) for s, cells in sizes.items()]
    lines = ", ".join(f"$data using 1:{i + 2} with linespoints lw 2 pt 7 lc rgb '{(COLOURS[0], COLOURS[2], COLOURS[3])[i % 3]}' title '{n}'"
                      for i, n in enumerate(names))
    return "CPU per operation as the store grows", 640, rows(table) + f"""set logscale x
set format x '10^{{%T}}'
set yrange [0:*]
set xlabel 'devices stored'
set ylabel 'us of server CPU'
set key bottom right
plot {lines}
"""


def cores(results):
    scaling = next((r["scaling"] for r in results if r.get("scaling")), None)
    if not scaling:
        return None
    names = sorted({k.split()[0] for k in scaling})
    loops = [1] + sorted({int(k.split()[1]) for k in scaling})
    table = [(n, *[1 if n == 1 else scaling.get(f"{w} {n}") for w in names], n) for n in loops]
    lines = ", ".join(f"$data using 1:{i + 2} with linespoints lw 2 pt 7 lc rgb '{COLOURS[2 * i]}' title '{n}'"
                      for i, n in enumerate(names))
    return "More loops", 560, rows(table) + f"""set xrange [0.8:{loops[-1] + 0.2}]
set yrange [0:{loops[-1] + 0.5}]
set xtics 1
set xlabel 'loops'
set ylabel 'times as much as one'
set key top left
plot {lines}, $data using 1:{len(names) + 2} with lines dt 2 lc rgb '{COLOURS[1]}' title 'linear'
"""


def memory(results):
    r = next((r for r in results if r.get("kib")), None)
    if not r:
        return None
    table = [("musterd", r["kib"])] + [(k, v) for k, v in r["peers_kib"].items() if v]
    return f"Memory of an idle connection, {r['held']} held", 480, rows(table) + f"""set yrange [0:*]
set ylabel 'KiB resident'
set style data histograms
set style fill solid noborder
set boxwidth 0.5 relative
unset key
plot $data using 2:xtic(1) lc rgb '{COLOURS[0]}', '' using 0:2:(sprintf('%.1f', $2)) with labels offset 0,0.7
"""


def latency(results):
    """Answers in time: at half of what the server reaches."""
    table = [(r["name"], r["p50_us"] / 1e3, r["p99_us"] / 1e3) for r in results if r.get("is_open_loop") and r["p99_us"]]
    if not table:
        return None
    return "Latency on a schedule, at half of the load that is reached", 560, rows(table) + """set logscale y
set ylabel 'ms, log scale'
set style data histograms
set style histogram clustered gap 1
set style fill solid noborder
plot $data using 2:xtic(1) title 'p50' lc rgb '{0}', '' using 3 title 'p99' lc rgb '{2}'
""".format(*COLOURS)


PLOTS = {"cost": cost, "grow": grow, "cores": cores, "memory": memory, "latency": latency}


def draw(results, folder):
    """The names of what was drawn."""
    if not shutil.which("gnuplot"):
        return []
    os.makedirs(folder, exist_ok=True)
    drawn = []
    for name, make in PLOTS.items():
        made = make(results)
        if not made:
            continue
        title, width, body = made
        path = os.path.join(folder, f"{name}.svg")
        script = HEAD.format(width=width, height=400, path=path, title=clean(title)) + body
        done = subprocess.run(["gnuplot"], input=script, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 0:
            drawn.append(path)
        else:
            print(f"bench: gnuplot, {name}: {done.stderr.strip()[-300:]}")
    return drawn
