# SPDX-License-Identifier: GPL-2.0
"""tools/vswitch: who reaches whom on the three kinds of switch, what is refused, and that nothing stays behind.

Run as a program it does the tests in the network namespace it is started in, one line each; the job starts it where
bridges can be made, in a namespace of its own.
"""

import fcntl
import os
import re
import select
import socket
import struct
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VSWITCH = os.path.join(TOP, "tools", "vswitch")
drained = 0
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
RTMGRP_LINK = 1
EXPERIMENT = 0x88B5  # the EtherType for local experiments
BROADCAST = b"\xff" * 6
# What the kernel says anew each time, or counts.
VOLATILE = re.compile(r"\b(gc_timer|hello_timer|tcn_timer|topology_change_timer|[a-z_]*uptime) +[\d.]+|promiscuity \d+ ")
REFUSALS = [  # (name, arguments, exit status, what the message has)
    ("no-command", [], 2, "which command"),
    ("unknown-command", ["make"], 2, "no command 'make'"),
    ("unknown-kind", ["add", "sw9", "public"], 2, "external, internal or private"),
    ("long-name", ["add", "a-name-of-16-chr", "private"], 2, "no name"),
    ("external-without-uplink", ["add", "sw9", "external"], 2, "needs an uplink"),
    ("private-with-uplink", ["add", "sw9", "private", "uplink", "up0"], 2, "only an external"),
    ("private-with-address", ["add", "sw9", "private", "address", "10.1.1.1/24"], 2, "no address on a private"),
    ("uplink-absent", ["add", "sw9", "external", "uplink", "none9"], 1, "no interface none9"),
    ("uplink-with-addresses", ["add", "sw9", "external", "uplink", "addressed"], 1, "has addresses"),
    ("uplink-too-small", ["add", "sw9", "external", "uplink", "up0", "mtu", "9000"], 1, "ip link set up0 mtu 9000"),
    ("uplink-is-a-bridge", ["add", "sw9", "external", "uplink", "foreign"], 1, "is a bridge itself"),
    ("uplink-in-use", ["add", "sw9", "external", "uplink", "taken"], 1, "part of another bridge"),
    ("mtu-too-large", ["add", "sw9", "private", "mtu", "9001"], 2, "from 576 to 9000"),
    ("bad-address", ["add", "sw9", "internal", "address", "there"], 1, "there"),
    ("name-taken", ["add", "foreign", "private"], 1, "an interface foreign already"),
    ("port-on-foreign-bridge", ["port", "foreign", "tap9"], 1, "not made by tools/vswitch"),
    ("port-on-nothing", ["port", "sw9", "tap9"], 1, "no switch sw9"),
    ("port-vlan-1", ["port", "sw9", "tap9", "vlan", "1"], 2, "from 2 to 4094"),
    ("port-two-kinds", ["port", "sw9", "tap9", "vlan", "5", "trunk"], 2, "one VLAN or a trunk"),
    ("port-unknown-word", ["port", "sw9", "tap9", "fast"], 2, "'fast' needs a value, or is not known"),
    ("remove-foreign-bridge", ["remove", "foreign"], 1, "stays as it is"),
    ("list-argument", ["list", "x"], 2, "takes nothing"),
]


def sh(command):
    return subprocess.run(command, shell=True, check=True, text=True, stdout=subprocess.PIPE).stdout


def vswitch(*arguments):
    ran = subprocess.run([VSWITCH, *arguments], text=True, capture_output=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def must(*arguments):
    status, out, err = vswitch(*arguments)
    if status or err:
        raise RuntimeError(f"vswitch {' '.join(arguments)}: exit status {status}: {err}")
    return out


def say(name, ok, detail=""):
    print(f"{'ok' if ok else 'not ok'} {name}" + (f": {detail}" if not ok else ""), flush=True)


def state():
    """All that a switch might leave behind."""
    text = sh("ip -d link; ip -d address; ip route show table all; ip -6 route show table all; bridge link; bridge vlan;"
              " bridge fdb; sysctl -a --pattern '^net[.]' 2>/dev/null | grep -Ev 'count|nf_log'; ! command -v nft >/dev/null || nft list ruleset")
    return VOLATILE.sub("", text).splitlines()


def await_forwarding(port):
    """The kernel hears of a tap's carrier from a work queue; until then the bridge drops what comes and goes there. No port: nothing to wait for."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as news:
        news.bind((0, RTMGRP_LINK))
        while "state forwarding" not in (said := sh(f"bridge link show dev {port}")) and said.strip():
            if not select.select([news], [], [], 10)[0]:
                raise RuntimeError(f"{port} forwards nothing: {said}")
            news.recv(65536)


class Vm:
    """The VM's end of a tap, or any interface by a packet socket: sends frames and hears others'."""

    def __init__(self, name, tap=True):
        self.name = name
        self.tap = tap
        if tap:
            self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
            await_forwarding(name)
        else:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((name, 3))
            self.socket.setblocking(False)
            self.file = self.socket.fileno()

    def send(self, data, vlan=None, bytes_wanted=60):
        tag = struct.pack(">HH", 0x8100, vlan) if vlan else b""
        frame = BROADCAST + b"\x02" + self.name.encode().ljust(5, b"-")[:5] + tag + struct.pack(">H", EXPERIMENT) + data
        os.write(self.file, frame.ljust(bytes_wanted, b"\0"))

    def arp(self, wanted):
        """Who has WANTED? asked from 10.7.0.99."""
        mac = b"\x02" + self.name.encode().ljust(5, b"-")[:5]
        os.write(self.file, BROADCAST + mac + struct.pack(">HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac +
                 socket.inet_aton("10.7.0.99") + bytes(6) + socket.inet_aton(wanted) + bytes(18))

    def hear_until(self, last):
        """All frames up to one that has LAST in it."""
        heard = []
        while not heard or last not in heard[-1]:
            if not select.select([self.file], [], [], 10)[0]:
                raise RuntimeError(f"{self.name} did not hear {last}; it heard {heard}")
            heard.append(os.read(self.file, 65536))
        return heard

    def close(self):
        self.socket.close() if not self.tap else os.close(self.file)


def drain(listener, sender, vlan=None):
    """All that LISTENER has heard before a frame of SENDER's, each time another one."""
    global drained
    drained += 1
    last = f"drained {drained}.".encode()
    sender.send(last, vlan)
    return listener.hear_until(last)


def heard(listener, friend, action, tag=b"what is asked about"):
    """Does LISTENER hear what ACTION sends? FRIEND's frame, sent afterwards, certainly arrives: no waiting for silence."""
    action()
    return any(tag in frame for frame in drain(listener, friend))


def answers(asker, friend, address):
    """Does anybody answer ARP for ADDRESS? Answers are made before the next frame is taken."""
    asker.arp(address)
    return any(frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x02" for frame in drain(asker, friend))


def test_kind(kind):
    """Two VMs and this machine on one switch."""
    must("add", "sw0", kind, *(["uplink", "up0"] if kind == "external" else []))
    must("port", "sw0", "tapa")
    must("port", "sw0", "tapb")
    a, b = Vm("tapa"), Vm("tapb")
    # Whatever somebody configures by hand: on a private switch it must not help.
    sh("ip address add 10.7.0.1/24 dev sw0; ip link set dev sw0 arp on")
    say(f"{kind}.vms-hear-each-other", heard(b, a, lambda: a.send(b"what is asked about")))
    host = Vm("sw0", tap=False)
    say(f"{kind}.machine-{'is kept out' if kind == 'private' else 'answers'}".replace(" ", "-"),
        answers(a, b, "10.7.0.1") == (kind != "private"))
    said = heard(a, b, lambda: host.send(b"what is asked about"))
    say(f"{kind}.machine-{'is not heard' if kind == 'private' else 'is heard'}".replace(" ", "-"), said == (kind != "private"))
    if kind == "external":
        outside = Vm("up1", tap=False)
        say("external.hears-outside", heard(a, b, lambda: outside.send(b"what is asked about")))
        say("external.is-heard-outside", heard(outside, b, lambda: a.send(b"what is asked about")))
        outside.close()
    for vm in (a, b, host):
        vm.close()
    must("remove", "sw0")


def test_quiet():
    """Nothing but what VMs send is heard on a private switch, also when ports come and go."""
    must("add", "sw0", "private")
    must("port", "sw0", "tapa")
    must("port", "sw0", "tapb")
    a, b = Vm("tapa"), Vm("tapb")
    sh("ip link set dev tapa down; ip link set dev tapa up; ip link set dev sw0 down; ip link set dev sw0 up")
    b.send(b"first")
    frames = a.hear_until(b"first")
    say("private.is-silent", len(frames) == 1, str(frames))
    a.close()
    b.close()
    must("remove", "sw0")


def test_vlans():
    must("add", "sw0", "external", "uplink", "up0")
    for name, *words in (("tap5", "vlan", "5"), ("tap5b", "vlan", "5"), ("tap6", "vlan", "6"), ("tapt", "trunk"), ("tapu",)):
        must("port", "sw0", name, *words)
    five, five_b, six, trunk, plain = (Vm(name) for name in ("tap5", "tap5b", "tap6", "tapt", "tapu"))
    outside = Vm("up1", tap=False)
    ask = b"what is asked about"
    trunk_tag5 = struct.pack(">HH", 0x8100, 5)
    say("vlan.same", heard(five_b, five, lambda: five.send(ask)))
    say("vlan.untagged-to-the-vm", all(frame[12:14] != b"\x81\x00" for frame in drain(five_b, five)))
    five.send(ask)
    say("vlan.trunk-sees-the-tag", any(frame[12:16] == trunk_tag5 and ask in frame for frame in trunk.hear_until(ask)))
    trunk.send(ask, vlan=6)
    say("vlan.trunk-to-vlan", any(ask in frame for frame in six.hear_until(ask)))
    # The trunk's own untagged frame comes last for both of the others.
    say("vlan.apart", not heard_apart(six, trunk, lambda: five.send(b"not for six"), b"not for six", 6))
    say("vlan.apart-from-untagged", not heard(plain, trunk, lambda: five.send(b"not for plain"), b"not for plain"))
    five.send(b"never tagged by a vm", vlan=6)
    say("vlan.vm-cannot-choose", not heard_apart(six, trunk, lambda: None, b"never tagged by a vm", 6))
    five.send(b"to the wire")
    say("vlan.uplink-is-tagged", vlan_on_wire(outside, b"to the wire"))
    for vm in (five, five_b, six, trunk, plain, outside):
        vm.close()
    listed = must("list")
    say("list", listed == "sw0 external mtu 1500 uplink up0\n  tap5 vlan 5\n  tap5b vlan 5\n  tap6 vlan 6\n  tapt trunk\n"
        "  tapu untagged\n", listed)
    must("remove", "sw0", "tap6")
    say("remove-one-port", "tap6" not in must("list") and "tap5b" in must("list"))
    must("remove", "sw0")


def heard_apart(listener, trunk, action, tag, vlan):
    """As heard(), where only the trunk reaches the listener."""
    action()
    return any(tag in frame for frame in drain(listener, trunk, vlan))


def vlan_on_wire(outside, last):
    """A packet socket gets the tag apart from the frame; the sub-interface of the VLAN shows that it was there."""
    outside.hear_until(last)
    sh("ip link add link up1 name up1.5 type vlan id 5; ip link set dev up1.5 up")
    listener = Vm("up1.5", tap=False)
    must("port", "sw0", "tap5c", "vlan", "5")
    vm = Vm("tap5c")
    vm.send(last)
    frames = listener.hear_until(last)
    vm.close()
    listener.close()
    must("remove", "sw0", "tap5c")
    sh("ip link delete dev up1.5")
    return bool(frames)


def test_large():
    must("add", "sw0", "private", "mtu", "9000")
    must("port", "sw0", "tapa")
    must("port", "sw0", "tapb", "multi_queue")
    say("mtu.list", "mtu 9000" in must("list"))
    must("remove", "sw0", "tapb")
    must("port", "sw0", "tapb")
    a, b = Vm("tapa"), Vm("tapb")
    a.send(b"large", bytes_wanted=9014)
    say("mtu.9000-byte-frame", len(b.hear_until(b"large")[-1]) == 9014)
    a.close()
    b.close()
    must("remove", "sw0")


def test_uplink_that_was_down():
    sh("ip link set dev up0 down")
    before = state()
    must("add", "sw0", "external", "uplink", "up0", "address", "10.7.0.1/24")
    say("external.address", "10.7.0.1/24" in sh("ip address show dev sw0"))
    say("external.uplink-comes-up", ",UP" in sh("ip link show dev up0"))
    must("remove", "sw0")
    now = state()
    say("nothing-stays-of-an-uplink-that-was-down", now == before, difference(before, now))


def test_refusals():
    for name, arguments, status, wanted in REFUSALS:
        got, _, err = vswitch(*arguments)
        good = got == status and wanted in err and len(err.splitlines()) == 1
        say(f"refuses.{name}", good, f"exit status {got}: {err}")
    status, out, err = vswitch("--help")
    say("help", status == 0 and "remove NAME" in out and not err)
    say("remove-what-is-gone", vswitch("remove", "sw0") == (0, "", "") and vswitch("remove", "sw0", "tapa") == (0, "", ""))


def main():
    sh("ip link set dev lo up; ip link add up0 type veth peer name up1; ip link set dev up0 addrgenmode none up;"
       " ip link set dev up1 addrgenmode none up;"
       " ip link add name foreign type bridge; ip link add taken type dummy; ip link set dev taken master foreign;"
       " ip link add addressed type dummy; ip address add 10.8.0.1/24 dev addressed")
    before = state()
    test_refusals()
    now = state()
    say("refusals-change-nothing", now == before, difference(before, now))
    for kind in ("private", "internal", "external"):
        test_kind(kind)
    test_quiet()
    test_vlans()
    test_large()
    now = state()
    say("nothing-stays", now == before, difference(before, now))
    test_uplink_that_was_down()


def difference(before, now):
    return " | ".join([f"-{line}" for line in before if line not in now] + [f"+{line}" for line in now if line not in before])[:800]


def namespace():
    """The command that starts another in a network namespace of its own."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


def missing():
    """Why bridges cannot be tried here, in one line, or an empty string."""
    subprocess.run(["modprobe", "-aq", "bridge", "veth", "dummy", "8021q", "tun"], check=False)
    ran = subprocess.run([*namespace(), "ip", "link", "add", "name", "probe", "type", "bridge"], text=True, capture_output=True,
                         check=False)
    return "" if ran.returncode == 0 else f"no bridges here: {ran.stderr.strip()}"


def check(results, _context, _prepared):
    why = missing()
    if why:
        results.check("vswitch", None, why)
        return
    ran = subprocess.run([*namespace(), sys.executable, os.path.abspath(__file__)], text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=400, check=False)
    for line in ran.stdout.splitlines():
        name, _, detail = line.removeprefix("not ").removeprefix("ok ").partition(": ")
        if line.startswith(("ok ", "not ok ")):
            results.check(f"vswitch.{name}", line.startswith("ok "), detail)
    results.check("vswitch.ends", ran.returncode == 0 and "that-was-down" in ran.stdout, ran.stdout[-600:])


def jobs():
    from jobs import Job

    return [Job("vswitch", "guests", 12, lambda: None, check, rare=True)]


if __name__ == "__main__":
    main()
