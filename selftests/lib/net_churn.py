# SPDX-License-Identifier: GPL-2.0
"""A NIC of ours that is changed in every way, again and again, under iperf3 in both directions over a tap: no warning, nothing lost
but frames, the first bytes again within 2 s of each change, and all memory back (selftests/guest/netchurn)."""

import os

import images
import netns
from guest import Guest, Run
from jobs import Job
from net import MAC, Wire, record_said
from netmeasure import TAP, Server, make_tap

KERNEL = "6.12-amd64"
QUEUES = 2
ROUNDS = 2
# Hundredths of a second. Where KVM is emulated both ends share one CPU, so rings are full, round trips long and TCP's first try late.
TCP_BOUND = 600 if os.environ.get("HVIS_WITH_KVM") == "emulated" else 200
PREFIX = "netvsc.churn"
NIC = f"tap={TAP},mac={MAC},queues={QUEUES}"


class Far(Wire):
    """The tap's side: also a server, a new one for each of the guest's connections."""

    def __init__(self):
        super().__init__(NIC)
        self.server = Server()
        self.plugged = 0

    def mark(self, name, stats):
        if name == "serve":
            self.server.stop()
            self.server.start()
        super().mark(name, stats)
        self.plugged += name == "nic-add" and (self.removed, self.added) == ({}, {"nic": 0})


def record(results, run, far):
    record_said(results, PREFIX, run)
    for name, value, unit in run.figures:
        results.figure(name, value, unit)
    done = far.seen.get("done", {})
    wrong = {name: done.get(name) for name in ("refused", "tx_refused", "rx_errors") if done.get(name) != 0}
    results.check(f"{PREFIX}.host-refused-nothing", not wrong, str(wrong))
    results.check(f"{PREFIX}.host-plugged", far.plugged == ROUNDS, f"{far.plugged} of {ROUNDS}")
    for what in ("answers", "flows"):
        start = f"{PREFIX}.{what}_after_"
        slowest = [f"{name.removeprefix(start)} {max(figure['values']):.0f}" for name, figure in results.figures.items() if name.startswith(start)]
        print(f"          {what} after at most (ms): {', '.join(slowest)}", flush=True)


def check(results, context, initrd):
    why = netns.missing()
    if why:
        results.check(PREFIX, None, why)
        return
    far = Far()
    append = images.append("hvis", "hv", context.tsc_khz, queues=QUEUES, rounds=ROUNDS, tcp_bound=TCP_BOUND, limit=240)
    guest = Guest("net-churn", images.kernel("vmlinux", KERNEL), initrd, append, QUEUES, options=["--nic", NIC], limit=280)
    far.run = Run(guest, context.scratch, results.folder, on_mark=far.mark)

    def work():
        make_tap(QUEUES, 9000)
        return far.run.run()

    try:
        run = netns.isolated(work)
    finally:
        far.server.stop()
    record(results, run, far)
    print(f"          net-churn: {run.seconds:.0f} s", flush=True)


def prepare():
    files = [(os.path.join(images.GUEST, "after.sh"), "/kselftest/after.sh")]
    return images.initramfs(KERNEL, "hvis", os.path.join(images.GUEST, "netchurn"), programs=["/usr/bin/iperf3", "/usr/sbin/ethtool"],
                            files=files)


def jobs():
    return [Job("net-churn", "guests", 11, prepare, check)]
