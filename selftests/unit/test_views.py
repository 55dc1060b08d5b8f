#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The page of make bench in a browser, where there is one: it fits a desktop, a phone and paper, and a page that does not is found."""

import os
import tempfile
import unittest

import tap

import browser
import scenarios
import report
import test_bench
import views

# One of each kind of table and plot: a browser draws all of them for a long time.
SHOWN = ("randread.qd1", "randread.qd32", "boot", "udp", "rr", "reclaim")


def results():
    made = test_bench.made_up()
    prefixes = tuple(f"{load.names}." for load in scenarios.LOADS if load.key in SHOWN)
    return {**made, "figures": {name: figure for name, figure in made["figures"].items() if name.startswith(prefixes)}}


@unittest.skipIf(browser.missing(), browser.missing())
class Views(unittest.TestCase):
    def of(self, page, **arguments):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.html")
            with open(path, "w", encoding="utf-8") as out:
                out.write(page)
            return views.overflows(path, **arguments)

    def test_page_fits_desktop_phone_and_paper(self):
        self.assertEqual(self.of(report.page(results())), [])

    def test_what_does_not_fit_is_found(self):
        page = report.page(results()).replace("<footer>", '<div style="width: 1000px">wide</div><footer>')
        found = self.of(page, views=[view for view in views.VIEWS if view[0] in ("desktop", "phone")])
        self.assertEqual(len(found), 1)
        self.assertIn("phone: 10", found[0])
        self.assertIn("div wide", found[0])


if __name__ == "__main__":
    tap.main()
