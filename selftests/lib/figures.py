# SPDX-License-Identifier: GPL-2.0
"""What the figures of a results.json mean: which direction is better by a figure's name, and when two of them differ beyond the noise."""

import json
import re

HIGHER, LOWER = 1, -1
# By the last word of a name that says anything, SIDE and LOAD left out: NAME.iops.hvis, exits_per_io, clock.vdso.ns.hvis.
BETTER = ((r"(iops|mbps|mibps|pps|ops|huge_pages|rss_returned_ratio)", HIGHER),
          (r"(ns|us|ms|lost|wait|latency\w*|\w+_per_(io|packet|gib|second|read))", LOWER))
# A name that is no performance: how long a test took, sizes of packets.
NEITHER = re.compile(r"^job\.|\.bytes_per_packet\b|\.ios\b")


class BadFile(Exception):
    """A file that is no results.json; the text is for a person."""


def direction(name):
    """HIGHER or LOWER: which is better; None if the name does not say."""
    if NEITHER.search(name):
        return None
    for word in reversed(name.split(".")):
        for pattern, better in BETTER:
            if re.fullmatch(pattern, word):
                return better
    return None


def load(path):
    """A parsed results.json whose figures all have numbers: who uses it need not look again."""
    try:
        with open(path, encoding="utf-8") as text:
            results = json.load(text)
    except (OSError, ValueError) as error:
        raise BadFile(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    figures = results.get("figures") if isinstance(results, dict) else None
    if not isinstance(figures, dict) or results.get("schema") != 1:
        raise BadFile(f"{path}: no results of schema 1 (an object with schema and figures)")
    for name, figure in figures.items():
        numbers = [figure.get(key) if isinstance(figure, dict) else None for key in ("value", "n", "spread")]
        if not all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers) or "unit" not in figure:
            raise BadFile(f"{path}: the figure {name} lacks value, n, spread or unit")
    return results


def percent(old, new):
    """How far NEW is from OLD, in percent of OLD; from nothing to something is infinitely far."""
    if old == new:
        return 0.0
    return (new - old) / abs(old) * 100 if old else float("inf") if new > old else float("-inf")


def beyond_noise(old, new, least, least_of_one):
    """Two figures' medians are apart by more than either's spread (maximum less minimum) and by more than LEAST percent of the old one.

    One value alone has no spread that says anything: then LEAST_OF_ONE percent takes its place.
    """
    apart = abs(new["value"] - old["value"])
    limit = least_of_one if min(old["n"], new["n"]) < 2 else least
    return apart > max(old["spread"], new["spread"]) and abs(percent(old["value"], new["value"])) > limit


def verdict(name, old, new, least, least_of_one):
    """same, better or worse; changed where the name does not say which is better; unit where they cannot be compared."""
    if old["unit"] != new["unit"]:
        return "unit"
    if not beyond_noise(old, new, least, least_of_one):
        return "same"
    better = direction(name)
    if better is None:
        return "changed"
    return "better" if (new["value"] > old["value"]) == (better == HIGHER) else "worse"
