# SPDX-License-Identifier: GPL-2.0
"""The NICs of make bench: a tap in a network namespace of its own, what listens behind it, and a guest that sends and receives. Without a
VM: native.py."""

import json
import os
import subprocess

import counts
import guests
import images
import ippackets
import native
import netmeasure
import netns
import scenarios
from guest import Guest


def prepare(kernel):
    """One initramfs for all sides: only the NIC and its driver differ."""
    modules = sorted({module for side in scenarios.NET_SIDES for module in side.modules if not module.startswith("hvis_")})
    return images.initramfs(kernel, "hvis", os.path.join(images.TOP, "bench", "guest-net"), modules=modules,
                            programs=["/usr/bin/iperf3", f"{images.KSELFTEST}/pingpong:/bin/pingpong"])


class Server(netmeasure.Server):
    """What listens on this side of the tap, one process per load; at a mark, before or after the counters are taken."""

    def begin(self, load):
        if load == "rr":
            self.process = subprocess.Popen([native.program("pingpong"), "serve", netmeasure.ADDRESS, "5201"])
            self.await_listening()
        elif load != "idle":
            self.start()

    def end(self, load):
        if load == "rr":
            self.process.wait(timeout=20)
        elif load != "idle":
            self.said[load] = json.loads(self.process.communicate(timeout=20)[0])


def hvis_options(side):
    return ["--nic", side.device.format(tap=netmeasure.TAP, mac=scenarios.MAC)]


def qemu_options(side):
    vhost = "on" if side.needs else "off"
    return ["-netdev", f"tap,id=net,ifname={netmeasure.TAP},script=no,downscript=no,vhost={vhost}",
            "-device", side.device.format(mac=scenarios.MAC)]


def guest_of(side, plan, tsc_khz):
    loads = [load.key for load in scenarios.LOADS if load.set == "net" and load.key in plan["loads"]]
    append = images.append(side.name, "hv", tsc_khz, modules=",".join(side.modules), irq=side.irq, idle=plan["idle"], seconds=plan["seconds"],
                           limit=guests.LIMIT, loads=",".join(loads))
    return Guest(f"bench-net-{side.name}", images.kernel("vmlinux", plan["kernel"]), plan["initrds"]["net"], append, scenarios.CPUS,
                 scenarios.MEMORY, options=(qemu_options if side.host == "qemu" else hvis_options)(side), limit=guests.LIMIT + 40)


def missing(side):
    """What the side lacks here, or an empty string. The kernel makes the device file of a module that is loaded."""
    if side.needs == "/dev/vhost-net":
        subprocess.run(["modprobe", "vhost_net"], check=False, stderr=subprocess.DEVNULL)
    return "" if not side.needs or os.path.exists(side.needs) else f"there is no {side.needs}"


def talk(results, context, side, plan, server):
    """In the namespace. None if the side cannot be used."""
    if side.host == "none":
        return native.net(results, side, plan, server)
    netmeasure.make_tap(1)
    sampler = counts.Sampler(lambda: {"ip": ippackets.counters()})

    def mark(name, stats):
        load, _, point = name.partition(".")
        if point == "begin":
            server.begin(load)
        sampler.mark(name, stats)
        if point == "end":
            server.end(load)

    run = guests.boot(results, f"bench.net.{side.name}", side, guest_of(side, plan, context.tsc_khz), context, sampler, mark)
    if run:
        counts.record_net(results, run, sampler, side.name)
    return run


class Set:
    """begin() once, then boot() for each side and round."""

    def begin(self, results, context):
        self.why = netns.missing()

    def boot(self, results, context, side, plan):
        """False if the side cannot be used here, with a check that says why."""
        why = self.why or missing(side)
        if why:
            results.check(f"bench.net.{side.name}", None, why)
            return False
        server = Server()
        try:
            run = netns.isolated(lambda: talk(results, context, side, plan, server))
        finally:
            server.stop()
        for load, said in server.said.items():
            for figure, value, unit in netmeasure.rates(load, said) if load not in netmeasure.SAID_BY_GUEST else ():
                results.figure(f"net.{load}.{figure}.{side.name}", value, unit)
        return bool(run)
