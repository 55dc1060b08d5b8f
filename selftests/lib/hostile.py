# SPDX-License-Identifier: GPL-2.0
"""A host that misbehaves on purpose: the scenarios of selftests/hostile, many in one guest, by rules added while it runs.

For our drivers each scenario is a check. For the kernel's own (part kernel-rows, not in make check: a guest for each, as
it may hang) the outcome is only printed and kept as a figure; that part runs ours, too, for a table of both.
"""

import os
import re
import sys
import threading
import time
from dataclasses import replace

import images
from guest import Guest, Run
from jobs import Job
from matrix import make_disk
from results import TOP

FOLDER = os.path.join(TOP, "selftests", "hostile")
sys.path.insert(0, FOLDER)

from scenarios import PARTS  # noqa: E402

NAMES = {scenario.name for scenarios in PARTS.values() for scenario in scenarios}

# The kernel whose own drivers are asked the same, and what its checks' names begin with.
KERNEL = "6.12-amd64"
ALL = "HVIS_ALL"  # environment: scenarios that are rare, too
THEIRS = "kernel-driver.hostile."
MEMORY_SECONDS, PARTIAL_SECONDS = 30, 3  # a guest gets that long to come to a size, and if it says that it cannot
VERDICT = re.compile(r"@verdict (\S+) (ok|failed) ?(.*)")


class Liar:
    """Adds and removes rules as the guest goes from scenario to scenario, and looks whether they hit."""

    def __init__(self, scenarios, device):
        self.device = device
        self.scenarios = {scenario.name: scenario for scenario in scenarios}
        self.run = None
        self.current = None
        self.missed = {}
        self.verdicts = {}
        self.figures = {}
        self.timer = None
        self.lock = threading.Lock()

    def add(self, scenario, rules):
        for rule in rules:
            if not self.run.ask("fault-add", rule=rule):
                self.missed[scenario.name] = f"the host refused {rule}"

    def lie(self, scenario):
        self.current = scenario
        self.add(scenario, scenario.rules + scenario.quiet + scenario.maybe)
        if scenario.ends:
            self.timer = threading.Timer(scenario.ends, self.truth, [scenario])
            self.timer.start()

    def truth(self, scenario):
        """May come twice: from the timer and from the guest."""
        with self.lock:
            if self.current is not scenario:
                return
            self.current = None
            hits = {rule["rule"]: rule["hits"] for rule in self.run.ask("fault-list") or []}
            self.run.ask("fault-clear")
        missed = [rule for rule in scenario.rules + scenario.later if not hits.get(rule)]
        wrong = [rule for rule in scenario.quiet if hits.get(rule)]
        if missed or wrong:
            self.missed[scenario.name] = "; ".join([f"never hit: {rule}" for rule in missed] + [f"hit: {rule}" for rule in wrong])

    def bring(self, mib):
        """The guest shall have so much memory. Returns how many pages of it are ballooned then, as the host has it, or what it lacks."""
        self.run.ask("set-memory", size=mib << 20)
        now, began = {}, time.monotonic()
        partial = began
        while time.monotonic() < began + MEMORY_SECONDS and time.monotonic() < partial + PARTIAL_SECONDS:
            now = self.run.ask("query-memory") or {}
            if now.get("progress") == "settled":
                return str(now["ballooned"] >> 12)
            if now.get("progress") != "partial":
                partial = time.monotonic()
            time.sleep(0.03)
        return f"{now.get('progress')}:{now.get('ballooned', 0) >> 12}"

    def mark(self, mark, stats):
        """What is returned is the answer to the guest, if it wants one."""
        word, _, name = mark.partition(" ")
        if word == "memory":
            return self.bring(int(name))
        if word == "want":
            self.run.ask("set-memory", size=int(name) << 20)
        elif word == "reoffer":
            self.run.ask("fault-add", rule=f"now,channel={self.device}:rescind,reoffer=0")
            self.run.ask("fault-clear")
        elif name not in self.scenarios:
            return "skip" if word == "lie" and name in NAMES else None
        elif word == "lie":
            self.lie(self.scenarios[name])
        elif word == "truth":
            self.truth(self.scenarios[name])
        elif word == "now":
            self.figures[name] = stats
            self.add(self.scenarios[name], self.scenarios[name].later)
        elif word == "count":
            self.figures[name] = offers(stats) - offers(self.figures[name])
        return None

    def line(self, line):
        match = VERDICT.match(line)
        if match:
            name, word, detail = match.groups()
            missed = self.missed.get(name, "")
            self.verdicts[name] = (word == "ok" and not missed, f"{detail} {missed}".strip())


def offers(stats):
    """How many OFFER messages the host has sent."""
    return stats["vmbus"]["messages"]["out"].get("OFFER", 0) if stats else 0


def device_of(part):
    if part == "balloon":
        return "dm0"
    return "nic0" if is_net(part) else "scsi0"


def is_net(part):
    return part.startswith("netvsc")


def machine(context, part):
    """Memory, disks, other options of the host, and words for the guest's command line."""
    if part == "balloon":
        return "startup=512M,min=128M,max=2G", [], [], {}
    if is_net(part):
        return "512M", [], ["--nic", "sink,mtu=9000"], {}
    disks = [f"file={pattern(context.scratch, 'hostile-0', 4)},lun=0,controller=0",
             f"file={make_disk(context.scratch, 'hostile-1', 64)},lun=1,controller=0",
             f"file={pattern(context.scratch, 'hostile-2', 4)},lun=2,controller=1"]
    return "512M", disks, [], {"luns": "0,1,2"}


def boot(context, folder, liar, name, driver, kernel, mode, part, initrd, limit, **options):
    memory, disks, more, told = machine(context, part)
    append = images.append(driver, mode, context.tsc_khz, part=part, lies=1, limit=limit - 30, **told, **options)
    if driver == "kernel":
        append += " panic_on_warn=0"  # to see what comes after a warning, too
    if (driver, part) == ("kernel", "vmbus"):
        append += " clearcpuid=arat"  # else CPU 0's local timer is taken for broadcasts, and the script needs it
    if driver == "hvis":
        append += " maxcpus=1"  # the script brings the other one in when it needs it
    guest = Guest(name, images.kernel("vmlinux", kernel), initrd, append, cpus=2, memory=memory, disks=disks,
                  options=more, limit=limit)
    liar.run = Run(guest, context.scratch, folder, on_line=liar.line, on_mark=liar.mark)
    return liar.run.run()


def pattern(folder, name, mib):
    """A disk with something else in each block."""
    path = make_disk(folder, name, mib)
    with open(path, "wb") as disk:
        for block in range(mib << 20 >> 12):
            disk.write(f"{name} {block:8}\n".encode().ljust(4096, b"x"))
    return path


def check(results, context, part, kernel, mode, prepared):
    only = prepared["only"]
    liar = Liar([scenario for scenario in PARTS[part] if (scenario.name in only.split(",") if only else prepared["all"] or not scenario.rare)],
                device_of(part))
    run = boot(context, results.folder, liar, f"hostile-{part}", "hvis", kernel, mode, part, prepared["initrd"], 900)
    for name in [*liar.scenarios, *(name for name in liar.verdicts if name not in liar.scenarios)]:
        ok, detail = liar.verdicts.get(name, (False, "the guest did not come to it"))
        results.check(f"hostile.{name}", ok, detail)
    for name, count in liar.figures.items():
        if isinstance(count, int):
            results.figure(f"hostile.{name}.offers", count, "1")
    trouble = run.trouble()
    results.check(f"hostile.{part}-leaves-the-kernel-sane", not trouble, trouble)
    print(f"          hostile-{part}: {run.seconds:.0f} s", flush=True)


def for_theirs(rules, part):
    """The rules that can be kept with the kernel's driver, which has one sub-channel where ours has three."""
    rules = [rule for rule in rules if not re.search(r"channel=scsi0\.[23]", rule)]
    # In this part its bus stays loaded, and warns of a new offer before it has released the old one.
    return [rule.split(",reoffer=")[0] for rule in rules] if part != "vmbus" else rules


def kernel_row(results, context, part, scenario, initrd):
    """The kernel's own driver on the same host: told, not judged."""
    liar = Liar([replace(scenario, rules=for_theirs(scenario.rules, part), later=for_theirs(scenario.later, part))], device_of(part))
    bound = {"bound": scenario.theirs} if scenario.theirs else {}
    run = boot(context, results.folder, liar, f"kernel-row-{scenario.name}", "kernel", KERNEL, "hv", part, initrd,
               150 + max(60, scenario.theirs), **bound)
    ok, detail = liar.verdicts.get(scenario.name, (False, "no verdict"))
    trouble = run.trouble()
    word = "holds" if ok and not trouble else "FAILS"
    if "never hit" in liar.missed.get(scenario.name, "") or not any(mark.startswith("lie ") for mark, _, _ in run.marks):
        word = "UNASKED"  # nobody is blamed for a lie that was not told, or for a guest that did not come so far
    results.check(f"{THEIRS}{scenario.name}", None, f"{word}: {detail}{'; ' if trouble else ''}{trouble}")
    results.figure(f"hostile.{scenario.name}.holds.kernel", int(word == "holds"), "1")


def print_table(results):
    """What kernel-rows found: a line for each scenario."""
    ours = {check["name"]: "holds" if check["ok"] else "FAILS" for check in results.checks}
    rows = [(check["name"].removeprefix(THEIRS), check["detail"]) for check in results.checks if check["name"].startswith(THEIRS)]
    print(f"{'scenario':48} {'hvis':7} kernel's driver ({images.kernel('release', KERNEL)})")
    for name, detail in sorted(rows):
        print(f"{name:48} {ours.get('hostile.' + name, '-'):7} {detail[:110]}")
    print(f"the kernel's driver fails {sum(detail.startswith('FAILS') for _, detail in rows)} of {len(rows)}", flush=True)


def initramfs(kernel, driver, part):
    libraries = [(os.path.join(FOLDER, name), f"/kselftest/hostile/{name}") for name in ("lib.sh", "net.sh")]
    script = os.path.join(FOLDER, part)
    if part == "balloon":
        modules = ["hv_balloon"] if driver == "kernel" else []
        return images.initramfs(kernel, driver, script, programs=[f"{images.KSELFTEST}/usemem:/bin/usemem"], modules=modules,
                                files=libraries + images.MEMORY)
    if is_net(part):
        modules = ["hv_netvsc"] if driver == "kernel" else []
        return images.initramfs(kernel, driver, script, programs=["/usr/sbin/ethtool"], modules=modules, files=libraries)
    files = [(os.path.join(images.KSELFTEST, "install"), "/kselftest"), *libraries]
    loads = [f"{os.path.join(images.KSELFTEST, name)}:/bin/{name}" for name in ("ioload", "lieload")]
    return images.initramfs(kernel, driver, script, programs=[*images.SG_TOOLS, "sg_reset", *loads], files=files)


def jobs():
    def ours(name, group, part, kernel, mode, weight):
        return Job(f"{name}-{part}", group, weight,
                   lambda: {"initrd": initramfs(kernel, "hvis", part), "only": os.environ.get("HVIS_SCENARIOS", ""),
                            "all": bool(os.environ.get(ALL))},
                   lambda results, context, prepared: check(results, context, part, kernel, mode, prepared))

    def theirs(part, scenario):
        return Job(f"kernel-row-{scenario.name}", "kernel-rows", 4 + scenario.theirs / 8, lambda: initramfs(KERNEL, "kernel", part),
                   lambda results, context, initrd: kernel_row(results, context, part, scenario, initrd))

    both = [ours(*names, *how) for names in (("hostile", "hostile"), ("hvis-rows", "kernel-rows"))
            for how in (("storvsc", "6.12-amd64", "nopv", 17), ("vmbus", "6.1-amd64", "hv", 17),
                        ("netvsc", "6.12-amd64", "nopv", 13), ("netvsc-control", "6.1-amd64", "hv", 12),
                        ("balloon", "6.12-amd64", "nopv", 14))]
    return both + [theirs(part, scenario) for part, scenarios in PARTS.items() for scenario in scenarios]
