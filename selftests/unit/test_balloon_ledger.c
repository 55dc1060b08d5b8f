// SPDX-License-Identifier: GPL-2.0
// links: balloon/ledger.c balloon/page_set.c
/*
 * The ledger of what the host has: only that comes back, exactly once. The guest's real sources, compiled here. The property test compares
 * it with the plainest thing that can be right: one byte for each page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balloon/ledger.h"

#define LIMIT (4ull * PAGE_SET_CHUNK_PAGES)
#define RUN(pfn, pages) ((struct balloon_run){ pfn, pages })

static struct ledger ledger;

static int setup(void **state)
{
	(void)state;
	ledger_init(&ledger, LIMIT);
	return ledger_prepare(&ledger, RUN(0, LIMIT), 0);
}

static int teardown(void **state)
{
	(void)state;
	ledger_destroy(&ledger);
	return 0;
}

/* The host has them, and has acted on it. */
static void give(u64 pfn, u64 pages)
{
	ledger_take(&ledger, RUN(pfn, pages));
	ledger_move(&ledger, RUN(pfn, pages), LEDGER_TAKEN, LEDGER_TOLD);
	ledger_settle(&ledger);
}

static void only_what_was_given_may_come_back(void **state)
{
	(void)state;
	assert_int_equal(ledger_judge(&ledger, RUN(100, 1)), LEDGER_FOREIGN);
	give(100, 50);
	assert_int_equal(ledger_judge(&ledger, RUN(100, 50)), LEDGER_FINE);
	assert_int_equal(ledger_judge(&ledger, RUN(120, 7)), LEDGER_FINE);
	assert_int_equal(ledger_judge(&ledger, RUN(99, 2)), LEDGER_FOREIGN);
	assert_int_equal(ledger_judge(&ledger, RUN(149, 2)), LEDGER_FOREIGN);
	ledger_drop(&ledger, RUN(120, 7));
	assert_int_equal(ledger_judge(&ledger, RUN(120, 7)), LEDGER_FOREIGN);
	assert_int_equal(ledger_judge(&ledger, RUN(100, 50)), LEDGER_FOREIGN);
	assert_int_equal(ledger_judge(&ledger, RUN(100, 20)), LEDGER_FINE);
	assert_int_equal(ledger_held(&ledger), 43);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	give(LIMIT - 10, 10);
	assert_int_equal(ledger_judge(&ledger, RUN(LIMIT - 10, 0)), LEDGER_EMPTY);
	assert_int_equal(ledger_judge(&ledger, RUN(LIMIT - 10, 10)), LEDGER_FINE);
	assert_int_equal(ledger_judge(&ledger, RUN(LIMIT - 10, 11)), LEDGER_BEYOND);
	assert_int_equal(ledger_judge(&ledger, RUN(LIMIT, 1)), LEDGER_BEYOND);
	assert_int_equal(ledger_judge(&ledger, RUN(~0ull, 2)), LEDGER_BEYOND);
	assert_int_equal(ledger_judge(&ledger, RUN(5, ~0ull)), LEDGER_BEYOND);
}

static void what_the_host_does_not_know_is_not_its(void **state)
{
	(void)state;
	ledger_take(&ledger, RUN(10, 4));
	assert_int_equal(ledger_judge(&ledger, RUN(10, 4)), LEDGER_FOREIGN);
	assert_int_equal(ledger_held(&ledger), 4);
	assert_int_equal(ledger_move(&ledger, RUN(10, 4), LEDGER_TAKEN, LEDGER_TOLD), 4);
	assert_int_equal(ledger_judge(&ledger, RUN(10, 4)), LEDGER_FINE);
}

/* The guest took pages back: the host may still give them back, once; and they may become the host's again. */
static void what_the_guest_took_back_may_be_given_back(void **state)
{
	enum ledger_state where;

	(void)state;
	give(1000, 100);
	ledger_move(&ledger, RUN(1040, 10), LEDGER_SETTLED, LEDGER_RETURNED);
	assert_int_equal(ledger_held(&ledger), 90);
	assert_int_equal(ledger_judge(&ledger, RUN(1000, 100)), LEDGER_FINE);
	assert_int_equal(ledger_piece(&ledger, RUN(1000, 100), &where), 40);
	assert_int_equal(where, LEDGER_SETTLED);
	assert_int_equal(ledger_piece(&ledger, RUN(1040, 60), &where), 10);
	assert_int_equal(where, LEDGER_RETURNED);
	ledger_take(&ledger, RUN(1040, 5));
	assert_int_equal(ledger_judge(&ledger, RUN(1040, 5)), LEDGER_FOREIGN);
	assert_int_equal(ledger.in[LEDGER_AGAIN].count, 5);
	assert_int_equal(ledger.in[LEDGER_TAKEN].count, 0);
	ledger_drop(&ledger, RUN(1045, 5));
	assert_int_equal(ledger_judge(&ledger, RUN(1045, 5)), LEDGER_FOREIGN);
	assert_int_equal(ledger.in[LEDGER_RETURNED].count, 0);
}

static void what_goes_offline_stands_still(void **state)
{
	(void)state;
	give(0, 1000);
	ledger.frozen = RUN(500, 100);
	assert_int_equal(ledger_judge(&ledger, RUN(0, 500)), LEDGER_FINE);
	assert_int_equal(ledger_judge(&ledger, RUN(0, 501)), LEDGER_FROZEN);
	assert_int_equal(ledger_judge(&ledger, RUN(599, 1)), LEDGER_FROZEN);
	assert_int_equal(ledger_judge(&ledger, RUN(600, 1)), LEDGER_FINE);
	ledger.frozen = RUN(0, 0);
	assert_int_equal(ledger_judge(&ledger, RUN(0, 1000)), LEDGER_FINE);
}

static void neighbours_are_one_range(void **state)
{
	const u64 edge = PAGE_SET_CHUNK_PAGES;
	struct page_set *set = &ledger.in[LEDGER_TAKEN];
	struct balloon_run run;

	(void)state;
	ledger_take(&ledger, RUN(edge, 8));
	ledger_take(&ledger, RUN(edge - 8, 8));
	ledger_take(&ledger, RUN(3, 1));
	ledger_take(&ledger, RUN(edge + 8, 2 * edge));
	assert_true(page_set_next(set, 0, LIMIT, &run));
	assert_int_equal(run.pfn, 3);
	assert_int_equal(run.pages, 1);
	assert_true(page_set_next(set, 4, LIMIT, &run));
	assert_int_equal(run.pfn, edge - 8);
	assert_int_equal(run.pages, 16 + 2 * edge);
	assert_false(page_set_next(set, 3 * edge + 8, LIMIT, &run));
	assert_true(page_set_next(set, edge, edge + 2, &run));
	assert_int_equal(run.pages, 2);
	assert_false(page_set_next(set, edge, edge, &run));
}

static void no_memory_is_needed_twice(void **state)
{
	struct page_set set;

	(void)state;
	page_set_init(&set);
	assert_false(page_set_has(&set, 5));
	assert_int_equal(page_set_remove(&set, RUN(0, LIMIT)), 0);
	assert_int_equal(page_set_prepare(&set, RUN(PAGE_SET_CHUNK_PAGES - 1, 2), 0), 0);
	assert_int_equal(set.chunks.count, 2);
	assert_int_equal(page_set_prepare(&set, RUN(0, 2 * PAGE_SET_CHUNK_PAGES), 0), 0);
	assert_int_equal(set.chunks.count, 2);
	assert_int_equal(page_set_prepare(&set, RUN(7, 0), 0), 0);
	page_set_destroy(&set);
}

/* One byte for each page: 0 not in the ledger, else its state plus one. */
static u8 model[LIMIT];
static u64 seed = 88172645463325252ull;

static u64 next_random(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* A block that was partly RETURNED is the host's in part already. */
static void a_block_may_be_known_in_part(void **state)
{
	(void)state;
	give(64, 8);
	ledger_move(&ledger, RUN(64, 8), LEDGER_SETTLED, LEDGER_RETURNED);
	ledger_take(&ledger, RUN(60, 16));
	assert_int_equal(ledger.in[LEDGER_TAKEN].count, 8);
	assert_int_equal(ledger.in[LEDGER_AGAIN].count, 8);
	assert_int_equal(ledger.in[LEDGER_RETURNED].count, 0);
	assert_true(page_set_has(&ledger.in[LEDGER_TAKEN], 63) && page_set_has(&ledger.in[LEDGER_AGAIN], 64));
	assert_true(page_set_has(&ledger.in[LEDGER_AGAIN], 71) && page_set_has(&ledger.in[LEDGER_TAKEN], 72));
	assert_int_equal(ledger_held(&ledger), 16);
}

/* Anywhere, but often at the edges of chunks and of what is there already. */
static struct balloon_run some_run(void)
{
	u64 pfn = next_random(2) ? next_random(LIMIT) : next_random(4) * PAGE_SET_CHUNK_PAGES + next_random(64), pages;

	while (next_random(4) && pfn && model[pfn] == model[pfn - 1] && next_random(16))
		pfn--;
	pages = 1 + next_random(next_random(8) ? 200 : 2 * PAGE_SET_CHUNK_PAGES);
	return RUN(pfn, pages < LIMIT - pfn ? pages : LIMIT - pfn);
}

/* The longest part of @run from its beginning on that is in one state. */
static struct balloon_run same(struct balloon_run run)
{
	u64 pages = 1;

	while (pages < run.pages && model[run.pfn + pages] == model[run.pfn])
		pages++;
	return RUN(run.pfn, pages);
}

static enum ledger_verdict model_judge(struct balloon_run run)
{
	u64 i;

	for (i = 0; i < run.pages; i++) {
		if (model[run.pfn + i] <= LEDGER_AGAIN + 1)
			return LEDGER_FOREIGN;
	}
	return LEDGER_FINE;
}

static void model_set(struct balloon_run run, u8 value)
{
	memset(model + run.pfn, value, run.pages);
}

static void change_both(struct balloon_run run)
{
	u64 i;

	run = same(run);
	switch (model[run.pfn]) {
	case 0:
	case LEDGER_RETURNED + 1:
		if (next_random(3)) {
			ledger_take(&ledger, run);
			model_set(run, model[run.pfn] ? LEDGER_AGAIN + 1 : LEDGER_TAKEN + 1);
		} else {
			ledger_drop(&ledger, run);
			model_set(run, 0);
		}
		return;
	case LEDGER_TAKEN + 1:
	case LEDGER_AGAIN + 1:
		assert_int_equal(ledger_move(&ledger, run, model[run.pfn] - 1, LEDGER_TOLD), run.pages);
		model_set(run, LEDGER_TOLD + 1);
		return;
	case LEDGER_TOLD + 1:
		if (next_random(2)) {
			ledger_settle(&ledger);
			for (i = 0; i < LIMIT; i++)
				model[i] = model[i] == LEDGER_TOLD + 1 ? LEDGER_SETTLED + 1 : model[i];
			return;
		}
		break;
	default:
		if (next_random(2)) {
			assert_int_equal(ledger_move(&ledger, run, LEDGER_SETTLED, LEDGER_RETURNED), run.pages);
			model_set(run, LEDGER_RETURNED + 1);
			return;
		}
	}
	ledger_drop(&ledger, run);
	model_set(run, 0);
}

static void compare(struct balloon_run run)
{
	enum ledger_state where;
	u64 piece;

	assert_int_equal(ledger_judge(&ledger, run), model_judge(run));
	piece = ledger_piece(&ledger, run, &where);
	if (model[run.pfn] <= LEDGER_AGAIN + 1) {
		assert_int_equal(piece, 0);
	} else {
		assert_int_equal(where, model[run.pfn] - 1);
		assert_int_equal(piece, same(run).pages);
	}
	assert_int_equal(ledger_holds(&ledger, run.pfn), model[run.pfn] >= 1 && model[run.pfn] <= LEDGER_SETTLED + 1);
}

/* Every page of the ledger is found by walking its ranges, and no other. */
static void compare_all(void)
{
	u64 counts[LEDGER_STATES + 1] = {}, at, i, found;
	struct balloon_run run;
	int state;

	for (i = 0; i < LIMIT; i++)
		counts[model[i]]++;
	for (state = 0; state < LEDGER_STATES; state++) {
		assert_int_equal(ledger.in[state].count, counts[state + 1]);
		found = 0;
		for (at = 0; page_set_next(&ledger.in[state], at, LIMIT, &run); at = run.pfn + run.pages) {
			assert_true(run.pages && run.pfn >= at && model[run.pfn] == state + 1 && same(RUN(run.pfn, LIMIT - run.pfn)).pages == run.pages);
			assert_true(!run.pfn || model[run.pfn - 1] != state + 1);
			found += run.pages;
		}
		assert_int_equal(found, counts[state + 1]);
	}
}

static void the_ledger_is_as_the_model(void **state)
{
	int i;

	(void)state;
	memset(model, 0, sizeof(model));
	for (i = 0; i < 6000; i++) {
		change_both(some_run());
		compare(some_run());
		if (i % 500 == 499)
			compare_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_was_given_may_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_host_does_not_know_is_not_its, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_guest_took_back_may_be_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_block_may_be_known_in_part, setup, teardown),
		cmocka_unit_test_setup_teardown(what_goes_offline_stands_still, setup, teardown),
		cmocka_unit_test_setup_teardown(neighbours_are_one_range, setup, teardown),
		cmocka_unit_test(no_memory_is_needed_twice),
		cmocka_unit_test_setup_teardown(the_ledger_is_as_the_model, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
