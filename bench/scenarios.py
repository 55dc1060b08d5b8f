# SPDX-License-Identifier: GPL-2.0
"""What make bench measures, as data: sides (who serves a disk, and which driver asks) and loads (what is asked)."""

from dataclasses import dataclass

KERNEL = "6.12-amd64"
NULL_BYTES = 4 << 30
FILE_BYTES = 128 << 20
CPUS, MEMORY = 1, "512M"
# Where KVM is real an IO costs microseconds, so as many more of them are needed for a time that can be measured.
REAL_TIMES = 50


@dataclass(frozen=True)
class Side:
    """One way to a disk.

    host: hvis-host or qemu. modules: of the guest, in their order. irq: what its interrupts are called in /proc/interrupts.
    disk: how the host is told to attach a disk; {drive} is its backend, {place} which of the two it is.
    ios: about how many IOs it does in two seconds where KVM is emulated, at depth 1, deeper, and of 1 MiB.
    """

    name: str
    title: str
    host: str
    modules: tuple
    irq: str
    ios: tuple
    machine: tuple = ()
    disk: str = ""


QEMU_IOTHREAD = ("-object", "iothread,id=io")
SIDES = (
    Side("hvis", "hvis modules, synthetic disk", "hvis-host", ("hvis_vmbus", "hvis_storvsc"), "hvis_vmbus", (1200, 12000, 150),
         disk="{drive},lun={place}"),
    Side("kernel", "kernel's hv_storvsc, same host and disk", "hvis-host", ("hv_vmbus", "hv_storvsc"), "HYP:", (700, 2500, 100),
         disk="{drive},lun={place}"),
    Side("ide", "emulated IDE disk of hvis-host, ata_piix", "hvis-host", ("ata_piix",), "ata_piix", (250, 250, 50),
         disk="{drive},controller=ide,lun={place}"),
    Side("qemu-ide", "emulated IDE disk of QEMU, ata_piix", "qemu", ("ata_piix",), "ata_piix", (200, 200, 40),
         disk="ide-hd,drive={drive},bus=ide.{place}"),
    Side("qemu-virtio-blk", "virtio-blk of QEMU", "qemu", ("virtio_pci", "virtio_blk"), "virtio", (600, 1600, 80), QEMU_IOTHREAD,
         "virtio-blk-pci,drive={drive},iothread=io"),
    Side("qemu-virtio-scsi", "virtio-scsi of QEMU", "qemu", ("virtio_pci", "virtio_scsi"), "virtio", (450, 1600, 80),
         (*QEMU_IOTHREAD, "-device", "virtio-scsi-pci,id=scsi,iothread=io"), "scsi-hd,drive={drive},bus=scsi.0,scsi-id=0,lun={place}"),
)
# What such a comparison should have and this one has not yet; the report says so.
NOT_MEASURED = (
    ("tulip", "network, emulated DEC 21140A against hvis_netvsc", "not measured: no such device yet"),
    ("network", "network, hvis_netvsc and the kernel's hv_netvsc against QEMU's e1000 and virtio-net",
     "not measured by this bench yet; make measure has our driver and the kernel's"),
    ("host", "the host itself, without a VM, as the limit", "not measured"),
    ("jobs", "two jobs at a time", "not measured"),
    ("enlightenments", "clocks, spin, TLB flush, IPI, memory, boot", "not measured by this bench yet; make check-all and make measure have them in part"),
)


@dataclass(frozen=True)
class Load:
    """Some IOs of one kind. mode: ioload's, with poll- in front for polled completions. disk: null or file. quick: also with QUICK=1."""

    name: str
    title: str
    disk: str
    mode: str
    block: int
    depth: int
    quick: bool = False

    @property
    def key(self):
        """Its part of a figure's name."""
        return f"{self.name}.qd{self.depth}"

    @property
    def rate(self):
        return "iops" if self.block < 65536 else "mbps"

    def ios(self, side, times):
        """How many IOs one run of it is."""
        shallow, deep, large = side.ios
        return times * (large if self.rate == "mbps" else shallow if self.depth == 1 else deep)

    def runs_on(self, side):
        return not self.mode.startswith("poll-") or side.name == "hvis"


def small(name, title, disk, mode, depths, quick):
    return tuple(Load(name, title, disk, mode, 4096, depth, depth in quick) for depth in depths)


LOADS = (
    *small("randread", "4-KiB random reads, null disk", "null", "randread", (1, 8, 32, 128), (1, 32)),
    *small("randwrite", "4-KiB random writes, null disk", "null", "randwrite", (1, 8, 32, 128), (32,)),
    Load("seqread", "1-MiB sequential reads, null disk", "null", "read", 1 << 20, 4, True),
    Load("seqwrite", "1-MiB sequential writes, null disk", "null", "write", 1 << 20, 4),
    *small("file_randread", "4-KiB random reads, file", "file", "randread", (1, 8, 32, 128), (32,)),
    *small("file_randwrite", "4-KiB random writes, file", "file", "randwrite", (1, 8, 32, 128), ()),
    Load("file_seqread", "1-MiB sequential reads, file", "file", "read", 1 << 20, 4),
    Load("file_seqwrite", "1-MiB sequential writes, file", "file", "write", 1 << 20, 4),
    # Last: for them the driver is loaded anew with poll queues, which the others shall not see.
    *small("poll_randread", "4-KiB random reads, null disk, polled", "null", "poll-randread", (1, 32), (32,)),
)


def side(name):
    return next(side for side in SIDES if side.name == name)


def loads(quick):
    return [load for load in LOADS if load.quick or not quick]


def guest_words(side, chosen, times):
    """The loads of one guest as bench/guest reads them."""
    return ",".join(f"{load.key}:{load.disk}:{load.mode}:{load.block}:{load.depth}:{load.ios(side, times)}"
                    for load in chosen if load.runs_on(side))
