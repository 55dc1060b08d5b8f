// SPDX-License-Identifier: GPL-2.0
// links: vmbus/ring.c host/ring.c
/*
 * The four places where "store mine, full barrier, load yours" must hold, each alone and many
 * times: two threads are let go at the same moment, one that has news and one that is about to
 * sleep. They may both notice; if neither does, a wake-up is lost. On two idle CPUs a missing
 * barrier shows here within seconds, where the races of test_ring_race.c seldom come that close; a
 * single pass proves little, many runs much. Skipped on one CPU.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "ring_pair.h"

#define SIZE   PAIR_PAGE
#define RUN_MS 250u

/* Both return: I have noticed that there is something to do. */
struct litmus {
	void (*prepare)(struct pair *pair);
	bool (*bring)(struct pair *pair);
	bool (*sleep)(struct pair *pair);
};

struct meeting {
	const struct litmus *litmus;
	struct pair *pair;
	u32 round; /* opened by the main thread */
	u32 done; /* by the other one */
	bool noticed; /* by the other one in round @done */
	bool stop;
};

static void spin(u32 count)
{
	while (count--)
		__asm__ __volatile__("pause");
}

/* Which of the two comes a little earlier changes from round to round. */
static u32 lead(u32 round, u32 salt)
{
	return (round * 2654435761u + salt * 40503u) >> 16 & 7;
}

/* Spin, but leave the CPU to the other thread when it has lost its own. */
static bool await(const u32 *word, u32 value, const bool *stop)
{
	for (u32 i = 1; __atomic_load_n(word, __ATOMIC_ACQUIRE) != value; i++) {
		if (__atomic_load_n(stop, __ATOMIC_RELAXED))
			return false;
		if (i % 2000 == 0)
			sched_yield();
	}
	return true;
}

static void *sleeper(void *arg)
{
	struct meeting *meeting = arg;
	u32 round = 1;

	for (; await(&meeting->round, round, &meeting->stop); round++) {
		spin(lead(round, 1));
		meeting->noticed = meeting->litmus->sleep(meeting->pair);
		__atomic_store_n(&meeting->done, round, __ATOMIC_RELEASE);
	}
	return NULL;
}

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* Return: true if one of the two noticed. */
static bool meet_once(struct meeting *meeting, u32 round)
{
	bool noticed;

	meeting->litmus->prepare(meeting->pair);
	__atomic_store_n(&meeting->round, round, __ATOMIC_RELEASE);
	spin(lead(round, 2));
	noticed = meeting->litmus->bring(meeting->pair);
	await(&meeting->done, round, &meeting->stop);
	return noticed || meeting->noticed;
}

static void run(const struct litmus *litmus)
{
	struct meeting meeting = { .litmus = litmus, .pair = pair_create(SIZE, SIZE) };
	const u64 end = now_ms() + RUN_MS;
	u32 round = 0, lost = 0;
	pthread_t thread;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		pair_destroy(meeting.pair);
		skip();
	}
	assert_int_equal(pthread_create(&thread, NULL, sleeper, &meeting), 0);
	do
		lost += !meet_once(&meeting, ++round);
	while (round % 64 || now_ms() < end);
	__atomic_store_n(&meeting.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	pair_destroy(meeting.pair);
	print_message("%u rounds\n", round);
	if (lost)
		fail_msg("%u of %u wake-ups were lost", lost, round);
}

/*
 * Rounds start as after pair_start_at(0), without its clearing of whole pages: indices at @write
 * and @read, no wish, mask set. The guest's and the host's own indices follow in the callers.
 */
static void header_is(struct ring_header *header, u32 write, u32 read)
{
	header->write_index = write;
	header->read_index = read;
	header->interrupt_mask = 1;
	header->pending_send_size = 0;
}

/* An empty ring, whose reader was awake until now. */
static void up_empty(struct pair *pair)
{
	header_is(pair->up_guest.header, 0, 0);
	pair->out.write = 0;
	pair->out.batch = 0;
	pair->reader.read = 0;
	pair->reader.write = 0;
	pair->reader.published = 0;
}

static bool guest_sends(struct pair *pair)
{
	pair_guest_send(pair, 1, 16);
	return ring_out_must_signal(&pair->out);
}

static bool host_sleeps(struct pair *pair)
{
	return ring_reader_unmask(&pair->reader);
}

static void down_empty(struct pair *pair)
{
	header_is(pair->down_guest.header, 0, 0);
	pair->writer.write = 0;
	pair->writer.batch = 0;
	pair->in.read = 0;
	pair->in.write = 0;
	pair->in.published = 0;
}

static bool host_sends(struct pair *pair)
{
	pair_host_send(pair, 1, 16);
	return ring_writer_must_signal(&pair->writer);
}

static bool guest_sleeps(struct pair *pair)
{
	return ring_in_unmask(&pair->in);
}

/* A full ring: its one packet has been read, but not given back. */
static void up_full(struct pair *pair)
{
	header_is(pair->up_guest.header, SIZE - 8, 0);
	pair->out.write = SIZE - 8;
	pair->reader.write = SIZE - 8;
	pair->reader.read = SIZE - 8;
	pair->reader.published = 0;
}

static bool host_makes_room(struct pair *pair)
{
	return ring_reader_publish(&pair->reader);
}

static bool guest_waits_for_room(struct pair *pair)
{
	return ring_out_want_room(&pair->out, 16);
}

static void down_full(struct pair *pair)
{
	header_is(pair->down_guest.header, SIZE - 8, 0);
	pair->writer.write = SIZE - 8;
	pair->in.write = SIZE - 8;
	pair->in.read = SIZE - 8;
	pair->in.published = 0;
}

static bool guest_makes_room(struct pair *pair)
{
	return ring_in_publish(&pair->in);
}

static bool host_waits_for_room(struct pair *pair)
{
	ring_writer_want_room(&pair->writer, 16 + RING_TRAILER);
	return ring_writer_room(&pair->writer) >= 16 + RING_TRAILER;
}

static void guest_sends_while_host_falls_asleep(void **state)
{
	(void)state;
	run(&(const struct litmus){ up_empty, guest_sends, host_sleeps });
}

static void host_sends_while_guest_falls_asleep(void **state)
{
	(void)state;
	run(&(const struct litmus){ down_empty, host_sends, guest_sleeps });
}

static void host_makes_room_while_guest_gives_up(void **state)
{
	(void)state;
	run(&(const struct litmus){ up_full, host_makes_room, guest_waits_for_room });
}

static void guest_makes_room_while_host_gives_up(void **state)
{
	(void)state;
	run(&(const struct litmus){ down_full, guest_makes_room, host_waits_for_room });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_sends_while_host_falls_asleep),
		cmocka_unit_test(host_sends_while_guest_falls_asleep),
		cmocka_unit_test(host_makes_room_while_guest_gives_up),
		cmocka_unit_test(guest_makes_room_while_host_gives_up),
	};

	return cmocka_run_group_tests_name("ring litmus", tests, NULL, NULL);
}
