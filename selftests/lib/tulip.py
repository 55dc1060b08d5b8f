# SPDX-License-Identifier: GPL-2.0
"""Debian's own tulip on the emulated 21140A: link, DHCP, pings, TCP both ways with equal digests, filters, a log without warnings."""

import os

import images
from guest import Guest, Run
from jobs import Job
from net import record_said
from net_user import Outside, digest

KERNEL = "6.1-amd64"
MAC = "52:54:00:12:34:56"
ZEROS = ("tx_bad", "tx_dropped", "bus_errors", "rx_truncated", "ignored_accesses")
NAMES = ("loads", "comes-up", "mac", "dhcp", "address", "fetch", "upload", "modes", "all-sizes", "no-errors", "down-and-up",
         "unload")


class Wire(Outside):
    """The other ends, and what the host had counted at each mark."""

    def __init__(self, size):
        super().__init__(size)
        self.seen = {}

    def mark(self, name, stats):
        super().mark(name, stats)
        self.seen[name] = stats or {}

    def nic(self, name):
        return self.seen.get(name, {}).get("nics", {}).get("nic0", {})

    def spent(self, start, end):
        """Exits and interrupts between two marks, and frames of both directions."""
        first, last = self.nic(start), self.nic(end)
        frames = sum(last[way] - first[way] for way in ("tx_frames", "rx_frames"))
        return self.seen[end]["exits"] - self.seen[start]["exits"], last["interrupts"] - first["interrupts"], frames


def figures(results, wire):
    for name, start, end in (("fetch", "begin", "fetched"), ("upload", "fetched", "uploaded")):
        exits, interrupts, frames = wire.spent(start, end)
        results.figure(f"tulip.{name}", wire.rate(start, end), "MiB/s")
        results.figure(f"tulip.{name}.exits_per_frame", exits / frames, "1/frame")
        results.figure(f"tulip.{name}.interrupts_per_frame", interrupts / frames, "1/frame")


def judge(results, wire, size):
    last = wire.nic("done")
    wrong = {name: last.get(name) for name in ZEROS if last.get(name) != 0}
    results.check("tulip.host.counts-nothing-bad", not wrong, str(wrong))
    results.check("tulip.host.is-the-adapter", last.get("model") == "tulip" and last.get("mac") == MAC, str(last))
    results.check("tulip.host.moved-the-file", last.get("tx_bytes", 0) > size and last.get("rx_bytes", 0) > size, str(last))
    results.check("tulip.host.was-set-up", last.get("setup_frames", 0) >= 2 and last.get("resets", 0) >= 1, str(last))


def check(results, context, initrd, name, size):
    wire, wanted = Wire(size), digest(size)
    append = images.append("tulip", "hv", context.tsc_khz, sha=wanted, down=wire.down.port, up=wire.up.port, limit=860)
    guest = Guest(name, images.kernel("vmlinux", KERNEL), initrd, append, 1, memory="512M",
                  options=["--nic", f"user,model=tulip,mac={MAC}"], limit=900)
    run = Run(guest, context.scratch, results.folder, on_mark=wire.mark).run()
    said = record_said(results, "tulip", run)
    results.check("tulip.says-all", said == len(NAMES), f"{said} lines")
    results.check("tulip.upload-is-what-was-fetched", wire.up.result == wanted, str(wire.up.result))
    if "uploaded" in wire.times:
        figures(results, wire)
    judge(results, wire, size)
    print(f"          {guest.name}: {run.seconds:.0f} s", flush=True)


def prepare():
    return images.initramfs(KERNEL, "tulip", os.path.join(images.GUEST, "nettulip"), programs=[images.PINGSIZES], modules=["af_packet"],
                            files=images.NETWORK)


def jobs():
    def job(name, size, weight, rare):
        return Job(name, "guests", weight, prepare, lambda results, context, initrd: check(results, context, initrd, name, size), rare=rare)

    # An upload of 1-KiB writes, as busybox does it, is some 30 exits for each.
    return [job("tulip", 2 << 20, 4, False), job("tulip-64-MiB", 64 << 20, 50, True)]
