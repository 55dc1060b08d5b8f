# SPDX-License-Identifier: GPL-2.0
"""NICs: our driver and the kernel's own on our host, on a network that answers by itself."""

import os

import images
from guest import Guest, Run, ktap
from jobs import Job

MAC = "02:68:76:69:73:2a"
LESS_MTU = 8000  # than a driver takes by itself


class Wire:
    """What the other side does at the guest's marks, and what it saw. spec: of the NIC that comes after one has gone."""

    def __init__(self, spec="user"):
        self.spec = spec
        self.run = None
        self.seen = {}
        self.removed = self.added = None

    def mark(self, name, stats):
        if name in ("link-down", "link-up"):
            self.run.ask("nic-link", nic=0, link=name[5:])
        elif name == "nic-remove":
            self.removed = self.run.ask("nic-remove", nic=0)
        elif name == "nic-add":
            self.added = self.run.ask("nic-add", spec=self.spec)
        self.seen[name] = (stats or {}).get("nics", {}).get("nic0", {})


def record_said(results, prefix, run):
    """What the guest's expect lines say, and how it ended. Return: how many lines."""
    said = [line[5:] for line in run.lines if line.startswith("net: ")]
    for line in said:
        ok = line.startswith("ok ")
        name = line.removeprefix("ok ").removeprefix("not ok ").split(":")[0]
        results.check(f"{prefix}.{name}", ok, "" if ok else " | ".join(run.lines)[-1500:])
    trouble = run.trouble()
    results.check(f"{prefix}.guest", not trouble, trouble)
    return len(said)


def record(results, prefix, run, wire, queues):
    record_said(results, prefix, run)
    pinged, done = wire.seen.get("pinged", {}), wire.seen.get("done", {})
    used = [queue for queue in pinged.get("queues", []) if queue["tx_frames"]]
    results.check(f"{prefix}.host-saw-frames", pinged.get("tx_frames", 0) > 40 and pinged.get("rx_frames", 0) > 40, str(pinged))
    results.check(f"{prefix}.host-queues", pinged.get("channels_max") == queues and len(used) >= 1, str(pinged))
    if queues > 1:
        spread = wire.seen.get("spread", {})
        moved = [queue["rx_taken_over"] for queue in spread.get("queues", [])]
        results.check(f"{prefix}.host-spread", spread.get("rss") and sum(moved) >= 20, str(spread))
    wrong = {name: done.get(name) for name in ("refused", "tx_refused", "rx_errors", "rx_no_buffer") if done.get(name) != 0}
    results.check(f"{prefix}.nothing-refused", not wrong, str(wrong))
    results.check(f"{prefix}.host-plugged", wire.removed == {} and wire.added == {"nic": 0}, f"{wire.removed} {wire.added}")
    results.check(f"{prefix}.host-took-the-mac", wire.seen.get("mac", {}).get("mac") == "02:11:22:33:44:55")


def check_with(driver, mode, kernel, cpus, nic, prefix):
    def check(results, context, initrd):
        wire = Wire()
        append = images.append(driver, mode, context.tsc_khz, mac=MAC, queues=cpus, cpus=cpus)
        guest = Guest(f"net-{driver}-{kernel}-{cpus}cpu", images.kernel("vmlinux", kernel), initrd, append, cpus,
                      options=["--nic", f"sink,mac={MAC},mtu=9000{nic}"], limit=240)
        wire.run = Run(guest, context.scratch, results.folder, on_mark=wire.mark)
        record(results, prefix, wire.run.run(), wire, cpus)
        print(f"          {guest.name}: {wire.run.seconds:.0f} s", flush=True)

    return check


def selftests(driver, mode, kernel, rare=False):
    """The kselftests of netvsc/: what ethtool and ip show and set, and frames after each change, on a network that receives on one queue.
    make check leaves out what takes a minute: every feature off and on again, and more than one round of changes."""
    name = f"net-selftests-{driver}-{kernel}"
    prefix = "kernel-driver" if driver == "kernel" else "netvsc"

    def check(results, context, initrd):
        wire = Wire()
        whole = rare or os.environ.get("HVIS_ALL")
        programs = ("ethtool.sh", *(("features.sh",) if whole else ()), "limits.sh", "address.sh", "change.sh", "xdp.sh")
        append = images.append(driver, mode, context.tsc_khz, queues=2, mtu=LESS_MTU, limit=560, rounds=3 if whole else 1, programs=",".join(programs))
        guest = Guest(name, images.kernel("vmlinux", kernel), initrd, append, 2, options=["--nic", f"sink,mac={MAC},mtu={LESS_MTU},queues=1"],
                      limit=600)
        wire.run = Run(guest, context.scratch, results.folder, on_mark=wire.mark)
        run = wire.run.run()
        for title, ok, detail in ktap(run.lines):
            results.check(f"{prefix}.{kernel}-selftests.{title.split('.', 1)[1]}", ok, detail)
        trouble = run.trouble(planned=True)
        results.check(f"{prefix}.{kernel}-selftests.guest", not trouble, trouble)
        print(f"          {name}: {run.seconds:.0f} s", flush=True)

    def prepare():
        programs = ["/usr/sbin/ethtool", images.PINGSIZES, os.path.join(images.KSELFTEST, "xdp") + ":/bin/xdp"]
        return images.initramfs(kernel, driver, os.path.join(images.GUEST, "netvsc"), programs=programs,
                                modules=["8021q", *(["hv_netvsc"] if driver == "kernel" else [])],
                                files=[(os.path.join(images.KSELFTEST, "install"), "/kselftest")])

    return Job(name, "guests", 12, prepare, check, rare=rare)


def jobs():
    script = os.path.join(images.GUEST, "net")

    def job(driver, mode, kernel, cpus, nic="", rare=False):
        name = f"net-{driver}-{kernel}-{cpus}cpu"
        modules = ["hv_netvsc"] if driver == "kernel" else []
        part = f"kernel-driver.{kernel}-{cpus}cpu.net" if driver == "kernel" else f"netvsc.{kernel}-{cpus}cpu-{mode}"
        return Job(name, "guests", 9, lambda: images.initramfs(kernel, driver, script, modules=modules, programs=["/usr/sbin/ethtool", images.PINGSIZES]),
                   check_with(driver, mode, kernel, cpus, nic, part), rare=rare)

    return [job("kernel", "hv", "6.1-amd64", 1), job("kernel", "hv", "6.12-amd64", 2, rare=True),
            job("hvis", "nopv", "6.1-amd64", 2), job("hvis", "hv", "6.12-amd64", 2, rare=True),
            selftests("hvis", "nopv", "6.12-amd64"), selftests("kernel", "hv", "6.12-amd64", rare=True)]
