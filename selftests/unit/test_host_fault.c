// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c
// links: host/channel.c host/channel_buffer.c host/worker.c host/thread.c host/worker_out.c host/worker_trace.c host/gpadl.c host/ring.c host/loop.c
// links: host/guestmem.c host/pagemap.c host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/vmbus_fault.c host/worker_fault.c host/log.c
// links: selftests/unit/bus_fixture.c selftests/unit/bus_guest.c
// links: host/trace.c host/trace_buffer.c host/trace_pcapng.c
// links: host/fault_names.c host/fault_image.c host/fault_vstor.c host/error.c
/*
 * A host that misbehaves on purpose, seen from the guest: each thing that a rule can have done to
 * messages, packets, interrupts, rings and offers; and that the host itself stays sane meanwhile.
 */
#include "bus_fixture.h"

#include <errno.h>
#include <sched.h>
#include <time.h>
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

static json_int_t rule_number(struct bus *bus, unsigned int index, const char *name)
{
	json_t *list = fault_list(bus->fault);
	json_int_t number =
		json_integer_value(json_object_get(json_array_get(list, index), name));

	json_decref(list);
	return number;
}

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static void expect_id(struct guest *guest, uint64_t id)
{
	assert_true(guest_receive(guest));
	assert_int_equal(guest->packet.desc.transaction_id, id);
}

/* The host has dealt with all that was sent. */
static void await_read(const struct guest *guest)
{
	const struct ring_header *ring = (const struct ring_header *)guest->out_map;
	const uint64_t limit = milliseconds() + 5000;

	while (__atomic_load_n(&ring->read_index, __ATOMIC_ACQUIRE) != ring->write_index) {
		assert_true(milliseconds() < limit);
		sched_yield();
	}
}

/* The host goes on as if nothing had been: an ordinary packet, and back. */
static void still_sane(struct guest *guest)
{
	bus_fault_remove(guest->bus, 0);
	assert_int_equal(guest_send(guest, 4711, "sane", 4), 0);
	expect_id(guest, 4711);
	assert_memory_equal(guest->packet.data + guest->packet.payload, "sane", 4);
	guest_close(guest);
}

/* Messages to the guest. */

static void gpadl(struct bus *bus)
{
	const uint64_t pfns[4] = { 100, 101, 102, 103 };

	bus_gpadl_post(bus, 1, 5, pfns, 4);
}

static void message_dropped(void **state)
{
	struct bus *bus = *state;

	bus_fault(bus, "message,to=guest,type=gpadl-created,nth=1:drop");
	gpadl(bus);
	bus_expect_nothing(bus);
	assert_int_equal(rule_number(bus, 0, "hits"), 1);
	bus_teardown(bus, 1, 5);
}

static void message_delayed(void **state)
{
	struct bus *bus = *state;
	uint64_t start = milliseconds();

	bus_fault(bus, "message,to=guest,type=gpadl-created:delay,ms=50");
	gpadl(bus);
	bus_expect_nothing(bus);
	bus_expect(bus, CHANMSG_GPADL_CREATED);
	assert_true(milliseconds() - start >= 50);
}

static void message_duplicated(void **state)
{
	struct bus *bus = *state;

	bus_fault(bus, "message,to=guest,type=gpadl-created:duplicate,times=2,offset=12,value=9");
	gpadl(bus);
	assert_int_equal(bus_expect(bus, CHANMSG_GPADL_CREATED)->created.gpadl, 5);
	assert_int_equal(bus_expect(bus, CHANMSG_GPADL_CREATED)->created.gpadl, 9);
	assert_int_equal(bus_expect(bus, CHANMSG_GPADL_CREATED)->created.gpadl, 9);
	bus_expect_nothing(bus);
}

static void message_reordered(void **state)
{
	struct bus *bus = *state;

	bus_fault(bus, "message,to=guest,nth=1:reorder");
	gpadl(bus);
	bus_post_relid(bus, CHANMSG_CLOSE, 9); /* refused, no answer */
	bus_rescind(bus, 2);
	bus_expect(bus, CHANMSG_RESCIND);
	bus_expect(bus, CHANMSG_GPADL_CREATED);
}

static void message_corrupted_and_answered(void **state)
{
	struct bus *bus = *state;
	const struct posted *posted;

	bus_fault(bus, "message,to=guest,type=gpadl-created:answer,status=0xC0000001");
	bus_fault(bus, "message,to=guest,type=gpadl-created:corrupt,offset=8,value=77,size=4");
	gpadl(bus);
	posted = bus_expect(bus, CHANMSG_GPADL_CREATED);
	assert_int_equal(posted->created.status, NTSTATUS_UNSUCCESSFUL);
	assert_int_equal(posted->created.relid, 77);
}

static void version_is_refused(void **state)
{
	struct bus *bus = *state;
	struct chanmsg_initiate_contact contact = { .header.type = CHANMSG_INITIATE_CONTACT,
						    .version = VMBUS_VERSION_WIN10_V5_3,
						    .msg_sint = TLFS_SINT_VMBUS };

	bus_fault(bus, "message,to=guest,type=version-response:answer,status=5");
	bus_post(bus, &contact, sizeof(contact));
	assert_int_equal(bus_expect(bus, CHANMSG_VERSION_RESPONSE)->version.supported, 0);
}

static void message_invented(void **state)
{
	struct bus *bus = *state;
	const struct posted *posted;

	bus_fault(bus, "now:post,type=rescind,relid=2000,length=12,times=2");
	posted = bus_expect(bus, CHANMSG_RESCIND);
	assert_int_equal(posted->relid.relid, 2000);
	assert_int_equal(posted->bytes, 12);
	bus_expect(bus, CHANMSG_RESCIND);
	bus_fault(bus, "now:post,bytes=63000000");
	assert_int_equal(bus_expect(bus, 99)->bytes, 4);
}

/* Messages of the guest. */

static void request_dropped_delayed_duplicated(void **state)
{
	struct bus *bus = *state;
	uint64_t refused = bus_refused(bus);

	bus_fault(bus, "message,from=guest,type=gpadl-header,nth=1:drop");
	bus_fault(bus, "message,from=guest,type=gpadl-header,nth=2:delay,ms=30");
	bus_fault(bus, "message,from=guest,type=gpadl-header,nth=3:duplicate");
	gpadl(bus);
	bus_expect_nothing(bus);
	gpadl(bus);
	bus_expect_nothing(bus);
	assert_int_equal(bus_expect(bus, CHANMSG_GPADL_CREATED)->created.status, 0);
	gpadl(bus); /* the same handle: refused, and once more */
	assert_int_not_equal(bus_expect(bus, CHANMSG_GPADL_CREATED)->created.status, 0);
	assert_int_not_equal(bus_expect(bus, CHANMSG_GPADL_CREATED)->created.status, 0);
	assert_int_equal(bus_refused(bus), refused + 2);
}

static void open_answered_unseen(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);

	bus_fault(bus, "message,from=guest,type=open,count=1:answer,status=0xC000009A");
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 1), NTSTATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 1), NTSTATUS_SUCCESS);
	still_sane(guest);
}

static void silence_of_everything(void **state)
{
	struct bus *bus = *state;

	bus_fault(bus, "now:silent");
	gpadl(bus);
	bus_expect_nothing(bus);
	bus_fault_remove(bus, 0);
	gpadl(bus);
	assert_int_equal(bus_expect(bus, CHANMSG_GPADL_CREATED)->created.status, 0);
}

/* Packets to the guest. */

static void packet_dropped_delayed(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);
	uint64_t start = milliseconds();

	bus_fault(*state, "packet,to=guest,channel=echo0,nth=1:drop");
	bus_fault(*state, "packet,to=guest,channel=echo0,nth=2:delay,ms=40");
	guest_send(guest, 1, "a", 1);
	guest_send(guest, 2, "b", 1);
	guest_send(guest, 3, "c", 1);
	expect_id(guest, 3);
	expect_id(guest, 2);
	assert_true(milliseconds() - start >= 40);
	still_sane(guest);
}

static void packet_duplicated_reordered(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	bus_fault(*state, "packet,to=guest,nth=1:reorder");
	guest_send(guest, 1, "a", 1);
	guest_send(guest, 2, "b", 1);
	expect_id(guest, 2);
	expect_id(guest, 1);
	bus_fault_remove(*state, 0);
	bus_fault(*state, "packet,to=guest,nth=1:duplicate,ms=20,offset=-8,value=99,size=8");
	guest_send(guest, 3, "c", 1);
	expect_id(guest, 3);
	expect_id(guest, 99);
	still_sane(guest);
}

static void packet_reordered_alone_is_let_go(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	bus_fault(*state, "packet,to=guest,nth=1:reorder,ms=30");
	guest_send(guest, 1, "a", 1);
	expect_id(guest, 1);
	still_sane(guest);
}

static void packet_corrupted(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	bus_fault(*state, "packet,to=guest,nth=1:corrupt,offset=1,value=0x58");
	bus_fault(*state, "packet,to=guest,nth=1:corrupt,offset=-16,value=6,size=2");
	guest_send(guest, 1, "abc", 3);
	expect_id(guest, 1);
	assert_int_equal(guest->packet.desc.type, PACKET_INBAND);
	assert_memory_equal(guest->packet.data + guest->packet.payload, "aXc", 3);
	still_sane(guest);
}

/* The guest's gate sees a length that the ring does not have; the host goes on. */
static void packet_lies_about_its_length(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	bus_fault(*state, "packet,to=guest,nth=1:corrupt,offset=-12,value=0xFFFF,size=2");
	guest_send(guest, 1, "abc", 3);
	assert_false(guest_receive(guest));
	assert_non_null(guest->in.ring.broken);
	assert_int_equal(bus_channel_number(*state, 0, "refused"), 0);
	guest_close(guest);
}

static void packets_invented(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	bus_fault(*state, "now,channel=echo0:send,id=55,type=7,op=99,length=16,times=2");
	expect_id(guest, 55);
	assert_int_equal(guest->packet.desc.type, 7);
	assert_int_equal(guest->packet.data[guest->packet.payload], 99);
	expect_id(guest, 55);
	bus_fault(*state, "now,channel=echo0:raw,bytes=06000200030000002a000000000000004142434445464748");
	expect_id(guest, 42);
	assert_memory_equal(guest->packet.data + 16, "ABCDEFGH", 8);
	still_sane(guest);
}

static void packet_from_guest_changed(void **state)
{
	struct guest *guest = guest_open(*state, 1, 4);

	bus_fault(*state, "packet,from=guest,nth=1:drop");
	bus_fault(*state, "packet,from=guest,nth=2:duplicate");
	bus_fault(*state, "packet,from=guest,nth=3:corrupt,offset=0,value=0x59");
	bus_fault(*state, "packet,from=guest,nth=4:answer,id=1000");
	bus_fault(*state, "packet,from=guest,nth=5:delay,ms=20");
	/* All in one turn, whoever is slow: a duplicate comes after what was there with it. */
	for (unsigned int id = 1; id <= 5; id++)
		guest_leave(guest, id, "x", 1);
	assert_true(guest_ring(guest));
	expect_id(guest, 2);
	expect_id(guest, 3);
	assert_int_equal(guest->packet.data[guest->packet.payload], 'Y');
	expect_id(guest, 1000);
	expect_id(guest, 2);
	expect_id(guest, 5);
	still_sane(guest);
}

static void silence_of_one_channel(void **state)
{
	struct guest *quiet = guest_open(*state, 1, 4), *other = guest_open(*state, 2, 4);

	bus_fault(*state, "packet,channel=echo0,nth=2:silent,channel=echo0");
	guest_send(quiet, 1, "x", 1);
	guest_send(quiet, 2, "x", 1);
	guest_send(other, 3, "x", 1);
	expect_id(other, 3);
	await_read(quiet);
	assert_int_equal(guest_poll(quiet), 0);
	guest_close(other);
	still_sane(quiet);
}

/* Interrupts. */

static void interrupt_withheld_and_repeated(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	uint64_t before = synic_interrupts(bus, 1);

	bus_fault(bus, "interrupt,channel=echo0,nth=1:drop");
	guest_send(guest, 1, "x", 1);
	bus_await_number(bus, 0, "packets_out", 1);
	assert_int_equal(guest_poll(guest), 1);
	assert_int_equal(synic_interrupts(bus, 1), before);
	bus_fault_remove(bus, 0);
	bus_fault(bus, "interrupt,channel=echo0,nth=1:duplicate,times=3");
	guest_send(guest, 2, "x", 1);
	expect_id(guest, 2);
	while (synic_interrupts(bus, 1) < before + 4)
		usleep(1000);
	still_sane(guest);
}

static void interrupts_from_nowhere(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	uint64_t before = synic_interrupts(bus, 1);

	bus_fault(bus, "now,channel=echo0:raise,times=5,relid=1234");
	while (synic_interrupts(bus, 1) < before + 5)
		usleep(1000);
	assert_int_equal(bus->synic.last_flag, 1234);
	bus_fault(bus, "now,channel=echo0:raise,relid=2048"); /* no such flag: nothing */
	still_sane(guest);
}

/* Rings. */

static void ring_not_drained(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	unsigned int sent = 0;
	int rule = bus_fault(bus, "now,channel=echo0:stall");

	bus_settle(bus);
	guest_send(guest, 100, "x", 1); /* may be taken before the worker has heard of it */
	usleep(20000);
	while (guest_poll(guest) > 0)
		;
	while (guest_send(guest, sent, "x", 1) == 0)
		sent++;
	assert_true(sent > 10);
	assert_int_equal(guest_poll(guest), 0);
	bus_fault_remove(bus, rule);
	for (unsigned int id = 0; id < sent; id++) {
		assert_true(guest_receive(guest));
		if (guest->packet.desc.transaction_id == 100 && id == 0)
			id--;
	}
	still_sane(guest);
}

/* A channel that opens while a rule stalls it is stalled from its first packet on. */
static void ring_stalled_from_the_start(void **state)
{
	struct bus *bus = *state;
	struct guest *guest;

	bus_fault(bus, "now,channel=echo0:stall");
	guest = guest_open(bus, 1, 4);
	guest_send(guest, 1, "x", 1);
	usleep(20000);
	assert_int_equal(guest_poll(guest), 0);
	bus_fault_remove(bus, 0);
	expect_id(guest, 1);
	still_sane(guest);
}

static void ring_indices_written(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	struct ring_header *in = guest->in.ring.header, *out = guest->out.ring.header;

	bus_fault(bus, "now,channel=echo0:ring,in=to-guest,write=0xfffffff8,pending=64");
	bus_fault(bus, "now,channel=echo0:ring,in=from-guest,mask=7");
	while (__atomic_load_n(&out->interrupt_mask, __ATOMIC_ACQUIRE) != 7)
		usleep(1000);
	assert_int_equal(in->write_index, 0xfffffff8);
	assert_int_equal(in->pending_send_size, 64);
	assert_true(guest_poll(guest) < 0);
	assert_int_equal(bus_channel_number(bus, 0, "refused"), 0);
	guest_close(guest);
}

/* The guest's own indices overwritten: it is the host that finds the channel broken then. */
static void host_survives_its_own_lie(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);

	bus_fault(bus, "now,channel=echo0:ring,in=from-guest,write=0xfffffff8");
	bus_fault(bus, "now,channel=echo0:ring,in=to-guest,read=5");
	bus_settle(bus);
	usleep(20000);
	guest_ring(guest);
	bus_await_number(bus, 0, "refused", 1);
	guest_close(guest);
}

/* Offers. */

static void rescinded_and_offered_again(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	uint32_t relid;

	bus_fault(bus, "packet,channel=echo0,to=guest,nth=2:rescind,reoffer=10");
	guest_send(guest, 1, "x", 1);
	expect_id(guest, 1);
	guest_send(guest, 2, "x", 1);
	assert_int_equal(bus_expect(bus, CHANMSG_RESCIND)->relid.relid, 1);
	relid = bus_expect(bus, CHANMSG_OFFER)->offer.relid;
	assert_int_not_equal(relid, 1);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 1);
	guest_free(guest);
	guest = guest_open(bus, relid, 4);
	still_sane(guest);
}

static void rescinded_many_times(void **state)
{
	struct bus *bus = *state;
	uint32_t relid = 2;

	bus_fault(bus, "now,channel=echo1:rescind,reoffer=1,times=50");
	for (int i = 0; i < 50; i++) {
		assert_int_equal(bus_expect(bus, CHANMSG_RESCIND)->relid.relid, relid);
		bus_post_relid(bus, CHANMSG_RELID_RELEASED, relid);
		relid = bus_expect(bus, CHANMSG_OFFER)->offer.relid;
	}
	bus_settle(bus);
	usleep(20000);
	bus_expect_nothing(bus);
}

static void rescinded_before_open_is_answered(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);
	struct chanmsg_open message = { .header.type = CHANMSG_OPEN,
					.relid = 1,
					.ring_gpadl = guest->gpadl,
					.target_vp = 1,
					.downstream_page = 4 };

	bus_fault(bus, "message,to=guest,type=open-result:rescind");
	bus_fault(bus, "message,to=guest,type=open-result:delay,ms=20");
	bus_post(bus, &message, sizeof(message));
	bus_expect(bus, CHANMSG_RESCIND);
	bus_expect(bus, CHANMSG_OPEN_RESULT);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 1);
	guest_free(guest);
}

/* Everything at once, for a while, and the bus goes in the middle of it. */
static void lies_without_end(void **state)
{
	struct bus *bus = *state;
	struct guest *guest;

	for (unsigned int round = 0; round < 20; round++) {
		char rule[100];

		guest = guest_open(bus, 1, 4);
		snprintf(rule, sizeof(rule), "packet,seed=%u,prob=0.5:lie", round);
		bus_fault(bus, rule);
		bus_fault(bus, "interrupt,prob=0.2:lie");
		for (unsigned int i = 0; i < 100; i++) {
			guest_send(guest, i, "payload", 7);
			guest_ring(guest);
			if (guest_poll(guest) < 0)
				break;
		}
		bus_fault_remove(bus, 0);
		guest_close(guest);
	}
	bus_fault(bus, "packet,channel=echo1:duplicate,times=1000,ms=30");
	guest = guest_open(bus, 2, 4);
	guest_send(guest, 1, "x", 1);
	bus_fault(bus, "message:delay,ms=5000");
	gpadl(bus);
	bus_settle(bus);
	guest_free(guest);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_dropped),
		TEST(message_delayed),
		TEST(message_duplicated),
		TEST(message_reordered),
		TEST(message_corrupted_and_answered),
		TEST(version_is_refused),
		TEST(message_invented),
		TEST(request_dropped_delayed_duplicated),
		TEST(open_answered_unseen),
		TEST(silence_of_everything),
		TEST(packet_dropped_delayed),
		TEST(packet_duplicated_reordered),
		TEST(packet_reordered_alone_is_let_go),
		TEST(packet_corrupted),
		TEST(packet_lies_about_its_length),
		TEST(packets_invented),
		TEST(packet_from_guest_changed),
		TEST(silence_of_one_channel),
		TEST(interrupt_withheld_and_repeated),
		TEST(interrupts_from_nowhere),
		TEST(ring_not_drained),
		TEST(ring_stalled_from_the_start),
		TEST(ring_indices_written),
		TEST(host_survives_its_own_lie),
		TEST(rescinded_and_offered_again),
		TEST(rescinded_many_times),
		TEST(rescinded_before_open_is_answered),
		TEST(lies_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
