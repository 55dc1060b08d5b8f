# SPDX-License-Identifier: GPL-2.0
"""What make check runs where KVM works: jobs, each with a part that is done before, out here, and one that boots guests.

A new kind of guest test is a module with a function jobs() that returns a list of Job, and a line in all_jobs().
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable

from guest import HOST
from results import TOP, Results

# So many at a time: as many as a small machine has cores. With a third, emulated hosts were lost, and counts of signals were of another machine.
SHARDS = 2

# Seconds: longer than all jobs one after the other where KVM is emulated.
LIMIT = 7200


@dataclass(frozen=True)
class Job:
    """One job.

    name: for --match and the log. part: for --only. weight: about how long it takes, in units of 8 s.
    prepare(): makes what guests boot (quick out here, slow where KVM is emulated); returns what run() needs, as JSON.
    run(results, context, prepared): boots guests and records checks and figures.
    after(results, folder): looks at what run() left in its results' folder; out here again.
    rare: only in make check-all, as others are like it.
    late: what it boots is made while the guests of others run, see hand_over().
    """

    name: str
    part: str
    weight: float
    prepare: Callable
    run: Callable
    after: Callable = None
    rare: bool = False
    late: bool = False


@dataclass
class Context:
    """Where a job runs: scratch is a folder on a real file system, not 9p; tsc_khz: of this KVM."""

    scratch: str
    tsc_khz: int


def all_jobs():
    import balance
    import balance_vms
    import balloon
    import cli
    import enlighten
    import hostile
    import ide
    import integrity
    import lies
    import matrix
    import measure
    import memmeasure
    import net
    import net_churn
    import net_pair
    import net_user
    import netmeasure
    import offers
    import plug
    import services
    import services_lies
    import storage
    import survival
    import timesync
    import tulip
    import vswitch

    modules = (matrix, survival, cli, measure, plug, ide, services, services_lies, timesync, storage, balance, balance_vms, balloon,
               integrity, memmeasure, enlighten, hostile, lies, offers, net, net_churn, net_pair, net_user, netmeasure, tulip, vswitch)
    found = [job for module in modules for job in module.jobs()]
    names = [job.name for job in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two jobs of one name, of which one would run: {', '.join(sorted(twice))}")
    return found


def order(jobs):
    """The order in which a shard looks for work: the longest first."""
    return [job.name for job in sorted(jobs, key=lambda job: job.weight, reverse=True)]


def seconds_of(name):
    """The figure that says that a job ran to its end."""
    return f"job.{name}.seconds"


def start(results, number, names):
    """One shard: a KVM of its own (its own emulated host, where KVM is emulated) that runs what no other has claimed."""
    plan = os.path.join(results.folder, f"plan-{number}.json")
    part = os.path.join(results.folder, f"guests-{number}.json")
    if os.path.exists(part):
        os.unlink(part)
    with open(plan, "w", encoding="utf-8") as out:
        json.dump({"number": number, "claims": claims(results), "prepared": prepared(results), "jobs": names}, out)
    command = [os.path.join(TOP, "tools", "with-kvm"), "--timeout", str(LIMIT), os.path.join(TOP, "selftests", "run-guests"), plan, part]
    return subprocess.Popen(command, cwd=TOP), part


def prepared(results):
    """The folder with a file for each job that can be run: what its prepare() returned."""
    return os.path.join(results.folder, "prepared")


def hand_over(results, jobs, ready=True):
    """Prepares jobs and lets the shards have them. ready: False: they cannot be run, and nobody shall wait for them."""
    def one(job):
        handed = {"ready": ready, "with": None}
        try:
            handed["with"] = job.prepare() if ready else None
        except (OSError, subprocess.CalledProcessError) as error:
            results.check(f"guests.{job.name}-prepared", False, str(error))
            handed["ready"] = False
        path = os.path.join(prepared(results), job.name)
        with open(f"{path}.part", "w", encoding="utf-8") as out:
            json.dump(handed, out)
        os.rename(f"{path}.part", path)

    with ThreadPoolExecutor(SHARDS) as workers:
        list(workers.map(one, jobs))


def claims(results):
    """The folder in which a shard makes a folder of each job's name before it runs it."""
    return os.path.join(results.folder, "claims")


def claim(folder, name):
    try:
        os.mkdir(os.path.join(folder, name))
    except FileExistsError:
        return False
    return True


def run(results, jobs, beside=None):
    """Runs jobs, a few at a time, and takes over their results. beside: a thread for what is done meanwhile; it hands over those that are
    late."""
    print(f"preparing {len(jobs)} jobs", flush=True)
    for folder in (claims(results), prepared(results)):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    hand_over(results, [job for job in jobs if not job.late])
    names = order(jobs)
    running = [start(results, number, names) for number in range(min(SHARDS, len(jobs)))]
    if beside:
        beside.start()
    missing = {job.name: job for job in jobs}
    for number, (process, part) in enumerate(running):
        status = process.wait()
        figures = {}
        if os.path.exists(part):
            with open(part, encoding="utf-8") as text:
                done = json.load(text)
            results.merge(done)
            figures = done["figures"]
        if status:
            results.check(f"guests.shard-{number}", False, f"exit status {status}")
        for job in [job for job in jobs if seconds_of(job.name) in figures]:
            del missing[job.name]
            if job.after:
                job.after(results, os.path.join(results.folder, f"guests-{number}"))
    if beside:
        beside.join()
    results.check("guests.all-ran", not missing, f"not run to their ends: {', '.join(missing)}")


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


def next_job(plan, waiting):
    """Takes the next job that is ready out of those in waiting: its name and what prepare() returned; None for both: somebody else has
    it, or it cannot be run. Where KVM is emulated no event tells of files that come from outside."""
    while not (ready := [name for name in waiting if os.path.exists(os.path.join(plan["prepared"], name))]):
        time.sleep(0.5)
    name = ready[0]
    waiting.remove(name)
    if not claim(plan["claims"], name):
        return None, None
    with open(os.path.join(plan["prepared"], name), encoding="utf-8") as text:
        handed = json.load(text)
    return (name, handed["with"]) if handed["ready"] else (None, None)


def run_plan(plan_path, out):
    """The other side of start(), where KVM works."""
    with open(plan_path, encoding="utf-8") as text:
        plan = json.load(text)
    with session(os.path.join("check", f"guests-{plan['number']}"), out) as (results, context):
        known = {job.name: job for job in all_jobs()}
        waiting = plan["jobs"]
        while waiting:
            name, handed = next_job(plan, waiting)
            if name:
                started = time.monotonic()
                known[name].run(results, context, handed)
                results.figure(seconds_of(name), round(time.monotonic() - started, 1), "s")
                results.save()
