# SPDX-License-Identifier: GPL-2.0
"""Disks and controllers plugged while a guest does IO, and what the control socket refuses."""

import json
import os
import socket
import subprocess
from dataclasses import dataclass

import images
from guest import HOST, Guest, Run
from jobs import Job

MIB = 1 << 20
STEPS = ("added", "read", "grown", "shrunk", "removed", "replaced", "replaced-size", "rounds", "controller-added",
         "controller-removed", "many", "sixty-four", "io")


def refusals(path):
    """(name, arguments of ctl, what the message must contain), while disk 0 is PATH on controller 0."""
    return [
        ("disk-add-nothing", ["disk-add"], "needs spec"),
        ("disk-add-unknown-key", ["disk-add", "null=1M,colour=red"], "unknown part 'colour'"),
        ("disk-add-absent", ["disk-add", "file=/nowhere"], "/nowhere"),
        ("disk-add-in-use", ["disk-add", f"file={path}"], "in use"),
        ("disk-add-taken", ["disk-add", "null=1M,lun=0"], "LUN 0 is taken"),
        ("disk-add-no-controller", ["disk-add", "null=1M,controller=2"], "no controller 2"),
        ("disk-add-number", ["disk-add", "spec=5", "x=1"], "takes no"),
        ("disk-remove-absent", ["disk-remove", "controller=0", "lun=33"], "no LUN 33"),
        ("disk-remove-no-controller", ["disk-remove", "controller=3", "lun=0"], "no controller 3"),
        ("disk-remove-without-lun", ["disk-remove", "controller=0"], "needs lun"),
        ("disk-remove-not-a-number", ["disk-remove", "controller=0", "lun=one"], "lun must be a number"),
        ("disk-resize-absent", ["disk-resize", "controller=0", "lun=33", "size=1G"], "no LUN 33"),
        ("disk-resize-not-a-size", ["disk-resize", "controller=0", "lun=0", "size=big"], "must be a size"),
        ("disk-resize-odd", ["disk-resize", "controller=0", "lun=0", "size=1000"], "multiple of the 512-byte block"),
        ("disk-resize-zero", ["disk-resize", "controller=0", "lun=0", "size=0"], "multiple of the 512-byte block"),
        ("disk-resize-smaller", ["disk-resize", "controller=0", "lun=0", "size=1M"], "shrink=true"),
        ("disk-resize-same", ["disk-resize", "controller=0", "lun=0", "size=8M"], "already"),
        ("disk-resize-odd-flag", ["disk-resize", "controller=0", "lun=0", "size=1M", "shrink=yes"], "true or false"),
        ("controller-add-twice", ["controller-add", "0"], "controller 0 is there already"),
        ("controller-add-wrong", ["controller-add", "1,channels=65"], "from 1 to 64"),
        ("controller-remove-absent", ["controller-remove", "controller=2"], "no controller 2"),
    ]


@dataclass
class Host:
    """The host side of one guest: what happens at its marks."""

    results: object
    prefix: str
    path: str
    run: object = None
    channels: int = 0

    def ctl(self, *arguments):
        ran = subprocess.run([HOST, "ctl", self.run.control_path, *arguments], capture_output=True, text=True,
                             timeout=60, check=False)
        return ran.returncode, ran.stdout, ran.stderr.strip()

    def must(self, *arguments):
        status, out, err = self.ctl(*arguments)
        if status:
            self.results.check(f"{self.prefix}.ctl.{arguments[0]}", False, err)
        return json.loads(out) if not status else {}

    def refuse_all(self):
        for name, arguments, wanted in refusals(self.path):
            status, _, err = self.ctl(*arguments)
            lines = err.splitlines()
            good = status in (1, 2) and len(lines) == 1 and wanted in err
            self.results.check(f"host.refuses.{name}", good, "" if good else f"exit status {status}: {err[:200]}")

    def crowd(self):
        """Clients that connect and say nothing must not keep others out."""
        idle = []
        for _ in range(20):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(10)
            client.connect(self.run.control_path)
            client.recv(100)
            idle.append(client)
        status, _, err = self.ctl("query-status")
        self.results.check(f"{self.prefix}.idle-clients-make-way", not status, err)
        for client in idle:
            client.close()

    def mark(self, name, stats):
        plug = {
            "add": [["disk-add", "null=64M,lun=5"]],
            "grow": [["disk-resize", "controller=0", "lun=0", "size=12M"]],
            "shrink": [["disk-resize", "controller=0", "lun=0", "size=8M", "shrink=true"]],
            "remove": [["disk-remove", "controller=0", "lun=5"]],
            "replace": [["disk-add", "null=4M,lun=5"]],
            "round-remove": [["disk-remove", "controller=0", "lun=5"]],
            "round-add": [["disk-add", "null=4M,lun=5"]],
            "controller-add": [["controller-add", "1"], ["disk-add", "null=32M,controller=1,lun=9"]],
            "controller-remove": [["controller-remove", "controller=1"]],
            "many": [["disk-add", "null=1M"]] * 62,
        }
        if name == "channels":
            channels = (stats or {}).get("vmbus", {}).get("channels", [])
            self.channels = sum(channel["state"] == "open" for channel in channels)
            self.refuse_all()
            self.crowd()
        for arguments in plug.get(name, []):
            self.must(*arguments)
        if name == "grow":
            self.results.check(f"{self.prefix}.file-has-grown", os.path.getsize(self.path) == 12 * MIB)
        if name == "shrink":
            self.results.check(f"{self.prefix}.file-has-shrunk", os.path.getsize(self.path) == 8 * MIB)


def check_with(driver, mode, prefix):
    def check(results, context, initrd):
        path = os.path.join(context.scratch, f"plug-{driver}")
        with open(path, "wb") as disk:
            disk.truncate(8 * MIB)
        host = Host(results, prefix, path)
        guest = Guest(f"plug-{driver}", images.kernel("vmlinux", "6.12-amd64"), initrd,
                      images.append(driver, mode, context.tsc_khz, luns="0"), cpus=2,
                      disks=[f"file={path},lun=0"], limit=240)
        host.run = Run(guest, context.scratch, results.folder, on_mark=host.mark)
        host.run.run()
        trouble = host.run.trouble()
        results.check(f"{prefix}.guest", not trouble, trouble)
        said = [line for line in host.run.lines if line.startswith("plug: ")]
        wrong = " | ".join(line for line in host.run.lines if "not ok" in line)
        for step in STEPS:
            if step == "controller-removed" and driver == "kernel":
                continue  # see selftests/guest/plug
            results.check(f"{prefix}.{step}", f"plug: ok {step}" in said, wrong)
        results.check(f"{prefix}.two-channels", host.channels >= 2, f"{host.channels} channels were open")

    return check


def jobs():
    script = os.path.join(images.GUEST, "plug")
    return [
        Job("plug-kernel", "guests", 8, lambda: images.initramfs("6.12-amd64", "kernel", script),
            check_with("kernel", "hv", "kernel-driver.plug"), rare=True),
        Job("plug-hvis", "guests", 8, lambda: images.initramfs("6.12-amd64", "hvis", script),
            check_with("hvis", "nopv", "storvsc.plug")),
    ]
