# SPDX-License-Identifier: GPL-2.0
"""Network namespaces for tests: what is made in one goes with it, and nothing of this machine's network is seen there."""

import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def missing():
    """Why taps cannot be made in a namespace here, in one line, or an empty string."""
    if os.geteuid() != 0:
        return "taps in a network namespace need root here"
    ran = subprocess.run(["unshare", "--net", "ip", "tuntap", "add", "dev", "probe", "mode", "tap"], text=True,
                         capture_output=True, check=False)
    return "" if ran.returncode == 0 else f"no taps here: {ran.stderr.strip()}"


def isolated(work):
    """Calls work() in a network namespace of its own, which is the calling thread's alone; programs and threads that it
    starts inherit it. Returns, or raises, what work() does."""
    outcome = {}

    def run():
        try:
            if LIBC.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare")
            subprocess.run(["ip", "link", "set", "dev", "lo", "up"], check=True)
            outcome["value"] = work()
        except BaseException as error:  # pylint: disable=broad-except
            outcome["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]
