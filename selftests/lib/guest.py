# SPDX-License-Identifier: GPL-2.0
"""Runs one guest on hvis-host and reads its report (second serial port) while it runs.

Report lines that start with "@" are for us: @started, @mark NAME (we take the host's counters and answer: ok, or what on_mark says),
@figure NAME VALUE UNIT, @result ok. All others are KTAP.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from results import BUILD

HOST = os.path.join(BUILD, "host", "hvis-host")
EXIT_MEANING = {0: "powered off", 3: "reset", 4: "crashed", 5: "time limit"}


def execute(stream, command, **arguments):
    """One command, hvis-host's or QMP's, and what it returns; None after an error. Events that come in between are of no interest."""
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    for line in stream:
        answer = json.loads(line)
        if "return" in answer or "error" in answer:
            return answer.get("return")
    return None


@dataclass
class Guest:
    """What to boot. Paths must be visible where it runs; scratch files belong on a real file system, not 9p."""

    name: str
    kernel: str
    initrd: str
    append: str = ""
    cpus: int = 1
    memory: str = "512M"
    disks: list = field(default_factory=list)
    options: list = field(default_factory=list)
    limit: int = 120


class Run:
    """A guest that runs, or has run."""

    def __init__(self, guest, scratch, log_folder, on_line=None, on_mark=None):
        self.guest = guest
        self.on_line = on_line or (lambda line: None)
        self.on_mark = on_mark or (lambda name, stats: None)
        self.lines = []
        self.marks = []
        self.figures = []
        self.result = None
        self.report_path = os.path.join(scratch, f"{guest.name}.report")
        self.control_path = os.path.join(scratch, f"{guest.name}.control")
        self.console = os.path.join(log_folder, f"{guest.name}.console")
        self.errors = os.path.join(log_folder, f"{guest.name}.stderr")
        self.log = os.path.join(log_folder, f"{guest.name}.report")
        self.process = None
        self.reader = None
        self.status = None
        self.seconds = 0.0

    def command(self):
        guest = self.guest
        command = [HOST, "run", "--kernel", guest.kernel, "--initrd", guest.initrd]
        command += ["--append", guest.append, "--cpus", str(guest.cpus), "--memory", guest.memory]
        command += ["--serial", f"file={self.console}", "--serial", f"socket={self.report_path}"]
        command += ["--control", self.control_path, "--time-limit", str(guest.limit)]
        for disk in guest.disks:
            command += ["--disk", disk]
        return command + guest.options

    def start(self):
        for path in (self.report_path, self.control_path):
            if os.path.exists(path):
                os.unlink(path)
        self.started = time.monotonic()
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stderr=errors)
        self.reader = threading.Thread(target=self._read_report, daemon=True)
        self.reader.start()

    def _connect(self, path):
        """The host creates its sockets before the guest runs; until then there is only the process to watch."""
        while self.process.poll() is None:
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(path)
                return client
            except (FileNotFoundError, ConnectionRefusedError):
                client.close()
                time.sleep(0.02)
        return None

    def _read_report(self):
        report = self._connect(self.report_path)
        if not report:
            return
        # A guest that was killed hears no answer, not even when its file is closed.
        with open(self.log, "w", encoding="utf-8") as log, suppress(ConnectionError):
            with report.makefile("rw", errors="replace", newline="\n") as tty:
                for line in tty:
                    line = line.rstrip("\r\n")
                    log.write(f"{time.monotonic() - self.started:7.2f} {line}\n")
                    log.flush()
                    self._take(line, tty)

    def _take(self, line, tty):
        if line.startswith("@mark "):
            stats = self.ask("query-stats")
            self.marks.append((line[6:], time.monotonic(), stats))
            tty.write(f"{self.on_mark(line[6:], stats) or 'ok'}\n")
            tty.flush()
        elif line.startswith("@figure "):
            name, value, unit = line[8:].split(" ", 2)
            self.figures.append((name, float(value), unit))
        elif line.startswith("@result "):
            self.result = line[8:]
        else:
            self.lines.append(line)
        self.on_line(line)

    def converse(self, talk):
        """Whatever talk(STREAM) says and hears on the control socket behind the greeting; None if the host is gone."""
        client = self._connect(self.control_path)
        if not client:
            return None
        with client, client.makefile("rw") as stream:
            stream.readline()
            return talk(stream)

    def ask(self, command, **arguments):
        """One command on the control socket; None if the host is gone."""
        return self.converse(lambda stream: execute(stream, command, **arguments))

    def kill(self):
        self.process.kill()

    def wait(self):
        self.status = self.process.wait()
        self.reader.join(5)
        self.seconds = time.monotonic() - self.started
        return self

    def run(self):
        self.start()
        return self.wait()

    def trouble(self, expected_status=0, planned=False):
        """One line that says why this run is a failure, with what the kernel said, or an empty string. What a failed one left is kept.

        planned: the guest ran the kselftests, whose plan must be complete.
        """
        trouble = self._trouble(expected_status)
        if not trouble and planned and not plan_complete(self.lines):
            trouble = "the test plan was not completed"
        if not trouble:
            return ""
        self._keep()
        return f"{trouble} {self.kernel_said()}"

    def _keep(self):
        """What this one left, where a later guest of the same name does not write."""
        for path in (self.console, self.errors, self.log):
            if os.path.exists(path):
                shutil.copyfile(path, ".failed".join(os.path.splitext(path)))

    def kernel_said(self):
        """The lines of its log that init found wrong."""
        return " | ".join(line for line in self.lines if line.startswith("# kernel:"))[:1500]

    def _trouble(self, expected_status):
        if self.status != expected_status:
            with open(self.errors, encoding="utf-8", errors="replace") as errors:
                said = errors.read().strip().splitlines()
            said = [line for line in said if "Kernel panic" in line] or said[-1:]
            meaning = EXIT_MEANING.get(self.status, "")
            return f"exit status {self.status} {meaning}, expected {expected_status}: {' '.join(said)}"
        if self.result != "ok":
            return f"the guest's init said: {self.result}"
        return ""


SUBTEST = re.compile(r"^# (not ok|ok) \d+ (?:- )?(\S+)(.*)$")
PROGRAM = re.compile(r"^(not ok|ok) \d+ selftests: (\S+): (\S+)(.*)$")


def ktap(lines):
    """Yields (name, ok, detail) of every subtest and program; detail is the comment lines before it."""
    pending = []
    for line in lines:
        program, subtest = PROGRAM.match(line), SUBTEST.match(line)
        if subtest:
            pending.append(subtest)
            continue
        if not program:
            pending.append(line)
            continue
        word, part, name, rest = program.groups()
        comments = []
        for item in pending:
            if isinstance(item, str):
                comments.append(item.lstrip("# "))
                continue
            ok = None if "SKIP" in item.group(3) else item.group(1) == "ok"
            yield f"{part}.{name.split('.')[0]}.{item.group(2).removeprefix('global.')}", ok, "" if ok else " | ".join(comments[-8:])
            comments = []
        ok = None if "SKIP" in rest else word == "ok"
        yield f"{part}.{name.split('.')[0]}", ok, "" if ok else rest.strip(" #") + " | ".join(comments[-8:])
        pending = []


def plan_complete(lines):
    """True if every TAP plan of a runner was fulfilled: a runner that died early is no pass."""
    planned = sum(int(line[3:]) for line in lines if re.match(r"^1\.\.\d+$", line))
    done = sum(bool(PROGRAM.match(line)) for line in lines)
    return planned == done and planned > 0
