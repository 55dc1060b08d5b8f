// SPDX-License-Identifier: GPL-2.0
// links: host/gpadl.c host/guestmem.c host/pagemap.c
/*
 * The host's GPADL table: assembly from a header and bodies, and every message that must not pass.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpadl.h"

#define MEMORY_PAGES 256u
#define HANDLE	     0xE1E10u

union message {
	struct chanmsg_gpadl_header header;
	struct chanmsg_gpadl_body body;
	uint8_t raw[CHANMSG_SIZE_MAX];
};

struct fixture {
	struct guestmem *mem;
	struct gpadl_table table;
	const char *why;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->mem = guestmem_create(MEMORY_PAGES * 4096);
	f->table.mem = f->mem;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gpadl_forget_all(&f->table);
	assert_int_equal(f->table.count, 0);
	assert_int_equal(f->table.pages, 0);
	guestmem_destroy(f->mem);
	free(f);
	return 0;
}

/* The list of one range; returns its words. */
static uint32_t fill_range(uint64_t *list, uint32_t bytes, uint32_t offset, uint64_t pfn)
{
	struct gpa_range range = { bytes, offset };
	uint32_t pages = ((uint64_t)offset + bytes + 4095) / 4096;

	memcpy(list, &range, sizeof(range));
	for (uint32_t i = 0; i < pages; i++)
		list[1 + i] = pfn + i;
	return 1 + pages;
}

/* A header that declares @words words in @ranges ranges and carries the first @carried of them. */
static int begin(struct fixture *f, uint32_t handle, const uint64_t *list, uint32_t words,
		 uint32_t ranges, uint32_t carried)
{
	union message message = { .header = { .header.type = CHANMSG_GPADL_HEADER,
					      .relid = 3,
					      .gpadl = handle,
					      .range_buflen = words * 8,
					      .rangecount = ranges } };

	assert_true(carried <= 27);
	memcpy(message.raw + sizeof(message.header), list, carried * 8);
	return gpadl_begin(&f->table, &message.header, sizeof(message.header) + carried * 8,
			   &f->why);
}

static int body(struct fixture *f, uint32_t handle, const uint64_t *words, uint32_t bytes)
{
	union message message = { .body = { .header.type = CHANMSG_GPADL_BODY, .gpadl = handle } };

	memcpy(message.raw + sizeof(message.body), words, bytes);
	return gpadl_continue(&f->table, gpadl_find(&f->table, handle), &message.body,
			      sizeof(message.body) + bytes, &f->why);
}

static void expect_refused(struct fixture *f, int result, int error, const char *why)
{
	assert_int_equal(result, error);
	assert_string_equal(f->why, why);
}

static void one_message_is_enough(void **state)
{
	struct fixture *f = *state;
	struct gpadl_range range;
	uint64_t list[27];
	uint32_t words = fill_range(list, 4 * 4096, 0, 10);

	assert_int_equal(begin(f, HANDLE, list, words, 1, words), 1);
	assert_true(gpadl_single_range(gpadl_find(&f->table, HANDLE), &range));
	assert_int_equal(range.pages, 4);
	assert_int_equal(range.bytes, 4 * 4096);
	assert_int_equal(range.offset, 0);
	assert_int_equal(range.pfns[3], 13);
	assert_int_equal(f->table.pages, 4);
	assert_null(gpadl_find(&f->table, HANDLE + 1));
}

/* Who takes a page away either finds the GPADL that has it, or the GPADL does not come to be. */
static void no_page_is_gone_and_in_a_gpadl(void **state)
{
	struct fixture *f = *state;
	uint64_t list[27], pfn = 0;
	uint32_t words = fill_range(list, 4 * 4096, 0, 10);

	guestmem_destroy(f->mem);
	f->mem = guestmem_create_dynamic(MEMORY_PAGES * 4096, 0);
	f->table.mem = f->mem;
	assert_int_equal(begin(f, HANDLE, list, words, 1, words), 1);
	assert_false(gpadl_find_gone(&f->table, &pfn));
	guestmem_set_gone(f->mem, 13, 2, true);
	assert_true(gpadl_find_gone(&f->table, &pfn));
	assert_int_equal(pfn, 13);
	expect_refused(f, begin(f, HANDLE + 1, list, words, 1, words), -EFAULT, "page outside of memory");
	assert_true(gpadl_teardown(&f->table, gpadl_find(&f->table, HANDLE)));
	assert_false(gpadl_find_gone(&f->table, &pfn));
	words = fill_range(list, 2 * 4096, 0, 14);
	assert_int_equal(begin(f, HANDLE, list, words, 1, 2), 0); /* not complete: nobody uses it yet */
	assert_false(gpadl_find_gone(&f->table, &pfn));
	guestmem_set_gone(f->mem, 13, 2, false);
	assert_int_equal(body(f, HANDLE, list + 2, 8), 1);
}

static void bodies_complete_it(void **state)
{
	struct fixture *f = *state;
	struct gpadl_range range;
	uint64_t list[101];
	uint32_t words = fill_range(list, 100 * 4096, 0, 50), at = 27;

	assert_int_equal(begin(f, HANDLE, list, words, 1, 27), 0);
	assert_false(gpadl_single_range(gpadl_find(&f->table, HANDLE), &range));
	assert_int_equal(body(f, HANDLE, list + at, 28 * 8), 0);
	assert_int_equal(body(f, HANDLE, list + at + 28, 28 * 8), 0);
	assert_int_equal(body(f, HANDLE, list + at + 56, 18 * 8), 1);
	assert_true(gpadl_single_range(gpadl_find(&f->table, HANDLE), &range));
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(range.pfns[i], 50 + i);
}

static void largest_range_fits(void **state)
{
	struct fixture *f = *state;
	uint64_t list[8192];
	uint32_t words = 1 + GPADL_PFNS_MAX;
	struct gpa_range range = { GPADL_PFNS_MAX * 4096, 0 };
	int result;

	memcpy(list, &range, 8);
	for (uint32_t i = 1; i < words; i++)
		list[i] = i % MEMORY_PAGES;
	result = begin(f, HANDLE, list, words, 1, 27);
	for (uint32_t at = 27; at < words; at += 28) {
		assert_int_equal(result, 0);
		result = body(f, HANDLE, list + at, (words - at < 28 ? words - at : 28) * 8);
	}
	assert_int_equal(result, 1);
	assert_int_equal(f->table.pages, GPADL_PFNS_MAX);
}

static void several_ranges(void **state)
{
	struct fixture *f = *state;
	struct gpadl_range range;
	uint64_t list[27];
	uint32_t words = fill_range(list, 100, 4090, 5); /* two pages */

	words += fill_range(list + words, 4096, 0, 9);
	assert_int_equal(begin(f, HANDLE, list, words, 2, words), 1);
	assert_int_equal(f->table.pages, 3);
	assert_false(gpadl_single_range(gpadl_find(&f->table, HANDLE), &range));
}

static void handle_in_use(void **state)
{
	struct fixture *f = *state;
	uint64_t list[27];
	uint32_t words = fill_range(list, 4096, 0, 10);

	assert_int_equal(begin(f, HANDLE, list, words, 1, words), 1);
	expect_refused(f, begin(f, HANDLE, list, words, 1, words), -EEXIST,
		       "GPADL handle already in use");
	assert_int_equal(begin(f, HANDLE + 1, list, words, 1, 1),
			 0); /* also while it waits for bodies */
	expect_refused(f, begin(f, HANDLE + 1, list, words, 1, words), -EEXIST,
		       "GPADL handle already in use");
	assert_int_equal(f->table.count, 2);
}

static void impossible_lengths(void **state)
{
	struct fixture *f = *state;
	uint64_t list[27];
	uint32_t words = fill_range(list, 4096, 0, 10);
	union message odd = { .header = { .gpadl = HANDLE, .range_buflen = 20, .rangecount = 1 } };

	expect_refused(f, begin(f, HANDLE, list, words, 0, words), -EINVAL,
		       "GPADL without a range");
	expect_refused(f, begin(f, HANDLE, list, 1, 1, 1), -EINVAL,
		       "impossible length of the range list");
	expect_refused(f, begin(f, HANDLE, list, 0, 1, 0), -EINVAL,
		       "impossible length of the range list");
	expect_refused(f, begin(f, HANDLE, list, 5, 3, 5), -EINVAL,
		       "impossible length of the range list");
	expect_refused(f, begin(f, HANDLE, list, 8191, 0xFFFF, 1), -EINVAL,
		       "impossible length of the range list");
	expect_refused(f, gpadl_begin(&f->table, &odd.header, 40, &f->why), -EINVAL,
		       "impossible length of the range list");
	odd.header.range_buflen = 16;
	expect_refused(f, gpadl_begin(&f->table, &odd.header, 33, &f->why), -EINVAL,
		       "part of a page number");
	assert_int_equal(f->table.count, 0);
}

static void more_than_declared(void **state)
{
	struct fixture *f = *state;
	uint64_t list[64];
	uint32_t words = fill_range(list, 30 * 4096, 0, 10);

	expect_refused(f, begin(f, HANDLE, list, 20, 1, 21), -EINVAL,
		       "more page numbers than declared");
	assert_null(gpadl_find(&f->table, HANDLE));
	assert_int_equal(begin(f, HANDLE, list, words, 1, 27), 0);
	expect_refused(f, body(f, HANDLE, list, (words - 27 + 1) * 8), -EINVAL,
		       "more page numbers than declared");
	assert_null(gpadl_find(&f->table, HANDLE));
	assert_int_equal(f->table.pages, 0);
}

static void range_against_page_numbers(void **state)
{
	const struct gpa_range lies[] = {
		{ 3 * 4096, 0 }, /* one page more than listed */
		{ 2 * 4096, 1 }, /* the offset makes it one more */
		{ 0, 0 },	 { 0xFFFFFFFF, 4095 }, { 4096, 4096 }, { 4096, 0xFFFFFFFF },
	};
	struct fixture *f = *state;
	uint64_t list[3] = { 0, 10, 11 };

	for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy(list, &lies[i], 8);
		expect_refused(f, begin(f, HANDLE, list, 3, 1, 3), -EINVAL,
			       "range does not match its page numbers");
	}
	fill_range(list, 4096, 0, 10); /* one page fewer */
	expect_refused(f, begin(f, HANDLE, list, 3, 1, 3), -EINVAL,
		       "page numbers beyond the last range");
	/* The first range leaves nothing for the second. */
	list[0] = 0;
	expect_refused(f, begin(f, HANDLE, (uint64_t[]){ 3 * 4096, 1, 2, 3 }, 4, 2, 4), -EINVAL,
		       "range does not match its page numbers");
	assert_int_equal(f->table.count, 0);
}

static void page_outside_of_memory(void **state)
{
	const uint64_t lies[] = { MEMORY_PAGES, 0xC0000,	  UINT64_MAX,
				  1ull << 52,	(1ull << 52) + 1, UINT64_MAX >> 12 };
	struct fixture *f = *state;
	uint64_t list[3];

	for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fill_range(list, 8192, 0, 10);
		list[2] = lies[i];
		expect_refused(f, begin(f, HANDLE, list, 3, 1, 3), -EFAULT,
			       "page outside of memory");
	}
	assert_int_equal(f->table.count, 0);
	fill_range(list, 8192, 0, MEMORY_PAGES - 2);
	assert_int_equal(begin(f, HANDLE, list, 3, 1, 3), 1); /* the last pages are in */
}

static void bodies_that_do_not_fit(void **state)
{
	struct fixture *f = *state;
	uint64_t list[64];
	uint32_t words = fill_range(list, 30 * 4096, 0, 10);

	assert_int_equal(begin(f, HANDLE, list, words, 1, 27), 0);
	expect_refused(f, body(f, HANDLE, list, 12), -EINVAL, "part of a page number");
	assert_null(gpadl_find(&f->table, HANDLE));
	assert_int_equal(begin(f, HANDLE, list, words, 1, 27), 0);
	expect_refused(f, body(f, HANDLE, list, 0), -EINVAL, "GPADL body without page numbers");
	assert_null(gpadl_find(&f->table, HANDLE));
	assert_int_equal(begin(f, HANDLE, list, words, 1, 27), 0);
	assert_int_equal(body(f, HANDLE, list + 27, (words - 27) * 8), 1);
	expect_refused(f, body(f, HANDLE, list, 8), -EEXIST, "GPADL body after its last");
	assert_non_null(gpadl_find(&f->table, HANDLE)); /* the complete one is none the worse */
}

static void budget_of_pages(void **state)
{
	struct fixture *f = *state;
	uint64_t list[27] = { 0 };
	uint32_t handle = 1;

	/* Only declared, never filled: it is the declaration that counts. */
	while (GPADL_PAGES_MAX - f->table.pages >= GPADL_PFNS_MAX)
		assert_int_equal(begin(f, handle++, list, 1 + GPADL_PFNS_MAX, 1, 1), 0);
	expect_refused(f, begin(f, handle, list, 1 + GPADL_PFNS_MAX, 1, 1), -ENOSPC,
		       "too many pages in GPADLs");
	gpadl_teardown(&f->table, gpadl_find(&f->table, 1));
	assert_int_equal(begin(f, handle, list, 1 + GPADL_PFNS_MAX, 1, 1), 0);
}

static void budget_of_handles(void **state)
{
	struct fixture *f = *state;
	uint64_t list[2];

	fill_range(list, 4096, 0, 10);
	for (uint32_t i = 0; i < GPADL_COUNT_MAX; i++)
		assert_int_equal(begin(f, i, list, 2, 1, 2), 1);
	expect_refused(f, begin(f, GPADL_COUNT_MAX, list, 2, 1, 2), -ENOSPC, "too many GPADLs");
}

static void teardown_waits_for_the_last_pin(void **state)
{
	struct fixture *f = *state;
	struct gpadl *gpadl;
	uint64_t list[2];

	fill_range(list, 4096, 0, 10);
	begin(f, HANDLE, list, 2, 1, 2);
	gpadl = gpadl_find(&f->table, HANDLE);
	gpadl_pin(&f->table, gpadl);
	gpadl_pin(&f->table, gpadl);
	assert_false(gpadl_unpin(&f->table, gpadl)); /* nobody asked for teardown */
	assert_false(gpadl_teardown(&f->table, gpadl));
	expect_refused(f, begin(f, HANDLE, list, 2, 1, 2), -EEXIST, "GPADL handle already in use");
	assert_true(gpadl_unpin(&f->table, gpadl));
	assert_null(gpadl_find(&f->table, HANDLE));
	assert_int_equal(begin(f, HANDLE, list, 2, 1, 2), 1);
	assert_true(gpadl_teardown(&f->table, gpadl_find(&f->table, HANDLE)));
}

static void a_loan_outlives_teardown_and_forgetting(void **state)
{
	struct fixture *f = *state;
	struct gpadl_range range;
	struct gpadl *first, *second;
	uint64_t list[3];
	uint32_t handle = 0;

	fill_range(list, 8192, 0, 10);
	begin(f, 1, list, 3, 1, 3);
	begin(f, 2, list, 3, 1, 3);
	gpadl_find(&f->table, 1)->relid = gpadl_find(&f->table, 2)->relid = 7;
	assert_null(gpadl_borrow(&f->table, 3, 7, &range, &f->why));
	assert_string_equal(f->why, "no such GPADL");
	assert_null(gpadl_borrow(&f->table, 1, 8, &range, &f->why));
	assert_string_equal(f->why, "GPADL of another channel");
	first = gpadl_borrow(&f->table, 1, 7, &range, &f->why);
	assert_int_equal(range.pages, 2);
	second = gpadl_borrow(&f->table, 2, 7, &range, &f->why);
	assert_false(gpadl_teardown(&f->table, first));
	assert_null(gpadl_borrow(&f->table, 1, 7, &range, &f->why)); /* not twice once it is to go */
	assert_false(gpadl_reap(&f->table, &handle));
	gpadl_return(&f->table, first);
	assert_true(gpadl_reap(&f->table, &handle));
	assert_int_equal(handle, 1);
	assert_false(gpadl_reap(&f->table, &handle));
	gpadl_forget(&f->table, 7);
	assert_int_equal(f->table.count, 1);
	gpadl_return(&f->table, second);
	assert_false(gpadl_reap(&f->table, &handle)); /* gone, but nobody is to hear of it */
	assert_int_equal(f->table.count, 0);
}

static void a_loan_is_of_whole_pages(void **state)
{
	struct fixture *f = *state;
	struct gpadl_range range;
	uint64_t list[2];

	fill_range(list, 4000, 0, 10);
	begin(f, 1, list, 2, 1, 2);
	assert_null(gpadl_borrow(&f->table, 1, gpadl_find(&f->table, 1)->relid, &range, &f->why));
	assert_string_equal(f->why, "GPADL not of whole pages in one range");
}

static void forgetting_one_channel(void **state)
{
	struct fixture *f = *state;
	uint64_t list[2];

	fill_range(list, 4096, 0, 10);
	for (uint32_t i = 0; i < 10; i++) {
		begin(f, i, list, 2, 1, 2);
		gpadl_find(&f->table, i)->relid = i % 2;
	}
	gpadl_forget(&f->table, 1);
	assert_int_equal(f->table.count, 5);
	assert_null(gpadl_find(&f->table, 3));
	assert_non_null(gpadl_find(&f->table, 4));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_message_is_enough),
		CASE(no_page_is_gone_and_in_a_gpadl),
		CASE(bodies_complete_it),
		CASE(largest_range_fits),
		CASE(several_ranges),
		CASE(handle_in_use),
		CASE(impossible_lengths),
		CASE(more_than_declared),
		CASE(range_against_page_numbers),
		CASE(page_outside_of_memory),
		CASE(bodies_that_do_not_fit),
		CASE(budget_of_pages),
		CASE(budget_of_handles),
		CASE(teardown_waits_for_the_last_pin),
		CASE(forgetting_one_channel),
		CASE(a_loan_outlives_teardown_and_forgetting),
		CASE(a_loan_is_of_whole_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
