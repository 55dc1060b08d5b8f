// SPDX-License-Identifier: GPL-2.0
// links: host/memory.c host/memory_blocks.c host/guestmem.c host/pagemap.c host/log.c
/*
 * The ledger of a VM's memory: what may be taken, that taken pages are given back to this machine and refused to the guest until they are its
 * own again, blocks that come and go with their slots.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

#define MIB 256ull /* pages */
#define STARTUP (64 * MIB)
#define WINDOW (0x100000000ull / 4096)
#define BLOCK (128 * MIB)

static struct guestmem *mem;
static struct memory *memory;
static bool slots[8], slot_fails;

static int set_slot(void *context, unsigned int slot, uint64_t gpa, uint64_t bytes, void *host)
{
	assert_ptr_equal(context, slots);
	assert_true(slot < 8 && slots[slot] == !bytes);
	if (slot_fails)
		return -ENOMEM;
	if (bytes) {
		assert_int_equal(gpa, (WINDOW + slot * BLOCK) * 4096);
		assert_int_equal(bytes, BLOCK * 4096);
		assert_int_equal((uintptr_t)host % 0x200000, 0);
	}
	slots[slot] = bytes;
	return 0;
}

static int setup(void **state)
{
	const struct memory_slots how = { set_slot, slots };

	(void)state;
	memset(slots, 0, sizeof(slots));
	slot_fails = false;
	mem = guestmem_create_dynamic(STARTUP * 4096, memory_window(300 << 20));
	memory = mem ? memory_create(mem, &how) : NULL;
	return memory ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	memory_destroy(memory);
	guestmem_destroy(mem);
	return 0;
}

static uint8_t *at(uint64_t pfn)
{
	return guestmem_ptr(mem, gpa(pfn * 4096), 4096);
}

static void touch(uint64_t pfn, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		memset(at(pfn + i), 0xA5, 4096);
}

static void expect_numbers(uint64_t assigned, uint64_t ballooned, uint64_t added)
{
	assert_int_equal(memory_assigned(memory), assigned);
	assert_int_equal(atomic_load(&memory_counters(memory)->ballooned), ballooned);
	assert_int_equal(atomic_load(&memory_counters(memory)->added), added);
}

static void take(uint64_t pfn, uint64_t pages)
{
	struct memory_range range = { pfn, pages };

	assert_null(memory_take(memory, pfn, pages, pages));
	memory_punch(memory, &range, 1);
}

static void taken_pages_go_back_to_the_machine(void **state)
{
	uint64_t resident;

	(void)state;
	touch(0, STARTUP);
	resident = memory_resident(memory);
	assert_true(resident >= STARTUP * 4096);
	take(16 * MIB, 16 * MIB);
	assert_int_equal(resident - memory_resident(memory), 16 * MIB * 4096);
	expect_numbers(48 * MIB, 16 * MIB, 0);
	assert_null(at(16 * MIB));
	assert_null(guestmem_ptr(mem, gpa((16 * MIB - 1) * 4096), 4097));
	assert_non_null(at(16 * MIB - 1));
	assert_int_equal(*at(16 * MIB - 1), 0xA5);
	assert_non_null(at(32 * MIB));
}

static void given_pages_are_zeros(void **state)
{
	struct memory_range ranges[4];

	(void)state;
	touch(16 * MIB, MIB);
	take(16 * MIB, MIB);
	assert_int_equal(memory_give(memory, 10, ranges, 4), 1);
	assert_int_equal(ranges[0].pfn, 16 * MIB);
	assert_int_equal(ranges[0].pages, 10);
	assert_int_equal(*at(16 * MIB + 9), 0);
	assert_null(at(16 * MIB + 10));
	expect_numbers(STARTUP - MIB + 10, MIB - 10, 0);
	memory_give_all(memory);
	expect_numbers(STARTUP, 0, 0);
	assert_non_null(at(17 * MIB - 1));
}

static void what_may_not_be_taken(void **state)
{
	(void)state;
	take(1000, 100);
	assert_string_equal(memory_take(memory, 5, 0, 10), "a range without pages");
	assert_string_equal(memory_take(memory, 5, 11, 10), "more pages than were asked for");
	assert_string_equal(memory_take(memory, STARTUP - 1, 2, 10), "a range outside of memory");
	assert_string_equal(memory_take(memory, UINT64_MAX, 1, 10), "a range outside of memory");
	assert_string_equal(memory_take(memory, (1ull << 40) - 1, 1, 10), "a range outside of memory");
	assert_string_equal(memory_take(memory, 0, UINT64_MAX, UINT64_MAX), "a range outside of memory");
	assert_string_equal(memory_take(memory, 1099, 2, 10), "a range of which pages are gone already");
	assert_string_equal(memory_take(memory, 990, 11, 20), "a range of which pages are gone already");
	assert_string_equal(memory_take(memory, WINDOW, 1, 10), "a range of which pages are gone already");
	expect_numbers(STARTUP - 100, 100, 0);
	assert_null(memory_take(memory, 1100, 1, 1));
}

static void neighbours_are_punched_at_once(void **state)
{
	struct memory_range ranges[] = { { 3 * 512, 512 }, { 1 * 512, 512 }, { 9 * 512, 512 }, { 2 * 512, 512 } };

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_null(memory_take(memory, ranges[i].pfn, ranges[i].pages, 512));
	memory_punch(memory, ranges, 4);
	assert_int_equal(atomic_load(&memory_counters(memory)->punches), 2);
	assert_int_equal(atomic_load(&memory_counters(memory)->punched), 4 * 512);
}

/* Single pages, out of order: the last of a huge page takes all of it along. */
static void broken_pages_come_back_first(void **state)
{
	struct memory_range ranges[8];

	(void)state;
	touch(512, 512);
	for (unsigned int i = 0; i < 512; i += 2)
		take(512 + i, 1);
	for (unsigned int i = 1; i < 512; i += 2)
		take(512 + i, 1);
	assert_int_equal(memory_resident(memory), 0);
	take(2048, 3);
	take(4096, 512);
	assert_int_equal(memory_give(memory, 515, ranges, 8), 2);
	assert_int_equal(ranges[0].pfn, 2048);
	assert_int_equal(ranges[0].pages, 3);
	assert_int_equal(ranges[1].pfn, 512);
	assert_int_equal(ranges[1].pages, 512);
	assert_int_equal(memory_give(memory, 600, ranges, 8), 1);
	assert_int_equal(ranges[0].pages, 512);
	assert_int_equal(memory_give(memory, 1, ranges, 8), 0);
	expect_numbers(STARTUP, 0, 0);
}

static void there_is_only_room_for_so_many_ranges(void **state)
{
	struct memory_range ranges[4];

	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		take(600 + 2 * i, 1);
	assert_int_equal(memory_give(memory, 100, ranges, 4), 4);
	expect_numbers(STARTUP - 6, 6, 0);
	assert_int_equal(memory_give(memory, 100, ranges, 4), 4);
	assert_int_equal(memory_give(memory, 100, ranges, 4), 2);
}

static void blocks_come_and_go(void **state)
{
	struct memory_range range, all;

	(void)state;
	assert_int_equal(memory_room(memory), 3 * BLOCK);
	assert_null(at(WINDOW));
	assert_int_equal(memory_add(memory, BLOCK - 1, &range), -ENOSPC);
	assert_int_equal(memory_add(memory, 2 * BLOCK + 5, &range), 0);
	assert_int_equal(range.pfn, WINDOW);
	assert_int_equal(range.pages, 2 * BLOCK);
	assert_true(slots[0] && slots[1] && !slots[2]);
	expect_numbers(STARTUP + 2 * BLOCK, 0, 2 * BLOCK);
	touch(WINDOW, MIB);
	take(WINDOW + BLOCK, 10); /* added pages may be ballooned, too, */
	assert_string_equal(memory_remove(memory, WINDOW - 1, 1, 10), "a range outside of memory");
	assert_string_equal(memory_remove(memory, 0, 1, 10), "a range that was not hot-added");
	assert_string_equal(memory_remove(memory, WINDOW + 2 * BLOCK, 1, 10), "a range of which pages are gone already");
	assert_null(memory_remove(memory, WINDOW + BLOCK, BLOCK, BLOCK)); /* and removed with the rest */
	expect_numbers(STARTUP + BLOCK, 0, BLOCK);
	all = (struct memory_range){ WINDOW, BLOCK };
	memory_trim(memory);
	assert_true(slots[0] && !slots[1]);
	assert_null(memory_remove(memory, WINDOW, BLOCK, BLOCK));
	memory_punch(memory, &all, 1);
	memory_trim(memory);
	assert_int_equal(memory_resident(memory), 0);
	assert_false(slots[0]);
	expect_numbers(STARTUP, 0, 0);
	assert_string_equal(memory_remove(memory, WINDOW, 1, 1), "a range of which pages are gone already");
	assert_int_equal(memory_add(memory, BLOCK, &range), 0);
	assert_int_equal(*at(WINDOW), 0);
}

static void what_is_refused_disappears(void **state)
{
	struct memory_range range;

	(void)state;
	assert_int_equal(memory_add(memory, 3 * BLOCK, &range), 0);
	memory_add_end(memory, &range, BLOCK + 1);
	assert_true(slots[0] && slots[1] && !slots[2]);
	assert_non_null(at(WINDOW + BLOCK));
	assert_null(at(WINDOW + BLOCK + 1));
	expect_numbers(STARTUP + BLOCK + 1, 0, BLOCK + 1);
	assert_int_equal(memory_room(memory), BLOCK);
	assert_int_equal(memory_add(memory, 3 * BLOCK, &range), 0);
	assert_int_equal(range.pfn, WINDOW + 2 * BLOCK);
	memory_add_end(memory, &range, 0);
	assert_false(slots[2]);
	slot_fails = true;
	assert_int_equal(memory_add(memory, BLOCK, &range), -ENOMEM);
	slot_fails = false;
	expect_numbers(STARTUP + BLOCK + 1, 0, BLOCK + 1);
}

static void lies_can_be_taken_back(void **state)
{
	struct memory_range range = { 100, 50 };

	(void)state;
	assert_null(memory_take(memory, 100, 50, 50));
	memory_untake(memory, &range);
	expect_numbers(STARTUP, 0, 0);
	assert_non_null(at(100));
	assert_int_equal(memory_add(memory, BLOCK, &range), 0);
	assert_null(memory_remove(memory, range.pfn, range.pages, range.pages));
	memory_unremove(memory, &range);
	expect_numbers(STARTUP + BLOCK, 0, BLOCK);
	assert_non_null(at(range.pfn));
}

static void the_size_of_blocks(void **state)
{
	struct memory_range range;

	(void)state;
	assert_true(memory_set_block(memory, 2 << 20));
	assert_int_equal(memory_block(memory), BLOCK);
	assert_true(memory_set_block(memory, 256 << 20));
	assert_int_equal(memory_room(memory), 2 * BLOCK);
	assert_false(memory_set_block(memory, 4ull << 30));
	assert_true(memory_set_block(memory, 128 << 20));
	assert_int_equal(memory_add(memory, BLOCK, &range), 0);
	assert_true(memory_set_block(memory, 128 << 20));
	assert_false(memory_set_block(memory, 256 << 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(taken_pages_go_back_to_the_machine, setup, teardown),
		cmocka_unit_test_setup_teardown(given_pages_are_zeros, setup, teardown),
		cmocka_unit_test_setup_teardown(what_may_not_be_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(neighbours_are_punched_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_pages_come_back_first, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_only_room_for_so_many_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(blocks_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_refused_disappears, setup, teardown),
		cmocka_unit_test_setup_teardown(lies_can_be_taken_back, setup, teardown),
		cmocka_unit_test_setup_teardown(the_size_of_blocks, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
