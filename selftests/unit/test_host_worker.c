// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c
// links: host/channel.c host/channel_buffer.c host/worker.c host/thread.c host/worker_out.c host/worker_trace.c host/gpadl.c host/ring.c host/loop.c host/guestmem.c host/pagemap.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/vmbus_fault.c host/worker_fault.c
// links: host/trace.c host/trace_buffer.c host/trace_pcapng.c host/log.c selftests/unit/bus_fixture.c selftests/unit/bus_guest.c
// links: host/fault_names.c host/fault_image.c host/fault_vstor.c host/error.c
/*
 * The worker of a channel: packets in and answers out, full rings, rescind with requests in flight,
 * and a guest that breaks each rule of the rings.
 */
#include "bus_fixture.h"

#include <errno.h>
#include <unistd.h>

static int setup(void **state)
{
	*state = bus_start(0, 3);
	bus_connect(*state, VMBUS_VERSION_WIN10_V5_3);
	return 0;
}

static int teardown(void **state)
{
	bus_stop(*state);
	return 0;
}

/* MODIFYCHANNEL to @vp. */
static void modify(struct bus *bus, uint32_t relid, uint32_t vp)
{
	const struct chanmsg_modify message = { { CHANMSG_MODIFY, 0 }, relid, vp };

	bus_post(bus, &message, sizeof(message));
}

/* Packets. */

static void packets_written_before_open_are_seen(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);

	guest_send(guest, 11, "early", 5); /* nobody hears the doorbell */
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 1), NTSTATUS_SUCCESS);
	assert_true(guest_receive(guest));
	assert_int_equal(guest->packet.desc.transaction_id, 11);
	assert_int_equal(guest->packet.desc.type, PACKET_COMPLETION);
	assert_memory_equal(guest->packet.data + guest->packet.payload, "early", 5);
	guest_close(guest);
}

static void unsolicited_packets_pass(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);

	guest_send(guest, 12, "SEND", 4);
	assert_true(guest_receive(guest));
	assert_int_equal(guest->packet.desc.type, PACKET_INBAND);
	assert_int_equal(guest->packet.desc.transaction_id, 0);
	assert_true(guest_receive(guest));
	assert_int_equal(guest->packet.desc.transaction_id, 12);
	guest_close(guest);
}

/* The guest reads late: answers wait, nothing is read beyond, and all comes in order afterwards. */
static void full_ring_loses_nothing(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 2);
	uint64_t sent = 0, received = 0, seen;
	uint8_t payload[400] = { 0 };

	while (bus_channel_number(bus, 0, "ring_full") == 0)
		sent += !guest_send(guest, sent, payload, sizeof(payload));
	while (received < 3000) {
		seen = guest_interrupts(guest);
		while (sent < 3000 && guest_try_send(guest, sent, payload, sizeof(payload)))
			sent++;
		/* Both rings may be full and the host asleep now: only the rules can wake it. */
		if (!guest_poll(guest)) {
			assert_true(guest_sleep(guest, seen));
			continue;
		}
		assert_int_equal(guest->packet.desc.transaction_id, received);
		assert_int_equal(guest->packet.bytes, 416);
		received++;
	}
	assert_int_equal(bus_channel_number(bus, 0, "packets_out"), 3000);
	assert_int_equal(bus_channel_number(bus, 0, "refused"), 0);
	guest_close(guest);
}

/* More requests than may be in flight: the rest waits in the ring until answers have gone out. */
static void in_flight_is_bounded(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 30);

	bus->echo.hold = true;
	for (unsigned int i = 0; i < 2000; i++)
		assert_int_equal(guest_send(guest, i, "x", 1), 0);
	while (atomic_load(&bus->echo.held) < CHANNEL_IN_FLIGHT_MAX)
		sched_yield();
	bus_settle(bus);
	assert_int_equal(atomic_load(&bus->echo.held), CHANNEL_IN_FLIGHT_MAX);
	bus->echo.hold = false;
	echo_release(bus, 0);
	for (unsigned int i = 0; i < 2000; i++) {
		assert_true(guest_receive(guest));
		assert_int_equal(guest->packet.desc.transaction_id, i);
	}
	assert_int_equal(bus_channel_number(bus, 0, "in_flight_max"), CHANNEL_IN_FLIGHT_MAX);
	guest_close(guest);
	assert_int_equal(bus_channel_number(bus, 0, "in_flight"), 0);
}

static void set_pause(struct bus *bus, void *on)
{
	vmbus_pause(bus->vmbus, on);
}

/* What is written meanwhile stays in the ring, what is opened meanwhile is paused, too; then all of it is served. */
static void nothing_is_read_while_paused(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4), *late = guest_prepare(bus, 2, 4);

	bus_call(bus, set_pause, bus);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(guest_send(guest, i, "x", 1), 0);
	guest_send(late, 9, "early", 5);
	assert_int_equal(bus_open(bus, 2, late->gpadl, 4, 1), NTSTATUS_SUCCESS);
	bus_settle(bus);
	usleep(20000);
	assert_int_equal(bus_channel_number(bus, 0, "packets_in"), 0);
	assert_int_equal(bus_channel_number(bus, 1, "packets_in"), 0);
	bus_call(bus, set_pause, bus); /* once more: nothing waits for nobody */
	bus_call(bus, set_pause, NULL);
	for (unsigned int i = 0; i < 5; i++) {
		assert_true(guest_receive(guest));
		assert_int_equal(guest->packet.desc.transaction_id, i);
	}
	assert_true(guest_receive(late));
	guest_send(guest, 7, "x", 1);
	assert_true(guest_receive(guest));
	guest_close(guest);
	guest_close(late);
}

static json_int_t io_uring_number(struct bus *bus, const char *name)
{
	json_t *query = bus_query(bus);
	const json_t *channel = json_array_get(json_object_get(query, "channels"), 0);
	json_int_t value = json_integer_value(
		json_object_get(json_object_get(channel, "io_uring"), name));

	json_decref(query);
	return value;
}

/* What a worker has cost is known while it runs and kept when the channel closes. */
static void costs_outlive_the_worker(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	json_int_t cpu, completed;

	assert_int_equal(guest_send(guest, 1, "x", 1), 0);
	assert_true(guest_receive(guest));
	cpu = bus_channel_number(bus, 0, "cpu_ns");
	assert_true(cpu > 0);
	/* A batch is counted when it has been served, and its answers may be read before that. */
	while (!(completed = io_uring_number(bus, "completed")))
		sched_yield();
	guest_close(guest);
	assert_true(bus_channel_number(bus, 0, "cpu_ns") >= cpu);
	assert_true(io_uring_number(bus, "completed") >= completed);
	assert_true(io_uring_number(bus, "enters") >= io_uring_number(bus, "sleeps"));
	assert_true(io_uring_number(bus, "completed") >= io_uring_number(bus, "batches"));
	/* A second worker's come on top. */
	cpu = bus_channel_number(bus, 0, "cpu_ns");
	guest = guest_open(bus, 1, 4);
	guest_close(guest);
	assert_true(bus_channel_number(bus, 0, "cpu_ns") > cpu);
}

/* The numbers of a channel that went are still in the sum. */
static void removed_channels_are_counted(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	const json_t *removed, *messages;
	json_t *query;

	assert_int_equal(guest_send(guest, 1, "x", 1), 0);
	assert_true(guest_receive(guest));
	guest_close(guest);
	bus_rescind(bus, 0);
	bus_expect(bus, CHANMSG_RESCIND);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 1);
	bus_settle(bus);
	query = bus_query(bus);
	removed = json_object_get(query, "channels_removed");
	messages = json_object_get(query, "messages");
	assert_int_equal(json_integer_value(json_object_get(removed, "count")), 1);
	assert_int_equal(json_integer_value(json_object_get(removed, "packets_in")), 1);
	assert_int_equal(json_integer_value(json_object_get(removed, "packets_out")), 1);
	assert_int_equal(json_integer_value(json_object_get(removed, "doorbells")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(messages, "in"),
							    "RELID_RELEASED")),
			 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(messages, "out"),
							    "OFFER")),
			 3);
	json_decref(query);
}

static void answers_are_signalled_once_per_batch(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 8);

	bus->echo.hold = true;
	for (unsigned int i = 0; i < 100; i++)
		guest_send(guest, i, "x", 1);
	while (atomic_load(&bus->echo.held) < 100)
		sched_yield();
	echo_release(bus, 0);
	/* Not read before the interrupt, which a guest that has all already would not get. */
	bus_await_number(bus, 0, "interrupts", 1);
	for (unsigned int i = 0; i < 100; i++)
		assert_true(guest_receive(guest));
	guest_close(guest);
	assert_int_equal(bus_channel_number(bus, 0, "interrupts"), 1);
}

/* Packets that want no completion, and cause one of their own. */
static void unsolicited_packets_wait_for_room(void **state)
{
	struct packet_desc desc = { .type = PACKET_INBAND };
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 2);
	uint8_t payload[480] = "SEND";
	struct ring_piece piece = { payload, sizeof(payload) };
	unsigned int sent = 0;

	/* 8 fill the way back, one more waits in the host, 8 stay unread. */
	while (sent < 17) {
		int error = ring_write(&guest->out, &desc, &piece, 1);

		if (!error && ring_writer_must_signal(&guest->out))
			guest_ring(guest);
		sent += !error;
	}
	bus_await_number(bus, 0, "ring_full", 1);
	bus_settle(bus);
	assert_int_equal(bus_channel_number(bus, 0, "packets_in"), 9);
	for (unsigned int i = 0; i < 17; i++)
		assert_true(guest_receive(guest));
	assert_int_equal(bus_channel_number(bus, 0, "refused"), 0);
	guest_close(guest);
}

/* Lies in the rings. */

static void expect_broken(struct bus *bus, struct guest *guest, const char *rule)
{
	struct guest *other = guest_open(bus, 2, 4);
	json_t *query;

	bus_await_number(bus, 0, "refused", 1);
	query = bus_query(bus);
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(query, "channels"), 0), "broken")),
		rule);
	json_decref(query);
	guest_ring(guest); /* is not heard any more, and does no harm */
	assert_int_equal(guest_send(other, 5, "fine", 4), 0);
	assert_true(guest_receive(other));
	guest_close(other);
	guest_close(guest);
	assert_int_equal(bus_channel_number(bus, 0, "refused"), 1);
	/* It may open again, with a clean slate. */
	guest = guest_open(bus, 1, 4);
	assert_int_equal(bus_channel_number(bus, 0, "broken"), -1);
	guest_send(guest, 6, "again", 5);
	assert_true(guest_receive(guest));
	guest_close(guest);
}

static void lie_write_index(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	guest->out.ring.header->write_index = 3 * 4096;
	guest_ring(guest);
	expect_broken(*state, guest, "ring index past the end");
}

static void lie_misaligned_index(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	guest->out.ring.header->write_index = 44;
	guest_ring(guest);
	expect_broken(*state, guest, "ring index not a multiple of 8");
}

static void lie_packet_length(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);
	struct packet_desc desc = { .type = PACKET_INBAND, .offset8 = 2, .len8 = 0xFFFF };

	memcpy(guest->out.ring.data, &desc, sizeof(desc));
	guest->out.ring.header->write_index = 64;
	guest_ring(guest);
	expect_broken(*state, guest, "packet longer than what is in the ring");
}

static void lie_packet_too_long_for_the_protocol(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);
	uint8_t payload[ECHO_MAX] = { 0 };

	guest_send(guest, 1, payload, sizeof(payload));
	expect_broken(*state, guest, "packet longer than its protocol has");
}

static void lie_packet_offset(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);
	struct packet_desc desc = { .type = PACKET_INBAND, .offset8 = 9, .len8 = 3 };

	memcpy(guest->out.ring.data, &desc, sizeof(desc));
	guest->out.ring.header->write_index = 64;
	guest_ring(guest);
	expect_broken(*state, guest, "packet payload outside the packet");
}

static void lie_read_index_of_our_ring(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	guest->in.ring.header->read_index = 0xFFFFFFFF;
	guest_send(guest, 1, "x", 1);
	expect_broken(*state, guest, "ring index past the end");
}

static void lie_against_the_provider(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	guest_send(guest, 1, "BAD", 3);
	expect_broken(*state, guest, "packet says it is bad");
}

/* The host does not hoard what the guest does not read. */
static void lie_by_not_reading(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	guest_send(guest, 1, "MANY", 4);
	expect_broken(*state, guest, "too many messages not read by the guest");
}

static void rings_of_different_sizes(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);

	guest->downstream = 6;
	memset(guestmem_ptr(bus->mem, gpa(guest->pfns[6] << 12), 4096), 0, 4096);
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 6, 1), NTSTATUS_SUCCESS);
	assert_int_equal(bus_channel_number(bus, 0, "ring_bytes_in"), 5 * 4096);
	assert_int_equal(bus_channel_number(bus, 0, "ring_bytes_out"), 4096);
	guest_close(guest);
}

/* RESCIND of an open channel. */

static void rescind_finishes_what_is_in_flight(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);

	bus->echo.hold = true;
	guest_send(guest, 21, "x", 1);
	while (atomic_load(&bus->echo.held) != 1)
		sched_yield();
	bus_rescind(bus, 0);
	assert_int_equal(bus_expect(bus, CHANMSG_RESCIND)->relid.relid, 1);
	echo_release(bus, 0);
	assert_true(guest_receive(guest)); /* and is interrupted for it */
	assert_int_equal(guest->packet.desc.transaction_id, 21);
	bus_post_relid(bus, CHANMSG_CLOSE, 1);
	bus_teardown(bus, 1, guest->gpadl);
	bus_expect(bus, CHANMSG_GPADL_TORNDOWN);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 1);
	bus_expect_nothing(bus);
	assert_int_equal(bus_refused(bus), 0);
	assert_int_equal(bus_channel_number(bus, 0, "relid"), 2);
	guest_free(guest);
}

/* The guest has let go of its rings: what ends afterwards is not written to them. */
static void a_closed_channel_is_not_answered(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	uint32_t written;

	bus->echo.hold = true;
	guest_send(guest, 1, "x", 1);
	while (atomic_load(&bus->echo.held) != 1)
		sched_yield();
	written = ((struct ring_header *)guest->in_map)->write_index;
	bus_post_relid(bus, CHANMSG_CLOSE, 1);
	bus_settle(bus);
	echo_release(bus, 0);
	bus_teardown(bus, 1, guest->gpadl);
	bus_expect(bus, CHANMSG_GPADL_TORNDOWN);
	assert_int_equal(((struct ring_header *)guest->in_map)->write_index, written);
	guest_free(guest);
}

/* A provider that sends unasked stops where the ring is full, and is called when there is room. */
static void told_when_nothing_waits(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	unsigned int got = 0;

	assert_int_equal(guest_send(guest, 1, "FILL", 4), 0);
	while (guest_receive(guest)) {
		got++;
		if (guest->packet.desc.type == PACKET_COMPLETION)
			break;
	}
	assert_true(got > 100);
	while (!atomic_load(&bus->echo.called))
		sched_yield();
	assert_int_equal(atomic_load(&bus->echo.called), 1);
	guest_close(guest);
}

/* A packet is left without a doorbell, and the host sends something. Return: whether it found that only then, not as it was still reading. */
static bool found_by_sending(struct bus *bus, struct guest *guest, uint64_t id)
{
	bool asleep, sent_first;

	while (__atomic_load_n(&guest->out.ring.header->interrupt_mask, __ATOMIC_ACQUIRE))
		sched_yield(); /* it still reads */
	asleep = guest_leave(guest, id, "left", 4);
	echo_say(bus, 0);
	assert_true(guest_receive(guest));
	sent_first = guest->packet.desc.type == PACKET_INBAND;
	assert_true(sent_first || guest->packet.desc.transaction_id == id);
	assert_true(guest_receive(guest));
	assert_int_equal(guest->packet.desc.type, sent_first ? PACKET_COMPLETION : PACKET_INBAND);
	assert_true(!sent_first || guest->packet.desc.transaction_id == id);
	return asleep && sent_first;
}

/* What is left without a doorbell is found when something is sent, and not when nothing is. */
static void who_sends_looks(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	unsigned int tries = 0;

	assert_int_equal(guest_send(guest, 6, "rung", 4), 0);
	assert_true(guest_receive(guest));
	while (!found_by_sending(bus, guest, 7 + tries))
		assert_true(++tries < 100);
	assert_true(bus_channel_number(bus, 0, "doorbells") <= 1);
	guest_close(guest);
}

/* Packets with ranges go as far as there is room, and who had to stop hears when there is again. */
static void packets_of_another_type_as_far_as_there_is_room(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	unsigned int got = 0;

	assert_int_equal(guest_send(guest, 1, "TRY! 16 bytes ok", 16), 0);
	while (guest_receive(guest) && guest->packet.desc.type != PACKET_COMPLETION) {
		assert_int_equal(guest->packet.desc.type, PACKET_XFER_PAGES);
		assert_int_equal(guest->packet.desc.transaction_id, 99);
		assert_int_equal(guest->packet.payload, 24);
		assert_int_equal(guest->packet.bytes, 32);
		got++;
	}
	assert_int_equal(got, 3 * 4096 / 40); /* the ring, and a trailer each */
	while (!atomic_load(&bus->echo.called))
		sched_yield();
	assert_int_equal(atomic_load(&bus->echo.called), 1);
	guest_close(guest);
}

static const char *lend(struct guest *guest, uint32_t handle)
{
	uint8_t request[8] = "LEND";

	memcpy(request + 4, &handle, sizeof(handle));
	assert_int_equal(guest_send(guest, 2, request, sizeof(request)), 0);
	assert_true(guest_receive(guest));
	return (const char *)guest->packet.data + guest->packet.payload;
}

/* A teardown waits until the provider gives the pages back; another channel's are not lent. */
static void pages_are_lent_and_given_back(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	const uint64_t pfns[2] = { 900, 800 };

	*(uint8_t *)guestmem_ptr(bus->mem, gpa(800 * 4096), 1) = 'x';
	bus_gpadl(bus, 1, 0x77, pfns, 2);
	bus_gpadl(bus, 2, 0x78, pfns, 2);
	assert_string_equal(lend(guest, 0x79), "no such GPADL");
	assert_string_equal(lend(guest, 0x78), "GPADL of another channel");
	assert_string_equal(lend(guest, 0x77), "LENTx");
	bus_teardown(bus, 1, 0x77);
	bus_expect_nothing(bus);
	assert_int_equal(guest_send(guest, 3, "BACK", 4), 0);
	bus_expect(bus, CHANMSG_GPADL_TORNDOWN);
	assert_int_equal(bus->message.torndown.gpadl, 0x77);
	assert_true(guest_receive(guest));
	guest_close(guest);
}

struct stop {
	unsigned int limit_ms;
	bool stopped;
};

static void stop_bus(struct bus *bus, void *stop)
{
	((struct stop *)stop)->stopped = vmbus_stop(bus->vmbus, ((struct stop *)stop)->limit_ms);
}

/* One whose backend never answers does not keep the others, nor whoever waits for them all. */
static void an_end_is_not_waited_for_without_a_limit(void **state)
{
	struct bus *bus = *state;
	struct guest *stuck = guest_open(bus, 1, 4), *other = guest_open(bus, 2, 4);
	struct stop soon = { .limit_ms = 20, .stopped = true }, late = { .limit_ms = 30000 };

	bus->echo.hold = true;
	assert_int_equal(guest_send(stuck, 1, "x", 1), 0);
	bus_await_number(bus, 0, "in_flight", 1);
	bus_call(bus, stop_bus, &soon);
	assert_false(soon.stopped);
	while (atomic_load(&bus->echo.closed) < 1)
		sched_yield();
	bus_call(bus, stop_bus, &soon);
	assert_false(soon.stopped);
	assert_int_equal(atomic_load(&bus->echo.closed), 1);
	echo_release(bus, 0);
	bus_call(bus, stop_bus, &late);
	assert_true(late.stopped);
	bus_call(bus, stop_bus, &late);
	assert_true(late.stopped);
	guest_free(stuck);
	guest_free(other);
}

static void release_while_in_flight(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);

	bus->echo.hold = true;
	guest_send(guest, 21, "x", 1);
	while (atomic_load(&bus->echo.held) != 1)
		sched_yield();
	bus_rescind(bus, 0);
	bus_expect(bus, CHANMSG_RESCIND);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 1);
	bus_settle(bus);
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 0), NTSTATUS_NOT_FOUND);
	assert_int_equal(bus_channel_number(bus, 0, "relid"), 1); /* still there, but nobody's */
	echo_release(bus, 0);
	bus_await_number(bus, 0, "relid", 2);
	guest_free(guest);
}

/* Everything at once: three channels, each its own guest thread that keeps many requests going. */

#define STRESS_REQUESTS 20000u

struct stress {
	struct guest *guest;
	const char *failed;
};

static bool stress_send(struct guest *guest, uint64_t number)
{
	uint8_t payload[300];
	uint32_t bytes = number % sizeof(payload);

	memset(payload, (int)number, bytes);
	return guest_try_send(guest, number, payload, bytes);
}

static const char *stress_check(const struct guest *guest, uint64_t number)
{
	const struct packet *packet = &guest->packet;

	if (packet->desc.transaction_id != number)
		return "wrong answer";
	for (uint32_t i = 0; i < number % 300; i++)
		if (packet->data[packet->payload + i] != (uint8_t)number)
			return "wrong bytes";
	return NULL;
}

static void *stress_guest(void *context)
{
	struct stress *stress = context;
	struct guest *guest = stress->guest;
	uint64_t sent = 0, received = 0;

	while (received < STRESS_REQUESTS && !stress->failed) {
		uint64_t seen = guest_interrupts(guest);

		while (sent < STRESS_REQUESTS && sent - received < 48 && stress_send(guest, sent))
			sent++;
		if (guest_poll(guest))
			stress->failed = stress_check(guest, received++);
		else if (!guest_sleep(guest, seen))
			stress->failed = "no interrupt";
	}
	return NULL;
}

static void channels_at_once(void **state)
{
	struct bus *bus = *state;
	struct stress stress[3] = { 0 };
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		stress[i].guest = guest_open(bus, 1 + i, 3 + i);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, stress_guest, &stress[i]);
	for (int i = 0; i < 200; i++)
		modify(bus, 1 + i % 3, i / 3 % 2);
	for (int i = 0; i < 200; i++)
		bus_expect(bus, CHANMSG_MODIFY_RESPONSE);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		if (stress[i].failed)
			fail_msg("channel %d: %s", i, stress[i].failed);
		assert_int_equal(bus_channel_number(bus, i, "packets_in"), STRESS_REQUESTS);
		print_message("echo%d: %d doorbells, %d interrupts for %u requests\n", i,
			      (int)bus_channel_number(bus, i, "doorbells"),
			      (int)bus_channel_number(bus, i, "interrupts"), STRESS_REQUESTS);
	}
	for (int i = 0; i < 3; i++)
		guest_close(stress[i].guest);
}

/* Contact anew while guests write without end, as a crash kernel does it. */
static void contact_under_load(void **state)
{
	struct bus *bus = *state;

	for (int round = 0; round < 30; round++) {
		struct guest *guest = guest_open(bus, 1, 4);

		for (uint64_t i = 0; i < 50; i++)
			guest_send(guest, i, "x", 1);
		bus_connect(bus, VMBUS_VERSION(5, 3));
		assert_false(guest_ring(guest));
		guest_free(guest);
	}
	assert_int_equal(bus_refused(bus), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(packets_written_before_open_are_seen),
		CASE(unsolicited_packets_pass),
		CASE(full_ring_loses_nothing),
		CASE(in_flight_is_bounded),
		CASE(nothing_is_read_while_paused),
		CASE(costs_outlive_the_worker),
		CASE(removed_channels_are_counted),
		CASE(answers_are_signalled_once_per_batch),
		CASE(unsolicited_packets_wait_for_room),
		CASE(lie_write_index),
		CASE(lie_misaligned_index),
		CASE(lie_packet_length),
		CASE(lie_packet_too_long_for_the_protocol),
		CASE(lie_packet_offset),
		CASE(lie_read_index_of_our_ring),
		CASE(lie_against_the_provider),
		CASE(lie_by_not_reading),
		CASE(rings_of_different_sizes),
		CASE(rescind_finishes_what_is_in_flight),
		CASE(a_closed_channel_is_not_answered),
		CASE(told_when_nothing_waits),
		CASE(who_sends_looks),
		CASE(packets_of_another_type_as_far_as_there_is_room),
		CASE(pages_are_lent_and_given_back),
		CASE(an_end_is_not_waited_for_without_a_limit),
		CASE(release_while_in_flight),
		CASE(channels_at_once),
		CASE(contact_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
