// SPDX-License-Identifier: GPL-2.0
// links: netvsc/rndis_build.c netvsc/rndis_parse.c netvsc/slot.c
/*
 * What the guest's network driver sends: headers (read back by its own parser), batches in a section, limits that a host sets, ids
 * and slots, the value of RSS parameters. The guest's real sources, compiled here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netvsc/rndis_build.h"
#include "netvsc/rndis_parse.h"
#include "netvsc/slot.h"

static void headers_read_back(void **state)
{
	static const struct netvsc_send sends[] = {
		{},
		{ .checksum = RNDIS_TX_IPV4 | RNDIS_TX_TCP_CHECKSUM | 34u << RNDIS_TX_TRANSPORT_OFFSET_SHIFT },
		{ .tagged = true, .vlan = 0x230 },
		{ .checksum = 1, .tagged = true },
	};
	struct netvsc_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(sends) / sizeof(sends[0]); i++) {
		u32 header = netvsc_header_bytes(&sends[i]);
		u8 *message = calloc(1, header + 60);

		assert_true(header <= NETVSC_HEADER_MAX && header % 4 == 0);
		assert_int_equal(netvsc_build_header(message, &sends[i], 60), header);
		assert_int_equal(netvsc_parse_frame(&frame, message, header, header + 60), NETVSC_FINE);
		assert_int_equal(frame.data_at, header);
		assert_int_equal(frame.data_bytes, 60);
		assert_int_equal(!!(frame.has & NETVSC_HAS_CHECKSUM), sends[i].checksum != 0);
		assert_int_equal(frame.checksum, sends[i].checksum);
		assert_int_equal(!!(frame.has & NETVSC_HAS_VLAN), sends[i].tagged);
		assert_int_equal(frame.vlan, sends[i].vlan);
		free(message);
	}
}

static void segmentation_takes_the_place_of_checksums(void **state)
{
	const struct netvsc_send send = { .checksum = 1, .lso = RNDIS_LSO_V2 | 1460 };
	u8 message[NETVSC_HEADER_MAX];
	struct rndis_ppi ppi;

	(void)state;
	assert_int_equal(netvsc_build_header(message, &send, 9000), 60);
	memcpy(&ppi, message + 44, sizeof(ppi));
	assert_int_equal(ppi.type, RNDIS_PPI_LSO);
	assert_int_equal(ppi.bytes, 16);
}

static void tags_go_there_and_back(void **state)
{
	(void)state;
	for (u32 tci = 0; tci < 0x10000; tci++)
		assert_int_equal(netvsc_vlan_tci(netvsc_vlan_ppi((u16)tci)), tci);
}

static void absurd_limits_mean_one_message(void **state)
{
	struct rndis_initialize_complete complete = { .packets_max = 8, .transfer_max = 0x4000, .alignment = 3 };
	struct netvsc_limits limits;

	(void)state;
	assert_true(netvsc_limits_derive(&limits, &complete, 6144));
	assert_int_equal(limits.bytes, 6144);
	assert_int_equal(limits.messages, 8);
	assert_int_equal(limits.alignment, 8);
	complete.packets_max = 0xFFFFFFFF;
	assert_true(netvsc_limits_derive(&limits, &complete, 6144));
	assert_int_equal(limits.messages, NETVSC_MESSAGES_MAX);
	for (u32 alignment = NETVSC_ALIGNMENT_LOG_MAX + 1; alignment && alignment <= 0x80000000; alignment *= 2) {
		complete.alignment = alignment;
		assert_false(netvsc_limits_derive(&limits, &complete, 6144));
		assert_int_equal(limits.messages, 1);
		assert_true(limits.alignment <= 8);
	}
	complete.alignment = 3;
	complete.packets_max = 0;
	assert_false(netvsc_limits_derive(&limits, &complete, 6144));
	assert_int_equal(limits.messages, 1);
	complete.packets_max = 8;
	complete.transfer_max = 100;
	netvsc_limits_derive(&limits, &complete, 6144);
	assert_int_equal(limits.messages, 1);
}

/* Messages follow each other by their own lengths, aligned, to the last byte, as the host walks them. */
static void batches_are_walked(void **state)
{
	static const u32 alignments[] = { 4, 8, 64, 128 };
	const struct netvsc_send send = {};

	(void)state;
	for (size_t a = 0; a < 4; a++) {
		const struct netvsc_limits limits = { .bytes = 6144, .messages = 8, .alignment = alignments[a] };
		struct netvsc_batch batch = {};
		u8 *section = malloc(limits.bytes);
		u32 count = 0, at = 0, walked = 0;

		for (u32 data = 61; netvsc_batch_fits(&batch, &limits, 44 + data); data = data * 3 / 2 + 1, count++) {
			u32 where = netvsc_batch_add(&batch, &limits, section, 44 + data);

			assert_int_equal(where % limits.alignment, 0);
			netvsc_build_header(section + where, &send, data);
			memset(section + where + 44, 0x55, data);
			assert_true(batch.used <= limits.bytes);
		}
		assert_int_equal(batch.messages, count);
		while (at < batch.used) {
			struct rndis_header header;

			memcpy(&header, section + at, sizeof(header));
			assert_int_equal(header.type, RNDIS_PACKET);
			at += header.length;
			walked++;
		}
		assert_int_equal(at, batch.used);
		assert_int_equal(walked, count);
		free(section);
	}
}

static void batches_end_at_their_limits(void **state)
{
	const struct netvsc_limits limits = { .bytes = 1024, .messages = 3, .alignment = 8 };
	struct netvsc_batch batch = {};
	u8 section[1024];

	(void)state;
	assert_true(netvsc_batch_fits(&batch, &limits, 1024));
	assert_false(netvsc_batch_fits(&batch, &limits, 1025));
	assert_false(netvsc_batch_fits(&batch, &limits, 0xFFFFFFFF));
	netvsc_batch_add(&batch, &limits, section, 1017);
	assert_false(netvsc_batch_fits(&batch, &limits, 1));
	batch = (struct netvsc_batch){};
	for (u32 i = 0; i < 3; i++)
		netvsc_batch_add(&batch, &limits, section, 100);
	assert_false(netvsc_batch_fits(&batch, &limits, 100));
}

static void ids_match_once(void **state)
{
	u32 generation = 0x7FFFFFFE, slot;
	u64 id = netvsc_id_make(generation, 3, 9);

	(void)state;
	assert_true(netvsc_id_parse(id, 3, 10, &slot));
	assert_int_equal(slot, 9);
	assert_false(netvsc_id_parse(id, 2, 10, &slot)); /* another queue's */
	assert_false(netvsc_id_parse(id, 3, 9, &slot)); /* no such slot */
	assert_false(netvsc_id_parse(id | NETVSC_ID_CONTROL, 3, 10, &slot));
	assert_false(netvsc_id_parse(0, 0, 10, &slot));
	assert_false(netvsc_id_parse(3 << 16 | 10, 3, 10, &slot)); /* no generation */
	assert_false(netvsc_id_parse(1ULL << 32 | 3 << 16, 3, 10, &slot)); /* no slot */
	generation = netvsc_generation_next(generation);
	assert_int_equal(generation, 0x7FFFFFFF);
	assert_int_equal(netvsc_generation_next(generation), 1);
}

static void pools_lend_each_number_once(void **state)
{
	struct netvsc_pool pool;
	u16 numbers[8];
	u32 number, held[5], seen = 0;

	(void)state;
	netvsc_pool_init(&pool, numbers, 8, 100, 5);
	for (u32 round = 0; round < 1000; round++) {
		u32 count = 1 + round % 5;

		for (u32 i = 0; i < count; i++) {
			assert_true(netvsc_pool_peek(&pool, &held[i]));
			assert_true(netvsc_pool_peek(&pool, &number) && number == held[i]);
			assert_true(number >= 100 && number < 105);
			assert_false(seen & 1u << (number - 100));
			seen |= 1u << (number - 100);
			netvsc_pool_take(&pool);
		}
		if (count == 5)
			assert_false(netvsc_pool_peek(&pool, &number));
		while (count--) {
			seen &= ~(1u << (held[count] - 100));
			netvsc_pool_give(&pool, held[count]);
		}
	}
	netvsc_pool_init(&pool, numbers, 8, 0, 0);
	assert_false(netvsc_pool_peek(&pool, &number));
}

static void rss_tables_fit_or_are_not_built(void **state)
{
	u32 table[NDIS_RSS_TABLE_MAX + 1] = { 0, 1, 0, 1 };
	u8 key[NDIS_RSS_KEY_BYTES] = { 1, 2, 3 };
	struct ndis_rss_parameters parameters;

	(void)state;
	for (u32 entries = 0; entries <= NDIS_RSS_TABLE_MAX; entries += 64) {
		u32 want = sizeof(parameters) + 4 * entries + NDIS_RSS_KEY_BYTES;
		u8 *value = malloc(want);

		assert_int_equal(netvsc_build_rss(value, want - 1, table, entries, key), 0);
		assert_int_equal(netvsc_build_rss(value, want, table, entries, key), want);
		memcpy(&parameters, value, sizeof(parameters));
		assert_int_equal(parameters.table_bytes, 4 * entries);
		assert_int_equal(parameters.key_offset + parameters.key_bytes, want);
		assert_memory_equal(value + parameters.key_offset, key, sizeof(key));
		assert_int_equal(!!(parameters.flags & NDIS_RSS_DISABLE), !entries);
		free(value);
	}
	assert_int_equal(netvsc_build_rss(NULL, 1 << 20, table, NDIS_RSS_TABLE_MAX + 1, key), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_read_back),
		cmocka_unit_test(segmentation_takes_the_place_of_checksums),
		cmocka_unit_test(tags_go_there_and_back),
		cmocka_unit_test(absurd_limits_mean_one_message),
		cmocka_unit_test(batches_are_walked),
		cmocka_unit_test(batches_end_at_their_limits),
		cmocka_unit_test(ids_match_once),
		cmocka_unit_test(pools_lend_each_number_once),
		cmocka_unit_test(rss_tables_fit_or_are_not_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
