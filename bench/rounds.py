# SPDX-License-Identifier: GPL-2.0
"""Boots the guests of make bench, set after set, the sides in turn, round after round; where KVM works."""

import time

import clocks
import diskset
import memmeasure
import memoryset
import netset
import qemu
import scenarios
import timeset

SETS = {"disk": diskset.Set, "fio": diskset.FioSet, "net": netset.Set, "memory": memoryset.Set, "time": timeset.Set}
# Guesses for the first progress lines, in seconds: what booting takes where KVM is emulated, by the host, and what a load does.
BOOT_SECONDS = {"hvis-host": 9, "qemu": 14, "none": 1}
LOAD_SECONDS = {"disk": 2.5, "fio": 6, "net": 1.5, "memory": 12, "time": 4}


def prepare(kernel, sets):
    """What guests boot, by set."""
    made = {"disk": diskset.prepare, "fio": diskset.prepare_fio, "net": netset.prepare, "memory": memmeasure.prepare, "time": clocks.prepare}
    return {name: made[name](kernel) for name in sets}


class Progress:
    """One line before each guest: how far, and how long it will take from what the same guest took before."""

    def __init__(self, plan):
        self.plan = plan
        self.left = [(name, side) for _ in range(plan["rounds"]) for name, sides in plan["sets"].items() for side in sides]
        self.total = len(self.left)
        self.took = {}
        self.begun = time.monotonic()

    def guess(self, set_name, side_name):
        side = scenarios.side(set_name, side_name)
        loads = sum(load.set == set_name and load.runs_on(side) for load in scenarios.LOADS if load.key in self.plan["loads"])
        one = LOAD_SECONDS[set_name] + (self.plan["seconds"] if set_name == "net" else 0)
        return BOOT_SECONDS[side.host] + self.plan["idle"] + one * loads

    def next(self, set_name, side_name):
        done = self.total - len(self.left)
        known = sum(self.took.values()) / sum(self.guess(*guest) for guest in self.took) if self.took else 1
        left = sum(self.took.get(guest) or self.guess(*guest) * known for guest in self.left)
        print(f"bench: {done + 1} of {self.total} ({set_name}, {side_name}), about {left / 60:.1f} minutes left", flush=True)
        self.begun = time.monotonic()

    def done(self, set_name, side_name):
        self.took[set_name, side_name] = time.monotonic() - self.begun
        self.left.remove((set_name, side_name))

    def without(self, set_name, side_name):
        self.left = [guest for guest in self.left if guest != (set_name, side_name)]


def run(results, context, plan):
    """All rounds. What one side gains by running first in a round, another one does in the next: the order turns."""
    results.host["qemu"] = qemu.version()
    sets, sides = {name: SETS[name]() for name in plan["sets"]}, {name: list(names) for name, names in plan["sets"].items()}
    for made in sets.values():
        made.begin(results, context)
    progress = Progress(plan)
    for _ in range(plan["rounds"]):
        for set_name, made in sets.items():
            for side_name in list(sides[set_name]):
                progress.next(set_name, side_name)
                usable = made.boot(results, context, scenarios.side(set_name, side_name), plan)
                progress.done(set_name, side_name)
                results.save()
                if not usable:
                    sides[set_name].remove(side_name)
                    progress.without(set_name, side_name)
            sides[set_name] = sides[set_name][1:] + sides[set_name][:1]
