# SPDX-License-Identifier: GPL-2.0
"""Numbers, tables and sentences of the report, in text. Whatever shows a figure gets it from value() and prints it by number()."""

import scenarios

# (figure, title, unit to show): the columns of every table.
COUNTS = (("exits_per_io", "VM exits"), ("net_exits_per_io", "net of idle"), ("interrupts_per_io", "interrupts"),
          ("signals_per_io", "doorbells"), ("cpu_us_per_io", "host CPU, µs"))
CAUSES = ("io", "mmio", "halt", "host_interrupt", "interrupt_window", "page_fault", "doorbell", "hyperv", "other")
RATES = {"iops": "IOPS", "mbps": "MB/s"}
OTHERS = {"kernel": "the kernel's hv_storvsc", "ide": "the emulated IDE disk", "qemu-ide": "QEMU's IDE disk",
          "qemu-virtio-blk": "QEMU's virtio-blk", "qemu-virtio-scsi": "QEMU's virtio-scsi"}


def name_of(load, figure, side):
    return f"disk.{load.key}.{figure}.{side}"


def figure_of(results, load, figure, side):
    """The figure as results.json has it, or None."""
    return results["figures"].get(name_of(load, figure, side))


def value(results, load, figure, side):
    found = figure_of(results, load, figure, side)
    return None if found is None else found["value"]


def number(amount):
    """Every number of the report: three digits that say something, thousands apart."""
    if amount is None:
        return "–"
    if abs(amount) >= 100:
        return f"{amount:,.0f}"
    if abs(amount) >= 10:
        return f"{amount:.1f}"
    return f"{amount:.2f}" if abs(amount) >= 1 else f"{amount:.3f}"


def measured(results):
    """The loads that any side has done, and the sides that have done any."""
    loads = [load for load in scenarios.LOADS
             if any(value(results, load, load.rate, side.name) is not None for side in scenarios.SIDES)]
    sides = [side for side in scenarios.SIDES if any(value(results, load, load.rate, side.name) is not None for load in loads)]
    return loads, sides


def ratio(results, load, figure, side, other):
    """How many times SIDE has what OTHER has; None where that makes no sense."""
    ours, theirs = (value(results, load, figure, name) for name in (side, other))
    return ours / theirs if ours is not None and theirs else None


def comparison(results, load, other):
    """What a sentence says: ratios of rates and of exits per IO; None where either side did not run."""
    rate = ratio(results, load, load.rate, "hvis", other)
    return None if rate is None else {"load": load, "other": other, "rate": rate, "exits": ratio(results, load, "exits_per_io", "hvis", other)}


def why_slower(results, load, other):
    """The counts of both, where ours is the slower one: they are exact, so they tell."""
    parts = []
    for figure, title in COUNTS:
        ours, theirs = (value(results, load, figure, name) for name in ("hvis", other))
        if ours is not None and theirs is not None and figure != "net_exits_per_io":
            parts.append(f"{title} {number(ours)} against {number(theirs)}")
    return f" It is slower here; per IO: {', '.join(parts)}."


def sentence(results, compared):
    load, other = compared["load"], compared["other"]
    text = (f"hvis does {number(compared['rate'])} times the {RATES[load.rate]} of {OTHERS[other]} at depth {load.depth} ({load.title})")
    if compared["exits"] is not None:
        text += f", with {number(compared['exits'])} of its VM exits per IO"
    return text + "." + (why_slower(results, load, other) if compared["rate"] < 1 else "")


def comparisons(results):
    loads, sides = measured(results)
    found = [comparison(results, load, side.name) for side in sides if side.name != "hvis" for load in loads]
    return [compared for compared in found if compared]


def overview(results):
    """One sentence for each other side: depth 32 where it is there."""
    chosen = {}
    for compared in comparisons(results):
        if compared["other"] not in chosen or compared["load"].key == "randread.qd32":
            chosen[compared["other"]] = compared
    return list(chosen.values())


def kvm_words(results):
    """How far times and counts can be trusted, said plainly."""
    host = results["host"]
    once = host.get("bench", {}).get("rounds", 1) < 2
    if not measured(results)[0]:
        return "No guest ran to the end of any load: there is nothing to compare."
    if host.get("kvm") == "emulated":
        text = ("KVM was emulated: counts per IO are exact, times are indicative. A VM exit costs about 100 µs there instead of 1 µs and rates "
                "vary by 30 % from run to run, so ways that need many exits look slower than they are on a real machine.")
    else:
        text = "KVM was real: times are those of this machine, counts per IO are exact."
    return text + (" Each side ran once, so there is no spread: repeat with more rounds before you rely on a rate." if once else "")


def cell(results, load, side):
    rate, exits = (value(results, load, figure, side.name) for figure in (load.rate, "exits_per_io"))
    return "–" if rate is None else f"{number(rate)}; {number(exits)}"


def terminal(results):
    """The summary table: rate and exits per IO of every load and side."""
    loads, sides = measured(results)
    titles = [f"{load.title}, depth {load.depth}, {RATES[load.rate]}" for load in loads]
    width = max(map(len, titles), default=0)
    lines = ["", f"  {'rate; VM exits per IO':<{width}}" + "".join(f"{side.name:>18}" for side in sides)]
    for load, title in zip(loads, titles):
        lines.append(f"  {title:<{width}}" + "".join(f"{cell(results, load, side):>18}" for side in sides))
    lines += ["", *(f"  {sentence(results, compared)}" for compared in overview(results)), "", f"  {kvm_words(results)}", ""]
    return "\n".join(lines)
