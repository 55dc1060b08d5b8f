# SPDX-License-Identifier: GPL-2.0
"""What bad input gets from hvis-host: one line that names the argument, the right exit status, nothing else."""

import os
import signal
import subprocess

import images
from guest import HOST
from jobs import Job

FAILED, USAGE = 1, 2


def bad_files(scratch):
    """Files that are wrong in one way each."""
    paths = {name: os.path.join(scratch, f"bad-{name}") for name in ("empty", "odd", "text", "folder", "good", "short")}
    with open(paths["empty"], "wb"):
        pass
    for name, content in (("odd", b"x" * 1000), ("text", b"not a kernel\n" * 400), ("good", bytes(4096))):
        with open(paths[name], "wb") as out:
            out.write(content)
    os.makedirs(paths["folder"], exist_ok=True)
    return paths


def cases(paths, kernel):
    """(name, arguments, exit status, what the message must contain)"""
    run = ["run", "--kernel", kernel]
    return [
        ("no-arguments", [], USAGE, "--help"),
        ("unknown-command", ["fly"], USAGE, "fly"),
        ("unknown-option", [*run, "--fly"], USAGE, "--fly"),
        ("no-kernel", ["run"], USAGE, "--kernel"),
        ("kernel-absent", ["run", "--kernel", "/nowhere"], FAILED, "--kernel"),
        ("kernel-not-a-kernel", ["run", "--kernel", paths["text"]], FAILED, "--kernel"),
        ("kernel-empty", ["run", "--kernel", paths["empty"]], FAILED, "--kernel"),
        ("kernel-a-folder", ["run", "--kernel", paths["folder"]], FAILED, "--kernel"),
        ("initrd-absent", [*run, "--initrd", "/nowhere"], FAILED, "--initrd"),
        ("append-too-long", [*run, "--append", "x" * 5000], FAILED, "--append"),
        ("memory-zero", [*run, "--memory", "0"], USAGE, "--memory"),
        ("memory-not-a-size", [*run, "--memory", "lots"], USAGE, "--memory"),
        ("memory-too-small", [*run, "--memory", "8M"], FAILED, "--memory"),
        ("memory-absurd", [*run, "--memory", "900000G"], None, "--memory"),
        ("cpus-zero", [*run, "--cpus", "0"], USAGE, "--cpus"),
        ("cpus-not-a-number", [*run, "--cpus", "two"], USAGE, "--cpus"),
        ("disk-absent", [*run, "--disk", "file=/nowhere"], FAILED, "/nowhere"),
        ("disk-a-folder", [*run, "--disk", f"file={paths['folder']}"], FAILED, "--disk"),
        ("disk-empty", [*run, "--disk", f"file={paths['empty']}"], FAILED, "--disk"),
        ("disk-odd-length", [*run, "--disk", f"file={paths['odd']}"], FAILED, "--disk"),
        ("disk-without-file", [*run, "--disk", "lun=1"], USAGE, "--disk"),
        ("disk-unknown-key", [*run, "--disk", f"file={paths['good']},colour=red"], USAGE, "colour"),
        ("disk-wrong-block", [*run, "--disk", f"file={paths['good']},block=1000"], USAGE, "block"),
        ("disk-lun-too-large", [*run, "--disk", f"file={paths['good']},lun=64"], USAGE, "lun"),
        ("disk-same-lun-twice", [*run, "--disk", "null=1M,lun=1", "--disk", "null=1M,lun=1"], None, "lun"),
        ("disk-key-twice", [*run, "--disk", "null=1M,lun=1,lun=2"], USAGE, "lun is given twice"),
        ("memory-twice", [*run, "--memory", "1G", "--memory", "2G"], USAGE, "--memory 2G"),
        ("controller-unknown", [*run, "--controller", "4"], USAGE, "--controller 4"),
        ("controller-no-channel", [*run, "--controller", "0,channels=0"], USAGE, "from 1 to 64"),
        ("controller-twice", [*run, "--controller", "0", "--controller", "0"], USAGE, "twice"),
        ("hyperv-unknown-name", [*run, "--hyperv", "-tlbflus"], USAGE, "-tlbflush"),
        ("hyperv-no-sign", [*run, "--hyperv", "tlbflush"], USAGE, "minus"),
        ("services-unknown", [*run, "--services", "kvp"], USAGE, "timesync"),
        ("services-unknown-version", [*run, "--services", "timesync=2.0"], USAGE, "4.0"),
        ("host-cpus-absent", [*run, "--host-cpus", "1000"], USAGE, "1000"),
        ("ctl-shutdown-unknown", ["ctl", "/nowhere", "shutdown", "now"], USAGE, "--force"),
        ("vmbus-version-unknown", [*run, "--vmbus-version", "9.9"], USAGE, "--vmbus-version"),
        ("fault-unknown-verb", [*run, "--fault", "packet:dorp"], USAGE, "dorp"),
        ("fault-unknown-condition", [*run, "--fault", "packet,wibble=1:drop"], USAGE, "wibble"),
        ("fault-without-when", [*run, "--fault", "drop"], USAGE, "WHEN:WHAT"),
        ("fault-now-at-start", [*run, "--fault", "now:silent"], USAGE, "now"),
        ("ctl-fault-without-word", ["ctl", "/nowhere", "fault"], USAGE, "RULE"),
        ("serial-unknown", [*run, "--serial", "carrier-pigeon"], USAGE, "--serial"),
        ("trace-nowhere", [*run, "--trace", "/nowhere/trace"], FAILED, "--trace"),
        ("trace-a-folder", [*run, "--trace", paths["folder"]], FAILED, "--trace"),
        ("trace-unknown-key", [*run, "--trace", "/dev/null,colour=red"], USAGE, "--trace"),
        ("time-limit-not-a-number", [*run, "--time-limit", "soon"], USAGE, "--time-limit"),
        ("ctl-stats-not-a-number", ["ctl", "/nowhere", "stats", "often"], USAGE, "seconds"),
        ("ctl-nobody-there", ["ctl", "/nowhere", "query-status"], FAILED, "/nowhere"),
    ]


def verdict(ran, status, wanted):
    """An empty string, or what is wrong with the way it refused."""
    lines = ran.stderr.strip().splitlines()
    if ran.returncode not in ((FAILED, USAGE) if status is None else (status,)):
        return f"exit status {ran.returncode}, expected {status}: {ran.stderr.strip()[:200]}"
    if not lines or wanted.lower() not in ran.stderr.lower():
        return f"the message does not name {wanted}: {ran.stderr.strip()[:200]}"
    if len(lines) > 1:
        return f"{len(lines)} lines instead of one: {' | '.join(lines)[:300]}"
    return ""


def ends_by_signal(scratch, kernel):
    """Whether SIGTERM ends a host that hangs before its guest runs: its statistics go to a pipe that nobody reads."""
    pipe = os.path.join(scratch, "nobody-reads")
    os.mkfifo(pipe)
    with subprocess.Popen([HOST, "run", "--kernel", kernel, "--stats", pipe], stdin=subprocess.DEVNULL) as host:
        try:
            host.wait(0.5)
        except subprocess.TimeoutExpired:
            host.terminate()
        try:
            return host.wait(10) == -signal.SIGTERM
        except subprocess.TimeoutExpired:
            host.kill()
            return False


def check(results, context, _prepared):
    kernel = images.kernel("vmlinuz", "6.1-amd64")
    results.check("host.signal-ends-start-up", ends_by_signal(context.scratch, kernel))
    for name, arguments, status, wanted in cases(bad_files(context.scratch), kernel):
        ran = subprocess.run([HOST, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                             check=False)
        wrong = verdict(ran, status, wanted)
        results.check(f"host.refuses.{name}", not wrong, wrong)


def jobs():
    return [Job("cli", "guests", 1, lambda: None, check)]
