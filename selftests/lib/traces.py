# SPDX-License-Identifier: GPL-2.0
"""Traces of guests (docs/trace.md): read with tshark and our dissector, and compared with the host's own statistics."""

import collections
import json
import os
import subprocess
import tempfile

from results import TOP

DISSECTOR = os.path.join(TOP, "tools", "wireshark", "vmbus.lua")
FIELDS = ("frame.number", "vmbus.kind", "vmbus.direction", "vmbus.msg.name", "vmbus.doorbells",
          "vmbus.flags.raised", "vmbus.response_in", "vmbus.request_in", "vstor.operation", "_ws.expert.group",
          "_ws.expert.message")
CONTROL, PACKET, DOORBELL, INTERRUPT, DATA = "12345"
TO_HOST, TO_GUEST = "12"
# Expert information of this group is about what was answered (a disk may refuse a command); any other is a finding.
RESPONSE_CODE = str(0x03000000)

Record = collections.namedtuple("Record", [field.replace(".", "_").lstrip("_") for field in FIELDS])


def options(folder, name):
    """What hvis-host is told to leave a trace and, to compare it with, its statistics."""
    return ["--trace", os.path.join(folder, f"{name}.pcapng") + ",signals=on,data=64,buffer=64M",
            "--stats", os.path.join(folder, f"{name}.stats.json")]


def tshark(path, *arguments):
    """Standard output of tshark with our dissector and nobody's personal settings."""
    with tempfile.TemporaryDirectory() as settings:
        ran = subprocess.run(["tshark", "-n", "-X", f"lua_script:{DISSECTOR}", "-r", path, *arguments], check=False,
                             env={**os.environ, "WIRESHARK_CONFIG_DIR": settings, "LC_ALL": "C.UTF-8"}, text=True,
                             stdin=subprocess.DEVNULL, capture_output=True)
    if ran.returncode or "Lua: Error" in ran.stderr:
        raise RuntimeError(f"tshark: exit status {ran.returncode}: {ran.stderr.strip()[-300:]}")
    return ran.stdout


def records(path):
    """Every record of the file; two passes, so that requests know their answers."""
    arguments = ["-2", "-T", "fields", "-E", "separator=/t"]
    for field in FIELDS:
        arguments += ["-e", field]
    return [Record(*line.split("\t")) for line in tshark(path, *arguments).splitlines()]


def compare(results, title, name, found, said):
    different = {key: (found.get(key, 0), said.get(key, 0)) for key in {*found, *said} if found.get(key, 0) != said.get(key, 0)}
    results.check(f"{title}.{name}", not different, f"trace and statistics: {different}" if different else "")


def count(trace, kind, direction, key):
    return dict(collections.Counter(key(record) for record in trace
                                    if record.vmbus_kind == kind and record.vmbus_direction == direction))


def findings(trace):
    """What the dissector found wrong, one line each."""
    for record in trace:
        groups = [group for group in record.ws_expert_group.split(",") if group and group != RESPONSE_CODE]
        if groups or not record.vmbus_kind or "Lua Error" in record.ws_expert_message:
            yield f"record {record.frame_number}: {record.ws_expert_message or 'not dissected'}"


def channels(stats, counter):
    """A counter over all channels, those that are gone among them."""
    return {"all": sum(channel[counter] for channel in stats["vmbus"]["channels"]) + stats["vmbus"]["channels_removed"][counter]}


def check_counts(results, title, trace, stats):
    messages = stats["vmbus"]["messages"]
    for direction, side in ((TO_HOST, "in"), (TO_GUEST, "out")):
        compare(results, title, f"messages-{side}", count(trace, CONTROL, direction, lambda r: r.vmbus_msg_name), messages[side])
    for direction, side in ((TO_HOST, "packets_in"), (TO_GUEST, "packets_out")):
        compare(results, title, side, count(trace, PACKET, direction, lambda _: "all"), channels(stats, side))
    compare(results, title, "doorbells",
            {"all": sum(int(record.vmbus_doorbells) for record in trace if record.vmbus_kind == DOORBELL)},
            {"all": stats["doorbells"]})
    raised = [record for record in trace if record.vmbus_kind == INTERRUPT and record.vmbus_flags_raised in ("1", "True")]
    compare(results, title, "interrupts", {"all": len(raised)}, channels(stats, "interrupts"))


def check_answers(results, title, trace):
    """Every SCSI request has its answer, and every answer its request."""
    requests = [record for record in trace if record.vstor_operation == "3" and record.vmbus_direction == TO_HOST]
    answers = [record for record in trace if record.vstor_operation == "1" and record.vmbus_direction == TO_GUEST]
    lonely = [r.frame_number for r in requests if not r.vmbus_response_in] + [r.frame_number for r in answers if not r.vmbus_request_in]
    results.check(f"{title}.every-srb-answered", requests and not lonely, f"{len(requests)} requests, without a partner: {lonely[:10]}")


def check_corrupted(results, title, path):
    """The dissector gets through a file with wrong bytes everywhere: something to say, but no error of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        wrong = os.path.join(scratch, "wrong.pcapng")
        subprocess.run(["editcap", "-E", "0.02", "--seed", "1", "-r", path, wrong, "1-3000"], check=True, stdin=subprocess.DEVNULL,
                       capture_output=True)
        said = tshark(wrong, "-V")
    errors = [line for line in said.splitlines() if "Lua Error" in line]
    results.check(f"{title}.corrupted-is-dissected", not errors and "Malformed" in said, "; ".join(errors[:3]))


class Part:
    """Traces a part of a guest's run by the control socket: from its first test to its third."""

    def __init__(self, results, run):
        self.results = results
        self.run = run
        self.tests = 0
        self.spec = os.path.join(results.folder, f"{run.guest.name}.pcapng") + ",signals=on"
        run.on_line = self.line

    def say(self, name, wanted, **arguments):
        answer = self.run.ask(name, **arguments)
        ok = (answer or {}).get("running") is wanted if wanted is not None else answer is None
        self.results.check(f"trace.{self.run.guest.name}.{name}{'' if wanted is not None else '-refused'}", ok, f"answer: {answer}")

    def line(self, line):
        if line.startswith("TAP version"):
            self.say("trace-stop", None)
            self.say("trace-start", True, spec=self.spec)
            self.say("trace-start", None, spec=self.spec)
        elif line.startswith("# ok "):
            self.tests += 1
            if self.tests == 3:
                self.say("trace-stop", False)


def check_part(results, title, trace):
    """A trace of a part: sound, though the first answers and the last requests may be alone."""
    kinds = {record.vmbus_kind for record in trace}
    results.check(f"{title}.has-all-kinds", {PACKET, DOORBELL, INTERRUPT} <= kinds, f"{len(trace)} records of kinds {sorted(kinds)}")
    wrong = [line for line in findings(trace) if "in this trace" not in line]
    results.check(f"{title}.nothing-malformed", not wrong, "; ".join(wrong[:5]))


def check(results, folder, name, extent):
    """The trace and statistics that the guest NAME left in FOLDER; extent: "all" or "part"."""
    title = f"trace.{name}"
    path = os.path.join(folder, f"{name}.pcapng")
    try:
        if extent == "part":
            check_part(results, title, records(path))
            return
        with open(os.path.join(folder, f"{name}.stats.json"), encoding="utf-8") as text:
            stats = json.load(text)
        trace = records(path)
        results.check(f"{title}.complete", stats["trace"]["lost"] == 0 and len(trace) == stats["trace"]["records"],
                      f"{len(trace)} records in the file: {stats['trace']}")
        wrong = list(findings(trace))
        results.check(f"{title}.nothing-malformed", not wrong, "; ".join(wrong[:5]))
        check_counts(results, title, trace, stats)
        check_answers(results, title, trace)
        check_corrupted(results, title, path)
    except (OSError, RuntimeError, ValueError, KeyError, subprocess.CalledProcessError) as error:
        results.check(f"{title}.readable", False, f"{type(error).__name__}: {error}")
