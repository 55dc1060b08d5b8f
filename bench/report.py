# SPDX-License-Identifier: GPL-2.0
"""build/bench/report.html out of a parsed results.json: one page that needs nothing else.

Each number on it that is a figure is made by cite() and carries the figure's name and full value, so that a test can hold the page
against results.json.
"""

import html
import os

import plots
import scenarios
import words

HERE = os.path.dirname(os.path.realpath(__file__))


def cite(results, name, key="value"):
    """A figure's value, n or spread as the page shows it; a dash where it was not measured."""
    figure = results["figures"].get(name)
    if figure is None:
        return "–"
    shown = str(figure["n"]) if key == "n" else words.number(figure[key])
    return f'<data data-figure="{html.escape(name)}" data-key="{key}" value="{figure[key]!r}">{shown}</data>'


def row(label, cells, titles, tag="td"):
    inner = "".join(f'<{tag} data-label="{html.escape(title)}">{cell}</{tag}>' for title, cell in zip(titles, cells))
    return f'<tr><th scope="row">{html.escape(label)}</th>{inner}</tr>'


def table(caption, titles, rows):
    head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in ("side", *titles))
    return f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def rates(results, load, sides):
    titles = (words.RATES[load.rate], "spread", "runs", *(title for _, title in words.COUNTS))
    rows = []
    for side in sides:
        name = words.name_of(load, load.rate, side.name)
        cells = [cite(results, name, key) for key in ("value", "spread", "n")]
        cells += [cite(results, words.name_of(load, figure, side.name)) for figure, _ in words.COUNTS]
        rows.append(row(side.name, cells, titles))
    return table("Rate; and per IO: counts, CPU time of the whole host process (the guest's included)", titles, rows)


def reasons(results, load, sides):
    titles = [cause.replace("_", " ") for cause in words.CAUSES]
    rows = [row(side.name, [cite(results, words.name_of(load, f"{cause}_exits_per_io", side.name)) for cause in words.CAUSES], titles)
            for side in sides]
    return table("VM exits per IO by reason", titles, rows)


def section(results, load, sides):
    present = [side for side in sides if words.value(results, load, load.rate, side.name) is not None]
    sentences = "".join(f"<li>{html.escape(words.sentence(results, compared))}</li>" for compared in words.comparisons(results)
                        if compared["load"] is load)
    return (f'<section><h3 id="{load.key}">{html.escape(load.title)}, depth {load.depth}</h3>'
            f"{f'<ul>{sentences}</ul>' if sentences else ''}{rates(results, load, present)}{reasons(results, load, present)}</section>")


def machine(results):
    """What machine, KVM, versions: as they stand in results.json."""
    host = results["host"]
    guests, bench, versions = (host.get(key) or {} for key in ("where_guests_ran", "bench", "versions"))
    facts = (("KVM", host.get("kvm")), ("this machine", f"{host.get('cpu')}, {host.get('cpus')} CPUs, kernel {host.get('kernel')}"),
             ("guests ran on", f"{guests.get('cpu')}, {guests.get('cpus')} CPUs, kernel {guests.get('kernel')}" if guests else None),
             ("guests", f"{bench.get('guest_cpus')} CPU, {bench.get('guest_memory')}, kernel {versions.get('guest_kernel')}"),
             ("hvis", versions.get("hvis")), ("QEMU", guests.get("qemu")), ("file", guests.get("file_backend")),
             ("rounds", bench.get("rounds")), ("measured", bench.get("when")))
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{html.escape(str(fact))}</dd>" for name, fact in facts if fact is not None) + "</dl>"


def trouble(results):
    """What was skipped or failed belongs on the page, or its absence would look like a choice."""
    lines = [f"<li>{html.escape(check['name'])} {'failed' if check['ok'] is False else 'skipped'}: {html.escape(check['detail'])}</li>"
             for check in results.get("checks", []) if check["ok"] is not True]
    return f"<h2>Not as planned</h2><ul>{''.join(lines)}</ul>" if lines else ""


def drawings(results):
    try:
        return "".join(f"<figure>{svg}</figure>" for svg in plots.plots(results)) or "<p>One depth only: nothing to draw.</p>"
    except plots.NoGnuplot as why:
        return f"<p>No plots: {html.escape(str(why))}.</p>"


def page(results):
    loads, sides = words.measured(results)
    with open(os.path.join(HERE, "style.css"), encoding="utf-8") as text:
        style = text.read()
    overview = "".join(f"<li>{html.escape(words.sentence(results, compared))}</li>" for compared in words.overview(results))
    missing = "".join(f"<tr><th scope=\"row\">{html.escape(what)}</th><td>{html.escape(why)}</td></tr>" for _, what, why in scenarios.NOT_MEASURED)
    key = "".join(f"<dt>{side.name}</dt><dd>{html.escape(side.title)}</dd>" for side in sides)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="color-scheme" content="light dark"><title>hvis: enlightened against emulated</title><style>{style}</style></head><body><main>'
            f"<h1>Enlightened against emulated</h1><p>One disk, {len(sides)} ways to it, the same guest kernel.</p><ul class=\"overview\">{overview}</ul>"
            f'<p class="confidence">{html.escape(words.kvm_words(results))}</p><h2>Who is compared</h2><dl>{key}</dl><h2>On what</h2>{machine(results)}'
            f"{trouble(results)}<h2>Over the queue depth</h2><p>Both axes are logarithmic; bars reach from the least to the greatest run.</p>"
            f'<div class="plots">{drawings(results)}</div><h2>Every load</h2>{"".join(section(results, load, sides) for load in loads)}'
            f"<h2>Not measured</h2><table class=\"missing\"><tbody>{missing}</tbody></table>"
            f"<footer>Made by make bench from results.json, where each number stands in full; docs/bench.md says how to read them.</footer>"
            f"</main></body></html>\n")


def write(results, folder):
    path = os.path.join(folder, "report.html")
    with open(path, "w", encoding="utf-8") as out:
        out.write(page(results))
    return path
