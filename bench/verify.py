# SPDX-License-Identifier: GPL-2.0
"""Holds a report against its results.json: every number that claims to be a figure must be that figure, in full and as shown."""

import html.parser

import words


class Cited(html.parser.HTMLParser):
    """The numbers of a page: (figure, key, full value, as shown)."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.open = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "data":
            self.open = (attrs["data-figure"], attrs["data-key"], attrs["value"])

    def handle_data(self, data):
        if self.open:
            self.found.append((*self.open, data))
            self.open = None


def cited(page):
    parser = Cited()
    parser.feed(page)
    return parser.found


def mismatches(page, results):
    """Names of figures that the page shows otherwise, or not at all although their side and load are on it."""
    wrong, shown = [], set()
    for name, key, full, text in cited(page):
        shown.add(name)
        actual = results["figures"].get(name, {}).get(key)
        if full != repr(actual) or text != (str(actual) if key == "n" else words.number(actual)):
            wrong.append(f"{name} {key}")
    wanted = {words.name_of(load, figure, side.name) for load in words.measured(results)[0] for side in words.sides_of(results, load)
              for figure in (load.rate, *(name for name, _ in (*words.columns(load), *words.causes(load), *words.work(load))))}
    return wrong + sorted((wanted & set(results["figures"])) - shown)
