# SPDX-License-Identifier: GPL-2.0
"""From the host's counters at two marks to figures per IO (docs/measuring.md)."""

COUNTED = {"signals_per_io": "doorbells", "interrupts_per_io": "interrupts", "exits_per_io": "exits"}


def worker_ns(stats):
    """CPU time of the workers of all channels that are there."""
    return sum(channel["cpu_ns"] for channel in stats["vmbus"]["channels"])


def differences(run, name):
    """Counter differences between the marks NAME.begin and NAME.end, and the seconds between them; or None."""
    taken = {mark: (when, stats) for mark, when, stats in run.marks}
    if f"{name}.begin" not in taken or f"{name}.end" not in taken:
        return None
    (begun, begin), (ended, end) = taken[f"{name}.begin"], taken[f"{name}.end"]
    if not begin or not end:
        return None
    counted = {counter: end[counter] - begin[counter] for counter in COUNTED.values()}
    return {**counted, "seconds": ended - begun, "worker_ns": worker_ns(end) - worker_ns(begin)}


def figures(results, run, side):
    """Everything the guest reported, under the project's figure names; counts per IO from the host.

    net_exits_per_io is without those that the guest makes in the same time when it does nothing, if that was measured.
    """
    idle = differences(run, "idle")
    for name, value, unit in run.figures:
        if name.endswith(".ios"):
            load = name[: -len(".ios")]
            counted = differences(run, load)
            if not counted:
                continue
            for figure, counter in COUNTED.items():
                results.figure(f"storvsc.{load}.{figure}.{side}", counted[counter] / value, "1/IO")
            results.figure(f"storvsc.{load}.worker_us_per_io.{side}", counted["worker_ns"] / 1000 / value, "us/IO")
            if idle:
                net = counted["exits"] - counted["seconds"] * idle["exits"] / idle["seconds"]
                results.figure(f"storvsc.{load}.net_exits_per_io.{side}", net / value, "1/IO")
        elif name.startswith("demo."):
            results.figure(name, value, unit)
        else:
            results.figure(f"storvsc.{name}.{side}", value, unit)
    if idle:
        results.figure(f"storvsc.idle.exits_per_second.{side}", idle["exits"] / idle["seconds"], "1/s")
