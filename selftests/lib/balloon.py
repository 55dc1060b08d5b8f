# SPDX-License-Identifier: GPL-2.0
"""Dynamic memory: what a guest's memory becomes on this machine when it is taken, given back, added and taken again."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field

import images
import matrix
from guest import HOST, Guest, Run, ktap
from jobs import Job

MIB = 1 << 20
START, SMALL, LARGE = 512, 256, 1024
KERNEL_SMALL = 320  # the kernel's driver keeps more for itself
RETURNED = 0.95  # of what a guest gives, this machine must have back


def refusals():
    """(name, arguments of ctl, what the message must contain)."""
    return [
        ("set-memory-nothing", ["set-memory"], "needs size"),
        ("set-memory-not-a-size", ["set-memory", "much"], "must be a size"),
        ("set-memory-too-small", ["set-memory", "1M"], "must be from min="),
        ("set-memory-too-large", ["set-memory", "100G"], "to max="),
        ("set-memory-wait-for-what", ["set-memory", "512M", "--wait=soon"], "--wait= takes a number of seconds"),
        ("query-memory-of-what", ["query-memory", "vm=1"], "takes no arguments"),
    ]


@dataclass
class Host:
    """The host side of one guest: what happens at its marks."""

    results: object
    prefix: str
    side: str
    removes: bool  # the guest's driver can remove memory that was added
    run: object = None
    figures: dict = field(default_factory=dict)

    def ctl(self, *arguments):
        ran = subprocess.run([HOST, "ctl", self.run.control_path, *arguments], capture_output=True, text=True,
                             timeout=120, check=False)
        return ran.returncode, ran.stdout, ran.stderr.strip()

    def query(self):
        status, out, err = self.ctl("query-memory")
        self.check("query-memory", not status, err)
        return json.loads(out) if not status else {}

    def check(self, name, good, detail=""):
        self.results.check(f"{self.prefix}.{name}", good, "" if good else detail)

    def channel(self):
        stats = self.run.ask("query-stats") or {}
        channels = [channel for channel in stats.get("vmbus", {}).get("channels", []) if channel["name"] == "dm0"]
        counted = channels[0] if channels else {}
        return counted.get("packets_in", 0) + counted.get("packets_out", 0), stats.get("exits", 0)

    def move(self, name, mib):
        """Brings the guest to MIB; returns query-memory before and after, seconds, messages and exits."""
        before, (messages, exits) = self.query(), self.channel()
        began = time.monotonic()
        status, out, err = self.ctl("set-memory", f"{mib}M", "--wait=60")
        seconds = time.monotonic() - began
        self.check(f"{name}.reached", not status, err)
        after = json.loads(out) if out else self.query()
        messages_after, exits_after = self.channel()
        self.check(f"{name}.assigned", after.get("assigned") == mib * MIB, f"{after.get('assigned')}")
        return before, after, seconds, messages_after - messages, exits_after - exits

    def figure(self, name, value, unit):
        self.results.figure(f"balloon.{name}.{self.side}", value, unit)

    def small(self):
        return SMALL if self.removes else KERNEL_SMALL

    def down(self):
        before, after, seconds, messages, exits = self.move("down", self.small())
        taken = after["ballooned"] - before["ballooned"]
        returned = (before["rss"] - after["rss"]) / taken if taken else 0
        self.check("down.rss-falls", returned >= RETURNED, f"{returned:.3f} of {taken} bytes; {before['rss']} to {after['rss']}")
        self.figure("rss_returned_ratio", returned, "")
        if seconds and taken:
            gib = taken / (1 << 30)
            self.figure("reclaim.mibps", taken / MIB / seconds, "MiB/s")
            self.figure("messages_per_gib", messages / gib, "1/GiB")
            self.figure("exits_per_gib", exits / gib, "1/GiB")
            self.figure("punches_per_gib", (after["punches"] - before["punches"]) / gib, "1/GiB")

    def up(self):
        _, after, seconds, messages, _ = self.move("up", START)
        self.check("up.nothing-ballooned", after.get("ballooned") == 0, f"{after.get('ballooned')}")
        self.figure("return.mibps", (START - self.small()) / seconds, "MiB/s")
        self.figure("return.messages", messages, "")

    def odd(self):
        """Sizes that no huge page and no message fits: the sum of what the guest gives is exact all the same."""
        for pages in (1, 511, 512, 513, 8191, 30000):
            status, out, err = self.ctl("set-memory", str(START * MIB - pages * 4096), "--wait=60")
            after = json.loads(out) if out else {}
            self.check(f"odd.{pages}", not status and after.get("ballooned") == pages * 4096, f"{err} {after.get('ballooned')}")
        self.move("odd-up", START)

    def add(self):
        _, after, seconds, _, _ = self.move("add", LARGE)
        self.check("add.hot-added", after.get("hot_added") == (LARGE - START) * MIB, f"{after.get('hot_added')}")
        self.figure("hot_add.mibps", (LARGE - START) / seconds, "MiB/s")

    def back(self):
        before, after, seconds, _, _ = self.move("back", START)
        fell = (before["rss"] - after["rss"]) / MIB
        self.check("back.rss-falls", fell > 0 and after["rss"] <= START * MIB * 1.02, f"{before['rss']} to {after['rss']}")
        if self.removes:
            self.check("back.removed", after.get("hot_added") == 0, f"{after.get('hot_added')}")
            self.figure("hot_remove.mibps", (LARGE - START) / seconds, "MiB/s")

    def again(self):
        self.move("again", LARGE)

    def end(self):
        after = self.query()
        wrong = {name: count for name, count in after.get("refused", {}).items() if count}
        self.check("nothing-refused", not wrong and not after.get("timeouts"), f"{wrong} {after.get('timeouts')}")
        self.check("status", bool(after.get("status") and after.get("demand")), f"{after.get('status')} {after.get('demand')}")
        self.check("punches-succeed", after.get("punch_errors") == 0, f"{after.get('punch_errors')}")

    def refusals(self):
        for case, arguments, wanted in refusals():
            status, _, err = self.ctl(*arguments)
            good = status in (1, 2) and len(err.splitlines()) == 1 and wanted in err
            self.results.check(f"host.refuses.{case}", good, "" if good else f"exit status {status}: {err[:200]}")

    def mark(self, name, _stats):
        getattr(self, name)()


def totals(lines):
    """The guest's own view: MemTotal in MiB by mark."""
    said = [line.split() for line in lines if line.startswith("balloon: total ")]
    return {words[2]: int(words[3]) / 1024 for words in said if len(words) == 4}


def judge_totals(host, lines):
    total = totals(lines)
    for name, mib in (("down", host.small() - START), ("up", 0), ("add", LARGE - START), ("back", 0), ("again", LARGE - START)):
        moved = total.get(name, 0) - total.get("start", 0)
        host.check(f"{name}.total", abs(moved - mib) <= 24, f"MemTotal moved by {moved:.0f} MiB, not {mib}")
    for mib in (300, 800):
        host.check(f"use-{mib}", f"balloon: ok use-{mib}" in lines)


def check_with(driver, mode, kernel, prefix, side):
    def check(results, context, initrd):
        host = Host(results, prefix, side, driver == "hvis")
        guest = Guest(f"balloon-{driver}-{kernel}", images.kernel("vmlinux", kernel), initrd,
                      images.append(driver, mode, context.tsc_khz), cpus=2 if driver == "hvis" else 1,
                      memory=f"startup={START}M,min=128M,max=2G", limit=150)
        host.run = Run(guest, context.scratch, results.folder, on_mark=host.mark)
        host.run.run()
        trouble = host.run.trouble()
        results.check(f"{prefix}.guest", not trouble, trouble)
        judge_totals(host, host.run.lines)

    return check


def job(name, driver, mode, kernel, prefix, modules=(), rare=False):
    script = os.path.join(images.GUEST, "balloon")
    programs = [f"{images.KSELFTEST}/usemem:/bin/usemem"]
    return Job(name, "guests", 6, lambda: images.initramfs(kernel, driver, script, programs=programs, modules=modules, files=images.MEMORY),
               check_with(driver, mode, kernel, prefix, name.removeprefix("balloon-")), rare=rare)


def selftests(kernel):
    """The kselftests of balloon/: what a guest alone can see and set."""
    name = f"balloon-selftests-{kernel}"

    def check(results, context, initrd):
        append = images.append("hvis", "nopv", context.tsc_khz, tests="balloon", luns="0", limit=80)
        guest = Guest(name, images.kernel("vmlinux", kernel), initrd, append, 1, disks=["null=64M,lun=0"],
                      memory=f"startup={START}M,min=128M,max={LARGE}M", limit=100)
        run = Run(guest, context.scratch, results.folder).run()
        for title, ok, detail in ktap(run.lines):
            results.check(f"balloon.selftests.{title.split('.', 1)[1]}", ok, detail)
        trouble = run.trouble(planned=True)
        results.check("balloon.selftests.guest", not trouble, trouble)

    return Job(name, "guests", 3, lambda: matrix.prepare(kernel, "hvis", ()), check)


def jobs():
    return [
        selftests("6.12-amd64"),
        job("balloon-hvis", "hvis", "nopv", "6.12-amd64", "balloon"),
        job("balloon-hvis-6.1", "hvis", "hv", "6.1-amd64", "balloon-6.1", rare=True),
        job("balloon-kernel", "kernel", "hv", "6.1-amd64", "kernel-driver.balloon", ["hv_balloon"]),
        job("balloon-kernel-6.12", "kernel", "hv", "6.12-amd64", "kernel-driver.balloon-6.12", ["hv_balloon"], rare=True),
    ]
