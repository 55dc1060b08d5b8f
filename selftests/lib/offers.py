# SPDX-License-Identifier: GPL-2.0
"""Controllers come and go as fast as the guest lets them for half a minute, while the guest probes them: nothing may be left.

Two are gone as soon as they are offered, so that most of their offers are taken back before the guest has looked; two live
for some milliseconds each time, so that they are taken away in the middle of a probe. How many there can be is the guest's
doing: it has to give a channel's number back before it can be used again.
"""

import os
import time

import images
from guest import Guest, Run
from jobs import Job
from lies import record_guest

SECONDS = 30
# A rescind and the offer after it, with what the guest does about them, take some 30 VM exits. Where KVM is emulated these
# are 12 ms of KVM, 6 ms of guest and 2 ms of host: 49 a second, with the one CPU never idle.
PER_SECOND_MIN = {"emulated": 25}
# The emulated host has one CPU.
CPUS = {"emulated": 1}
REOFFER_MS = 2
PROBED_EVERY = 0.3
FLAPPING, LIVING = ("scsi0", "scsi1"), ("scsi2", "scsi3")
CONTROLLERS = len(FLAPPING + LIVING)
KERNEL = "6.12-amd64"


class Host:
    """Rescinds and offers again while the guest waits for the answer to its mark."""

    def __init__(self):
        self.rescinds = 0
        self.exits = 0
        self.seconds = 0.0
        self.wrong = ""

    def add(self, run, rule):
        answer = run.ask("fault-add", rule=rule)
        if answer is None:
            self.wrong = self.wrong or f"the host refused {rule}"
        return answer

    def mark(self, run, _name, stats):
        began = time.monotonic()
        for channel in FLAPPING:
            self.add(run, f"now,channel={channel}:rescind,reoffer={REOFFER_MS},times=100000")
        turn = 0
        while time.monotonic() - began < SECONDS and run.process.poll() is None and not self.wrong:
            turn += 1
            done = self.add(run, f"now,channel={LIVING[turn % 2]}:rescind,reoffer={turn % 30}")
            run.ask("fault-remove", id=(done or {}).get("id", 0))
            # A probe is a hundred times the work of an offer that is taken back: most of the time is for those.
            time.sleep(PROBED_EVERY)
        self.seconds = time.monotonic() - began
        after = run.ask("query-stats")
        if stats and after:
            self.rescinds = released(after) - released(stats)
            self.exits = after["exits"] - stats["exits"]
        run.ask("fault-clear")


def released(stats):
    """Rescinds that have come to their end: the guest has given the channel's number back."""
    return stats["vmbus"]["messages"]["in"].get("RELID_RELEASED", 0)


def check(results, context, initrd):
    host = Host()
    where = os.environ.get("HVIS_WITH_KVM", "")
    append = images.append("hvis", "nopv", context.tsc_khz, luns="0", lies=1, limit=150)
    guest = Guest("offers", images.kernel("vmlinux", KERNEL), initrd, append, CPUS.get(where, 2), limit=180,
                  disks=[f"null=1G,lun=0,controller={number}" for number in range(CONTROLLERS)])
    run = Run(guest, context.scratch, results.folder)
    run.on_mark = lambda name, stats: host.mark(run, name, stats)
    run.run()
    rate = host.rescinds / host.seconds if host.seconds else 0
    exits = host.exits / host.rescinds if host.rescinds else 0
    print(f"          offers: {host.rescinds} rescinds released, {rate:.0f} a second, {exits:.0f} VM exits each", flush=True)
    least = PER_SECOND_MIN.get(where, 200)
    results.check("hostile.offers.many-a-second", not host.wrong and rate >= least,
                  f"{rate:.0f} a second, at least {least} are wanted; {host.wrong}")
    results.figure("hostile.offers.per_second", rate, "1/s")
    results.figure("hostile.offers.exits_per_rescind", exits, "1")
    record_guest(results, run, "hostile.offers")


def prepare():
    return images.initramfs(KERNEL, "hvis", os.path.join(images.GUEST, "offers"),
                            files=[(os.path.join(images.GUEST, "after.sh"), "/kselftest/after.sh")])


def jobs():
    return [Job("offers", "hostile", 8, prepare, check)]
