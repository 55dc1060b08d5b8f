# SPDX-License-Identifier: GPL-2.0
"""Numbers, tables and sentences of the report, in text. Whatever shows a figure gets it from value() and prints it by number()."""

import scenarios

# (figure, title): the columns of every table, each per IO, packet or GiB; a dash where nobody counts that.
COUNTS = (("exits", "VM exits"), ("net_exits", "net of idle"), ("interrupts", "interrupts"), ("signals", "doorbells"), ("cpu_us", "host CPU, µs"))
MEMORY_COUNTS = (("exits", "VM exits"), ("net_exits", "net of idle"), ("messages", "messages"))
WORK = (("hypercalls", "hypercalls"), ("guest_copied_bytes", "copied by the guest, B"), ("host_copied_bytes", "copied by the host, B"))
CAUSES = ("io", "mmio", "halt", "host_interrupt", "interrupt_window", "page_fault", "doorbell", "hyperv", "other")
PER = {"io": "IO", "packet": "packet", "gib": "GiB"}
UNITS = {"iops": "IOPS", "mbps": "MB/s", "pps": "packets/s", "ops": "round trips/s", "reclaim.mibps": "MiB/s", "ms": "ms", "ns": "ns"}
LOWER_IS_BETTER = ("ms", "ns")
# Of loads that say more than a rate.
EXTRA = {"udp": (("lost", "lost, %"),), "rr": (("latency_ns", "median, ns"), ("latency_p99_ns", "99 %, ns"))}
# What a side is told by in the overview, if it has it.
HEADLINES = ("randread.qd32", "file_randread.qd32", "fio_randread.qd32", "tcp_tx", "reclaim")
SETS = {"disk": "Disk", "fio": "Disk, by fio", "net": "Network", "memory": "Memory", "time": "Time and other CPUs"}


def unit(load):
    return "Mbit/s" if load.set == "net" and load.rate == "mbps" else UNITS[load.rate]


def counts(load):
    """(figure, title) of what the load has counts of."""
    if not load.per:
        return ()
    return tuple((f"{figure}_per_{load.per}", title) for figure, title in (MEMORY_COUNTS if load.per == "gib" else COUNTS))


def causes(load):
    """The same of its VM exits by reason."""
    return tuple((f"{cause}_exits_per_{load.per}", cause.replace("_", " ")) for cause in CAUSES) if load.per in ("io", "packet") else ()


def work(load):
    """The same of hypercalls, of which doorbells are a part, and of bytes that were copied."""
    return tuple((f"{figure}_per_{load.per}", title) for figure, title in WORK) if load.per in ("io", "packet") else ()


def columns(load):
    """All that a table of it shows besides the rate."""
    return (*EXTRA.get(load.key, ()), *counts(load))


def name_of(load, figure, side):
    return f"{load.names}.{figure}.{side}"


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


def sides_of(results, load):
    """Those that have done it."""
    return [side for side in scenarios.SIDES[load.set] if value(results, load, load.rate, side.name) is not None]


def measured(results, set_name=None):
    """The loads that any side has done, and the sides that have done any; of one set, or of all."""
    loads = [load for load in scenarios.LOADS if set_name in (None, load.set) and sides_of(results, load)]
    sides = [side for name in scenarios.SIDES if set_name in (None, name) for side in scenarios.SIDES[name]
             if any(load.set == name and side in sides_of(results, load) for load in loads)]
    return loads, sides


def ratio(results, load, figure, side, other):
    """How many times SIDE has what OTHER has; None where that makes no sense."""
    ours, theirs = (value(results, load, figure, name) for name in (side, other))
    return ours / theirs if ours is not None and theirs else None


def comparison(results, load, other):
    """What a sentence says: ratios of rates and of exits; None where either side did not run."""
    rate = ratio(results, load, load.rate, "hvis", other.name)
    return None if rate is None else {"load": load, "other": other, "rate": rate,
                                      "exits": ratio(results, load, f"exits_per_{load.per}", "hvis", other.name)}


def slower(compared):
    return compared["rate"] > 1 if compared["load"].rate in LOWER_IS_BETTER else compared["rate"] < 1


def why_slower(results, load, other):
    """The counts of both, where ours is the slower one: they are exact, so they tell."""
    parts = []
    for figure, title in counts(load):
        ours, theirs = (value(results, load, figure, name) for name in ("hvis", other.name))
        if ours is not None and theirs is not None and not figure.startswith("net_"):
            parts.append(f"{title} {number(ours)} against {number(theirs)}")
    return f" It is slower here{f'; per {PER[load.per]}: ' if parts else ''}{', '.join(parts)}."


def sentence(results, compared):
    load, other = compared["load"], compared["other"]
    if load.rate in LOWER_IS_BETTER:
        text = f"{load.words}: hvis takes {number(compared['rate'])} times the time of {other.called}"
    else:
        text = f"{load.words}: hvis does {number(compared['rate'])} times the {unit(load)} of {other.called}"
    if compared["exits"] is not None:
        text += f", with {number(compared['exits'])} of its VM exits per {PER[load.per]}"
    return text + "." + (why_slower(results, load, other) if slower(compared) else "")


def comparisons(results, set_name=None):
    found = [comparison(results, load, side) for load in measured(results, set_name)[0] for side in sides_of(results, load) if side.name != "hvis"]
    return [compared for compared in found if compared]


def overview(results):
    """One sentence for each other side of each set: of what the set is known by, where it is there."""
    chosen = {}
    for compared in comparisons(results):
        who = (compared["load"].set, compared["other"].name)
        if who not in chosen or compared["load"].key in HEADLINES and chosen[who]["load"].key not in HEADLINES:
            chosen[who] = compared
    return list(chosen.values())


def kvm_words(results):
    """How far times and counts can be trusted, said plainly."""
    host = results["host"]
    once = host.get("bench", {}).get("rounds", 1) < 2
    if not measured(results)[0]:
        return "No guest ran to the end of any load: there is nothing to compare."
    if host.get("kvm") == "emulated":
        text = ("KVM was emulated: counts are exact, times are indicative. A VM exit costs about 100 µs there instead of 1 µs and rates "
                "vary by 30 % from run to run, so ways that need many exits look slower than they are on a real machine.")
    else:
        text = "KVM was real: times are those of this machine, counts are exact."
    return text + (" Each side ran once, so there is no spread: repeat with more rounds before you rely on a rate." if once else "")


def cell(results, load, side):
    if value(results, load, load.rate, side.name) is None:
        return "–"
    exits = value(results, load, f"exits_per_{load.per}", side.name)
    return number(value(results, load, load.rate, side.name)) + (f"; {number(exits)}" if exits is not None else "")


def table(results, set_name):
    """Rate, and exits per IO or packet, of every load and side of a set; no column is wider than it must be."""
    loads, sides = measured(results, set_name)
    columns = [["", f"{SETS[set_name]}: rate; VM exits", *(f"{load.words}, {unit(load)}" for load in loads)]]
    columns += [["", side.name, *(cell(results, load, side) for load in loads)] for side in sides]
    widths = [max(map(len, column)) for column in columns]
    lines = [f"  {row[0]:<{widths[0]}}" + "".join(f"{text:>{width + 2}}" for text, width in zip(row[1:], widths[1:])) for row in zip(*columns)]
    return [line.rstrip() for line in lines] if loads else []


def terminal(results):
    """The summary."""
    lines = [line for set_name in SETS for line in table(results, set_name)]
    lines += ["", *(f"  {sentence(results, compared)}" for compared in overview(results)), "", f"  {kvm_words(results)}", ""]
    return "\n".join(lines)
