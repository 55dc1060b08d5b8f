# SPDX-License-Identifier: GPL-2.0
"""Integration services: the guest's wall clock against this machine's, heartbeat, orderly ends, pause, crash reports.

A guest says what its wall clock was when its reference counter read so much; the host says the same of its own wall clock at another moment
(query-services). The counter is the same for both, so the error follows from it, whatever time the messages took.
"""

import json
import os
import re
import subprocess
import time

import images
import traces
from guest import HOST, Guest, Run
from jobs import Job

SECOND = 1_000_000_000
WITHIN = 10_000_000  # ns: how far a guest may be off a second after a step
PAUSE = 10
EMULATED = os.environ.get("HVIS_WITH_KVM") == "emulated"
OFFSETS = {"plus": "+1h", "minus": "-1h", "zero": "0"}
# In the emulated host this machine's clock is nobody's; elsewhere it is not ours to set.
STEPS = {"step-on": 3600, "step-off": -3600} if EMULATED else {}
KERNEL_MODULES = {"kernel": ["hv_utils", "msr"], "hvis": ["msr"]}


def refusals():
    """(name, arguments of ctl, what the message must contain)."""
    return [
        ("time-offset-nothing", ["time-offset"], "needs offset"),
        ("time-offset-not-a-time", ["time-offset", "later"], "+1h"),
        ("time-offset-centuries", ["time-offset", "+9999999h"], "within ten years"),
        ("shutdown-unknown", ["shutdown", "--now"], "--force"),
        ("resume-not-paused", ["resume"], "not paused"),
        ("tsc-page-unknown", ["tsc-page", "broken"], "invalid or valid"),
    ]


class Host:
    """The host side of one guest: what happens at its marks."""

    def __init__(self, results, prefix, figures):
        self.results = results
        self.prefix = prefix
        self.side = figures
        self.run = None
        self.expected = 0  # ns that the guest is to be ahead of this machine
        self.pairs = []  # (name, error in ns, spread, monotonic)

    def check(self, name, good, detail=""):
        self.results.check(f"{self.prefix}.{name}", good, "" if good else detail)

    def ctl(self, *arguments):
        ran = subprocess.run([HOST, "ctl", self.run.control_path, *arguments], capture_output=True, text=True, timeout=60, check=False)
        return ran.returncode, ran.stdout, ran.stderr.strip()

    def must(self, name, *arguments):
        status, out, err = self.ctl(*arguments)
        self.check(name, not status, err)
        return json.loads(out) if out else {}

    def on_line(self, line):
        """A clock reading: judged at once, as long as the host is there to ask."""
        match = re.match(r"services: clock (\S+) (\d+) (\d+) (\d+) (\d+)$", line)
        if not match:
            return
        name, (wall, reference, spread, monotonic) = match[1], map(int, match.groups()[1:])
        now = ((self.run.ask("query-services") or {}).get("timesync") or {}).get("now")
        if now:
            host = now["wall_ns"] + (reference - now["reference"]) * 100 + self.expected
            self.pairs.append((name, wall - host, spread, monotonic))

    def on_mark(self, name, stats):
        getattr(self, "mark_" + name.replace("-", "_"))(stats)

    def mark_start(self, stats):
        for case, arguments, wanted in refusals():
            status, _, err = self.ctl(*arguments)
            good = status in (1, 2) and len(err.splitlines()) == 1 and wanted in err
            self.results.check(f"host.refuses.{case}", good, "" if good else f"exit status {status}: {err[:200]}")
        end = time.monotonic() + 10
        beat = {}
        while beat.get("state") != "ok" and time.monotonic() < end:
            time.sleep(0.2)
            beat = json.loads(self.ctl("heartbeat")[1] or "{}")
        self.check("heartbeat.ok", beat.get("state") == "ok", str(beat))
        services = self.must("query-services", "query-services")
        versions = {name: services[name]["version"] for name in ("timesync", "heartbeat", "shutdown")}
        self.check("versions", versions == {"timesync": "4.0", "heartbeat": "3.0", "shutdown": "3.2"}, str(versions))
        self.check("master-clock", stats and stats.get("master_clock") is True, str(stats and stats.get("master_clock")))

    def mark_offset(self, name):
        answer = self.must(f"{name}.offset", "time-offset", OFFSETS[name])
        self.expected = answer.get("offset_ns", 0)

    def mark_plus(self, _stats):
        self.mark_offset("plus")

    def mark_minus(self, _stats):
        self.mark_offset("minus")

    def mark_zero(self, _stats):
        self.mark_offset("zero")

    @staticmethod
    def mark_step_on(_stats):
        time.clock_settime(time.CLOCK_REALTIME, time.time() + STEPS["step-on"])

    @staticmethod
    def mark_step_off(_stats):
        time.clock_settime(time.CLOCK_REALTIME, time.time() + STEPS["step-off"])

    def mark_before_pause(self, _stats):
        """Only a reading, from which the time that has passed for the guest is counted."""

    def mark_pause(self, _stats):
        """No packet, no exit and no reference time goes by in a paused VM."""
        answer = self.must("pause.answer", "pause")
        self.check("pause.clocks-stop", answer.get("clocks") == "stopped", str(answer))
        self.check("pause.twice", "paused already" in self.ctl("pause")[2])
        before = self.run.ask("query-stats") or {}
        time.sleep(PAUSE)
        after = self.run.ask("query-stats") or {}
        self.check("pause.no-exits", before.get("exits") == after.get("exits"), f"{before.get('exits')} {after.get('exits')}")
        packets = [sum(c["packets_in"] + c["packets_out"] for c in s.get("vmbus", {}).get("channels", [])) for s in (before, after)]
        self.check("pause.no-packets", packets[0] == packets[1], str(packets))
        self.must("pause.resume", "resume")
        time.sleep(0.3)
        later = self.run.ask("query-stats") or {}
        self.check("pause.page-valid-after", later.get("tsc_page_valid") is True, str(later.get("tsc_page_valid")))
        sequences = [s.get("tsc_page_sequence") for s in (before, later)]
        self.check("pause.page-sequence-changes", None not in sequences and sequences[0] != sequences[1], str(sequences))

    def mark_page_invalid(self, _stats):
        self.check("page.invalid", self.must("page.ctl", "tsc-page", "invalid").get("sequence") == 0)

    def mark_page_valid(self, _stats):
        self.check("page.valid", self.must("page.ctl", "tsc-page", "valid").get("sequence", 0) > 0)

    def mark_shutdown(self, _stats):
        self.must("shutdown.agreed", "shutdown", "--reason", "the test is over")

    def mark_reboot(self, _stats):
        self.must("reboot.agreed", "reboot", "--force")

    def mark_quit(self, _stats):
        self.must("quit.pause", "pause")
        self.must("quit.answer", "quit")

    def mark_crash(self, _stats):
        """Nothing to do: the guest crashes as soon as it is answered."""

    def judge_clocks(self, plan):
        for name in plan:
            errors = [pair for pair in self.pairs if pair[0] == name]
            if not errors:
                self.check(f"{name}.clock", False, "the guest did not say what its clock was")
                continue
            _, error, spread, _ = errors[-1]
            self.check(f"{name}.clock", abs(error) < WITHIN, f"off by {error / 1e6:.3f} ms (read within {spread / 1e6:.3f} ms)")
            self.results.figure(f"timesync.{name}.error.{self.side}", abs(error) / 1e3, "us")

    def judge_pause(self):
        """For the guest the pause did not happen."""
        moments = {name: monotonic for name, _, _, monotonic in self.pairs}
        if "before-pause" not in moments or "pause" not in moments:
            return
        passed = (moments["pause"] - moments["before-pause"]) / SECOND
        self.check("pause.no-time-for-the-guest", 0 < passed < PAUSE - 2, f"{passed:.1f} s of CLOCK_MONOTONIC")


CLOCK_PLAN = ["start", "plus", "minus", "zero", *STEPS, "before-pause", "pause", "page-invalid", "page-valid"]


def boot(results, context, initrd, name, driver, mode, kernel, host, plan, options=(), **words):
    append = images.append(driver, mode, context.tsc_khz, plan=",".join(plan), limit=150, **words)
    guest = Guest(name, images.kernel("vmlinux", kernel), initrd, append, cpus=1, limit=180, options=list(options))
    host.run = Run(guest, context.scratch, results.folder, on_line=host.on_line, on_mark=host.on_mark)
    return host.run.run()


def check_clocks(name, driver, mode, kernel, prefix):
    def check(results, context, initrd):
        host = Host(results, prefix, driver)
        try:
            run = boot(results, context, initrd, name, driver, mode, kernel, host, [*CLOCK_PLAN, "shutdown"])
        finally:
            seen = [line for line in host.run.lines if line.startswith("services: clock ")] if host.run else []
            if any(" step-on " in line for line in seen) and not any(" step-off " in line for line in seen):
                host.mark_step_off(None)
        trouble = run.trouble()
        results.check(f"{prefix}.guest", not trouble, trouble)
        host.check("shutdown.orderly", "services: asked poweroff" in run.lines, "the kernel did not run /sbin/poweroff")
        host.judge_clocks(CLOCK_PLAN)
        host.judge_pause()

    return check


def check_reboot(name, driver, mode, kernel, prefix):
    def check(results, context, initrd):
        host = Host(results, prefix, driver)
        trace = ["--trace", os.path.join(results.folder, f"{name}.pcapng")]
        run = boot(results, context, initrd, name, driver, mode, kernel, host, ["reboot"], trace)
        host.check("reboot.orderly", "services: asked reboot" in run.lines, "the kernel did not run /sbin/reboot")
        host.check("reboot.status", run.status == 3, f"exit status {run.status}")

    return check


def judge_trace(name, prefix):
    """What was said is in the trace, and tshark understands all of it."""
    def after(results, folder):
        path = os.path.join(folder, f"{name}.pcapng")
        wrong = list(traces.findings(traces.records(path)))
        results.check(f"{prefix}.trace.understood", not wrong, " | ".join(wrong[:5]))
        kinds = traces.tshark(path, "-Y", "hvic", "-T", "fields", "-e", "hvic.type", "-e", "hvic.response").split("\n")
        said = {tuple(line.split("\t")) for line in kinds if line}
        missing = [(kind, answer) for kind in "0134" for answer in "01" if (kind, answer) not in said]
        results.check(f"{prefix}.trace.services", not missing, f"not in it (type, answer): {missing}")

    return after


def check_crash(name, driver, mode, kernel, prefix):
    def check(results, context, initrd):
        host = Host(results, prefix, driver)
        run = boot(results, context, initrd, name, driver, mode, kernel, host, ["crash"])
        with open(run.errors, encoding="utf-8", errors="replace") as text:
            said = text.read()
        host.check("crash.status", run.status == 4, f"exit status {run.status}: {said[-300:]}")
        for what, pattern in (("parameters", r"the guest crashed: parameters( 0x[0-9a-f]+| 0){5}"),
                              ("registers", r"VP \d+: rip 0x[0-9a-f]+ rsp 0x[0-9a-f]+ .*cr3 0x[0-9a-f]+"),
                              ("log", r"guest: .*sysrq triggered crash")):
            host.check(f"crash.{what}", bool(re.search(pattern, said, re.I)), said[-600:])

    return check


def check_quit(name, driver, mode, kernel, prefix):
    """A VM that is paused still ends when it is told to."""
    def check(results, context, initrd):
        host = Host(results, prefix, driver)
        run = boot(results, context, initrd, name, driver, mode, kernel, host, ["quit"])
        host.check("quit.while-paused", run.status == 0 and "services: asked" not in " ".join(run.lines), f"exit status {run.status}")

    return check


def job(what, check, driver, mode, kernel, weight, rare=False):
    """what: clocks, reboot, crash or quit."""
    name = f"services-{what}-{driver}-{mode}-{kernel}"
    prefix = "timesync" if driver == "hvis" else "kernel-driver.services"
    if kernel != "6.1-amd64":
        prefix += f"-{kernel.removesuffix('-amd64')}"
    files = [(os.path.join(images.GUEST, "asked"), f"/sbin/{program}") for program in ("poweroff", "reboot")]

    def prepare():
        return images.initramfs(kernel, driver, os.path.join(images.GUEST, "services"), programs=[f"{images.KSELFTEST}/clockpair:/bin/clockpair"],
                                modules=KERNEL_MODULES[driver], files=files)

    after = judge_trace(name, prefix) if what == "reboot" else None
    return Job(name, "guests", weight, prepare, check(name, driver, mode, kernel, prefix), after, rare)


def jobs():
    return [
        job("clocks", check_clocks, "hvis", "nopv", "6.12-amd64", 5),
        job("reboot", check_reboot, "hvis", "nopv", "6.1-amd64", 2),
        job("clocks", check_clocks, "kernel", "hv", "6.1-amd64", 5),
        job("clocks", check_clocks, "kernel", "hv", "6.12-amd64", 5, rare=True),
        job("reboot", check_reboot, "kernel", "hv", "6.12-amd64", 2, rare=True),
        job("crash", check_crash, "kernel", "hv", "6.1-amd64", 2),
        job("quit", check_quit, "kernel", "hv", "6.1-amd64", 2, rare=True),
    ]
