# SPDX-License-Identifier: GPL-2.0
"""What programs have in memory stays what it is while memory is taken, given back, added and removed under them, and none is killed."""

import os
import re

import balloon
import images
from guest import Guest, Run
from jobs import Job

START, SMALL, LARGE = 1024, 976, 1280
CYCLE = (SMALL, START, LARGE, START)
# A guest that keeps what its programs need has done what it was asked for.
SPARED = ("the guest can spare no more", "the guest's own floor is reached")


class Host(balloon.Host):
    """One mark of the guest's: all cycles."""

    cycles = 0
    moved, short, refused = {}, ["not begun"], None

    def mark(self, _name, _stats):
        begun = self.query()
        short = []
        for cycle in range(self.cycles):
            for mib in CYCLE:
                status, _, err = self.ctl("set-memory", f"{mib}M", "--wait=60")
                if status and not err.endswith(SPARED):
                    short.append(f"cycle {cycle}, {mib} MiB: {err}")
        ended = self.query()
        self.moved = {name: ended["requests"][name] - begun["requests"][name] for name in ended["requests"]}
        self.short = short
        self.refused = {name: count for name, count in ended["refused"].items() if count}


def said(lines, pattern):
    """The number in the line that begins so; None: there is no such line."""
    found = [re.match(pattern, line) for line in lines]
    numbers = [int(match.group(1)) for match in found if match]
    return numbers[0] if numbers else None


def outcome(host, run):
    """(name, whether it holds, detail), in the order of what is worse."""
    rounds, pressed = said(run.lines, r"integrity: holdmem: (\d+) rounds"), said(run.lines, r"integrity: pressed (\d+)")
    killed = said(run.lines, r"integrity: killed (\d+)")
    moved, short = host.moved, host.short
    kinds = ["balloon", "unballoon", "hot_add"] + ["hot_remove"] * host.removes
    wrong = [line for line in run.lines if "integrity: holdmem: part" in line]
    return [
        ("no-mismatch", "integrity: ok held" in run.lines and not wrong, f"{wrong[:2]} {run.lines[-3:]}"),
        ("nobody-killed", killed == 0, f"{killed}"),
        ("looked-meanwhile", bool(rounds and pressed), f"{rounds} rounds, {pressed} times memory was taken"),
        ("every-size-reached-or-spared", not short, f"{len(short)} of {host.cycles * len(CYCLE)} not: {short[:2]}"),
        ("all-kinds-of-requests", all(moved.get(kind) for kind in kinds), f"{moved}"),
        ("nothing-refused", host.refused == {}, f"{host.refused}"),
    ]


def check_with(name, driver, mode, kernel, cycles):
    def check(results, context, initrd):
        host = Host(results, name.replace("-", ".", 1), driver, driver == "hvis")
        host.cycles = cycles
        limit = 120 + cycles * 40
        guest = Guest(name, images.kernel("vmlinux", kernel), initrd,
                      images.append(driver, mode, context.tsc_khz, limit=limit - 20), cpus=2,
                      memory=f"startup={START}M,min=128M,max=2G", limit=limit)
        host.run = Run(guest, context.scratch, results.folder, on_mark=host.mark)
        run = host.run.run()
        found = [*outcome(host, run), ("guest", not run.trouble(), run.trouble())]
        if driver == "hvis":
            for what, good, detail in found:
                host.check(what, good, detail)
        else:  # told, not judged
            wrong = [f"{what}: {detail}" for what, good, detail in found if not good]
            results.check("kernel-driver.balloon.integrity", None, "; ".join(wrong) or "holds")
        results.figure(f"balloon.integrity.rounds.{driver}", said(run.lines, r"integrity: holdmem: (\d+) rounds") or 0, "1")

    return check


def job(name, driver, mode, cycles):
    kernel = "6.12-amd64"
    programs = [f"{images.KSELFTEST}/{program}:/bin/{program}" for program in ("usemem", "holdmem")]
    modules = ["hv_balloon"] if driver == "kernel" else []
    return Job(name, "guests", 6 + 2 * cycles, lambda: images.initramfs(kernel, driver, os.path.join(images.GUEST, "integrity"),
                                                                    programs=programs, modules=modules, files=images.MEMORY),
               check_with(name, driver, mode, kernel, cycles), rare=True)


def jobs():
    return [
        job("balloon-integrity", "hvis", "nopv", 4),
        job("balloon-integrity-50", "hvis", "hv", 50),
        job("balloon-integrity-kernel", "kernel", "hv", 50),
    ]
