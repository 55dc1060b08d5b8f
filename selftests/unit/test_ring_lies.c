// SPDX-License-Identifier: GPL-2.0
// links: vmbus/ring.c host/ring.c
/*
 * What the guest's ring does with a host that lies: each impossible index, length and offset is
 * refused by a rule with a name, once and for good, and changes under the reader's hands have no
 * effect. All memory around the private copy is ASAN's.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "ring_pair.h"

#define SIZE	  (2 * PAIR_PAGE)
#define COPY	  256u

#define BAD_READ  "the host's read index is outside the ring or not 8-aligned"
#define BAD_WRITE "the host's write index is outside the ring or not 8-aligned"
#define SHORT	  "a packet is shorter than its descriptor"
#define LONG	  "a packet is longer than what is in the ring"
#define LARGE	  "a packet is larger than this channel's protocol has"
#define INSIDE	  "a packet's payload starts inside its descriptor"
#define BEHIND	  "a packet's payload starts behind its end"
#define LITTLE	  "what is in the ring is shorter than a packet"

static int setup(void **state)
{
	*state = pair_create(SIZE, COPY);
	return 0;
}

static int teardown(void **state)
{
	pair_destroy(*state);
	return 0;
}

static const u32 bad_indices[] = { SIZE,       SIZE + 8, SIZE * 2, 0x80000000, 0xFFFFFFF8,
				   0xFFFFFFFF, 1,	 4,	   7,	       SIZE - 1 };
#define BAD_INDICES (sizeof(bad_indices) / sizeof(bad_indices[0]))

/* Everything on a broken ring to the host fails fast, also after the host took its lie back. */
static void expect_out_broken(struct pair *pair)
{
	assert_string_equal(pair->out.broken, BAD_READ);
	pair->up_host.header->read_index = pair->out.write;
	assert_int_equal(PTR_ERR(ring_out_reserve(&pair->out, 16)), -EIO);
	assert_false(ring_out_must_signal(&pair->out));
	assert_true(ring_out_want_room(&pair->out, 16));
	assert_int_equal(pair->up_host.header->pending_send_size, 0);
	assert_string_equal(pair->out.broken, BAD_READ);
}

static void bad_read_index_at_reserve(void **state)
{
	struct pair *pair = *state;

	for (unsigned int i = 0; i < BAD_INDICES; i++) {
		pair_start_at(pair, 0);
		pair->up_host.header->read_index = bad_indices[i];
		assert_int_equal(PTR_ERR(ring_out_reserve(&pair->out, 16)), -EIO);
		expect_out_broken(pair);
	}
}

static void bad_read_index_at_signal(void **state)
{
	struct pair *pair = *state;

	for (unsigned int i = 0; i < BAD_INDICES; i++) {
		pair_start_at(pair, 0);
		assert_int_equal(pair_guest_send(pair, 1, 16), 0);
		pair->up_host.header->read_index = bad_indices[i];
		assert_false(ring_out_must_signal(&pair->out));
		expect_out_broken(pair);
	}
}

static void bad_read_index_at_want_room(void **state)
{
	struct pair *pair = *state;

	for (unsigned int i = 0; i < BAD_INDICES; i++) {
		pair_start_at(pair, 0);
		pair->up_host.header->read_index = bad_indices[i];
		assert_true(ring_out_want_room(&pair->out, 16));
		expect_out_broken(pair);
	}
}

/* A read index that is possible but false costs the host its own packets, and nothing else. */
static void false_read_index_stays_in_the_ring(void **state)
{
	struct pair *pair = *state;
	u32 seed = 1;

	for (int i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		pair->up_host.header->read_index = seed % SIZE / 8 * 8;
		assert_in_range(-pair_guest_send(pair, i, 16 + (seed >> 16) % 500 * 8), 0, EAGAIN);
		assert_in_range(pair->out.write, 0, SIZE - 8);
		ring_out_must_signal(&pair->out);
	}
	assert_null(pair->out.broken);
}

static void expect_in_broken(struct pair *pair, const char *rule)
{
	const u32 read = pair->down_host.header->read_index;

	assert_string_equal(pair->in.broken, rule);
	pair->down_host.header->write_index = read;
	assert_int_equal(pair_guest_read(pair), -EIO);
	assert_false(ring_in_publish(&pair->in));
	assert_false(ring_in_unmask(&pair->in));
	assert_string_equal(pair->in.broken, rule);
	assert_int_equal(pair->down_host.header->read_index, read);
}

static void bad_write_index_at_read(void **state)
{
	struct pair *pair = *state;

	for (unsigned int i = 0; i < BAD_INDICES; i++) {
		pair_start_at(pair, 0);
		pair->down_host.header->write_index = bad_indices[i];
		assert_int_equal(pair_guest_read(pair), -EIO);
		expect_in_broken(pair, BAD_WRITE);
	}
}

/*
 * True once, so that the reader comes and finds -EIO; then false, so that no loop turns for ever.
 */
static void bad_write_index_at_unmask(void **state)
{
	struct pair *pair = *state;

	for (unsigned int i = 0; i < BAD_INDICES; i++) {
		pair_start_at(pair, 0);
		pair->down_host.header->write_index = bad_indices[i];
		assert_true(ring_in_unmask(&pair->in));
		assert_int_equal(pair_guest_read(pair), -EIO);
		expect_in_broken(pair, BAD_WRITE);
	}
}

/* Only a signal depends on it here; the next look at the ring reports it. */
static void bad_write_index_at_publish(void **state)
{
	struct pair *pair = *state;

	for (unsigned int i = 0; i < BAD_INDICES; i++) {
		pair_start_at(pair, 0);
		assert_int_equal(pair_host_send(pair, 1, 16), 0);
		assert_int_equal(pair_guest_read(pair), 1);
		ring_writer_want_room(&pair->writer, 1000);
		pair->down_host.header->write_index = bad_indices[i];
		assert_false(ring_in_publish(&pair->in));
		assert_true(ring_in_unmask(&pair->in));
		assert_int_equal(pair_guest_read(pair), -EIO);
		expect_in_broken(pair, BAD_WRITE);
	}
}

struct lie {
	u16 type, offset8, len8;
	u32 available; /* bytes between the indices */
	const char *rule; /* NULL: no lie */
};

static const struct lie lies[] = {
	{ PACKET_INBAND, 2, 2, 24, NULL },
	{ PACKET_INBAND, 2, 0, 24, SHORT },
	{ PACKET_INBAND, 2, 1, 24, SHORT },
	{ PACKET_INBAND, 0, 0, 4096, SHORT },
	{ PACKET_INBAND, 2, 3, 24, LONG },
	{ PACKET_INBAND, 2, 2, 16, LITTLE },
	{ PACKET_INBAND, 2, 2, 8, LITTLE },
	{ PACKET_INBAND, 2, COPY / 8, COPY, LONG },
	{ PACKET_INBAND, 2, COPY / 8, COPY + 8, NULL },
	{ PACKET_INBAND, 2, COPY / 8 + 1, 4096, LARGE },
	{ PACKET_INBAND, 2, 0xFFFF, 4096, LONG },
	{ PACKET_INBAND, 2, 0x2000, 4096, LONG }, /* 65536: zero in 16 bits */
	{ PACKET_INBAND, 2, 0x2002, 4096, LONG },
	{ PACKET_INBAND, 2, 1022, SIZE - 8, LARGE },
	{ PACKET_INBAND, 0, 4, 40, INSIDE },
	{ PACKET_INBAND, 1, 4, 40, INSIDE },
	{ PACKET_INBAND, 4, 4, 40, NULL },
	{ PACKET_INBAND, 5, 4, 40, BEHIND },
	{ PACKET_INBAND, 0xFFFF, 4, 40, BEHIND },
	{ PACKET_INBAND, 0x2002, 4, 40, BEHIND },
	{ PACKET_COMPLETION, 1, 4, 40, INSIDE },
	{ PACKET_COMPLETION, 2, 4, 40, NULL },
	{ PACKET_XFER_PAGES, 2, 4, 40, INSIDE },
	{ PACKET_XFER_PAGES, 3, 4, 40, NULL },
	{ PACKET_XFER_PAGES, 3, 2, 24, BEHIND },
	{ PACKET_GPA_DIRECT, 2, 4, 40, INSIDE },
	{ PACKET_GPA_DIRECT, 3, 4, 40, NULL },
	{ 0xFFFF, 1, 4, 40, INSIDE }, /* what type it is, is the driver's question */
	{ 0xFFFF, 2, 4, 40, NULL },
};

static void tell(struct pair *pair, const struct lie *lie, u32 start)
{
	const struct packet_desc desc = { .type = lie->type,
					  .offset8 = lie->offset8,
					  .len8 = lie->len8 };

	pair_start_at(pair, start);
	memset(pair->guest_copy, 0xA5, COPY);
	memcpy(pair->down_host.data + start, &desc, sizeof(desc));
	pair->down_host.header->write_index = (start + lie->available) % SIZE;
}

/* At several places of the ring, the last ones with the descriptor or the packet across its end. */
static void each_lie_is_refused_by_name(void **state)
{
	static const u32 starts[] = { 0, 8, 4096, SIZE - 16, SIZE - 8 };
	struct pair *pair = *state;

	for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		for (unsigned int j = 0; j < sizeof(starts) / sizeof(starts[0]); j++) {
			tell(pair, &lies[i], starts[j]);
			assert_int_equal(pair_guest_read(pair), lies[i].rule ? -EIO : 1);
			if (lies[i].rule) {
				expect_in_broken(pair, lies[i].rule);
				continue;
			}
			assert_null(pair->in.broken);
			assert_int_equal(pair->got.ranges_bytes + pair->got.payload_bytes + 16,
					 lies[i].len8 * 8);
		}
	}
}

/* A refused packet is not even copied. */
static void refused_packet_leaves_the_copy_alone(void **state)
{
	struct pair *pair = *state;

	for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (!lies[i].rule)
			continue;
		tell(pair, &lies[i], 0);
		assert_int_equal(pair_guest_read(pair), -EIO);
		for (u32 j = 0; j < COPY; j++)
			assert_int_equal(pair->guest_copy[j], 0xA5);
	}
}

static void packet_does_not_change_after_it_was_read(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(pair_host_send(pair, 3, 128), 0);
	assert_int_equal(pair_guest_read(pair), 1);
	memset(pair->down_host.data, 0xFF, SIZE);
	assert_true(pair_filled(pair->got.payload, 3, 112));
	assert_int_equal(pair->got.type, PACKET_COMPLETION);
	assert_int_equal(pair->got.payload_bytes, 112);
}

struct liar {
	struct pair *pair;
	bool stop;
};

/*
 * Rewrites the descriptor of the packet being read, between an honest one and several impossible
 * ones.
 */
static void *flip_descriptor(void *arg)
{
	struct liar *liar = arg;
	u64 *words = (u64 *)liar->pair->down_host.data;
	u32 i = 0;

	while (!__atomic_load_n(&liar->stop, __ATOMIC_RELAXED)) {
		const struct lie *lie = &lies[i++ % (sizeof(lies) / sizeof(lies[0]))];
		const u64 word = lie->type | (u64)lie->offset8 << 16 | (u64)lie->len8 << 32;

		__atomic_store_n(words, word, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void changes_during_the_read_have_no_effect(void **state)
{
	struct pair *pair = *state;
	struct liar liar = { .pair = pair };
	struct timespec now, end;
	u32 accepted = 0, refused = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, flip_descriptor, &liar), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	do {
		pair_start_at(pair, 0);
		pair->down_host.header->write_index = COPY + 8;
		if (pair_guest_read(pair) == 1) {
			accepted++;
			assert_in_range(pair->got.payload_bytes + pair->got.ranges_bytes, 0,
					COPY - 16);
			assert_ptr_equal((u8 *)pair->got.payload,
					 pair->guest_copy + 16 + pair->got.ranges_bytes);
		} else {
			refused++;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec || !accepted || !refused);
	__atomic_store_n(&liar.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_read_index_at_reserve),
		TEST(bad_read_index_at_signal),
		TEST(bad_read_index_at_want_room),
		TEST(false_read_index_stays_in_the_ring),
		TEST(bad_write_index_at_read),
		TEST(bad_write_index_at_unmask),
		TEST(bad_write_index_at_publish),
		TEST(each_lie_is_refused_by_name),
		TEST(refused_packet_leaves_the_copy_alone),
		TEST(packet_does_not_change_after_it_was_read),
		TEST(changes_during_the_read_have_no_effect),
	};

	return cmocka_run_group_tests_name("ring lies", tests, NULL, NULL);
}
