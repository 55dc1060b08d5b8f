// SPDX-License-Identifier: GPL-2.0
/*
 * The floor: how much memory stays available to a guest whatever its host asks for. Pure functions, in pages of 4 KiB.
 * The curve is that of the field, so that a host which knows one guest's floor knows this one's:
 *
 *	memory in MiB	128	512	2048	8192	32768
 *	floor in MiB	72	168	360	744	1512
 *
 * Invariant: the floor grows with memory, by half as much at most; so taking a page from a guest always takes it nearer to its floor.
 */
#include <linux/kernel.h>

#include "floor.h"

#define MIB_PAGES 256ull

/**
 * balloon_floor() - pages that a guest with so much memory keeps available
 * @total: its pages, without what the host has
 * @fixed: what the administrator wants instead of the curve; 0: the curve
 *
 * Any context. Source of the curve: drivers/hv/hv_balloon.c of Linux.
 */
u64 balloon_floor(u64 total, u64 fixed)
{
	if (fixed)
		return fixed;
	if (total < 128 * MIB_PAGES)
		return 8 * MIB_PAGES + total / 2;
	if (total < 512 * MIB_PAGES)
		return 40 * MIB_PAGES + total / 4;
	if (total < 2048 * MIB_PAGES)
		return 104 * MIB_PAGES + total / 8;
	if (total < 8192 * MIB_PAGES)
		return 232 * MIB_PAGES + total / 16;
	return 488 * MIB_PAGES + total / 32;
}

/**
 * balloon_spare() - how many pages a guest can do without
 * @available: pages that could be allocated without swapping
 * @total: its pages, without what the host has
 * @fixed: as for balloon_floor()
 *
 * What is left when they are gone keeps the floor of the smaller guest that is then left. Any context.
 */
u64 balloon_spare(u64 available, u64 total, u64 fixed)
{
	u64 low = 0, high = min(available, total);

	while (low < high) {
		u64 middle = high - (high - low) / 2;

		if (available - middle >= balloon_floor(total - middle, fixed))
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}
