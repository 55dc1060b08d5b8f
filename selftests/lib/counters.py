# SPDX-License-Identifier: GPL-2.0
"""From the host's counters at two marks to figures per IO (docs/measuring.md)."""

COUNTED = {"signals_per_io": "doorbells", "interrupts_per_io": "interrupts", "exits_per_io": "exits"}


def differences(run, name):
    """Counter differences between the marks NAME.begin and NAME.end, or None."""
    taken = {mark: stats for mark, _, stats in run.marks}
    begin, end = taken.get(f"{name}.begin"), taken.get(f"{name}.end")
    if not begin or not end:
        return None
    return {counter: end[counter] - begin[counter] for counter in COUNTED.values()}


def figures(results, run, side):
    """Everything the guest reported, under the project's figure names; counts per IO from the host."""
    for name, value, unit in run.figures:
        if name.endswith(".ios"):
            load = name[: -len(".ios")]
            counted = differences(run, load)
            for figure, counter in COUNTED.items():
                if counted:
                    results.figure(f"storvsc.{load}.{figure}.{side}", counted[counter] / value, "1/IO")
        elif name.startswith("demo."):
            results.figure(name, value, unit)
        else:
            results.figure(f"storvsc.{name}.{side}", value, unit)
