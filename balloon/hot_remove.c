// SPDX-License-Identifier: GPL-2.0
/*
 * The host wants memory removed: which of the blocks that we added, and what it is told.
 *
 * The emptiest first, and of those that are alike the newest. A block with a page that cannot move stays, and another one is tried; what
 * does not empty itself in time stays, too. Pages in it that the host has already go with it.
 * Invariant: a block that is named in an answer is no memory of the guest's any more, and the ledger knows nothing of it.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

/* Of those that were not tried yet. Return: NULL: there is none. */
static struct balloon_added *emptiest(struct balloon *balloon, const struct balloon_message *message)
{
	struct balloon_added *block, *best = NULL;
	u64 used, least = U64_MAX;

	list_for_each_entry_reverse(block, &balloon->added_blocks, link) {
		if (message->qos & DM_REMOVE_QOS_LOCAL && block->node != message->node)
			continue;
		used = memory_block_used(block->pfn);
		if (used < least) {
			least = used;
			best = block;
		}
	}
	return best;
}

static bool remove_block(struct balloon *balloon, struct balloon_added *block, struct page_set *removed, unsigned int limit_ms)
{
	const struct balloon_run run = { block->pfn, memory_block_pages() };
	int error = page_set_prepare(removed, run, GFP_KERNEL);

	if (!error)
		error = memory_block_remove(balloon, block->pfn, limit_ms);
	trace_balloon_block_removed(run.pfn, run.pages, error);
	if (error) {
		balloon->counters.remove_failed++;
		balloon->counters.remove_late += error == -EINTR;
		return false;
	}
	spin_lock(&balloon->lock);
	ledger_drop(&balloon->ledger, run);
	spin_unlock(&balloon->lock);
	page_set_remove(&balloon->added, run);
	page_set_add(removed, run);
	return true;
}

/* Blocks until enough are removed, there are no more to try, or time is up. */
static void remove_blocks(struct balloon *balloon, const struct balloon_message *message, struct page_set *removed)
{
	const unsigned long deadline = jiffies + msecs_to_jiffies(BALLOON_REMOVE_MS);
	const u64 size = memory_block_pages();
	const u64 blocks = message->qos & DM_REMOVE_QOS_LARGE ? DIV_ROUND_UP(message->pages, size) : message->pages / size;
	struct balloon_added *block;
	LIST_HEAD(tried);

	while (removed->count < blocks * size && time_before(jiffies, deadline) && !balloon_is_gone(balloon)) {
		unsigned int limit_ms = min_t(unsigned int, jiffies_to_msecs(deadline - jiffies), BALLOON_REMOVE_BLOCK_MS);

		block = emptiest(balloon, message);
		if (!block)
			break;
		list_del(&block->link);
		if (remove_block(balloon, block, removed, limit_ms))
			kfree(block);
		else
			list_add(&block->link, &tried);
	}
	list_splice_tail(&tried, &balloon->added_blocks);
}

/* In as few messages as hold the ranges; @result: see dm.h. */
static void tell(struct balloon *balloon, struct page_set *removed, u32 result)
{
	struct balloon_answer *answer = &balloon->answer;
	const u64 limit = balloon->ledger.page_limit;
	struct balloon_run run;
	u64 at = 0, named;
	bool more;

	do {
		balloon_answer_begin(answer, DM_HOT_REMOVE_RESPONSE);
		more = false;
		while (!more && page_set_next(removed, at, limit, &run)) {
			named = balloon_answer_add(answer, run);
			at = run.pfn + named;
			more = named < run.pages;
		}
		if (balloon_send(balloon, answer->bytes,
				 balloon_answer_end(answer, atomic_inc_return(&balloon->trans_id), result, more)))
			break;
	} while (more);
}

/**
 * balloon_hot_remove() - the host wants memory removed
 * @balloon: the device
 * @message: a HOT_REMOVE_REQUEST
 *
 * Whole memory blocks: as many as fit into what is asked for, or with DM_REMOVE_QOS_LARGE cover it. None: the host may try again later, or
 * never where nothing was added. The server's. May sleep, a little more than BALLOON_REMOVE_MS.
 */
void balloon_hot_remove(struct balloon *balloon, const struct balloon_message *message)
{
	struct page_set removed;
	bool never = !balloon_hot_add || balloon->version < DM_VERSION_WIN10;

	balloon->counters.hot_removes++;
	if (balloon->version < DM_VERSION_WIN10)
		balloon_refuse(balloon, REFUSED_REMOVE_VERSION, 0, message->pages);
	if (!balloon_enter(balloon, BALLOON_READY, BALLOON_REMOVING))
		return;
	page_set_init(&removed);
	never |= list_empty(&balloon->added_blocks);
	if (!never)
		remove_blocks(balloon, message, &removed);
	balloon->counters.removed += removed.count;
	tell(balloon, &removed, removed.count || never);
	page_set_destroy(&removed);
	balloon_enter(balloon, BALLOON_REMOVING, BALLOON_READY);
	balloon_status_soon(balloon);
}
