/* SPDX-License-Identifier: GPL-2.0 */
/* Which pages the host has, and since when: ledger.c. */
#ifndef HVIS_BALLOON_LEDGER_H
#define HVIS_BALLOON_LEDGER_H

#include "page_set.h"

/**
 * enum ledger_state - where a page of the ledger stands
 * @LEDGER_TAKEN: allocated, and the host does not know yet
 * @LEDGER_AGAIN: likewise, but the host believes to have it already: it was RETURNED. To be told of in ranges of their own, so that a
 *	host which refuses them refuses nothing else, and both agree
 * @LEDGER_TOLD: in an answer that the host may not have acted on yet: it may still take the page away, whoever uses it
 * @LEDGER_SETTLED: the host's
 * @LEDGER_RETURNED: the host's in its own view, but the guest took it back: protocol has no word for that
 * @LEDGER_STATES: how many there are; a page in none of them is not in the ledger
 */
enum ledger_state {
	LEDGER_TAKEN,
	LEDGER_AGAIN,
	LEDGER_TOLD,
	LEDGER_SETTLED,
	LEDGER_RETURNED,
	LEDGER_STATES,
};

/**
 * enum ledger_verdict - may the host give this range back?
 * @LEDGER_FINE: the host has all of it
 * @LEDGER_EMPTY: it has no pages
 * @LEDGER_BEYOND: it reaches beyond what the guest's memory can be
 * @LEDGER_FOREIGN: a page in it was not given to the host, or was given back before
 * @LEDGER_FROZEN: yes, but its memory block is being taken offline: later
 */
enum ledger_verdict {
	LEDGER_FINE,
	LEDGER_EMPTY,
	LEDGER_BEYOND,
	LEDGER_FOREIGN,
	LEDGER_FROZEN,
};

/**
 * struct ledger - all pages that were given to the host or are about to be
 * @in: of each state; no page is in two
 * @page_limit: no page of the guest has this number or a higher one
 * @frozen: pages that keep their state, and that nobody frees, while their memory block is being taken offline
 */
struct ledger {
	struct page_set in[LEDGER_STATES];
	u64 page_limit;
	struct balloon_run frozen;
};

void ledger_init(struct ledger *ledger, u64 page_limit);
void ledger_destroy(struct ledger *ledger);
int ledger_prepare(struct ledger *ledger, struct balloon_run run, gfp_t flags);
void ledger_take(struct ledger *ledger, struct balloon_run run);
u64 ledger_move(struct ledger *ledger, struct balloon_run run, enum ledger_state from, enum ledger_state to);
void ledger_settle(struct ledger *ledger);
void ledger_drop(struct ledger *ledger, struct balloon_run run);
u64 ledger_piece(struct ledger *ledger, struct balloon_run run, enum ledger_state *state);
enum ledger_verdict ledger_judge(struct ledger *ledger, struct balloon_run run);
bool ledger_is_frozen(const struct ledger *ledger, struct balloon_run run);
u64 ledger_held(const struct ledger *ledger);
bool ledger_holds(struct ledger *ledger, u64 pfn);

#endif
