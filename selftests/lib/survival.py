# SPDX-License-Identifier: GPL-2.0
"""The host is killed while a guest writes: everything a completed flush covered is in the file."""

import os
import threading

import images
from guest import Guest, Run
from jobs import Job

BLOCK = 65536
BLOCKS = 512


def pattern(number):
    """What the guest's survival test writes as block number NUMBER (selftests/guest/flushed)."""
    return f"block {number:8d}\n".encode() * (BLOCK // 15) + b"\n" * (BLOCK % 15)


class Killer:
    """Kills the host after the guest has reported some flushed blocks, in the middle of the next writes."""

    def __init__(self, after):
        self.after = after
        self.flushed = 0
        self.enough = threading.Event()

    def line(self, line):
        if line.startswith("flushed "):
            self.flushed = int(line.split()[1])
            if self.flushed >= self.after:
                self.enough.set()


def check(results, context, initrd):
    path = os.path.join(context.scratch, "survival")
    with open(path, "wb") as disk:
        disk.truncate(BLOCK * BLOCKS)
    killer = Killer(after=96)
    guest = Guest("survival", images.kernel("vmlinux", "6.1-amd64"), initrd,
                  images.append("hvis", "nopv", context.tsc_khz, luns="0"), disks=[f"file={path},lun=0"], limit=120)
    run = Run(guest, context.scratch, results.folder, on_line=killer.line)
    run.start()
    reached = killer.enough.wait(100)
    run.kill()
    run.wait()
    with open(path, "rb") as disk:
        intact = sum(disk.read(BLOCK) == pattern(number) for number in range(killer.flushed))
    detail = f"{intact} of {killer.flushed} flushed blocks are in the file"
    results.check("storvsc.survival.kill-9-keeps-what-was-flushed", reached and intact == killer.flushed, detail)


def prepare():
    writer = os.path.join(images.KSELFTEST, "flushed-writer") + ":/bin/flushed-writer"
    return images.initramfs("6.1-amd64", "hvis", os.path.join(images.GUEST, "flushed"), programs=[writer])


def jobs():
    return [Job("survival", "guests", 3, prepare, check)]
