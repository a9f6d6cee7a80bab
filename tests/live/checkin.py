#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way of a device, by curl: enrol, poll, get a command, answer it, and the operator reads the result back."""
import base64

from rig import *

state = {}


@case("Authenticate is stored and answered with an empty 200")
def _(rig):
    device = state["device"] = Device(rig)
    reply = device.checkin("Authenticate", DeviceName="Live phone", IMEI="350000000000001")
    expect_eq((reply.status, reply.body), (200, b""), "answer")
    stored = device.stored()
    expect_eq(stored["state"], "authenticated")
    expect_eq((stored["device_name"], stored["imei"], stored["type"]), ("Live phone", "350000000000001", "Device"))


@case("TokenUpdate enrols")
def _(rig):
    reply = state["device"].checkin("TokenUpdate")
    expect_eq((reply.status, reply.body), (200, b""), "answer")
    stored = state["device"].stored()
    expect_eq((stored["state"], stored["token_updates"]), ("enrolled", 1))


@case("Idle without commands ends the session with an empty 200")
def _(rig):
    reply = state["device"].report("Idle")
    expect_eq((reply.status, reply.body), (200, b""), "answer")


@case("a queued command reaches the device as it was queued")
def _(rig):
    device = state["device"]
    state["command"] = rig.enqueue(device.udid, Queries=["DeviceName", "OSVersion"])
    reply = device.report("Idle")
    expect_eq(reply.status, 200)
    got = plistlib.loads(reply.body)
    expect_eq(got["CommandUUID"], state["command"])
    expect_eq(got["Command"], {"RequestType": "DeviceInformation", "Queries": ["DeviceName", "OSVersion"]})
    expect("xml" in reply.headers["content-type"], reply.headers["content-type"])


@case("a report is stored byte for byte and read back")
def _(rig):
    device = state["device"]
    raw = plistlib.dumps({"UDID": device.udid, "Status": "Acknowledged", "CommandUUID": state["command"],
                          "QueryResponses": {"DeviceName": "Zo\u00eb's \u2603", "OSVersion": "18.1"}})
    reply = device.put(raw, COMMAND)
    expect_eq((reply.status, reply.body), (200, b""), "answer")
    command = rig.server.ask("GET", f"/v1/devices/{device.udid}/commands/{state['command']}")
    expect_eq((command["state"], command["result"]["status"]), ("acknowledged", "Acknowledged"))
    expect_eq(base64.b64decode(command["result"]["body"]), raw, "stored body")


@case("a repeated report is harmless")
def _(rig):
    reply = state["device"].report("Acknowledged", state["command"])
    expect_eq((reply.status, reply.body), (200, b""), "answer")
    command = rig.server.ask("GET", f"/v1/devices/{state['device'].udid}/commands/{state['command']}")
    expect_eq(command["state"], "acknowledged")


@case("NotNow keeps the command, does not offer it again in the session, and offers it on the next poll")
def _(rig):
    device = state["device"]
    first = rig.enqueue(device.udid, "InstallProfile", Payload=b"x")
    second = rig.enqueue(device.udid, "SecurityInfo")
    with rig.connect(device) as wire:
        def say(**body):
            wire.send(request({"UDID": device.udid, **body}))
            reply = wire.reply()
            expect_eq(reply.status, 200)
            return plistlib.loads(reply.body)["CommandUUID"] if reply.body else None
        expect_eq(say(Status="Idle"), first, "first command")
        expect_eq(say(Status="NotNow", CommandUUID=first), second, "after NotNow")
        expect_eq(say(Status="Acknowledged", CommandUUID=second), None, "at the end of the session")
        expect_eq(say(Status="Idle"), first, "next poll")
        expect_eq(say(Status="Acknowledged", CommandUUID=first), None, "in the end")
    command = rig.server.ask("GET", f"/v1/devices/{device.udid}/commands/{first}")
    expect_eq((command["state"], command["not_now"]), ("acknowledged", 1))


@case("Error and CommandFormatError end a command")
def _(rig):
    device = state["device"]
    for status, end in (("Error", "error"), ("CommandFormatError", "format-error")):
        command = rig.enqueue(device.udid, "Whatever")
        expect_eq(plistlib.loads(device.report("Idle").body)["CommandUUID"], command)
        more = {"ErrorChain": [{"ErrorCode": 1, "ErrorDomain": "d", "LocalizedDescription": "x"}]} if status == "Error" else {}
        expect_eq(device.report(status, command, **more).status, 200)
        expect_eq(rig.server.ask("GET", f"/v1/devices/{device.udid}/commands/{command}")["state"], end)


@case("a report for an unknown command is answered and changes nothing")
def _(rig):
    before = rig.server.commands(state["device"].udid)
    expect(state["device"].report("Acknowledged", "no-such-command").status in (200, 400, 404))
    expect_eq(rig.server.commands(state["device"].udid), before)


@case("binary property lists are taken")
def _(rig):
    device = Device(rig)
    for message_type in ("Authenticate", "TokenUpdate"):
        reply = device.put(device.message(message_type), CHECKIN, form=plistlib.FMT_BINARY)
        expect_eq(reply.status, 200, f"{message_type} ({reply.body[:100]})")
    expect_eq(device.put({"UDID": device.udid, "Status": "Idle"}, COMMAND, form=plistlib.FMT_BINARY).status, 200)
    expect_eq(device.stored()["state"], "enrolled")


@case("/checkin and /mdm, with and without a content type, serve the devices")
def _(rig):
    device = Device(rig)
    expect_eq(device.put(device.message("Authenticate"), CHECKIN, path="/checkin").status, 200)
    expect_eq(device.put(device.message("TokenUpdate"), CHECKIN, path="/checkin").status, 200)
    expect_eq(device.put({"UDID": device.udid, "Status": "Idle"}, None).status, 200, "without content type")


@case("a user channel has its own id and queue")
def _(rig):
    device = Device(rig).enrol()
    user = {"UserID": "AAAAAAAA-0000-0000-0000-000000000001", "UserShortName": "zoe", "UserLongName": "Zo\u00eb"}
    expect_eq(device.checkin("TokenUpdate", **user).status, 200)
    channel = f"{device.udid}:{user['UserID']}"
    ids = [c["id"] for c in device.stored()["channels"]]
    expect(channel in ids, str(ids))
    command = rig.enqueue(channel, "ProfileList")
    expect_eq(device.report("Idle").body, b"", "device channel")
    reply = device.report("Idle", **user)
    expect_eq(plistlib.loads(reply.body)["CommandUUID"], command, "user channel")
    expect_eq(device.report("Acknowledged", command, **user).status, 200)
    expect_eq(rig.server.ask("GET", f"/v1/devices/{channel}/commands/{command}")["state"], "acknowledged")


@case("a user enrolment goes by its EnrollmentID")
def _(rig):
    device = Device(rig)
    eid = "E" + device.udid[1:]
    for message_type in ("Authenticate", "TokenUpdate"):
        expect_eq(device.checkin(message_type, UDID=None, EnrollmentID=eid).status, 200, message_type)
    status, stored = rig.server.call("GET", f"/v1/devices/{eid}")
    expect_eq((status, stored["type"]), (200, "User Enrollment (Device)"))


@case("the first command is the oldest; Authenticate anew clears the queue")
def _(rig):
    device = Device(rig).enrol()
    commands = [rig.enqueue(device.udid, "SecurityInfo") for _ in range(3)]
    expect_eq(plistlib.loads(device.report("Idle").body)["CommandUUID"], commands[0])
    device.enrol()
    expect_eq(device.report("Idle").body, b"", "after enrolling anew")


@case("CheckOut is stored")
def _(rig):
    device = Device(rig).enrol()
    expect_eq(device.checkin("CheckOut").status, 200)
    expect_eq(device.stored()["state"], "checked-out")


@case("an unknown device gets Apple's 403 document, never 401")
def _(rig):
    reply = Device(rig).report("Idle")
    expect_eq(reply.status, 403)
    expect_eq(plistlib.loads(reply.body)["code"], "com.apple.unrecognized.device")


@case("bad messages are 4xx, store nothing, and the connection survives")
def _(rig):
    device = Device(rig)
    good = device.message("Authenticate")
    rows = [("empty", b"", CHECKIN), ("no property list", b"hello", CHECKIN), ("cut short", plistlib.dumps(good)[:-40], CHECKIN),
            ("unknown message", plistlib.dumps({**good, "MessageType": "Authenticat"}), CHECKIN),
            ("no message type", plistlib.dumps({"UDID": device.udid}), CHECKIN),
            ("UDID is a number", plistlib.dumps({**good, "UDID": 5}), CHECKIN),
            ("no UDID", plistlib.dumps({k: v for k, v in good.items() if k != "UDID"}), CHECKIN),
            ("topic is a list", plistlib.dumps({**good, "Topic": ["x"]}), CHECKIN),
            ("an array", plistlib.dumps([good]), CHECKIN),
            ("own entity", b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "b">]><plist version="1.0"><dict><key>MessageType</key>'
                           b'<string>&a;</string></dict></plist>', CHECKIN),
            ("deep", plistlib.dumps(good)[:-len("</dict>\n</plist>\n")] + b"<key>x</key>" + b"<array>" * 200 + b"</array>" * 200 +
             b"</dict></plist>", CHECKIN),
            ("binary cut short", plistlib.dumps(good, fmt=plistlib.FMT_BINARY)[:-9], CHECKIN),
            ("unknown status", plistlib.dumps({"UDID": device.udid, "Status": "Fine"}), COMMAND),
            ("no status", plistlib.dumps({"UDID": device.udid}), COMMAND),
            ("report without UUID", plistlib.dumps({"UDID": device.udid, "Status": "Acknowledged"}), COMMAND)]
    with rig.connect(device) as wire:
        for name, raw, kind in rows:
            wire.send(request(raw, kind))
            reply = wire.reply()
            expect(reply is not None, f"{name}: the connection ended")
            expect(400 <= reply.status < 500 and reply.status != 401, f"{name}: status {reply.status}")
        expect_eq(device.stored(), None, "what is stored")
        wire.send(request(good, CHECKIN))
        expect_eq(wire.reply().status, 200, "a good one on the same connection")


@case("reasons are in the log, at most so many a second")
def _(rig):
    device = Device(rig)
    with rig.connect(device) as wire:
        for _ in range(200):
            wire.send(request(b"hello", CHECKIN))
            expect_eq(wire.reply().status, 400)
    lines = [line for line in rig.server.log().splitlines() if "level=" in line]
    expect(5 < len(lines) < 400, f"{len(lines)} lines")


@case("history tells what happened")
def _(rig):
    events = [h["event"] for h in rig.server.ask("GET", f"/v1/devices/{state['device'].udid}/history?limit=100")["history"]]
    for event in ("authenticate", "token-update", "command-queued", "command-answered"):
        expect(event in events, f"{event} is missing in {events}")


if __name__ == "__main__":
    sys.exit(main({"log.level": "info"}))
