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
    """A figure's value, n or spread as the page shows it; a dash where it was not measured, and one run has no spread."""
    figure = results["figures"].get(name)
    if figure is None or (key == "spread" and figure["n"] < 2):
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
    titles = (words.unit(load), "spread", "runs", *(title for _, title in words.columns(load)))
    rows = []
    for side in sides:
        name = words.name_of(load, load.rate, side.name)
        cells = [cite(results, name, key) for key in ("value", "spread", "n")]
        cells += [cite(results, words.name_of(load, figure, side.name)) for figure, _ in words.columns(load)]
        rows.append(row(side.name, cells, titles))
    if not load.per:
        caption = "Time"
    elif load.per == "gib":
        caption = "Rate; and counts per GiB"
    else:
        caption = f"Rate; and per {words.PER[load.per]}: counts, CPU time of the whole host process (the guest's included)"
    return table(caption, titles, rows)


def details(results, load, sides, columns, caption):
    """A table of figures that only some sides have."""
    sides = [side for side in sides if any(words.value(results, load, figure, side.name) is not None for figure, _ in columns)]
    rows = [row(side.name, [cite(results, words.name_of(load, figure, side.name)) for figure, _ in columns], [title for _, title in columns])
            for side in sides]
    return table(caption, [title for _, title in columns], rows) if rows else ""


def section(results, load):
    sides = words.sides_of(results, load)
    sentences = "".join(f"<li>{html.escape(words.sentence(results, compared))}</li>" for compared in words.comparisons(results, load.set)
                        if compared["load"] is load)
    per = words.PER.get(load.per)
    note = f"<p>{html.escape(load.note)}</p>" if load.note else ""
    more = (details(results, load, sides, words.causes(load), f"VM exits per {per} by reason")
            + details(results, load, sides, words.work(load), f"Hypercalls and bytes copied per {per}"))
    return (f'<section><h3 id="{load.key}">{html.escape(load.words[0].upper() + load.words[1:])}</h3>'
            f"{f'<ul>{sentences}</ul>' if sentences else ''}{note}{rates(results, load, sides)}{more}</section>")


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


def drawings(results, set_name):
    try:
        figures = "".join(f"<figure>{svg}</figure>" for svg in plots.plots(results, set_name))
    except plots.NoGnuplot as why:
        return f"<p>No plots: {html.escape(str(why))}.</p>"
    return f'<p>Logarithmic axes; upright lines reach from the least to the greatest run.</p><div class="plots">{figures}</div>' if figures else ""


def part(results, set_name):
    """All of one set: who, plots, and every load."""
    loads, sides = words.measured(results, set_name)
    if not loads:
        return ""
    key = "".join(f"<dt>{side.name}</dt><dd>{html.escape(side.title)}</dd>" for side in sides)
    return (f'<h2 id="{set_name}">{words.SETS[set_name]}</h2><dl>{key}</dl>{drawings(results, set_name)}'
            f"{''.join(section(results, load) for load in loads)}")


def page(results):
    with open(os.path.join(HERE, "style.css"), encoding="utf-8") as text:
        style = text.read()
    overview = "".join(f"<li>{html.escape(words.sentence(results, compared))}</li>" for compared in words.overview(results))
    missing = "".join(f"<tr><th scope=\"row\">{html.escape(what)}</th><td>{html.escape(why)}</td></tr>" for what, why in scenarios.NOT_MEASURED)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="color-scheme" content="light dark"><title>hvis: enlightened against emulated</title><style>{style}</style></head><body><main>'
            f"<h1>Enlightened against emulated</h1><p>The same guest kernel by our drivers, by the kernel's own, on emulated devices and on QEMU; and the "
            f'host without a VM.</p><ul class="overview">{overview}</ul><p class="confidence">{html.escape(words.kvm_words(results))}</p>'
            f"<h2>On what</h2>{machine(results)}{trouble(results)}{''.join(part(results, name) for name in words.SETS)}"
            f"<h2>Not measured</h2><table class=\"missing\"><tbody>{missing}</tbody></table>"
            f"<footer>Made by make bench from results.json, where each number stands in full; docs/bench.md says how to read them.</footer>"
            f"</main></body></html>\n")


def write(results, folder):
    path = os.path.join(folder, "report.html")
    with open(path, "w", encoding="utf-8") as out:
        out.write(page(results))
    return path
