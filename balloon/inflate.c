// SPDX-License-Identifier: GPL-2.0
/*
 * The host asks for pages: how many can be spared, where they come from, and how it is told of them.
 *
 * Largest blocks first, as the allocator has them; then pageblocks that are emptied (gather.c); only then smaller ones. All is told at the
 * end, or each second, in order of page number, so neighbours become one range and a request needs few messages.
 * Invariant: nothing here waits for memory or makes the allocator kill for it, and what the host was not told is not its.
 */
#include <linux/mm.h>
#include <linux/pageblock-flags.h>

#include "internal.h"
#include "trace.h"

#define NO_PUSHING (__GFP_NOWARN | __GFP_NOMEMALLOC | __GFP_NORETRY)

/*
 * Whole pageblocks come from those of movable pages, as their type then stays what it is; hot-added memory is among them, see
 * balloon_block_hold(). Where there is CMA, movable means that, too.
 */
#define LARGE_GFP (((IS_ENABLED(CONFIG_CMA) ? GFP_HIGHUSER : GFP_HIGHUSER_MOVABLE) & ~__GFP_RECLAIM) | NO_PUSHING)
/* Smaller blocks do not move, so they stay with what does not. */
#define MIDDLE_GFP ((GFP_HIGHUSER & ~__GFP_RECLAIM) | NO_PUSHING)
/* The last resort drops page cache, too: that counts as available. */
#define SMALL_GFP (GFP_HIGHUSER | NO_PUSHING)

/* How often to see whether the guest still has more than its floor. */
#define LOOK_PAGES 4096u

static u64 spare(const struct balloon *balloon)
{
	return balloon_spare(max(si_mem_available(), 0l), totalram_pages(), balloon_fixed_floor());
}

static void undo_answer(struct balloon *balloon)
{
	struct balloon_run run;
	u32 i;

	balloon->counters.send_failed++;
	for (i = 0; i < balloon->answer.ranges; i++) {
		run = balloon_answer_range(&balloon->answer, i);
		balloon_release(balloon, LEDGER_TOLD, run);
	}
}

/* Move pages that are in @from into the answer, lowest first, while there is room. */
static void fill_from(struct balloon *balloon, enum ledger_state from)
{
	struct balloon_run run;
	u64 at = 0, named;

	while (page_set_next(&balloon->ledger.in[from], at, balloon->ledger.page_limit, &run)) {
		named = balloon_answer_add(&balloon->answer, run);
		ledger_move(&balloon->ledger, (struct balloon_run){ run.pfn, named }, from, LEDGER_TOLD);
		at = run.pfn + named;
		if (named < run.pages)
			return;
	}
}

/* Return: whether there is more to tell. */
static bool fill_answer(struct balloon *balloon)
{
	const struct page_set *in = balloon->ledger.in;
	bool more;

	balloon_answer_begin(&balloon->answer, DM_BALLOON_RESPONSE);
	spin_lock(&balloon->lock);
	fill_from(balloon, LEDGER_TAKEN);
	fill_from(balloon, LEDGER_AGAIN);
	more = in[LEDGER_TAKEN].count || in[LEDGER_AGAIN].count;
	spin_unlock(&balloon->lock);
	return more;
}

static void forget_untold(struct balloon *balloon)
{
	const struct balloon_run all = { 0, balloon->ledger.page_limit };

	undo_answer(balloon);
	balloon_release(balloon, LEDGER_TAKEN, all);
	balloon_release(balloon, LEDGER_AGAIN, all);
}

/* Tell the host of all that was taken; @more: the request goes on. Return: 0; negative errno: what it does not know of was freed. */
static int tell(struct balloon *balloon, bool more)
{
	struct balloon_answer *answer = &balloon->answer;
	bool left;
	int error;

	do {
		left = fill_answer(balloon);
		error = balloon_send(balloon, answer->bytes,
				     balloon_answer_end(answer, atomic_inc_return(&balloon->trans_id), 0, more || left));
		WRITE_ONCE(balloon->told_at, jiffies);
		balloon->tell_due = jiffies + msecs_to_jiffies(BALLOON_TELL_MS);
		if (error) {
			WRITE_ONCE(balloon->hurry, true);
			forget_untold(balloon);
			return error;
		}
		balloon->counters.messages++;
		balloon->counters.ranges += answer->ranges;
		trace_balloon_told(answer->pages, answer->ranges, more || left);
	} while (left);
	return 0;
}

/**
 * balloon_tell_due() - the host is told of a part, if that is large, or if it has heard nothing for a while
 * @balloon: it is INFLATING
 *
 * A host gives up on a guest that is silent, however busy it is emptying memory. The server's. May sleep. Return: false: nothing can be sent.
 */
bool balloon_tell_due(struct balloon *balloon)
{
	u64 taken = balloon->ledger.in[LEDGER_TAKEN].count;

	if (!taken || (taken < BALLOON_TELL_PAGES && time_before(jiffies, balloon->tell_due)))
		return true;
	return !tell(balloon, true);
}

static bool go_on(struct balloon *balloon)
{
	return !READ_ONCE(balloon->hurry) && !balloon_is_gone(balloon);
}

static void count(struct balloon_counters *counters, unsigned int order)
{
	if (order >= pageblock_order)
		counters->blocks_large++;
	else if (order)
		counters->blocks_middle++;
	else
		counters->blocks_small++;
}

/* Blocks of one order, until @pages have come, there are none, or the guest has no more to spare. Return: the pages. */
static u64 take_order(struct balloon *balloon, unsigned int order, u64 pages)
{
	gfp_t flags = order >= pageblock_order ? LARGE_GFP : order ? MIDDLE_GFP : SMALL_GFP;
	u64 sum = 0, looked = 0, got;

	while (pages - sum >= 1ull << order && go_on(balloon)) {
		got = balloon_block_take(balloon, order, flags);
		if (!got)
			break;
		sum += got;
		count(&balloon->counters, order);
		if (!balloon_tell_due(balloon))
			break;
		if (sum - looked >= LOOK_PAGES) {
			looked = sum;
			if (!spare(balloon))
				break;
			cond_resched();
		}
	}
	return sum;
}

/* Return: how many pages were taken. */
static u64 take(struct balloon *balloon, u64 pages)
{
	u64 sum = 0;
	int order;

	for (order = COMPAT_ORDER_MAX; order >= (int)pageblock_order; order--)
		sum += take_order(balloon, order, pages - sum);
	if (pages - sum >= pageblock_nr_pages && go_on(balloon))
		sum += balloon_gather(balloon, pages - sum);
	for (; order >= 0; order--)
		sum += take_order(balloon, order, pages - sum);
	return sum;
}

static const char *why_fewer(struct balloon *balloon, u64 sum, u64 spared)
{
	if (!go_on(balloon))
		return "it was interrupted";
	return sum < spared ? "there are no more to allocate" : "the others are the guest's floor";
}

/**
 * balloon_inflate() - the host asks for pages
 * @balloon: the device
 * @pages: how many
 *
 * Fewer are given if the guest would come below its floor, or runs out of memory meanwhile. The server's. May sleep.
 */
void balloon_inflate(struct balloon *balloon, u32 pages)
{
	struct balloon_counters *counters = &balloon->counters;
	u64 spared = balloon_balloon ? min_t(u64, pages, spare(balloon)) : 0, sum;

	counters->requests++;
	counters->asked += pages;
	if (!balloon_balloon)
		balloon_refuse(balloon, REFUSED_BALLOON_OFF, 0, pages);
	if (!balloon_enter(balloon, BALLOON_READY, BALLOON_INFLATING))
		return;
	WRITE_ONCE(balloon->hurry, false);
	balloon->tell_due = jiffies + msecs_to_jiffies(BALLOON_TELL_MS);
	sum = take(balloon, spared);
	counters->inflated += sum;
	if (sum < pages) {
		counters->partly++;
		dev_info_ratelimited(&balloon->device->dev, "the host asks for %u pages and gets %llu: %s\n", pages, sum,
				     why_fewer(balloon, sum, spared));
	}
	tell(balloon, false);
	balloon_enter(balloon, BALLOON_INFLATING, BALLOON_READY);
	/* What was committed did not change by this; a host that got less than it asked for wants to know how things are. */
	if (sum < pages)
		balloon_status_soon(balloon);
}
