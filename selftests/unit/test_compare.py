#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tools/compare: what is beyond the noise, which way is better, what a program can tell from its exit status."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import tempfile
import unittest

import tap

LOADER = importlib.machinery.SourceFileLoader("compare", os.path.join(tap.TOP, "tools", "compare"))
compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", LOADER))
LOADER.exec_module(compare)

IOPS, EXITS = "disk.randread.qd32.iops.hvis", "disk.randread.qd32.exits_per_io.hvis"


def figure(*values, unit="1/s"):
    values = sorted(values)
    return {"value": values[len(values) // 2], "unit": unit, "n": len(values), "spread": values[-1] - values[0]}


class Compare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content if isinstance(content, str) else json.dumps({"schema": 1, "host": {}, "figures": content}))
        return path

    def run_on(self, old, new, *options):
        """Exit status, standard output and error of one comparison."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = compare.main([self.write("old", old), self.write("new", new), *options])
            except SystemExit as ended:
                status = ended.code
        return status, out.getvalue(), err.getvalue()

    def verdict(self, name, old, new, *options):
        status, out, _ = self.run_on({name: old}, {name: new}, "--json", *options)
        return status, json.loads(out)["figures"][0]["verdict"]

    def test_fewer_iops_are_worse(self):
        self.assertEqual(self.verdict(IOPS, figure(98, 100, 102), figure(78, 80, 82)), (1, "worse"))

    def test_more_iops_are_better(self):
        self.assertEqual(self.verdict(IOPS, figure(98, 100, 102), figure(118, 120, 122)), (0, "better"))

    def test_more_exits_are_worse(self):
        self.assertEqual(self.verdict(EXITS, figure(2.0, 2.0, 2.0), figure(2.2, 2.2, 2.2)), (1, "worse"))

    def test_within_the_spread_of_either_is_noise(self):
        self.assertEqual(self.verdict(IOPS, figure(70, 100, 130), figure(79, 80, 81)), (0, "same"))
        self.assertEqual(self.verdict(IOPS, figure(99, 100, 101), figure(50, 80, 110)), (0, "same"))

    def test_less_than_the_percentage_is_noise(self):
        self.assertEqual(self.verdict(IOPS, figure(100, 100), figure(96, 96)), (0, "same"))
        self.assertEqual(self.verdict(IOPS, figure(100, 100), figure(96, 96), "--percent", "3"), (1, "worse"))

    def test_one_value_needs_more(self):
        self.assertEqual(self.verdict(IOPS, figure(100), figure(75)), (0, "same"))
        self.assertEqual(self.verdict(IOPS, figure(100), figure(65)), (1, "worse"))
        self.assertEqual(self.verdict(IOPS, figure(100), figure(75), "--percent-one", "20"), (1, "worse"))

    def test_from_nothing_to_something(self):
        self.assertEqual(self.verdict(EXITS, figure(0, 0), figure(1, 1)), (1, "worse"))
        self.assertEqual(self.verdict(EXITS, figure(0, 0), figure(0, 0)), (0, "same"))

    def test_unknown_direction_does_not_count(self):
        self.assertEqual(self.verdict("demo.something", figure(1, 1), figure(9, 9)), (0, "changed"))

    def test_another_unit_is_not_compared(self):
        self.assertEqual(self.verdict(IOPS, figure(1, 1), figure(9, 9, unit="1/h")), (0, "unit"))

    def test_directions(self):
        better = compare.figures.direction
        for name in ("netvsc.tcp_tx.mbps.hvis", "netvsc.udp.pps.kernel", "balloon.reclaim.mibps.hvis", "spin.overcommit.ops.on"):
            self.assertEqual(better(name), compare.figures.HIGHER, name)
        for name in ("clock.vdso.ns.hvis", "storvsc.qd1.worker_us_per_io.hvis", "netvsc.udp.lost.hvis", "balloon.messages_per_gib.hvis",
                     "storvsc.idle.exits_per_second.hvis", "disk.randread.qd1.cpu_us_per_io.qemu-ide"):
            self.assertEqual(better(name), compare.figures.LOWER, name)
        for name in ("job.measure.seconds", "netvsc.udp.bytes_per_packet.hvis"):
            self.assertIsNone(better(name), name)

    def test_tells_what_is_in_one_file_only(self):
        status, out, _ = self.run_on({IOPS: figure(1, 1), "a.ns": figure(1)}, {IOPS: figure(1, 1), "b.ns": figure(1)})
        self.assertEqual(status, 0)
        self.assertIn("only in the old file:\n  a.ns\n", out)
        self.assertIn("only in the new file:\n  b.ns\n", out)
        self.assertIn("0 worse, 0 better, 1 within the noise", out)

    def test_bad_files_and_usage(self):
        good = {IOPS: figure(1, 1)}
        for bad in ("", "[]", "{}", '{"schema": 2, "figures": {}}', {IOPS: {"value": "fast", "n": 1, "spread": 0, "unit": ""}}, {IOPS: 3}):
            status, _, err = self.run_on(good, bad)
            self.assertEqual((status, err.count("\n")), (2, 1), f"{bad}: {err}")
        self.assertEqual(self.run_on(good, {EXITS: figure(1)})[0], 2)
        self.assertEqual(self.run_on(good, good, "--percent", "-1")[0], 2)
        with contextlib.redirect_stderr(io.StringIO()) as err:
            self.assertEqual(compare.main([os.path.join(self.folder.name, "nowhere"), os.devnull]), 2)
        self.assertIn("No such file", err.getvalue())


if __name__ == "__main__":
    tap.main()
