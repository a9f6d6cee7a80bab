#!/usr/bin/env python3
"""Guards the structure: levels, landlords, malloc-free folders, forbidden calls, sizes. Prints TAP; exit 1 on a breach.

tools/layers.txt holds the rules. Run from anywhere: tools/layers.py [ROOT]
"""
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
FORBIDDEN = re.compile(r"(?<![\w.>])(system|popen|strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\(")
ALLOC = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
PRODUCT = ("engine", "admin", "bench", "include")


def read_rules():
    levels, owner, landlords, quiet, limits = {}, {}, [], [], (600, 170, 60)
    for line in (ROOT / "tools/layers.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("level "):
            head, contracts = line.split(":")
            _, level, folder = head.split()
            levels[folder] = int(level)
            for contract in contracts.split():
                owner[contract] = folder
        elif line.startswith("landlord "):
            pattern, places = line[len("landlord "):].split(":")
            landlords.append((pattern.strip(), places.split()))
        elif line.startswith("malloc "):
            quiet += line.split()[1:]
        elif line.startswith("limits "):
            limits = tuple(int(n) for n in line.split()[1:])
    return levels, owner, landlords, quiet, limits


def strip(text):
    """Comments and string contents away, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0]) if match[0][0] == "/" else '""'
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def functions(text):
    """(name, first line, lines) of each function whose body opens with { in column 0."""
    lines = strip(text).split("\n")
    start = None
    for number, line in enumerate(lines):
        if line.startswith("{") and start is None and number and re.search(r"[)\w]\s*$", lines[number - 1]):
            start = number
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 4):start])
            names = re.findall(r"(\w+)\s*\(", head)
            yield (names[-1] if names else "?", start + 1, number - start - 1)
            start = None


def within(path, places):
    return any(path == place or path.startswith(place + "/") for place in places)


def check(path, rules):
    levels, owner, landlords, quiet, limits = rules
    rel = path.relative_to(ROOT).as_posix()
    text = path.read_text()
    code = strip(text)
    parts = rel.split("/")
    folder = parts[1] if parts[0] == "engine" else None
    if parts[0] == "include" and path.stem in owner:
        folder = owner[path.stem]
    if not text.startswith("/* SPDX-License-Identifier: Apache-2.0 */"):
        yield f"{rel}: no SPDX line at its top"
    if rel.startswith("include/muster/") and path.stem not in owner:
        yield f"{rel}: no folder owns this contract (tools/layers.txt)"
    for kind, name in INCLUDE.findall(text):
        contract = name[len("muster/"):-2] if name.startswith("muster/") else None
        if contract is not None and folder is not None:
            where = owner.get(contract)
            if where is None:
                yield f"{rel}: includes {name}, which nobody owns"
            elif where != folder and levels[where] >= levels[folder]:
                yield f"{rel}: {folder} (level {levels[folder]}) may not look at {name} of {where} (level {levels[where]})"
        elif contract is None and kind == '"' and parts[0] == "engine" and "/" in name:
            yield f"{rel}: reaches into another folder: {name}"
        if kind == "<":
            for pattern, places in landlords:
                if fnmatch.fnmatch(name, pattern) and parts[0] in ("engine", "include") and not within(rel, places):
                    yield f"{rel}: <{name}> belongs to {' '.join(places)}"
    for number, line in enumerate(code.split("\n"), 1):
        if FORBIDDEN.search(line):
            yield f"{rel}:{number}: forbidden call: {FORBIDDEN.search(line)[1]}"
        if within(rel, quiet) and ALLOC.search(line):
            yield f"{rel}:{number}: {ALLOC.search(line)[1]} on the request path"
    num_lines = text.count("\n")
    most = limits[1] if path.suffix == ".h" and parts[0] == "include" else limits[0]
    if num_lines > most:
        yield f"{rel}: {num_lines} lines, limit {most}"
    for name, line, length in functions(text):
        if length > limits[2]:
            yield f"{rel}:{line}: {name} has {length} lines, limit {limits[2]}"


def main():
    rules = read_rules()
    files = sorted(p for top in PRODUCT for p in (ROOT / top).rglob("*.[ch]"))
    breaches = [breach for path in files for breach in check(path, rules)]
    for contract in rules[1]:
        if not (ROOT / "include/muster" / (contract + ".h")).exists():
            breaches.append(f"tools/layers.txt: no include/muster/{contract}.h")
    for breach in breaches:
        print("#", breach)
    print(f"{'not ok' if breaches or not files else 'ok'} 1 - structure of {len(files)} files")
    print("1..1")
    return 1 if breaches or not files else 0


if __name__ == "__main__":
    sys.exit(main())
