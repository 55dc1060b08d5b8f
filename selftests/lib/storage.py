# SPDX-License-Identifier: GPL-2.0
"""Poll queues, hot-plug and resize: guests whose disks the other side adds, grows and takes away at the guest's word."""

import os

import images
from guest import Guest, Run, ktap
from jobs import Job

KERNELS = ("6.1-amd64", "6.12-amd64")
PROGRAMS = ("queues.sh", "poll", "hotplug.sh")
SMALL, LARGE = "64M", "128M"


class Plugger:
    """Does what the guest's marks ask for (selftests/storvsc/hotplug.sh)."""

    def __init__(self):
        self.run = None
        self.failed = []
        self.open_files = {}

    def ask(self, command, **arguments):
        if self.run.ask(command, **arguments) is None:
            self.failed.append(f"{command} {arguments}")

    def mark(self, name, _stats):
        if name == "lun-add":
            self.ask("disk-add", spec=f"null={SMALL},lun=7")
        elif name == "lun-grow":
            self.ask("disk-resize", controller=0, lun=7, size=LARGE)
        elif name == "lun-remove":
            self.ask("disk-remove", controller=0, lun=7)
        elif name == "controller-add":
            self.ask("controller-add", spec="1")
            self.ask("disk-add", spec=f"null={SMALL},controller=1,lun=9")
        elif name == "controller-remove":
            self.ask("controller-remove", controller=1)
        elif name.startswith("rounds-"):
            self.open_files[name] = len(os.listdir(f"/proc/{self.run.process.pid}/fd"))


def record(results, name, run, plugger):
    prefix = f"storvsc.{name}"
    for title, ok, detail in ktap(run.lines):
        # Here nothing may be skipped: the guest was made for it.
        results.check(f"{prefix}.{title.split('.', 1)[1]}", bool(ok), detail)
    trouble = run.trouble(planned=True)
    results.check(f"{prefix}.ends", not trouble, trouble)
    results.check(f"{prefix}.host-did-all-that-was-asked", not plugger.failed, "; ".join(plugger.failed[:5]))
    begin, end = (plugger.open_files.get(f"rounds-{when}") for when in ("begin", "end"))
    # Our own connections come and go in that number; a file for each of 45 rounds would not hide.
    results.check(f"{prefix}.host-keeps-no-file-open", begin is not None and end is not None and end < begin + 10,
                  f"{begin} files open after 5 rounds, {end} after all")


def check(results, context, prepared):
    plugger = Plugger()
    kernel, initrd, name = prepared["kernel"], prepared["initrd"], prepared["name"]
    append = images.append("hvis", "nopv", context.tsc_khz, luns="0", storvsc="mq_poll=2", programs=",".join(PROGRAMS),
                           errors_on="sdb", limit=260)
    guest = Guest(name, images.kernel("vmlinux", kernel), initrd, append, 2, disks=["null=1G,lun=0"], limit=300)
    run = Run(guest, context.scratch, results.folder, on_mark=plugger.mark)
    plugger.run = run
    record(results, name, run.run(), plugger)


def preparer(kernel):
    def prepare():
        initrd = images.initramfs(kernel, "hvis", os.path.join(images.GUEST, "storage"),
                                  files=[(os.path.join(images.KSELFTEST, "install"), "/kselftest")])
        return {"kernel": kernel, "initrd": initrd, "name": f"storage-{kernel}"}
    return prepare


def jobs():
    return [Job(f"storage-{kernel}", "guests", 11, preparer(kernel), check, rare=kernel != KERNELS[-1]) for kernel in KERNELS]
