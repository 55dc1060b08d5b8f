# SPDX-License-Identifier: GPL-2.0
"""From the host's counters at two marks to figures per IO or packet, the same for every side (docs/bench.md)."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass

import ippackets

# Our name: KVM's. What KVM has no name for is "other": MSRs, CPUID, and on QEMU the doorbells of virtio, which KVM takes itself.
CAUSES = {"io": "io_exits", "mmio": "mmio_exits", "halt": "halt_exits", "host_interrupt": "irq_exits",
          "interrupt_window": "irq_window_exits", "page_fault": "pf_taken"}
# Of hvis-host alone, which knows whom a doorbell woke.
OWN_CAUSES = ("doorbell", "hyperv")
RING_TRAILER = 8  # behind each packet in a ring; bytes_in and bytes_out have it, nobody reads it


def cpu_ns(pid):
    """CPU time of a process, all its threads, those that are gone and the guest's own time included: clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return None


def of_vcpus(stats, name):
    """A counter of KVM's, of all VPs; not every KVM has every one."""
    return sum(vcpu.get(name, 0) for vcpu in stats["vcpus"])


def causes(stats):
    """Exits by what made them; KVM counts a few under two names, so the parts may exceed the sum by a little."""
    counted = {name: of_vcpus(stats, kvm) for name, kvm in CAUSES.items()}
    own = stats.get("exits_by_cause", {})
    counted.update({name: own[name] for name in OWN_CAUSES if name in own})
    return {**counted, "other": stats["exits"] - sum(counted.values())}


def copied(stats):
    """Bytes that hvis-host's CPU has copied, and that its guest must have: packets into rings, frames into the send buffer and out of the
    receive buffer. Only those that are known: no other host counts them, and of emulated devices none knows what their drivers copy."""
    if "vmbus" not in stats:
        return {}
    channels = [*stats["vmbus"]["channels"], stats["vmbus"]["channels_removed"]]
    rings = {way: sum(channel[f"bytes_{way}"] - RING_TRAILER * channel[f"packets_{way}"] for channel in channels) for way in ("in", "out")}
    pio = sum(channel["copied_bytes"] for channel in stats["disks"].get("ide", {}).get("channels", ()))
    nics = stats["nics"].values()
    host = rings["in"] + rings["out"] + pio + sum(nic["copied_bytes"] for nic in nics)
    if not rings["in"]:
        return {"host": host}
    return {"host": host, "guest": rings["in"] + sum(nic["tx_section_bytes"] + nic["rx_bytes"] for nic in nics if "tx_section_bytes" in nic)}


def process_cpu_ns(pid):
    """Of a guest's host: its process and, where vhost serves its network, the kernel's thread for it, which is named after the process."""
    parts = [cpu_ns(pid), *(cpu_ns(thread) for thread in named(f"vhost-{pid}"))]
    return None if None in parts else sum(parts)


def named(name):
    """Processes of that name, threads of the kernel included."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:
            if comm.read().strip() == name:
                found.append(int(pid))
    return found


class Sampler:
    """Is called at each mark of a guest and keeps what has been counted until then. extra(): more counters, by name."""

    def __init__(self, extra=dict):
        self.run = None
        self.extra = extra
        self.taken = {}

    def mark(self, name, stats):
        self.taken[name] = {"seconds": time.monotonic(), "cpu_ns": process_cpu_ns(self.run.process.pid), "stats": stats, **self.extra()}

    def since_start(self, name):
        """Seconds from the start of the host's process to a mark, or None."""
        taken = self.taken.get(name)
        return taken and taken["seconds"] - self.run.started


def between(begin, end):
    """What was counted between two samples; doorbells are None where the host does not know of any."""
    first, last = begin["stats"], end["stats"]
    before, after = causes(first), causes(last)
    copied_before, copied_after = copied(first), copied(last)
    return {"seconds": end["seconds"] - begin["seconds"], "exits": last["exits"] - first["exits"],
            "hypercalls": of_vcpus(last, "hypercalls") - of_vcpus(first, "hypercalls"),
            "signals": last["doorbells"] - first["doorbells"] if "doorbells" in last else None,
            "copied": {who: copied_after[who] - copied_before[who] for who in copied_before},
            "packets": ippackets.between(begin["ip"], end["ip"]) if "ip" in end else None,
            "cpu_ns": end["cpu_ns"] - begin["cpu_ns"] if None not in (begin["cpu_ns"], end["cpu_ns"]) else None,
            "causes": {name: max(0, after[name] - before[name]) for name in after}}


def of_load(taken, name):
    """None if the guest, or its host, ended before."""
    begin, end = (taken.get(f"{name}.{point}") for point in ("begin", "end"))
    return between(begin, end) if begin and end and begin["stats"] and end["stats"] else None


@dataclass(frozen=True)
class Share:
    """Puts counts into the results, each divided by how many IOs or packets there were."""

    results: object
    prefix: str
    side: str
    per: str  # io or packet
    count: float

    def put(self, name, value, unit="1"):
        word = "IO" if self.per == "io" else self.per
        self.results.figure(f"{self.prefix}.{name}_per_{self.per}.{self.side}", value / self.count, f"{unit}/{word}")

    def put_all(self, counted, idle):
        """idle: what a guest that does nothing has, so that its share can be taken off."""
        self.put("exits", counted["exits"])
        self.put("net_exits", counted["exits"] - idle["exits"] * counted["seconds"] / idle["seconds"])
        self.put("hypercalls", counted["hypercalls"])
        if counted["signals"] is not None:
            self.put("signals", counted["signals"])
        if counted["cpu_ns"] is not None:
            self.put("cpu_us", counted["cpu_ns"] / 1000, "us")
        for who, count in counted["copied"].items():
            self.put(f"{who}_copied_bytes", count, "B")
        for cause, count in counted["causes"].items():
            self.put(f"{cause}_exits", count)


def record_boot(results, run, sampler, side):
    """How long it took until a guest had its disks, and what its clock costs."""
    booted = sampler.since_start("ready")
    if booted is not None:
        results.figure(f"boot.disks.ms.{side}", booted * 1000, "ms")
    for name, value, unit in run.figures:
        if name == "clock.gettime.ns":
            results.figure(f"{name}.{side}", value, unit)


def record_disks(results, run, sampler, side):
    """All figures of what a guest did with disks under the project's names: disk.LOAD.qdN.FIGURE.SIDE."""
    idle = of_load(sampler.taken, "idle")
    said = {name: (value, unit) for name, value, unit in run.figures}
    for name in [name.removesuffix(".ios") for name in said if name.endswith(".ios")]:
        share, counted = Share(results, f"disk.{name}", side, "io", said[f"{name}.ios"][0]), of_load(sampler.taken, name)
        for figure in ("iops", "mbps"):
            results.figure(f"disk.{name}.{figure}.{side}", *said[f"{name}.{figure}"])
        share.put("interrupts", said[f"{name}.interrupts"][0])
        if counted and idle:
            share.put_all(counted, idle)


def record_net(results, run, sampler, side):
    """The same of a guest with a NIC: net.LOAD.FIGURE.SIDE. Rates are said by who received; here what one packet cost."""
    idle = of_load(sampler.taken, "idle")
    for name, value, unit in run.figures:
        load, _, figure = name.partition(".")
        if figure != "interrupts":
            results.figure(f"net.{name}.{side}", value, unit)
            continue
        counted = of_load(sampler.taken, load)
        if counted and counted["packets"] and idle:
            share = Share(results, f"net.{load}", side, "packet", counted["packets"])
            share.put("interrupts", value)
            share.put_all(counted, idle)
