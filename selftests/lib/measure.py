# SPDX-License-Identifier: GPL-2.0
"""Our drivers against the kernel's own on the same host, in one run: which guests, and what must hold of their counts."""

import counters
import images
from guest import Guest, Run
from jobs import Job

KERNEL = "6.12-amd64"
LOADS = ("qd1:randread:4096:1:1000", "qd32:randread:4096:32:6000", "single32:single-randread:4096:32:4000",
         "spin1:spin-randread:4096:1:1000")
POLLED = ("poll1:poll-randread:4096:1:1000", "poll:poll-randread:4096:32:6000")
SIDES = {"hvis": LOADS, "kernel": LOADS, "hvis-poll": POLLED}


def prepare(kernel=KERNEL, profile=False):
    """The initramfs of both sides; out of the emulated host, where it is quick."""
    programs = [f"{images.KSELFTEST}/ioload:/bin/ioload"] + (["/usr/bin/perf"] if profile else [])
    files = [(f"{images.GUEST}/profile.sh", "/kselftest/profile.sh")]
    return {driver: images.initramfs(kernel, driver, f"{images.GUEST}/measure", programs=programs, files=files)
            for driver in ("hvis", "kernel")}


def tell_profile(line):
    """Profiles are to be read, not to be judged."""
    if line.startswith("@profile "):
        print(f"          {line[9:]}", flush=True)


def boot(results, side, context, initrds, kernel=KERNEL, cpus=1, profile=False):
    """One guest; its figures go to results. All sides boot the same way, so only the drivers differ."""
    driver = side.split("-")[0]
    extra = {"storvsc": "mq_poll=1"} if side == "hvis-poll" else {}
    if profile:
        extra["profile"] = 1
    limit = 300 if profile else 100
    append = images.append(driver, "hv", context.tsc_khz, luns="0", loads=",".join(SIDES[side]), limit=limit, **extra)
    guest = Guest(f"measure-{side}", images.kernel("vmlinux", kernel), initrds[driver], append, cpus, disks=["null=4G,lun=0"],
                  limit=limit + 40)
    run = Run(guest, context.scratch, results.folder, on_line=tell_profile).run()
    trouble = run.trouble()
    results.check(f"storvsc.measure.{side}-{cpus}cpu", not trouble, trouble)
    counters.figures(results, run, driver)


def judge(results):
    """Exact counts are judged, and of times only which side is faster. Returns nothing; a missing figure is a failed check."""
    def at_most(name, figure, limit):
        value = results.value(figure)
        results.check(f"storvsc.measure.{name}", value is not None and value <= limit, f"{figure} is {value}, limit {limit:.3f}")

    def theirs(figure):
        return results.value(f"storvsc.{figure}.kernel") or 0

    at_most("qd32-signals-at-most-0.2", "storvsc.qd32.signals_per_io.hvis", 0.2)
    at_most("qd32-signals-at-most-half-of-the-kernels", "storvsc.qd32.signals_per_io.hvis", theirs("qd32.signals_per_io") / 2)
    at_most("qd32-interrupts-no-more-than-the-kernels", "storvsc.qd32.interrupts_per_io.hvis", theirs("qd32.interrupts_per_io"))
    # Less exact: how much a task sends until its time is up depends on what else the machine does.
    at_most("single32-signals-no-more-than-the-kernels", "storvsc.single32.signals_per_io.hvis",
            theirs("single32.signals_per_io"))
    at_most("poll-no-interrupts", "storvsc.poll.interrupts_per_io.hvis", 0.0)
    ours = results.value("storvsc.qd32.iops.hvis") or 0
    results.check("storvsc.measure.qd32-iops-no-less-than-the-kernels", ours >= theirs("qd32.iops") > 0,
                  f"{ours:.0f}, the kernel's {theirs('qd32.iops'):.0f}")
    at_most("qd32-exits-below-1", "storvsc.qd32.net_exits_per_io.hvis", 1.0)
    # The doorbell is one. An EOI would be the second, where the processor does no APIC.
    at_most("qd1-exits-below-2", "storvsc.qd1.net_exits_per_io.hvis", 2.0)


def check(results, context, initrds):
    """One round of what make measure does in several."""
    for side in SIDES:
        boot(results, side, context, initrds)
    judge(results)


def jobs():
    return [Job("measure", "guests", 8, prepare, check)]
