# SPDX-License-Identifier: GPL-2.0
"""Debian's own ata_piix on the emulated IDE controller: data verified by DMA and PIO, what an IO costs, a log without warnings."""

import os

import images
from guest import Guest, Run
from jobs import Job

KERNEL = "6.1-amd64"
CHECKS = ("sectors", "model", "mode-udma", "mode-pio", "verify-depth-1", "verify-depth-32", "pio", "unload")
MIB = 1 << 20


def channels(stats):
    return {channel["channel"]: channel for channel in stats["disks"]["ide"]["channels"]}


def port_accesses(stats):
    """Of the channels and of the bus master."""
    return sum(ports["in"] + ports["out"] for name, ports in stats["io_ports"].items()
               if name.startswith(("0x1f0", "0x3f6", "0xc000")))


def counters(stats):
    """What is counted per IO; of interrupts those of the channel that has the null disk."""
    return {"exits": stats["exits"], "port_accesses": port_accesses(stats), "interrupts": channels(stats)[0]["interrupts"]}


def differences(marks, name):
    (begun, begin), (ended, end) = marks[f"{name}.begin"], marks[f"{name}.end"]
    first, last = counters(begin), counters(end)
    return {counter: last[counter] - first[counter] for counter in first}, ended - begun


def figures(results, run):
    """Under the names that other sides have: storvsc.LOAD.FIGURE.ide."""
    marks = {name: (when, stats) for name, when, stats in run.marks}
    if "idle.end" not in marks:
        return
    idle, idle_seconds = differences(marks, "idle")
    for name, value, unit in run.figures:
        load, figure = name.split(".")
        if figure != "ios":
            results.figure(f"storvsc.{name}.ide", value, unit)
            continue
        counted, seconds = differences(marks, load)
        for counter, count in counted.items():
            results.figure(f"storvsc.{load}.{counter}_per_io.ide", count / value, "1/IO")
        net = counted["exits"] - seconds * idle["exits"] / idle_seconds
        results.figure(f"storvsc.{load}.net_exits_per_io.ide", net / value, "1/IO")
        results.check(f"ide.{load}.one-interrupt-per-command", counted["interrupts"] == value,
                      f"{counted['interrupts']} interrupts, {value:.0f} commands")


def judge(results, run):
    """What the host counted of the disks, when the loads were over."""
    last = run.marks[-1][2] if run.marks else None
    drives = {drive["lun"]: drive for drive in last["disks"]["ide"]["luns"]} if last else {}
    wrong = {f"{lun}.{what}": drive[what] for lun, drive in drives.items()
             for what in ("errors", "out_of_range", "bad_tables") if drive[what]}
    results.check("ide.host.three-drives", sorted(drives) == [0, 1, 3], f"{sorted(drives)}")
    results.check("ide.host.no-errors", last is not None and not wrong, f"{wrong}")
    results.check("ide.host.flushed", bool(drives) and drives[3]["flushes"] > 0, f"{drives.get(3, {}).get('flushes')}")
    results.check("ide.host.by-pio", last is not None and channels(last).get(1, {}).get("pio", 0) > 0
                  and not channels(last)[1]["dma"], "the secondary channel did DMA, or no PIO")


def image(folder, name, size):
    path = os.path.join(folder, name)
    with open(path, "wb") as disk:
        disk.truncate(size)
    return path


def check(results, context, initrd):
    file, slow = image(context.scratch, "ide-file", 64 * MIB), image(context.scratch, "ide-slow", 8 * MIB)
    guest = Guest("ide", images.kernel("vmlinux", KERNEL), initrd, images.append("ide", "hv", context.tsc_khz, limit=280),
                  disks=[f"file={file},controller=ide", "null=1G", f"file={slow},lun=3"], options=["--generation", "1"], limit=320)
    run = Run(guest, context.scratch, results.folder).run()
    for name in CHECKS:
        results.check(f"ide.{name}", f"ide: ok {name}" in run.lines, " ".join(line for line in run.lines if name in line)[:300])
    trouble = run.trouble()
    results.check("ide.guest-ends-without-a-warning", not trouble, trouble)
    if run.marks and run.marks[-1][2]:
        figures(results, run)
    judge(results, run)


def prepare():
    programs = ["fio", f"{images.KSELFTEST}/ioload:/bin/ioload"]
    return images.initramfs(KERNEL, "ide", os.path.join(images.GUEST, "ide"), programs=programs)


def jobs():
    return [Job("ide", "guests", 9, prepare, check)]
