// SPDX-License-Identifier: GPL-2.0
// links: host/guestmem.c host/pagemap.c
/*
 * Guest memory: which ranges are RAM, that mappings of scattered pages share it, and clean refusal
 * of sizes that cannot be.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "guestmem.h"

#define PAGE 4096ull
#define MIB  (1ull << 20)
#define GIB  (1ull << 30)

static struct guestmem *create(uint64_t bytes)
{
	struct guestmem *mem = guestmem_create(bytes);

	assert_non_null(mem);
	return mem;
}

static void one_region_below_the_hole(void **state)
{
	const struct guestmem_region *regions;
	struct guestmem *mem = create(64 * MIB);
	struct stat status;

	(void)state;
	assert_int_equal(guestmem_regions(mem, &regions), 1);
	assert_true(regions[0].gpa == 0 && regions[0].bytes == 64 * MIB && regions[0].offset == 0);
	assert_int_equal((uintptr_t)regions[0].host % (2 * MIB), 0);
	assert_int_equal(fstat(guestmem_fd(mem), &status), 0);
	assert_true(status.st_size == 64 * MIB);
	guestmem_destroy(mem);
}

static void two_regions_around_the_hole(void **state)
{
	const struct guestmem_region *regions;
	struct guestmem *mem = guestmem_create(GUESTMEM_LOW_END + 8 * MIB);
	uint8_t *high;

	(void)state;
	if (!mem && errno == ENOMEM)
		skip(); /* a machine with less than 3 GiB */
	assert_non_null(mem);
	assert_int_equal(guestmem_regions(mem, &regions), 2);
	assert_true(regions[0].bytes == GUESTMEM_LOW_END);
	assert_true(regions[1].gpa == GUESTMEM_HIGH && regions[1].bytes == 8 * MIB);
	assert_true(regions[1].offset == GUESTMEM_LOW_END);
	assert_null(guestmem_ptr(mem, gpa(GUESTMEM_LOW_END - 1), 2));
	assert_null(guestmem_ptr(mem, gpa(GUESTMEM_LOW_END), 1));
	assert_null(guestmem_ptr(mem, gpa(GUESTMEM_HIGH - 1), 1));
	assert_null(guestmem_ptr(mem, gpa(GUESTMEM_LOW_END - PAGE), GUESTMEM_HIGH));
	high = guestmem_ptr(mem, gpa(GUESTMEM_HIGH + 8 * MIB - 1), 1);
	assert_ptr_equal(high, (uint8_t *)regions[1].host + 8 * MIB - 1);
	assert_int_equal(*high, 0);
	*high = 1;
	guestmem_destroy(mem);
}

static void ranges_outside_memory_have_no_pointer(void **state)
{
	struct guestmem *mem = create(MIB);
	uint8_t *start = guestmem_ptr(mem, gpa(0), MIB);

	(void)state;
	assert_non_null(start);
	assert_ptr_equal(guestmem_ptr(mem, gpa(MIB - 1), 1), start + MIB - 1);
	assert_ptr_equal(guestmem_ptr(mem, gpa(MIB - 1), 0), start + MIB - 1);
	assert_null(guestmem_ptr(mem, gpa(MIB), 0));
	assert_null(guestmem_ptr(mem, gpa(MIB - 1), 2));
	assert_null(guestmem_ptr(mem, gpa(0), MIB + 1));
	assert_null(guestmem_ptr(mem, gpa(1), SIZE_MAX));
	assert_null(guestmem_ptr(mem, gpa(UINT64_MAX), 1));
	assert_null(guestmem_ptr(mem, gpa(UINT64_MAX), SIZE_MAX));
	guestmem_destroy(mem);
}

static void scattered_pages_lie_side_by_side(void **state)
{
	const uint64_t pfns[] = {7, 8, 9, 3, 3, 200, 2, 1, 7, 8};
	const unsigned int count = sizeof(pfns) / sizeof(pfns[0]);
	struct guestmem *mem = create(MIB);
	uint8_t *map = guestmem_map(mem, pfns, count);

	(void)state;
	assert_non_null(map);
	for (unsigned int i = 0; i < count; i++) {
		uint8_t *page = guestmem_ptr(mem, gpa(pfns[i] * PAGE), PAGE);

		page[5] = (uint8_t)(pfns[i] + 1);
		assert_int_equal(map[i * PAGE + 5], (uint8_t)(pfns[i] + 1));
		map[i * PAGE + PAGE - 1] = (uint8_t)pfns[i];
		assert_int_equal(page[PAGE - 1], (uint8_t)pfns[i]);
	}
	guestmem_unmap(map, count);
	guestmem_destroy(mem);
}

static void foreign_pages_cannot_be_mapped(void **state)
{
	/* 0x10000000000001: shifted, it would wrap round to page 1 */
	const uint64_t bad[] = {256, UINT64_MAX, UINT64_MAX >> 12, 0x10000000000001ull};
	struct guestmem *mem = create(MIB);

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t pfns[] = {0, 1, bad[i], 3};

		errno = 0;
		assert_null(guestmem_map(mem, pfns, 4));
		assert_int_equal(errno, EFAULT);
	}
	errno = 0;
	assert_null(guestmem_map(mem, bad, 0));
	assert_int_equal(errno, EINVAL);
	/* a run that begins in memory and leaves it */
	errno = 0;
	assert_null(guestmem_map(mem, (uint64_t[]){254, 255, 256}, 3));
	assert_int_equal(errno, EFAULT);
	guestmem_unmap(NULL, 4);
	guestmem_destroy(mem);
}

static void impossible_sizes_are_refused(void **state)
{
	static const struct {
		uint64_t bytes;
		int error;
	} cases[] = {
		{0, EINVAL},
		{PAGE + 1, EINVAL},
		{4 * 1024 * 1024 * GIB, ENOMEM},
		{UINT64_MAX & ~(PAGE - 1), ENOMEM},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		errno = 0;
		assert_null(guestmem_create(cases[i].bytes));
		assert_int_equal(errno, cases[i].error);
	}
	guestmem_destroy(NULL);
}

static void what_is_gone_has_no_pointer(void **state)
{
	struct guestmem *mem = guestmem_create_dynamic(8 * MIB, 256 * MIB);
	const struct guestmem_region *regions, *window = guestmem_window(mem);
	const uint64_t neighbours[2] = { 4, 5 };
	uint8_t *kept = guestmem_ptr(mem, gpa(5 * PAGE), PAGE);

	(void)state;
	assert_int_equal(guestmem_regions(mem, &regions), 1);
	assert_int_equal(window->gpa, 4 * GIB);
	assert_int_equal((uintptr_t)window->host % (2 * MIB), 0);
	assert_null(guestmem_ptr(mem, gpa(window->gpa), 1));
	memset(kept, 7, PAGE);
	guestmem_set_gone(mem, 5, 1, true);
	assert_null(guestmem_ptr(mem, gpa(5 * PAGE), 1));
	assert_null(guestmem_ptr(mem, gpa(6 * PAGE - 1), 1));
	assert_null(guestmem_ptr(mem, gpa(5 * PAGE - 1), 2));
	assert_null(guestmem_ptr(mem, gpa(0), MIB));
	assert_non_null(guestmem_ptr(mem, gpa(6 * PAGE), PAGE));
	assert_non_null(guestmem_ptr(mem, gpa(4 * PAGE), PAGE));
	assert_null(guestmem_map(mem, neighbours, 2));
	assert_int_equal(guestmem_punch(mem, 5, 1), 0);
	assert_int_equal(kept[0], 0); /* an old pointer is a pointer all the same */
	guestmem_set_gone(mem, 5, 1, false);
	assert_ptr_equal(guestmem_ptr(mem, gpa(5 * PAGE), PAGE), kept);
	guestmem_set_gone(mem, window->gpa / PAGE, 3, false);
	memset(guestmem_ptr(mem, gpa(window->gpa), 3 * PAGE), 1, 3 * PAGE);
	assert_null(guestmem_ptr(mem, gpa(window->gpa), 3 * PAGE + 1));
	assert_int_equal(guestmem_punch(mem, 8 * MIB / PAGE, 1), -EINVAL);
	assert_false(guestmem_covers(mem, 8 * MIB / PAGE - 1, 2));
	assert_false(guestmem_covers(mem, UINT64_MAX / PAGE, UINT64_MAX / PAGE));
	assert_true(guestmem_covers(mem, window->gpa / PAGE, 256 * MIB / PAGE));
	guestmem_destroy(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_region_below_the_hole),
		cmocka_unit_test(two_regions_around_the_hole),
		cmocka_unit_test(ranges_outside_memory_have_no_pointer),
		cmocka_unit_test(scattered_pages_lie_side_by_side),
		cmocka_unit_test(foreign_pages_cannot_be_mapped),
		cmocka_unit_test(impossible_sizes_are_refused),
		cmocka_unit_test(what_is_gone_has_no_pointer),
	};

	return cmocka_run_group_tests_name("guestmem", tests, NULL, NULL);
}
