// SPDX-License-Identifier: GPL-2.0
/*
 * Gathering: when the allocator has no large blocks left, whole pageblocks are emptied by moving what is in them into the gaps of others.
 * So the ballooned memory stays in one piece, and the small pages that are free stay where they do least harm.
 *
 * Works down from the highest page, where hot-added memory is, and never in a pageblock with a page that cannot move.
 * Invariant: a bounded number of tries per request; what cannot be emptied is left as it was.
 */
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pageblock-flags.h>

#include "internal.h"

#define GATHER_RUN 8u /* pageblocks emptied at a time: each time costs draining all CPUs' caches */
#define GATHER_FAILURES 16u /* per request */
#define GATHER_GFP (GFP_KERNEL | __GFP_NOWARN)

/* One past the highest page of the guest's memory. */
static u64 top(void)
{
	unsigned long end = 0;
	int node, i;

	for_each_online_node(node) {
		for (i = 0; i < MAX_NR_ZONES; i++)
			end = max(end, zone_end_pfn(&NODE_DATA(node)->node_zones[i]));
	}
	return round_up(end, pageblock_nr_pages);
}

static bool is_online(u64 pfn)
{
	return pfn_valid(pfn) && online_section_nr(pfn_to_section_nr(pfn));
}

/* How many pages this one stands for: a look without a lock, so a guess. 0: it cannot move. */
static unsigned long movable_pages(struct page *page)
{
	unsigned long order;

	if (PageReserved(page) || PageOffline(page))
		return 0;
	if (PageBuddy(page)) {
		order = READ_ONCE(page->private);
		return order <= COMPAT_ORDER_MAX ? 1ul << order : 1;
	}
	if (!page_count(page) || PageLRU(page) || __PageMovable(page))
		return 1;
	return 0;
}

/* May the pageblock at @pfn be emptied? */
static bool is_movable(struct balloon *balloon, u64 pfn)
{
	u64 end = pfn + pageblock_nr_pages;
	struct page *page;
	unsigned long step;

	if (!is_online(pfn) || !is_online(end - 1))
		return false;
	page = pfn_to_page(pfn);
	if (page_zone(page) != page_zone(pfn_to_page(end - 1)))
		return false;
	/* Else it might belong to CMA, and would lose its type. */
	if (IS_ENABLED(CONFIG_CMA) && page_zonenum(page) != ZONE_MOVABLE)
		return false;
	for (; pfn < end; pfn += step) {
		step = movable_pages(pfn_to_page(pfn));
		if (!step)
			return false;
	}
	return true;
}

/* Up to @blocks pageblocks in a row that end at @end and can be emptied, in one zone. Return: the first page; @end: there is none. */
static u64 find_run(struct balloon *balloon, u64 end, u64 blocks)
{
	u64 pfn = end;

	while (blocks-- && pfn >= pageblock_nr_pages) {
		u64 below = pfn - pageblock_nr_pages;

		if (!is_movable(balloon, below))
			break;
		if (pfn != end && page_zone(pfn_to_page(below)) != page_zone(pfn_to_page(pfn)))
			break;
		pfn = below;
	}
	return pfn;
}

/* Return: how many of these pages are in the ledger now. */
static u64 empty_run(struct balloon *balloon, u64 pfn, u64 end)
{
	u64 taken = 0;

	if (alloc_contig_range(pfn, end, MIGRATE_MOVABLE, GATHER_GFP)) {
		balloon->counters.gather_failed++;
		return 0;
	}
	for (; pfn < end; pfn += pageblock_nr_pages) {
		u64 part = balloon_block_adopt(balloon, pfn, pageblock_order);

		balloon->counters.blocks_gathered += !!part;
		taken += part;
	}
	return taken;
}

/**
 * balloon_gather() - empty pageblocks for the host
 * @balloon: the device
 * @pages: at most so many
 *
 * The server's. May sleep, in a bounded number of migrations. Return: how many pages are in the ledger now.
 */
u64 balloon_gather(struct balloon *balloon, u64 pages)
{
	u64 left = pages / pageblock_nr_pages, highest = top(), scanned = 0, taken = 0, pfn = balloon->gather_pfn;
	unsigned int failures = 0;

	while (left && scanned < highest && failures < GATHER_FAILURES && !READ_ONCE(balloon->hurry) && !balloon_is_gone(balloon) &&
	       balloon_tell_due(balloon)) {
		u64 end = pfn && pfn <= highest ? pfn : highest, got;

		pfn = find_run(balloon, end, min_t(u64, left, GATHER_RUN));
		if (pfn == end) {
			pfn -= pageblock_nr_pages;
		} else {
			got = empty_run(balloon, pfn, end);
			failures += !got;
			taken += got;
			left -= min(left, got / pageblock_nr_pages);
		}
		scanned += end - pfn;
		cond_resched();
	}
	balloon->gather_pfn = pfn;
	return taken;
}
