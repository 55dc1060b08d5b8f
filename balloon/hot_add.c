// SPDX-License-Identifier: GPL-2.0
/*
 * The host adds memory: what is wanted is judged, then added memory block by memory block, as far as whole ones are covered.
 *
 * A range that is not aligned to blocks, although the capabilities ask for that, gets the blocks that lie in it; what the answer does not
 * count is not memory. A region beyond the range changes nothing: the next request names its part of it.
 * Invariant: pages are added only where nothing is, and every block that was is in balloon.added_blocks.
 */
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

/** balloon_added_forget() - the device goes, the memory stays; may sleep */
void balloon_added_forget(struct balloon *balloon)
{
	struct balloon_added *block, *next;

	list_for_each_entry_safe(block, next, &balloon->added_blocks, link) {
		list_del(&block->link);
		kfree(block);
	}
}

static u64 present_pages(void)
{
	u64 sum = 0;
	int node;

	for_each_online_node(node)
		sum += NODE_DATA(node)->node_present_pages;
	return sum;
}

static bool is_inside(struct balloon_run run, struct balloon_run region)
{
	return run.pfn >= region.pfn && run.pfn + run.pages <= region.pfn + region.pages;
}

static bool is_above_limit(const struct balloon *balloon, u64 pages)
{
	return balloon->page_count_max && present_pages() + pages > balloon->page_count_max;
}

/* What is wrong with it? REFUSALS: nothing. */
static enum balloon_refusal judge(struct balloon *balloon, const struct balloon_message *message)
{
	const struct balloon_run run = message->run;

	if (!balloon_hot_add)
		return REFUSED_ADD_OFF;
	if (!run.pages)
		return REFUSED_ADD_EMPTY;
	if (run.pfn + run.pages > balloon->ledger.page_limit)
		return REFUSED_ADD_BEYOND;
	if (message->region.pages && !is_inside(run, message->region))
		return REFUSED_ADD_REGION;
	if (region_intersects(PFN_PHYS(run.pfn), PFN_PHYS(run.pages), IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) != REGION_DISJOINT)
		return REFUSED_ADD_OVERLAP;
	if (is_above_limit(balloon, run.pages))
		return REFUSED_ADD_LIMIT;
	if (round_up(run.pfn, memory_block_pages()) + memory_block_pages() > run.pfn + run.pages)
		return REFUSED_ADD_BLOCK;
	return REFUSALS;
}

static int add_block(struct balloon *balloon, u64 pfn)
{
	const struct balloon_run run = { pfn, memory_block_pages() };
	struct balloon_added *block = kzalloc(sizeof(*block), GFP_KERNEL);
	int error = block ? page_set_prepare(&balloon->added, run, GFP_KERNEL) : -ENOMEM;

	if (error)
		goto free;
	block->pfn = pfn;
	block->node = memory_add_physaddr_to_nid(PFN_PHYS(pfn));
	error = memory_block_add(balloon, pfn, block->node);
	trace_balloon_block_added(pfn, run.pages, error);
	if (error)
		goto free;
	list_add_tail(&block->link, &balloon->added_blocks);
	page_set_add(&balloon->added, run);
	return 0;

free:
	kfree(block);
	return error;
}

/* Return: the pages that were added. */
static u64 add(struct balloon *balloon, struct balloon_run run)
{
	const u64 size = memory_block_pages(), end = run.pfn + run.pages;
	u64 pfn = round_up(run.pfn, size), sum = 0;
	int error = 0;

	for (; pfn + size <= end && !error && !balloon_is_gone(balloon); pfn += size) {
		error = add_block(balloon, pfn);
		if (!error)
			sum += size;
	}
	if (error == -EEXIST)
		balloon_refuse(balloon, REFUSED_ADD_OVERLAP, pfn - size, size);
	else if (error)
		dev_warn(&balloon->device->dev, "memory at 0x%llx was not added: error %d\n", (u64)PFN_PHYS(pfn - size), error);
	return sum;
}

/**
 * balloon_hot_add_pages() - the host adds memory
 * @balloon: the device
 * @message: a HOT_ADD_REQUEST
 *
 * The answer counts what was added and is online. None: the host may try again or elsewhere, but for REFUSED_ADD_OFF, which is for good.
 * The server's. May sleep.
 */
void balloon_hot_add_pages(struct balloon *balloon, const struct balloon_message *message)
{
	struct dm_hot_add_response response = { .header = { DM_HOT_ADD_RESPONSE, sizeof(response) } };
	enum balloon_refusal refusal = judge(balloon, message);
	u64 sum = 0;

	balloon->counters.hot_adds++;
	if (!balloon_enter(balloon, BALLOON_READY, BALLOON_ADDING))
		return;
	if (refusal == REFUSALS)
		sum = add(balloon, message->run);
	else
		balloon_refuse(balloon, refusal, message->run.pfn, message->run.pages);
	balloon->counters.added += sum;
	response.header.trans_id = atomic_inc_return(&balloon->trans_id);
	response.page_count = sum;
	response.result = sum || refusal == REFUSED_ADD_OFF;
	balloon_send(balloon, &response, sizeof(response));
	balloon_enter(balloon, BALLOON_ADDING, BALLOON_READY);
	balloon_status_soon(balloon);
}
