# SPDX-License-Identifier: GPL-2.0
"""Runs the unittest cases of a test program in Python and says so in TAP, as cmocka does for the others."""

import os
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(TOP, "selftests", "lib"), os.path.join(TOP, "bench")]


class Tap(unittest.TestResult):
    """One line per test; what failed is told behind it in comments."""

    def say(self, word, test, detail=""):
        print(f"{word} {self.testsRun} - {test.id().rsplit('.', 1)[1]}{detail}", flush=True)

    def addSuccess(self, test):
        self.say("ok", test)

    def addSkip(self, test, reason):
        print(f"ok {self.testsRun} # SKIP {test.id().rsplit('.', 1)[1]} {reason}", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say("not ok", test, "\n# " + self.failures[-1][1].strip().replace("\n", "\n# "))

    def addError(self, test, err):
        super().addError(test, err)
        self.say("not ok", test, "\n# " + self.errors[-1][1].strip().replace("\n", "\n# "))


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print(f"1..{suite.countTestCases()}")
    result = Tap()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
