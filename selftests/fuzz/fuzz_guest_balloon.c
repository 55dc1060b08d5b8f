// SPDX-License-Identifier: GPL-2.0
// links: balloon/message.c balloon/answer.c balloon/ledger.c balloon/page_set.c
/*
 * What the guest's driver of dynamic memory believes of a host that says anything: the gate, and the ledger behind it. Each message lies in
 * an exact allocation; the ledger is compared with one byte for each page.
 * Properties: what passes the gate lies in the packet; the host gets pages by answers only and gives back what it has, each page once;
 * nothing that is on its way offline moves; an answer names the pages that were taken, all of them and in order.
 */
#include <stdlib.h>
#include <string.h>

#include "balloon/answer.h"
#include "balloon/ledger.h"
#include "balloon/message.h"

#include "tape.h"

/* Page numbers around the edge of two chunks. */
#define BASE (PAGE_SET_CHUNK_PAGES - 128ull)
#define PAGES 256u
#define RUN(pfn, count) ((struct balloon_run){ pfn, count })

static u8 model[PAGES];

static struct balloon_run some_run(struct tape *tape)
{
	u32 at = tape_below(tape, PAGES), count = 1 + tape_below(tape, PAGES - at);

	return RUN(BASE + at, count);
}

static void set(struct balloon_run run, u8 from, u8 to)
{
	for (u64 i = run.pfn - BASE; i < run.pfn - BASE + run.pages; i++)
		model[i] = model[i] == from ? to : model[i];
}

static void check_counts(struct ledger *ledger)
{
	u64 counts[LEDGER_STATES + 1] = {};

	for (u32 i = 0; i < PAGES; i++)
		counts[model[i]]++;
	for (int state = 0; state < LEDGER_STATES; state++)
		MUST(ledger->in[state].count == counts[state + 1]);
}

/* The allocator gives pages that are nobody's, or that the guest took back. */
static void take(struct ledger *ledger, struct tape *tape)
{
	struct balloon_run run = some_run(tape);

	for (u64 i = run.pfn; i < run.pfn + run.pages; i++) {
		if (model[i - BASE] == 0 || model[i - BASE] == LEDGER_RETURNED + 1) {
			ledger_take(ledger, RUN(i, 1));
			model[i - BASE] = (model[i - BASE] ? LEDGER_AGAIN : LEDGER_TAKEN) + 1;
		}
	}
}

static void name(struct ledger *ledger, struct balloon_answer *answer, enum ledger_state from)
{
	struct page_set *taken = &ledger->in[from];
	u64 pages = answer->pages + taken->count, at = 0;
	u32 first = answer->ranges;
	struct balloon_run run;

	while (page_set_next(taken, at, ledger->page_limit, &run)) {
		MUST(run.pfn >= at && balloon_answer_add(answer, run) == run.pages);
		MUST(ledger_move(ledger, run, from, LEDGER_TOLD) == run.pages);
		at = run.pfn + run.pages;
	}
	MUST(!taken->count && answer->pages == pages);
	for (u32 i = first; i < answer->ranges; i++)
		set(balloon_answer_range(answer, i), from + 1, LEDGER_TOLD + 1);
}

static void tell(struct ledger *ledger)
{
	static struct balloon_answer answer;

	balloon_answer_begin(&answer, DM_BALLOON_RESPONSE);
	name(ledger, &answer, LEDGER_TAKEN);
	name(ledger, &answer, LEDGER_AGAIN);
	MUST(balloon_answer_end(&answer, 1, 0, false) == 16 + 8 * answer.ranges);
}

static void surrender(struct ledger *ledger, struct tape *tape)
{
	struct balloon_run run;

	if (!page_set_next(&ledger->in[LEDGER_SETTLED], BASE + tape_below(tape, PAGES), ledger->page_limit, &run))
		return;
	run.pages = 1 + tape_below(tape, run.pages);
	ledger_move(ledger, run, LEDGER_SETTLED, LEDGER_RETURNED);
	set(run, LEDGER_SETTLED + 1, LEDGER_RETURNED + 1);
}

/* As deflate.c does it. */
static void give_back(struct ledger *ledger, struct balloon_run run)
{
	enum ledger_verdict verdict = ledger_judge(ledger, run);
	enum ledger_state state;
	u64 piece;

	if (verdict != LEDGER_FINE)
		return;
	MUST(run.pages && run.pfn >= BASE && run.pfn + run.pages <= BASE + PAGES);
	MUST(!ledger_is_frozen(ledger, run));
	for (; run.pages; run.pfn += piece, run.pages -= piece) {
		piece = ledger_piece(ledger, run, &state);
		MUST(piece && piece <= run.pages && state >= LEDGER_TOLD && state < LEDGER_STATES);
		for (u64 i = 0; i < piece; i++)
			MUST(model[run.pfn - BASE + i] == state + 1);
		ledger_drop(ledger, RUN(run.pfn, piece));
		set(RUN(run.pfn, piece), state + 1, 0);
	}
}

/* A message of any type, mostly well formed, with lies; ranges mostly near what is there. */
static void hear(struct ledger *ledger, struct tape *tape)
{
	static const u16 types[] = { DM_UNBALLOON_REQUEST, DM_UNBALLOON_REQUEST, DM_BALLOON_REQUEST, DM_HOT_ADD_REQUEST, DM_INFO,
				     DM_HOT_REMOVE_REQUEST, DM_VERSION_RESPONSE, DM_CAPS_RESPONSE };
	u32 ranges = tape_below(tape, 8), bytes = 16 + 8 * ranges + 8 * tape_below(tape, 2);
	struct dm_unballoon_request request = {
		.header = { tape_lie(tape, types[tape_below(tape, 8)]), tape_lie(tape, bytes), 1 }, .flags = tape_u8(tape),
		.range_count = tape_lie(tape, ranges),
	};
	u8 *payload = calloc(1, bytes);
	struct balloon_message message;

	memcpy(payload, &request, sizeof(request));
	for (u32 i = 0; i < ranges; i++) {
		struct balloon_run run = some_run(tape);
		u64 range = DM_RANGE(tape_lie(tape, run.pfn), tape_lie(tape, run.pages));

		memcpy(payload + 16 + 8 * i, &range, sizeof(range));
	}
	/* Sometimes shorter than it says. */
	bytes = tape_u8(tape) % 8 ? bytes : tape_below(tape, bytes + 1);
	payload = realloc(payload, bytes ? bytes : 1);
	if (balloon_message_check(&message, payload, bytes) == BALLOON_FINE && message.type == DM_UNBALLOON_REQUEST) {
		MUST(message.range_count <= (bytes - 16) / 8);
		for (u32 i = 0; i < message.range_count; i++)
			give_back(ledger, balloon_message_range(&message, i));
	}
	free(payload);
}

static void step(struct ledger *ledger, struct tape *tape)
{
	switch (tape_below(tape, 8)) {
	case 0:
	case 1:
		take(ledger, tape);
		break;
	case 2:
		tell(ledger);
		break;
	case 3:
		ledger_settle(ledger);
		set(RUN(BASE, PAGES), LEDGER_TOLD + 1, LEDGER_SETTLED + 1);
		break;
	case 4:
		surrender(ledger, tape);
		break;
	case 5:
		ledger->frozen = tape_u8(tape) % 2 ? some_run(tape) : RUN(0, 0);
		break;
	default:
		hear(ledger, tape);
	}
	check_counts(ledger);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { .at = data, .left = bytes };
	struct ledger ledger;

	memset(model, 0, sizeof(model));
	ledger_init(&ledger, BASE + PAGES);
	MUST(!ledger_prepare(&ledger, RUN(BASE, PAGES), 0));
	while (tape_more(&tape))
		step(&ledger, &tape);
	ledger_destroy(&ledger);
	return 0;
}
