# SPDX-License-Identifier: GPL-2.0
"""Our dynamic memory against the kernel's own driver on the same host, in one run: how fast memory goes and comes, by how many messages and
VM exits, and what is left of huge pages after it did so under load."""

import os
import re
import time

import balloon
import images
from guest import Guest, Run
from jobs import Job

KERNEL = "6.12-amd64"
SIDES = ("hvis", "kernel")
MIB = 1 << 20
ROUNDS = 3  # per guest, after one that is not counted
FRAGMENTING = 20
HUGE_PAGES = 128  # of 256 MiB
SMALL = balloon.KERNEL_SMALL  # what either driver is brought down to


def prepare(kernel=KERNEL):
    programs = [f"{images.KSELFTEST}/{program}:/bin/{program}" for program in ("usemem", "hugemem")]
    return {driver: images.initramfs(kernel, driver, os.path.join(images.GUEST, "memload"), programs=programs, files=images.MEMORY,
                                     modules=["hv_balloon"] if driver == "kernel" else [])
            for driver in SIDES}


class Host(balloon.Host):
    """Exits are net of those that the guest makes when it does nothing."""

    def __init__(self, *arguments, rounds=ROUNDS):
        super().__init__(*arguments)
        self.taken = {}
        self.reports = self.moves = self.moving = 0
        self.times = rounds

    def mark(self, name, stats):
        if "." in name:
            self.taken[name] = (time.monotonic(), stats["exits"])
        else:
            getattr(self, name)()

    def idle_rate(self):
        (begun, before), (ended, after) = self.taken["idle.begin"], self.taken["idle.end"]
        return (after - before) / (ended - begun)

    def way(self, name, mib, counted):
        before, after, seconds, messages, exits = self.move(name, mib)
        reports = after["statuses"] - before["statuses"]
        self.reports, self.moves, self.moving = self.reports + reports, self.moves + 1, self.moving + seconds
        gib = abs(after["ballooned"] - before["ballooned"]) / (1 << 30)
        if not counted or not gib or not seconds:
            return
        self.figure(f"{name}.mibps", gib * 1024 / seconds, "MiB/s")
        self.figure({"reclaim": "messages_per_gib", "return": "return.messages_per_gib"}[name], messages / gib, "1/GiB")
        prefix = "" if name == "reclaim" else "return."
        self.figure(f"{prefix}needed_messages_per_gib", (messages - reports) / gib, "1/GiB")
        self.figure(f"{prefix}exits_per_gib", exits / gib, "1/GiB")
        self.figure(f"{prefix}net_exits_per_gib", (exits - seconds * self.idle_rate()) / gib, "1/GiB")

    def rounds(self):
        for number in range(self.times + 1):
            self.way("reclaim", SMALL, number > 0)
            self.way("return", balloon.START, number > 0)

    def fragments(self):
        """Under load a guest may be short of a little; what it gives counts."""
        given = 0
        for _ in range(FRAGMENTING):
            self.ctl("set-memory", f"{SMALL}M", "--wait=20")
            given += self.query().get("ballooned", 0)
            self.ctl("set-memory", f"{balloon.START}M", "--wait=20")
        self.figure("fragments.given_mib", given / MIB / FRAGMENTING, "MiB")

    def end(self):
        # One a second, wherever a second begins; a report behind each answer made ours slower than the kernel's driver.
        if self.moves:
            self.check("reports-once-a-second", self.reports <= self.moving + self.moves, f"{self.reports} in {self.moves} moves of {self.moving:.1f} s")
        after = self.query()
        wrong = {name: count for name, count in after.get("refused", {}).items() if count}
        self.check("nothing-refused", not wrong and not after.get("ballooned"), f"{wrong}, {after.get('ballooned')} bytes ballooned")


def boot(results, side, load, context, initrds, kernel=KERNEL, times=ROUNDS):
    """One guest; its figures go to results."""
    limit = 120 if load == "rate" else 300
    host = Host(results, f"balloon.measure.{load}-{side}", side, side == "hvis", rounds=times)
    guest = Guest(f"memmeasure-{load}-{side}", images.kernel("vmlinux", kernel), initrds[side],
                  images.append(side, "hv", context.tsc_khz, load=load, limit=limit - 20), cpus=2,
                  memory=f"startup={balloon.START}M,min=128M,max=1G", limit=limit)
    host.run = Run(guest, context.scratch, results.folder, on_mark=host.mark)
    run = host.run.run()
    trouble = run.trouble()
    host.check("guest", not trouble, trouble)
    for line in run.lines:
        match = re.match(r"memload: (before|after) hugemem: (\d+)$", line)
        if match:
            host.figure(f"huge_pages.{match.group(1)}", int(match.group(2)), "1")
    print(f"          {guest.name}: {run.seconds:.0f} s", flush=True)


def rounds(results, context, initrds, count, kernel=KERNEL):
    """The two sides in turn, COUNT times; then what is left of huge pages, once."""
    for load, times in (("rate", count), ("fragments", 1)):
        for _ in range(times):
            for side in SIDES:
                boot(results, side, load, context, initrds, kernel)


def both(results, figure):
    return [results.value(f"balloon.{figure}.{side}") for side in SIDES]


def judge_counts(results):
    """Without reports, of which a move has one or none, by chance."""
    for figure in ("needed_messages_per_gib", "return.needed_messages_per_gib"):
        ours, theirs = both(results, figure)
        results.check(f"balloon.measure.{figure}-at-most-the-kernels", bool(ours and theirs) and ours <= theirs,
                      f"{ours}, the kernel's {theirs}")


def judge_rate(results):
    """For which one round on a busy machine says too little."""
    ours, theirs = both(results, "reclaim.mibps")
    results.check("balloon.measure.reclaim-no-slower-than-the-kernels", None not in (ours, theirs) and ours >= theirs,
                  f"{ours}, the kernel's {theirs} MiB/s")


def judge_huge_pages(results):
    had = both(results, "huge_pages.before")
    results.check("balloon.measure.there-were-huge-pages", None not in had and min(had) > HUGE_PAGES / 2, f"{had} of {HUGE_PAGES} to begin with")
    ours, theirs = both(results, "huge_pages.after")
    results.check("balloon.measure.huge-pages-at-least-the-kernels", None not in (ours, theirs) and ours >= theirs,
                  f"{ours}, the kernel's {theirs}")


ROWS = (("taken, MiB/s", "reclaim.mibps", 0), ("   messages per GiB", "messages_per_gib", 1), ("   VM exits per GiB", "exits_per_gib", 0),
        ("   net of idle ones", "net_exits_per_gib", 0), ("given back, MiB/s", "return.mibps", 0),
        ("   messages per GiB", "return.messages_per_gib", 1), ("   VM exits per GiB", "return.exits_per_gib", 0),
        ("   net of idle ones", "return.net_exits_per_gib", 0), (f"huge pages of {HUGE_PAGES}, before", "huge_pages.before", 0),
        (f"   after {FRAGMENTING} rounds under load", "huge_pages.after", 0), ("   MiB taken in each", "fragments.given_mib", 0))


def table(results):
    print(f"\n  {balloon.START - SMALL} of {balloon.START} MiB taken and given back\n  {'':<30}{'hvis':>12}{'kernel':>12}")
    for title, figure, digits in ROWS:
        cells = ["-" if value is None else f"{value:,.{digits}f}" for value in both(results, figure)]
        print(f"  {title:<30}{cells[0]:>12}{cells[1]:>12}")
    ours, theirs = both(results, "reclaim.mibps")
    if ours and theirs:
        print(f"\n  Taken {ours / theirs:.2f} times as fast as by the kernel's driver.\n", flush=True)


def check(results, context, initrds):
    """One round of what make measure does in several."""
    for side in SIDES:
        boot(results, side, "rate", context, initrds)
    judge_counts(results)


def check_huge_pages(results, context, initrds):
    for side in SIDES:
        boot(results, side, "fragments", context, initrds)
    judge_huge_pages(results)


def jobs():
    return [Job("memmeasure", "guests", 8, prepare, check, rare=True), Job("memmeasure-huge-pages", "guests", 25, prepare, check_huge_pages, rare=True)]
