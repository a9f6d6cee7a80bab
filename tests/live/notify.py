#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notifications of applications over topics that take tokens; the push engine under reload and at the end of the process."""
import json

from rig import *
from service import *

APP = "com.example.app"
world = {}


def service():
    return world["service"]


def key_put(rig, name="token.key", topic=APP):
    return rig.server.ctl("push key put", "push", "key", "put", name, "--topic", topic, "--key-id", "ABC123DEFG", "--team-id",
                          "DEF123GHIJ", "--socket", "control.sock")


def new_key(rig, name):
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key"], cwd=rig.server.home, check=True)
    subprocess.run(["openssl", "ec", "-in", name + ".key", "-pubout", "-out", name + ".pub"], cwd=rig.server.home, check=True,
                   stderr=subprocess.DEVNULL)


def notify(rig, token, payload='{"aps":{"alert":"Hello"}}', topic=APP, **more):
    body = {"topic": topic, "token": token, "payload": payload, **more}
    return rig.server.call("POST", "/v1/notify", json.dumps(body).encode())


@case("a key is put by musterctl; push cert show lists it, without the key")
def _(rig):
    new_key(rig, "token")
    new_key(rig, "other")
    world["service"] = Service(rig, token_key="token.pub", bearer_renew_s=0)
    told = key_put(rig)
    expect_eq((told["topic"], told["kind"], told["not_after"]), (APP, "key", None), "credential")
    shown = json.dumps(rig.server.ctl("push cert show", "push", "cert", "show", "--socket", "control.sock"))
    expect(APP in shown and "PRIVATE" not in shown, shown)


@case("a notification arrives as it was sent, and the service's answer is the answer")
def _(rig):
    token = os.urandom(32).hex()
    sleeper = Sleeper(service().sink, token)
    payload = '{"aps":{"alert":"Grüße"},"n":1}'
    status, answer = notify(rig, token, payload, collapse_id="greeting", expiration_s=3600)
    expect_eq((status, answer["status"], answer["reason"]), (200, 200, None), f"answer {answer}")
    expect_eq(sleeper.next(), (token, payload.encode()), "what arrives")
    expect(answer["apns_id"] in [row[4] for row in service().sink.journal()], "its apns-id is not the service's")
    sleeper.close()


@case("a payload of 4096 bytes fits, one more does not")
def _(rig):
    token = os.urandom(32).hex()
    fits = json.dumps({"x": "y" * (4096 - len(json.dumps({"x": ""})))})
    expect_eq(notify(rig, token, fits)[0], 200, "4096 bytes")
    expect_eq(notify(rig, token, fits[:-2] + 'y"}')[0], 413, "4097 bytes")


@case("what the service says of one token is told and stops nothing")
def _(rig):
    token = os.urandom(32).hex()
    for reason, status in (("Unregistered", 410), ("BadDeviceToken", 400), ("BadPriority", 400), ("TooManyRequests", 429),
                           ("InternalServerError", 500)):
        service().sink.tell(f"token {token} {reason} times=1")
        told = notify(rig, token)
        expect_eq((told[0], told[1].get("status"), told[1].get("reason")), (502, status, reason), "answer")
    expect_eq(notify(rig, token)[0], 200, "afterwards")
    expect_eq(service().topic(APP)["state"], "open", "state")


@case("many at once")
def _(rig):
    tokens = [os.urandom(32).hex() for _ in range(200)]
    calls = [subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", "control.sock", "--data-binary",
                               json.dumps({"topic": APP, "token": token, "payload": "{}"}), "http://x/v1/notify"],
                              cwd=rig.server.home, stdout=subprocess.PIPE, text=True) for token in tokens]
    codes = [call.communicate()[0] for call in calls]
    expect_eq(set(codes), {"200"}, "statuses")


@case("a key that is not Apple's stops the topic; the right one starts it again")
def _(rig):
    token = os.urandom(32).hex()
    key_put(rig, "other.key")
    wait_for("the service refuses the key", lambda: notify(rig, token)[1].get("reason") == "InvalidProviderToken")
    expect_eq(service().topic(APP)["state"], "stopped", "state")
    expect_eq(notify(rig, token)[0], 503, "while it is stopped")
    key_put(rig)
    wait_for("it works again", lambda: notify(rig, token)[0] == 200)


@case("a service that is away: 503, nothing is kept, and it comes back")
def _(rig):
    token = os.urandom(32).hex()
    service().sink.kill()
    wait_for("the sender hears of it", lambda: notify(rig, token)[0] == 503)
    service().sink.start()
    wait_for("it works again", lambda: notify(rig, token)[0] == 200, 40)
    expect_eq(service().stats()["in_hand"], 0, "in hand")


@case("SIGHUP changes the push engine's settings; what needs a restart says so")
def _(rig):
    rig.server.conf.update({"push.priority": "5", "push.window": 64})
    rig.server.write_conf()
    os.kill(rig.server.pid, signal.SIGHUP)
    wait_for("the log names the window", lambda: "key=window" in rig.server.log())
    expect_eq(service().stats()["window"], 8192, "window")
    expect_eq(notify(rig, os.urandom(32).hex())[0], 200, "afterwards")


@case("with [push] enabled = no commands are queued and no push is written")
def _(rig):
    expect_eq(rig.server.stop(), 0, "exit status")
    rig.server.conf.update({"push.enabled": "no", "push.ca": "not/there.pem"})
    rig.server.write_conf()
    rig.server.start()
    device = Device(rig).enrol()
    body = plistlib.dumps({"CommandUUID": "C", "Command": {"RequestType": "DeviceInformation"}})
    status, answer = rig.server.call("PUT", f"/v1/enqueue/{device.udid}", body)
    expect_eq((status, answer["no_push"]), (200, True), "answer")
    expect_eq(service().push([device.udid])[0], 409, "push")
    expect_eq(service().stats()["enabled"], False, "enabled")
    rig.server.conf.update({"push.enabled": "yes", **service().sink.push_conf()})


@case("the engine ends at once although the service does not answer")
def _(rig):
    expect_eq(rig.server.stop(), 0, "exit status")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        rig.server.conf["push.port"] = mute.getsockname()[1]
        rig.server.write_conf()
        rig.server.start()
        service().trust()
        others = {d["id"] for d in rig.server.devices()}
        wanted = dict(service().enqueue([udid for udid in service().enrol(5) if udid not in others]))
        wait_for("pushes wait for it", lambda: service().topic()["waiting"] > 0)
        began = time.monotonic()
        expect_eq(rig.server.stop(), 0, "exit status")
        expect(time.monotonic() - began < 5, f"it took {time.monotonic() - began:.1f} s")
    rig.server.conf.update(service().sink.push_conf())
    rig.server.write_conf()
    rig.server.start()
    service().settled(wanted)
    expect_eq(service().sink.stop(), 0, "exit status of apns-sink")


if __name__ == "__main__":
    sys.exit(main(starts=False))
