# SPDX-License-Identifier: GPL-2.0
"""What an IO costs with many LUNs and with several channels: a guest per round, a table of medians, and limits."""

import counters
import images
from guest import Guest, Run
from measure import KERNEL

LUNS, CPUS, IOS = 64, 4, 8000
LIMIT = 0.08
LOADS = ("luns1", "luns8", "luns64", "channels1", "channels4")
ROWS = (("host signals per IO", "signals_per_io", 3), ("interrupts per IO", "interrupts_per_io", 3),
        ("VM exits per IO, net of idle ones", "net_exits_per_io", 2), ("CPU of the host's workers per IO, us", "worker_us_per_io", 0),
        ("IOPS", "iops", 0))


def prepare(kernel=KERNEL):
    return images.initramfs(kernel, "hvis", f"{images.GUEST}/cost", programs=[f"{images.KSELFTEST}/ioload:/bin/ioload"])


def boot(results, context, initrd, kernel=KERNEL):
    luns = ",".join(str(lun) for lun in range(LUNS))
    append = images.append("hvis", "hv", context.tsc_khz, luns=luns, ios=IOS, limit=360)
    guest = Guest("cost", images.kernel("vmlinux", kernel), initrd, append, CPUS, memory="1G",
                  disks=[f"null=1G,lun={lun}" for lun in range(LUNS)], limit=400)
    run = Run(guest, context.scratch, results.folder).run()
    trouble = run.trouble()
    results.check("storvsc.cost.guest", not trouble, trouble)
    counters.figures(results, run, "hvis")


def value(results, load, figure):
    return results.value(f"storvsc.cost.{load}.{figure}.hvis")


def judge(results):
    """Flat: neither channels nor LUNs make an IO cost more than a batch of 32 has, 0.031; 0.05 is what a busy machine adds."""
    for load in LOADS:
        for figure in ("signals_per_io", "interrupts_per_io"):
            cost = value(results, load, figure)
            results.check(f"storvsc.cost.{load}.{figure}", cost is not None and cost <= LIMIT, f"{cost}, limit {LIMIT}")


def table(results):
    print("\n  4-KiB random reads, no file behind, 32 in flight per CPU")
    print(f"  {'':<38}" + "".join(f"{title:>12}" for title in ("1 LUN", "8 LUNs", "64 LUNs", "1 channel", "4 channels")))
    print(f"  {'':<38}" + f"{'1 CPU, 1 channel':>36}" + f"{'4 CPUs, 1 LUN':>24}")
    for title, figure, digits in ROWS:
        cells = [value(results, load, figure) for load in LOADS]
        print(f"  {title:<38}" + "".join(f"{'-' if cell is None else f'{cell:,.{digits}f}':>12}" for cell in cells))
    print(flush=True)
