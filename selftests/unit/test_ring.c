// SPDX-License-Identifier: GPL-2.0
// links: vmbus/ring.c host/ring.c
/*
 * Both ends of both rings in one process: packets, wrap-around, room, and who must wake whom. What
 * a lying host gets is in test_ring_lies.c, both ends at once from two threads in
 * test_ring_race.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ring_pair.h"

#define SIZE	   PAIR_PAGE
#define PACKET_MAX (SIZE - 16) /* with its trailer it leaves 8 bytes free */

static int setup(void **state)
{
	*state = pair_create(SIZE, SIZE);
	return 0;
}

static int teardown(void **state)
{
	pair_destroy(*state);
	return 0;
}

static void new_rings_are_empty(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(pair_host_read(pair), 0);
	assert_int_equal(pair_guest_read(pair), 0);
	assert_int_equal(pair->up_host.header->feature_bits, RING_FEATURE_PENDING_SEND_SIZE);
	assert_int_equal(pair->down_host.header->feature_bits, RING_FEATURE_PENDING_SEND_SIZE);
	assert_false(ring_out_must_signal(&pair->out));
	assert_false(ring_in_publish(&pair->in));
	assert_false(ring_in_unmask(&pair->in));
}

static void init_clears_what_an_earlier_life_left(void **state)
{
	struct pair *pair = *state;

	memset(pair->up_guest.header, 0xFF, PAIR_PAGE);
	memset(pair->down_guest.header, 0xFF, PAIR_PAGE);
	pair_start_at(pair, 0);
	assert_int_equal(pair->up_guest.header->pending_send_size, 0);
	assert_int_equal(pair->up_guest.header->interrupt_mask, 0);
	assert_int_equal(pair->down_guest.header->interrupt_mask, 0);
	assert_int_equal(pair_host_read(pair), 0);
	assert_int_equal(pair_guest_read(pair), 0);
}

static void nothing_shows_before_commit(void **state)
{
	struct pair *pair = *state;
	u8 *first = ring_out_reserve(&pair->out, 32);

	assert_ptr_equal(first, pair->up_guest.data);
	memset(first, 0xFF, 32);
	assert_int_equal(pair->up_host.header->write_index, 0);
	assert_int_equal(pair_host_read(pair), 0);
	assert_false(ring_out_must_signal(&pair->out));
	/* A reservation may be forgotten by taking another one. */
	assert_int_equal(pair_guest_send(pair, 5, 24), 0);
	assert_int_equal(pair->up_host.header->write_index, 24 + RING_TRAILER);
	assert_int_equal(pair_host_read(pair), 1);
	assert_int_equal(pair->packet.bytes, 24);
}

static void host_reads_what_the_guest_sent(struct pair *pair, u32 start, u32 bytes)
{
	u64 trailer;

	pair_start_at(pair, start);
	assert_int_equal(pair_guest_send(pair, start + bytes, bytes), 0);
	assert_int_equal(pair_host_read(pair), 1);
	assert_int_equal(pair->packet.desc.type, PACKET_INBAND);
	assert_int_equal(pair->packet.desc.flags, PACKET_FLAG_COMPLETION_REQUESTED);
	assert_int_equal(pair->packet.desc.transaction_id, start + bytes);
	assert_int_equal(pair->packet.bytes, bytes);
	assert_int_equal(pair->packet.payload, 16);
	assert_true(pair_filled(pair->packet.data + 16, start + bytes, bytes - 16));
	memcpy(&trailer, pair->up_host.data + start + bytes, sizeof(trailer));
	assert_true(trailer == (u64)start << 32);
	assert_int_equal(pair->up_host.header->write_index, (start + bytes + RING_TRAILER) % SIZE);
	assert_int_equal(pair_host_read(pair), 0);
	assert_false(ring_reader_publish(&pair->reader));
	assert_int_equal(pair->up_guest.header->read_index, (start + bytes + RING_TRAILER) % SIZE);
}

static void guest_reads_what_the_host_sent(struct pair *pair, u32 start, u32 bytes)
{
	pair_start_at(pair, start);
	assert_int_equal(pair_host_send(pair, start + bytes, bytes), 0);
	assert_int_equal(pair_guest_read(pair), 1);
	assert_int_equal(pair->got.type, PACKET_COMPLETION);
	assert_int_equal(pair->got.flags, 0);
	assert_int_equal(pair->got.transaction_id, start + bytes);
	assert_int_equal(pair->got.payload_bytes, bytes - 16);
	assert_int_equal(pair->got.ranges_bytes, 0);
	assert_true(pair_filled(pair->got.payload, start + bytes, bytes - 16));
	assert_int_equal(pair_guest_read(pair), 0);
	assert_int_equal(pair->down_host.header->read_index, start);
	assert_false(ring_in_publish(&pair->in));
	assert_int_equal(pair->down_host.header->read_index, (start + bytes + RING_TRAILER) % SIZE);
}

static const u32 lengths[] = { 16, 24, 48, 208, 1024, 4000, PACKET_MAX };

static void up_wraps_at_every_offset(void **state)
{
	for (u32 start = 0; start < SIZE; start += 8)
		for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			host_reads_what_the_guest_sent(*state, start, lengths[i]);
}

static void down_wraps_at_every_offset(void **state)
{
	for (u32 start = 0; start < SIZE; start += 8)
		for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			guest_reads_what_the_host_sent(*state, start, lengths[i]);
}

static void up_is_never_filled_completely(void **state)
{
	struct pair *pair = *state;
	u32 count = 0;

	/* 8 bytes must stay free: 4088 = 170 * 24 + 8. */
	while (!pair_guest_send(pair, count, 16))
		count++;
	assert_int_equal(count, 170);
	assert_int_equal(pair_guest_send(pair, 0, 16), -EAGAIN);
	assert_null(pair->out.broken);
	for (u32 i = 0; i < count; i++) {
		assert_int_equal(pair_host_read(pair), 1);
		assert_int_equal(pair->packet.desc.transaction_id, i);
	}
	assert_int_equal(pair_host_read(pair), 0);
	/* Read is not yet given back. */
	assert_int_equal(pair_guest_send(pair, 0, 16), -EAGAIN);
	ring_reader_publish(&pair->reader);
	assert_int_equal(pair_guest_send(pair, 0, PACKET_MAX), 0);
	assert_int_equal(pair_guest_send(pair, 0, 16), -EAGAIN);
}

static void up_is_full_to_the_last_unit(void **state)
{
	struct pair *pair = *state;

	/* What is left takes exactly the packet that leaves 8 bytes, and not 8 bytes more. */
	assert_int_equal(pair_guest_send(pair, 1, 3000), 0);
	assert_int_equal(pair_guest_send(pair, 2, SIZE - 3008 - 8), -EAGAIN);
	assert_int_equal(pair_guest_send(pair, 2, SIZE - 3008 - 16), 0);
	assert_int_equal(pair->out.write, SIZE - 8);
	assert_int_equal(pair_host_read(pair), 1);
	assert_int_equal(pair_host_read(pair), 1);
	assert_int_equal(pair_host_read(pair), 0);
}

static void what_is_no_packet_is_refused(void **state)
{
	static const u32 wrong[] = {
		0, 8, 15, 17, 20, SIZE - 8, SIZE, SIZE + 8, UINT32_MAX - 7, UINT32_MAX
	};
	struct pair *pair = *state;

	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(PTR_ERR(ring_out_reserve(&pair->out, wrong[i])), -EMSGSIZE);
	assert_null(pair->out.broken);
	assert_int_equal(pair->up_host.header->write_index, 0);
}

static void host_is_signalled_when_it_may_sleep(void **state)
{
	struct pair *pair = *state;

	/* Empty to non-empty: yes, and once for the whole batch. */
	pair_guest_send(pair, 1, 16);
	pair_guest_send(pair, 2, 16);
	assert_true(ring_out_must_signal(&pair->out));
	assert_false(ring_out_must_signal(&pair->out));
	/* It was told of the first two and has not come so far: no. */
	pair_guest_send(pair, 3, 16);
	assert_false(ring_out_must_signal(&pair->out));
	/* All read before we asked: no. */
	pair_guest_send(pair, 4, 16);
	while (pair_host_read(pair))
		;
	ring_reader_publish(&pair->reader);
	assert_false(ring_out_must_signal(&pair->out));
	/* It went to sleep in the middle of the batch: yes. */
	pair_guest_send(pair, 5, 16);
	assert_int_equal(pair_host_read(pair), 1);
	ring_reader_publish(&pair->reader);
	assert_false(ring_reader_unmask(&pair->reader));
	pair_guest_send(pair, 6, 16);
	assert_true(ring_out_must_signal(&pair->out));
	/* It is awake and says so: no. Its look after unmasking finds the packet. */
	ring_reader_mask(&pair->reader);
	assert_int_equal(pair_host_read(pair), 1);
	ring_reader_publish(&pair->reader);
	pair_guest_send(pair, 7, 16);
	assert_false(ring_out_must_signal(&pair->out));
	assert_true(ring_reader_unmask(&pair->reader));
}

static void guest_is_signalled_when_it_may_sleep(void **state)
{
	struct pair *pair = *state;

	pair_host_send(pair, 1, 16);
	pair_host_send(pair, 2, 16);
	assert_true(ring_writer_must_signal(&pair->writer));
	assert_false(ring_writer_must_signal(&pair->writer));
	pair_host_send(pair, 3, 16);
	assert_false(ring_writer_must_signal(&pair->writer));
	ring_in_mask(&pair->in);
	assert_int_equal(pair->down_host.header->interrupt_mask, 1);
	while (pair_guest_read(pair))
		;
	ring_in_publish(&pair->in);
	pair_host_send(pair, 4, 16);
	assert_false(ring_writer_must_signal(&pair->writer));
	/* The packet that nobody announced: unmasking finds it. */
	assert_true(ring_in_unmask(&pair->in));
	assert_int_equal(pair->down_host.header->interrupt_mask, 0);
	assert_int_equal(pair_guest_read(pair), 1);
	ring_in_publish(&pair->in);
	assert_false(ring_in_unmask(&pair->in));
	pair_host_send(pair, 5, 16);
	assert_true(ring_writer_must_signal(&pair->writer));
}

/*
 * A batch may be longer than the ring, if the host reads meanwhile; it may have fallen asleep
 * anywhere in it.
 */
static void up_batch_of_more_than_a_lap_signals(void **state)
{
	struct pair *pair = *state;

	pair_guest_send(pair, 1, 2800);
	assert_int_equal(pair_host_read(pair), 1);
	ring_reader_publish(&pair->reader);
	assert_false(ring_reader_unmask(&pair->reader)); /* asleep at 2808 */
	pair_guest_send(pair, 2, 3000); /* up to 1720 of the next lap */
	assert_true(ring_out_must_signal(&pair->out));
}

static void down_batch_of_more_than_a_lap_signals(void **state)
{
	struct pair *pair = *state;

	pair_host_send(pair, 1, 2800);
	assert_int_equal(pair_guest_read(pair), 1);
	ring_in_publish(&pair->in);
	assert_false(ring_in_unmask(&pair->in));
	pair_host_send(pair, 2, 3000);
	assert_true(ring_writer_must_signal(&pair->writer));
}

static void room_wanted_comes_with_one_signal(void **state)
{
	struct pair *pair = *state;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pair_guest_send(pair, i, 1000), 0);
	/*
	 * 4096 - 4 * 1008 = 64 are free; a packet of 1192 with its trailer needs 1200, and 8 stay
	 * free.
	 */
	assert_int_equal(pair_guest_send(pair, 4, 1192), -EAGAIN);
	assert_false(ring_out_want_room(&pair->out, 1192));
	assert_int_equal(pair->up_host.header->pending_send_size, 1200);
	assert_int_equal(pair_host_read(pair), 1);
	assert_false(ring_reader_publish(&pair->reader)); /* 1072 free: not enough */
	assert_int_equal(pair_guest_send(pair, 4, 1192), -EAGAIN);
	assert_int_equal(pair_host_read(pair), 1);
	assert_true(ring_reader_publish(&pair->reader)); /* 2080: crossed */
	assert_int_equal(pair_host_read(pair), 1);
	assert_false(ring_reader_publish(&pair->reader)); /* had it already */
	assert_false(ring_out_want_room(&pair->out, 0));
	assert_int_equal(pair->up_host.header->pending_send_size, 0);
	assert_int_equal(pair_guest_send(pair, 4, 1192), 0);
}

/* The host made room between our -EAGAIN and our wish: it saw no wish, so we must see the room. */
static void room_made_meanwhile_is_seen(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(pair_guest_send(pair, 1, PACKET_MAX), 0);
	assert_int_equal(pair_guest_send(pair, 2, 16), -EAGAIN);
	assert_int_equal(pair_host_read(pair), 1);
	assert_false(ring_reader_publish(&pair->reader));
	assert_true(ring_out_want_room(&pair->out, 16));
	assert_int_equal(pair->up_host.header->pending_send_size, 0);
	assert_int_equal(pair_guest_send(pair, 2, 16), 0);
}

/* At each amount of free space: the one side's "fits" is the other side's "crossed". */
static void both_ends_agree_what_enough_is(void **state)
{
	struct pair *pair = *state;

	for (u32 wanted = 16; wanted <= PACKET_MAX; wanted += 8) {
		bool signalled = false;
		u32 sent = 0;

		pair_start_at(pair, 8 * (wanted % 512));
		while (!pair_guest_send(pair, sent, 504))
			sent++;
		if (ring_out_want_room(&pair->out, wanted))
			continue;
		while (!signalled && pair_host_read(pair) == 1) {
			bool fits;

			signalled = ring_reader_publish(&pair->reader);
			fits = !IS_ERR(ring_out_reserve(&pair->out, wanted));
			assert_int_equal(fits, signalled);
		}
		assert_true(signalled);
	}
}

static void guest_tells_the_host_of_room(void **state)
{
	struct pair *pair = *state;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pair_host_send(pair, i, 1000), 0);
	ring_writer_want_room(&pair->writer, 1200);
	assert_int_equal(pair_guest_read(pair), 1);
	assert_false(ring_in_publish(&pair->in));
	assert_int_equal(pair_guest_read(pair), 1);
	assert_true(ring_in_publish(&pair->in));
	assert_false(ring_in_publish(&pair->in));
	assert_int_equal(pair_guest_read(pair), 1);
	assert_false(ring_in_publish(&pair->in));
	assert_int_equal(pair_host_send(pair, 4, 1192), 0);
}

/*
 * What the host wrote since the guest last looked counts: judged by an older write index the wish
 * seems granted.
 */
static void guest_judges_room_by_a_fresh_index(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(pair_host_send(pair, 1, 1000), 0);
	assert_int_equal(pair_guest_read(pair), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pair_host_send(pair, i, 1000), 0);
	ring_writer_want_room(&pair->writer, 1000);
	assert_true(ring_in_publish(&pair->in));
}

static void ranges_are_told_from_payload(void **state)
{
	const struct packet_desc desc = { .type = PACKET_XFER_PAGES,
					  .offset8 = 4,
					  .transaction_id = 9 };
	const u64 ranges[2] = { 0x1122334455667788, 0x99AABBCCDDEEFF00 };
	const struct ring_piece pieces[] = { { ranges, 16 }, { "payload", 8 } };
	struct pair *pair = *state;

	assert_int_equal(ring_write(&pair->writer, &desc, pieces, 2), 0);
	assert_int_equal(pair_guest_read(pair), 1);
	assert_int_equal(pair->got.type, PACKET_XFER_PAGES);
	assert_int_equal(pair->got.ranges_bytes, 16);
	assert_memory_equal(pair->got.ranges, ranges, 16);
	assert_int_equal(pair->got.payload_bytes, 8);
	assert_memory_equal(pair->got.payload, "payload", 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_rings_are_empty),
		TEST(init_clears_what_an_earlier_life_left),
		TEST(nothing_shows_before_commit),
		TEST(up_wraps_at_every_offset),
		TEST(down_wraps_at_every_offset),
		TEST(up_is_never_filled_completely),
		TEST(up_is_full_to_the_last_unit),
		TEST(what_is_no_packet_is_refused),
		TEST(host_is_signalled_when_it_may_sleep),
		TEST(guest_is_signalled_when_it_may_sleep),
		TEST(up_batch_of_more_than_a_lap_signals),
		TEST(down_batch_of_more_than_a_lap_signals),
		TEST(room_wanted_comes_with_one_signal),
		TEST(room_made_meanwhile_is_seen),
		TEST(both_ends_agree_what_enough_is),
		TEST(guest_tells_the_host_of_room),
		TEST(guest_judges_room_by_a_fresh_index),
		TEST(ranges_are_told_from_payload),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
