# SPDX-License-Identifier: GPL-2.0
"""What make bench measures, as data: sides (who serves a device, and which driver asks) and loads (what is asked), in sets that belong together."""

from dataclasses import dataclass

KERNEL = "6.12-amd64"
NULL_BYTES = 4 << 30
FILE_BYTES = 128 << 20
CPUS, MEMORY = 1, "512M"
# Where KVM is real an IO costs microseconds, so as many more of them are needed for a time that can be measured.
REAL_TIMES = 50
# Network loads last so long, in seconds.
NET_SECONDS, QUICK_NET_SECONDS = 4, 2
MAC = "52:54:00:12:34:56"


@dataclass(frozen=True)
class Side:
    """One way to a device.

    title: what it is. called: in a sentence. colour: of plots. host: hvis-host, qemu, or none where there is no VM. modules: of the guest, in
    their order. irq: what its interrupts are called in /proc/interrupts. device: how the host is told of a device: for a disk, {drive} is its
    backend, {place} which of the two it is; for a NIC, {tap} is the interface.
    ios: about how many IOs it does in two seconds where KVM is emulated, at depth 1, deeper, and of 1 MiB.
    needs: a device file without which it cannot run. quick: also with QUICK=1.
    """

    name: str
    title: str
    called: str
    colour: str
    host: str
    modules: tuple = ()
    irq: str = ""
    device: str = ""
    machine: tuple = ()
    ios: tuple = ()
    needs: str = ""
    quick: bool = True


IOTHREAD = ("-object", "iothread,id=io")
DISK_SIDES = (
    Side("hvis", "hvis modules, synthetic disk", "", "#2f7ed8", "hvis-host", ("hvis_vmbus", "hvis_storvsc"), "hvis_vmbus",
         "{drive},lun={place}", ios=(1200, 20000, 400)),
    Side("kernel", "kernel's hv_storvsc, same host and disk", "the kernel's hv_storvsc", "#e08214", "hvis-host", ("hv_vmbus", "hv_storvsc"), "HYP:",
         "{drive},lun={place}", ios=(700, 2500, 100)),
    Side("ide", "emulated IDE disk of hvis-host, ata_piix", "the emulated IDE disk", "#d6404e", "hvis-host", ("ata_piix",), "ata_piix",
         "{drive},controller=ide,lun={place}", ios=(250, 250, 50)),
    Side("qemu-ide", "emulated IDE disk of QEMU, ata_piix", "QEMU's IDE disk", "#b565c9", "qemu", ("ata_piix",), "ata_piix",
         "ide-hd,drive={drive},bus=ide.{place}", ios=(200, 200, 40)),
    Side("qemu-virtio-blk", "virtio-blk of QEMU", "QEMU's virtio-blk", "#2a9d63", "qemu", ("virtio_pci", "virtio_blk"), "virtio",
         "virtio-blk-pci,drive={drive},iothread=io", IOTHREAD, (1800, 24000, 600)),
    Side("qemu-virtio-scsi", "virtio-scsi of QEMU", "QEMU's virtio-scsi", "#8c8c2e", "qemu", ("virtio_pci", "virtio_scsi"), "virtio",
         "scsi-hd,drive={drive},bus=scsi.0,scsi-id=0,lun={place}", (*IOTHREAD, "-device", "virtio-scsi-pci,id=scsi,iothread=io"), (1500, 16000, 500),
         quick=False),
    Side("host", "no VM: the same file from a process of the host, by io_uring", "the host itself", "#7f8b96", "none", ios=(12000, 60000, 800)),
)
# What fio says of the same disks: a guest with fio has 80 MB of libraries to unpack, so those are guests of their own, and not all sides.
FIO_SIDES = tuple(side for side in DISK_SIDES if side.name in ("hvis", "kernel", "ide", "qemu-virtio-blk"))
# virtio-net without an option ROM, which the guest would not run anyway.
VIRTIO_NIC = "virtio-net-pci,netdev=net,mac={mac},romfile="
NET_SIDES = (
    Side("hvis", "hvis modules, synthetic NIC", "", "#2f7ed8", "hvis-host", ("hvis_vmbus", "hvis_netvsc"), "hvis_vmbus", "tap={tap},mac={mac}"),
    Side("kernel", "kernel's hv_netvsc, same host and tap", "the kernel's hv_netvsc", "#e08214", "hvis-host", ("hv_vmbus", "hv_netvsc"), "HYP:",
         "tap={tap},mac={mac}"),
    Side("tulip", "emulated DEC 21140A of hvis-host, tulip", "the emulated DEC 21140A", "#d6404e", "hvis-host", ("tulip",), "eth0",
         "tap={tap},mac={mac},model=tulip"),
    Side("qemu-e1000", "emulated e1000 of QEMU", "QEMU's e1000", "#b565c9", "qemu", ("e1000",), "eth0",
         "e1000,netdev=net,mac={mac},romfile="),
    Side("qemu-virtio-net", "virtio-net of QEMU, vhost=off", "QEMU's virtio-net without vhost", "#2a9d63", "qemu", ("virtio_pci", "virtio_net"), "virtio",
         VIRTIO_NIC),
    Side("qemu-vhost-net", "virtio-net of QEMU, vhost=on", "QEMU's virtio-net with vhost", "#8c8c2e", "qemu", ("virtio_pci", "virtio_net"), "virtio",
         VIRTIO_NIC, needs="/dev/vhost-net", quick=False),
    Side("host", "no VM: two network namespaces of the host, joined by a veth pair", "the host itself", "#7f8b96", "none"),
)
MEMORY_SIDES = (
    Side("hvis", "hvis_balloon", "", "#2f7ed8", "hvis-host"),
    Side("kernel", "kernel's hv_balloon, same host", "the kernel's hv_balloon", "#e08214", "hvis-host"),
)
TIME_SIDES = (
    Side("hvis", "kernel booted with nopv, then hvis_timesync and hvis_enlighten", "", "#2f7ed8", "hvis-host"),
    Side("plain", "the same guest before: emulated clock, TSC deadline, interrupts", "the unenlightened kernel", "#d6404e", "none"),
    Side("kernel", "kernel's own Hyper-V code, same host", "the kernel's own Hyper-V code", "#e08214", "hvis-host"),
)
# A set of sides goes round by itself.
SIDES = {"disk": DISK_SIDES, "fio": FIO_SIDES, "net": NET_SIDES, "memory": MEMORY_SIDES, "time": TIME_SIDES}
# What such a comparison should have and this one has not yet; the report says so.
NOT_MEASURED = (
    ("guests of several CPUs with disks or NICs, so that there are several queues", "not by this bench; make measure has two queues of a NIC for our driver and the kernel's"),
    ("bytes that QEMU and drivers of emulated devices copy", "nobody counts them"),
    ("IDE and QEMU's disks by aio=native; QEMU's virtio-balloon", "not measured"),
    ("a null disk without a VM", "there is nothing to measure: nothing would be called"),
)


@dataclass(frozen=True)
class Load:
    """One row of the report: something that is done as often as can be, or takes some time.

    set: whose sides do it. prefix: of its figures' names. rate: the figure that is compared. per: of what the counts are: io, packet or gib; empty:
    it has none. quick: also with QUICK=1. Of a disk: mode is ioload's, with poll- in front for polled completions, fio- if fio does it; disk null or
    file; jobs: so many processes, each at that depth. note: what the page says of it beside its figures.
    """

    set: str
    name: str
    title: str
    rate: str
    per: str
    quick: bool = True
    prefix: str = ""
    disk: str = ""
    mode: str = ""
    block: int = 0
    depth: int = 0
    jobs: int = 1
    note: str = ""

    @property
    def key(self):
        """What the guest calls it, and anchors of the page do."""
        return f"{self.name}.qd{self.depth}" if self.depth else self.name

    @property
    def names(self):
        """The beginning of its figures' names."""
        return self.prefix or f"{self.set}.{self.key}"

    @property
    def words(self):
        depth = f", depth {self.depth}" if self.depth else ""
        return f"{self.title}{depth}{' each' if self.jobs > 1 else ''}"

    def ios(self, side, times):
        """How many IOs one run of it is."""
        shallow, deep, large = side.ios
        return times * (large if self.rate == "mbps" else shallow if self.depth == 1 else deep)

    def runs_on(self, side):
        """Polling is ours alone; without a VM there is no path to a null disk that could be measured, nor a boot."""
        if side.host == "none":
            return self.disk == "file" or self.set == "net" or self.rate == "ns"
        return not self.mode.startswith("poll-") or side.name == "hvis"


def disk(name, title, where, mode, block, depth, quick, jobs=1):
    return Load("disk", name, title, "iops" if block < 65536 else "mbps", "io", quick, disk=where, mode=mode, block=block, depth=depth, jobs=jobs)


def small(name, title, where, mode, depths, quick):
    return tuple(disk(name, title, where, mode, 4096, depth, depth in quick) for depth in depths)


def by_fio(name, title, where, mode, depth):
    return Load("fio", name, title, "iops", "io", False, f"disk.{name}.qd{depth}", where, f"fio-{mode}", 4096, depth)


MIB = 1 << 20
LOADS = (
    *small("randread", "4-KiB random reads, null disk", "null", "randread", (1, 8, 32, 128), (1, 32)),
    *small("randwrite", "4-KiB random writes, null disk", "null", "randwrite", (1, 8, 32, 128), ()),
    disk("seqread", "1-MiB sequential reads, null disk", "null", "read", MIB, 4, False),
    disk("seqwrite", "1-MiB sequential writes, null disk", "null", "write", MIB, 4, False),
    *small("file_randread", "4-KiB random reads, file", "file", "randread", (1, 8, 32, 128), (32,)),
    *small("file_randwrite", "4-KiB random writes, file", "file", "randwrite", (1, 8, 32, 128), ()),
    disk("file_seqread", "1-MiB sequential reads, file", "file", "read", MIB, 4, True),
    disk("file_seqwrite", "1-MiB sequential writes, file", "file", "write", MIB, 4, False),
    disk("randread2", "4-KiB random reads by two jobs, null disk", "null", "randread", 4096, 32, False, 2),
    disk("file_randread2", "4-KiB random reads by two jobs, file", "file", "randread", 4096, 32, False, 2),
    disk("file_randwrite2", "4-KiB random writes by two jobs, file", "file", "randwrite", 4096, 32, False, 2),
    # Last of the disk's: for them the driver is loaded anew with poll queues, which the others shall not see.
    *small("poll_randread", "4-KiB random reads, null disk, polled", "null", "poll-randread", (1, 32), ()),
    by_fio("fio_randread", "4-KiB random reads by fio, null disk", "null", "randread", 1),
    by_fio("fio_randread", "4-KiB random reads by fio, null disk", "null", "randread", 32),
    by_fio("fio_file_randwrite", "4-KiB random writes by fio, file", "file", "randwrite", 32),
    Load("net", "tcp_tx", "TCP out of the guest", "mbps", "packet"),
    Load("net", "tcp_rx", "TCP into the guest", "mbps", "packet"),
    Load("net", "udp", "UDP packets of 64 bytes out of the guest", "pps", "packet"),
    Load("net", "rr", "1-byte requests and answers by TCP, one at a time", "ops", "packet"),
    # Every guest of the disks' does these two before its loads.
    Load("disk", "boot", "boot until both disks are there", "ms", "", prefix="boot.disks"),
    Load("disk", "clock", "one clock_gettime() of a program", "ns", "", prefix="clock.gettime"),
    Load("memory", "reclaim", "192 of 512 MiB taken", "reclaim.mibps", "gib", prefix="balloon"),
    Load("time", "time.clock", "one clock_gettime(), by the best clock of the kernel", "ns", "", prefix="time.clock"),
    Load("time", "time.sleep", "a sleep of 1 ms is longer by", "ns", "", prefix="time.sleep"),
    Load("time", "time.tlb", "TLB flush of another CPU that is busy", "ns", "", prefix="time.tlb"),
    Load("time", "time.spin", "a take of a spinlock that two CPUs want all the time", "ns", "", False, prefix="time.spin",
         note="With our modules each wait passes a hook (ftrace), which costs more than it saves where KVM finds out by itself who spins: it counts PAUSE "
              "exits, and hardly a wait gets long enough to tell the hypervisor of it (docs/enlighten.md has the counts)."),
    Load("time", "time.ipi", "interrupt to another CPU that is busy (membarrier)", "ns", "", prefix="time.ipi"),
)
# Before the loads, in each guest of a disk.
ALWAYS = ("boot", "clock")


def side(set_name, name):
    return next(side for side in SIDES[set_name] if side.name == name)


def side_names():
    """Each once, in the order of the sets."""
    return list(dict.fromkeys(side.name for sides in SIDES.values() for side in sides))


def loads(quick):
    return [load for load in LOADS if load.quick or not quick]


def chosen_sides(set_name, names, quick):
    """names: those that were asked for, or None."""
    return [side.name for side in SIDES[set_name] if (side.name in names if names else side.quick or not quick)]


def guest_words(side_of_disk, chosen, times):
    """The loads of one guest as bench/guest reads them."""
    return ",".join(f"{load.key}:{load.disk}:{load.mode}:{load.block}:{load.depth}:{load.jobs}:{load.ios(side_of_disk, times)}"
                    for load in chosen if load.disk and load.runs_on(side_of_disk))
