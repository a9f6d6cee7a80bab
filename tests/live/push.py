#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pushes that work: who is woken, by what, how often; credentials and tokens that change."""
import json

from rig import *
from service import *

DEVICES = 60
world = {}


def service():
    return world["service"]


def device_of(rig, topic=FLEET_TOPIC):
    """An enrolled device of our own, with a token we know."""
    device = Device(rig)
    device.token = os.urandom(32)
    expect_eq(device.checkin("Authenticate", Topic=topic).status, 200, "Authenticate")
    device.magic = str(uuid.uuid4())
    expect_eq(device.checkin("TokenUpdate", Topic=topic, Token=device.token, PushMagic=device.magic).status, 200, "TokenUpdate")
    return device


def accepted(device):
    return service().sink.tell("device " + device.token.hex())["accepted"]


@case("a push certificate is put by musterctl and read back, without its key")
def _(rig):
    world["service"] = Service(rig, {"push.silent_s": "2", "push.silent_max": 2, "push.not_now_s": 1})
    path = service().sink.certificate(FLEET_TOPIC)
    told = rig.server.ctl("push cert put", "push", "cert", "put", path, "--socket", "control.sock")
    expect_eq(told["topic"], FLEET_TOPIC, "topic")
    status, body = rig.server.call("GET", "/v1/pushcert")
    expect_eq(status, 200, "status")
    expect(FLEET_TOPIC in json.dumps(body) and "PRIVATE" not in json.dumps(body), "what is told of it")


@case("a certificate without topic, one without its key, and rubbish are refused")
def _(rig):
    with open(rig.server.path("server.pem"), "rb") as f:
        plain = f.read()
    with open(rig.server.path("server.key"), "rb") as f:
        plain += f.read()
    with open(service().sink.certificate("com.example.other", "other.pem"), "rb") as f:
        keyless = f.read().split(b"-----BEGIN PRIVATE")[0]
    for body in (plain, keyless, b"rubbish", b""):
        status, _ = rig.server.call("PUT", "/v1/pushcert", body)
        expect(400 <= status < 500, f"status {status}")


@case("a fleet asleep is woken by what is queued, polls, and acknowledges")
def _(rig):
    ids = service().enrol(DEVICES)
    words = ("--devices", DEVICES, "--enrolled", "--sink-device-port", service().sink.device_port, "--count", DEVICES, "--seconds", 40)
    fleet = subprocess.Popen(rig.server.fleet_command("pushed", *words), cwd=rig.server.home, stdout=subprocess.PIPE, text=True)
    try:
        wait_for("the fleet sleeps", lambda: service().sink.stats()["hellos"] >= DEVICES)
        dict(service().enqueue(ids))
        result = json.loads(fleet.communicate(timeout=60)[0])
    finally:
        fleet.kill()
    expect_eq(result["errors"], {}, "errors of the fleet")
    expect_eq(result["answers"]["acknowledged"], DEVICES, "commands acknowledged")
    expect(result["pushes"] >= DEVICES, f"{result['pushes']} pushes")


@case("the payload is the device's PushMagic and nothing else")
def _(rig):
    world["device"] = device = device_of(rig)
    sleeper = Sleeper(service().sink, device.token.hex())
    rig.enqueue(device.udid)
    token, payload = sleeper.next()
    expect_eq((token, json.loads(payload)), (device.token.hex(), {"mdm": device.magic}), "push")
    sleeper.close()


@case("nopush=1 does not push; an operator's push does, and answers for each id")
def _(rig):
    device = device_of(rig)
    body = plistlib.dumps({"CommandUUID": "quiet", "Command": {"RequestType": "DeviceInformation"}})
    expect_eq(rig.server.call("PUT", f"/v1/enqueue/{device.udid}?nopush=1", body)[0], 200, "status")
    time.sleep(1)
    expect_eq(accepted(device), 0, "pushes")
    unknown = str(uuid.uuid4()).upper()
    status, answer = service().push([device.udid, unknown])
    expect_eq(status, 207, "status")
    expect(re.fullmatch(r"[0-9a-f-]{36}", answer["status"][device.udid]["push_result"]), str(answer))
    expect("push_error" in answer["status"][unknown], str(answer))
    wait_for("the push is taken", lambda: accepted(device) >= 1)


@case("a silent device is pushed again on schedule, no more often than allowed, and not when nothing waits")
def _(rig):
    silent, done = device_of(rig), device_of(rig)
    for device in (silent, done):
        rig.enqueue(device.udid)
    wait_for("both are pushed", lambda: accepted(silent) and accepted(done))
    command = plistlib.loads(done.report("Idle").body)["CommandUUID"]
    expect_eq(done.report("Acknowledged", command).status, 200, "report")
    wait_for("the silent one is pushed again twice", lambda: accepted(silent) == 3)
    time.sleep(3)
    expect_eq((accepted(silent), accepted(done)), (3, 1), "pushes")


@case("NotNow and then something else: the device is pushed again")
def _(rig):
    device = device_of(rig)
    rig.enqueue(device.udid)
    rig.enqueue(device.udid)
    wait_for("it is pushed", lambda: accepted(device) >= 1)
    first = plistlib.loads(device.report("Idle").body)["CommandUUID"]
    second = plistlib.loads(device.report("NotNow", first).body)["CommandUUID"]
    before = accepted(device)
    expect_eq(device.report("Acknowledged", second).body, b"", "what comes after the last")
    wait_for("it is pushed again", lambda: accepted(device) > before)


@case("410 newer than the token takes the token; the next TokenUpdate brings it back")
def _(rig):
    device = device_of(rig)
    service().sink.tell(f"token {device.token.hex()} Unregistered timestamp={int(time.time() * 1000) + 1000} times=1")
    rig.enqueue(device.udid)
    gone = service().metrics()
    wait_for("the token is gone", lambda: service().metrics()["push_tokens_gone"] >= 1)
    status, answer = service().push([device.udid])
    expect_eq((status, "push_error" in answer["status"][device.udid]), (500, True), f"push without a token ({gone})")
    device.checkin("TokenUpdate", Topic=FLEET_TOPIC, Token=device.token, PushMagic=device.magic)
    expect_eq(service().push([device.udid])[0], 200, "push with the token back")
    wait_for("it is pushed", lambda: accepted(device) >= 1)


@case("410 older than the token changes nothing")
def _(rig):
    device = device_of(rig)
    gone = service().metrics()["push_tokens_gone"]
    service().sink.tell(f"token {device.token.hex()} Unregistered timestamp=1000000000000 times=1")
    rig.enqueue(device.udid)
    time.sleep(2)
    expect_eq(service().push([device.udid])[0], 200, "push with the same token")
    wait_for("it is pushed", lambda: accepted(device) >= 1)
    expect_eq(service().metrics()["push_tokens_gone"], gone, "tokens gone")


@case("429 holds back this token alone, as long as Retry-After says")
def _(rig):
    held, other = device_of(rig), device_of(rig)
    service().sink.tell(f"token {held.token.hex()} TooManyRequests retry-after=3 times=1")
    began = time.monotonic()
    rig.enqueue(held.udid)
    rig.enqueue(other.udid)
    wait_for("the other is pushed", lambda: accepted(other) >= 1, 2.5)
    wait_for("the held one is pushed", lambda: accepted(held) >= 1)
    expect(time.monotonic() - began > 2.5, "it was pushed too early")


@case("a new certificate takes over while pushes go on; the links of the old one end")
def _(rig):
    sink, links = service().sink, service().sink.stats()["links"]
    wanted = {}
    for n in range(4):
        wanted.update(service().enqueue(service().ids))
        if n == 1:
            service().trust(out="renewed.pem")
    service().settled(wanted)
    wait_for("there are new links", lambda: sink.stats()["links"] > links)
    wanted = dict(service().enqueue(service().ids[:5]))
    service().settled(wanted)


@case("a topic without certificate: pushes wait, and leave when there is one")
def _(rig):
    topic = "com.apple.mgmt.External.later"
    device = device_of(rig, topic)
    rig.enqueue(device.udid)
    time.sleep(1)
    expect_eq(accepted(device), 0, "pushes")
    service().trust(topic, "later.pem")
    wait_for("it is pushed", lambda: accepted(device) >= 1)
    expect_eq(rig.server.call("DELETE", f"/v1/pushcert?topic={topic}")[0] // 100, 2, "status of DELETE")


@case("a restart pushes what was queued while the service was away")
def _(rig):
    service().sink.kill()
    wanted = dict(service().enqueue(service().ids))
    time.sleep(0.5)
    expect_eq(rig.server.stop(), 0, "exit status")
    service().sink.start()
    rig.server.start()
    service().settled(wanted)


@case("the counters of both sides agree")
def _(rig):
    wait_for("nothing is in hand", lambda: service().stats()["in_hand"] == 0)
    metrics, sink = service().metrics(), service().sink.stats()
    expect_eq(metrics["push_accepted"], sink["accepted"], "pushes accepted")
    expect_eq(service().sink.stop(), 0, "exit status of apns-sink")


if __name__ == "__main__":
    sys.exit(main(starts=False))
