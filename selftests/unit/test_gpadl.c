// SPDX-License-Identifier: GPL-2.0
// links: vmbus/gpadl.c host/gpadl.c host/guestmem.c host/pagemap.c
/*
 * GPADL messages: the guest's arithmetic by the figures of the protocol (26 page numbers in a
 * header, 28 in a body, 240 bytes at most), and the host's assembly of exactly what the guest took
 * apart.
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
#include "guestmem.h"
#include "vmbus/gpadl.h"

#define RELID	  7u
#define HANDLE	  0xE1E10u
#define PAGES_MAX 8190u /* (65535 - 8) / 8 */

static u64 pfns[PAGES_MAX];

static int make_pfns(void **state)
{
	(void)state;
	/* Some above 32 bits, none of them in order. */
	for (u32 i = 0; i < PAGES_MAX; i++)
		pfns[i] = (u64)i * 0x9E3779B97F4A7C15ull >> 16;
	return 0;
}

static u16 u16_at(const u8 *bytes)
{
	return bytes[0] | bytes[1] << 8;
}

static u32 u32_at(const u8 *bytes)
{
	return u16_at(bytes) | (u32)u16_at(bytes + 2) << 16;
}

static u64 u64_at(const u8 *bytes)
{
	return u32_at(bytes) | (u64)u32_at(bytes + 4) << 32;
}

/* What must be in the first message, by byte offsets. */
static void expect_header(const u8 *message, u32 length, u32 count)
{
	u32 here = count < 26 ? count : 26;

	assert_int_equal(length, 28 + here * 8);
	assert_int_equal(u32_at(message), 8);
	assert_int_equal(u32_at(message + 4), 0);
	assert_int_equal(u32_at(message + 8), RELID);
	assert_int_equal(u32_at(message + 12), HANDLE);
	assert_int_equal(u16_at(message + 16), 8 + count * 8);
	assert_int_equal(u16_at(message + 18), 1);
	assert_int_equal(u32_at(message + 20), count * 4096);
	assert_int_equal(u32_at(message + 24), 0);
	for (u32 i = 0; i < here; i++)
		assert_true(u64_at(message + 28 + i * 8) == pfns[i]);
}

static void expect_body(const u8 *message, u32 length, u32 number, u32 first, u32 count)
{
	u32 here = count - first < 28 ? count - first : 28;

	assert_int_equal(length, 16 + here * 8);
	assert_int_equal(u32_at(message), 9);
	assert_int_equal(u32_at(message + 4), 0);
	assert_int_equal(u32_at(message + 8), number);
	assert_int_equal(u32_at(message + 12), HANDLE);
	for (u32 i = 0; i < here; i++)
		assert_true(u64_at(message + 16 + i * 8) == pfns[first + i]);
}

/* All messages of a list of @count pages. The buffer is no larger than promised, and odd. */
static void expect_messages(u32 count)
{
	u32 messages = count <= 26 ? 1 : 1 + (count - 26 + 27) / 28;
	u8 *memory = malloc(CHANMSG_SIZE_MAX + 1), *buffer = memory + 1;
	struct gpadl_iter iter;
	u32 length;

	assert_int_equal(gpadl_iter_init(&iter, RELID, HANDLE, pfns, count), 0);
	for (u32 i = 0; i < messages; i++) {
		memset(buffer, 0xA5, CHANMSG_SIZE_MAX);
		length = gpadl_message(&iter, buffer);
		if (i)
			expect_body(buffer, length, i, 26 + (i - 1) * 28, count);
		else
			expect_header(buffer, length, count);
		assert_in_range(length, 1, CHANMSG_SIZE_MAX);
		for (u32 j = length; j < CHANMSG_SIZE_MAX; j++)
			assert_int_equal(buffer[j], 0xA5);
	}
	assert_int_equal(gpadl_message(&iter, buffer), 0);
	assert_int_equal(gpadl_message(&iter, buffer), 0);
	free(memory);
}

static void messages_have_the_protocols_bytes(void **state)
{
	static const u32 counts[] = { 1,  2,  25, 26,  27,  28,	  53,	54,   55,
				      81, 82, 83, 129, 514, 1026, 2048, 8189, PAGES_MAX };

	(void)state;
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		expect_messages(counts[i]);
}

static void every_count_up_to_a_few_bodies(void **state)
{
	(void)state;
	for (u32 count = 1; count <= 200; count++)
		expect_messages(count);
}

static void impossible_counts_are_refused(void **state)
{
	struct gpadl_iter iter;

	(void)state;
	assert_int_equal(GPADL_PFNS_MAX, PAGES_MAX);
	assert_int_equal(gpadl_iter_init(&iter, RELID, HANDLE, pfns, 0), -EINVAL);
	assert_int_equal(gpadl_iter_init(&iter, RELID, HANDLE, pfns, PAGES_MAX + 1), -EINVAL);
	assert_int_equal(gpadl_iter_init(&iter, RELID, HANDLE, pfns, 0x20000000), -EINVAL);
	assert_int_equal(gpadl_iter_init(&iter, RELID, HANDLE, pfns, UINT32_MAX), -EINVAL);
}

/* Through both ends; the host takes each message as so many bytes and no more. */
static void pass_through_both_ends(struct gpadl_table *table, u32 count)
{
	const char *why = NULL;
	struct gpadl_range range;
	struct gpadl_iter iter;
	struct gpadl *gpadl;
	int result = 0;
	u32 length;
	u8 *message;

	assert_int_equal(gpadl_iter_init(&iter, RELID, HANDLE, pfns, count), 0);
	for (bool first = true;; first = false) {
		u8 buffer[CHANMSG_SIZE_MAX];

		length = gpadl_message(&iter, buffer);
		if (!length)
			break;
		assert_int_equal(result, 0); /* not complete before the last one */
		message = malloc(length);
		memcpy(message, buffer, length);
		result = first ? gpadl_begin(table, (const void *)message, length, &why)
			       : gpadl_continue(table, gpadl_find(table, HANDLE),
						(const void *)message, length, &why);
		free(message);
		assert_null(why);
	}
	assert_int_equal(result, 1);
	gpadl = gpadl_find(table, HANDLE);
	assert_true(gpadl_single_range(gpadl, &range));
	assert_int_equal(gpadl->relid, RELID);
	assert_int_equal(range.pages, count);
	assert_int_equal(range.bytes, count * 4096);
	assert_int_equal(range.offset, 0);
	assert_memory_equal(range.pfns, pfns, count * sizeof(u64));
	assert_true(gpadl_teardown(table, gpadl));
}

static void host_assembles_what_the_guest_took_apart(void **state)
{
	static const u32 counts[] = { 1, 25, 26, 27, 54, 55, 129, 1026, PAGES_MAX };
	struct gpadl_table table = { .mem = guestmem_create(256 * 4096) };

	(void)state;
	for (u32 i = 0; i < PAGES_MAX; i++)
		pfns[i] = i * 37 % 256; /* the host takes only what is RAM */
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		pass_through_both_ends(&table, counts[i]);
	gpadl_forget_all(&table);
	guestmem_destroy((struct guestmem *)table.mem);
	make_pfns(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_have_the_protocols_bytes),
		cmocka_unit_test(every_count_up_to_a_few_bodies),
		cmocka_unit_test(impossible_counts_are_refused),
		cmocka_unit_test(host_assembles_what_the_guest_took_apart),
	};

	return cmocka_run_group_tests_name("gpadl", tests, make_pfns, NULL);
}
