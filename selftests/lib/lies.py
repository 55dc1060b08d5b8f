# SPDX-License-Identifier: GPL-2.0
"""A seeded host tells a guest under load thousands of lies, then is honest again: nothing may be left of them.

The host's faults do the lying (docs/fault.md): here is only which rules, and when offers come and go. All of the host's
decisions come from one seed, which is printed; what a lie meets also depends on what the guest does at that moment.
"""

import os
import random
import re
import time

import images
from guest import Guest, Run
from jobs import Job

COUNT = 20000
KERNEL = "6.12-amd64"
STORM_BYTES, VERIFY_BYTES = 1 << 30, 16 << 20
STORM_CHANNELS = ("scsi0", "scsi0.1")
POLL_SECONDS = 0.15
LIMIT = 400
TELLING_MAX = 240
# How long a controller that was offered again may take until its first packets are of a disk that is in use.
REPROBE_SECONDS = 1.5

# (kind, what, share of the packets to the guest). Offsets are those of the VSTOR packet. Four sorts, by what they cost: lies
# that a sane guest shrugs off; answers that are bad news, of which a disk that is just being found survives some; delays;
# and answers that are lost, since id, type, operation or length is a lie, whose commands wait until the controller goes.
PACKETS = (
    ("duplicate", "lie,of=duplicate", 0.70),
    ("unsolicited", "send", 0.50),
    ("interrupts", "lie,of=raise", 0.70),
    ("status", "corrupt,offset=8,size=4", 0.01),
    ("srb-status", "corrupt,offset=14,size=1", 0.01),
    ("scsi-status", "corrupt,offset=15,size=1", 0.01),
    ("sense-length", "corrupt,offset=21,size=1", 0.01),
    ("transfer-length", "corrupt,offset=24,size=4", 0.01),
    ("sense", "corrupt,offset=28,size=8", 0.01),
    ("reorder", "lie,of=reorder", 0.05),
    ("delay", "lie,of=delay", 0.05),
    ("id", "corrupt,offset=-8,size=8", 0.0004),
    ("type", "corrupt,offset=-16,size=2", 0.0004),
    ("length", "corrupt,offset=-12,size=2", 0.0004),
    ("operation", "corrupt,offset=0,size=4", 0.0004),
    ("answer", "lie,of=answer", 0.0006),
    ("drop", "drop", 0.0004),
    ("raw", "lie,of=raw", 0.0004),
    ("ring", "lie,of=ring", 0.0004),
)
INTERRUPTS = (("delay", "lie,of=delay", 0.05), ("duplicate", "lie,of=duplicate", 0.50), ("drop", "drop", 0.002))
# Of the control messages to the guest: offers, answers to GPADL, OPEN and the others, rescinds.
MESSAGES = (
    ("duplicate", "lie,of=duplicate", 0.30),
    ("reorder", "lie,of=reorder", 0.03),
    ("delay", "lie,of=delay", 0.05),
    ("raise", "lie,of=raise", 0.30),
    ("answer", "lie,of=answer", 0.005),
    ("corrupt", "lie,of=corrupt", 0.005),
    ("drop", "drop", 0.003),
)


def rules(dice):
    """(kind, rule) of all that is lied about while it goes on."""
    def row(subject, where, kind, what, share):
        return f"{subject}.{kind}", f"{subject},{where}prob={share},seed={dice.getrandbits(32)}:{what}"

    made = [row("packet", f"to=guest,channel={channel},", *packet) for packet in PACKETS for channel in STORM_CHANNELS]
    made += [row("interrupt", "", *interrupt) for interrupt in INTERRUPTS]
    made += [row("message", "to=guest,", *message) for message in MESSAGES]
    return made


def sudden(dice):
    """(kind, rule) of something that happens by itself, now."""
    relid = dice.randrange(1, 40)
    kinds = ("offer", "rescind", "open-result", "gpadl-created", "gpadl-torndown", "version-response", "modify-response",
             "unload-response", "all-offers-delivered", dice.randrange(64))
    post = f"post,type={dice.choice(kinds)},relid={relid},status={dice.choice((0, 1, 0xC0000001))},times={dice.randrange(1, 20)}"
    raw = f"post,bytes={dice.randbytes(dice.randrange(8, 60)).hex()}"
    channel = dice.choice(STORM_CHANNELS + ("scsi1", "scsi1.1"))
    storm = dice.choice(STORM_CHANNELS)
    again = dice.randrange(0, 60)
    # An interrupt of its own for each channel comes often: it is what helps after one that was withheld.
    return dice.choices((
        ("rescind", f"now,channel=scsi0:rescind,reoffer={again}"),
        ("rescind", f"now,channel=scsi0:rescind,reoffer={again},times={dice.randrange(2, 6)}"),
        ("rescind", f"now,channel=scsi1:rescind,reoffer={again}"),
        ("message.invented", f"now:{post}"),
        ("message.invented", f"now:{raw}"),
        ("interrupt.invented", f"now,channel={channel}:raise,relid={relid},times={dice.randrange(1, 50)}"),
        ("interrupt.invented", f"now,channel={channel}:raise,times={dice.randrange(1, 10)}"),
        ("packet.invented", f"now,channel={storm}:send,op={dice.randrange(16)},id={dice.randrange(2)},times={dice.randrange(1, 30)}"),
    ), (1, 1, 1, 8, 4, 8, 32, 8))[0]


class Liar:
    """Told of by the guest's mark that its load runs; lies until there were enough, then stops, and the guest goes on."""

    def __init__(self, count, seed):
        self.count = count
        self.dice = random.Random(seed)
        self.told = {}
        self.once = {}
        self.seconds = 0.0
        self.packets = 0
        self.moved = 0.0
        self.patience = 0.2
        self.wrong = ""

    def add(self, run, kind, rule):
        answer = run.ask("fault-add", rule=rule)
        if answer is None:
            self.wrong = self.wrong or f"the host refused {rule}"
        elif rule.startswith("now"):
            # It is done; a rule less to ask at every packet.
            run.ask("fault-remove", id=answer["id"])
        return kind

    def surprise(self, run):
        """Something sudden. It is one lie for each time that it happens; its rule has done its work when it was added."""
        kind, rule = sudden(self.dice)
        times = re.search(r"times=(\d+)", rule)
        self.add(run, kind, rule)
        self.once[kind] = self.once.get(kind, 0) + (int(times.group(1)) if times else 1)

    def look(self, run, standing):
        """Counts what was told, by kind, and returns how many packets of the storm came by."""
        told, packets = dict(self.once), 0
        for rule in run.ask("fault-list") or []:
            kind = standing.get(rule["rule"])
            if not kind:
                continue
            told[kind] = told.get(kind, 0) + rule["hits"]
            if kind == "packet.duplicate":
                packets += rule["matched"]
        self.told = told
        return packets

    def recover(self, run, now, packets):
        """A controller on which nothing moves any more is taken away and offered again; its commands fail, its disks come anew.

        Sometimes it takes so long that the guest's error handler has begun before.
        """
        if packets != self.packets:
            self.packets, self.moved = packets, now
        elif now - self.moved > self.patience:
            self.add(run, "rescind", f"now,channel=scsi0:rescind,reoffer={self.dice.randrange(0, 60)}")
            self.once["rescind"] = self.once.get("rescind", 0) + 1
            self.moved = now + REPROBE_SECONDS
            self.patience = self.dice.choice((0.2, 0.2, 0.2, 0.2, 0.5, 2.5))

    def mark(self, run, name):
        if name != "lie":
            return
        standing = {}
        for kind, rule in rules(self.dice):
            standing[rule] = self.add(run, kind, rule)
        began = self.moved = time.monotonic()
        while sum(self.told.values()) < self.count and run.process.poll() is None and not self.wrong:
            now = time.monotonic()
            if now - began > TELLING_MAX:
                self.wrong = f"the guest gave no occasion for more lies within {TELLING_MAX} s"
            self.surprise(run)
            self.recover(run, now, self.look(run, standing))
            time.sleep(self.dice.uniform(0.2, 1.8) * POLL_SECONDS)
        run.ask("fault-clear")
        self.seconds = time.monotonic() - began


def boot(results, context, plan):
    liar = Liar(plan["count"], plan["seed"])
    honest = os.path.join(context.scratch, "honest")
    with open(honest, "wb") as disk:
        disk.truncate(VERIFY_BYTES)
    append = images.append("hvis", "hv", context.tsc_khz, luns="0,1", storm=STORM_BYTES, verify=VERIFY_BYTES,
                           lies=1, limit=LIMIT - 30)
    guest = Guest("lies", images.kernel("vmlinux", KERNEL), plan["initrd"], f"{append} log_buf_len=8M", 2,
                  disks=[f"null={STORM_BYTES},lun=0,controller=0", f"file={honest},lun=1,controller=1"],
                  options=["--controller", "0,channels=2", "--controller", "1,channels=2"], limit=LIMIT)
    run = Run(guest, context.scratch, results.folder)
    run.on_mark = lambda name, stats: liar.mark(run, name)
    run.run()
    return run, liar


def record_guest(results, run, part, note=""):
    """The checks and figures of a guest that ran shell checks of its own, and whether its kernel is well."""
    pending = []
    for line in run.lines:
        match = re.match(r"(not ok|ok) \d+ (\S+)", line)
        if match:
            results.check(f"{part}.{match.group(2)}", match.group(1) == "ok", " | ".join(pending[-8:]) + note)
            pending = []
        elif line.startswith("#"):
            pending.append(line.lstrip("# "))
    trouble = run.trouble()
    results.check(f"{part}.kernel-is-well", not trouble, trouble + note)
    for name, value, unit in run.figures:
        results.figure(name, value, unit)


def record(results, run, liar, plan):
    total = sum(liar.told.values())
    print(f"          lies: {total} in {liar.seconds:.0f} s, seed {plan['seed']}: "
          + ", ".join(f"{kind} {count}" for kind, count in sorted(liar.told.items())), flush=True)
    note = f"; repeat with selftests/hostile/lies --count {plan['count']} --seed {plan['seed']}"
    results.check("hostile.lies.told", not liar.wrong and total >= plan["count"],
                  f"{total} of {plan['count']}; {liar.wrong}{note}")
    record_guest(results, run, "hostile.lies", note)
    results.figure("hostile.lies.told", total, "count")
    for kind, count in liar.told.items():
        results.figure(f"hostile.lies.told.{kind}", count, "count")


def check(results, context, plan):
    run, liar = boot(results, context, plan)
    record(results, run, liar, plan)


def prepare(count=COUNT, seed=None):
    """What check() needs: the initramfs, how many lies, and the seed."""
    load = os.path.join(images.KSELFTEST, "lieload") + ":/bin/lieload"
    return {
        "initrd": images.initramfs(KERNEL, "hvis", os.path.join(images.GUEST, "lies"), programs=[load], files=[(os.path.join(images.GUEST, "after.sh"), "/kselftest/after.sh")]),
        "count": count,
        "seed": random.SystemRandom().getrandbits(32) if seed is None else seed,
    }


def jobs():
    return [Job("lies", "hostile", 10, prepare, check)]
