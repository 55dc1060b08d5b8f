# SPDX-License-Identifier: GPL-2.0
"""What a guest's drivers make of a host whose integration services lie: short messages, absurd counts, the year 1600, bursts, messages before
the handshake. Afterwards the host is honest, and the guest must answer heartbeats again and have the right clock.

With our drivers each is a check; what the kernel's own hv_utils does is a figure (1: as it should be), and a line.
"""

import json
import time

import services

YEAR = 365 * 86400 * services.SECOND
# A device is offered again when the guest has given its number back: before that, the kernel's bus warns.
# name: rules that are added one after the other. What is sent "now" needs its channel; a device that is offered again shakes hands again.
LIES = {
    "short-messages": [f"now,channel={channel}:send,ic={channel},length={length}"
                       for channel in ("timesync", "heartbeat", "shutdown") for length in (1, 8, 20, 30)],
    "unknown-types": [f"now,channel={channel}:send,ic={kind}" for channel in ("timesync", "heartbeat", "shutdown") for kind in (6, 99, 65535)],
    "absurd-counts": ["packet,to=guest,channel=timesync,ic=negotiate:answer,frames=65535,versions=65535", "now,channel=timesync:rescind,reoffer=800"],
    "no-versions": ["packet,to=guest,channel=timesync,ic=negotiate:answer,frames=0,versions=0", "now,channel=timesync:rescind,reoffer=800"],
    "before-negotiation": ["packet,to=guest,channel=timesync,ic=negotiate:send,ic=timesync,time=1,flags=1",
                           "packet,to=guest,channel=timesync,ic=negotiate:delay,ms=300", "now,channel=timesync:rescind,reoffer=800"],
    "before-open-result": ["message,to=guest,type=open-result,channel=timesync:delay,ms=200",
                           "message,to=guest,type=open-result,channel=timesync:send,ic=timesync,time=1,flags=1,times=5",
                           "message,to=guest,type=open-result,channel=timesync:raise,times=5", "now,channel=timesync:rescind,reoffer=800"],
    "year-1600": ["now,channel=timesync:send,ic=timesync,time=1,flags=1"],
    "year-60000": ["now,channel=timesync:send,ic=timesync,time=0x7fffffffffffffff,flags=1"],
    "burst": ["now,channel=timesync:send,ic=timesync,time=1,flags=2,times=500"],
    "twice": ["packet,to=guest,channel=heartbeat,ic=heartbeat,count=3:duplicate,times=3"],
    "came-and-went": ["now,channel=heartbeat:rescind,reoffer=2,times=30"],
}
# What was agreed under them holds until the device is offered again.
HANDSHAKES = ("absurd-counts", "no-versions", "before-negotiation", "before-open-result")


def plan(driver):
    """The lies that are told: offers that come faster than they go are hostile.py's with the kernel's bus."""
    return [name for name in LIES if driver == "hvis" or name != "came-and-went"]


class Liar(services.Host):
    """Tells a lie at each mark; the next mark is honest again."""

    def __init__(self, results, prefix, figures, driver):
        super().__init__(results, prefix, figures)
        self.ours = driver == "hvis"
        self.wrong = {name: [] for name in plan(driver)}
        self.lie = None

    def on_mark(self, name, stats):
        self.truth()
        if name in LIES:
            self.lie = name
            for rule in LIES[name]:
                status, _, err = self.ctl("fault", "add", rule)
                if status:
                    self.wrong[name].append(f"{rule}: {err}")
        elif name == "shutdown":
            super().on_mark(name, stats)

    def truth(self):
        """What the last lie has left behind, once the host is honest."""
        lie, self.lie = self.lie, None
        if not lie:
            return
        self.ctl("fault", "clear")
        if lie in HANDSHAKES:
            self.ctl("fault", "add", "now,channel=timesync:rescind,reoffer=800")
            time.sleep(1.5)
            self.ctl("fault", "clear")
        end = time.monotonic() + 8
        state = None
        while time.monotonic() < end and state != "ok":
            beat = json.loads(self.ctl("heartbeat")[1] or "{}")
            state = beat.get("state") if (beat.get("age_ms") or 99999) < 2500 else "old"
            time.sleep(0.1)
        if state != "ok":
            self.wrong[lie].append(f"heartbeat: {state}")
        status, _, err = self.ctl("time-offset", "0")
        if status:
            self.wrong[lie].append(f"time-offset: {err}")

    def judge(self):
        """A clock that followed the lie is a failure, too: readings are from while it was told."""
        for name, found in self.wrong.items():
            errors = [error for lie, error, _, _ in self.pairs if lie == name]
            if not errors:
                found.append("the guest did not come so far")
            elif abs(errors[-1]) >= services.WITHIN:
                found.append(f"its clock is off by {errors[-1] / 1e9:.0f} s" + (", a time nobody has" if abs(errors[-1]) > YEAR else ""))
            if self.ours:
                self.check(f"lies.{name}", not found, "; ".join(found))
            else:
                self.results.figure(f"{self.prefix}.lies.{name}", int(not found), "")
                print(f"          {self.prefix}.lies.{name}: {'holds' if not found else 'FAILS: ' + '; '.join(found)}", flush=True)


def check_lies(name, driver, mode, kernel, prefix):
    def check(results, context, initrd):
        host = Liar(results, prefix, driver, driver)
        run = services.boot(results, context, initrd, name, driver, mode, kernel, host, [*plan(driver), "shutdown"], settle=2)
        trouble = run.trouble()
        if host.ours:
            host.check("lies.guest", not trouble, trouble)
        else:
            host.results.figure(f"{prefix}.lies.guest", int(not trouble), "")
            if trouble:
                print(f"          {prefix}.lies.guest: {trouble}", flush=True)
        host.judge()

    return check


def jobs():
    return [services.job("lies", check_lies, "hvis", "nopv", "6.12-amd64", 6, rare=True),
            services.job("lies", check_lies, "kernel", "hv", "6.12-amd64", 6, rare=True)]
