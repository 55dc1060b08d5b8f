// SPDX-License-Identifier: GPL-2.0
// links: host/pagemap.c
/*
 * Sets of pages against the plainest of models, an array of flags.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pagemap.h"

#define PAGES (8u * PAGEMAP_UNIT)

static bool flags[PAGES];

static uint64_t count(uint64_t first, uint64_t pages)
{
	uint64_t sum = 0;

	for (uint64_t i = first; i < PAGES && i - first < pages; i++)
		sum += flags[i];
	return sum;
}

static void check_run(const struct pagemap *map, uint64_t first, uint64_t end)
{
	uint64_t start = first, stop, pages;

	while (start < end && !flags[start])
		start++;
	for (stop = start; stop < end && flags[stop];)
		stop++;
	assert_int_equal(pagemap_run(map, first, end, &pages), start);
	assert_int_equal(pages, stop - start);
}

static void as_the_model_says(void **state)
{
	struct pagemap *map = pagemap_create(PAGES - 5);

	(void)state;
	srand(1);
	assert_int_equal(map->pages, PAGES);
	for (unsigned int round = 0; round < 20000; round++) {
		uint64_t first = (unsigned int)rand() % PAGES, pages = (unsigned int)rand() % (rand() % 8 ? 200 : 3000);
		bool on = rand() & 1;

		if (pages > PAGES - first)
			pages = PAGES - first;
		if (on)
			pagemap_set(map, first, pages);
		else
			pagemap_clear(map, first, pages);
		memset(flags + first, on, pages);
		first = (unsigned int)rand() % PAGES;
		pages = 1 + (unsigned int)rand() % 1500;
		assert_int_equal(pagemap_count(map, first, pages), count(first, pages));
		assert_int_equal(pagemap_any(map, first, pages), count(first, pages) > 0);
		assert_int_equal(pagemap_all(map, first, pages), count(first, pages) == pages);
		check_run(map, first, first + pages < PAGES ? first + pages : PAGES);
	}
	for (uint64_t unit = 0; unit < PAGES; unit += PAGEMAP_UNIT)
		assert_int_equal(pagemap_in_unit(map, unit), count(unit, PAGEMAP_UNIT));
	pagemap_destroy(map);
}

static void nothing_is_behind_the_end(void **state)
{
	struct pagemap *map = pagemap_create(PAGEMAP_UNIT);
	uint64_t pages;

	(void)state;
	pagemap_set(map, 0, PAGEMAP_UNIT);
	assert_false(pagemap_any(map, PAGEMAP_UNIT, 1));
	assert_false(pagemap_any(map, UINT64_MAX, UINT64_MAX));
	assert_true(pagemap_any(map, PAGEMAP_UNIT - 1, UINT64_MAX));
	assert_int_equal(pagemap_count(map, 1, UINT64_MAX), PAGEMAP_UNIT - 1);
	assert_false(pagemap_all(map, 0, PAGEMAP_UNIT + 1));
	pagemap_run(map, PAGEMAP_UNIT, UINT64_MAX, &pages);
	assert_int_equal(pages, 0);
	pagemap_destroy(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_model_says),
		cmocka_unit_test(nothing_is_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
