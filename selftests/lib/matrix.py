# SPDX-License-Identifier: GPL-2.0
"""Which guests make check boots: kernels, vCPUs, both modes, our driver and the kernel's own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One guest of the matrix."""

    kernel: str
    cpus: int
    driver: str  # "hvis" or "kernel"
    mode: str  # "nopv" or "hv"
    tests: str = "storvsc"
    end: str = "poweroff"
    reloads: int = 3
    options: tuple = ()
    limit: int = 240

    @property
    def name(self):
        extra = "-".join(option.lstrip("-").replace(" ", "") for option in self.options)
        return f"{self.kernel}-{self.cpus}cpu-{self.driver}-{self.mode}" + (f"-{extra}" if extra else "")

    @property
    def weight(self):
        """About how long it takes, in parts of the shortest, for sharing the work."""
        return 2 + 3 * ("fio" in self.tests) + 2 * ("vmbus" in self.tests) + self.reloads // 12

    @property
    def programs(self):
        """What its initramfs needs beside busybox; fio brings 80 MB of libraries along, so only where it is used."""
        return ("fio",) if "fio" in self.tests else ()

    @property
    def exit_status(self):
        """What hvis-host must return for the way this guest ends."""
        return {"poweroff": 0, "reboot": 3, "crash": 4}[self.end]


def cells():
    """Every axis in full against the others for our driver; the kernel's driver has one mode only."""
    return [
        Cell("6.1-amd64", 1, "hvis", "nopv", "vmbus,storvsc"),
        Cell("6.1-amd64", 1, "hvis", "hv", end="reboot"),
        Cell("6.1-amd64", 1, "kernel", "hv", "storvsc,fio"),
        Cell("6.1-amd64", 2, "hvis", "nopv", "storvsc,fio"),
        Cell("6.1-amd64", 2, "hvis", "hv", "vmbus,storvsc", reloads=100, limit=400),
        Cell("6.1-amd64", 2, "kernel", "hv", end="crash"),
        Cell("6.12-amd64", 1, "hvis", "nopv"),
        Cell("6.12-amd64", 1, "hvis", "hv", "vmbus,storvsc", reloads=40),
        Cell("6.12-amd64", 1, "kernel", "hv"),
        Cell("6.12-amd64", 2, "hvis", "nopv", "vmbus,storvsc"),
        Cell("6.12-amd64", 2, "hvis", "hv", "storvsc,fio", end="crash"),
        Cell("6.12-amd64", 2, "kernel", "hv", "storvsc,fio"),
        Cell("6.1-cloud-amd64", 2, "hvis", "nopv", "vmbus"),
        Cell("6.12-cloud-amd64", 2, "hvis", "hv", "vmbus"),
        Cell("6.1-cloud-amd64", 1, "kernel", "hv", options=("--vmbus-version 4.0",)),
        Cell("6.12-cloud-amd64", 1, "hvis", "hv", options=("--vmbus-version 3.0",)),
    ]
