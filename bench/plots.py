# SPDX-License-Identifier: GPL-2.0
"""Plots of the report as SVG by gnuplot, fit for light and dark pages: over the queue depth one line per side, else one bar per side."""

import re
import subprocess

import words

SIZE = "480,300"
# From the least to the greatest run. Error bars would blank out what is behind their points, in white on any page.
RANGE = "'' using 1:3:(0):($4-$3) with vectors nohead lw 1.5"


class NoGnuplot(Exception):
    """gnuplot is not installed, or refused; the text says which."""


def points(results, loads, figure, side):
    """(depth, median, least, most) of each load; what is not above zero has no place on a logarithmic axis."""
    found = [(load.depth, words.figure_of(results, load, figure, side)) for load in loads]
    return [(depth, entry["value"], min(entry["values"]), max(entry["values"])) for depth, entry in found if entry and min(entry["values"]) > 0]


def title_of(load, figure):
    what = words.unit(load) if figure == load.rate else f"VM exits per {words.PER[load.per]}"
    return f"{what}: {load.title}"


def block(side, rows):
    return f"${side.name.replace('-', '_')} << EOD\n" + "".join(" ".join(map(repr, row)) + "\n" for row in rows) + "EOD\n"


def begin(title):
    title = title.replace("'", "''")
    return (f"set terminal svg size {SIZE} dynamic font 'sans-serif,12'\nset title '{title}' noenhanced\nset format y '%g'\n"
            "set grid ytics lc rgb '#808080' lw 0.5 dt 3\nset border 3\nset tics nomirror\n")


def script(results, loads, figure, sides):
    """What gnuplot is to do for loads that differ in depth, its data included; None if there is nothing to show."""
    data = {side: points(results, loads, figure, side.name) for side in sides}
    data = {side: rows for side, rows in data.items() if rows}
    if not data:
        return None
    curves = ", ".join(f"${side.name.replace('-', '_')} with linespoints lw 2 pt 7 ps 0.5 lc rgb '{side.colour}' title '{side.name}', "
                       f"{RANGE} lc rgb '{side.colour}' notitle" for side in data)
    depths = ", ".join(str(load.depth) for load in loads)
    return (begin(title_of(loads[0], figure)) + "".join(block(side, rows) for side, rows in data.items()) +
            f"set xlabel 'queue depth'\nset logscale xy\n"
            f"set xtics ({depths})\nset xrange [{min(load.depth for load in loads) * 0.7}:{max(load.depth for load in loads) * 1.4}]\n"
            f"set key below maxrows 2 samplen 1.5 noenhanced\nplot {curves}\n")


def bars(results, load, figure):
    """The same for one load: a bar per side."""
    found = [(side, words.figure_of(results, load, figure, side.name)) for side in words.sides_of(results, load)]
    found = [(side, entry) for side, entry in found if entry and min(entry["values"]) > 0]
    if len(found) < 2:
        return None
    data = "".join(block(side, [(place, entry["value"], min(entry["values"]), max(entry["values"]))])
                   for place, (side, entry) in enumerate(found))
    drawn = ", ".join(f"${side.name.replace('-', '_')} using 1:2 with boxes lc rgb '{side.colour}' notitle, "
                      f"{RANGE} lc rgb 'black' notitle" for side, _ in found)
    tics = ", ".join(f"'{side.name}' {place}" for place, (side, _) in enumerate(found))
    # Bars of a logarithmic axis stand on its end, so that is put well below the least.
    least = min(min(entry["values"]) for _, entry in found) / 4
    return (begin(title_of(load, figure)) + data + f"set logscale y\nset yrange [{least!r}:]\nset xrange [-0.6:{len(found) - 0.4}]\n"
            f"set xtics ({tics}) rotate by -28 noenhanced\nset boxwidth 0.7\nset style fill solid 0.85 noborder\nplot {drawn}\n")


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


def scripts(results, set_name):
    """(title, what gnuplot is to do) of each drawing: of loads that have several depths, and of those that have none."""
    loads, sides = words.measured(results, set_name)
    for name in dict.fromkeys(load.name for load in loads):
        group = [load for load in loads if load.name == name]
        shown = [group[0].rate] + ([f"exits_per_{group[0].per}"] if group[0].per in ("io", "packet") else [])
        for figure in shown if len(group) > 1 or not group[0].depth else ():
            yield title_of(group[0], figure), script(results, group, figure, sides) if len(group) > 1 else bars(results, group[0], figure)


def plots(results, set_name):
    """All drawings of a set, ready for the page."""
    return [inline(draw(text), f"{set_name}{number}", title) for number, (title, text) in enumerate(scripts(results, set_name)) if text]
