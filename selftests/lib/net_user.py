# SPDX-License-Identifier: GPL-2.0
"""A guest on a user network (--nic user), with the kernel's own driver: DHCP, pings, TCP both ways, a forwarded port."""

import hashlib
import os
import socket
import threading
import time
from functools import partial

import images
from guest import Guest, Run
from jobs import Job
from net import record_said

BYTES = 64 << 20
THEIRS = 8 << 20  # with the kernel's driver, which is no quicker than the emulated CPU lets it
BLOCK = hashlib.sha256(b"hvis").digest() * 2048


def content(size):
    """So many bytes, of which no block is like another."""
    for number in range(size // len(BLOCK)):
        yield number.to_bytes(8, "big") + BLOCK[8:]


def digest(size=BYTES):
    total = hashlib.sha256()
    for block in content(size):
        total.update(block)
    return total.hexdigest()


class Listener:
    """One connection of the guest's, served in a thread."""

    def __init__(self, serve):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.result = None
        self.thread = threading.Thread(target=self._run, args=(serve,), daemon=True)
        self.thread.start()

    def _run(self, serve):
        try:
            with self.socket, self.socket.accept()[0] as client:
                self.result = serve(client)
        except OSError as error:
            self.result = str(error)


def give(client, size):
    for block in content(size):
        client.sendall(block)
    return "given"


def take(client, size):
    """The SHA-256 of all that came, with a word on where it is not what was given."""
    total, wanted, wrong, at = hashlib.sha256(), bytearray(), "", 0
    blocks = content(size)
    while block := client.recv(1 << 16):
        total.update(block)
        while len(wanted) < len(block):
            wanted += next(blocks, bytes(1 << 16))
        if not wrong and block != wanted[:len(block)]:
            first = next(i for i in range(len(block)) if block[i] != wanted[i])
            wrong = f" first wrong at {at + first}: {block[first:first + 48].hex()} not {wanted[first:first + 48].hex()}"
            count = sum(a != b for a, b in zip(block, wanted))
            wrong += f" ({count} of {len(block) - first})"
        del wanted[:len(block)]
        at += len(block)
    return total.hexdigest() + (wrong or ("" if at == size else f" {at} bytes"))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Outside:
    """The host side: what is connected at the guest's marks, and when they came."""

    def __init__(self, size=BYTES):
        self.size = size
        self.forward = free_port()
        self.down, self.up = (Listener(partial(serve, size=size)) for serve in (give, take))
        self.times = {}
        self.heard = ""

    def mark(self, name, _stats):
        self.times[name] = time.monotonic()
        if name == "forward":
            with socket.create_connection(("127.0.0.1", self.forward), timeout=30) as client:
                client.sendall(b"hello-from-the-host\n")
                client.shutdown(socket.SHUT_WR)
                self.heard = client.makefile().read()

    def rate(self, start, end):
        return self.size / (1 << 20) / (self.times[end] - self.times[start])


def check_with(driver, mode, kernel, prefix):
    def check(results, context, initrd):
        outside, wanted = Outside(THEIRS), digest(THEIRS)
        append = images.append(driver, mode, context.tsc_khz, sha=wanted, down=outside.down.port, up=outside.up.port,
                               limit=240)
        guest = Guest(f"net-user-{driver}-{kernel}", images.kernel("vmlinux", kernel), initrd, append, 1, memory="512M",
                      options=["--nic", f"user,hostfwd=tcp:127.0.0.1:{outside.forward}-:7"], limit=280)
        run = Run(guest, context.scratch, results.folder, on_mark=outside.mark).run()
        record_said(results, prefix, run)
        results.check(f"{prefix}.upload-is-what-was-fetched", outside.up.result == wanted, str(outside.up.result))
        results.check(f"{prefix}.forward-is-answered", outside.heard == "hello-from-the-guest\n", outside.heard)
        if "uploaded" in outside.times:
            results.figure(f"{prefix}.fetch", outside.rate("pinged", "fetched"), "MiB/s")
            results.figure(f"{prefix}.upload", outside.rate("fetched", "uploaded"), "MiB/s")
        print(f"          {guest.name}: {run.seconds:.0f} s", flush=True)

    return check


def jobs():
    script = os.path.join(images.GUEST, "netuser")
    kernel = "6.1-amd64"
    return [Job(f"net-user-kernel-{kernel}", "guests", 5,
                lambda: images.initramfs(kernel, "kernel", script, programs=[images.PINGSIZES], modules=["hv_netvsc", "af_packet"],
                                         files=images.NETWORK),
                check_with("kernel", "hv", kernel, f"kernel-driver.{kernel}.net-user"))]
