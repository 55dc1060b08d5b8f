# SPDX-License-Identifier: GPL-2.0
"""Boots the guests of make bench, the sides in turn, round after round; where KVM works."""

import os
import time

import counts
import images
import qemu
import scenarios
from guest import Guest, Run

# The IDE controller's second channel begins at its third place; a synthetic or virtio disk just has the next number.
PLACES = {"ide": (0, 2)}
GUEST_LIMIT = 500
# A guess for the first progress line: what booting takes where KVM is emulated.
BOOT_SECONDS = 14


def prepare(kernel):
    """One initramfs for all sides: only the disk and its driver differ."""
    modules = sorted({module for side in scenarios.SIDES for module in side.modules if not module.startswith("hvis_")})
    return images.initramfs(kernel, "hvis", os.path.join(images.TOP, "bench", "guest"), modules=modules,
                            programs=[f"{images.KSELFTEST}/ioload:/bin/ioload"])


def takes_o_direct(path):
    """tmpfs of 6.1 does not; then all sides go through the page cache alike."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_DIRECT))
        return True
    except OSError:
        return False


def make_file(scratch):
    """The file that all sides work on: written, so that no side meets holes that another one has filled."""
    path = os.path.join(scratch, "bench-disk")
    with open(path, "wb") as out:
        for _ in range(scenarios.FILE_BYTES >> 20):
            out.write(b"\x5a" * (1 << 20))
    return path


def hvis_disks(side, path, direct):
    places = PLACES.get(side.name, (0, 1))
    drives = (f"null={scenarios.NULL_BYTES}", f"file={path},direct={'on' if direct else 'off'}")
    return [side.disk.format(drive=drive, place=place) for drive, place in zip(drives, places)]


def qemu_disks(side, path, direct):
    """The same backends in QEMU's words: null-co and a file, by io_uring."""
    drives = ((f"driver=null-co,node-name=null,size={scenarios.NULL_BYTES}", "null"),
              (f"driver=file,node-name=disk,filename={qemu.option(path)},aio=io_uring,cache.direct={'on' if direct else 'off'}", "disk"))
    return [(backend, side.disk.format(drive=drive, place=place)) for place, (backend, drive) in enumerate(drives)]


def guest_of(side, plan, path, direct, tsc_khz):
    words = scenarios.guest_words(side, [load for load in scenarios.LOADS if load.key in plan["loads"]], plan["times"])
    append = images.append(side.name, "hv", tsc_khz, modules=",".join(side.modules), irq=side.irq, null=scenarios.NULL_BYTES // 512,
                           file=scenarios.FILE_BYTES // 512, idle=plan["idle"], limit=GUEST_LIMIT, loads=words)
    disks = (qemu_disks if side.host == "qemu" else hvis_disks)(side, path, direct)
    return Guest(f"bench-{side.name}", images.kernel("vmlinux", plan["kernel"]), plan["initrd"], append, scenarios.CPUS, scenarios.MEMORY,
                 disks=disks, options=list(side.machine), limit=GUEST_LIMIT + 40)


def boot(results, context, side, plan, path, direct):
    """One guest of one side; its figures go to results. False if its host cannot be used at all, with a check that says why."""
    sampler = counts.Sampler()
    run = (qemu.QemuRun if side.host == "qemu" else Run)(guest_of(side, plan, path, direct, context.tsc_khz), context.scratch,
                                                         results.folder, on_mark=sampler.mark)
    sampler.run = run
    try:
        run.run()
    except FileNotFoundError as missing:
        results.check(f"bench.{side.name}", None, f"{missing.filename} is not installed")
        return False
    refused = run.never_started() if side.host == "qemu" else None
    if refused:
        results.check(f"bench.{side.name}", None, f"QEMU cannot be used here: {refused}")
        return False
    trouble = run.trouble()
    results.check(f"bench.{side.name}", not trouble, trouble)
    counts.record(results, run, sampler, side.name)
    return True


class Progress:
    """One line before each guest: how far, and how long it will take from what the same side took before."""

    def __init__(self, plan):
        self.plan = plan
        self.left = [name for _ in range(plan["rounds"]) for name in plan["sides"]]
        self.total = len(self.left)
        self.took = {}
        self.begun = time.monotonic()

    def guess(self, name):
        side = scenarios.side(name)
        loads = sum(load.runs_on(side) for load in scenarios.LOADS if load.key in self.plan["loads"])
        return BOOT_SECONDS + 2.5 * loads

    def next(self, name):
        done = self.total - len(self.left)
        known = sum(self.took.values()) / max(1, sum(self.guess(name) for name in self.took)) if self.took else 1
        left = sum(self.took.get(name) or self.guess(name) * known for name in self.left)
        print(f"bench: guest {done + 1} of {self.total} ({name}), about {left / 60:.1f} minutes left", flush=True)
        self.begun = time.monotonic()

    def done(self, name):
        self.took[name] = time.monotonic() - self.begun
        self.left.pop(0)

    def without(self, name):
        self.left = [other for other in self.left if other != name]


def run(results, context, plan):
    """All rounds. What one side gains by running first in a round, another one does in the next: the order turns."""
    path = make_file(context.scratch)
    direct = takes_o_direct(path)
    results.host["file_backend"] = "O_DIRECT" if direct else "page cache: this file system takes no O_DIRECT"
    results.host["qemu"] = qemu.version()
    progress, sides = Progress(plan), list(plan["sides"])
    for _ in range(plan["rounds"]):
        for name in list(sides):
            progress.next(name)
            usable = boot(results, context, scenarios.side(name), plan, path, direct)
            progress.done(name)
            results.save()
            if not usable:
                sides.remove(name)
                progress.without(name)
        sides = sides[1:] + sides[:1]
