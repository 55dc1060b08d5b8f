// SPDX-License-Identifier: GPL-2.0
// links: timesync/reference.c
/*
 * The reference time: the arithmetic against one of 32-bit pieces, the fall to the register and back, and what is told when the page changes.
 * The guest's real source; page, counter and register are the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "timesync/reference.h"

static struct tlfs_reference_tsc page;
static u64 tsc, reg;
/* What the hypervisor does to the page each time the counter is read. */
static void (*meanwhile)(void);

static u64 read_counter(void)
{
	if (meanwhile)
		meanwhile();
	return tsc;
}

/* Others read for a long time while somebody waits for the register's value, which is old when it comes. */
static void (*late)(void);

static u64 read_register(void)
{
	u64 value = reg;

	if (late)
		late();
	return value;
}

static struct reference fresh(void)
{
	return (struct reference){ .page = &page, .counter = read_counter, .reg = read_register };
}

static void set_page(u32 sequence, u64 scale, s64 offset)
{
	page = (struct tlfs_reference_tsc){ .sequence = sequence, .scale = scale, .offset = offset };
}

static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	tsc = 0;
	reg = 0;
	meanwhile = late = NULL;
	return 0;
}

/* The upper half of a product by the way one learns at school, in digits of 32 bits. */
static u64 product_high(u64 a, u64 b)
{
	u64 a1 = a >> 32, a0 = (u32)a, b1 = b >> 32, b0 = (u32)b;
	u64 middle = a1 * b0 + (a0 * b0 >> 32);
	u64 other = a0 * b1 + (u32)middle;

	return a1 * b1 + (middle >> 32) + (other >> 32);
}

static u64 any_u64(void)
{
	u64 value = 0;

	for (int i = 0; i < 5; i++)
		value = value << 15 ^ (u64)random();
	/* Small ones and ones near powers of two as often as others. */
	return value >> random() % 64;
}

static void scaling_is_the_upper_half_of_the_product(void **state)
{
	const u64 edges[] = { 0, 1, 2, UINT32_MAX, 1ull << 32, (1ull << 63) - 1, 1ull << 63, UINT64_MAX - 1, UINT64_MAX };
	const size_t count = sizeof(edges) / sizeof(edges[0]);

	(void)state;
	for (size_t i = 0; i < count * count * count; i++) {
		u64 a = edges[i % count], b = edges[i / count % count], offset = edges[i / count / count];

		assert_int_equal(reference_of(a, b, (s64)offset), product_high(a, b) + offset);
	}
	srandom(1);
	for (int i = 0; i < 1000000; i++) {
		u64 a = any_u64(), b = any_u64(), offset = any_u64();

		assert_int_equal(reference_of(a, b, (s64)offset), product_high(a, b) + offset);
	}
}

/* A clock of 2.5 GHz for a hundred years: 4 ms for each 10^7 counts, and never off by more than one unit. */
static void a_scale_of_a_real_machine_tells_the_time(void **state)
{
	const u64 khz = 2500000;
	const u64 scale = (u64)(((unsigned __int128)10000 << 64) / khz);

	(void)state;
	for (u64 seconds = 1; seconds < 3155760000ull; seconds *= 7) {
		u64 told = reference_of(seconds * khz * 1000, scale, 0);

		assert_true(told <= seconds * TLFS_REFERENCE_HZ);
		assert_true(seconds * TLFS_REFERENCE_HZ - told <= 1 + seconds / 100);
	}
}

static void time_wraps_as_unsigned_numbers_do(void **state)
{
	(void)state;
	assert_int_equal(reference_of(UINT64_MAX, UINT64_MAX, 1), UINT64_MAX - 1 + 1);
	assert_int_equal(reference_of(UINT64_MAX, UINT64_MAX, 3), 1);
	assert_int_equal(reference_of(0, UINT64_MAX, -1), UINT64_MAX);
	/* Behind by a step over the end of numbers is behind all the same. */
	assert_int_equal(reference_hold(UINT64_MAX - 5, 5), 5);
	assert_int_equal(reference_hold(5, UINT64_MAX - 5), 5);
}

static void the_page_tells_while_it_is_valid(void **state)
{
	struct reference reference = fresh();

	(void)state;
	set_page(7, 1ull << 63, 1000);
	tsc = 500;
	reg = 1;
	assert_int_equal(reference_read(&reference), 1250);
	assert_int_equal(reference_read(&reference), 1250);
	assert_int_equal(atomic_read(&reference.fallbacks), 0);
	assert_int_equal(reference.known.sequence, 7);
}

static void the_register_tells_while_it_is_not(void **state)
{
	struct reference reference = fresh();

	(void)state;
	tsc = 1 << 20;
	reg = 1234;
	assert_int_equal(reference_read(&reference), 1234);
	assert_int_equal(atomic_read(&reference.fallbacks), 1);
	reference.page = NULL;
	reg = 1235;
	assert_int_equal(reference_read(&reference), 1235);
}

static void valid_again_is_noticed(void **state)
{
	struct reference reference = fresh();

	(void)state;
	reg = 100;
	assert_int_equal(reference_read(&reference), 100);
	set_page(1, 1ull << 63, 0);
	tsc = 1000;
	assert_int_equal(reference_read(&reference), 500);
	page.sequence = TLFS_REFERENCE_TSC_INVALID;
	reg = 501;
	assert_int_equal(reference_read(&reference), 501);
	assert_int_equal(atomic_read(&reference.changes), 2);
}

/* The new way is 30 units behind: the old one's word stands until the new one has caught up, and for as long time stands. */
static void time_is_held_up_across_a_change(void **state)
{
	struct reference reference = fresh();

	(void)state;
	set_page(1, 1ull << 63, 0);
	tsc = 2000;
	assert_int_equal(reference_read(&reference), 1000);
	set_page(2, 1ull << 63, -30);
	tsc = 2010;
	assert_int_equal(reference_read(&reference), 1005);
	tsc = 2060;
	assert_int_equal(reference_read(&reference), 1005);
	tsc = 2072;
	assert_int_equal(reference_read(&reference), 1006);
	assert_int_equal(atomic_read(&reference.held), 1);
	/* To the register, which is behind as well. */
	page.sequence = TLFS_REFERENCE_TSC_INVALID;
	reg = 1000;
	assert_int_equal(reference_read(&reference), 1006);
	reg = 1007;
	assert_int_equal(reference_read(&reference), 1007);
	/* And back. */
	set_page(3, 1ull << 63, -40);
	assert_int_equal(reference_read(&reference), 1007);
}

/* A counter that begins anew, on another machine: nothing is held up for hours. */
static void another_time_is_no_step_back(void **state)
{
	struct reference reference = fresh();

	(void)state;
	set_page(1, 1ull << 63, 1ll << 40);
	tsc = 2000;
	assert_int_equal(reference_read(&reference), (1ull << 40) + 1000);
	set_page(2, 1ull << 63, 0);
	assert_int_equal(reference_read(&reference), 1000);
	assert_int_equal(reference_hold(5, 5 + REFERENCE_HOLD_MAX), 5 + REFERENCE_HOLD_MAX);
	assert_int_equal(reference_hold(5, 6 + REFERENCE_HOLD_MAX), 5);
}

static struct reference shared;

/* The page is valid again, behind what it said before, and somebody has noticed. */
static void others_go_on(void)
{
	late = NULL;
	set_page(2, 1ull << 62, 0);
	tsc += 1ull << 30;
	reg = tsc / 4;
	reference_read(&shared);
}

static void who_stands_still_is_told_no_less(void **state)
{
	u64 before;

	(void)state;
	shared = fresh();
	set_page(1, 1ull << 62, 40);
	tsc = 4000;
	reg = 1000;
	reference_read(&shared);
	before = reference_read(&shared);
	assert_int_equal(before, 1040);
	page.sequence = TLFS_REFERENCE_TSC_INVALID;
	late = others_go_on;
	assert_true(reference_read(&shared) >= before);
}

static void rewrite(void)
{
	/* A new content between the two looks at the sequence, once. */
	set_page(2, 1ull << 62, 5);
	meanwhile = NULL;
}

static void half_of_a_content_is_never_used(void **state)
{
	struct reference reference = fresh();

	(void)state;
	set_page(1, 1ull << 63, 1000);
	tsc = 4000;
	meanwhile = rewrite;
	assert_int_equal(reference_read(&reference), 1005);
}

static void count_on(void)
{
	page.sequence = page.sequence % 1000 + 1;
}

static void a_page_that_never_stands_still_is_given_up(void **state)
{
	struct reference reference = fresh();

	(void)state;
	set_page(1, 1ull << 63, 0);
	reg = 77;
	meanwhile = count_on;
	assert_int_equal(reference_read(&reference), 77);
	assert_int_equal(atomic_read(&reference.fallbacks), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(scaling_is_the_upper_half_of_the_product, setup),
		cmocka_unit_test_setup(a_scale_of_a_real_machine_tells_the_time, setup),
		cmocka_unit_test_setup(time_wraps_as_unsigned_numbers_do, setup),
		cmocka_unit_test_setup(the_page_tells_while_it_is_valid, setup),
		cmocka_unit_test_setup(the_register_tells_while_it_is_not, setup),
		cmocka_unit_test_setup(valid_again_is_noticed, setup),
		cmocka_unit_test_setup(time_is_held_up_across_a_change, setup),
		cmocka_unit_test_setup(another_time_is_no_step_back, setup),
		cmocka_unit_test_setup(who_stands_still_is_told_no_less, setup),
		cmocka_unit_test_setup(half_of_a_content_is_never_used, setup),
		cmocka_unit_test_setup(a_page_that_never_stands_still_is_given_up, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
