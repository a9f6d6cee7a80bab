#!/usr/bin/env python3
"""Holds the manual against the code: options, metrics, API routes, check-in messages. Prints TAP; exit 1 on drift.

tools/drift.py MUSTERD ROOT [--write]     --write renews the tables of docs/config.md and docs/operate.md instead
"""
import pathlib
import re
import subprocess
import sys


def options(musterd):
    """(section, key, default, help, when) as musterd --dump-defaults prints them."""
    text = subprocess.run([musterd, "--dump-defaults"], check=True, capture_output=True, text=True).stdout
    section, note = "", ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line.startswith("; "):
            note = line[2:]
        elif " =" in line:
            key, value = line.split(" =", 1)
            when = "restart" if note.endswith("; needs a restart") else "reload"
            yield section, key.strip(), value.strip(), note.removesuffix("; needs a restart"), when


def option_table(musterd):
    lines, last = [], None
    for section, key, value, note, when in options(musterd):
        if section != last:
            lines += ["", f"### [{section}]", "", "| key | default | takes effect | meaning |", "|---|---|---|---|"]
            last = section
        lines.append(f"| `{key}` | `{value or ' '}` | {when} | {note.replace('|', '/')} |")
    return "\n".join(lines).strip()


def metric_table(root):
    text = (root / "include/muster/count.h").read_text()
    rows = re.findall(r'X\(\w+,\s*"(\w+)",\s*"([^"]+)"\)', text)
    lines = ["| metric | meaning |", "|---|---|"] + [f"| `muster_{name}` | {meaning} |" for name, meaning in rows]
    return "\n".join(lines) if len(rows) > 20 else ""


def between(text, mark):
    match = re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- end {mark} -->", text, re.S)
    return match[1].strip() if match else None


def table_check(path, mark, want, write):
    text = path.read_text() if path.exists() else ""
    if write and want:
        text = re.sub(rf"(<!-- {mark} -->\n).*?(\n<!-- end {mark} -->)", lambda m: m[1] + want + m[2], text, flags=re.S)
        path.write_text(text)
    return [] if want and between(text, mark) == want else [f"{path.name}: the {mark} table differs; tools/drift.py ... --write renews it"]


def checkin_check(root):
    """Message rows and Apple's list of message types are the same set."""
    rows = set(re.findall(r'\[CHECKIN_\w+\]\s*=\s*\{"(\w+)"', (root / "engine/mdm/checkin_rows.c").read_text()))
    names = set((root / "tests/data/checkin-messages.txt").read_text().split())
    if not rows or not names:
        return ["no rows or no names found"]
    return [f"check-in message {name} is in only one of checkin_rows.c and Apple's list" for name in sorted(rows ^ names)]


def route_check(root):
    """Every route of the table has its method and path in a line of the manual; {} is any {name} there."""
    rows = re.findall(r'MST_(GET|PUT|POST|DELETE),\s*"(/[^"]*)"', (root / "engine/flow/route_rows.c").read_text())
    manual = re.sub(r"\{[^}]*\}", "{}", (root / "docs/api.md").read_text())
    rows = [(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in rows]
    missing = [f"{method} {path}" for method, path in rows
               if not re.search(rf"\b{method}\b[^\n]*{re.escape(path)}(?![\w/{{])", manual)]
    return [f"docs/api.md does not name {route}" for route in missing] if rows else ["no routes found"]


def main():
    musterd, root, write = sys.argv[1], pathlib.Path(sys.argv[2]), "--write" in sys.argv
    checks = [
        ("options are in docs/config.md", table_check(root / "docs/config.md", "options", option_table(musterd), write)),
        ("metrics are in docs/operate.md", table_check(root / "docs/operate.md", "metrics", metric_table(root), write)),
        ("check-in messages are Apple's", checkin_check(root)),
        ("API routes are in docs/api.md", route_check(root)),
    ]
    for number, (name, faults) in enumerate(checks, 1):
        for fault in faults:
            print("#", fault)
        print(f"{'not ok' if faults else 'ok'} {number} - {name}")
    print(f"1..{len(checks)}")
    return 1 if any(faults for _, faults in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
