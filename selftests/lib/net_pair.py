# SPDX-License-Identifier: GPL-2.0
"""Two guests on virtual switches of tools/vswitch, one with our NIC driver, the other with the kernel's own: who reaches whom, on a
private switch, on an internal one, with tags and by access ports; frames of 9000 bytes, and files both ways at once."""

import os
import subprocess
import threading

import images
import netns
import vswitch
from guest import Guest, Run
from jobs import Job
from net import record_said

KERNEL = "6.12-amd64"
MIB = 2  # each way, on two networks
MTU = 9000
PATIENCE = 100
DRIVERS = {1: "hvis", 2: "kernel"}
# (of the guests' NICs, in the order of their numbers; the switch; words for the port)
NETWORKS = (("private", "lab", ()), ("internal", "inside", ()), ("trunk", "tags", ("trunk",)), ("access", "tags", ("vlan", "5")))
MAC = bytes.fromhex("02687673")
MACHINE = 254
OUTSIDE = "10.9.0.1"


def tap(network, me):
    return f"{network}{me}"


def nic(number, me):
    return f"tap={tap(NETWORKS[number - 1][0], me)},mac={MAC.hex(':')}:{number:02x}:{me:02x}"


def make_networks():
    """On the private switch the machine tries as hard as it can to be there."""
    vswitch.must("add", "lab", "private", "mtu", str(MTU))
    vswitch.sh(f"ip address add 10.1.0.{MACHINE}/24 dev lab; ip link set dev lab arp on")
    vswitch.must("add", "inside", "internal", "mtu", str(MTU), "address", f"10.2.0.{MACHINE}/24")
    vswitch.must("add", "tags", "private", "mtu", str(MTU))
    vswitch.sh(f"ip link add outside mtu {MTU} type dummy; ip address add {OUTSIDE}/24 dev outside; ip link set dev outside up")
    for network, switch, words in NETWORKS:
        for me in DRIVERS:
            vswitch.must("port", switch, tap(network, me), *words)


def heard(ear):
    """Which guests' frames an interface of this machine has got."""
    guests = set()
    try:
        while True:
            frame = os.read(ear.file, 65536)
            if frame[6:10] == MAC:
                guests.add(frame[11])
    except BlockingIOError:
        return guests


def ping(address, size, *limits):
    """How many were answered."""
    ran = subprocess.run(["busybox", "ping", "-q", "-A", "-s", str(size), *limits, address], text=True, capture_output=True, check=False)
    return int(ran.stdout.split(" packets received")[0].split()[-1])


class Pair:
    """Both guests, who wait for each other at every mark, and what is done there."""

    def __init__(self, results, prefix):
        self.results = results
        self.prefix = prefix
        self.runs = {}
        self.at = {}
        self.stats = {}
        self.barrier = threading.Barrier(len(DRIVERS), action=self.meet)
        self.ears = {}

    def listen(self):
        self.ears = {name: vswitch.Vm(name, tap=False) for name in ("lab", "inside", "outside")}

    def mark(self, me, name, stats):
        self.at[me], self.stats[me] = name, stats
        try:
            self.barrier.wait(PATIENCE)
        except threading.BrokenBarrierError:
            pass  # the other one has ended; this one goes on, and says what does not work

    def check(self, name, ok, detail=""):
        self.results.check(f"{self.prefix}.{name}", ok, detail)

    def meet(self):
        """Both are there, and go on afterwards."""
        names = set(self.at.values())
        if len(names) > 1:
            self.check("same-mark", False, str(self.at))
            return
        acts = {"private": self.try_private, "internal": self.try_internal, "move-1": lambda: self.move(1), "move-2": lambda: self.move(2),
                "done": self.judge_ears}
        try:
            acts.get(names.pop(), lambda: None)()
        except Exception as error:  # pylint: disable=broad-except
            self.check(f"at-{self.at[1]}", False, repr(error))

    def try_private(self):
        answered = sum(ping(f"10.1.0.{me}", 56, "-c", "1", "-W", "1") for me in DRIVERS)
        self.check("machine-does-not-reach-private", not answered, f"{answered} answers")

    def try_internal(self):
        answered = [ping(f"10.2.0.{me}", MTU - 28, "-c", "3", "-w", "20") for me in DRIVERS]
        self.check("machine-reaches-internal", answered == [3, 3], f"{answered} answers")

    def move(self, me):
        """Its access port goes, and comes as one of VLAN 6: so does its NIC."""
        number = len(NETWORKS)
        network, switch, _ = NETWORKS[number - 1]
        removed = self.runs[me].ask("nic-remove", nic=number - 1)
        vswitch.must("remove", switch, tap(network, me))
        vswitch.must("port", switch, tap(network, me), "vlan", "6")
        added = self.runs[me].ask("nic-add", spec=nic(number, me))
        self.check(f"port-moves-{DRIVERS[me]}", removed == {} and added == {"nic": number - 1}, f"{removed} {added}")

    def judge_ears(self):
        got = {name: heard(ear) for name, ear in self.ears.items()}
        wanted = {"lab": set(), "inside": set(DRIVERS), "outside": set()}
        self.check("machine-hears-only-internal", got == wanted, str(got))

    def judge(self):
        """After the end of both."""
        self.check("both-complete", self.at == {me: "done" for me in DRIVERS}, str(self.at))
        for me, driver in DRIVERS.items():
            record_said(self.results, f"{self.prefix}.{driver}", self.runs[me])
            nics = (self.stats.get(me) or {}).get("nics", {})
            wrong = [f"{name}.{what}={nics[name].get(what)}" for name in nics for what in ("refused", "tx_refused", "rx_errors")
                     if nics[name].get(what) != 0]
            self.check(f"{driver}.nothing-refused", len(nics) == len(NETWORKS) and not wrong, f"{sorted(nics)} {wrong}")
        sums = {me: dict(line.split()[1:] for line in run.lines if line.startswith("sha ")) for me, run in self.runs.items()}
        for me, driver in DRIVERS.items():
            sent = sums[3 - me].get("sent")
            for network in ("private", "trunk"):
                self.check(f"{driver}.{network}-file-is-what-was-sent", sent and sums[me].get(network) == sent, str(sums))


def make_run(pair, me, context, initrd, folder):
    driver = DRIVERS[me]
    append = images.append(driver, "hv", context.tsc_khz, me=me, mib=MIB, limit=200)
    options = [word for number in range(1, len(NETWORKS) + 1) for word in ("--nic", nic(number, me))]
    guest = Guest(f"net-pair-{driver}", images.kernel("vmlinux", KERNEL), initrd, append, options=options, limit=240)
    return Run(guest, context.scratch, folder, on_mark=lambda name, stats: pair.mark(me, name, stats))


def check(results, context, initrds):
    why = vswitch.missing() or netns.missing()
    if why:
        results.check("netvsc.pair", None, why)
        return
    pair = Pair(results, "netvsc.pair")

    def work():
        make_networks()
        pair.listen()
        pair.runs = {me: make_run(pair, me, context, initrds[driver], results.folder) for me, driver in DRIVERS.items()}
        for run in pair.runs.values():
            run.start()
        for run in pair.runs.values():
            run.wait()
            pair.barrier.abort()

    netns.isolated(work)
    pair.judge()
    print(f"          net-pair: {max(run.seconds for run in pair.runs.values()):.0f} s", flush=True)


def prepare():
    script = os.path.join(images.GUEST, "netpair")
    return {driver: images.initramfs(KERNEL, driver, script, modules=["8021q", *(["hv_netvsc"] if driver == "kernel" else [])],
                                     programs=[images.PINGSIZES]) for driver in DRIVERS.values()}


def jobs():
    return [Job("net-pair", "guests", 13, prepare, check)]
