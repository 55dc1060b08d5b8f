# SPDX-License-Identifier: GPL-2.0
"""Enlightenments: switched under load in guests with 2 and 4 vCPUs, what they cost and save, and what a panic tells the host. make check runs one short job."""

import os
import re
from dataclasses import dataclass

import images
from guest import Guest, Run, ktap, plan_complete
from jobs import Job

ROUNDS, SECONDS = 3, 3
# What Hyper-V names (4095) is 0.2 ms of a processor that pauses for 40 ns. An emulated one takes a microsecond for each pause, so with 4095 a
# VP is as good as out of its time when it tells.
SPIN = {"real": "on", "emulated": "spin=200"}


@dataclass(frozen=True)
class Cell:
    """One guest. short: only the checks that say most, then a panic."""

    kernel: str
    cpus: int
    mode: str
    programs: str = "switch.sh"
    switches: int = 10
    limit: int = 900
    short: bool = False

    @property
    def name(self):
        if self.short:
            return f"enlighten-{self.kernel}"
        kind = self.programs.split(".", 1)[0]
        return f"enlighten-{kind}-{self.kernel}-{self.cpus}cpu-{self.mode}" + (f"-{self.switches}" if self.switches != 10 else "")


def cells():
    return [
        Cell("6.12-amd64", 2, "nopv", switches=2, limit=140, short=True),
        Cell("6.1-amd64", 2, "nopv", switches=2, limit=140, short=True),
        Cell("6.1-amd64", 2, "nopv"),
        Cell("6.12-amd64", 4, "nopv", switches=3),
        Cell("6.12-amd64", 2, "hv"),
        Cell("6.1-amd64", 4, "hv"),
        Cell("6.1-amd64", 2, "nopv", switches=100, limit=3000),
        Cell("6.1-amd64", 4, "nopv", switches=100, limit=3000),
        Cell("6.12-amd64", 2, "nopv", switches=100, limit=3000),
        Cell("6.12-amd64", 4, "nopv", switches=100, limit=3000),
        Cell("6.1-amd64", 4, "nopv", "cost.sh"),
        Cell("6.12-amd64", 2, "nopv", "cost.sh"),
        Cell("6.12-amd64", 4, "nopv", "cost.sh"),
    ]


def make_initramfs(kernel):
    module = images.test_module(kernel, "selftests/enlighten/lockload")
    load = os.path.join(images.KSELFTEST, "remoteload") + ":/bin/remoteload"
    return images.initramfs(kernel, "hvis", os.path.join(images.GUEST, "enlighten"), programs=[load, "nproc"], test_modules=[module],
                            files=[(os.path.join(images.KSELFTEST, "install"), "/kselftest")])


def record(results, prefix, cell, run):
    for title, ok, detail in ktap(run.lines):
        results.check(f"{prefix}.{title.split('.', 1)[1]}", ok, detail)
    if cell.short:
        results.check(f"{prefix}.ends", plan_complete(run.lines), f"the test plan was not completed {run.kernel_said()}")
        judge_panic(results, prefix, run)
        return
    trouble = run.trouble(planned=True)
    results.check(f"{prefix}.ends", not trouble, trouble)


def judge_panic(results, prefix, run):
    """What the host must show of a panic: parameters with a message, registers, the log up to its end. The trace of the one who panics is
    part of the log, so the lines of before are there only if the newest bytes were taken, and in order."""
    with open(run.errors, encoding="utf-8", errors="replace") as text:
        said = text.read()
    results.check(f"{prefix}.panic-status", run.status == 4, f"exit status {run.status}: {said[-300:]}")
    for what, pattern in (("parameters", r"the guest crashed: parameters 0 0 0 0x[0-9a-f]+000 0x[0-9a-f]+"),
                          ("registers", r"VP \d+: rip 0x[0-9a-f]+ rsp 0x[0-9a-f]+"),
                          ("log", r"guest: .*panic: the last words of this kernel(.*\n)+.*guest: .*Kernel panic - not syncing: sysrq")):
        results.check(f"{prefix}.panic-{what}", bool(re.search(pattern, said, re.I)), said[-600:])


def boot(results, context, cell, initrd):
    words = {"short": 1, "panic": 1} if cell.short else {}
    append = images.append("hvis", cell.mode, context.tsc_khz, programs=cell.programs, switches=cell.switches, rounds=ROUNDS,
                           seconds=SECONDS, limit=cell.limit - 40, **words)
    guest = Guest(cell.name, images.kernel("vmlinux", cell.kernel), initrd, append, cell.cpus, limit=cell.limit,
                  options=["--hyperv", SPIN[os.environ.get("HVIS_WITH_KVM", "real")]] if cell.programs == "cost.sh" else [])
    run = Run(guest, context.scratch, results.folder).run()
    record(results, "enlighten." + cell.name.removeprefix("enlighten-"), cell, run)
    if cell.programs == "cost.sh":
        figures(results, cell, run)
    print(f"          {cell.name}: {run.seconds:.0f} s", flush=True)


def difference(run, name):
    """VM exits and seconds between two marks; or None."""
    taken = {mark: (when, stats) for mark, when, stats in run.marks}
    begin, end = taken.get(f"{name}.begin"), taken.get(f"{name}.end")
    if not begin or not end or not begin[1] or not end[1]:
        return None
    return end[1]["exits"] - begin[1]["exits"], end[0] - begin[0]


def exit_rate(run, kind, side):
    """VM exits a second, over all rounds. Those of "none" are what busy CPUs cost by their timers; where KVM is emulated they are most of all."""
    taken = [difference(run, f"{kind}.{side}.{number}") or (0, 0) for number in range(1, ROUNDS + 1)]
    seconds = sum(seconds for _, seconds in taken)
    return sum(exits for exits, _ in taken) / seconds if seconds else 0


class Side:
    """What was measured with an enlightenment off or on, over all rounds."""

    def __init__(self, run, kind, side):
        said = {name: value for name, value, _ in run.figures}

        def all_of(what):
            return [said.get(f"{kind}.{side}.{number}.{what}", 0) for number in range(1, ROUNDS + 1)]

        self.count = sum(all_of("count"))
        # Weighted by how often, which is what a mean of all is.
        self.ns = sum(ns * count for ns, count in zip(all_of("ns"), all_of("count"))) / self.count if self.count else 0
        self.longest_us = max(all_of("longest"))
        self.alone_ps = min(all_of("alone"))


def figures(results, cell, run):
    tag = f".{cell.cpus}cpu" + ("" if cell.kernel == "6.12-amd64" else f".{cell.kernel}")
    if cell.cpus == 4 and cell.kernel == "6.12-amd64":
        tag = ""
    for side in ("off", "on"):
        spin = Side(run, "spin", side)
        results.figure(f"spin.overcommit.ops.{side}{tag}", spin.count / ROUNDS / SECONDS, "1/s")
        results.figure(f"spin.overcommit.longest_us.{side}{tag}", spin.longest_us, "us")
        results.figure(f"spin.uncontended.ns.{side}{tag}", spin.alone_ps / 1000, "ns")
        for kind in ("none", "spin", "tlb", "ipi"):
            results.figure(f"{kind}.exits.{side}{tag}", exit_rate(run, kind, side), "1/s")
        for kind in ("tlb", "ipi"):
            results.figure(f"{kind}.us_per_call.{side}{tag}", Side(run, kind, side).ns / 1000, "us")
    table(results, tag)
    judge(results, cell, tag)


def table(results, tag):
    rows = ["spin.overcommit.ops", "spin.overcommit.longest_us", "spin.uncontended.ns", "tlb.us_per_call", "ipi.us_per_call",
            "none.exits", "spin.exits", "tlb.exits", "ipi.exits"]
    print(f"\n  {'':<34}{'off':>14}{'on':>14}")
    for row in rows:
        off, on = (results.value(f"{row}.{side}{tag}") for side in ("off", "on"))
        print(f"  {row:<34}{off:>14,.2f}{on:>14,.2f}")
    print(flush=True)


def judge(results, cell, tag):
    def value(row, side):
        return results.value(f"{row}.{side}{tag}") or 0

    prefix = "enlighten." + cell.name.removeprefix("enlighten-")
    off, on = (value("tlb.us_per_call", side) for side in ("off", "on"))
    results.check(f"{prefix}.tlb-takes-less-time", 0 < on < off, f"{on:.2f} us, without {off:.2f}")


def job(cell):
    """Only the first is for every make check."""
    weight = 5 if cell.short else 8 + cell.switches / 2
    return Job(cell.name, "guests", weight, lambda: make_initramfs(cell.kernel),
               lambda results, context, initrd: boot(results, context, cell, initrd), rare=cell != cells()[0])


def jobs():
    return [job(cell) for cell in cells()]
