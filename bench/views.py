# SPDX-License-Identifier: GPL-2.0
"""A report as its readers see it: on a desktop, a phone and paper, in light and dark; whether it fits there."""

import os

import browser

# Name, width, media, colours. A4 with 1 cm around is 718 CSS pixels wide.
VIEWS = (("desktop", 1200, "", "light"), ("desktop-dark", 1200, "", "dark"), ("phone", 400, "", "light"), ("phone-dark", 400, "", "dark"),
         ("paper", 718, "print", "light"))
HEIGHT = 8000  # of a picture: the beginning of the page
# What sticks out to the right, for the one who is to mend it.
WIDE = """[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > window.innerWidth + 0.5)
    .slice(0, 3).map(e => e.tagName.toLowerCase() + ' ' + e.textContent.slice(0, 40)).join('; ')"""


def overflows(path, folder=None, views=VIEWS):
    """One line for each view that the page does not fit."""
    found = []
    with browser.Browser() as opened:
        for name, width, media, scheme in views:
            opened.open(path, width, scheme=scheme, media=media)
            wide, window = opened.ask("[document.documentElement.scrollWidth, window.innerWidth]")
            if window != width or wide > window:
                found.append(f"{name}: {wide} of {window} pixels, {opened.ask(WIDE)}")
            if folder:
                opened.picture(os.path.join(folder, f"{name}.png"), HEIGHT)
    return found
