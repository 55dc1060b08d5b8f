# SPDX-License-Identifier: GPL-2.0
"""A headless Chromium that opens pages and is asked about them, by its DevTools protocol over a pair of pipes. Whatever it needs of a home is
in a folder of its own."""

import base64
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

PROGRAM = "chromium"
LIMIT = 300  # seconds that one browser may live
SET_CHILD_SUBREAPER = 36  # prctl(2)


def missing():
    """Why there is no browser here, in one line, or an empty string."""
    return "" if shutil.which(PROGRAM) else f"{PROGRAM} is not installed"


def adopt_orphans():
    """Whoever is left without a parent below this process is its child from then on, and can be waited for."""
    if ctypes.CDLL(None, use_errno=True).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def end_group(process):
    """Kills a process with its group and waits for all that it has started, its crash handler has a group of its own and ends by itself: none
    writes any more when this returns. To be called while this process has no other children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return


class Browser:
    """with Browser() as browser: open(), ask(), picture()."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="hvis-browser-")
        adopt_orphans()
        their_in, self.out = os.pipe()
        self.inside, their_out = os.pipe()
        # The shell moves the pipes to where the browser looks for them.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec 3<&{their_in} 4>&{their_out}; exec "$@"', PROGRAM, PROGRAM, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-extensions", "--no-first-run", "--hide-scrollbars", f"--user-data-dir={self.folder.name}", "--remote-debugging-pipe"],
            pass_fds=(their_in, their_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.folder.name}, start_new_session=True)
        os.close(their_in)
        os.close(their_out)
        self.number, self.page, self.said = 0, None, b""
        self.limit = threading.Timer(LIMIT, self.process.kill)
        self.limit.daemon = True
        self.limit.start()
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.page = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self.call("Page.enable")
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.limit.cancel()
        end_group(self.process)
        os.close(self.inside)
        os.close(self.out)
        self.folder.cleanup()

    def messages(self):
        """What the browser says, one JSON object after the other, each ended by a zero byte."""
        while True:
            while b"\0" not in self.said:
                more = os.read(self.inside, 1 << 20)
                if not more:
                    raise OSError(f"{PROGRAM} ended, or took more than {LIMIT} s")
                self.said += more
            first, _, self.said = self.said.partition(b"\0")
            yield json.loads(first)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters, **({"sessionId": self.page} if self.page else {})}
        os.write(self.out, json.dumps(message).encode() + b"\0")
        for answer in self.messages():
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise OSError(f"{method}: {answer['error']['message']}")
                return answer["result"]
        return None

    def open(self, path, width, height=900, scheme="light", media=""):
        """Shows a page in a window of that size; returns when all of it has been loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=f"file://{os.path.abspath(path)}")
        for message in self.messages():
            if message.get("method") == "Page.loadEventFired":
                return

    def ask(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def picture(self, path, height=None):
        """All of the page, or its beginning, as PNG."""
        wide, high = self.ask("[window.innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": wide, "height": min(high, height or high), "scale": 1}
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]))
