#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of a fleet run, twenty times: what was acknowledged is there afterwards."""
import random
import threading

from rig import *

ROUNDS = 20
DEVICES = 40
NOT_OVER = ("queued", "not-now")


class Operator(threading.Thread):
    """Queues commands as fast as answers come, and keeps what was acknowledged."""

    def __init__(self, rig, ids, round_number):
        super().__init__()
        self.rig, self.ids, self.number = rig, ids, round_number
        self.queued, self.is_over = [], False

    def run(self):
        n = 0
        while not self.is_over:
            udid, name = self.ids[n % len(self.ids)], f"crash-{self.number}-{n}"
            kind = "DeviceInformation" if n % 5 else "Unheard"
            body = plistlib.dumps({"CommandUUID": name, "Command": {"RequestType": kind}})
            try:
                status, answer = self.rig.server.call("PUT", f"/v1/enqueue/{udid}?nopush=1", body)
            except (OSError, ValueError, AttributeError):
                return  # the server is gone
            except Exception:  # http.client's own words for a cut answer
                return
            if status == 200 and not answer["status"][udid].get("command_error"):
                self.queued.append((udid, name))
            n += 1


def read_acks(path):
    """TokenUpdates of each device, final reports, and NotNows, as the fleet saw them acknowledged."""
    tokens, ended, put_off = {}, {}, []
    if not os.path.exists(path):
        return tokens, ended, put_off
    with open(path, encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if words[0] == "TOKEN":
                tokens[words[1]] = int(words[2])
            elif words[0] == "RESULT" and words[3] == "NotNow":
                put_off.append((words[1], words[2]))
            elif words[0] == "RESULT":
                ended[words[1], words[2]] = words[3]
    return tokens, ended, put_off


def one_round(rig, number):
    server = rig.server
    before = {d["id"]: d["token_updates"] for d in server.devices()}
    ids = list(before)
    acks = server.path(f"acks-{number}")
    fleet = subprocess.Popen(server.fleet_command("churn", "--devices", DEVICES, "--enrolled", "--seconds", 30, "--errors-max", 0,
                                                  "--concurrency", 20, "--ack-log", acks), cwd=server.home,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    operator = Operator(rig, ids, number)
    operator.start()
    try:
        time.sleep(random.uniform(0.25, 0.8))
        server.kill()
    finally:
        operator.is_over = True
        operator.join()
        fleet.wait(30)
    server.start()
    tokens, ended, put_off = read_acks(acks)
    after = {d["id"]: d["token_updates"] for d in server.devices()}
    expect_eq(sorted(after), sorted(before), "devices")
    for udid, count in tokens.items():
        stored = after[udid] - before[udid]
        expect(stored >= count, f"round {number}: {udid} had {count} TokenUpdates acknowledged, {stored} are stored")
        expect(stored <= count + 1, f"round {number}: {udid} had {count} acknowledged, {stored} are stored: one came twice")
    commands = {(udid, c["command_uuid"]): c for udid in ids for c in server.commands(udid)}
    for key in operator.queued:
        expect(key in commands, f"round {number}: {key} was acknowledged as queued and is gone")
    words = {"Acknowledged": "acknowledged", "Error": "error", "CommandFormatError": "format-error"}
    for key, status in ended.items():
        expect_eq(commands[key]["state"], words[status], f"round {number}: state of {key}")
    for key in put_off:
        expect(commands[key]["not_now"] > 0, f"round {number}: the NotNow of {key} is gone")
    # A few in full: the report itself is there.
    for key in random.sample(sorted(ended), min(3, len(ended))):
        result = server.ask("GET", f"/v1/devices/{key[0]}/commands/{key[1]}")["result"]
        expect(result and result["status"] == ended[key], f"round {number}: result of {key} is {result}")
    return sum(tokens.values()), len(ended), len(operator.queued)


@case(f"{DEVICES} devices enrol")
def _(rig):
    rig.server.fleet("enrol", "--devices", DEVICES)


@case(f"kill -9 in the middle of a fleet run, {ROUNDS} times: every acknowledged TokenUpdate, command and result is there")
def _(rig):
    sums = [0, 0, 0]
    for number in range(ROUNDS):
        sums = [a + b for a, b in zip(sums, one_round(rig, number))]
    print(f"# {sums[0]} TokenUpdates, {sums[1]} results, {sums[2]} queued commands were acknowledged and found")
    expect(min(sums) >= ROUNDS, f"too little happened to prove anything: {sums}")


@case("what is left in the queues is answered after the last start")
def _(rig):
    rig.server.fleet("drain", "--devices", DEVICES)
    left = [c for d in rig.server.devices() for c in rig.server.commands(d["id"]) if c["state"] in NOT_OVER]
    expect_eq(left, [])


if __name__ == "__main__":
    sys.exit(main())
