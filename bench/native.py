# SPDX-License-Identifier: GPL-2.0
"""The loads of make bench without a VM, as the limit that no guest can pass: the same file by a process of the host, and a second network
namespace in the place of the guest."""

import os
import subprocess
import tempfile
from contextlib import contextmanager

import counts
import images
import ippackets
import netmeasure
import scenarios

ADDRESS = "10.9.0.1"


def run(command):
    """What a program prints, and the CPU time, in ns, of it and all that it waited for."""
    with tempfile.TemporaryFile(mode="w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, text)
    return text, int((usage.ru_utime + usage.ru_stime) * 1e9)


def program(name):
    return os.path.join(images.KSELFTEST, name)


def figures_of(text):
    """The @figure lines, as a guest's report has them."""
    found = [line[8:].split(" ", 2) for line in text.splitlines() if line.startswith("@figure ")]
    return {name: (float(value), unit) for name, value, unit in found}


def do_ios(results, side, load, times, path):
    jobs = ["--cpus", str(load.jobs)] if load.jobs > 1 else []
    text, _ = run([program("ioload"), "--here", *jobs, load.key, path, load.mode, str(load.block), str(load.depth), str(load.ios(side, times))])
    said = figures_of(text)
    for figure in ("iops", "mbps"):
        results.figure(f"{load.names}.{figure}.{side.name}", *said[f"{load.key}.{figure}"])
    share = counts.Share(results, load.names, side.name, "io", said[f"{load.key}.ios"][0])
    share.put("cpu_us", said[f"{load.key}.cpu_ns"][0] / 1000, "us")


def disk(results, side, plan, path):
    """The loads on the file, one after the other. Always True: what fails is a failed check."""
    name = f"bench.disk.{side.name}"
    try:
        text, _ = run([program("clockload"), "cost", "1000"])
        results.figure(f"clock.gettime.ns.{side.name}", float(text.split()[0]), "ns")
        for load in scenarios.LOADS:
            if load.key in plan["loads"] and load.disk and load.runs_on(side):
                do_ios(results, side, load, plan["times"], path)
        results.check(name, True)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        results.check(name, False, f"{error} {getattr(error, 'output', None) or ''}")
    return True


@contextmanager
def second_namespace():
    """A command's beginning that runs the rest in a namespace which is joined to this one, with the addresses that guest and tap have."""
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE) as sleeper:
        try:
            sleeper.stdout.readline()
            there = ["nsenter", f"--net=/proc/{sleeper.pid}/ns/net"]
            subprocess.run(["modprobe", "veth"], check=False, stderr=subprocess.DEVNULL)
            subprocess.run(["ip", "link", "add", netmeasure.TAP, "type", "veth", "peer", "name", "eth0", "netns", str(sleeper.pid)], check=True)
            subprocess.run(["ip", "address", "add", f"{netmeasure.ADDRESS}/24", "dev", netmeasure.TAP], check=True)
            subprocess.run(["ip", "link", "set", "dev", netmeasure.TAP, "up"], check=True)
            subprocess.run([*there, "ip", "address", "add", f"{ADDRESS}/24", "dev", "eth0"], check=True)
            subprocess.run([*there, "ip", "link", "set", "dev", "eth0", "up"], check=True)
            yield there
        finally:
            sleeper.kill()


def commands(seconds):
    """What a guest does for each load, bench/guest-net."""
    iperf3 = ["iperf3", "-c", netmeasure.ADDRESS, "-t", str(seconds)]
    return {"tcp_tx": [*iperf3, "-C", "reno"], "tcp_rx": [*iperf3, "-f", "k", "-C", "reno", "-R"], "udp": [*iperf3, "-u", "-b", "0", "-l", "64"],
            "rr": [program("pingpong"), "ask", netmeasure.ADDRESS, "5201", str(seconds)]}


def said_of(load, text):
    """(figure, value, unit) of what only the one in the guest's place knows; the rest is said by the server."""
    if load.key == "rr":
        ops, median, slow = map(float, text.split())
        return [("ops", ops, "1/s"), ("latency_ns", median, "ns"), ("latency_p99_ns", slow, "ns")]
    if load.key == "tcp_rx":
        received, = (line.split() for line in text.splitlines() if line.endswith("receiver"))
        return [("mbps", float(received[6]) / 1000, "Mbit/s")]
    return []


def talk(results, side, load, there, command, server):
    server.begin(load.key)
    before = ippackets.counters()
    text, cpu_ns = run([*there, *command])
    packets = ippackets.between(before, ippackets.counters())
    server.end(load.key)
    for figure, value, unit in said_of(load, text):
        results.figure(f"{load.names}.{figure}.{side.name}", value, unit)
    counts.Share(results, load.names, side.name, "packet", packets).put("cpu_us", cpu_ns / 1000, "us")


def net(results, side, plan, server):
    """To be called in the namespace where the server is to listen. Always True: what fails is a failed check."""
    name = f"bench.net.{side.name}"
    try:
        with second_namespace() as there:
            for load in scenarios.LOADS:
                if load.key in plan["loads"] and load.set == "net":
                    talk(results, side, load, there, commands(plan["seconds"])[load.key], server)
        results.check(name, True)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        results.check(name, False, f"{error} {getattr(error, 'output', None) or ''}")
    return True
