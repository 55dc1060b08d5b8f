# SPDX-License-Identifier: GPL-2.0
"""Checks and figures of one run, printed as they come and kept as build/NAME/results.json (docs/testing.md)."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")


def host_facts():
    """What machine a figure was measured on."""
    cpu = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    memory_kib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    kvm = os.environ.get("HVIS_WITH_KVM", "not used")
    return {"cpu": cpu, "cpus": os.cpu_count(), "memory_kib": memory_kib, "kernel": platform.release(), "kvm": kvm}


class Results:
    """Collects checks and figures; every check is one line of output the moment it is known."""

    def __init__(self, name):
        self.name = name
        self.folder = os.path.join(BUILD, name)
        os.makedirs(self.folder, exist_ok=True)
        self.checks = []
        self.figures = {}
        self.host = host_facts()
        self.started = time.monotonic()

    def check(self, name, ok, detail=""):
        """ok: True, False, or None for skipped."""
        self.checks.append({"name": name, "ok": ok, "detail": detail})
        word = {True: "ok", False: "FAILED", None: "skipped"}[ok]
        seconds = time.monotonic() - self.started
        print(f"[{seconds:5.0f} s] {word:7} {name}" + (f": {detail}" if detail and ok is not True else ""), flush=True)

    def figure(self, name, value, unit):
        """Adds one measurement; several of one name become a median with its spread."""
        self.figures.setdefault(name, {"unit": unit, "values": []})["values"].append(value)

    def merge(self, other):
        """Takes over the checks and raw figures of a part that ran elsewhere (a parsed JSON of save())."""
        for check in other["checks"]:
            self.checks.append(check)
        for name, figure in other["figures"].items():
            for value in figure["values"]:
                self.figure(name, value, figure["unit"])
        self.host["kvm"] = other["host"].get("kvm", self.host["kvm"])
        self.host["where_guests_ran"] = other["host"]

    def counts(self):
        return tuple(sum(check["ok"] is wanted for check in self.checks) for wanted in (True, False, None))

    def value(self, name):
        figure = self.figures.get(name)
        return statistics.median(figure["values"]) if figure else None

    def save(self):
        figures = {
            name: {
                "value": statistics.median(f["values"]),
                "unit": f["unit"],
                "n": len(f["values"]),
                "spread": max(f["values"]) - min(f["values"]),
                "values": f["values"],
            }
            for name, f in self.figures.items()
        }
        path = os.path.join(self.folder, "results.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"schema": 1, "host": self.host, "checks": self.checks, "figures": figures}, out, indent=1)
            out.write("\n")
        return path

    def finish(self):
        """Prints what failed and the closing line; returns the exit status."""
        path = self.save()
        passed, failed, skipped = self.counts()
        for check in self.checks:
            if check["ok"] is False:
                print(f"FAILED {check['name']}: {check['detail']}")
        print(f"results: {os.path.relpath(path, TOP)}")
        print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
        return 1 if failed or not passed else 0


def run_logged(results, name, command, log=None, **options):
    """Runs a command as one check; its output goes to build/NAME/log.d/CHECK and, on failure, its tail to the screen."""
    folder = os.path.join(results.folder, "log.d")
    os.makedirs(folder, exist_ok=True)
    path = log or os.path.join(folder, name.replace("/", "_"))
    with open(path, "wb") as out:
        status = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, cwd=TOP, check=False, **options).returncode
    if status:
        with open(path, encoding="utf-8", errors="replace") as text:
            sys.stdout.writelines("    " + line for line in text.readlines()[-30:])
    results.check(name, status == 0, f"exit status {status}, see {os.path.relpath(path, TOP)}" if status else "")
    return status == 0
