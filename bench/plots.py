# SPDX-License-Identifier: GPL-2.0
"""Plots of the report: rate and exits per IO over the queue depth, one line per side, as SVG by gnuplot, fit for light and dark pages."""

import re
import subprocess

import words

COLOURS = {"hvis": "#2f7ed8", "kernel": "#e08214", "ide": "#d6404e", "qemu-ide": "#b565c9", "qemu-virtio-blk": "#2a9d63", "qemu-virtio-scsi": "#8c8c2e"}
SIZE = "480,300"
TITLES = {"iops": "IOPS", "exits_per_io": "VM exits per IO"}


class NoGnuplot(Exception):
    """gnuplot is not installed, or refused; the text says which."""


def points(results, loads, figure, side):
    """(depth, median, least, most) of each load; what is not above zero has no place on a logarithmic axis."""
    found = [(load.depth, words.figure_of(results, load, figure, side)) for load in loads]
    return [(depth, entry["value"], min(entry["values"]), max(entry["values"])) for depth, entry in found if entry and min(entry["values"]) > 0]


def script(results, loads, figure, sides):
    """What gnuplot is to do, its data included; None if there is nothing to show."""
    data = {side.name: points(results, loads, figure, side.name) for side in sides}
    data = {side: rows for side, rows in data.items() if rows}
    if not data:
        return None
    blocks = [f"${side.replace('-', '_')} << EOD\n" + "".join(" ".join(map(repr, row)) + "\n" for row in rows) + "EOD\n"
              for side, rows in data.items()]
    curves = ", ".join(f"${side.replace('-', '_')} with linespoints lw 2 pt 7 ps 0.5 lc rgb '{COLOURS[side]}' title '{side}', "
                       f"'' with yerrorbars lw 1 pt 7 ps 0.5 lc rgb '{COLOURS[side]}' notitle" for side in data)
    depths = ", ".join(str(load.depth) for load in loads)
    return (f"set terminal svg size {SIZE} dynamic font 'sans-serif,12'\n" + "".join(blocks) +
            f"set title '{TITLES[figure]}: {loads[0].title}' noenhanced\nset xlabel 'queue depth'\nset logscale xy\n"
            f"set xtics ({depths})\nset xrange [{min(load.depth for load in loads) * 0.7}:{max(load.depth for load in loads) * 1.4}]\n"
            "set format y '%g'\nset key below maxrows 2 samplen 1.5 noenhanced\nset grid ytics lc rgb '#808080' lw 0.5 dt 3\nset border 3\n"
            f"set tics nomirror\nset pointintervalbox 0\nplot {curves}\n")


def inline(svg, number, title):
    """The drawing as a part of a page: no prologue, names that no other one has, black as the page's own ink."""
    svg = re.sub(r"<desc>.*?</desc>|<title>.*?</title>", "", svg[svg.index("<svg"):], flags=re.DOTALL)
    svg = re.sub(r"\bid=(['\"])", rf"id=\1p{number}-", svg)
    svg = re.sub(r"((?:xlink:)?href=['\"]#|url\(#)", rf"\g<1>p{number}-", svg)
    svg = re.sub(r"(['\"= ])(black|#000000|rgb\(\s*0,\s*0,\s*0\))", r"\1currentColor", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1).strip()


def draw(text):
    try:
        done = subprocess.run(["gnuplot"], input=text, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise NoGnuplot("gnuplot is missing: run tools/setup") from None
    if done.returncode or "<svg" not in done.stdout:
        raise NoGnuplot((done.stderr.strip() or "gnuplot drew nothing").splitlines()[-1])
    return done.stdout


def plots(results):
    """All drawings, ready for the page: of each kind of IO that has several depths, rate and exits."""
    loads, sides = words.measured(results)
    made = []
    for name in dict.fromkeys(load.name for load in loads):
        group = [load for load in loads if load.name == name]
        for figure in ("iops", "exits_per_io") if len(group) > 1 else ():
            text = script(results, group, figure, sides)
            if text:
                made.append(inline(draw(text), len(made), f"{TITLES[figure]}: {group[0].title}"))
    return made
