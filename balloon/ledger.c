// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger: which pages the host has. It says what the host may give back, and what the guest may take back when it runs out of memory.
 * Pure logic: it knows page numbers, not pages; the caller holds a lock, all but ledger_prepare().
 * Invariant: a page is in one state at most, and nothing but ledger_prepare() needs memory, so pages can leave when there is none.
 */
#include <linux/kernel.h>

#include "ledger.h"

/** ledger_init() - an empty one, for page numbers below @page_limit; any context */
void ledger_init(struct ledger *ledger, u64 page_limit)
{
	int i;

	for (i = 0; i < LEDGER_STATES; i++)
		page_set_init(&ledger->in[i]);
	ledger->page_limit = page_limit;
	ledger->frozen = (struct balloon_run){};
}

/** ledger_destroy() - give back its own memory; may sleep */
void ledger_destroy(struct ledger *ledger)
{
	int i;

	for (i = 0; i < LEDGER_STATES; i++)
		page_set_destroy(&ledger->in[i]);
}

/**
 * ledger_prepare() - have memory for these pages, in whatever state they will be
 * @ledger: others may use it meanwhile
 * @run: below page_limit
 * @flags: GFP_*
 *
 * One caller at a time. Context: as @flags says. Return: 0 or -ENOMEM.
 */
int ledger_prepare(struct ledger *ledger, struct balloon_run run, gfp_t flags)
{
	int i, error = 0;

	for (i = 0; i < LEDGER_STATES && !error; i++)
		error = page_set_prepare(&ledger->in[i], run, flags);
	return error;
}

/** ledger_take() - the guest's own pages, prepared for, are allocated for the host, some of them AGAIN; any context */
void ledger_take(struct ledger *ledger, struct balloon_run run)
{
	const u64 end = run.pfn + run.pages;
	struct balloon_run again;
	u64 at;

	page_set_add(&ledger->in[LEDGER_TAKEN], run);
	for (at = run.pfn; page_set_next(&ledger->in[LEDGER_RETURNED], at, end, &again); at = again.pfn + again.pages) {
		page_set_remove(&ledger->in[LEDGER_TAKEN], again);
		ledger_move(ledger, again, LEDGER_RETURNED, LEDGER_AGAIN);
	}
}

/**
 * ledger_move() - pages pass from one state to another
 * @ledger: the ledger
 * @run: all of it in @from, as ledger_piece() or page_set_next() said
 * @from: the old state
 * @to: the new one
 *
 * Any context. Return: how many pages.
 */
u64 ledger_move(struct ledger *ledger, struct balloon_run run, enum ledger_state from, enum ledger_state to)
{
	u64 moved = page_set_remove(&ledger->in[from], run);

	page_set_add(&ledger->in[to], run);
	return moved;
}

/** ledger_settle() - the host has acted on all that it was told; any context */
void ledger_settle(struct ledger *ledger)
{
	page_set_pour(&ledger->in[LEDGER_TOLD], &ledger->in[LEDGER_SETTLED]);
}

/** ledger_drop() - these pages are the guest's own business again, whatever their state was; any context */
void ledger_drop(struct ledger *ledger, struct balloon_run run)
{
	int i;

	for (i = 0; i < LEDGER_STATES; i++)
		page_set_remove(&ledger->in[i], run);
}

/**
 * ledger_piece() - how far one state goes
 * @ledger: the ledger
 * @run: where to look; not empty
 * @state: set to that of its first page: TOLD, SETTLED or RETURNED, which the host believes to have
 *
 * Any context. Return: how many pages from the first one on are in that state; 0: the first one is in none of them.
 */
u64 ledger_piece(struct ledger *ledger, struct balloon_run run, enum ledger_state *state)
{
	for (*state = LEDGER_TOLD; *state < LEDGER_STATES; (*state)++) {
		if (page_set_has(&ledger->in[*state], run.pfn))
			return page_set_first_gap(&ledger->in[*state], run);
	}
	return 0;
}

/* Sums that wrap reach beyond, too. */
static bool is_beyond(const struct ledger *ledger, struct balloon_run run)
{
	return run.pfn >= ledger->page_limit || run.pages > ledger->page_limit - run.pfn;
}

/** ledger_is_frozen() - does this run touch pages that nobody may free now? Any context. */
bool ledger_is_frozen(const struct ledger *ledger, struct balloon_run run)
{
	return run.pfn < ledger->frozen.pfn + ledger->frozen.pages && run.pfn + run.pages > ledger->frozen.pfn;
}

/**
 * ledger_judge() - may the host give back this range?
 * @ledger: the ledger
 * @run: as the host named it
 *
 * All of it or nothing: a host that names one page too many is not believed the rest. Any context. Return: a verdict.
 */
enum ledger_verdict ledger_judge(struct ledger *ledger, struct balloon_run run)
{
	struct balloon_run left = run;
	enum ledger_state state;

	if (!run.pages)
		return LEDGER_EMPTY;
	if (is_beyond(ledger, run))
		return LEDGER_BEYOND;
	while (left.pages) {
		u64 piece = ledger_piece(ledger, left, &state);

		if (!piece)
			return LEDGER_FOREIGN;
		left.pfn += piece;
		left.pages -= piece;
	}
	return ledger_is_frozen(ledger, run) ? LEDGER_FROZEN : LEDGER_FINE;
}

/** ledger_held() - how many pages the guest does without; any context */
u64 ledger_held(const struct ledger *ledger)
{
	enum ledger_state state;
	u64 sum = 0;

	for (state = LEDGER_TAKEN; state <= LEDGER_SETTLED; state++)
		sum += ledger->in[state].count;
	return sum;
}

/** ledger_holds() - does the guest do without this page? Any context. */
bool ledger_holds(struct ledger *ledger, u64 pfn)
{
	enum ledger_state state;

	for (state = LEDGER_TAKEN; state <= LEDGER_SETTLED; state++) {
		if (page_set_has(&ledger->in[state], pfn))
			return true;
	}
	return false;
}
