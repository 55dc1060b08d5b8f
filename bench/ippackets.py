# SPDX-License-Identifier: GPL-2.0
"""How many packets of a wire went in and out of this network namespace, whoever is at the other end, from the kernel's own counters.

A frame that is to be segmented, or was joined, counts as one there, and as its parts here: what its bytes without one header fill. So the
same is counted for devices that segment and for those that cannot.
"""

MSS, HEADERS = 1448, 52  # of TCP over IPv4 with timestamps and an MTU of 1500
FILES = ("/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat")
WANTED = {"in": ("Ip.InReceives", "IpExt.InOctets"), "out": ("Ip.OutRequests", "IpExt.OutOctets")}


def parse(text):
    """Pairs of lines, names and numbers, as {"Ip.InReceives": 5}."""
    found, lines = {}, text.splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        group, *names = names.replace(":", "").split()
        found.update((f"{group}.{name}", int(value)) for name, value in zip(names, values.split()[1:]))
    return found


def counters():
    """Of the calling thread's namespace."""
    found = {}
    for path in FILES:
        with open(path, encoding="ascii") as text:
            found.update(parse(text.read()))
    return {way: (found[frames], found[octets]) for way, (frames, octets) in WANTED.items()}


def between(before, after):
    """Packets of both directions. Of TCP all but the last part of a frame are full; what is small is a packet by itself."""
    packets = 0
    for way in WANTED:
        frames, octets = (last - first for first, last in zip(before[way], after[way]))
        packets += max(frames, (octets - HEADERS * frames) / MSS)
    return packets
