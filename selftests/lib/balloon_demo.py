# SPDX-License-Identifier: GPL-2.0
"""The demo's part about memory: what of a guest's memory this machine gets back, and how fast it moves; one guest of its own."""

import os

import balloon
import images
from guest import Guest, Run

MIB = 1 << 20
# Step: what it moves, in MiB; what the table calls it.
STEPS = {
    "down": (balloon.START - balloon.SMALL, "256 MiB taken from the guest (balloon)"),
    "up": (balloon.START - balloon.SMALL, "256 MiB given back"),
    "add": (balloon.LARGE - balloon.START, "512 MiB added, beyond what it had"),
    "back": (balloon.LARGE - balloon.START, "512 MiB used, then removed"),
}


def prepare(kernel):
    return images.initramfs(kernel, "hvis", os.path.join(images.GUEST, "demo-memory"), programs=[f"{images.KSELFTEST}/usemem:/bin/usemem"],
                            files=images.MEMORY)


class Host(balloon.Host):
    """Each of the guest's marks is a step that is timed."""

    def mark(self, name, _stats):
        mib, _ = STEPS[name]
        target = {"down": balloon.SMALL, "up": balloon.START, "add": balloon.LARGE, "back": balloon.START}[name]
        before, after, seconds, _, _ = self.move(name, target)
        self.results.figure(f"balloon.demo.{name}.seconds", seconds, "s")
        self.results.figure(f"balloon.demo.{name}.gibps", mib / 1024 / seconds, "GiB/s")
        getattr(self, f"after_{name}", lambda before, after: None)(before, after)

    def after_down(self, before, after):
        taken = after["ballooned"] - before["ballooned"]
        returned = (before["rss"] - after["rss"]) / taken if taken else 0
        self.results.figure("balloon.rss_returned_ratio", returned, "")
        self.results.figure("balloon.demo.rss_before_mib", before["rss"] / MIB, "MiB")
        self.results.figure("balloon.demo.rss_after_mib", after["rss"] / MIB, "MiB")
        self.check("rss-falls", returned >= balloon.RETURNED, f"{returned:.3f} of {taken} bytes; {before['rss']} to {after['rss']}")

    def after_back(self, _before, after):
        self.check("all-removed", after.get("hot_added") == 0 and after.get("ballooned") == 0,
                   f"{after.get('hot_added')} added, {after.get('ballooned')} ballooned")


def judge(host, lines):
    """What the guest saw of it."""
    total = balloon.totals(lines)
    for name, mib in (("down", balloon.SMALL - balloon.START), ("add", balloon.LARGE - balloon.START)):
        moved = total.get(name, 0) - total.get("start", 0)
        host.check(f"{name}.total", abs(moved - mib) <= 24, f"MemTotal moved by {moved:.0f} MiB, not {mib}")
    left = total.get("back", 0) - total.get("start", 0)
    host.results.figure("balloon.demo.total_moved_mib", left, "MiB")
    host.check("total-returns", bool(total) and abs(left) < 1, f"MemTotal is {left:.1f} MiB off from where it was")
    host.check("added-memory-is-used", "balloon: ok use-800" in lines)


def boot(results, scratch, initrd, kernel, tsc_khz, on_line):
    host = Host(results, "balloon.demo", "hvis", True)
    guest = Guest("demo-memory", images.kernel("vmlinux", kernel), initrd, images.append("hvis", "nopv", tsc_khz, limit=100), cpus=2,
                  memory=f"startup={balloon.START}M,min=128M,max=2G", limit=130)
    host.run = Run(guest, scratch, results.folder, on_line=on_line, on_mark=host.mark)
    host.run.run()
    trouble = host.run.trouble()
    host.check("guest", not trouble, trouble)
    judge(host, host.run.lines)


def rows(number):
    """Of the demo's table."""
    ratio = number("balloon.rss_returned_ratio", 3)
    found = [("", ""), ("dynamic memory, a guest of 512 MiB", f"{'s':>7} {'GiB/s':>13}")]
    for name, (_, title) in STEPS.items():
        found.append((f"   {title}", f"{number(f'balloon.demo.{name}.seconds', 2):>7} {number(f'balloon.demo.{name}.gibps', 2):>13}"))
    before, after = number("balloon.demo.rss_before_mib"), number("balloon.demo.rss_after_mib")
    found.append(("   this machine got back of what was taken", f"{ratio:>7}   (RSS {before} to {after} MiB)"))
    found.append(("   MemTotal afterwards", f"{number('balloon.demo.total_moved_mib', 1):>7}   MiB off from where it was"))
    return found
