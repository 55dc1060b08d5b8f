// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c
// links: host/channel.c host/channel_buffer.c host/worker.c host/thread.c host/worker_out.c host/worker_trace.c host/gpadl.c host/ring.c host/loop.c host/guestmem.c host/pagemap.c
// links: host/log.c selftests/unit/bus_fixture.c selftests/unit/bus_guest.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/vmbus_fault.c host/worker_fault.c
// links: host/trace.c host/trace_buffer.c host/trace_pcapng.c
// links: host/fault_names.c host/fault_image.c host/fault_vstor.c host/error.c
/*
 * Sub-channels on the bus: offered when the provider asks, open beside the primary, and gone with
 * it.
 */
#include "bus_fixture.h"

#define PRIMARY 1 /* relid of the only offer made before the guest came */

static int setup(void **state)
{
	*state = bus_start(0, 1);
	bus_connect(*state, VMBUS_VERSION_WIN10_V5_3);
	return 0;
}

static int teardown(void **state)
{
	bus_stop(*state);
	return 0;
}

/* Have the provider ask for sub-channels. */
static void ask(struct guest *primary, const char *text)
{
	assert_int_equal(guest_send(primary, 1, text, 5), 0);
	assert_true(guest_receive(primary));
}

/* The offer of sub-channel @index. Return: its relid. */
static uint32_t expect_sub(struct bus *bus, unsigned int index)
{
	const struct chanmsg_offer *offer = &bus_expect(bus, CHANMSG_OFFER)->offer;

	assert_int_equal(offer->sub_channel_index, index);
	assert_int_equal(offer->if_instance.b[0], 0);
	assert_int_equal(offer->if_type.b[0], 1);
	assert_int_equal(offer->flags & CHANMSG_OFFER_ENUMERATE, 0);
	assert_int_equal(offer->connection_id, 0x2000 | offer->relid);
	return offer->relid;
}

static void expect_rescind(struct bus *bus, uint32_t relid)
{
	assert_int_equal(bus_expect(bus, CHANMSG_RESCIND)->relid.relid, relid);
}

static void offered_when_asked_for(void **state)
{
	struct bus *bus = *state;
	struct guest *primary = guest_open(bus, PRIMARY, 4);
	json_t *query;

	bus_expect_nothing(bus);
	ask(primary, "SUBS3");
	for (unsigned int i = 1; i <= 3; i++)
		assert_int_equal(expect_sub(bus, i), 1 + i);
	bus_expect_nothing(bus);
	query = bus_query(bus);
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(query, "channels"), 2), "name")),
		"echo0.2");
	json_decref(query);
	guest_free(primary);
}

/* Each has rings, a doorbell and an answer of its own. */
static void serve_beside_the_primary(void **state)
{
	struct bus *bus = *state;
	struct guest *channels[3] = { guest_open(bus, PRIMARY, 4) };

	ask(channels[0], "SUBS2");
	assert_int_equal(expect_sub(bus, 1), 2);
	assert_int_equal(expect_sub(bus, 2), 3);
	for (unsigned int i = 1; i < 3; i++)
		channels[i] = guest_open(bus, 1 + i, 4);
	for (unsigned int round = 0; round < 100; round++)
		for (unsigned int i = 0; i < 3; i++) {
			assert_int_equal(guest_send(channels[i], 10 + i, "hello", 5), 0);
			assert_true(guest_receive(channels[i]));
			assert_int_equal(channels[i]->packet.desc.transaction_id, 10 + i);
		}
	assert_int_equal(bus_channel_number(bus, 1, "packets_in"), 100);
	assert_int_equal(bus_channel_number(bus, 2, "packets_in"), 100);
	/* In the order of a sane guest: nobody is missed. */
	guest_close(channels[2]);
	guest_close(channels[1]);
	assert_int_equal(guest_send(channels[0], 5, "still", 5), 0);
	assert_true(guest_receive(channels[0]));
	bus_post_relid(bus, CHANMSG_CLOSE, PRIMARY);
	expect_rescind(bus, 2);
	expect_rescind(bus, 3);
	guest_free(channels[0]);
}

/* The guest closes the primary while the others are open; asked again they have new relids. */
static void rescinded_with_the_primary(void **state)
{
	struct bus *bus = *state;
	struct guest *primary = guest_open(bus, PRIMARY, 4);
	struct guest *sub;

	ask(primary, "SUBS2");
	assert_int_equal(expect_sub(bus, 1), 2);
	assert_int_equal(expect_sub(bus, 2), 3);
	sub = guest_open(bus, 2, 4);
	bus_post_relid(bus, CHANMSG_CLOSE, PRIMARY);
	expect_rescind(bus, 2);
	expect_rescind(bus, 3);
	bus_await_number(bus, 0, "ring_bytes_in", 0);
	bus_await_number(bus, 1, "ring_bytes_in", 0);
	assert_false(guest_ring(sub));
	bus_teardown(bus, PRIMARY, primary->gpadl);
	bus_expect(bus, CHANMSG_GPADL_TORNDOWN);
	guest_free(primary);

	primary = guest_open(bus, PRIMARY, 4);
	bus_expect_nothing(bus);
	ask(primary, "SUBS2");
	assert_int_equal(expect_sub(bus, 1), 4);
	assert_int_equal(expect_sub(bus, 2), 5);
	/* The old ones are held until the guest gives them back, and cannot be opened. */
	assert_int_equal(bus_open(bus, 3, 99, 4, 0), NTSTATUS_NOT_FOUND);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 2);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 3);
	bus_expect_nothing(bus);
	assert_int_equal(bus_channel_number(bus, 1, "relid"), 4);
	guest_free(sub);
	guest_free(primary);
}

/* The host takes the device away: its sub-channels go first. */
static void rescinded_before_the_primary(void **state)
{
	struct bus *bus = *state;
	struct guest *primary = guest_open(bus, PRIMARY, 4);

	ask(primary, "SUBS2");
	expect_sub(bus, 1);
	expect_sub(bus, 2);
	bus_rescind(bus, 0);
	expect_rescind(bus, 2);
	expect_rescind(bus, 3);
	expect_rescind(bus, PRIMARY);
	bus_expect_nothing(bus);
	for (uint32_t relid = 1; relid <= 3; relid++)
		bus_post_relid(bus, CHANMSG_RELID_RELEASED, relid);
	bus_settle(bus);
	bus_await_number(bus, 0, "relid", -1); /* none is left */
	guest_free(primary);
}

/* After the connection is over only the primary is offered again. */
static void forgotten_with_the_connection(void **state)
{
	const struct chanmsg_header unload = { .type = CHANMSG_UNLOAD };
	struct bus *bus = *state;
	struct guest *primary = guest_open(bus, PRIMARY, 4), *sub;

	ask(primary, "SUBS3");
	for (unsigned int i = 1; i <= 3; i++)
		expect_sub(bus, i);
	sub = guest_open(bus, 3, 4);
	bus_post(bus, &unload, sizeof(unload));
	bus_expect(bus, CHANMSG_UNLOAD_RESPONSE);
	assert_int_equal(bus_channel_number(bus, 0, "relid"), PRIMARY);
	assert_int_equal(bus_channel_number(bus, 1, "relid"), -1);
	guest_free(sub);
	guest_free(primary);
	bus_connect(bus, VMBUS_VERSION(4, 0));
	primary = guest_open(bus, PRIMARY, 4);
	ask(primary, "SUBS1");
	expect_sub(bus, 1);
	bus_reset(bus);
	assert_int_equal(bus_channel_number(bus, 1, "relid"), -1);
	guest_free(primary);
}

/* Asked for while the guest closes the primary: offered and rescinded, or not offered, never left. */
static void asked_for_while_closing(void **state)
{
	struct bus *bus = *state;

	for (unsigned int i = 0; i < 200; i++) {
		struct guest *primary = guest_open(bus, PRIMARY, 4);
		unsigned int offers = 0, rescinds = 0;

		assert_int_equal(guest_send(primary, 1, "SUBS1", 5), 0);
		bus_post_relid(bus, CHANMSG_CLOSE, PRIMARY);
		bus_teardown(bus, PRIMARY, primary->gpadl);
		for (bool torn = false; !torn;) {
			const struct posted *posted = bus_expect_any(bus);

			torn = posted->header.type == CHANMSG_GPADL_TORNDOWN;
			offers += posted->header.type == CHANMSG_OFFER;
			if (posted->header.type != CHANMSG_RESCIND)
				continue;
			rescinds++;
			bus_post_relid(bus, CHANMSG_RELID_RELEASED, posted->relid.relid);
		}
		assert_int_equal(offers, rescinds);
		bus_settle(bus);
		assert_int_equal(bus_channel_number(bus, 1, "relid"), -1);
		guest_free(primary);
	}
	assert_int_equal(bus_refused(bus), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(offered_when_asked_for),	    CASE(serve_beside_the_primary),
		CASE(rescinded_with_the_primary),   CASE(rescinded_before_the_primary),
		CASE(forgotten_with_the_connection), CASE(asked_for_while_closing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
