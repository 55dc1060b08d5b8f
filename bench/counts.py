# SPDX-License-Identifier: GPL-2.0
"""From the host's counters at two marks to figures per IO, the same for every side (docs/bench.md)."""

import time

# Our name: KVM's. What KVM has no name for is "other": MSRs, CPUID, and on QEMU the doorbells of virtio, which KVM takes itself.
CAUSES = {"io": "io_exits", "mmio": "mmio_exits", "halt": "halt_exits", "host_interrupt": "irq_exits",
          "interrupt_window": "irq_window_exits", "page_fault": "pf_taken"}
# Of hvis-host alone, which knows whom a doorbell woke.
OWN_CAUSES = ("doorbell", "hyperv")


def cpu_ns(pid):
    """CPU time of a process, all its threads, those that are gone and the guest's own time included: clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return None


def causes(stats):
    """Exits by what made them; KVM counts a few under two names, so the parts may exceed the sum by a little."""
    counted = {name: sum(vcpu.get(kvm, 0) for vcpu in stats["vcpus"]) for name, kvm in CAUSES.items()}
    own = stats.get("exits_by_cause", {})
    counted.update({name: own[name] for name in OWN_CAUSES if name in own})
    return {**counted, "other": stats["exits"] - sum(counted.values())}


class Sampler:
    """Is called at each mark of a guest and keeps what has been counted until then."""

    def __init__(self):
        self.run = None
        self.taken = {}

    def mark(self, name, stats):
        self.taken[name] = {"seconds": time.monotonic(), "cpu_ns": cpu_ns(self.run.process.pid), "stats": stats}


def between(begin, end):
    """What was counted between two samples; doorbells are None where the host does not know of any."""
    first, last = begin["stats"], end["stats"]
    before, after = causes(first), causes(last)
    return {"seconds": end["seconds"] - begin["seconds"], "exits": last["exits"] - first["exits"],
            "signals": last["doorbells"] - first["doorbells"] if "doorbells" in last else None,
            "cpu_ns": end["cpu_ns"] - begin["cpu_ns"] if None not in (begin["cpu_ns"], end["cpu_ns"]) else None,
            "causes": {name: max(0, after[name] - before[name]) for name in after}}


def of_load(taken, name):
    """None if the guest, or its host, ended before."""
    begin, end = (taken.get(f"{name}.{point}") for point in ("begin", "end"))
    return between(begin, end) if begin and end and begin["stats"] and end["stats"] else None


def figures(results, prefix, side, ios, counted, idle):
    """One load's counts; idle: what a guest that does nothing has, so that its share can be taken off."""
    def put(figure, value, unit="1/IO"):
        results.figure(f"{prefix}.{figure}.{side}", value / ios, unit)

    put("exits_per_io", counted["exits"])
    put("net_exits_per_io", counted["exits"] - idle["exits"] * counted["seconds"] / idle["seconds"])
    if counted["signals"] is not None:
        put("signals_per_io", counted["signals"])
    if counted["cpu_ns"] is not None:
        put("cpu_us_per_io", counted["cpu_ns"] / 1000, "us/IO")
    for cause, count in counted["causes"].items():
        put(f"{cause}_exits_per_io", count)


def record(results, run, sampler, side):
    """All figures of a guest under the project's names: disk.LOAD.qdN.FIGURE.SIDE."""
    idle = of_load(sampler.taken, "idle")
    said = {name: (value, unit) for name, value, unit in run.figures}
    for name in [name.removesuffix(".ios") for name in said if name.endswith(".ios")]:
        prefix, ios, counted = f"disk.{name}", said[f"{name}.ios"][0], of_load(sampler.taken, name)
        for figure in ("iops", "mbps"):
            results.figure(f"{prefix}.{figure}.{side}", *said[f"{name}.{figure}"])
        results.figure(f"{prefix}.interrupts_per_io.{side}", said[f"{name}.interrupts"][0] / ios, "1/IO")
        if counted and idle:
            figures(results, prefix, side, ios, counted, idle)
