#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make bench without a guest: counts from marks, what sides and loads are, and that the report says what results.json says."""

import os
import re
import shutil
import socket
import subprocess
import unittest
from functools import lru_cache

import tap

import counts
import figures
import ippackets
import native
import plots
import report
import rounds
import scenarios
import verify
import words


def samples(*values):
    values = sorted(values)
    return {"value": values[len(values) // 2], "unit": "1/IO", "n": len(values), "spread": values[-1] - values[0], "values": list(values)}


def load_of(key):
    return next(load for load in scenarios.LOADS if load.key == key)


def figures_of(load):
    return (load.rate, *(name for name, _ in (*words.columns(load), *words.causes(load), *words.work(load))))


def made_up():
    """Results in which no two figures have the same value, so that a number in a wrong place is found. The host itself has no exits."""
    made, base = {}, 0.0123456
    for load in scenarios.LOADS:
        for side in filter(load.runs_on, scenarios.SIDES[load.set]):
            for figure in figures_of(load):
                base *= 1.007
                if side.host != "none" or figure in (load.rate, f"cpu_us_per_{load.per}"):
                    made[words.name_of(load, figure, side.name)] = samples(base, base * 1.1, base * 1.3)
    return {"schema": 1, "host": {"kvm": "emulated", "bench": {"rounds": 3}}, "figures": made,
            "checks": [{"name": "bench.x", "ok": None, "detail": "QEMU cannot be used here: <no>"}]}


@lru_cache(maxsize=1)
def page():
    """Of these results. Its many drawings take a while."""
    return report.page(made_up())


def stats(exits, io, doorbells=None):
    made = {"exits": exits, "vcpus": [{"exits": exits, "io_exits": io, "hypercalls": io / 2}]}
    return made if doorbells is None else {**made, "doorbells": doorbells, "exits_by_cause": {"doorbell": doorbells, "hyperv": 0}}


def sample(seconds, cpu_ns, *counters, **extra):
    return {"seconds": seconds, "cpu_ns": cpu_ns, "stats": stats(*counters), **extra}


class Collector:
    """As much of Results as counts.py uses."""

    def __init__(self):
        self.got = {}

    def figure(self, name, value, unit):
        self.got[name] = (value, unit)


class Run:
    """A guest that has done 100 IOs in a second."""

    started = 0.0
    figures = [("clock.gettime.ns", 206.0, "ns"), ("randread.qd1.interrupts", 99.0, "count"), ("randread.qd1.ios", 100.0, "count"), ("randread.qd1.iops", 100.0, "1/s"),
               ("randread.qd1.mbps", 0.41, "MB/s")]


class Counts(unittest.TestCase):
    def record(self, **taken):
        sampler, results = counts.Sampler(), Collector()
        sampler.taken = {name.replace("_", "."): value for name, value in taken.items()}
        sampler.taken.update({name.replace("load.", "randread.qd1."): value for name, value in sampler.taken.items()})
        sampler.run = Run
        counts.record_boot(results, Run, sampler, "hvis")
        counts.record_disks(results, Run, sampler, "hvis")
        return {name.removeprefix("disk.randread.qd1.").removesuffix(".hvis"): value for name, (value, _) in results.got.items()}

    def test_per_io_and_net_of_idle(self):
        got = self.record(idle_begin=sample(0, 0, 0, 0, 0), idle_end=sample(2, 0, 40, 0, 0),
                          load_begin=sample(2, 1000, 40, 10, 5), load_end=sample(3, 201000, 340, 60, 105))
        self.assertEqual(got["exits_per_io"], 3.0)
        self.assertEqual(got["net_exits_per_io"], 2.8)
        self.assertEqual(got["signals_per_io"], 1.0)
        self.assertEqual(got["hypercalls_per_io"], 0.25)
        self.assertEqual(got["cpu_us_per_io"], 2.0)
        self.assertEqual(got["interrupts_per_io"], 0.99)
        self.assertEqual((got["io_exits_per_io"], got["doorbell_exits_per_io"], got["other_exits_per_io"]), (0.5, 1.0, 1.5))

    def test_without_doorbells_none_are_made_up(self):
        got = self.record(idle_begin=sample(0, 0, 0, 0), idle_end=sample(2, 0, 40, 0), load_begin=sample(2, 0, 40, 10), load_end=sample(3, 0, 340, 60))
        self.assertNotIn("signals_per_io", got)
        self.assertNotIn("doorbell_exits_per_io", got)
        self.assertEqual(got["exits_per_io"], 3.0)

    def test_copies_are_those_of_both_ends(self):
        """Of two packets in and one out, 100 bytes each with their trailers, on a channel that is gone and one that is not; and those of NICs."""
        def at(packets, frames, **nic):
            channel = {"packets_in": packets, "bytes_in": 100 * packets, "packets_out": packets // 2, "bytes_out": 50 * packets}
            more = {"vmbus": {"channels": [channel], "channels_removed": channel}, "disks": {"ide": {"channels": [{"copied_bytes": 7 * frames}]}},
                    "nics": {"nic0": {"copied_bytes": 3 * frames, "rx_bytes": 20 * frames, **nic}}}
            return {"seconds": packets, "cpu_ns": 0, "stats": {**stats(0, 0, 0), **more}}

        got = counts.between(at(2, 0, tx_section_bytes=0), at(4, 10, tx_section_bytes=1000))["copied"]
        self.assertEqual(got, {"host": 2 * (2 * 92 + 92) + 70 + 30, "guest": 2 * 2 * 92 + 200 + 1000})
        self.assertEqual(counts.between(at(2, 0), at(4, 10))["copied"]["guest"], 2 * 2 * 92)  # the adapter's driver is not ours to know
        self.assertEqual(counts.between(at(0, 0), at(0, 10))["copied"], {"host": 100})
        self.assertEqual(counts.between(sample(0, 0, 0, 0), sample(1, 0, 0, 0))["copied"], {})

    def test_host_that_is_gone_leaves_rates_only(self):
        self.assertEqual(set(self.record()), {"iops", "mbps", "interrupts_per_io", "clock.gettime.ns"})

    def test_boot_ends_when_the_disks_are_there(self):
        self.assertEqual(self.record(ready=sample(5.5, 0, 0, 0))["boot.disks.ms"], 5500.0)

    def test_per_packet(self):
        """1000 frames with all of their bytes out, one answer for each second one in."""
        class Talk:
            figures = [("tcp_tx.interrupts", 300.0, "count"), ("rr.latency_ns", 5.0, "ns")]

        sampler, results = counts.Sampler(), Collector()
        sampler.taken = {"idle.begin": sample(0, 0, 0, 0), "idle.end": sample(1, 0, 30, 0),
                         "tcp_tx.begin": sample(1, 0, 30, 0, ip={"in": (0, 0), "out": (5, 260)}),
                         "tcp_tx.end": sample(2, 3000000, 3060, 0, ip={"in": (1000, 1500000), "out": (505, 26260)})}
        counts.record_net(results, Talk, sampler, "tulip")
        got = {name.removeprefix("net.").removesuffix(".tulip"): value for name, (value, _) in results.got.items()}
        self.assertEqual((got["tcp_tx.exits_per_packet"], got["tcp_tx.net_exits_per_packet"]), (3030 / 1500, 2.0))
        self.assertEqual((got["tcp_tx.interrupts_per_packet"], got["tcp_tx.cpu_us_per_packet"]), (0.2, 2.0))
        self.assertEqual(got["rr.latency_ns"], 5.0)
        self.assertNotIn("tcp_tx.signals_per_packet", got)

    def test_frames_that_are_segmented_count_as_their_parts(self):
        """Ten parts in one frame are ten packets, as ten frames are."""
        before, ten = {"in": (0, 0), "out": (0, 0)}, 10 * ippackets.MSS
        self.assertEqual(ippackets.between(before, {"in": (1, ten + ippackets.HEADERS), "out": (0, 0)}), 10)
        self.assertEqual(ippackets.between(before, {"in": (10, ten + 10 * ippackets.HEADERS), "out": (0, 0)}), 10)
        self.assertEqual(ippackets.between(before, {"in": (3, 3 * 92), "out": (2, 104)}), 5)

    def test_packets_of_this_machine_are_counted(self):
        before = ippackets.counters()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(20):
                sender.sendto(b"x" * 64, ("127.0.0.1", 9))
        self.assertGreaterEqual(ippackets.between(before, ippackets.counters()), 40)

    def test_processes_are_found_by_name(self):
        with open("/proc/self/comm", encoding="utf-8") as comm:
            self.assertIn(os.getpid(), counts.named(comm.read().strip()))
        self.assertEqual(counts.named("vhost-0"), [])

    def test_cpu_time_of_a_process_grows(self):
        before = counts.cpu_ns(os.getpid())
        sum(range(200000))
        self.assertGreater(counts.cpu_ns(os.getpid()), before)


class Scenarios(unittest.TestCase):
    def test_names_are_one_each(self):
        keys = [load.key for load in scenarios.LOADS]
        self.assertEqual(len(keys), len(set(keys)))
        for sides in scenarios.SIDES.values():
            self.assertEqual(len({side.name for side in sides}), len(sides))
            self.assertEqual(len({side.colour for side in sides}), len(sides))
            self.assertEqual([side.name for side in sides if not side.called], ["hvis"])

    def test_every_set_has_loads_and_a_way_to_run_them(self):
        self.assertEqual(set(rounds.SETS), set(scenarios.SIDES))
        self.assertEqual({load.set for load in scenarios.LOADS}, set(scenarios.SIDES))
        self.assertEqual(set(words.SETS), set(scenarios.SIDES))

    def test_direction_of_each_figure_is_known(self):
        for name in made_up()["figures"]:
            self.assertIsNotNone(figures.direction(name), name)

    def test_slower_is_what_the_names_say(self):
        """Of the rate of each load: the page and tools/compare must not disagree about which way is better."""
        for load in scenarios.LOADS:
            lower = figures.direction(words.name_of(load, load.rate, "hvis")) == figures.LOWER
            self.assertEqual(load.rate in words.LOWER_IS_BETTER, lower, load.key)

    def test_poll_only_for_ours(self):
        for side in scenarios.DISK_SIDES:
            if side.host != "none":
                self.assertEqual("poll-" in scenarios.guest_words(side, scenarios.LOADS, 1), side.name == "hvis")

    def test_fio_does_what_ioload_does(self):
        """A row of fio's has one of ioload's to be held against: the same disk, mode, size and depth."""
        def what(load):
            return load.disk, load.mode.removeprefix("fio-"), load.block, load.depth, load.jobs

        others = {what(load) for load in scenarios.LOADS if load.set == "disk"}
        for load in scenarios.LOADS:
            if load.set == "fio":
                self.assertIn(what(load), others)
                self.assertTrue(load.mode.startswith("fio-"))

    def test_quick_is_a_part_that_still_compares(self):
        for name in scenarios.SIDES:
            quick = scenarios.chosen_sides(name, None, True)
            self.assertIn("hvis", quick)
            self.assertIn("kernel", quick)
            self.assertEqual(any(load.set == name for load in scenarios.loads(True)), name != "fio")
        self.assertIn("qemu-virtio-blk", scenarios.chosen_sides("disk", None, True))
        self.assertNotIn("qemu-vhost-net", scenarios.chosen_sides("net", None, True))
        self.assertEqual(scenarios.chosen_sides("net", ["qemu-vhost-net", "ide"], True), ["qemu-vhost-net"])

    def test_without_a_vm_there_is_no_null_disk(self):
        host = scenarios.side("disk", "host")
        self.assertEqual({load.disk for load in scenarios.LOADS if load.set == "disk" and load.depth and load.runs_on(host)}, {"file"})

    def test_guests_know_all_loads_of_the_network(self):
        with open(os.path.join(tap.TOP, "bench", "guest-net"), encoding="utf-8") as script:
            known = set(re.findall(r"^\t(\w+)\)", script.read(), re.MULTILINE))
        wanted = {load.key for load in scenarios.LOADS if load.set == "net"}
        self.assertEqual(known, wanted)
        self.assertEqual(set(native.commands(1)), wanted)

    def test_command_line_fits(self):
        """The kernel takes 2048 bytes and cuts the rest off without a word."""
        for side in scenarios.DISK_SIDES:
            self.assertLess(len(scenarios.guest_words(side, scenarios.LOADS, scenarios.REAL_TIMES)), 1500)

    def test_progress_counts_down(self):
        plan = {"rounds": 2, "sets": {"disk": ["hvis", "ide"], "net": ["tulip"]}, "idle": 2, "seconds": 2,
                "loads": [load.key for load in scenarios.loads(True)]}
        progress = rounds.Progress(plan)
        self.assertEqual(progress.total, 6)
        progress.done("disk", "hvis")
        progress.without("disk", "ide")
        self.assertEqual(progress.left, [("net", "tulip"), ("disk", "hvis"), ("net", "tulip")])


class Native(unittest.TestCase):
    def test_cpu_time_is_the_programs(self):
        text, cpu_ns = native.run(["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo done"])
        self.assertEqual(text, "done\n")
        self.assertGreater(cpu_ns, 1000000)

    def test_a_program_that_fails_is_told(self):
        with self.assertRaises(subprocess.CalledProcessError) as failed:
            native.run(["sh", "-c", "echo why; exit 3"])
        self.assertEqual(failed.exception.output, "why\n")

    def test_what_came_is_said_by_the_receiver(self):
        text = ("[  5]   0.00-1.03   sec  2.50 MBytes  20400 Kbits/sec    4             sender\n"
                "[  5]   0.00-1.00   sec  2.00 MBytes  16800 Kbits/sec                  receiver\n")
        self.assertEqual(native.said_of(load_of("tcp_rx"), text), [("mbps", 16.8, "Mbit/s")])
        self.assertEqual(native.said_of(load_of("tcp_tx"), text), [])
        self.assertEqual(native.said_of(load_of("rr"), "290.3 1928700 6518900\n")[0], ("ops", 290.3, "1/s"))

    def test_figures_are_read(self):
        self.assertEqual(native.figures_of("x\n@figure a.qd1.iops 5.5 1/s\n"), {"a.qd1.iops": (5.5, "1/s")})


class Report(unittest.TestCase):
    def test_every_number_is_that_of_results_json(self):
        results = made_up()
        self.assertEqual(verify.mismatches(page(), results), [])
        self.assertEqual({name for name, key, _, _ in verify.cited(page()) if key == "value"}, set(results["figures"]))

    def test_a_number_that_differs_is_found(self):
        results = made_up()
        name = "disk.seqread.qd4.mbps.ide"
        results["figures"][name]["spread"] *= 2
        self.assertEqual(verify.mismatches(page(), results), [f"{name} spread"])
        self.assertEqual(verify.mismatches("", {"figures": {name: samples(1)}}), [name])

    def test_one_run_has_no_spread(self):
        name = "disk.randread.qd1.iops.hvis"
        self.assertEqual(report.cite({"figures": {name: samples(5.0)}}, name, "spread"), "–")
        self.assertIn(">2.00<", report.cite({"figures": {name: samples(5.0, 7.0)}}, name, "spread"))

    def test_plots_draw_the_values(self):
        results = made_up()
        loads = [load for load in scenarios.LOADS if load.name == "randread"]
        sides = words.sides_of(results, loads[0])
        text = plots.script(results, loads, "iops", sides)
        for side in sides:
            block = re.search(rf"\${side.name.replace('-', '_')} << EOD\n(.*?)EOD", text, re.DOTALL).group(1)
            drawn = [tuple(map(float, line.split())) for line in block.splitlines()]
            wanted = [results["figures"][words.name_of(load, "iops", side.name)] for load in loads]
            self.assertEqual([row[1:] for row in drawn], [(f["value"], min(f["values"]), max(f["values"])) for f in wanted])

    def test_bars_draw_the_values(self):
        results, load = made_up(), load_of("udp")
        text = plots.bars(results, load, "pps")
        for place, side in enumerate(scenarios.NET_SIDES):
            block = re.search(rf"\${side.name.replace('-', '_')} << EOD\n(.*?)EOD", text, re.DOTALL).group(1)
            wanted = results["figures"][words.name_of(load, "pps", side.name)]
            self.assertEqual(list(map(float, block.split())), [place, wanted["value"], min(wanted["values"]), max(wanted["values"])])

    @unittest.skipUnless(shutil.which("gnuplot"), "no gnuplot")
    def test_plots_are_drawn_in_the_pages_ink(self):
        results = made_up()
        drawings = [plots.plots(results, name) for name in scenarios.SIDES]
        # Five kinds of IO with two each, boot and clock; four network loads with two each; memory; five of time.
        self.assertEqual([len(some) for some in drawings], [12, 2, 8, 1, 5])
        text = "".join(map("".join, drawings))
        self.assertFalse(re.findall(r"black|rgb\(\s*0,\s*0,\s*0\)|<\?xml|<!DOCTYPE", text))
        names = re.findall(r"\bid=['\"]([^'\"]+)", text)
        self.assertEqual(len(names), len(set(names)))

    def results_of(self, key, other, *rows):
        """One load of hvis and another side: (figure, ours, theirs)."""
        results, load = {"figures": {}}, load_of(key)
        for figure, ours, theirs in rows:
            results["figures"][words.name_of(load, figure, "hvis")] = samples(ours)
            results["figures"][words.name_of(load, figure, other)] = samples(theirs)
        return results

    def sentences(self, *arguments):
        results = self.results_of(*arguments)
        return [words.sentence(results, found) for found in words.comparisons(results)]

    def test_sentence_has_the_ratios(self):
        self.assertEqual(self.sentences("randread.qd32", "ide", ("iops", 410.0, 100.0), ("exits_per_io", 1.0, 20.0)),
                         ["4-KiB random reads, null disk, depth 32: hvis does 4.10 times the IOPS of the emulated IDE disk, "
                          "with 0.050 of its VM exits per IO."])
        self.assertEqual(self.sentences("tcp_rx", "kernel", ("mbps", 90.0, 60.0)),
                         ["TCP into the guest: hvis does 1.50 times the Mbit/s of the kernel's hv_netvsc."])

    def test_slower_is_told_with_its_counts(self):
        said, = self.sentences("randread.qd1", "qemu-virtio-blk", ("iops", 50.0, 100.0), ("exits_per_io", 5.0, 4.0), ("net_exits_per_io", 4.0, 3.0))
        self.assertIn(" It is slower here; per IO: VM exits 5.00 against 4.00.", said)
        said, = self.sentences("udp", "qemu-vhost-net", ("pps", 50.0, 100.0), ("interrupts_per_packet", 5.0, 4.0))
        self.assertIn(" It is slower here; per packet: interrupts 5.00 against 4.00.", said)

    def test_less_time_is_better(self):
        self.assertEqual(self.sentences("clock", "qemu-ide", ("ns", 100.0, 200.0)),
                         ["one clock_gettime() of a program: hvis takes 0.500 times the time of QEMU's IDE disk."])
        self.assertTrue(self.sentences("boot", "qemu-ide", ("ms", 300.0, 200.0))[0].endswith(" It is slower here."))

    def test_overview_has_each_other_side_once_per_set(self):
        chosen = words.overview(made_up())
        wanted = {(name, side.name) for name, sides in scenarios.SIDES.items() for side in sides if side.name != "hvis"}
        self.assertEqual(len(chosen), len(wanted))
        self.assertEqual({(found["load"].set, found["other"].name) for found in chosen}, wanted)
        self.assertEqual({found["load"].key for found in chosen if found["other"].name == "ide"}, {"randread.qd32", "fio_randread.qd32"})

    def test_terminal_has_every_set(self):
        text = words.terminal(made_up())
        for title in words.SETS.values():
            self.assertIn(f"  {title}: rate; VM exits", text)

    def test_numbers(self):
        for amount, shown in ((None, "–"), (0, "0.000"), (0.0312, "0.031"), (3.14159, "3.14"), (35.02, "35.0"), (19483.2, "19,483")):
            self.assertEqual(words.number(amount), shown)

    def test_what_was_skipped_and_not_measured_is_told(self):
        text = page()
        self.assertIn("QEMU cannot be used here: &lt;no&gt;", text)
        self.assertIn("nobody counts them", text)

    def test_page_needs_nothing_else(self):
        text = page()
        self.assertFalse(re.findall(r"<(?:link|script|img)\b|@import|url\(http|src=", text))


if __name__ == "__main__":
    tap.main()
