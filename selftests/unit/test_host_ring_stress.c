// SPDX-License-Identifier: GPL-2.0
// links: host/ring.c host/guestmem.c host/pagemap.c
/*
 * Both ends of the host's ring at once, from two threads that sleep and wake only as the rules
 * allow: a lost wake-up shows as a sleep that nobody ends.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host_ring_fixture.h"

#define STRESS_PACKETS 100000u

struct end {
	struct fixture *f;
	int my_bell, other_bell;
	const char *failed;
	uint64_t sleeps, signals;
};

static void ring_bell(struct end *end)
{
	const uint64_t one = 1;

	end->signals++;
	if (write(end->other_bell, &one, 8) != 8)
		end->failed = "bell";
}

static bool sleep_until_rung(struct end *end)
{
	struct pollfd bell = { .fd = end->my_bell, .events = POLLIN };
	uint64_t value;

	end->sleeps++;
	if (poll(&bell, 1, 20000) == 1 && read(end->my_bell, &value, 8) == 8)
		return true;
	end->failed = "never woken";
	return false;
}

static uint32_t stress_bytes(uint64_t number)
{
	return (number * 2654435761u >> 7) % 1500;
}

static bool wait_for_room(struct end *end, uint32_t bytes)
{
	struct ring_writer *writer = &end->f->writer;
	uint32_t need = 16 + (bytes + 7) / 8 * 8 + RING_TRAILER;

	if (ring_writer_must_signal(writer))
		ring_bell(end);
	ring_writer_want_room(writer, need);
	while (ring_writer_room(writer) < need)
		if (!sleep_until_rung(end))
			return false;
	ring_writer_want_room(writer, 0);
	return true;
}

static void *stress_writer(void *context)
{
	struct end *end = context;
	uint8_t payload[1500];

	for (uint64_t i = 0; i < STRESS_PACKETS; i++) {
		uint32_t bytes = stress_bytes(i);
		int error;

		memset(payload, (int)i, bytes);
		while ((error = put(end->f, i, payload, bytes)) == -EAGAIN)
			if (!wait_for_room(end, bytes))
				return NULL;
		if (error)
			end->failed = "write";
		/* Batches of up to 7. */
		if (i % 7 == 0 && ring_writer_must_signal(&end->f->writer))
			ring_bell(end);
	}
	if (ring_writer_must_signal(&end->f->writer))
		ring_bell(end);
	return NULL;
}

static void stress_check(struct end *end, uint64_t number)
{
	const struct packet *packet = &end->f->packet;
	uint32_t bytes = stress_bytes(number);

	if (packet->desc.transaction_id != number || packet->bytes != 16 + (bytes + 7) / 8 * 8)
		end->failed = "wrong packet";
	for (uint32_t i = 0; i < bytes; i++)
		if (packet->data[16 + i] != (uint8_t)number)
			end->failed = "wrong bytes";
}

static void *stress_reader(void *context)
{
	struct end *end = context;
	struct ring_reader *reader = &end->f->reader;
	uint64_t number = 0;
	int result;

	while (number < STRESS_PACKETS && !end->failed) {
		ring_reader_mask(reader);
		while ((result = get(end->f)) == 1) {
			stress_check(end, number++);
			if (number % 3 == 0 && ring_reader_publish(reader))
				ring_bell(end);
		}
		if (result < 0)
			end->failed = reader->ring.broken;
		if (ring_reader_publish(reader))
			ring_bell(end);
		if (number < STRESS_PACKETS && !ring_reader_unmask(reader) &&
		    !sleep_until_rung(end))
			return NULL;
	}
	return NULL;
}

static void both_ends_at_once(void **state)
{
	struct fixture *f = *state;
	struct end writer = { .f = f, .my_bell = eventfd(0, 0), .other_bell = eventfd(0, 0) };
	struct end reader = { .f = f, .my_bell = writer.other_bell, .other_bell = writer.my_bell };
	pthread_t threads[2];

	pthread_create(&threads[0], NULL, stress_writer, &writer);
	pthread_create(&threads[1], NULL, stress_reader, &reader);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	close(writer.my_bell);
	close(writer.other_bell);
	assert_null(writer.failed);
	assert_null(reader.failed);
	assert_int_equal(f->header->read_index, f->header->write_index);
	print_message("writer slept %lu, signalled %lu; reader slept %lu, signalled %lu\n",
		      (unsigned long)writer.sleeps, (unsigned long)writer.signals,
		      (unsigned long)reader.sleeps, (unsigned long)reader.signals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(both_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
