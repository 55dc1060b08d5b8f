#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make bench without a guest: counts from marks, what sides and loads are, and that the report says what results.json says."""

import os
import re
import shutil
import unittest

import tap

import counts
import figures
import plots
import report
import rounds
import scenarios
import verify
import words


def samples(*values):
    values = sorted(values)
    return {"value": values[len(values) // 2], "unit": "1/IO", "n": len(values), "spread": values[-1] - values[0], "values": list(values)}


def made_up():
    """Results in which no two figures have the same value, so that a number in a wrong place is found."""
    made, base = {}, 0.0123456
    for load in scenarios.LOADS:
        for side in scenarios.SIDES:
            for figure in (load.rate, *(name for name, _ in words.COUNTS), *(f"{cause}_exits_per_io" for cause in words.CAUSES)):
                base *= 1.013
                made[words.name_of(load, figure, side.name)] = samples(base, base * 1.1, base * 1.3)
    return {"schema": 1, "host": {"kvm": "emulated", "bench": {"rounds": 3}}, "figures": made,
            "checks": [{"name": "bench.x", "ok": None, "detail": "QEMU cannot be used here: <no>"}]}


def stats(exits, io, doorbells=None):
    made = {"exits": exits, "vcpus": [{"exits": exits, "io_exits": io}]}
    return made if doorbells is None else {**made, "doorbells": doorbells, "exits_by_cause": {"doorbell": doorbells, "hyperv": 0}}


def sample(seconds, cpu_ns, *counters):
    return {"seconds": seconds, "cpu_ns": cpu_ns, "stats": stats(*counters)}


class Collector:
    """As much of Results as counts.py uses."""

    def __init__(self):
        self.got = {}

    def figure(self, name, value, unit):
        self.got[name] = (value, unit)


class Run:
    """A guest that has done 100 IOs in a second."""

    figures = [("randread.qd1.interrupts", 99.0, "count"), ("randread.qd1.ios", 100.0, "count"), ("randread.qd1.iops", 100.0, "1/s"),
               ("randread.qd1.mbps", 0.41, "MB/s")]


class Counts(unittest.TestCase):
    def record(self, **taken):
        sampler, results = counts.Sampler(), Collector()
        sampler.taken = {name.replace("_", "."): value for name, value in taken.items()}
        sampler.taken.update({name.replace("load.", "randread.qd1."): value for name, value in sampler.taken.items()})
        counts.record(results, Run, sampler, "hvis")
        return {name.removeprefix("disk.randread.qd1.").removesuffix(".hvis"): value for name, (value, _) in results.got.items()}

    def test_per_io_and_net_of_idle(self):
        got = self.record(idle_begin=sample(0, 0, 0, 0, 0), idle_end=sample(2, 0, 40, 0, 0),
                          load_begin=sample(2, 1000, 40, 10, 5), load_end=sample(3, 201000, 340, 60, 105))
        self.assertEqual(got["exits_per_io"], 3.0)
        self.assertEqual(got["net_exits_per_io"], 2.8)
        self.assertEqual(got["signals_per_io"], 1.0)
        self.assertEqual(got["cpu_us_per_io"], 2.0)
        self.assertEqual(got["interrupts_per_io"], 0.99)
        self.assertEqual((got["io_exits_per_io"], got["doorbell_exits_per_io"], got["other_exits_per_io"]), (0.5, 1.0, 1.5))

    def test_without_doorbells_none_are_made_up(self):
        got = self.record(idle_begin=sample(0, 0, 0, 0), idle_end=sample(2, 0, 40, 0), load_begin=sample(2, 0, 40, 10), load_end=sample(3, 0, 340, 60))
        self.assertNotIn("signals_per_io", got)
        self.assertNotIn("doorbell_exits_per_io", got)
        self.assertEqual(got["exits_per_io"], 3.0)

    def test_host_that_is_gone_leaves_rates_only(self):
        self.assertEqual(set(self.record()), {"iops", "mbps", "interrupts_per_io"})

    def test_cpu_time_of_a_process_grows(self):
        before = counts.cpu_ns(os.getpid())
        sum(range(200000))
        self.assertGreater(counts.cpu_ns(os.getpid()), before)


class Scenarios(unittest.TestCase):
    def test_names_are_one_each(self):
        keys = [load.key for load in scenarios.LOADS]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertEqual({side.name for side in scenarios.SIDES}, set(words.OTHERS) | {"hvis"})
        self.assertEqual(set(plots.COLOURS), set(words.OTHERS) | {"hvis"})

    def test_direction_of_each_figure_is_known(self):
        for name in made_up()["figures"]:
            self.assertIsNotNone(figures.direction(name), name)

    def test_poll_only_for_ours(self):
        for side in scenarios.SIDES:
            self.assertEqual("poll-" in scenarios.guest_words(side, scenarios.LOADS, 1), side.name == "hvis")

    def test_command_line_fits(self):
        """The kernel takes 2048 bytes and cuts the rest off without a word."""
        for side in scenarios.SIDES:
            self.assertLess(len(scenarios.guest_words(side, scenarios.LOADS, scenarios.REAL_TIMES)), 1500)

    def test_progress_counts_down(self):
        plan = {"rounds": 2, "sides": ["hvis", "ide"], "loads": [load.key for load in scenarios.loads(True)]}
        progress = rounds.Progress(plan)
        self.assertEqual(progress.total, 4)
        progress.done("hvis")
        progress.without("ide")
        self.assertEqual(progress.left, ["hvis"])


class Report(unittest.TestCase):
    def test_every_number_is_that_of_results_json(self):
        results = made_up()
        page = report.page(results)
        self.assertEqual(verify.mismatches(page, results), [])
        self.assertEqual({name for name, key, _, _ in verify.cited(page) if key == "value"}, set(results["figures"]))

    def test_a_number_that_differs_is_found(self):
        results = made_up()
        page, name = report.page(results), "disk.seqread.qd4.mbps.ide"
        results["figures"][name]["spread"] *= 2
        self.assertEqual(verify.mismatches(page, results), [f"{name} spread"])
        self.assertEqual(verify.mismatches("", {"figures": {name: samples(1)}}), [name])

    def test_plots_draw_the_values(self):
        results = made_up()
        loads = [load for load in scenarios.LOADS if load.name == "randread"]
        text = plots.script(results, loads, "iops", scenarios.SIDES)
        for side in scenarios.SIDES:
            block = re.search(rf"\${side.name.replace('-', '_')} << EOD\n(.*?)EOD", text, re.DOTALL).group(1)
            drawn = [tuple(map(float, line.split())) for line in block.splitlines()]
            wanted = [results["figures"][words.name_of(load, "iops", side.name)] for load in loads]
            self.assertEqual([row[1:] for row in drawn], [(f["value"], min(f["values"]), max(f["values"])) for f in wanted])

    @unittest.skipUnless(shutil.which("gnuplot"), "no gnuplot")
    def test_plots_are_drawn_in_the_pages_ink(self):
        drawings = plots.plots(made_up())
        self.assertEqual(len(drawings), 10)
        text = "".join(drawings)
        self.assertFalse(re.findall(r"black|rgb\(\s*0,\s*0,\s*0\)|<\?xml|<!DOCTYPE", text))
        names = re.findall(r"\bid=['\"]([^'\"]+)", text)
        self.assertEqual(len(names), len(set(names)))

    def test_sentence_has_the_ratios(self):
        results = {"figures": {}}
        load = next(load for load in scenarios.LOADS if load.key == "randread.qd32")
        for figure, ours, theirs in (("iops", 410.0, 100.0), ("exits_per_io", 1.0, 20.0)):
            results["figures"][words.name_of(load, figure, "hvis")] = samples(ours)
            results["figures"][words.name_of(load, figure, "ide")] = samples(theirs)
        self.assertEqual([words.sentence(results, found) for found in words.comparisons(results)],
                         ["hvis does 4.10 times the IOPS of the emulated IDE disk at depth 32 (4-KiB random reads, null disk), "
                          "with 0.050 of its VM exits per IO."])

    def test_slower_is_told_with_its_counts(self):
        results, load = {"figures": {}}, scenarios.LOADS[0]
        for figure, ours, theirs in (("iops", 50.0, 100.0), ("exits_per_io", 5.0, 4.0)):
            results["figures"][words.name_of(load, figure, "hvis")] = samples(ours)
            results["figures"][words.name_of(load, figure, "qemu-virtio-blk")] = samples(theirs)
        self.assertIn("It is slower here; per IO: VM exits 5.00 against 4.00.", words.sentence(results, words.comparisons(results)[0]))

    def test_numbers(self):
        for amount, shown in ((None, "–"), (0, "0.000"), (0.0312, "0.031"), (3.14159, "3.14"), (35.02, "35.0"), (19483.2, "19,483")):
            self.assertEqual(words.number(amount), shown)

    def test_what_was_skipped_and_not_measured_is_told(self):
        text = report.page(made_up())
        self.assertIn("QEMU cannot be used here: &lt;no&gt;", text)
        self.assertIn("not measured: no such device yet", text)

    def test_page_needs_nothing_else(self):
        text = report.page(made_up())
        self.assertFalse(re.findall(r"<(?:link|script|img)\b|@import|url\(http|src=", text))


if __name__ == "__main__":
    tap.main()
