// SPDX-License-Identifier: GPL-2.0
// links: balloon/message.c balloon/answer.c balloon/floor.c
/*
 * Dynamic memory as bytes: what the gate lets in of a host's messages, what answers look like, and how much a guest keeps. The guest's
 * real sources, compiled here. Each message lies in an exact allocation, so that ASAN sees one byte too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balloon/answer.h"
#include "balloon/floor.h"
#include "balloon/message.h"

#define HEADER(type, size) ((u64)(type) | (u64)(size) << 16 | 77ull << 32)

static struct balloon_message message;
static u8 *copy;

/* The gate's word on @bytes of @words. */
static enum balloon_verdict check(const u64 *words, u32 bytes)
{
	free(copy);
	copy = malloc(bytes ? bytes : 1);
	memcpy(copy, words, bytes);
	return balloon_message_check(&message, copy, bytes);
}

static void every_message_of_a_host_is_read(void **state)
{
	const u64 version[] = { HEADER(DM_VERSION_RESPONSE, 16), 1 };
	const u64 caps[] = { HEADER(DM_CAPS_RESPONSE, 16), DM_CAPS_ACCEPTED | DM_CAPS_HOT_REMOVE };
	const u64 balloon[] = { HEADER(DM_BALLOON_REQUEST, 16), 513 };
	const u64 unballoon[] = { HEADER(DM_UNBALLOON_REQUEST, 32), 1 | 2ull << 32, DM_RANGE(7, 3), DM_RANGE(100, 1) };
	const u64 info[] = { HEADER(DM_INFO, 32), 16ull << 32, 8ull << 32, 0x123456789 };
	const u64 remove[] = { HEADER(DM_HOT_REMOVE_REQUEST, 24), 3 | 32768ull << 32, DM_REMOVE_QOS_LARGE };

	(void)state;
	assert_int_equal(check(version, 16), BALLOON_FINE);
	assert_int_equal(message.flags, 1);
	assert_int_equal(message.trans_id, 77);
	assert_int_equal(check(caps, 16), BALLOON_FINE);
	assert_int_equal(message.flags, 3);
	assert_int_equal(check(balloon, 16), BALLOON_FINE);
	assert_int_equal(message.pages, 513);
	assert_int_equal(check(unballoon, 32), BALLOON_FINE);
	assert_true(message.more);
	assert_int_equal(message.range_count, 2);
	assert_int_equal(balloon_message_range(&message, 0).pfn, 7);
	assert_int_equal(balloon_message_range(&message, 0).pages, 3);
	assert_int_equal(balloon_message_range(&message, 1).pfn, 100);
	assert_int_equal(check(info, 32), BALLOON_FINE);
	assert_int_equal(message.page_count_max, 0x123456789);
	assert_int_equal(check(remove, 24), BALLOON_FINE);
	assert_int_equal(message.node, 3);
	assert_int_equal(message.pages, 32768);
	assert_int_equal(message.qos, DM_REMOVE_QOS_LARGE);
}

/* A second range that the header does not count is not there, whatever lies behind the first one in the packet. */
static void a_region_is_there_only_if_the_header_counts_it(void **state)
{
	const u64 plain[] = { HEADER(DM_HOT_ADD_REQUEST, 16), DM_RANGE(1 << 20, 1 << 15), DM_RANGE(1, 2) };
	const u64 with[] = { HEADER(DM_HOT_ADD_REQUEST, 24), DM_RANGE(1 << 20, 1 << 15), DM_RANGE(1 << 20, 1 << 16) };
	const u64 part[] = { HEADER(DM_HOT_ADD_REQUEST, 20), DM_RANGE(1 << 20, 1 << 15), DM_RANGE(1 << 20, 1 << 16) };

	(void)state;
	assert_int_equal(check(plain, 24), BALLOON_FINE);
	assert_int_equal(message.run.pfn, 1 << 20);
	assert_int_equal(message.run.pages, 1 << 15);
	assert_int_equal(message.region.pages, 0);
	assert_int_equal(check(with, 24), BALLOON_FINE);
	assert_int_equal(message.region.pages, 1 << 16);
	assert_int_equal(check(part, 24), BALLOON_RANGES);
	assert_int_equal(check(with, 16), BALLOON_SIZE);
}

static void every_length_is_safe(void **state)
{
	u64 words[8];
	u32 type, size, bytes;

	(void)state;
	for (type = 0; type < 20; type++) {
		for (size = 0; size <= 64; size++) {
			for (bytes = 0; bytes <= 64; bytes++) {
				memset(words, 0xFF, sizeof(words));
				words[0] = HEADER(type, size);
				if (check(words, bytes) == BALLOON_FINE)
					assert_true(size <= bytes && size >= 12);
				assert_true(bytes >= 8 || check(words, bytes) == BALLOON_SHORT);
			}
		}
	}
}

static void what_no_host_says_is_refused(void **state)
{
	static const u16 guests[] = { DM_ERROR, DM_VERSION_REQUEST, DM_CAPS_REPORT, DM_STATUS_REPORT, DM_BALLOON_RESPONSE,
				      DM_UNBALLOON_RESPONSE, DM_HOT_ADD_RESPONSE, DM_HOT_REMOVE_RESPONSE, 15, 0xFFFF };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(guests) / sizeof(*guests); i++) {
		const u64 words[] = { HEADER(guests[i], 24), 0, 0 };

		assert_int_equal(check(words, 24), BALLOON_TYPE);
	}
}

static void ranges_that_did_not_come_are_refused(void **state)
{
	const u64 more[] = { HEADER(DM_UNBALLOON_REQUEST, 24), 2ull << 32, DM_RANGE(7, 3), DM_RANGE(9, 1) };
	const u64 many[] = { HEADER(DM_UNBALLOON_REQUEST, 24), 0xFFFFFFFFull << 32, DM_RANGE(7, 3) };
	const u64 none[] = { HEADER(DM_UNBALLOON_REQUEST, 16), 0 };

	(void)state;
	assert_int_equal(check(more, 32), BALLOON_RANGES);
	assert_int_equal(check(many, 24), BALLOON_RANGES);
	assert_int_equal(check(none, 16), BALLOON_FINE);
	assert_int_equal(message.range_count, 0);
	assert_false(message.more);
}

static void strange_information_is_refused(void **state)
{
	const u64 type[] = { HEADER(DM_INFO, 32), 16ull << 32, 1 | 8ull << 32, 1 };
	const u64 length[] = { HEADER(DM_INFO, 32), 16ull << 32, 4ull << 32, 1 };
	const u64 missing[] = { HEADER(DM_INFO, 24), 16ull << 32, 8ull << 32, 1 };

	(void)state;
	assert_int_equal(check(type, 32), BALLOON_INFO);
	assert_int_equal(check(length, 32), BALLOON_INFO);
	assert_int_equal(check(missing, 32), BALLOON_INFO);
}

static struct balloon_answer answer;

static void an_answer_holds_510_ranges(void **state)
{
	struct dm_balloon_response response;
	u32 i, bytes;

	(void)state;
	balloon_answer_begin(&answer, DM_BALLOON_RESPONSE);
	for (i = 0; i < 510; i++)
		assert_int_equal(balloon_answer_add(&answer, (struct balloon_run){ 2 * i, 1 }), 1);
	assert_int_equal(balloon_answer_add(&answer, (struct balloon_run){ 5000, 1 }), 0);
	bytes = balloon_answer_end(&answer, 9, 0, true);
	assert_int_equal(bytes, DM_MESSAGE_MAX);
	memcpy(&response, answer.bytes, sizeof(response));
	assert_int_equal(response.header.type, DM_BALLOON_RESPONSE);
	assert_int_equal(response.header.size, DM_MESSAGE_MAX);
	assert_int_equal(response.header.trans_id, 9);
	assert_int_equal(response.flags, DM_MORE_PAGES | 510 << DM_BALLOON_RANGES_SHIFT);
	assert_int_equal(answer.pages, 510);
	assert_int_equal(balloon_answer_range(&answer, 509).pfn, 1018);
}

static void a_long_run_is_several_ranges(void **state)
{
	const u64 pages = 2ull * DM_RANGE_PAGES_MAX + 5;

	(void)state;
	balloon_answer_begin(&answer, DM_BALLOON_RESPONSE);
	assert_int_equal(balloon_answer_add(&answer, (struct balloon_run){ 10, pages }), pages);
	assert_int_equal(answer.ranges, 3);
	assert_int_equal(balloon_answer_range(&answer, 1).pfn, 10 + DM_RANGE_PAGES_MAX);
	assert_int_equal(balloon_answer_range(&answer, 2).pages, 5);
	assert_int_equal(balloon_answer_end(&answer, 1, 0, false), 16 + 24);
}

static void an_answer_about_removed_memory(void **state)
{
	struct dm_hot_remove_response response;

	(void)state;
	balloon_answer_begin(&answer, DM_HOT_REMOVE_RESPONSE);
	assert_int_equal(balloon_answer_end(&answer, 1, 0, false), 24);
	balloon_answer_add(&answer, (struct balloon_run){ 1 << 20, 1 << 15 });
	assert_int_equal(balloon_answer_end(&answer, 2, 1, true), 32);
	memcpy(&response, answer.bytes, sizeof(response));
	assert_int_equal(response.result, 1);
	assert_int_equal(response.range_count, 1);
	assert_int_equal(response.more_pages, 1);
	assert_int_equal(balloon_answer_range(&answer, 0).pages, 1 << 15);
}

static void the_floor_is_continuous_and_grows(void **state)
{
	static const u64 mib[][2] = { { 0, 8 }, { 128, 72 }, { 512, 168 }, { 2048, 360 }, { 8192, 744 }, { 32768, 1512 } };
	u64 total;
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		assert_int_equal(balloon_floor(mib[i][0] * 256, 0), mib[i][1] * 256);
	for (total = 0; total < 10000 * 256; total += 97) {
		u64 step = balloon_floor(total + 97, 0) - balloon_floor(total, 0);

		assert_true(step <= 49);
	}
	assert_int_equal(balloon_floor(1 << 20, 5), 5);
}

/* As many as can be spared, and not one more. */
static void what_can_be_spared_leaves_the_floor(void **state)
{
	u64 total, available, fixed;

	(void)state;
	for (total = 1000; total < 3000000; total = total * 5 / 4) {
		for (available = 0; available <= total; available += total / 13) {
			for (fixed = 0; fixed <= 40000; fixed += 20000) {
				u64 spare = balloon_spare(available, total, fixed);

				assert_true(spare <= available);
				if (spare)
					assert_true(available - spare >= balloon_floor(total - spare, fixed));
				if (spare < available)
					assert_true(available - spare - 1 < balloon_floor(total - spare - 1, fixed));
			}
		}
	}
	assert_int_equal(balloon_spare(0, 1000, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_of_a_host_is_read),
		cmocka_unit_test(a_region_is_there_only_if_the_header_counts_it),
		cmocka_unit_test(every_length_is_safe),
		cmocka_unit_test(what_no_host_says_is_refused),
		cmocka_unit_test(ranges_that_did_not_come_are_refused),
		cmocka_unit_test(strange_information_is_refused),
		cmocka_unit_test(an_answer_holds_510_ranges),
		cmocka_unit_test(a_long_run_is_several_ranges),
		cmocka_unit_test(an_answer_about_removed_memory),
		cmocka_unit_test(the_floor_is_continuous_and_grows),
		cmocka_unit_test(what_can_be_spared_leaves_the_floor),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(copy);
	return failed;
}
