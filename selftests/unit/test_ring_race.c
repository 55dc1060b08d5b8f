// SPDX-License-Identifier: GPL-2.0
// links: vmbus/ring.c host/ring.c
/*
 * Both ends of a ring at once, from two threads that sleep when the rules let them and wake by
 * doorbell only. A wake-up that gets lost leaves a thread asleep beyond LOST_MS, which fails the
 * test; a signal that nobody needed shows in the counts.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

#include <cmocka.h>

#include "ring_pair.h"

#define SIZE		 PAIR_PAGE
#define PACKET_BYTES_MAX 1024u
#define RUN_MS		 400u
#define LOST_MS		 3000

struct race {
	struct pair *pair;
	bool up; /* guest to host, or the other way */
	int data_bell, room_bell; /* eventfds */
	u64 sent, received; /* packets */
	bool finished; /* the producer sends no more; set before its last doorbell */
	u64 data_signals, room_signals;
	u64 data_sleeps, room_sleeps;
	u64 unmasks; /* times the consumer asked for doorbells */
	u64 wishes; /* times the producer asked for room */
	const char *failure; /* first one of either thread */
};

static void fail_race(struct race *race, const char *why)
{
	const char *none = NULL;

	__atomic_compare_exchange_n(&race->failure, &none, why, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

static bool failed(struct race *race)
{
	return __atomic_load_n(&race->failure, __ATOMIC_RELAXED);
}

static void ring_bell(int bell)
{
	if (eventfd_write(bell, 1))
		abort();
}

/* False: nobody rang for LOST_MS. */
static bool await_bell(int bell)
{
	struct pollfd wait = { .fd = bell, .events = POLLIN };
	eventfd_t value;

	return poll(&wait, 1, LOST_MS) == 1 && !eventfd_read(bell, &value);
}

static u32 next_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* Four wishes of the two sides' types, under one name each. */
static int send_packet(struct race *race, u32 bytes)
{
	return race->up ? pair_guest_send(race->pair, race->sent, bytes)
			: pair_host_send(race->pair, race->sent, bytes);
}

static bool must_signal(struct race *race)
{
	return race->up ? ring_out_must_signal(&race->pair->out)
			: ring_writer_must_signal(&race->pair->writer);
}

/* True: room after all. */
static bool want_room(struct race *race, u32 bytes)
{
	struct ring_writer *writer = &race->pair->writer;

	if (race->up)
		return ring_out_want_room(&race->pair->out, bytes);
	ring_writer_want_room(writer, bytes ? bytes + RING_TRAILER : 0);
	return bytes && ring_writer_room(writer) >= bytes + RING_TRAILER;
}

static int read_packet(struct race *race)
{
	struct pair *pair = race->pair;
	int result = race->up ? pair_host_read(pair) : pair_guest_read(pair);
	bool good;

	if (result != 1)
		return result;
	good = race->up ? pair->packet.desc.transaction_id == race->received &&
				  pair_filled(pair->packet.data + 16, race->received,
					      pair->packet.bytes - 16)
			: pair->got.transaction_id == race->received &&
				  pair_filled(pair->got.payload, race->received,
					      pair->got.payload_bytes);
	if (!good)
		fail_race(race, "a packet was lost, doubled or damaged");
	race->received++;
	return 1;
}

static bool publish(struct race *race)
{
	return race->up ? ring_reader_publish(&race->pair->reader)
			: ring_in_publish(&race->pair->in);
}

static void mask(struct race *race)
{
	if (race->up)
		ring_reader_mask(&race->pair->reader);
	else
		ring_in_mask(&race->pair->in);
}

static bool unmask(struct race *race)
{
	race->unmasks++;
	return race->up ? ring_reader_unmask(&race->pair->reader) : ring_in_unmask(&race->pair->in);
}

static void kick(struct race *race)
{
	if (must_signal(race)) {
		race->data_signals++;
		ring_bell(race->data_bell);
	}
}

/*
 * One packet, waiting for room as long as it takes. What waits in the ring is announced before the
 * sleep.
 */
static void send_waiting(struct race *race, u32 bytes)
{
	while (!failed(race)) {
		int result = send_packet(race, bytes);

		if (result != -EAGAIN) {
			if (result)
				fail_race(race, "sending failed");
			race->sent++;
			return;
		}
		kick(race);
		race->wishes++;
		if (!want_room(race, bytes)) {
			race->room_sleeps++;
			if (!await_bell(race->room_bell))
				fail_race(race, "the producer's wake-up was lost");
		}
		want_room(race, 0);
	}
}

static void *produce(void *arg)
{
	const u64 end = now_ms() + RUN_MS;
	struct race *race = arg;
	u32 seed = 1;

	while (now_ms() < end && !failed(race)) {
		u32 batch = next_random(&seed) % 12;
		u32 most = next_random(&seed) % 4 ? 64 : PACKET_BYTES_MAX;

		for (u32 i = 0; i <= batch; i++)
			send_waiting(race, 16 + next_random(&seed) % (most - 16 + 8) / 8 * 8);
		kick(race);
		/* Let the consumer run dry now and then: that is where it falls asleep. */
		for (u32 i = next_random(&seed) % 3000; i; i--)
			__asm__ __volatile__("pause");
	}
	__atomic_store_n(&race->finished, true, __ATOMIC_RELEASE);
	ring_bell(race->data_bell);
	return NULL;
}

static void drain(struct race *race, u32 *seed)
{
	u32 until_publish = next_random(seed) % 8;
	int result;

	while ((result = read_packet(race)) == 1) {
		if (until_publish--)
			continue;
		until_publish = next_random(seed) % 8;
		if (publish(race)) {
			race->room_signals++;
			ring_bell(race->room_bell);
		}
	}
	if (result < 0)
		fail_race(race, "the ring broke");
	if (publish(race)) {
		race->room_signals++;
		ring_bell(race->room_bell);
	}
}

static void *consume(void *arg)
{
	struct race *race = arg;
	u32 seed = 2;

	while (!failed(race)) {
		mask(race);
		drain(race, &seed);
		if (unmask(race))
			continue;
		/* Everything sent before @finished is in the ring by now, and nothing follows. */
		if (__atomic_load_n(&race->finished, __ATOMIC_ACQUIRE) &&
		    race->received == race->sent)
			return NULL;
		race->data_sleeps++;
		if (!await_bell(race->data_bell))
			fail_race(race, "the consumer's wake-up was lost");
	}
	return NULL;
}

static void run_race(struct race *race, bool up)
{
	pthread_t producer, consumer;

	*race = (struct race){
		.pair = pair_create(SIZE, SIZE),
		.up = up,
		.data_bell = eventfd(0, EFD_CLOEXEC),
		.room_bell = eventfd(0, EFD_CLOEXEC),
	};
	assert_int_equal(pthread_create(&consumer, NULL, consume, race), 0);
	assert_int_equal(pthread_create(&producer, NULL, produce, race), 0);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	close(race->data_bell);
	close(race->room_bell);
	pair_destroy(race->pair);

	print_message("%llu packets, %llu doorbells for %llu sleeps, %llu for room for %llu sleeps "
		      "(%llu wishes)\n",
		      (unsigned long long)race->received, (unsigned long long)race->data_signals,
		      (unsigned long long)race->data_sleeps, (unsigned long long)race->room_signals,
		      (unsigned long long)race->room_sleeps, (unsigned long long)race->wishes);
}

/*
 * Between unmask and mask the read index stands still, and exactly one batch covers it: so each
 * time that the consumer asked for doorbells is worth one at most (and one for the ring as it was
 * at first). A wish is granted once.
 */
static void expect_no_needless_signal(const struct race *race)
{
	if (race->failure)
		fail_msg("%s after %llu packets", race->failure,
			 (unsigned long long)race->received);
	assert_true(race->received == race->sent);
	assert_true(race->received > 1000);
	assert_true(race->data_signals <= race->unmasks + 1);
	assert_true(race->data_signals < race->received);
	assert_true(race->room_signals <= race->wishes);
	/* Both kinds of sleep must have happened, or nothing was tried. */
	assert_true(race->data_sleeps > 10);
	assert_true(race->room_sleeps > 10);
}

static void up_never_loses_a_wake_up(void **state)
{
	struct race race;

	(void)state;
	run_race(&race, true);
	expect_no_needless_signal(&race);
}

static void down_never_loses_a_wake_up(void **state)
{
	struct race race;

	(void)state;
	run_race(&race, false);
	expect_no_needless_signal(&race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_never_loses_a_wake_up),
		cmocka_unit_test(down_never_loses_a_wake_up),
	};

	return cmocka_run_group_tests_name("ring race", tests, NULL, NULL);
}
