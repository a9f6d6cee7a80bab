# SPDX-License-Identifier: Apache-2.0
"""Other servers on the same core: nginx with OpenSSL, Debian's scepserver, the openssl command."""
import contextlib
import os
import resource
import shutil
import subprocess

from rig import SERVER_CORE, Failed, Server, free_port, on_core

# Mutual TLS with P-256 certificates, every request answered with an empty 200; no file is touched.
NGINX = """user root;
worker_processes 1;
worker_rlimit_nofile {files};
pid nginx.pid;
error_log nginx.err error;
events {{ worker_connections {conns}; }}
http {{
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	keepalive_requests 100000000;
	keepalive_timeout 600s;
	server {{
		listen 127.0.0.1:{port} ssl{http2} backlog=4096;
		ssl_certificate server.pem;
		ssl_certificate_key server.key;
		ssl_client_certificate ca/ca.pem;
		ssl_verify_client on;
		ssl_protocols TLSv1.2 TLSv1.3;
		location / {{ return 200; }}
	}}
}}
"""


@contextlib.contextmanager
def nginx(bench, local, is_http2=False, conns=19000):
    """nginx with the same certificates, its worker; None where it is not installed."""
    path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not path:
        yield None
        return
    port = free_port()
    with open(local.path("nginx.conf"), "w", encoding="utf-8") as f:
        f.write(NGINX.format(port=port, conns=conns, files=resource.getrlimit(resource.RLIMIT_NOFILE)[1], http2=" http2" if is_http2 else ""))

    def ready(process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as f:
            children = f.read().split()
        return Server(int(children[0]), port) if children else None

    with bench.process([*on_core(SERVER_CORE), path, "-p", local.home, "-c", "nginx.conf", "-g", "daemon off;"], local.home, "nginx.log",
                       ready) as server:
        yield server


@contextlib.contextmanager
def nanomdm(bench, local, path):
    """NanoMDM with everything in memory, behind no TLS: its devices sign their messages."""
    port = free_port()

    def ready(process):
        with open(f"/proc/{process.pid}/net/tcp", encoding="utf-8") as f:
            return Server(process.pid, port) if f":{port:04X} 0" in f.read() else None

    with bench.process([*on_core(SERVER_CORE), path, "-ca", "ca/ca.pem", "-api", "bench", "-listen", f"127.0.0.1:{port}", "-storage", "inmem"],
                       local.home, "nanomdm.log", ready) as server:
        yield server


# Servers that are measured where their program is given: --peer NAME=PATH.
GIVEN = {"nanomdm": nanomdm}


@contextlib.contextmanager
def scepserver(bench, home, secret):
    """Debian's scepserver with an RSA-2048 authority; None where it is not installed."""
    if not shutil.which("scepserver"):
        yield None
        return
    os.makedirs(home)
    subprocess.run(["scepserver", "ca", "-init", "-key-password", "", "-keySize", "2048", "-depot", "depot"], cwd=home, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    port = free_port()

    def ready(process):
        with open(f"/proc/{process.pid}/net/tcp6", encoding="utf-8") as six, open(f"/proc/{process.pid}/net/tcp", encoding="utf-8") as four:
            return Server(process.pid, port) if f":{port:04X} 0" in six.read() + four.read() else None

    with bench.process([*on_core(SERVER_CORE), "scepserver", "-depot", "depot", "-port", str(port), "-challenge", secret, "-allowrenew", "0"],
                       home, "scep.log", ready) as server:
        yield server


def openssl_identity(home, kind, count):
    """Microseconds of CPU for a key and a certificate by the openssl command, one process each; None where it is not installed."""
    if not shutil.which("openssl"):
        return None
    algorithm = {"p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa2048": ["-newkey", "rsa:2048"]}[kind]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for i in range(count):
        done = subprocess.run([*on_core(SERVER_CORE), "openssl", "req", "-x509", *algorithm, "-noenc", "-subj", f"/CN=phone-{i}", "-days", "365",
                               "-CA", "ca/ca.pem", "-CAkey", "ca/ca.key", "-keyout", "peer.key", "-out", "peer.pem"], cwd=home,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"openssl: {done.stderr[-200:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6 / count
