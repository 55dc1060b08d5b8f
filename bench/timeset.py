# SPDX-License-Identifier: GPL-2.0
"""What a kernel's clock, its timers and its other CPUs cost: as it boots without enlightenments, with our modules in the same guest, and with its own
Hyper-V code in another; the guests are those of make measure (selftests/lib/clocks.py)."""

import clocks

CPUS = 2
LOCK_SECONDS = 5
# By the guest: the sides that it measures, and of each what it says, as a figure of the bench, with the factor that makes ns of it.
FIGURES = {
    "hvis": {"hvis": {"clock.vdso.ns.hvis": ("clock", 1), "timer.sleep.mean.ns.hvis": ("sleep", 1), "tlb.us_per_call.on": ("tlb", 1000),
                      "ipi.us_per_call.on": ("ipi", 1000), "spin.ns_per_take.on": ("spin", 1)},
             "plain": {"clock.emulated.ns": ("clock", 1), "timer.sleep.mean.ns.lapic-deadline": ("sleep", 1), "tlb.us_per_call.off": ("tlb", 1000),
                       "ipi.us_per_call.off": ("ipi", 1000), "spin.ns_per_take.off": ("spin", 1)}},
    "kernel": {"kernel": {"clock.vdso.ns.kernel": ("clock", 1), "timer.sleep.mean.ns.kernel": ("sleep", 1), "tlb.us_per_call.kernel": ("tlb", 1000),
                          "ipi.us_per_call.kernel": ("ipi", 1000), "spin.ns_per_take.kernel": ("spin", 1)}},
}


class Set:
    """begin() once, then boot() for each side and round."""

    def begin(self, results, context):
        """Nothing that guests share."""

    def boot(self, results, context, side, plan):
        if side.host == "none":
            return True  # measured in the guest of hvis, before its modules are loaded
        locks = {"locks": LOCK_SECONDS} if "time.spin" in plan["loads"] else {}
        run = clocks.boot(results, context.scratch, context.tsc_khz, plan["initrds"]["time"], plan["kernel"], side.name, "bench.time", CPUS,
                          sleeps=plan["sleeps"], remote=2, **locks)
        said = {name: value for name, value, _ in run.figures}
        for name, known in FIGURES[side.name].items():
            for source, (figure, times) in known.items():
                if source in said and f"time.{figure}" in plan["loads"]:
                    results.figure(f"time.{figure}.ns.{name}", said[source] * times, "ns")
        return True
