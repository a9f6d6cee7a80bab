#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs musterd on loopback with a simulated fleet and shows what came of it; tools/quickstart builds first and calls this."""
import base64
import json
import os
import shutil
import subprocess
import sys
import time

from local import Failed, Local, Programs, Sink, port_problem

PORT = 10443  # the portal's default + 10000
DEVICES = 200
AUTHORITY = "devices"
TOPIC = "com.apple.mgmt.External.quickstart"
NOT_NOW_DEVICE = 1  # muster-bench's device 1 puts off what it gets in its first session
ERROR_DEVICE = 3  # any other one answers Error to what it does not know
SLEEP_WAIT_S = 20


def say(text):
    print(f"quickstart: {text}", flush=True)


class Quickstart:
    def __init__(self, build):
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        conf = {"mdm.url": f"https://localhost:{PORT}", "mdm.topic": TOPIC, "enroll.per_minute": 0, "scep.rate": 0,
                "identity.device_ca": ""}
        self.server = Local(Programs(build), os.path.join(root, "run", "quickstart"), PORT, conf)
        self.sink = Sink(self.server)
        self.pid_file = self.server.path("musterd.pid")
        self.runs, self.joined = {}, {}

    def start(self):
        problem = port_problem(PORT)
        if problem:
            kept = f" (stop the one that --keep left: kill $(cat {self.pid_file}))" if os.path.exists(self.pid_file) else ""
            raise Failed(f"port {PORT} on 127.0.0.1: {problem}{kept}")
        say("certificates: server and its CA, master key, API key")
        self.clean()
        self.server.make_files("Quickstart")
        self.sink.start(own_session=True)
        self.server.conf.update(self.sink.push_conf())
        self.server.write_conf()
        self.server.certificates = {"server CA": self.server.certificates["device CA"], "server": self.server.certificates["server"]}
        self.server.run("configuration", [self.server.programs.musterd, "-c", "musterd.conf", "-t"])
        say(f"musterd on https://127.0.0.1:{PORT}")
        self.server.start(own_session=True)
        with open(self.pid_file, "w", encoding="utf-8") as f:
            f.write(f"{self.server.pid} {self.sink.pid}\n")
        self.server.certificates["push"] = self.server.ctl("push certificate", "push", "cert", "put", self.sink.certificate(TOPIC),
                                                           "--socket", "control.sock")

    def clean(self):
        """Everything goes but the devices' keys: making 200 RSA keys is most of the first run."""
        home = self.server.home
        for name in os.listdir(home) if os.path.isdir(home) else ():
            path = os.path.join(home, name)
            if name == "devices":
                continue
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def join(self):
        """Each device opens its link, checks the signed profile, and gets its certificate by SCEP."""
        self.server.certificates["authority"] = self.server.ctl("authority", "authority", "new", AUTHORITY, "--name", "Quickstart devices",
                                                                "--socket", "control.sock")
        words = ("--port", PORT, "--control", "control.sock", "--authority", AUTHORITY, "--certs", "devices", "--server-ca", "ca/ca.pem",
                 "--devices", DEVICES, "--json")
        self.joined = json.loads(self.server.run("join", [self.server.programs.bench, "join", *[str(w) for w in words]]))

    def fleet(self, script):
        self.runs[script] = self.server.fleet(script, "--devices", DEVICES, "--topic", TOPIC)

    def sleep(self):
        """The fleet waits for its pushes; a run that goes on until every command is answered."""
        words = ("--devices", DEVICES, "--topic", TOPIC, "--enrolled", "--sink-device-port", self.sink.device_port, "--count", DEVICES + 1,
                 "--seconds", SLEEP_WAIT_S)
        sleeping = subprocess.Popen(self.server.fleet_command("pushed", *words), cwd=self.server.home, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + SLEEP_WAIT_S
        while self.sink.stats()["hellos"] < DEVICES:
            if time.monotonic() > until or sleeping.poll() is not None:
                sleeping.kill()
                raise Failed(f"the fleet does not sleep: {sleeping.communicate()[1].strip()}")
            time.sleep(0.05)
        return sleeping

    def awake(self, sleeping):
        """Until every command is answered."""
        out, err = sleeping.communicate(timeout=2 * SLEEP_WAIT_S)
        self.runs["pushed"] = json.loads(out) if out.strip() else {}
        if sleeping.returncode:
            raise Failed(f"the fleet was not woken: {self.runs['pushed'].get('errors', '')} {err.strip()}")

    def queue(self, ids):
        words = ("--socket", "control.sock")
        known = self.server.ctl("enqueue", "enqueue", ",".join(ids), "--request-type", "DeviceInformation", *words)
        unknown = self.server.ctl("enqueue", "enqueue", ids[ERROR_DEVICE], "--request-type", "QuickstartUnknown", *words)
        return known["command_uuid"], unknown["command_uuid"]

    def read_back(self, ids, known, unknown):
        states = {}
        for device in ids:
            for command in self.server.commands(device):
                states[command["state"]] = states.get(command["state"], 0) + 1
        answered = self.server.ask("GET", f"/v1/devices/{ids[NOT_NOW_DEVICE]}/commands/{known}")
        refused = self.server.ask("GET", f"/v1/devices/{ids[ERROR_DEVICE]}/commands/{unknown}")
        if states != {"acknowledged": DEVICES, "error": 1}:
            raise Failed(f"commands ended as {states}")
        if answered["not_now"] != 1 or b"QueryResponses" not in base64.b64decode(answered["result"]["body"]):
            raise Failed(f"the command that was put off ended as {answered}")
        if refused["result"]["status"] != "Error" or b"ErrorChain" not in base64.b64decode(refused["result"]["body"]):
            raise Failed(f"the unknown command ended as {refused}")
        return states

    def show(self, states):
        polls = self.runs["idle"]["polls"] + self.runs["pushed"]["polls"]
        push = self.sink.stats()
        ends = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
        rows = [("devices", f"{DEVICES} enrolled, each with an RSA-2048 certificate by SCEP from its signed profile"),
                ("profile, SCEP", f"{self.joined['server_ns'] / 1e6:.1f} ms of waiting for the server for each device"),
                ("check-ins", f"{self.runs['enrol']['checkins']} (Authenticate, TokenUpdate), {polls} polls (Idle)"),
                ("pushes", f"{push['accepted']} accepted by the push service for {push['tokens']} devices, "
                           f"{self.runs['pushed']['pushes']} woke somebody"),
                ("commands", f"{ends}; 1 was put off once (NotNow)")]
        for script, words in (("enrol", "connect, Authenticate, TokenUpdate"), ("idle", "connect, Idle"),
                              ("pushed", "push comes, connect, poll, answer, poll")):
            latency = self.runs[script]["latency_ns"]
            rows.append((f"{script} p50/p99", f"{latency['p50'] / 1e6:.1f} / {latency['p99'] / 1e6:.1f} ms ({words}; 32 at once)"))
        for role, certificate in self.server.certificates.items():
            rows.append(("certificate", f"{role}: {certificate.get('name') or certificate['topic']}, until {certificate['not_after'][:10]}"))
        print()
        for name, value in rows:
            print(f"  {name:<14} {value}")
        print(flush=True)

    def all(self):
        self.start()
        say(f"authority {AUTHORITY}; {DEVICES} devices get their certificates by SCEP, from their signed profiles")
        self.join()
        say(f"fleet: {DEVICES} devices enrol (Authenticate, TokenUpdate)")
        self.fleet("enrol")
        say("fleet: every device polls (Idle)")
        self.fleet("idle")
        devices = self.server.devices()
        ids = [d["id"] for d in devices if d["state"] == "enrolled"]
        if len(ids) != DEVICES or len(devices) != DEVICES:
            raise Failed(f"{len(devices)} devices are stored, {len(ids)} of them enrolled")
        say("fleet: every device sleeps until it is pushed")
        sleeping = self.sleep()
        say("operator API: DeviceInformation for all, an unknown command for one; each is pushed")
        known, unknown = self.queue(ids)
        say("fleet: pushed devices poll and answer, one NotNow first, one Error")
        self.awake(sleeping)
        say("operator API: stored results are read back")
        self.show(self.read_back(ids, known, unknown))

    def show_kept(self):
        server = self.server
        print(f"musterd runs as process {server.pid}:\n"
              f"  devices      https://127.0.0.1:{PORT}/mdm  (with a client certificate, see {server.path('devices')})\n"
              f"  operators    curl --cacert {server.path('ca/ca.pem')} -H 'Authorization: Bearer {server.api_key}' "
              f"https://localhost:{PORT}/v1/devices\n"
              f"  musterctl    {server.programs.musterctl} devices list --socket {server.control}\n"
              f"  push service apns-sink on port {self.sink.port}, devices on {self.sink.device_port}, commands on {self.sink.control}\n"
              f"  log          {server.path('musterd.log')}\n"
              f"  stop it      kill $(cat {self.pid_file})", flush=True)

    def stop(self):
        if self.server.process:
            self.server.stop()
            self.sink.stop()
            if os.path.exists(self.pid_file):
                os.unlink(self.pid_file)


def main():
    keeps, job, rc = "--keep" in sys.argv[2:], None, 0
    try:
        job = Quickstart(sys.argv[1])
        job.all()
        if keeps:
            job.show_kept()
        else:
            job.stop()
            say("done; musterd is stopped (--keep leaves it running)")
    except (Failed, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        print(f"quickstart: FAILED: {error}", file=sys.stderr)
        rc = 1
    except KeyboardInterrupt:
        rc = 130
    if rc and job and (job.server.process or job.sink.process):
        job.server.kill()
        job.sink.kill()
        if os.path.exists(job.pid_file):
            os.unlink(job.pid_file)
    return rc


if __name__ == "__main__":
    sys.exit(main())
