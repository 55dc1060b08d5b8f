# SPDX-License-Identifier: GPL-2.0
"""Memory that is taken from a guest, by our driver and the kernel's; the guests are those of make measure (selftests/lib/memmeasure.py)."""

import memmeasure


class Set:
    """begin() once, then boot() for each side and round."""

    def begin(self, results, context):
        """Nothing that guests share."""

    def boot(self, results, context, side, plan):
        memmeasure.boot(results, side.name, "rate", context, plan["initrds"]["memory"], plan["kernel"], times=plan["reclaims"])
        return True
