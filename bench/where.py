# SPDX-License-Identifier: Apache-2.0
"""Where the server's time goes: what perf recorded, by area and by function."""
import os
import re
import subprocess

TOP = 30
# The first row that fits: area, pattern of the object file, pattern of the function.
AREAS = [
    ("kernel", r"kernel|\[k", r".*"),
    ("store: RocksDB", r"rocksdb|libstdc|snappy|lz4|zstd|libz|libbz2", r".*"),
    ("memory", r"jemalloc", r".*"),
    ("HTTP, property lists", r"nghttp2|http_parser", r".*"),
    ("elliptic curves", r".*", r"ecp_|ec_|ecdsa|ECDSA|EC_|p256|x25519|X25519|curve25519|fe_|fe51|ge_|beeu|fiat_|table_select|sc_"),
    ("RSA", r".*", r"bn_|BN_|rsa|RSA|mod_exp|rsaz"),
    ("hashing and encryption", r".*", r"sha\d|SHA\d|aes|AES|gcm|GCM|ghash|gf128|chacha|poly1305|HMAC|hkdf|HKDF|EVP_|evp_|hw_ctr|EVP"),
    ("TLS", r".*", r"bssl|SSL|ssl|tls|TLS|CBS_|CBB_|cbs_|cbb_|CRYPTO_|asn1|ASN1|mst_tls|X509|OPENSSL_|ERR_|RAND_|rand_|lh_"),
    ("HTTP, property lists", r".*", r"http|mst_http|plist|head|mst_edge|mst_target|deal"),
    ("loop and network", r"uring", r".*"),
    ("loop and network", r".*", r"mst_loop|mst_ring|mst_conn|mst_net|mst_out|mst_recv|wheel|mst_timer|io_uring|turn"),
    ("C library", r"libc\.|ld-linux|vdso|libm\.", r".*"),
    ("the rest of musterd", r".*", r".*"),
]


def area_of(dso, symbol):
    return next(name for name, file, function in AREAS if re.search(file, dso) and re.match(function, symbol))


def read(data):
    """Rows of (share, object, function), the largest first."""
    report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-F", "overhead,dso,sym", "-t", "|"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    rows = []
    for line in report.splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) >= 3 and cells[0].endswith("%"):
            rows.append((float(cells[0][:-1]), cells[1], re.sub(r"^\[.\] ", "", cells[2]).replace("[k] ", "")))
    return rows


def write(data, name, folder):
    rows = read(data)
    areas = {}
    for share, dso, symbol in rows:
        area = area_of(dso, symbol.lstrip("_"))
        areas[area] = areas.get(area, 0) + share
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"perf-{name}.txt"), "w", encoding="utf-8") as f:
        f.write(f"Share of musterd's CPU time while `{name}` runs: perf, cpu-clock, 4999 samples a second.\n\n")
        f.writelines(f"{share:6.2f} %  {area}\n" for area, share in sorted(areas.items(), key=lambda a: -a[1]))
        f.write("\n")
        f.writelines(f"{share:6.2f} %  {dso:<22} {symbol[:90]}\n" for share, dso, symbol in rows[:TOP])
