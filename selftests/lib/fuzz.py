# SPDX-License-Identifier: GPL-2.0
"""Runs fuzz targets, two at a time, with a line of progress for each; what a target found is one check.

Of a target NAME stays in build/fuzz/NAME: corpus/ (inputs that reached something new; the next run starts from them),
log, and for every input that broke something a file crash-*, timeout-* or oom-*.
"""

import os
import re
import subprocess
import threading
import time

from results import BUILD, TOP

FUZZ = os.path.join(BUILD, "fuzz")
SOURCES = os.path.join(TOP, "selftests", "fuzz")
AT_A_TIME = 2
PROGRESS_SECONDS = 10
PULSE = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: \d+ corp: (\d+)/\S+ .*?exec/s: (\d+)")
LOADED = re.compile(r"\((\d+) inline 8-bit counters\)")
BROKEN = re.compile(r"SUMMARY: (.*)|(\S+:\d+: \S+: must hold: .*)|ERROR: libFuzzer: (.*)")
INPUT = re.compile(r"Test unit written to (\S+)")


def targets():
    """The names of all targets: fuzz_NAME.c."""
    return sorted(name[5:-2] for name in os.listdir(SOURCES) if name.startswith("fuzz_") and name.endswith(".c"))


class Target:
    """One run of one target."""

    def __init__(self, name, seconds):
        self.name = name
        self.seconds = seconds
        self.folder = os.path.join(FUZZ, name)
        self.runs = self.edges = self.of = self.inputs = self.rate = 0
        self.why = ""
        self.input = ""
        self.status = None

    def command(self):
        """The grown corpus first: libFuzzer adds to the first folder, and only reads the others."""
        corpus = os.path.join(self.folder, "corpus")
        os.makedirs(corpus, exist_ok=True)
        folders = [corpus]
        regressions = os.path.join(SOURCES, "corpus", self.name)
        if os.path.isdir(regressions):
            folders.append(regressions)
        return [os.path.join(self.folder, "fuzz"), f"-max_total_time={self.seconds}", "-print_final_stats=1",
                "-timeout=20", "-rss_limit_mb=2048", "-reload=0", "-verbosity=1", f"-artifact_prefix={self.folder}/", *folders]

    def take(self, line):
        pulse, loaded, broken, kept = PULSE.search(line), LOADED.search(line), BROKEN.search(line), INPUT.search(line)
        if pulse:
            self.runs, self.edges, self.inputs, self.rate = (int(word) for word in pulse.groups())
        elif loaded:
            self.of = int(loaded.group(1))
        elif kept:
            self.input = kept.group(1)
        elif broken and not self.why:
            self.why = next(group for group in broken.groups() if group)
        elif line.startswith("stat::number_of_executed_units:"):
            self.runs = int(line.split()[1])

    def run(self):
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
            process = subprocess.Popen(self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True, errors="replace")
            for line in process.stderr:
                log.write(line)
                self.take(line)
            self.status = process.wait()

    def progress(self):
        return f"{self.name}: {self.runs} runs ({self.rate}/s), {self.edges} of {self.of} edges, {self.inputs} inputs"

    def detail(self):
        """An empty string, or what broke and where the input is."""
        if self.status == 0:
            return "" if self.runs else "it ran nothing"
        shown = os.path.relpath(self.input, TOP) if self.input else "none was kept"
        return f"{self.why or f'exit status {self.status}'}; input: {shown}"


def watch(target, thread, show):
    """Shows a line now and then while the target runs; one that ends in time shows none before its result."""
    begun = time.monotonic()
    while thread.is_alive():
        thread.join(PROGRESS_SECONDS)
        if thread.is_alive() and show:
            print(f"[{time.monotonic() - begun:5.0f} s]         {target.progress()}", flush=True)


def run_one(results, lock, name, seconds, show):
    target = Target(name, seconds)
    thread = threading.Thread(target=target.run, daemon=True)
    thread.start()
    watch(target, thread, show)
    with lock:
        results.check(f"fuzz.{name}", not target.detail(), target.detail())
        print(f"          {target.progress()}", flush=True)
        results.figure(f"fuzz.{name}.executions", target.runs, "runs")
        results.figure(f"fuzz.{name}.edges", target.edges, f"of {target.of}")


def check(results, names, seconds, show=True):
    """All targets @names for @seconds each; they have been built."""
    waiting = list(reversed(names))
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                name = waiting.pop()
            run_one(results, lock, name, seconds, show)

    threads = [threading.Thread(target=work) for _ in range(AT_A_TIME)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
