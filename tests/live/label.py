#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Users, labels and their members with musterctl: current after each change, and after a kill."""
import json

from rig import *


def ctl(rig, *words, text=None):
    """A verb of musterctl: its exit status and what it printed."""
    done = subprocess.run([rig.server.programs.musterctl, *words, "--socket", rig.server.control], input=text, capture_output=True, text=True,
                          timeout=30)
    return done.returncode, done.stdout + done.stderr


def done(rig, *words, text=None):
    status, said = ctl(rig, *words, text=text)
    expect_eq(status, 0, f"musterctl {' '.join(words)}: {said}: status")
    return said


def put(rig, noun, name, **fields):
    return done(rig, noun, "set", name, "-", text=json.dumps({"name": name, "fields": fields}))


def members(rig, label):
    said = json.loads(done(rig, "label", "members", label, "--json"))
    return sorted(device["id"] for device in said["devices"])


def becomes(rig, label, want, within_s=10):
    end = time.monotonic() + within_s
    while members(rig, label) != sorted(want):
        if time.monotonic() > end:
            expect_eq(members(rig, label), sorted(want), label)
        time.sleep(0.05)


@case("a label by expression has its devices soon, and those that enrol later at once")
def _(rig):
    rig.first, rig.second = Device(rig).enrol(), Device(rig).enrol()
    put(rig, "label", "all", expression='device.platform != "windows"')
    becomes(rig, "all", [rig.first.udid, rig.second.udid])
    rig.third = Device(rig).enrol()
    becomes(rig, "all", [rig.first.udid, rig.second.udid, rig.third.udid])


@case("an expression over the user follows user and device")
def _(rig):
    put(rig, "user", "eva", email="eva@example.com", groups=["Sales"], password="correct horse")
    put(rig, "label", "sales", expression='user.group = "sales"')
    reply = rig.curl(f"/v1/devices/{rig.first.udid}/detail", b'{"user":"eva"}', "application/json", method="PUT",
                     words=["--header", f"Authorization: Bearer {rig.server.api_key}"])
    expect_eq(reply.status, 200, "detail")
    becomes(rig, "sales", [rig.first.udid])
    put(rig, "user", "eva", groups=["Support"])
    becomes(rig, "sales", [])
    put(rig, "user", "eva", groups=["Support", "Sales"])
    becomes(rig, "sales", [rig.first.udid])
    expect("correct horse" not in done(rig, "user", "show", "eva"), "a password is shown")
    expect(len(json.loads(done(rig, "user", "pin", "eva", "--json"))["pin"]) == 10, "no PIN")


@case("a label by hand, its history, and the audit trail")
def _(rig):
    put(rig, "label", "few", description="some")
    done(rig, "label", "add", "few", rig.second.udid)
    becomes(rig, "few", [rig.second.udid])
    expect_eq(ctl(rig, "label", "add", "sales", rig.second.udid)[0], 1, "a label with an expression is given by hand: status")
    put(rig, "label", "few", description="a few")
    expect("a few" in done(rig, "label", "history", "few"), "no history")
    expect("label given" in done(rig, "audit"), "no audit")
    expect("user" in done(rig, "shapes"), "no shapes")
    expect("few" in done(rig, "label", "list"), "no list")


@case("all of it is there after a kill")
def _(rig):
    rig.server.kill()
    rig.server.start()
    becomes(rig, "few", [rig.second.udid])
    becomes(rig, "sales", [rig.first.udid])
    put(rig, "label", "all", expression=f'device.udid = "{rig.third.udid}"')
    becomes(rig, "all", [rig.third.udid])
    done(rig, "label", "remove", "few", rig.second.udid)
    done(rig, "label", "delete", "sales")
    expect_eq(ctl(rig, "label", "show", "sales")[0], 1, "it is gone: status")


main()
