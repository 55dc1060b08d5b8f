// SPDX-License-Identifier: GPL-2.0
/*
 * Pages come back: because the host says so, because the guest is out of memory, or because the device goes.
 *
 * The protocol has no word for pages that the guest takes back. They leave its committed memory in the next report, and the ledger
 * remembers them, so that the host may give them back later as if nothing had happened.
 * Invariant: in bounded steps, each under the lock: a block is cut, the pages leave their state, and then they are freed.
 */
#include <linux/mm.h>

#include "internal.h"
#include "trace.h"

/* Take the first pages of @run, all in @state, out of it; the lock is held. Return: how many. */
static u64 take_out(struct balloon *balloon, struct balloon_run run, enum ledger_state state, bool remember)
{
	u64 pages = min_t(u64, run.pages, BALLOON_STEP_PAGES - (run.pfn & (BALLOON_STEP_PAGES - 1)));
	const struct balloon_run step = { run.pfn, pages };

	if (state != LEDGER_RETURNED) {
		balloon_block_cut(balloon, run.pfn);
		balloon_block_cut(balloon, run.pfn + pages);
	}
	if (remember)
		ledger_move(&balloon->ledger, step, state, LEDGER_RETURNED);
	else
		ledger_drop(&balloon->ledger, step);
	return pages;
}

/**
 * balloon_release() - the guest's pages again, without the host
 * @balloon: the device
 * @state: any but RETURNED
 * @run: those of them that are in that state
 *
 * May sleep.
 */
void balloon_release(struct balloon *balloon, enum ledger_state state, struct balloon_run run)
{
	const u64 end = run.pfn + run.pages;
	struct balloon_run next;
	u64 at = run.pfn;
	bool found;

	do {
		spin_lock(&balloon->lock);
		found = page_set_next(&balloon->ledger.in[state], at, end, &next) && !ledger_is_frozen(&balloon->ledger, next);
		if (found)
			next.pages = take_out(balloon, next, state, false);
		spin_unlock(&balloon->lock);
		if (found) {
			balloon_block_free(next);
			at = next.pfn + next.pages;
		} else if (at < end && balloon->ledger.frozen.pages && !balloon_thaw_wait(balloon)) {
			found = true;
		}
		cond_resched();
	} while (found);
}

/** balloon_release_all() - all that the host has, when it has closed the channel or is gone; may sleep */
void balloon_release_all(struct balloon *balloon)
{
	enum ledger_state state;

	for (state = LEDGER_TAKEN; state <= LEDGER_SETTLED; state++)
		balloon_release(balloon, state, (struct balloon_run){ 0, balloon->ledger.page_limit });
}

static enum balloon_refusal refusal_of(enum ledger_verdict verdict)
{
	switch (verdict) {
	case LEDGER_EMPTY:
		return REFUSED_RANGE_EMPTY;
	case LEDGER_BEYOND:
		return REFUSED_RANGE_BEYOND;
	case LEDGER_FROZEN:
		return REFUSED_RANGE_FROZEN;
	default:
		return REFUSED_RANGE_FOREIGN;
	}
}

static enum ledger_verdict judge(struct balloon *balloon, struct balloon_run run)
{
	enum ledger_verdict verdict;

	spin_lock(&balloon->lock);
	verdict = ledger_judge(&balloon->ledger, run);
	spin_unlock(&balloon->lock);
	return verdict;
}

/* One step of a range that was judged. Return: its pages; 0: what was there went offline meanwhile. */
static u64 deflate_step(struct balloon *balloon, struct balloon_run run)
{
	enum ledger_state state;

	spin_lock(&balloon->lock);
	run.pages = ledger_piece(&balloon->ledger, run, &state);
	if (ledger_is_frozen(&balloon->ledger, run))
		run.pages = 0;
	if (run.pages)
		run.pages = take_out(balloon, run, state, false);
	spin_unlock(&balloon->lock);
	if (state == LEDGER_RETURNED) {
		balloon->counters.fulfilled += run.pages;
	} else {
		balloon_block_free(run);
		balloon->counters.deflated += run.pages;
	}
	return run.pages;
}

static void deflate_range(struct balloon *balloon, struct balloon_run run)
{
	enum ledger_verdict verdict = judge(balloon, run);

	/* Where the block went offline its pages are RETURNED afterwards, else the host's as before. */
	if (verdict == LEDGER_FROZEN && !balloon_thaw_wait(balloon))
		verdict = judge(balloon, run);
	if (verdict != LEDGER_FINE)
		return balloon_refuse(balloon, refusal_of(verdict), run.pfn, run.pages);
	trace_balloon_deflated(run.pfn, run.pages);
	while (run.pages && !balloon_is_gone(balloon)) {
		u64 done = deflate_step(balloon, run);

		if (!done && (balloon_thaw_wait(balloon) || judge(balloon, run) != LEDGER_FINE))
			return balloon_refuse(balloon, REFUSED_RANGE_FROZEN, run.pfn, run.pages);
		run.pfn += done;
		run.pages -= done;
		cond_resched();
	}
}

/**
 * balloon_deflate() - the host gives pages back
 * @balloon: the device
 * @message: an UNBALLOON_REQUEST
 *
 * Ranges that it does not have are refused one by one. The last message of a transaction is answered. The server's. May sleep.
 */
void balloon_deflate(struct balloon *balloon, const struct balloon_message *message)
{
	struct dm_unballoon_response response = { .header = { DM_UNBALLOON_RESPONSE, sizeof(response) } };
	u32 i;

	balloon->counters.unballoons++;
	if (!balloon_enter(balloon, BALLOON_READY, BALLOON_DEFLATING))
		return;
	for (i = 0; i < message->range_count; i++)
		deflate_range(balloon, balloon_message_range(message, i));
	if (!message->more) {
		response.header.trans_id = atomic_inc_return(&balloon->trans_id);
		balloon_send(balloon, &response, sizeof(response));
	}
	balloon_enter(balloon, BALLOON_DEFLATING, BALLOON_READY);
}

/* Any page that can be had back now: first what the host does not know of. */
static bool find_to_surrender(struct balloon *balloon, struct balloon_run *run, enum ledger_state *state)
{
	struct ledger *ledger = &balloon->ledger;

	/* TOLD is no choice: the host may not have taken those pages away yet, and would do it when they are in use again. */
	static const enum ledger_state choice[] = { LEDGER_TAKEN, LEDGER_AGAIN, LEDGER_SETTLED };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(choice); i++) {
		u64 at = 0;

		while (page_set_next(&ledger->in[choice[i]], at, ledger->page_limit, run)) {
			*state = choice[i];
			if (!ledger_is_frozen(ledger, *run))
				return true;
			at = run->pfn + run->pages;
		}
	}
	return false;
}

/**
 * balloon_surrender() - take pages back from the host, because there is no memory
 * @balloon: the device
 * @pages: about so many
 *
 * Process context, also that of who wants memory: it needs none and waits for nothing. Return: how many were freed.
 */
u64 balloon_surrender(struct balloon *balloon, u64 pages)
{
	enum ledger_state state;
	struct balloon_run run;
	u64 sum = 0;
	bool found;

	WRITE_ONCE(balloon->hurry, true);
	do {
		spin_lock(&balloon->lock);
		found = find_to_surrender(balloon, &run, &state);
		if (found) {
			run.pages = take_out(balloon, run, state, state != LEDGER_TAKEN);
			balloon->counters.surrendered += run.pages;
		}
		spin_unlock(&balloon->lock);
		if (found) {
			balloon_block_free(run);
			sum += run.pages;
		}
	} while (found && sum < pages);
	trace_balloon_surrendered(sum);
	return sum;
}
