# SPDX-License-Identifier: GPL-2.0
"""One guest of any side and set, run to its end on whichever host the side has; a check says what came of it."""

import qemu
from guest import Run

# Of the guest's init, in seconds; the host gets a little more.
LIMIT = 400


def boot(results, name, side, guest, context, sampler, on_mark=None):
    """The guest that has run, or None if its host cannot be used here at all, with a skipped check that says why."""
    run = (qemu.QemuRun if side.host == "qemu" else Run)(guest, context.scratch, results.folder, on_mark=on_mark or sampler.mark)
    sampler.run = run
    try:
        run.run()
    except FileNotFoundError as missing:
        results.check(name, None, f"{missing.filename} is not installed")
        return None
    refused = run.never_started() if side.host == "qemu" else None
    if refused:
        results.check(name, None, f"QEMU cannot be used here: {refused}")
        return None
    trouble = run.trouble()
    results.check(name, not trouble, trouble)
    return run
