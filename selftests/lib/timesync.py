# SPDX-License-Identifier: GPL-2.0
"""The reference time as clock and timers, and the host's wall clock: guests that run the kselftests of timesync/ and have us do what a host does."""

import glob
import os
import subprocess
import time

import images
from guest import Guest, Run, ktap
from jobs import Job
from results import BUILD

NS = 1000000000
# Where KVM is emulated the race of reads cannot be as long.
READS = 100000000


class TimeRun(Run):
    """A guest that is told what time it is here, beyond what was set with time-offset."""

    offset = 0

    def _take(self, line, tty):
        if line != "@clock":
            return super()._take(line, tty)
        tty.write(f"{time.time_ns() + self.offset}\n")
        tty.flush()
        return None


class Host:
    """Does what the guest's marks ask for (selftests/timesync/)."""

    def __init__(self):
        self.run = None
        self.failed = []

    def ask(self, command, **arguments):
        if self.run.ask(command, **arguments) is None:
            self.failed.append(f"{command} {arguments}")

    def set_offset(self, seconds):
        self.run.offset = seconds * NS
        self.ask("time-offset", offset=f"{seconds:+d}s")

    def pause(self, seconds):
        self.ask("pause")
        time.sleep(seconds)
        self.ask("resume")

    def mark(self, name, _stats):
        if name.startswith("page-"):
            self.ask("tsc-page", state=name.removeprefix("page-"))
        elif name.startswith("pause-"):
            self.pause(int(name.removeprefix("pause-")))
        elif name == "year":
            self.ask("fault-add", rule="now,channel=timesync:send,ic=timesync,time=1,flags=1")
        elif name == "short":
            self.ask("fault-add", rule="now,channel=timesync:send,ic=timesync,length=40")
        else:
            offsets = {"hour-on": 3600, "hour-back": 0, "back-2-days": -172800, "sync": -172800, "offset-0": 0}
            self.set_offset(offsets[name])


def check_with(kernel, mode, programs, prefix, cpus, options, words):
    def check(results, context, initrd):
        host = Host()
        name = prefix.removeprefix("timesync.")
        append = images.append("hvis", mode, context.tsc_khz, programs=",".join(programs), reads=READS, limit=480, **words)
        guest = Guest(f"timesync-{name}", images.kernel("vmlinux", kernel), initrd, append, cpus, options=list(options), limit=540)
        run = TimeRun(guest, context.scratch, results.folder, on_mark=host.mark)
        host.run = run
        run.run()
        for title, good, detail in ktap(run.lines):
            # Here nothing may be skipped: the guest was made for it.
            results.check(f"{prefix}.{title.split('.', 1)[1]}", bool(good), detail)
        for figure, value, unit in run.figures:
            results.figure(figure if name in ("clock", "kernel") else f"{figure}.{name}", value, unit)
        trouble = run.trouble(planned=True)
        results.check(f"{prefix}.guest", not trouble, trouble)
        results.check(f"{prefix}.host-did-all-that-was-asked", not host.failed, "; ".join(host.failed[:5]))

    return check


def chrony():
    """Debian's chrony, unpacked and not installed: this machine needs no second daemon that sets its clock. Empty if it is not to be had."""
    folder = os.path.join(BUILD, "chrony")
    if not os.path.exists(os.path.join(folder, "usr/sbin/chronyd")):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", "chrony"], cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for package in glob.glob(os.path.join(folder, "chrony_*.deb")):
            subprocess.run(["dpkg", "-x", package, folder], check=True)
    return [path for path in (os.path.join(folder, "usr", name) for name in ("sbin/chronyd", "bin/chronyc")) if os.path.exists(path)]


def preparer(kernel, with_chrony):
    def prepare():
        files = [(os.path.join(images.KSELFTEST, "install"), "/kselftest")]
        programs = [os.path.join(images.KSELFTEST, "clockload") + ":/bin/clockload", *(chrony() if with_chrony else [])]
        return images.initramfs(kernel, "hvis", os.path.join(images.GUEST, "timesync"), programs=programs, files=files)
    return prepare


def job(name, kernel, mode, programs, weight, cpus=2, options=(), rare=False, **words):
    check = check_with(kernel, mode, programs, f"timesync.{name}", cpus, options, words)
    return Job(f"timesync-{name}", "guests", weight, preparer(kernel, "chrony.sh" in programs), check, rare=rare)


def jobs():
    return [
        job("clock", "6.1-amd64", "nopv", ("clock.sh", "page.sh"), 12, race_seconds=6),
        job("clock-6.12", "6.12-amd64", "nopv", ("clock.sh", "page.sh"), 25, rare=True, race_seconds=120),
        job("timer", "6.12-amd64", "nopv", ("load.sh", "stimer.sh", "reload.sh"), 14, rare=True),
        job("timer-4cpu", "6.1-amd64", "nopv", ("clock.sh", "stimer.sh", "reload.sh"), 20, cpus=4, rare=True, reloads=100, race_seconds=120),
        job("message", "6.1-amd64", "nopv", ("load.sh", "stimer.sh"), 8, options=("--hyperv", "-stimer-direct"), way="message", rare=True),
        job("wall", "6.12-amd64", "nopv", ("load.sh", "wall.sh"), 16, cpus=1),
        job("chrony", "6.1-amd64", "nopv", ("load.sh", "chrony.sh"), 8, rare=True),
        job("kernel", "6.12-amd64", "hv", ("kernel.sh",), 3),
    ]
