# SPDX-License-Identifier: GPL-2.0
"""hvis-host balance with VMs that are played here: obedient ones, one that says nothing, one that dies, and none at all."""

import json
import os
import socket
import subprocess
import threading
import time

from guest import HOST
from jobs import Job

MIB = 1 << 20


class FakeVM:
    """A control socket with a guest behind it that gets there at RATE MiB/s."""

    def __init__(self, path, assigned, demand, least=128, most=1024, weight=100, rate=400):
        self.path = path
        self.min, self.max, self.weight, self.rate = least * MIB, most * MIB, weight, rate * MIB
        self.assigned = self.target = assigned * MIB
        self.demand = demand * MIB
        self.silent = False
        self.dead = False
        self.moved = time.monotonic()
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(4)
        self.clients = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.clients.append(client)
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        try:
            with client.makefile("rw") as stream:
                stream.write('{"hvis": {"version": "0"}}\n')
                stream.flush()
                for line in stream:
                    request = json.loads(line)
                    while self.silent and not self.dead:
                        time.sleep(0.02)
                    stream.write(json.dumps({"return": self.answer(request)}) + "\n")
                    stream.flush()
        except (OSError, ValueError):
            pass

    def answer(self, request):
        with self.lock:
            self._move()
            if request["execute"] == "set-memory":
                self.target = request["arguments"]["size"]
            return {"dynamic": True, "min": self.min, "max": self.max, "assigned": self.assigned, "target": self.target,
                    "demand": self.demand, "weight": self.weight, "rss": self.assigned,
                    "progress": "settled" if self.target == self.assigned else "moving"}

    def _move(self):
        now = time.monotonic()
        step = int((now - self.moved) * self.rate)
        self.moved = now
        if self.target > self.assigned:
            self.assigned = min(self.target, self.assigned + step)
        else:
            self.assigned = max(self.target, self.assigned - step)

    def die(self):
        self.dead = True
        os.unlink(self.path)
        self.listener.close()
        for client in self.clients:
            client.shutdown(socket.SHUT_RDWR)
            client.close()


class Watched:
    """A balancer that runs, and the lines it has printed."""

    def __init__(self, total, vms):
        self.rounds = []
        self.new = threading.Condition()
        self.process = subprocess.Popen([HOST, "balance", "--total", f"{total}M", "--json", *[vm.path for vm in vms]],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.new:
                self.rounds.append(json.loads(line))
                self.new.notify_all()

    def until(self, condition, seconds):
        """Whether CONDITION of the newest round becomes true in time."""
        end = time.monotonic() + seconds
        with self.new:
            while not (self.rounds and condition(self.rounds[-1])):
                left = end - time.monotonic()
                if left <= 0 or not self.new.wait(left):
                    return False
        return True

    def end(self):
        self.process.terminate()
        _, said = self.process.communicate(timeout=10)
        return self.process.returncode, said


def of(line, name):
    return next(vm for vm in line["vms"] if vm["name"] == name)


# What is so near is left as it is.
DEADBAND = 16 * MIB


def has(name, mib):
    return lambda line: abs(of(line, name).get("assigned", 0) - mib * MIB) <= DEADBAND


def near(vm, mib):
    return abs(vm.assigned - mib * MIB) <= DEADBAND


def usage(results):
    cases = [
        ("nothing", [], "needs --total"), ("no-vm", ["--total", "1G"], "needs the control sockets"),
        ("not-a-size", ["--total", "much", "x"], "needs a size"), ("no-value", ["x", "--total"], "needs a value"),
        ("unknown", ["--total", "1G", "--colour", "red", "x"], "unknown option"), ("twice", ["--total", "1G", "x", "x"], "given twice"),
        ("interval", ["--total", "1G", "--interval", "0", "x"], "from 0.1 to 3600"),
    ]
    for name, arguments, wanted in cases:
        ran = subprocess.run([HOST, "balance", *arguments], capture_output=True, text=True, timeout=20, check=False)
        good = ran.returncode == 2 and len(ran.stderr.splitlines()) == 1 and wanted in ran.stderr
        results.check(f"host.balance.usage.{name}", good, "" if good else f"{ran.returncode}: {ran.stderr[:200]}")


def check(results, context, _prepared):
    def judge(name, good, detail=""):
        results.check(f"host.balance.{name}", good, "" if good else detail)

    usage(results)
    vms = [FakeVM(os.path.join(context.scratch, name), 512, 200) for name in ("idle", "needy", "mute")]
    idle, needy, mute = vms
    balance = Watched(1536, vms)
    judge("nobody-shrinks-for-nothing", balance.until(lambda line: len(balance.rounds) > 3, 10) and idle.target == 512 * MIB, f"{idle.target}")
    needy.demand, mute.silent = 1024 * MIB, True
    judge("idle-gives-to-needy", balance.until(has("needy", 824), 10) and near(idle, 200), f"{needy.assigned} {idle.assigned}")
    judge("mute-keeps-what-it-has", mute.target == 512 * MIB and balance.rounds[-1] and of(balance.rounds[-1], "mute")["state"] == "no answer",
          f"{mute.target}")
    idle.demand, needy.demand = 1024 * MIB, 200 * MIB
    judge("roles-change", balance.until(has("idle", 824), 10) and near(needy, 200), f"{idle.assigned} {needy.assigned}")
    mute.die()
    judge("the-dead-free-their-share", balance.until(has("idle", 1024), 10), f"{idle.assigned}")
    most = max(line["assigned"] for line in balance.rounds)
    judge("the-sum-holds", most <= 1536 * MIB, f"{most / MIB} MiB")
    status, said = balance.end()
    judge("ends-well", status == 0 and "mute" in said and len(said.splitlines()) <= 2, f"{status}: {said}")


def jobs():
    return [Job("balance", "guests", 4, lambda: None, check)]
