// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c
// links: host/channel.c host/channel_buffer.c host/worker.c host/thread.c host/worker_out.c host/worker_trace.c host/gpadl.c host/ring.c host/loop.c host/guestmem.c host/pagemap.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/vmbus_fault.c host/worker_fault.c
// links: host/trace.c host/trace_buffer.c host/trace_pcapng.c host/log.c selftests/unit/bus_fixture.c selftests/unit/bus_guest.c
// links: host/fault_names.c host/fault_image.c host/fault_vstor.c host/error.c
/*
 * Channels of the host as messages ask for them: GPADLs, OPEN, CLOSE, MODIFYCHANNEL, and every
 * request that must be refused.
 */
#include "bus_fixture.h"

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

static void expect_created(struct bus *bus, uint32_t status, uint64_t refused)
{
	bus_expect(bus, CHANMSG_GPADL_CREATED);
	assert_int_equal(bus->message.created.status, status);
	bus_expect_nothing(bus);
	assert_int_equal(bus_refused(bus), refused);
}

/* GPADLs. */

static void gpadl_of_many_bodies(void **state)
{
	struct bus *bus = *state;
	uint64_t pfns[1000];

	for (unsigned int i = 0; i < 1000; i++)
		pfns[i] = 3000 - i;
	bus_gpadl(bus, 1, 5, pfns, 1000);
	bus_teardown(bus, 1, 5);
	assert_int_equal(bus_expect(bus, CHANMSG_GPADL_TORNDOWN)->torndown.gpadl, 5);
	bus_teardown(bus, 1, 5);
	bus_expect_refused(bus, 0);
}

static void gpadl_refusals_are_answered(void **state)
{
	struct bus *bus = *state;
	uint64_t pfns[100] = { 1, 2, 3 };

	bus_gpadl_post(bus, 9, 5, pfns, 3);
	expect_created(bus, NTSTATUS_NOT_FOUND, 1); /* no such channel */
	bus_gpadl(bus, 1, 5, pfns, 3);
	bus_gpadl_post(bus, 2, 5, pfns, 3);
	expect_created(bus, NTSTATUS_INVALID_PARAMETER, 2); /* handle in use */
	pfns[1] = BUS_MEMORY_PAGES;
	bus_gpadl_post(bus, 1, 6, pfns, 3);
	expect_created(bus, NTSTATUS_INVALID_PARAMETER, 3); /* outside of memory */
	bus_gpadl_post(bus, 1, 7, pfns, 100);
	expect_created(bus, NTSTATUS_INVALID_PARAMETER,
		       4); /* the same, found after the last body */
}

static void gpadl_body_for_nothing(void **state)
{
	struct {
		struct chanmsg_gpadl_body body;
		uint64_t pfn;
	} message = { { { CHANMSG_GPADL_BODY, 0 }, 0, 5 }, 1 };
	struct bus *bus = *state;

	bus_post(bus, &message, sizeof(message));
	bus_expect_refused(bus, 0);
	bus_gpadl(bus, 1, 5, (uint64_t[]){ 1 }, 1);
	bus_post(bus, &message, sizeof(message)); /* complete already */
	bus_expect_refused(bus, 1);
}

static void gpadl_teardown_refusals(void **state)
{
	struct bus *bus = *state;

	bus_gpadl(bus, 1, 5, (uint64_t[]){ 1 }, 1);
	bus_teardown(bus, 2, 5); /* another channel's */
	bus_expect_refused(bus, 0);
	bus_teardown(bus, 1, 6);
	bus_expect_refused(bus, 1);
}

/* OPEN. */

static void open_refusals(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);
	const uint32_t gpadl = guest->gpadl;
	const struct {
		uint32_t relid, gpadl, downstream, vp, status;
	} lies[] = {
		{ 9, gpadl, 4, 0, NTSTATUS_NOT_FOUND }, /* no such channel */
		{ 1, 99, 4, 0, NTSTATUS_INVALID_PARAMETER }, /* no such GPADL */
		{ 2, gpadl, 4, 0, NTSTATUS_INVALID_PARAMETER }, /* a foreign one */
		{ 1, gpadl, 0, 0, NTSTATUS_INVALID_PARAMETER }, /* rings too small */
		{ 1, gpadl, 1, 0, NTSTATUS_INVALID_PARAMETER },
		{ 1, gpadl, 7, 0, NTSTATUS_INVALID_PARAMETER },
		{ 1, gpadl, 8, 0, NTSTATUS_INVALID_PARAMETER },
		{ 1, gpadl, 0xFFFFFFFF, 0, NTSTATUS_INVALID_PARAMETER },
		{ 1, gpadl, 4, BUS_VPS, NTSTATUS_INVALID_PARAMETER }, /* no such VP */
		{ 1, gpadl, 4, 0xFFFFFFFE, NTSTATUS_INVALID_PARAMETER },
	};

	for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		assert_int_equal(bus_open(bus, lies[i].relid, lies[i].gpadl, lies[i].downstream,
					  lies[i].vp),
				 lies[i].status);
		assert_int_equal(bus_refused(bus), i + 1);
	}
	assert_int_equal(atomic_load(&bus->echo.opened), 0);
	assert_int_equal(bus_open(bus, 1, gpadl, 4, 0), NTSTATUS_SUCCESS);
	assert_int_equal(bus_open(bus, 1, gpadl, 4, 0), NTSTATUS_INVALID_DEVICE_STATE); /* twice */
	guest_close(guest);
}

static void open_on_a_ring_that_is_no_ring(void **state)
{
	struct {
		struct chanmsg_gpadl_header header;
		struct gpa_range range;
		uint64_t pfns[5];
	} __attribute__((packed)) message = {
		{ { CHANMSG_GPADL_HEADER, 0 }, 1, 5, 48, 1 },
		{ 4 * 4096, 512 },
		{ 1, 2, 3, 4, 5 },
	};
	struct bus *bus = *state;

	bus_post(bus, &message, sizeof(message)); /* does not begin with a page */
	bus_expect(bus, CHANMSG_GPADL_CREATED);
	assert_int_equal(bus_open(bus, 1, 5, 2, 0), NTSTATUS_INVALID_PARAMETER);
	message.header.gpadl = 6;
	message.range = (struct gpa_range){ 5 * 4096 - 8, 0 };
	bus_post(bus, &message, sizeof(message)); /* nor end with one */
	bus_expect(bus, CHANMSG_GPADL_CREATED);
	assert_int_equal(bus_open(bus, 1, 6, 2, 0), NTSTATUS_INVALID_PARAMETER);
	bus_gpadl(bus, 1, 7, (uint64_t[]){ 1, 2, 3 }, 3);
	assert_int_equal(bus_open(bus, 1, 7, 2, 0), NTSTATUS_INVALID_PARAMETER);
}

static void open_with_bad_ring_headers(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);

	guest->out.ring.header->read_index = 3 * 4096;
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 0), NTSTATUS_INVALID_PARAMETER);
	guest->out.ring.header->read_index = 0;
	guest->in.ring.header->write_index = 12;
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 0), NTSTATUS_INVALID_PARAMETER);
	guest->in.ring.header->write_index = 0;
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 0), NTSTATUS_SUCCESS);
	guest_close(guest);
}

static void open_refused_by_the_provider(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);

	bus->echo.refuse = true;
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 0), NTSTATUS_UNSUCCESSFUL);
	assert_false(guest_ring(guest));
	bus->echo.refuse = false;
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 0), NTSTATUS_SUCCESS);
	guest_close(guest);
}

static void close_refusals(void **state)
{
	struct bus *bus = *state;

	bus_post_relid(bus, CHANMSG_CLOSE, 1); /* never opened */
	bus_expect_refused(bus, 0);
	bus_post_relid(bus, CHANMSG_CLOSE, 99);
	bus_expect_refused(bus, 1);
}

static void ring_is_torn_down_only_when_closed(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);

	bus_teardown(bus, 1, guest->gpadl);
	bus_expect_nothing(bus);
	bus_teardown(bus, 1, guest->gpadl);
	bus_expect_refused(bus, 0);
	assert_int_equal(guest_send(guest, 1, "still works", 11), 0);
	assert_true(guest_receive(guest));
	bus_post_relid(bus, CHANMSG_CLOSE, 1);
	bus_expect(bus, CHANMSG_GPADL_TORNDOWN);
	guest_free(guest);
}

static void close_waits_for_requests_in_flight(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	uint64_t interrupts;

	bus->echo.hold = true;
	guest_send(guest, 1, "x", 1);
	while (atomic_load(&bus->echo.held) != 1)
		sched_yield();
	bus_post_relid(bus, CHANMSG_CLOSE, 1);
	bus_teardown(bus, 1, guest->gpadl);
	bus_expect_nothing(bus);
	bus_post_relid(bus, CHANMSG_CLOSE, 1);
	bus_expect_refused(bus, 0);
	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, 0), NTSTATUS_INVALID_DEVICE_STATE);
	assert_false(guest_ring(guest));
	interrupts = synic_interrupts(bus, 1);
	echo_release(bus, 0);
	bus_expect(bus, CHANMSG_GPADL_TORNDOWN);
	assert_int_equal(synic_interrupts(bus, 1), interrupts);
	guest_free(guest);
}

static void open_and_close_many_times(void **state)
{
	struct bus *bus = *state;

	for (unsigned int i = 0; i < 200; i++) {
		struct guest *guest = guest_open(bus, 1 + i % 3, 2 + i % 5);

		assert_int_equal(guest_send(guest, i, &i, sizeof(i)), 0);
		assert_true(guest_receive(guest));
		assert_int_equal(guest->packet.desc.transaction_id, i);
		guest_close(guest);
	}
	assert_int_equal(bus_refused(bus), 0);
	assert_int_equal(atomic_load(&bus->echo.opened), 200);
}

/* MODIFYCHANNEL. */

static void modify(struct bus *bus, uint32_t relid, uint32_t vp)
{
	const struct chanmsg_modify message = { { CHANMSG_MODIFY, 0 }, relid, vp };

	bus_post(bus, &message, sizeof(message));
}

static void interrupts_follow_the_target(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	uint64_t before;

	guest_send(guest, 1, "x", 1);
	/* Not read before the interrupt, which a guest that has it already would not get. */
	bus_await_number(bus, 0, "interrupts", 1);
	assert_true(guest_receive(guest));
	before = synic_interrupts(bus, 1);
	assert_int_equal(before, 1);
	assert_int_equal(bus->synic.last_flag, 1);
	assert_int_equal(bus->synic.last_sint, TLFS_SINT_VMBUS);
	modify(bus, 1, 0);
	bus_expect(bus, CHANMSG_MODIFY_RESPONSE);
	assert_int_equal(bus->message.modify.status, NTSTATUS_SUCCESS);
	for (int i = 0; i < 10; i++) {
		guest_send(guest, 1, "x", 1);
		bus_await_number(bus, 0, "interrupts", 2 + i);
		assert_true(guest_receive(guest));
	}
	assert_int_equal(synic_interrupts(bus, 1), before);
	assert_int_equal(synic_interrupts(bus, 0), 10);
	guest_close(guest);
}

static void no_target_no_interrupts(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_prepare(bus, 1, 4);

	assert_int_equal(bus_open(bus, 1, guest->gpadl, 4, CHANMSG_TARGET_VP_NONE),
			 NTSTATUS_SUCCESS);
	guest_send(guest, 1, "x", 1);
	bus_await_number(bus, 0, "packets_out", 1);
	bus_settle(bus);
	assert_int_equal(bus_channel_number(bus, 0, "interrupts"), 0);
	guest_close(guest);
}

static void modify_refusals(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	const struct {
		uint32_t relid, vp;
	} lies[] = { { 9, 0 }, { 2, 0 }, { 1, BUS_VPS }, { 1, 0xFFFFFFFE } };

	for (unsigned int i = 0; i < 4; i++) {
		modify(bus, lies[i].relid, lies[i].vp);
		bus_expect(bus, CHANMSG_MODIFY_RESPONSE);
		assert_int_equal(bus->message.modify.relid, lies[i].relid);
		assert_int_equal(bus->message.modify.status, NTSTATUS_INVALID_PARAMETER);
		assert_int_equal(bus_refused(bus), i + 1);
	}
	guest_free(guest);
	bus_connect(bus, VMBUS_VERSION(5, 2)); /* no answer before 5.3 */
	guest = guest_open(bus, 1, 4);
	modify(bus, 1, 0);
	bus_expect_nothing(bus);
	assert_int_equal(bus_channel_number(bus, 0, "target_vp"), 0);
	modify(bus, 1, 7);
	bus_expect_refused(bus, 4);
	guest_free(guest);
	bus_connect(bus, VMBUS_VERSION(4, 0)); /* not there at all before 4.1 */
	guest = guest_open(bus, 1, 4);
	modify(bus, 1, 0);
	bus_expect_refused(bus, 5);
	guest_close(guest);
}

static void deaf_guest_loses_messages_and_nothing_else(void **state)
{
	struct bus *bus = *state;
	json_t *query;

	bus->synic.deaf = true;
	for (uint32_t i = 0; i < 10; i++)
		bus_teardown(bus, 1, 99);
	bus_gpadl_post(bus, 1, 5, (uint64_t[]){ 1 }, 1);
	bus_settle(bus);
	bus->synic.deaf = false;
	query = bus_query(bus);
	assert_int_equal(json_integer_value(json_object_get(query, "messages_lost")), 1);
	json_decref(query);
}

static void query_tells(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 2, 4);
	json_t *query = bus_query(bus);
	json_t *channel = json_array_get(json_object_get(query, "channels"), 1);

	assert_string_equal(json_string_value(json_object_get(query, "version")), "5.3");
	assert_string_equal(json_string_value(json_object_get(query, "version_max")), "5.3");
	assert_string_equal(json_string_value(json_object_get(channel, "name")), "echo1");
	assert_string_equal(json_string_value(json_object_get(channel, "state")), "open");
	assert_string_equal(json_string_value(json_object_get(channel, "type")),
			    "04030201-0605-0807-0000-000000000000");
	assert_int_equal(json_integer_value(json_object_get(channel, "target_vp")), 1);
	assert_int_equal(json_integer_value(json_object_get(channel, "ring_bytes_out")), 3 * 4096);
	assert_true(json_is_null(json_object_get(channel, "broken")));
	json_decref(query);
	guest_close(guest);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(gpadl_of_many_bodies),
		CASE(gpadl_refusals_are_answered),
		CASE(gpadl_body_for_nothing),
		CASE(gpadl_teardown_refusals),
		CASE(open_refusals),
		CASE(open_on_a_ring_that_is_no_ring),
		CASE(open_with_bad_ring_headers),
		CASE(open_refused_by_the_provider),
		CASE(close_refusals),
		CASE(ring_is_torn_down_only_when_closed),
		CASE(close_waits_for_requests_in_flight),
		CASE(open_and_close_many_times),
		CASE(interrupts_follow_the_target),
		CASE(no_target_no_interrupts),
		CASE(modify_refusals),
		CASE(deaf_guest_loses_messages_and_nothing_else),
		CASE(query_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
