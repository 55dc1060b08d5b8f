// SPDX-License-Identifier: GPL-2.0
// links: host/ring.c host/guestmem.c host/pagemap.c
/*
 * The host's ring: packets through it, the signalling rules, and every lie a guest can tell in it.
 */
#include <errno.h>

#include "host_ring_fixture.h"

static void empty_ring_has_no_packet(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f), 0);
	assert_null(f->reader.ring.broken);
	assert_int_equal(f->header->feature_bits, RING_FEATURE_PENDING_SEND_SIZE);
	assert_int_equal(ring_writer_room(&f->writer), SIZE - 8);
}

static void packet_arrives_as_written(void **state)
{
	struct fixture *f = *state;
	struct packet_desc desc = {
		.type = PACKET_GPA_DIRECT, .flags = 1, .offset8 = 3, .transaction_id = 77
	};
	const uint64_t ranges = 0x1122334455667788;
	struct ring_piece pieces[] = { { &ranges, 8 }, { "hello", 5 }, { "you", 3 } };
	uint64_t trailer;

	assert_int_equal(ring_write(&f->writer, &desc, pieces, 3), 0);
	assert_int_equal(get(f), 1);
	assert_int_equal(f->packet.bytes, 32);
	assert_int_equal(f->packet.payload, 24);
	assert_int_equal(f->packet.desc.type, PACKET_GPA_DIRECT);
	assert_int_equal(f->packet.desc.flags, 1);
	assert_int_equal(f->packet.desc.transaction_id, 77);
	assert_memory_equal(f->packet.data, &f->packet.desc, 16);
	assert_memory_equal(f->packet.data + 16, &ranges, 8);
	assert_memory_equal(f->packet.data + 24, "helloyou", 8);
	memcpy(&trailer, f->guest + 4096 + 32, 8);
	assert_true(trailer == 0);
	assert_int_equal(get(f), 0);
}

static void payload_is_padded_with_zeroes(void **state)
{
	struct fixture *f = *state;

	memset(f->guest + 4096, 0xFF, SIZE);
	assert_int_equal(put(f, 1, "abc", 3), 0);
	assert_int_equal(get(f), 1);
	assert_int_equal(f->packet.bytes, 24);
	assert_memory_equal(f->packet.data + 16, "abc\0\0\0\0\0", 8);
}

static void packets_cross_the_end(void **state)
{
	struct fixture *f = *state;
	uint8_t payload[1000];

	for (unsigned int i = 0; i < 500; i++) {
		uint32_t bytes = (i * 37) % sizeof(payload);
		uint64_t trailer;

		memset(payload, i, bytes);
		assert_int_equal(put(f, i + 1, payload, bytes), 0);
		memcpy(&trailer, f->writer.ring.data + f->reader.read + 16 + (bytes + 7) / 8 * 8,
		       8);
		assert_true(trailer >> 32 == f->reader.read);
		assert_int_equal(get(f), 1);
		assert_int_equal(f->packet.desc.transaction_id, i + 1);
		assert_memory_equal(f->packet.data + 16, payload, bytes);
		ring_reader_publish(&f->reader);
	}
	assert_true(f->header->write_index < SIZE);
}

static void ring_is_never_filled_to_the_end(void **state)
{
	struct fixture *f = *state;
	uint8_t payload[SIZE] = { 0 };

	/* 1024 bytes each: eight would fill it. */
	for (int i = 0; i < 7; i++)
		assert_int_equal(put(f, 1, payload, 1000), 0);
	assert_int_equal(ring_writer_room(&f->writer), 1016);
	assert_int_equal(put(f, 1, payload, 1000), -EAGAIN);
	assert_int_equal(put(f, 1, payload, 992), 0);
	assert_int_equal(ring_writer_room(&f->writer), 0);
	assert_int_equal(put(f, 1, payload, 0), -EAGAIN);
	for (int i = 0; i < 8; i++)
		assert_int_equal(get(f), 1);
	assert_int_equal(get(f), 0);
	assert_int_equal(put(f, 1, payload, 0), -EAGAIN); /* read, but not given back yet */
	ring_reader_publish(&f->reader);
	assert_int_equal(put(f, 1, payload, SIZE - 32), 0);
}

static void packet_larger_than_the_ring_never_fits(void **state)
{
	struct fixture *f = *state;
	static const uint8_t payload[SIZE];

	assert_int_equal(put(f, 1, payload, SIZE - 31), -EMSGSIZE);
	assert_int_equal(put(f, 1, payload, UINT32_MAX), -EMSGSIZE);
	assert_null(f->writer.ring.broken);
	assert_int_equal(f->header->write_index, 0);
}

/* Lies of the guest in the ring that the host reads. */

static void expect_broken(struct fixture *f, const char *rule)
{
	assert_int_equal(get(f), -EIO);
	assert_string_equal(f->reader.ring.broken, rule);
	/* Sticky, even if the guest repairs it. */
	f->header->write_index = 0;
	assert_int_equal(get(f), -EIO);
	assert_string_equal(f->reader.ring.broken, rule);
	assert_false(ring_reader_publish(&f->reader));
	assert_false(ring_reader_unmask(&f->reader));
}

static void lie_index_past_the_end(void **state)
{
	struct fixture *f = *state;

	f->header->write_index = SIZE;
	expect_broken(f, "ring index past the end");
}

static void lie_index_far_past_the_end(void **state)
{
	struct fixture *f = *state;

	f->header->write_index = 0xFFFFFFF8;
	expect_broken(f, "ring index past the end");
}

static void lie_misaligned_index(void **state)
{
	struct fixture *f = *state;

	f->header->write_index = 36;
	expect_broken(f, "ring index not a multiple of 8");
}

static void lie_less_than_a_packet(void **state)
{
	struct fixture *f = *state;

	f->header->write_index = 16;
	expect_broken(f, "less than a packet in the ring");
}

static void put_desc(struct fixture *f, uint16_t offset8, uint16_t len8, uint32_t write_index)
{
	struct packet_desc desc = { .type = PACKET_INBAND, .offset8 = offset8, .len8 = len8 };

	memcpy(f->guest + 4096, &desc, sizeof(desc));
	f->header->write_index = write_index;
}

static void lie_length_below_descriptor(void **state)
{
	put_desc(*state, 2, 1, 64);
	expect_broken(*state, "packet shorter than its descriptor");
}

static void lie_length_zero(void **state)
{
	put_desc(*state, 0, 0, 64);
	expect_broken(*state, "packet shorter than its descriptor");
}

static void lie_length_beyond_available(void **state)
{
	put_desc(*state, 2, 8, 64); /* 64 bytes, but then no trailer */
	expect_broken(*state, "packet longer than what is in the ring");
}

static void lie_longest_length(void **state)
{
	put_desc(*state, 2, 0xFFFF, SIZE - 8);
	expect_broken(*state, "packet longer than what is in the ring");
}

static void lie_offset_beyond_length(void **state)
{
	put_desc(*state, 8, 7, 64);
	expect_broken(*state, "packet payload outside the packet");
}

static void lie_offset_inside_descriptor(void **state)
{
	put_desc(*state, 1, 7, 64);
	expect_broken(*state, "packet payload outside the packet");
}

static void lie_longer_than_the_protocol_has(void **state)
{
	put_desc(*state, 2, ROOM / 8 + 1, SIZE - 8);
	expect_broken(*state, "packet longer than its protocol has");
}

static void longest_packet_is_taken(void **state)
{
	struct fixture *f = *state;

	put_desc(f, ROOM / 8, ROOM / 8, ROOM + RING_TRAILER);
	assert_int_equal(get(f), 1);
	assert_int_equal(f->packet.bytes, ROOM);
	assert_int_equal(f->packet.payload, ROOM);
}

/* The guest rewrites the length while the host reads: what was checked is what was used. */
static void *flip_length(void *context)
{
	struct fixture *f = context;
	uint16_t *len8 = (uint16_t *)(f->guest + 4096 + offsetof(struct packet_desc, len8));

	while (!__atomic_load_n(&f->header->reserved1[0], __ATOMIC_RELAXED)) {
		__atomic_store_n(len8, 0xFFFF, __ATOMIC_RELAXED);
		__atomic_store_n(len8, 3, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void lie_length_changes_under_the_reader(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	put_desc(f, 2, 3, 64);
	pthread_create(&thread, NULL, flip_length, f);
	for (int i = 0; i < 200000; i++) {
		ring_reader_init(&f->reader, (struct ring_header *)f->host, f->host + 4096, SIZE);
		if (get(f) == 1) {
			assert_int_equal(f->packet.bytes, 24);
			assert_memory_equal(f->packet.data, &f->packet.desc, 16);
		} else {
			assert_string_equal(f->reader.ring.broken,
					    "packet longer than what is in the ring");
		}
	}
	__atomic_store_n(&f->header->reserved1[0], 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* Lies in the ring that the host writes: the index of the guest as reader. */
static void lie_read_index(void **state)
{
	const uint32_t lies[] = { SIZE, 4, 0xFFFFFFFF };
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 3; i++) {
		f->header->read_index = 0;
		f->header->write_index = 0;
		ring_writer_init(&f->writer, f->header, f->guest + 4096, SIZE);
		f->header->read_index = lies[i];
		assert_int_equal(put(f, 1, "x", 1), -EIO);
		assert_non_null(f->writer.ring.broken);
		assert_int_equal(f->header->write_index, 0);
		assert_int_equal(ring_writer_room(&f->writer), 0);
		assert_false(ring_writer_must_signal(&f->writer));
		f->header->read_index = 0;
		assert_int_equal(put(f, 1, "x", 1), -EIO);
	}
}

static void lie_read_index_at_signal(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, 1, "x", 1), 0);
	f->header->read_index = 12;
	assert_false(ring_writer_must_signal(&f->writer));
	assert_int_equal(put(f, 1, "x", 1), -EIO);
}

static void lie_own_index_at_open(void **state)
{
	struct fixture *f = *state;

	f->header->read_index = SIZE + 8;
	ring_reader_init(&f->reader, f->header, f->guest + 4096, SIZE);
	assert_int_equal(get(f), -EIO);
	f->header->write_index = 3;
	ring_writer_init(&f->writer, f->header, f->guest + 4096, SIZE);
	assert_int_equal(put(f, 1, "x", 1), -EIO);
}

/* Our own index in shared memory means nothing to us. */
static void lie_about_our_index_is_not_heard(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, 5, "x", 1), 0);
	f->header->read_index = 4096;
	assert_int_equal(get(f), 1);
	assert_int_equal(f->packet.desc.transaction_id, 5);
	ring_reader_publish(&f->reader);
	assert_int_equal(f->header->read_index, 32);
}

/* Signalling. */

static void signal_on_empty_to_non_empty_only(void **state)
{
	struct fixture *f = *state;

	assert_false(ring_writer_must_signal(&f->writer));
	put(f, 1, "x", 1);
	put(f, 2, "x", 1);
	assert_true(ring_writer_must_signal(&f->writer));
	assert_false(ring_writer_must_signal(&f->writer)); /* once per batch */
	put(f, 3, "x", 1);
	assert_false(ring_writer_must_signal(&f->writer)); /* it has not read the first ones */
	for (int i = 0; i < 3; i++)
		get(f);
	ring_reader_publish(&f->reader);
	put(f, 4, "x", 1);
	assert_true(ring_writer_must_signal(&f->writer));
}

static void signal_when_the_guest_slept_inside_the_batch(void **state)
{
	struct fixture *f = *state;

	put(f, 1, "x", 1);
	assert_true(ring_writer_must_signal(&f->writer));
	put(f, 2, "x", 1);
	get(f);
	get(f);
	ring_reader_publish(&f->reader); /* empty: it may sleep from here on */
	put(f, 3, "x", 1);
	assert_true(ring_writer_must_signal(&f->writer));
	put(f, 4, "x", 1);
	get(f);
	get(f);
	ring_reader_publish(&f->reader); /* it has all of the batch already */
	assert_false(ring_writer_must_signal(&f->writer));
}

static void no_signal_while_masked(void **state)
{
	struct fixture *f = *state;

	ring_reader_mask(&f->reader);
	put(f, 1, "x", 1);
	assert_false(ring_writer_must_signal(&f->writer));
	assert_true(ring_reader_unmask(&f->reader)); /* it came meanwhile: the reader must look */
	assert_int_equal(get(f), 1);
	ring_reader_publish(&f->reader);
	assert_false(ring_reader_unmask(&f->reader));
	put(f, 1, "x", 1);
	assert_true(ring_writer_must_signal(&f->writer));
}

static void room_is_announced_when_it_crosses(void **state)
{
	struct fixture *f = *state;
	uint8_t payload[1000] = { 0 };

	for (int i = 0; i < 7; i++)
		put(f, 1, payload, 1000);
	assert_false(ring_reader_publish(&f->reader)); /* nothing consumed */
	ring_writer_want_room(&f->writer, 2048);
	get(f);
	assert_false(ring_reader_publish(&f->reader)); /* 2048 free: one too few */
	get(f);
	assert_true(ring_reader_publish(&f->reader));
	get(f);
	assert_false(ring_reader_publish(&f->reader)); /* it was enough before */
	ring_writer_want_room(&f->writer, 0);
	get(f);
	assert_false(ring_reader_publish(&f->reader)); /* nobody waits */
}

/*
 * The reader's idea of the writer's index is older than the wish: judged by it, room would seem to
 * have been there.
 */
static void room_is_judged_by_the_newest_write_index(void **state)
{
	struct fixture *f = *state;
	uint8_t payload[1000] = { 0 };

	put(f, 1, payload, 1000);
	assert_int_equal(get(f), 1); /* has seen the index as of now */
	for (int i = 0; i < 6; i++)
		put(f, 1, payload, 1000);
	ring_writer_want_room(&f->writer, 1024);
	assert_true(ring_reader_publish(&f->reader));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(empty_ring_has_no_packet),
		CASE(packet_arrives_as_written),
		CASE(payload_is_padded_with_zeroes),
		CASE(packets_cross_the_end),
		CASE(ring_is_never_filled_to_the_end),
		CASE(packet_larger_than_the_ring_never_fits),
		CASE(lie_index_past_the_end),
		CASE(lie_index_far_past_the_end),
		CASE(lie_misaligned_index),
		CASE(lie_less_than_a_packet),
		CASE(lie_length_below_descriptor),
		CASE(lie_length_zero),
		CASE(lie_length_beyond_available),
		CASE(lie_longest_length),
		CASE(lie_offset_beyond_length),
		CASE(lie_offset_inside_descriptor),
		CASE(lie_longer_than_the_protocol_has),
		CASE(longest_packet_is_taken),
		CASE(lie_length_changes_under_the_reader),
		CASE(lie_read_index),
		CASE(lie_read_index_at_signal),
		CASE(lie_own_index_at_open),
		CASE(lie_about_our_index_is_not_heard),
		CASE(signal_on_empty_to_non_empty_only),
		CASE(signal_when_the_guest_slept_inside_the_batch),
		CASE(no_signal_while_masked),
		CASE(room_is_announced_when_it_crosses),
		CASE(room_is_judged_by_the_newest_write_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
