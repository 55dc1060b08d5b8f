// SPDX-License-Identifier: GPL-2.0
// links: netvsc/rndis_parse.c
/*
 * Received RNDIS messages as the guest's driver reads them: what is right is found, what lies outside is refused. The guest's real
 * source, compiled here. Each message lies at the end of an exact allocation, so that ASAN sees one byte too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netvsc/rndis_parse.h"
#include "wire/ndis.h"

#define HEAD 44u

struct message {
	struct rndis_header header;
	struct rndis_packet packet;
	u8 rest[400];
};

/* A frame of @data bytes behind @ppis bytes of information. */
static struct message make(u32 ppis, u32 data)
{
	struct message message = {
		.header = { RNDIS_PACKET, HEAD + ppis + data },
		.packet = {
			.data_offset = HEAD - 8 + ppis, .data_bytes = data,
			.ppi_offset = ppis ? HEAD - 8 : 0, .ppi_bytes = ppis,
		},
	};

	return message;
}

static u32 add(struct message *message, u32 at, u32 type, u32 value)
{
	const struct rndis_ppi ppi = { 16, type, 12 };

	memcpy(message->rest + at, &ppi, sizeof(ppi));
	memcpy(message->rest + at + 12, &value, sizeof(value));
	return at + 16;
}

static enum netvsc_verdict parse(struct netvsc_frame *frame, const struct message *message, u32 bytes)
{
	u8 *copy = malloc(bytes ? bytes : 1);
	enum netvsc_verdict verdict;

	memcpy(copy, message, bytes);
	verdict = netvsc_parse_frame(frame, copy, bytes, bytes);
	free(copy);
	return verdict;
}

static void a_plain_frame_is_found(void **state)
{
	struct message message = make(0, 60);
	struct netvsc_frame frame;

	(void)state;
	assert_int_equal(parse(&frame, &message, HEAD + 60), NETVSC_FINE);
	assert_int_equal(frame.data_at, HEAD);
	assert_int_equal(frame.data_bytes, 60);
	assert_int_equal(frame.has, 0);
	/* A range may be longer than its message, not shorter. */
	assert_int_equal(parse(&frame, &message, HEAD + 100), NETVSC_FINE);
	assert_int_equal(parse(&frame, &message, HEAD + 59), NETVSC_LENGTH);
}

static void information_is_read(void **state)
{
	struct message message = make(96, 60);
	const struct rndis_packet_id id = { 1, RNDIS_PACKET_ID_SUBALLOC | RNDIS_PACKET_ID_FIRST, 7 };
	struct netvsc_frame frame;
	u32 at, raw;

	(void)state;
	memcpy(&raw, &id, sizeof(raw));
	at = add(&message, 0, RNDIS_PPI_CHECKSUM, RNDIS_RX_TCP_SUCCEEDED);
	at = add(&message, at, RNDIS_PPI_VLAN, 0x123 << 4 | 5);
	at = add(&message, at, 4711, 0);
	at = add(&message, at, RNDIS_PPI_HASH, 0xABCD);
	at = add(&message, at, RNDIS_PPI_HASH_INFO, NDIS_HASH_TOEPLITZ | NDIS_HASH_IPV4);
	add(&message, at, RNDIS_PPI_PACKET_ID, raw);
	assert_int_equal(parse(&frame, &message, HEAD + 156), NETVSC_FINE);
	assert_int_equal(frame.has, NETVSC_HAS_CHECKSUM | NETVSC_HAS_VLAN | NETVSC_HAS_HASH | NETVSC_HAS_HASH_INFO |
					    NETVSC_HAS_ID);
	assert_int_equal(frame.hash_info, NDIS_HASH_TOEPLITZ | NDIS_HASH_IPV4);
	assert_int_equal(frame.checksum, RNDIS_RX_TCP_SUCCEEDED);
	assert_int_equal(frame.hash, 0xABCD);
	assert_int_equal(frame.id.id, 7);
	assert_int_equal(frame.unknown, 1);
	assert_int_equal(netvsc_vlan_tci(frame.vlan), 5 << 13 | 0x123);
	assert_int_equal(netvsc_vlan_tci(RNDIS_VLAN_CFI), 1 << 12);
}

static void every_length_is_safe(void **state)
{
	struct message message = make(32, 60);
	struct netvsc_frame frame;

	(void)state;
	add(&message, add(&message, 0, RNDIS_PPI_HASH, 1), RNDIS_PPI_CHECKSUM, 1);
	for (u32 bytes = 0; bytes < HEAD + 92; bytes++)
		assert_int_equal(parse(&frame, &message, bytes), bytes < HEAD ? NETVSC_SHORT : NETVSC_LENGTH);
	assert_int_equal(parse(&frame, &message, HEAD + 92), NETVSC_FINE);
}

static void data_outside_are_refused(void **state)
{
	static const u32 offsets[] = { 0, 35, 37, 0xFFFFFFFF, 0xFFFFFFF8, 0x80000000 };
	struct message message = make(0, 60);
	struct netvsc_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		message.packet.data_offset = offsets[i];
		assert_int_equal(parse(&frame, &message, HEAD + 60), NETVSC_DATA_OUTSIDE);
	}
	message = make(0, 60);
	message.packet.data_bytes = 0xFFFFFFFF;
	assert_int_equal(parse(&frame, &message, HEAD + 60), NETVSC_DATA_OUTSIDE);
	message.packet.data_bytes = 61;
	assert_int_equal(parse(&frame, &message, HEAD + 60), NETVSC_DATA_OUTSIDE);
	message = make(0, 60);
	message.header.length = 0xFFFFFFFF;
	assert_int_equal(parse(&frame, &message, HEAD + 60), NETVSC_LENGTH);
	message.header.length = HEAD - 1;
	assert_int_equal(parse(&frame, &message, HEAD + 60), NETVSC_LENGTH);
}

static void broken_information_is_refused(void **state)
{
	static const struct {
		u32 bytes, type, value_offset;
	} lies[] = {
		{ 0, 0, 12 }, { 11, 0, 12 }, { 17, 0, 12 }, { 20, 0, 12 }, { 0xFFFFFFFC, 0, 12 }, { 12, 0, 12 },
		{ 16, 0, 11 }, { 16, 0, 13 }, { 16, 0, 0xFFFFFFFF }, { 16, 6, 16 }, { 12, 4711, 12 },
	};
	struct message message = make(16, 60);
	struct netvsc_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const struct rndis_ppi ppi = { lies[i].bytes, lies[i].type, lies[i].value_offset };

		memcpy(message.rest, &ppi, sizeof(ppi));
		assert_int_equal(parse(&frame, &message, HEAD + 76), NETVSC_PPI_BROKEN);
	}
	add(&message, 0, RNDIS_PPI_HASH, 1);
	message.packet.ppi_offset = 35;
	assert_int_equal(parse(&frame, &message, HEAD + 76), NETVSC_PPI_OUTSIDE);
	message.packet.ppi_offset = 0xFFFFFFF0;
	assert_int_equal(parse(&frame, &message, HEAD + 76), NETVSC_PPI_OUTSIDE);
	message.packet.ppi_offset = 36;
	message.packet.ppi_bytes = 77;
	assert_int_equal(parse(&frame, &message, HEAD + 76), NETVSC_PPI_OUTSIDE);
}

/* The head that was copied ends before the information does. */
static void information_behind_the_head_is_refused(void **state)
{
	struct message message = make(32, 60);
	struct netvsc_frame frame;

	(void)state;
	add(&message, add(&message, 0, RNDIS_PPI_HASH, 1), RNDIS_PPI_CHECKSUM, 1);
	assert_int_equal(netvsc_parse_frame(&frame, &message, HEAD + 31, HEAD + 92), NETVSC_PPI_OUTSIDE);
	assert_int_equal(netvsc_parse_frame(&frame, &message, HEAD + 32, HEAD + 92), NETVSC_FINE);
}

static enum netvsc_part part(struct netvsc_parts *parts, u8 flags, u16 id, u32 bytes)
{
	const struct netvsc_frame frame = {
		.has = NETVSC_HAS_ID, .id = { 1, RNDIS_PACKET_ID_SUBALLOC | flags, id }, .data_bytes = bytes,
	};

	return netvsc_parts_add(parts, &frame);
}

#define FIRST RNDIS_PACKET_ID_FIRST
#define LAST RNDIS_PACKET_ID_LAST

static void parts_come_together(void **state)
{
	const struct netvsc_frame plain = { .data_bytes = 60 };
	struct netvsc_parts parts = {};

	(void)state;
	assert_int_equal(netvsc_parts_add(&parts, &plain), NETVSC_PART_WHOLE);
	assert_int_equal(part(&parts, FIRST, 1, 1000), NETVSC_PART_MORE);
	assert_int_equal(part(&parts, 0, 1, 1000), NETVSC_PART_MORE);
	assert_int_equal(part(&parts, LAST, 1, 500), NETVSC_PART_LAST);
	assert_int_equal(parts.bytes, 2500);
	parts.count = 0;
	assert_int_equal(part(&parts, FIRST | LAST, 2, 100), NETVSC_PART_LAST);
}

static void parts_that_do_not_fit_are_forgotten(void **state)
{
	const struct netvsc_frame plain = { .data_bytes = 60 };
	struct netvsc_parts parts = {};
	u32 i;

	(void)state;
	assert_int_equal(part(&parts, 0, 1, 100), NETVSC_PART_BROKEN); /* no first */
	assert_int_equal(part(&parts, FIRST, 1, 100), NETVSC_PART_MORE);
	assert_int_equal(part(&parts, FIRST, 1, 100), NETVSC_PART_BROKEN); /* another first */
	assert_int_equal(part(&parts, FIRST, 1, 100), NETVSC_PART_MORE);
	assert_int_equal(part(&parts, 0, 2, 100), NETVSC_PART_BROKEN); /* another frame's */
	assert_int_equal(part(&parts, FIRST, 1, 100), NETVSC_PART_MORE);
	assert_int_equal(netvsc_parts_add(&parts, &plain), NETVSC_PART_BROKEN); /* last is missing */
	assert_int_equal(netvsc_parts_add(&parts, &plain), NETVSC_PART_WHOLE); /* the next is clean */
	assert_int_equal(part(&parts, FIRST, 1, 60000), NETVSC_PART_MORE);
	assert_int_equal(part(&parts, 0, 1, 6000), NETVSC_PART_BROKEN); /* too long */
	assert_int_equal(part(&parts, FIRST, 1, 1), NETVSC_PART_MORE);
	for (i = 1; i < RNDIS_RSC_RANGES_MAX; i++)
		assert_int_equal(part(&parts, 0, 1, 1), NETVSC_PART_MORE);
	assert_int_equal(part(&parts, 0, 1, 1), NETVSC_PART_BROKEN); /* the 563rd */
	assert_int_equal(parts.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_frame_is_found),
		cmocka_unit_test(information_is_read),
		cmocka_unit_test(every_length_is_safe),
		cmocka_unit_test(data_outside_are_refused),
		cmocka_unit_test(broken_information_is_refused),
		cmocka_unit_test(information_behind_the_head_is_refused),
		cmocka_unit_test(parts_come_together),
		cmocka_unit_test(parts_that_do_not_fit_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
