# SPDX-License-Identifier: GPL-2.0
"""What make check runs where KVM works: jobs, each with a part that is done before, out here, and one that boots guests.

A new kind of guest test is a module with a function jobs() that returns a list of Job, and a line in all_jobs().
"""

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable

from guest import HOST
from results import TOP, Results

# So many at a time: as many as a small machine has cores.
SHARDS = 2


@dataclass(frozen=True)
class Job:
    """One job.

    name: for --match and the log. part: for --only. weight: about how long it takes, in units of 8 s.
    prepare(): makes what guests boot (quick out here, slow where KVM is emulated); returns what run() needs, as JSON.
    run(results, context, prepared): boots guests and records checks and figures.
    after(results, folder): looks at what run() left in its results' folder; out here again.
    rare: only in make check-all, as others are like it.
    """

    name: str
    part: str
    weight: float
    prepare: Callable
    run: Callable
    after: Callable = None
    rare: bool = False


@dataclass
class Context:
    """Where a job runs: scratch is a folder on a real file system, not 9p; tsc_khz: of this KVM."""

    scratch: str
    tsc_khz: int


def all_jobs():
    import cli
    import hostile
    import lies
    import matrix
    import measure
    import net
    import net_churn
    import net_pair
    import net_user
    import netmeasure
    import offers
    import plug
    import storage
    import survival
    import vswitch

    modules = (matrix, survival, cli, measure, plug, storage, hostile, lies, offers, net, net_churn, net_pair, net_user,
               netmeasure, vswitch)
    return [job for module in modules for job in module.jobs()]


def shards(jobs, count):
    """Splits jobs so that all parts take about as long: the longest first, each to whoever has least to do."""
    parts = [[] for _ in range(count)]
    for job in sorted(jobs, key=lambda job: job.weight, reverse=True):
        min(parts, key=lambda part: sum(other.weight for other in part)).append(job)
    return [part for part in parts if part]


def start(results, number, shard, prepared):
    """One run of jobs in a KVM of its own (its own emulated host, where KVM is emulated)."""
    plan = os.path.join(results.folder, f"plan-{number}.json")
    part = os.path.join(results.folder, f"guests-{number}.json")
    if os.path.exists(part):
        os.unlink(part)
    with open(plan, "w", encoding="utf-8") as out:
        json.dump({"number": number, "jobs": {job.name: prepared[job.name] for job in shard}}, out)
    command = [os.path.join(TOP, "tools", "with-kvm"), os.path.join(TOP, "selftests", "run-guests"), plan, part]
    return subprocess.Popen(command, cwd=TOP), part


def run(results, jobs):
    """Runs jobs, SHARDS at a time, and takes over their results."""
    print(f"preparing {len(jobs)} jobs", flush=True)
    prepared = {job.name: job.prepare() for job in jobs}
    parts = shards(jobs, SHARDS)
    running = [start(results, number, shard, prepared) for number, shard in enumerate(parts)]
    for number, (process, part) in enumerate(running):
        status = process.wait()
        if os.path.exists(part):
            with open(part, encoding="utf-8") as done:
                results.merge(json.load(done))
        results.check(f"guests.all-ran-{number}", status == 0 and os.path.exists(part), f"exit status {status}")
        for job in parts[number]:
            if job.after:
                job.after(results, os.path.join(results.folder, f"guests-{number}"))


@contextmanager
def session(folder, out):
    """Results in build/FOLDER and a Context, where KVM works; whatever happens, the results are in OUT at the end."""
    results = Results(folder)
    info = json.loads(subprocess.run([HOST, "info"], check=True, stdout=subprocess.PIPE).stdout)
    results.host["kvm_info"] = info
    scratch = tempfile.mkdtemp(prefix="hvis-guests-")
    try:
        yield results, Context(scratch, info["tsc_khz"])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copyfile(results.save(), out)


def run_plan(plan_path, out):
    """The other side of start(), where KVM works."""
    with open(plan_path, encoding="utf-8") as text:
        plan = json.load(text)
    with session(os.path.join("check", f"guests-{plan['number']}"), out) as (results, context):
        for job in all_jobs():
            if job.name in plan["jobs"]:
                job.run(results, context, plan["jobs"][job.name])
                results.save()
