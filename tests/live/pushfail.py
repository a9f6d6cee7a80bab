#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Pushes through everything that may go wrong with the service and with ourselves. At the end of each case every device was pushed
after its command was queued, none lost its token, nothing came twice beyond the window, and both sides count the same.
"""
import threading

from rig import *
from service import *

DEVICES = 600
WINDOW = 256
BREAK_WAIT_S = 90
world = {}


def service():
    return world["service"]


def calm():
    """The service as it should be."""
    sink = service().sink
    sink.tell("set error-rate 0", "set goaway-every 0", "set drop-every 0", "set streams 1000", "set delay-ms 0", "set refuse no",
              "stall end", "freeze end", f"topic {FLEET_TOPIC} ok")


def trouble(name):
    """A case that leaves the service as it should be, however it ends."""
    def register(function):
        @case(name)
        def _(rig):
            try:
                function(rig)
            finally:
                calm()
                wait_for("the topic sends", lambda: service().topic()["state"] == "open", BREAK_WAIT_S)
        return function
    return register


def counts():
    return service().metrics(), service().sink.stats()


def campaign(rig, during=None, rounds=1, wait_s=BREAK_WAIT_S):
    """Queues a command for everybody, lets `during` happen meanwhile, waits until everybody was pushed."""
    wanted, failure = {}, []

    def disturb():
        try:
            during()
        except Exception as error:  # shown by the test's own thread
            failure.append(error)

    helper = threading.Thread(target=disturb) if during else None
    if helper:
        helper.start()
    try:
        for _ in range(rounds):
            wanted.update(service().enqueue(service().ids))
    finally:
        if helper:
            helper.join()
    if failure:
        raise failure[0]
    service().settled(wanted, wait_s)


def nobody_lost(before, num_breaks=0):
    """No token was taken away; what came twice since `before` is within the bound."""
    sink0, (metrics, sink) = before[1], counts()
    again = sink["repeated"] - sink0["repeated"]
    expect_eq(metrics["push_tokens_gone"], 0, "tokens lost")
    expect(again <= num_breaks * WINDOW, f"{again} pushes came again")


def agree(before, lost=0):
    """What musterd counted since `before`, beside the service's; `lost` answers may never have arrived."""
    (metrics0, sink0), (metrics, sink) = before, counts()
    ours, theirs = metrics["push_accepted"] - metrics0["push_accepted"], sink["accepted"] - sink0["accepted"]
    expect(ours <= theirs <= ours + lost, f"musterd counts {ours} accepted, the service {theirs}")


@case("a fleet, a certificate, a campaign without trouble")
def _(rig):
    world["service"] = Service(rig, {"push.window": WINDOW})
    service().trust()
    service().enrol(DEVICES)
    before = counts()
    campaign(rig)
    nobody_lost(before)
    agree(before)


@trouble("one push in five answered 500")
def _(rig):
    before = counts()
    service().sink.tell("set error-reason InternalServerError", "set error-rate 200")
    campaign(rig, rounds=2)
    nobody_lost(before)
    agree(before)
    expect(service().sink.stats()["refused"]["InternalServerError"] >= DEVICES // 10, "errors there were")


@trouble("GOAWAY again and again: what it leaves is sent on another connection")
def _(rig):
    before = counts()
    service().sink.tell("set goaway-every 200")
    campaign(rig, rounds=4)
    metrics, sink = counts()
    nobody_lost(before)
    agree(before)
    expect(sink["goaways"] >= 2, f"{sink['goaways']} GOAWAYs")
    expect(metrics["push_goaway"] >= 2, f"{metrics['push_goaway']} GOAWAYs noticed")


@trouble("the limit of streams falls to one and rises again")
def _(rig):
    before = counts()

    def disturb():
        for streams in (1, 50, 1, 3, 1000):
            service().sink.tell(f"set streams {streams}")
            time.sleep(0.4)

    service().sink.tell("set delay-ms 2")
    campaign(rig, disturb, rounds=2)
    nobody_lost(before)
    agree(before)


@trouble("answers that stall for a while")
def _(rig):
    before = counts()
    service().sink.tell("stall 3000")
    campaign(rig)
    nobody_lost(before, 1)
    agree(before, WINDOW)


@trouble("connections that break in the middle")
def _(rig):
    before, drops = counts(), service().sink.stats()["links_dropped"]
    service().sink.tell("set drop-every 150")
    campaign(rig, rounds=2)
    num = service().sink.stats()["links_dropped"] - drops
    nobody_lost(before, num + 1)
    agree(before, num * WINDOW)
    expect(num >= 2, f"{num} connections broke")


@trouble("a dead peer: nothing comes back, not even a PING; another connection takes over")
def _(rig):
    before = counts()
    service().sink.tell("freeze ever")
    helper = threading.Timer(35, lambda: service().sink.tell("freeze end"))
    helper.start()
    campaign(rig, wait_s=120)
    helper.join()
    nobody_lost(before, 20)
    agree(before, 20 * WINDOW)


@trouble("connections that are refused")
def _(rig):
    before = counts()
    service().sink.tell("set refuse yes", "drop")
    campaign(rig, lambda: (time.sleep(3), service().sink.tell("set refuse no")))
    nobody_lost(before, 20)
    agree(before, WINDOW)


@trouble("a revoked topic stops, with its pushes kept; a new certificate starts it")
def _(rig):
    before = counts()
    service().sink.tell(f"topic {FLEET_TOPIC} BadCertificate")
    wanted = dict(service().enqueue(service().ids[:200]))
    wait_for("the topic is stopped", lambda: service().topic()["state"] == "stopped")
    expect_eq(service().metrics()["push_topics_stopped"], 1, "topics stopped")
    service().sink.tell(f"topic {FLEET_TOPIC} ok")
    time.sleep(2)
    expect_eq(service().topic()["state"], "stopped", "state until an operator acts")
    service().trust(out="again.pem")
    service().settled(wanted)
    expect_eq(service().metrics()["push_topics_stopped"], 0, "topics stopped")
    nobody_lost(before, 20)
    agree(before)


@trouble("a certificate the service does not know: nothing is lost, the right one delivers")
def _(rig):
    server = rig.server
    server.ctl("another CA", "ca", "init", "--ca", "wrong", "--name", "Not the service's")
    wrong = service().sink.certificate(FLEET_TOPIC, "wrong.pem", "wrong")
    service().put_cert(wrong)
    before = counts()
    wanted = dict(service().enqueue(service().ids[:200]))
    time.sleep(4)
    expect_eq(service().sink.stats()["accepted"], before[1]["accepted"], "pushes accepted")
    service().trust(out="right.pem")
    service().settled(wanted)
    nobody_lost(before, 20)
    agree(before)


@trouble("tokens refused one and all: the topic is suspected, no token is dropped")
def _(rig):
    before = counts()
    service().sink.tell(f"topic {FLEET_TOPIC} BadDeviceToken")
    wanted = dict(service().enqueue(service().ids[:200]))
    wait_for("the topic is stopped", lambda: service().topic()["state"] == "stopped")
    service().sink.tell(f"topic {FLEET_TOPIC} ok")
    service().trust(out="third.pem")
    service().settled(wanted)
    nobody_lost(before, 20)
    agree(before)


@case("kill -9 of the service in the middle of a campaign")
def _(rig):
    def disturb():
        time.sleep(0.2)
        service().sink.kill()
        time.sleep(1)
        service().sink.start()

    service().sink.tell("set delay-ms 20")
    campaign(rig, disturb, rounds=2)
    expect_eq(service().metrics()["push_tokens_gone"], 0, "tokens lost")


@case("kill -9 of the engine in the middle of a campaign, three times")
def _(rig):
    server, sink = rig.server, service().sink
    for number in range(3):
        sink.tell("reset", "set delay-ms 50", "set streams 100")
        wanted = dict(service().enqueue(service().ids))
        time.sleep(0.05 * (number + 1))
        server.kill()
        server.start()
        sink.tell("set delay-ms 0", "set streams 1000")
        service().settled(wanted)
        expect(sink.stats()["repeated"] <= WINDOW, f"{sink.stats()['repeated']} came again")
        expect(sink.stats()["accepted"] <= DEVICES + WINDOW, f"{sink.stats()['accepted']} accepted for {DEVICES} devices")
        expect_eq(service().metrics()["push_tokens_gone"], 0, "tokens lost")


@case("after all that the fleet is woken by one more command and every command is answered")
def _(rig):
    calm()
    words = ("--devices", DEVICES, "--enrolled", "--sink-device-port", service().sink.device_port, "--seconds", 120)
    waiting = sum(c["state"] == "queued" for udid in service().ids for c in rig.server.commands(udid))
    fleet = subprocess.Popen(rig.server.fleet_command("pushed", *words, "--count", waiting + DEVICES), cwd=rig.server.home,
                             stdout=subprocess.PIPE, text=True)
    try:
        wait_for("the fleet sleeps", lambda: service().sink.stats()["hellos"] >= DEVICES)
        dict(service().enqueue(service().ids))
        out = fleet.communicate(timeout=150)[0]
    finally:
        fleet.kill()
    expect_eq(fleet.returncode, 0, f"exit of the fleet ({out[:300]})")
    expect_eq(service().sink.stop(), 0, "exit status of apns-sink")


if __name__ == "__main__":
    sys.exit(main(starts=False))
