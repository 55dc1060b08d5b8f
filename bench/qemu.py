# SPDX-License-Identifier: GPL-2.0
"""A guest on QEMU, run and read as one on hvis-host is (selftests/lib/guest.py); its counters are KVM's own, by QMP."""

import os
import subprocess
import threading

from guest import Run, execute

PROGRAM = "qemu-system-x86_64"


def option(path):
    """A path inside a comma-separated option."""
    return path.replace(",", ",,")


def cpu_model():
    """The CPU that is there. Where that is TCG's, sizes of its extended state contradict each other, of which the guest's kernel warns."""
    return "host,-xsave" if os.environ.get("HVIS_WITH_KVM") == "emulated" else "host"


class QemuRun(Run):
    """guest.disks are (backend, device) pairs of options, guest.options those of the machine."""

    def command(self):
        guest = self.guest
        command = [PROGRAM, "-M", "pc,accel=kvm", "-cpu", cpu_model(), "-smp", str(guest.cpus), "-m", guest.memory, "-nodefaults",
                   "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
                   "-kernel", guest.kernel, "-initrd", guest.initrd, "-append", guest.append,
                   "-serial", f"file:{option(self.console)}",
                   "-chardev", f"socket,id=report,path={option(self.report_path)},server=on,wait=on", "-serial", "chardev:report",
                   "-qmp", f"unix:{option(self.control_path)},server=on,wait=off", *guest.options]
        for backend, device in guest.disks:
            command += ["-blockdev", backend, "-device", device]
        return command

    def start(self):
        super().start()
        # hvis-host has a time limit of its own, with its own exit status.
        self.limit = threading.Timer(self.guest.limit, self.process.kill)
        self.limit.daemon = True
        self.limit.start()

    def wait(self):
        super().wait()
        self.limit.cancel()
        return self

    def ask(self, command, **arguments):
        """query-stats: in the shape that hvis-host has, as far as KVM knows it; None if QEMU is gone."""
        def talk(stream):
            execute(stream, "qmp_capabilities")
            return execute(stream, command, target="vcpu")

        answer = self.converse(talk)
        return kvm_stats(answer) if answer else None

    def never_started(self):
        """What QEMU itself said when it ended before the guest did anything, or None."""
        if self.status == 0 or "@started" in self.lines:
            return None
        with open(self.errors, encoding="utf-8", errors="replace") as errors:
            said = errors.read().strip().splitlines()
        return said[-1] if said else f"exit status {self.status}, without a word"


def kvm_stats(answer):
    """QMP's lists of name and value as KVM's names with numbers, for each VP; histograms left out."""
    vcpus = [{entry["name"]: entry["value"] for entry in vcpu["stats"] if isinstance(entry.get("value"), (int, float))}
             for vcpu in answer if vcpu.get("provider") == "kvm"]
    return {"exits": sum(vcpu.get("exits", 0) for vcpu in vcpus), "vcpus": vcpus} if vcpus else None


def version():
    try:
        done = subprocess.run([PROGRAM, "--version"], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout.splitlines()[0] if done.stdout else "unknown"
    except FileNotFoundError:
        return "not installed"
