#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The operator API: who may use it, what it answers; and musterctl, its client."""
import base64
import json

from rig import *

OPEN = {("GET", "/healthz")}  # needs no key
DEVICE = {("PUT", "/mdm"), ("PUT", "/checkin")}  # devices: never 401
ROUTES = [("GET", "/healthz"), ("GET", "/version"), ("GET", "/metrics"), ("GET", "/v1/status"), ("PUT", "/v1/enqueue/{id}"),
          ("POST", "/v1/enqueue/{id}"), ("GET", "/v1/devices"), ("GET", "/v1/devices/{id}"), ("GET", "/v1/devices/{id}/history"),
          ("GET", "/v1/devices/{id}/commands"), ("GET", "/v1/devices/{id}/commands/{uuid}"),
          ("DELETE", "/v1/devices/{id}/commands/{uuid}"), ("GET", "/v1/push/{id}"), ("PUT", "/v1/push/{id}"), ("POST", "/v1/push/{id}"),
          ("GET", "/v1/push"), ("GET", "/v1/pushcert"), ("PUT", "/v1/pushcert"), ("DELETE", "/v1/pushcert"), ("PUT", "/v1/pushkey"),
          ("POST", "/v1/notify"), ("POST", "/v1/challenges"), ("PUT", "/mdm"), ("PUT", "/checkin")]


def enrolled(rig):
    if not hasattr(rig, "device"):
        rig.device = Device(rig).enrol()
    return rig.device


def ask(rig, method, path, key=None, basic=None, body=None, kind=None, device=None):
    words = []
    if key is not None:
        words += ["--header", f"Authorization: Bearer {key}"]
    if basic is not None:
        words += ["--user", basic]
    return rig.curl(path, body, kind, device, method, words)


def command(name=None, request_type="DeviceInformation"):
    name = name or str(uuid.uuid4())
    return name, plistlib.dumps({"CommandUUID": name, "Command": {"RequestType": request_type, "Queries": ["DeviceName"]}})


def fill(path, rig):
    return path.replace("{id}", enrolled(rig).udid).replace("{uuid}", "no-such")


@case("every route but the open ones answers 401 without a key, and devices never see 401")
def _(rig):
    _, body = command()
    for method, path in ROUTES:
        for key in (None, "", "0" * 64, rig.server.api_key[:-1], rig.server.api_key + "0", rig.server.api_key.upper()):
            reply = ask(rig, method, fill(path, rig), key=key, body=body if method in ("PUT", "POST") else None)
            if (method, path) in OPEN:
                expect_eq(reply.status, 200, f"{method} {path}")
            elif (method, path) in DEVICE:
                expect_eq(reply.status, 403, f"{method} {path}")
            else:
                expect_eq(reply.status, 401, f"{method} {path} with key {key!r}")
                expect("www-authenticate" in reply.headers, f"{path}: no WWW-Authenticate")
                expect("error" in json.loads(reply.body), f"{path}: {reply.body}")
    expect_eq(rig.server.commands(enrolled(rig).udid), [], "queued without a key")


@case("a device's certificate is no key")
def _(rig):
    expect_eq(ask(rig, "GET", "/v1/devices", device=enrolled(rig)).status, 401)


@case("a key as Bearer or Basic password opens every route")
def _(rig):
    _, body = command("auth-test")
    for method, path in ROUTES:
        if (method, path) in DEVICE:
            continue
        for way in ({"key": rig.server.api_key}, {"basic": f"nanomdm:{rig.server.api_key}"}):
            reply = ask(rig, method, fill(path, rig), body=body if method in ("PUT", "POST") else None, **way)
            expect(reply.status not in (401, 403, 0), f"{method} {path}: {reply.status}")


@case("another method is 405, another path 404, and both only with a key")
def _(rig):
    key = rig.server.api_key
    expect_eq(ask(rig, "DELETE", "/v1/devices", key=key).status, 405)
    expect_eq(ask(rig, "GET", "/v1/enqueue/x", key=key).status, 405)
    expect_eq(ask(rig, "DELETE", "/v1/devices").status, 401, "without a key")
    expect_eq(ask(rig, "GET", "/v1/nothing", key=key).status, 404)


@case("a reload takes new keys and drops old ones")
def _(rig):
    old = rig.server.api_key
    new = rig.server.ctl("API key", "key", "api", "new.keys")["key"]
    os.replace(rig.server.path("new.keys"), rig.server.path("api.keys"))
    rig.server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 10
    while ask(rig, "GET", "/version", key=new).status != 200:
        expect(time.monotonic() < until, "the new key is not taken")
        time.sleep(0.1)
    time.sleep(0.3)
    expect_eq(ask(rig, "GET", "/version", key=old).status, 401, "the old key")
    rig.server.api_key = new


@case("enqueue: 200 for all, 207 for some, 500 for none, 400 for no command")
def _(rig):
    first, second = enrolled(rig), Device(rig).enrol()
    key = rig.server.api_key
    for ids, status in ((f"{first.udid},{second.udid}", 200), (f"{first.udid},nobody", 207), ("nobody,no-one", 500)):
        name, body = command()
        reply = ask(rig, "PUT", f"/v1/enqueue/{ids}?nopush=1", key=key, body=body)
        expect_eq(reply.status, status, ids)
        answer = json.loads(reply.body)
        expect_eq((answer["command_uuid"], answer["request_type"]), (name, "DeviceInformation"))
        bad = [i for i, s in answer["status"].items() if s.get("command_error")]
        expect_eq(sorted(bad), sorted(i for i in ids.split(",") if i.startswith("no")), "ids with an error")
        for udid in ids.split(","):
            if not udid.startswith("no"):
                expect(name in [c["command_uuid"] for c in rig.server.commands(udid)], f"{udid} has no {name}")
    for body in (b"", b"hello", plistlib.dumps({"CommandUUID": "x"}), plistlib.dumps({"Command": {"RequestType": "A"}}),
                 plistlib.dumps({"CommandUUID": 5, "Command": {"RequestType": "A"}}), plistlib.dumps({"CommandUUID": "x" * 200,
                                                                                                 "Command": {"RequestType": "A"}})):
        expect_eq(ask(rig, "PUT", f"/v1/enqueue/{first.udid}", key=key, body=body).status, 400, body[:40])


@case("the same UUID twice is an error and queues nothing more")
def _(rig):
    device = Device(rig).enrol()
    name, body = command()
    expect_eq(ask(rig, "PUT", f"/v1/enqueue/{device.udid}", key=rig.server.api_key, body=body).status, 200)
    reply = ask(rig, "PUT", f"/v1/enqueue/{device.udid}", key=rig.server.api_key, body=body)
    expect_eq(reply.status, 500)
    expect_eq(len(rig.server.commands(device.udid)), 1)


@case("a command over the limit is 413; one just below reaches the device whole")
def _(rig):
    device = Device(rig).enrol()
    big = plistlib.dumps({"CommandUUID": "big", "Command": {"RequestType": "InstallProfile", "Payload": os.urandom(1 << 20)}})
    expect_eq(ask(rig, "PUT", f"/v1/enqueue/{device.udid}", key=rig.server.api_key, body=big).status, 413)
    payload = os.urandom(700 * 1024)
    fits = plistlib.dumps({"CommandUUID": "fits", "Command": {"RequestType": "InstallProfile", "Payload": payload}})
    reply = ask(rig, "PUT", f"/v1/enqueue/{device.udid}", key=rig.server.api_key, body=fits)
    expect_eq(reply.status, 200, f"status ({reply.body[:80]})")
    expect_eq(plistlib.loads(device.report("Idle").body)["Command"]["Payload"], payload, "payload")
    result = plistlib.dumps({"UDID": device.udid, "Status": "Acknowledged", "CommandUUID": "fits", "Data": os.urandom(2 << 20)})
    expect_eq(device.put(result, COMMAND).status, 200, "a large report")
    stored = rig.server.ask("GET", f"/v1/devices/{device.udid}/commands/fits")
    expect_eq(base64.b64decode(stored["result"]["body"]), result, "stored report")


@case("devices: filters, pages by cursor, every one exactly once")
def _(rig):
    made = [Device(rig).enrol() for _ in range(7)]
    seen, cursor, pages = [], "", 0
    while True:
        page = rig.server.ask("GET", f"/v1/devices?limit=3{cursor}")
        expect(len(page["devices"]) <= 3, "a page is too long")
        seen += [d["id"] for d in page["devices"]]
        pages += 1
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    expect_eq(len(seen), len(set(seen)), "ids seen")
    expect(all(d.udid in seen for d in made), "a device is missing")
    expect(pages >= 3, "pages")
    some = rig.server.ask("GET", f"/v1/devices?serial=LIVE{made[0].udid[:8]}")["devices"]
    expect_eq([d["id"] for d in some], [made[0].udid])
    expect_eq(made[1].checkin("CheckOut").status, 200)
    gone = rig.server.ask("GET", "/v1/devices?state=checked-out")["devices"]
    expect_eq([d["id"] for d in gone], [made[1].udid])
    for query in ("limit=0", "limit=1001", "limit=x", "state=nonsense", "cursor=%21%21"):
        expect_eq(rig.server.call("GET", f"/v1/devices?{query}")[0], 400, query)


@case("a waiting command can be cancelled, one that is over cannot")
def _(rig):
    device = Device(rig).enrol()
    name = rig.enqueue(device.udid)
    status, body = rig.server.call("DELETE", f"/v1/devices/{device.udid}/commands/{name}")
    expect_eq((status, body["state"]), (200, "cancelled"))
    expect_eq(device.report("Idle").body, b"")
    expect_eq(rig.server.call("DELETE", f"/v1/devices/{device.udid}/commands/{name}")[0], 409)
    expect_eq(rig.server.call("DELETE", f"/v1/devices/{device.udid}/commands/nope")[0], 404)


@case("what is not there is 404 with an error in JSON")
def _(rig):
    for path in ("/v1/devices/nobody", "/v1/devices/nobody/commands", "/v1/devices/nobody/history",
                 f"/v1/devices/{enrolled(rig).udid}/commands/nope"):
        status, body = rig.server.call("GET", path)
        expect_eq(status, 404, path)
        expect("error" in body, f"{path}: {body}")


@case("ids of user channels and odd ids go through percent-encoding")
def _(rig):
    for path in ("/v1/devices/a%2Fb", "/v1/devices/%C3%AB", "/v1/devices/a%3Ab", "/v1/devices/" + "x" * 300):
        expect(rig.server.call("GET", path)[0] in (400, 404), path)


@case("metrics are Prometheus text and count")
def _(rig):
    status, text = rig.server.call("GET", "/metrics")
    expect_eq(status, 200)
    for line in text.splitlines():
        expect(line.startswith("#") or re.match(r'^muster_[a-z0-9_]+(\{[^}]*\})? [0-9.e+-]+$', line), line)
    expect(int(re.search(r"^muster_checkins_total (\d+)", text, re.M)[1]) >= 2, "check-ins")
    for name in ("http_request_seconds", "store_commit_seconds", "tls_handshake_seconds"):
        expect(f"muster_{name}_count" in text and f'muster_{name}_bucket{{le="+Inf"}}' in text, name)


@case("status and version")
def _(rig):
    status = rig.server.ask("GET", "/v1/status")
    expect(status["devices"] >= 1 and status["connections"] >= 1 and status["uptime_s"] >= 0, str(status)[:200])
    expect_eq(rig.server.ask("GET", "/version")["version"], status["version"])


@case("the control socket is for its owner only")
def _(rig):
    expect_eq(os.stat(rig.server.control).st_mode & 0o777, 0o600, "mode")


def ctl(rig, *words, text=None):
    done = subprocess.run([rig.server.programs.musterctl, *words], cwd=rig.server.home, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@case("musterctl: devices, enqueue, results, cancel, status, version, in words and JSON")
def _(rig):
    device, socket_words = Device(rig).enrol(), ("--socket", "control.sock")
    rc, out, err = ctl(rig, "devices", "list", *socket_words)
    expect(rc == 0 and device.udid in out and out.startswith("ID "), f"{rc} {out[:100]} {err}")
    rc, out, _ = ctl(rig, "devices", "list", "--json", "--limit", "2", *socket_words)
    expect_eq((rc, len(json.loads(out)["devices"])), (0, 2))
    rc, out, _ = ctl(rig, "devices", "show", device.udid, *socket_words)
    expect(rc == 0 and "enrolled" in out, out)
    name, body = command()
    rc, out, err = ctl(rig, "enqueue", device.udid, "-", *socket_words, text=body)
    expect(rc == 0 and name in out, f"{rc} {out} {err}")
    with open(rig.server.path("command.plist"), "wb") as f:
        f.write(command()[1])
    expect_eq(ctl(rig, "enqueue", f"{device.udid},nobody", "command.plist", *socket_words)[0], 1, "partial success")
    rc, out, _ = ctl(rig, "enqueue", device.udid, "--request-type", "SecurityInfo", "--json", *socket_words)
    expect_eq(rc, 0)
    made = json.loads(out)["command_uuid"]
    rc, out, _ = ctl(rig, "cancel", device.udid, made, *socket_words)
    expect(rc == 0 and "cancelled" in out, out)
    expect_eq(plistlib.loads(device.report("Idle").body)["CommandUUID"], name)
    expect_eq(device.report("Acknowledged", name, Answer="from the device").status, 200)
    rc, out, _ = ctl(rig, "results", device.udid, *socket_words)
    expect(rc == 0 and name in out and "acknowledged" in out, out)
    rc, out, _ = ctl(rig, "results", device.udid, name, *socket_words)
    expect(rc == 0 and "from the device" in out, out)
    for words in (("status",), ("version",)):
        expect_eq(ctl(rig, *words, *socket_words)[0], 0, words)
        expect(json.loads(ctl(rig, *words, "--json", *socket_words)[1]), words)


@case("musterctl: mistakes are told on stderr with exit codes 1 and 2")
def _(rig):
    for words, rc in ((("devices", "show", "nobody", "--socket", "control.sock"), 1), (("status", "--socket", "nowhere.sock"), 1),
                      (("enqueue", "x", "--socket", "control.sock"), 2), (("nonsense",), 2), (("devices", "list", "--nope"), 2),
                      (("ca", "issue", "--ca", "ca"), 2), (("ca", "init", "--ca", "ca"), 1), (("key", "init", "master.key"), 1)):
        got, out, err = ctl(rig, *words)
        expect_eq(got, rc, f"exit code of {words} ({err})")
        expect(err.startswith("musterctl: ") and not out, f"{words}: {out} {err}")
    expect_eq(ctl(rig, "--help")[0], 0)
    expect_eq(ctl(rig)[0], 2)


@case("musterctl does not pass a device's control characters to the terminal")
def _(rig):
    device = Device(rig)
    expect_eq(device.put(plistlib.dumps(device.message("Authenticate", DeviceName="a\u009bm\u00eb")), CHECKIN).status, 200)
    _, out, _ = ctl(rig, "devices", "show", device.udid, "--socket", "control.sock")
    expect("a?m\u00eb" in out, out)


if __name__ == "__main__":
    sys.exit(main())
