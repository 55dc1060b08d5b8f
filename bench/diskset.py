# SPDX-License-Identifier: GPL-2.0
"""The disks of make bench: a null disk and a file, the same for all sides, and a guest that does IOs on them, by ioload or by fio. Without a VM:
native.py."""

import os

import counts
import guests
import images
import native
import qemu
import scenarios
from guest import Guest

# The IDE controller's second channel begins at its third place; a synthetic or virtio disk just has the next number.
PLACES = {"ide": (0, 2)}


def prepare(kernel, programs=()):
    """One initramfs for all sides: only the disk and its driver differ."""
    modules = sorted({module for side in scenarios.DISK_SIDES for module in side.modules if not module.startswith("hvis_")})
    return images.initramfs(kernel, "hvis", os.path.join(images.TOP, "bench", "guest"), modules=modules,
                            programs=[*(f"{images.KSELFTEST}/{program}:/bin/{program}" for program in ("ioload", "clockload")), *programs])


def prepare_fio(kernel):
    return prepare(kernel, ["fio"])


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
    return [side.device.format(drive=drive, place=place) for drive, place in zip(drives, places)]


def qemu_disks(side, path, direct):
    """The same backends in QEMU's words: null-co and a file, by io_uring."""
    drives = ((f"driver=null-co,node-name=null,size={scenarios.NULL_BYTES}", "null"),
              (f"driver=file,node-name=disk,filename={qemu.option(path)},aio=io_uring,cache.direct={'on' if direct else 'off'}", "disk"))
    return [(backend, side.device.format(drive=drive, place=place)) for place, (backend, drive) in enumerate(drives)]


def guest_of(set_name, side, plan, path, direct, tsc_khz):
    loads = [load for load in scenarios.LOADS if load.set == set_name and load.key in plan["loads"]]
    append = images.append(side.name, "hv", tsc_khz, modules=",".join(side.modules), irq=side.irq, null=scenarios.NULL_BYTES // 512,
                           file=scenarios.FILE_BYTES // 512, idle=plan["idle"], limit=guests.LIMIT,
                           loads=scenarios.guest_words(side, loads, plan["times"]))
    disks = (qemu_disks if side.host == "qemu" else hvis_disks)(side, path, direct)
    return Guest(f"bench-{set_name}-{side.name}", images.kernel("vmlinux", plan["kernel"]), plan["initrds"][set_name], append, scenarios.CPUS,
                 scenarios.MEMORY, disks=disks, options=list(side.machine), limit=guests.LIMIT + 40)


class Set:
    """begin() once, then boot() for each side and round."""

    name = "disk"

    def begin(self, results, context):
        self.path = make_file(context.scratch)
        self.direct = takes_o_direct(self.path)
        results.host["file_backend"] = "O_DIRECT" if self.direct else "page cache: this file system takes no O_DIRECT"

    def boot(self, results, context, side, plan):
        """False if the side cannot be used here, with a check that says why."""
        if side.host == "none":
            return native.disk(results, side, plan, self.path)
        sampler = counts.Sampler()
        guest = guest_of(self.name, side, plan, self.path, self.direct, context.tsc_khz)
        run = guests.boot(results, f"bench.{self.name}.{side.name}", side, guest, context, sampler)
        if run:
            self.record(results, run, sampler, side.name)
        return bool(run)

    def record(self, results, run, sampler, side):
        counts.record_boot(results, run, sampler, side)
        counts.record_disks(results, run, sampler, side)


class FioSet(Set):
    """The same by fio. Its guests have more to unpack, so they say nothing of boots."""

    name = "fio"

    def record(self, results, run, sampler, side):
        counts.record_disks(results, run, sampler, side)
