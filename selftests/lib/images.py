# SPDX-License-Identifier: GPL-2.0
"""What guests boot: kernels found by tools/kernel, initramfs images made by tools/mkinitramfs."""

import os
import shutil
import subprocess
from functools import lru_cache

from results import BUILD, TOP

KSELFTEST = os.path.join(BUILD, "kselftest")
GUEST = os.path.join(TOP, "selftests", "guest")
DRIVERS = {"hvis": [], "kernel": ["hv_vmbus", "hv_storvsc"], "ide": ["ata_piix"], "tulip": ["tulip"]}
# Every ping answered with the same bytes.
PINGSIZES = os.path.join(KSELFTEST, "pingsizes")
# For guests on a user network.
NETWORK = [(os.path.join(GUEST, name), f"/kselftest/{name}") for name in ("network.sh", "lease")]
# For guests whose memory changes.
MEMORY = [(os.path.join(GUEST, "memory.sh"), "/kselftest/memory.sh")]
SG_TOOLS = ["sg_inq", "sg_vpd", "sg_readcap", "sg_luns", "sg_unmap", "sg_write_same", "sg_sync", "sg_turs"]


@lru_cache(maxsize=None)
def kernel(what, name):
    return subprocess.run([os.path.join(TOP, "tools", "kernel"), what, name], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def our_modules(name):
    folder = os.path.join(BUILD, "modules", kernel("release", name))
    names = ("hvis_vmbus", "hvis_storvsc", "hvis_netvsc", "hvis_balloon", "hvis_timesync", "hvis_util", "hvis_enlighten")
    return [os.path.join(folder, f"{name}.ko") for name in names]


def test_module(name, folder):
    """Builds the module in FOLDER of the tree, which is part of a test, for the kernel NAME; returns its path."""
    source = os.path.join(TOP, folder)
    out = os.path.join(BUILD, "test-modules", kernel("release", name), os.path.basename(folder))
    os.makedirs(out, exist_ok=True)
    for file in os.listdir(source):
        shutil.copy2(os.path.join(source, file), out)
    subprocess.run(["make", "-s", "-C", kernel("headers", name), f"M={out}", "modules"], check=True, stdout=subprocess.DEVNULL,
                   env={key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "CC")})
    return os.path.join(out, f"{os.path.basename(folder)}.ko")


def initramfs(name, driver, script, programs=(), modules=(), files=(), test_modules=()):
    """Makes build/guest/NAME-DRIVER-FOLDER-SCRIPT[-fio].cpio and returns its path; driver: whose modules go in."""
    extra = "-fio" if "fio" in programs else ""
    script_name = "-".join(script.split(os.sep)[-2:])
    out = os.path.join(BUILD, "guest", f"{name}-{driver}-{script_name}{extra}.cpio")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    command = [os.path.join(TOP, "tools", "mkinitramfs"), "--kernel", name, "-o", out]
    command += ["--init", os.path.join(KSELFTEST, "init")]
    for module in ["sd_mod", "sg", *DRIVERS[driver], *modules]:
        command += ["--kmod", module]
    if driver == "hvis":
        for module in [*our_modules(name), *test_modules]:
            command += ["--module", module]
    for program in [os.path.join(KSELFTEST, "await"), "timeout", *programs]:
        command += ["--bin", program]
    for source, target in [(script, "/test/run"), (os.path.join(GUEST, "guest.sh"), "/kselftest/guest.sh"), *files]:
        command += ["--file", f"{source}:{target}"]
    subprocess.run(command, check=True)
    return out


def append(driver, mode, tsc_khz, **options):
    """The kernel command line; mode "nopv": the kernel's own Hyper-V code stays off, "hv": it is active.

    A nopv guest cannot calibrate its TSC where KVM is emulated, so it is told the frequency (docs/testing.md). Early looks for
    PCI devices, of which there are none, are 16,384 exits. What guards against other guests' looks costs an emulated CPU a tenth of
    its time, and ciphers' tests of themselves a second of each boot.
    """
    words = ["console=ttyS0", "quiet", "panic=-1", "panic_on_warn=1", "pci=noearly"]
    if os.environ.get("HVIS_WITH_KVM") == "emulated":
        words += ["mitigations=off", "cryptomgr.notests"]
    if mode == "nopv":
        words += ["nopv", f"tsc_early_khz={tsc_khz}", "tsc=reliable", "no_timer_check"]
    words += [f"hvis.driver={driver}", f"hvis.mode={mode}"]
    words += [f"hvis.{name.replace('_', '-')}={value}" for name, value in options.items()]
    return " ".join(words)
