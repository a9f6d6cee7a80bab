#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Campaigns in a real engine, driven by musterctl, with kill -9 on their way."""
import json
import time

from rig import *

NUM = 12


def ctl(rig, *words):
    done = subprocess.run([rig.server.programs.musterctl, "push", "campaign", *words, "--json", "--socket", "control.sock"],
                          cwd=rig.server.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    expect(done.returncode == 0, f"{words}: {done.stdout[:200]} {done.stderr[:200]}")
    return json.loads(done.stdout)


def wait(rig, number, is_right, within_s=30):
    until = time.monotonic() + within_s
    while True:
        now = ctl(rig, "status", str(number))
        if is_right(now):
            return now
        expect(time.monotonic() < until, now)
        time.sleep(0.05)


def queued_for(device, uuid):
    """Whether the device is offered the command, once."""
    offered = []
    reply = device.report("Idle")
    while reply.body:
        offered.append(plistlib.loads(reply.body)["CommandUUID"])
        reply = device.report("Acknowledged", offered[-1])
    expect(offered.count(uuid) <= 1, f"{device.udid} was offered it {offered.count(uuid)} times")
    return uuid in offered


@case("a campaign goes on after kill -9, and every device gets its command once")
def _(rig):
    rig.devices = [Device(rig).enrol() for _ in range(NUM)]
    with open(rig.server.path("ids"), "w", encoding="utf-8") as f:
        f.write("\n".join(device.udid for device in rig.devices) + "\nnobody\n")
    number = ctl(rig, "start", "--request-type", "DeviceInformation", "--ids", "ids", "--rate", "4", "--name", "live")["campaign"]
    for _ in range(3):
        time.sleep(0.3)
        rig.server.kill()
        rig.server.start()
    done = wait(rig, number, lambda c: c["state"] == "done")
    expect_eq((done["targets"], done["queued"], done["skipped"]["unknown"]), (NUM + 1, NUM, 1))
    expect_eq(sum(queued_for(device, done["command_uuid"]) for device in rig.devices), NUM)
    expect_eq(ctl(rig, "status", str(number))["answers"]["acknowledged"], NUM)


@case("musterctl: a campaign is paused, resumed, given another rate and cancelled")
def _(rig):
    number = ctl(rig, "start", "--request-type", "SecurityInfo", "--all", "--rate", "1")["campaign"]
    wait(rig, number, lambda c: c["queued"] > 0)
    expect_eq(ctl(rig, "pause", str(number))["state"], "paused")
    rig.server.kill()
    rig.server.start()
    paused = ctl(rig, "status", str(number))
    expect_eq((paused["state"], paused["rate"]), ("paused", 1))
    expect(paused["queued"] < NUM, paused)
    expect_eq(ctl(rig, "rate", str(number), "2")["rate"], 2)
    expect_eq(ctl(rig, "resume", str(number))["state"], "running")
    expect_eq(ctl(rig, "cancel", str(number))["state"], "cancelled")
    over = wait(rig, number, lambda c: not c["withdrawing"])
    expect_eq((over["answers"]["waiting"], over["answers"]["cancelled"]), (0, over["queued"]))
    expect(not any(queued_for(device, over["command_uuid"]) for device in rig.devices), "it was taken back")
    expect_eq([c["campaign"] for c in ctl(rig, "list")["campaigns"]][-1], number)


if __name__ == "__main__":
    sys.exit(main())
