# SPDX-License-Identifier: GPL-2.0
"""Two guests under one budget that has not room for both at their largest: memory goes to the one that wants it, and back."""

import json
import os
import threading
import time

import balance
import images
from guest import Guest, Run
from jobs import Job

MIB = 1 << 20
STARTUP, LEAST, MOST, TOTAL = 400, 288, 768, 800
WANTS = 400  # more than either has at first
MOVED = 440  # by then a guest has some of the other's
STEP = 128  # a block, which may be there for a moment before what is too much of it is ballooned
SECONDS = 10  # within which memory has to move


class Pair:
    """Both guests and the balancer; each guest's marks wait here for their turn."""

    def __init__(self, results, prefix):
        self.results, self.prefix = results, prefix
        self.ready = threading.Barrier(3)
        self.turns = [threading.Event(), threading.Event()]
        self.leave = threading.Event()

    def check(self, name, good, detail=""):
        self.results.check(f"{self.prefix}.{name}", good, "" if good else detail)

    def mark(self, number):
        def act(name, _stats):
            if name == "ready":
                self.ready.wait(60)
                if number == 1:
                    self.turns[0].wait(90)
            elif name == "hungry":
                self.turns[number].wait(90) if number == 0 else self.leave.wait(90)
            else:
                self.leave.wait(120)

        return act


def check_with(driver, mode, kernel, prefix):
    def check(results, context, initrd):
        pair = Pair(results, prefix)
        runs = []
        for number in range(2):
            guest = Guest(f"hog-{driver}-{number}", images.kernel("vmlinux", kernel), initrd,
                          images.append(driver, mode, context.tsc_khz, wants=WANTS),
                          memory=f"startup={STARTUP}M,min={LEAST}M,max={MOST}M", limit=200)
            runs.append(Run(guest, context.scratch, results.folder, on_mark=pair.mark(number)))
            runs[-1].start()
        pair.ready.wait(60)
        watched = balance.Watched(TOTAL, [Path(run.control_path) for run in runs])
        names = [os.path.basename(run.control_path) for run in runs]
        for turn, name in enumerate(names):
            # What it needs grows only as fast as it finds memory; the clock runs from when it needs more than it began with.
            watched.until(lambda line, who=name: (balance.of(line, who).get("demand") or 0) > STARTUP * MIB, 40)
            began = time.monotonic()
            moved = watched.until(lambda line, who=name: balance.of(line, who).get("assigned", 0) >= MOVED * MIB, 40)
            seconds = time.monotonic() - began
            pair.check(f"turn-{turn}.memory-moves", moved and seconds <= SECONDS, f"after {seconds:.1f} s: {watched.rounds[-1:]}")
            results.figure(f"balance.moves.{driver}.{turn}", seconds, "s")
            pair.turns[turn].set()
        finish(pair, watched, runs)
        with open(os.path.join(results.folder, f"balance-{driver}.jsonl"), "w", encoding="utf-8") as log:
            log.writelines(json.dumps(line) + "\n" for line in watched.rounds)

    return check


class Path:
    """What balance.Watched wants of a VM."""

    def __init__(self, path):
        self.path = path


def finish(pair, watched, runs):
    most = max(line["assigned"] for line in watched.rounds)
    pair.check("the-sum-holds", most <= (TOTAL + STEP) * MIB, f"{most / MIB} MiB")
    runs[0].kill()
    name, other = (os.path.basename(run.control_path) for run in runs)
    gone = watched.until(lambda line: balance.of(line, name)["state"] == "gone", 10)
    pair.check("the-dead-free-their-share", gone and watched.rounds[-1]["assigned"] == balance.of(watched.rounds[-1], other)["assigned"],
               f"{watched.rounds[-1]}")
    pair.leave.set()
    runs[1].wait()
    pair.check("data", "hog: ok what-it-wrote" in runs[1].lines and "hog: ok what-it-wrote" in runs[0].lines,
               f"{runs[0].lines[-3:]} {runs[1].lines[-3:]}")
    trouble = runs[1].trouble()
    pair.check("guest", not trouble, trouble)
    status, said = watched.end()
    pair.check("ends-well", status == 0, said)


def job(driver, mode, kernel, prefix, modules=(), rare=False):
    programs = [f"{images.KSELFTEST}/usemem:/bin/usemem"]
    return Job(f"balance-{driver}", "guests", 8,
               lambda: images.initramfs(kernel, driver, os.path.join(images.GUEST, "hog"), programs=programs, modules=modules, files=images.MEMORY),
               check_with(driver, mode, kernel, prefix), rare=rare)


def jobs():
    return [
        job("hvis", "nopv", "6.12-amd64", "balloon.balance"),
        job("kernel", "hv", "6.1-amd64", "kernel-driver.balance", ["hv_balloon"], rare=True),
    ]
