/* SPDX-License-Identifier: GPL-2.0 */
/* What happened on a device; shown by debugfs.c. */
#ifndef HVIS_BALLOON_COUNTERS_H
#define HVIS_BALLOON_COUNTERS_H

#include <linux/types.h>

/**
 * struct balloon_counters - what happened, in order of the lines in debugfs
 *
 * Written by one context each, but surrendered and ooms (under the lock) and reports (status work).
 */
struct balloon_counters {
	u64 requests; /* for pages */
	u64 partly; /* of them: answered with fewer */
	u64 asked; /* pages */
	u64 inflated; /* pages, in blocks: */
	u64 blocks_large; /* of a pageblock and more, as the allocator had them */
	u64 blocks_gathered; /* pageblocks that were emptied for it */
	u64 gather_failed;
	u64 blocks_middle; /* of several pages */
	u64 blocks_small; /* single pages */
	u64 messages; /* that named pages to the host */
	u64 ranges; /* in them */
	u64 unballoons; /* messages */
	u64 deflated; /* pages the host gave back */
	u64 fulfilled; /* pages it gave back that the guest had taken already */
	u64 surrendered; /* pages taken back without the host, for want of memory */
	u64 ooms; /* times that there was no memory */
	u64 hot_adds; /* messages */
	u64 added; /* pages */
	u64 hot_removes; /* messages */
	u64 removed; /* pages */
	u64 remove_failed; /* blocks that could not be emptied */
	u64 remove_late; /* of them: not within their time */
	u64 reports; /* of status */
	u64 reports_early; /* of them: because of pressure */
	u64 reports_lost; /* no room in the ring */
	u64 send_failed; /* answers that the host never got: pages freed again */
};

#endif
