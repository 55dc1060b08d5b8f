# SPDX-License-Identifier: GPL-2.0
"""Which guests run the kselftests: kernels, vCPUs, both modes, our driver and the kernel's own."""

import os
from dataclasses import dataclass
from functools import lru_cache

import images
import traces
from guest import Guest, Run, ktap
from jobs import Job


@dataclass(frozen=True)
class Cell:
    """One guest of the matrix."""

    kernel: str
    cpus: int
    driver: str  # "hvis" or "kernel"
    mode: str  # "nopv" or "hv"
    tests: str = "storvsc"
    end: str = "poweroff"
    reloads: int = 3
    options: tuple = ()
    limit: int = 240
    label: str = ""  # what the options mean, if they are too long for a name
    rare: bool = False  # not in make check, as others are like it
    traced: str = ""  # leaves a trace that selftests/lib/traces.py looks at afterwards: "all", or a part of its run: "part"

    @property
    def name(self):
        extra = self.label or "-".join(option.lstrip("-").replace(" ", "") for option in self.options)
        return f"{self.kernel}-{self.cpus}cpu-{self.driver}-{self.mode}" + (f"-{extra}" if extra else "")

    @property
    def weight(self):
        """About how long it takes, in parts of the shortest, for sharing the work."""
        return 2 + 6 * ("fio" in self.tests) + 4 * self.cpus * ("vmbus" in self.tests) + self.reloads / 5

    @property
    def programs(self):
        """What its initramfs needs beside busybox; fio brings 80 MB of libraries along, so only where it is used."""
        return ("fio",) if "fio" in self.tests else ()

    @property
    def exit_status(self):
        """What hvis-host must return for the way this guest ends."""
        return {"poweroff": 0, "reboot": 3, "crash": 4}[self.end]


def cells():
    """Every axis in full against the others for our driver, if the rare ones are counted; without them each two of kernel, vCPUs and mode
    meet. The kernel's driver has one mode only."""
    return [
        Cell("6.1-amd64", 1, "hvis", "nopv", "vmbus,storvsc"),
        Cell("6.1-amd64", 1, "hvis", "nopv", "vmbus", reloads=100, limit=400, label="100-reloads", rare=True),
        Cell("6.1-amd64", 1, "hvis", "hv", rare=True),
        Cell("6.1-amd64", 1, "kernel", "hv", "storvsc,fio"),
        Cell("6.1-amd64", 2, "hvis", "nopv", "storvsc,fio", rare=True),
        Cell("6.1-amd64", 2, "hvis", "hv"),
        Cell("6.1-amd64", 2, "kernel", "hv", end="crash", rare=True),
        Cell("6.12-amd64", 1, "hvis", "nopv", traced="part"),
        Cell("6.12-amd64", 1, "hvis", "hv", "vmbus,storvsc", reloads=5, rare=True),
        Cell("6.12-amd64", 1, "kernel", "hv", traced="all"),
        Cell("6.12-amd64", 2, "hvis", "nopv", "vmbus", options=("--hyperv apicv=on",), label="apicv"),
        Cell("6.12-amd64", 2, "hvis", "nopv", "vmbus", rare=True),
        Cell("6.12-amd64", 2, "hvis", "hv", "storvsc,fio", end="crash"),
        Cell("6.12-amd64", 2, "kernel", "hv", "vmbus,storvsc", rare=True),
        Cell("6.1-amd64", 2, "hvis", "hv", "vmbus", label="vmbus", rare=True),
        Cell("6.1-cloud-amd64", 2, "hvis", "nopv", "vmbus", rare=True),
        Cell("6.12-cloud-amd64", 2, "hvis", "hv", "vmbus", rare=True),
        Cell("6.1-cloud-amd64", 1, "hvis", "nopv", end="reboot", traced="all"),
        Cell("6.1-cloud-amd64", 1, "kernel", "hv", options=("--vmbus-version 4.0",)),
        Cell("6.12-cloud-amd64", 1, "hvis", "hv", options=("--vmbus-version 3.0",)),
        # MODIFYCHANNEL without an answer, which the host comes to only after a while.
        Cell("6.1-amd64", 2, "hvis", "hv", "fio", label="late-modify", rare=True,
             options=("--vmbus-version 5.2", "--fault message,from=guest,type=modify:delay,ms=1500")),
    ]


def make_disk(folder, name, mib):
    path = os.path.join(folder, name)
    with open(path, "wb") as disk:
        disk.truncate(mib << 20)
    return path


def disks(folder):
    """LUN 0 read-write, 1 with 4-KiB blocks, 2 read-only, 3 without a file."""
    return [
        f"file={make_disk(folder, 'rw', 64)},lun=0,serial=hvis-rw",
        f"file={make_disk(folder, '4k', 16)},lun=1,block=4096",
        f"file={make_disk(folder, 'ro', 4)},lun=2,ro",
        "null=1G,lun=3",
    ]


def record(results, cell, run):
    """A guest passes if it ended as it should, its plans are complete and its kernel log is clean."""
    def title(part, rest):
        prefix = "kernel-driver" if cell.driver == "kernel" else {"fio": "storvsc"}.get(part, part)
        return f"{prefix}.{cell.name}.{rest}"

    for name, ok, detail in ktap(run.lines):
        part, rest = name.split(".", 1)
        results.check(title(part, rest), ok, detail)
    trouble = run.trouble(cell.exit_status, planned=True)
    results.check(title("storvsc", f"ends-by-{cell.end}"), not trouble, trouble)
    print(f"          {cell.name}: {run.seconds:.0f} s", flush=True)


def boot(results, cell, context, initrd):
    append = images.append(cell.driver, cell.mode, context.tsc_khz, tests=cell.tests, luns="0,1,2,3", reloads=cell.reloads,
                           end=cell.end, limit=cell.limit - 40)
    options = [word for option in cell.options for word in option.split()]
    if cell.traced == "all":
        options += traces.options(results.folder, cell.name)
    # What a machine boots unpacks itself, which takes seconds where the CPU is emulated: one flavour shows that it does.
    image = images.kernel("vmlinuz" if "cloud" in cell.kernel else "vmlinux", cell.kernel)
    guest = Guest(cell.name, image, initrd, append, cell.cpus, disks=disks(context.scratch),
                  options=options, limit=cell.limit)
    run = Run(guest, context.scratch, results.folder)
    if cell.traced == "part":
        traces.Part(results, run)
    record(results, cell, run.run())


@lru_cache(maxsize=None)
def prepare(kernel, driver, programs):
    """Cells that boot the same files share one initramfs."""
    load = os.path.join(images.KSELFTEST, "lieload") + ":/bin/lieload"
    return images.initramfs(kernel, driver, os.path.join(images.GUEST, "run"), programs=[*images.SG_TOOLS, load, *programs],
                            files=[(os.path.join(images.KSELFTEST, "install"), "/kselftest")])


def jobs():
    def job(cell):
        return Job(cell.name, "guests", cell.weight, lambda: prepare(cell.kernel, cell.driver, cell.programs),
                   lambda results, context, initrd: boot(results, cell, context, initrd),
                   (lambda results, folder: traces.check(results, folder, cell.name, cell.traced)) if cell.traced else None, cell.rare,
                   late="cloud" in cell.kernel)

    return [job(cell) for cell in cells()]
