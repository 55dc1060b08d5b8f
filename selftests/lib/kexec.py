# SPDX-License-Identifier: GPL-2.0
"""One kernel starts another in its place, by kexec and by a panic (kdump), while it reads: the second finds nothing that writes into its memory,
and a bus and disks as after power-on. With our modules each is a check; what the kernel's own drivers do is a figure (1: as it should be).
"""

import os

import images
from guest import Guest, Run
from jobs import Job

KERNEL = "6.12-amd64"
MODULES = {"hvis": ["msr"], "kernel": ["hv_utils", "hv_balloon", "msr"]}
# Way: words for the kernel, and for the guest's script. A crash kernel has memory of its own. Straight: no notifier of ours is asked before.
# To nopv: the next kernel keeps its hands off Hyper-V, and so sees what one left that did not.
WAYS = {"kexec": ("", {"way": "kexec"}), "kexec-to-nopv": ("", {"way": "kexec"}),
        "kdump": (" crashkernel=256M crash_kexec_post_notifiers", {"way": "kdump"}), "kdump-straight": (" crashkernel=256M", {"way": "kdump", "straight": 1})}


def prepare_for(driver):
    def prepare():
        shared = [(os.path.join(images.GUEST, "kexec.sh"), "/kselftest/kexec.sh")]
        second = images.initramfs(KERNEL, driver, os.path.join(images.GUEST, "kexeced"), modules=MODULES[driver], files=shared)
        program = os.path.join(images.KSELFTEST, "kexecload") + ":/bin/kexecload"
        return images.initramfs(KERNEL, driver, os.path.join(images.GUEST, "kexec"), modules=MODULES[driver], programs=[program],
                                files=[*shared, (second, "/boot/initrd"), (images.kernel("vmlinuz", KERNEL), "/boot/vmlinuz")])

    return prepare


def trouble_of(run, way):
    """One line, or nothing."""
    trouble = run.trouble()
    if trouble:
        return f"{trouble} {' | '.join(line for line in run.lines if line.startswith('@progress FAILED'))}"
    started = sum(line == "@started" for line in run.lines)
    said = {name: (stats or {}).get("vmbus", {}) for name, _, stats in run.marks}
    contacts = said.get("done", {}).get("contacts", 0) - said.get("going", {}).get("contacts", 0)
    unloads = said.get("done", {}).get("unloads", 0) - said.get("going", {}).get("unloads", 0)
    if started != 2 or contacts < 1:
        return f"{started} kernels started, {contacts} contacts with the second"
    if unloads != 1 and way != "kdump-straight":
        return f"the first kernel said UNLOAD {unloads} times"
    return ""


def check_with(driver, mode, way):
    def check(results, context, initrd):
        more, words = WAYS[way]
        if way == "kexec-to-nopv":
            words = {**words, "next": context.tsc_khz}
        name = f"{way}-{driver}-{mode}"
        append = images.append(driver, mode, context.tsc_khz, luns="0,1", limit=150, **words) + more
        # A host that hears of a crash ends the machine (enlighten.py, services.py).
        guest = Guest(name, images.kernel("vmlinux", KERNEL), initrd, append, cpus=1, memory="1G", disks=["null=1G,lun=1"],
                      options=["--hyperv", "-crash"], limit=180)
        image = os.path.join(context.scratch, f"{name}.img")
        with open(image, "wb") as disk:
            disk.truncate(64 << 20)
        guest.disks.append(f"file={image},lun=0")
        run = Run(guest, context.scratch, results.folder).run()
        trouble = trouble_of(run, way)
        if driver == "hvis":
            results.check(f"vmbus.kexec.{way}-{mode}", not trouble, trouble)
        else:
            results.figure(f"kernel-driver.{way}", int(not trouble), "")
            print(f"          kernel-driver.{way}: {'holds' if not trouble else 'FAILS: ' + trouble}", flush=True)

    return check


def jobs():
    rows = (("hvis", "nopv", "kexec"), ("hvis", "nopv", "kdump"), ("hvis", "nopv", "kdump-straight"), ("hvis", "hv", "kexec"),
            ("hvis", "hv", "kexec-to-nopv"), ("hvis", "hv", "kdump-straight"), ("kernel", "hv", "kexec"), ("kernel", "hv", "kdump-straight"))
    return [Job(f"{way}-{driver}-{mode}", "guests", 5, prepare_for(driver), check_with(driver, mode, way), rare=True)
            for driver, mode, way in rows]
