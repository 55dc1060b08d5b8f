# SPDX-License-Identifier: GPL-2.0
"""Our NIC driver against the kernel's own on the same host and tap, in one run: TCP both ways and small UDP packets, by 1 and 2 queues."""

import json
import os
import subprocess

import images
import netns
from guest import Guest, Run
from jobs import Job

KERNEL = "6.12-amd64"
LOADS = ("tcp_tx", "tcp_rx", "udp")
SIDES = ("hvis", "kernel")
QUEUES = (1, 2)
SECONDS = 4
ADDRESS, TAP = "10.9.0.2", "tap0"
# Counter of the host: figure per packet. A packet is what one RNDIS message carries, in either direction.
COUNTED = {"signals_per_packet": "doorbells", "interrupts_per_packet": "interrupts", "exits_per_packet": "exits"}


def prepare(kernel=KERNEL, profile=False):
    programs = ["/usr/bin/iperf3", "/usr/sbin/ethtool"] + (["/usr/bin/perf"] if profile else [])
    files = [(f"{images.GUEST}/profile.sh", "/kselftest/profile.sh")]
    return {driver: images.initramfs(kernel, driver, f"{images.GUEST}/netload", programs=programs, files=files,
                                     modules=["hv_netvsc"] if driver == "kernel" else [])
            for driver in SIDES}


class Server:
    """iperf3 on this side of the tap, one process per load; and the counters around each."""

    def __init__(self):
        self.process = None
        self.taken = {}
        self.said = {}

    def mark(self, name, stats):
        load, _, point = name.partition(".")
        self.taken[name] = stats
        if point == "begin" and load != "idle":
            self.process = subprocess.Popen(["iperf3", "-s", "-1", "-J", "-B", ADDRESS, "--forceflush"], text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.await_listening()
        elif load != "idle":
            self.said[load] = json.loads(self.process.communicate(timeout=20)[0])

    def await_listening(self):
        while self.process.poll() is None:
            with open(f"/proc/{self.process.pid}/net/tcp", encoding="ascii") as table:
                if any(line.split()[1].endswith(":1451") and line.split()[3] == "0A" for line in table.readlines()[1:]):
                    return

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def packets(stats):
    nic = stats["nics"]["nic0"]
    return nic["tx_frames"] + nic["rx_frames"]


def seconds(stats):
    return stats["uptime_ns"] / 1e9


def figures(results, server, side, queues):
    """Rates from iperf3's receiver, counts per packet from the host."""
    idle = [server.taken.get(f"idle.{point}") for point in ("begin", "end")]
    for load in server.said:
        b, e = server.taken[f"{load}.begin"], server.taken[f"{load}.end"]
        n = packets(e) - packets(b)
        print(side, load, n, {k: round((e["exits_by_cause"][k] - b["exits_by_cause"][k]) / n, 3) for k in e["exits_by_cause"]}, {k: e["nics"]["nic0"][k] - b["nics"]["nic0"][k] for k in e["nics"]["nic0"] if isinstance(e["nics"]["nic0"][k], int)}, {c["name"]: {k: c[k] - d[k] for k in c if isinstance(c[k], int)} for c, d in zip(e["vmbus"]["channels"], b["vmbus"]["channels"])})
    idle_rate = (idle[1]["exits"] - idle[0]["exits"]) / (seconds(idle[1]) - seconds(idle[0]))
    for load, said in server.said.items():
        begin, end = server.taken[f"{load}.begin"], server.taken[f"{load}.end"]
        count = packets(end) - packets(begin)
        prefix = f"netvsc.{load}" if queues == 1 else f"netvsc.{load}_{queues}q"
        total = said["end"].get("sum_received") or said["end"]["sum"]
        if load.startswith("udp"):
            total = said["end"]["sum"]
            arrived = total["packets"] - total["lost_packets"]
            results.figure(f"{prefix}.pps.{side}", arrived / total["seconds"], "1/s")
            results.figure(f"{prefix}.lost.{side}", total["lost_percent"], "%")
        else:
            total = said["end"]["sum_sent" if load.endswith("rx") else "sum_received"]
            results.figure(f"{prefix}.mbps.{side}", total["bits_per_second"] / 1e6, "Mbit/s")
        for figure, counter in COUNTED.items():
            results.figure(f"{prefix}.{figure}.{side}", (end[counter] - begin[counter]) / count, "1/packet")
        net = end["exits"] - begin["exits"] - idle_rate * (seconds(end) - seconds(begin))
        results.figure(f"{prefix}.net_exits_per_packet.{side}", net / count, "1/packet")
        results.figure(f"{prefix}.bytes_per_packet.{side}", (nic_bytes(end) - nic_bytes(begin)) / count, "bytes")


def nic_bytes(stats):
    nic = stats["nics"]["nic0"]
    return nic["tx_bytes"] + nic["rx_bytes"]


def make_tap(queues):
    words = ["multi_queue"] if queues > 1 else []
    subprocess.run(["ip", "tuntap", "add", "dev", TAP, "mode", "tap", *words], check=True)
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/24", "dev", TAP], check=True)
    subprocess.run(["ip", "link", "set", "dev", TAP, "up"], check=True)


def tell(line):
    if line.startswith("@profile "):
        print(f"          {line[9:]}", flush=True)


def boot(results, side, queues, context, initrds, kernel=KERNEL, profile=False, loads=LOADS, duration=SECONDS):
    """One guest with as many CPUs as queues; its figures go to results."""
    server = Server()
    extra = {"profile": 1} if profile else {}
    append = images.append(side, "hv", context.tsc_khz, loads=",".join(loads), seconds=duration, streams=queues, queues=queues,
                           limit=140, **extra)
    option = f"tap={TAP}" + (f",queues={queues}" if queues > 1 else "")
    guest = Guest(f"netmeasure-{side}-{queues}q", images.kernel("vmlinuz", kernel), initrds[side], append, queues,
                  options=["--nic", option], limit=180)

    def work():
        make_tap(queues)
        return Run(guest, context.scratch, results.folder, on_line=tell, on_mark=server.mark).run()

    try:
        run = netns.isolated(work)
    finally:
        server.stop()
    trouble = run.trouble()
    complete = not trouble and set(server.said) == set(loads)
    results.check(f"netvsc.measure.{side}-{queues}q", complete, trouble or f"only {sorted(server.said)} of {loads}")
    if complete:
        figures(results, server, side, queues)
    print(f"          {guest.name}: {run.seconds:.0f} s", flush=True)
