// SPDX-License-Identifier: GPL-2.0
/*
 * Ballooned pages as the allocator gave them: in blocks of 2^order. The order is in the private field of a block's first page (0 in all
 * others), so a block is freed as one, and cut into single pages only when part of it leaves. Which pages are ballooned is the ledger's.
 *
 * Their contents are the host's: PageOffline keeps /proc/kcore, dumps and hibernation away from them.
 * Invariant: the pages of a block are all in the ledger or none is; who takes out a part has cut the block first, under the same lock.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/page_ref.h>

#include "internal.h"
#include "trace.h"

/* A single page in LEDGER_TAKEN costs no memory, but its bits may; not worth any reclaim. */
#define LEDGER_GFP (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC)

static void mark(struct page *page, unsigned int order)
{
	unsigned long i;

	page_offline_begin();
	for (i = 0; i < 1ul << order; i++) {
		__SetPageOffline(page + i);
		set_page_private(page + i, 0);
	}
	page_offline_end();
	set_page_private(page, order);
	adjust_managed_page_count(page, -(long)(1ul << order));
}

static void unmark(struct page *page, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1ul << order; i++)
		__ClearPageOffline(page + i);
	set_page_private(page, 0);
	adjust_managed_page_count(page, 1ul << order);
}

/* Return: whether it is the host's now; if not, it was freed. */
static bool enter(struct balloon *balloon, struct page *page, unsigned int order)
{
	const struct balloon_run run = { page_to_pfn(page), 1ull << order };
	bool taken = false;

	if (!ledger_prepare(&balloon->ledger, run, LEDGER_GFP)) {
		mark(page, order);
		spin_lock(&balloon->lock);
		/* Its memory block began to go offline, and nobody has seen that this page cannot. */
		taken = !ledger_is_frozen(&balloon->ledger, run);
		if (taken)
			ledger_take(&balloon->ledger, run);
		spin_unlock(&balloon->lock);
		if (!taken)
			unmark(page, order);
	}
	if (taken)
		trace_balloon_taken(run.pfn, run.pages);
	else
		__free_pages(page, order);
	return taken;
}

/**
 * balloon_block_take() - allocate a block for the host
 * @balloon: the device
 * @order: of pages
 * @flags: GFP_*
 *
 * The server's. May sleep if @flags says so. Return: how many pages are in the ledger now; 0: there was no such block.
 */
u64 balloon_block_take(struct balloon *balloon, unsigned int order, gfp_t flags)
{
	struct page *page = alloc_pages(flags, order);

	if (!page)
		return 0;
	return enter(balloon, page, order) ? 1ull << order : 0;
}

/**
 * balloon_block_adopt() - pages of our own, allocated one by one, become a block for the host
 * @balloon: the device
 * @pfn: the first, aligned to the block
 * @order: of the block
 *
 * Makes of them what the allocator hands out for this order: one reference, on the first page. The server's. May sleep.
 * Return: as balloon_block_take().
 */
u64 balloon_block_adopt(struct balloon *balloon, u64 pfn, unsigned int order)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long i;

	for (i = 1; i < 1ul << order; i++)
		set_page_count(page + i, 0);
	return enter(balloon, page, order) ? 1ull << order : 0;
}

/**
 * balloon_block_cut() - let a part of a block leave
 * @balloon: its lock is held
 * @pfn: the first page of the part, or the one behind it; nothing happens where a block begins or no block is
 */
void balloon_block_cut(struct balloon *balloon, u64 pfn)
{
	unsigned int order;

	lockdep_assert_held(&balloon->lock);
	for (order = 1; order <= COMPAT_ORDER_MAX; order++) {
		u64 first = pfn & ~((1ull << order) - 1);
		struct page *page;

		if (first == pfn || !ledger_holds(&balloon->ledger, first))
			continue;
		page = pfn_to_page(first);
		if (page_private(page) < order)
			continue;
		split_page(page, page_private(page));
		set_page_private(page, 0);
		return;
	}
}

/** balloon_block_free() - give pages back to the allocator: whole blocks that were taken out of the ledger; any context but interrupts */
void balloon_block_free(struct balloon_run run)
{
	while (run.pages) {
		struct page *page = pfn_to_page(run.pfn);
		unsigned int order = page_private(page);

		unmark(page, order);
		__free_pages(page, order);
		run.pfn += 1ull << order;
		run.pages -= 1ull << order;
	}
}

/* The blocks of @run, all in the ledger. */
static void hold_blocks(struct balloon_run run, bool hold)
{
	while (run.pages) {
		struct page *page = pfn_to_page(run.pfn);
		unsigned int order = page_private(page);

		if (hold)
			page_ref_inc(page);
		else
			page_ref_dec(page);
		if (COMPAT_OFFLINE_UNMANAGES_ALL)
			adjust_managed_page_count(page, hold ? -(long)(1ul << order) : 1l << order);
		run.pfn += 1ull << order;
		run.pages -= 1ull << order;
	}
}

/**
 * balloon_block_hold() - let go of ballooned pages, so that their memory block can go offline with them, or hold them again
 * @balloon: its lock is held
 * @range: the memory block
 * @hold: again
 *
 * Taking a block offline skips pages that are PageOffline and have no reference. Kernels that then subtract all of its pages from the
 * managed ones find those added before that were subtracted already.
 * Return: how many pages of the ledger are there.
 */
u64 balloon_block_hold(struct balloon *balloon, struct balloon_run range, bool hold)
{
	enum ledger_state state;
	struct balloon_run run;
	u64 sum = 0, at;

	lockdep_assert_held(&balloon->lock);
	for (state = LEDGER_TAKEN; state <= LEDGER_SETTLED; state++) {
		for (at = range.pfn; page_set_next(&balloon->ledger.in[state], at, range.pfn + range.pages, &run); at = run.pfn + run.pages) {
			balloon_block_cut(balloon, run.pfn);
			balloon_block_cut(balloon, run.pfn + run.pages);
			hold_blocks(run, hold);
			sum += run.pages;
		}
	}
	return sum;
}
