// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c
// links: host/channel.c host/channel_buffer.c host/worker.c host/thread.c host/worker_out.c host/worker_trace.c host/gpadl.c host/ring.c host/loop.c host/guestmem.c host/pagemap.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/vmbus_fault.c host/worker_fault.c
// links: host/trace.c host/trace_buffer.c host/trace_pcapng.c host/log.c selftests/unit/bus_fixture.c selftests/unit/bus_guest.c
// links: host/fault_names.c host/fault_image.c host/fault_vstor.c host/error.c
/*
 * The VMBus server's conversation: every message in its place, and every message out of it.
 */
#include "bus_fixture.h"
#include "wire/hypercall.h"

/* A message of which only the type matters. */
union plain {
	struct chanmsg_header header;
	uint8_t raw[CHANMSG_SIZE_MAX];
};

static int setup(void **state)
{
	*state = bus_start(0, 3);
	return 0;
}

static int setup_connected(void **state)
{
	setup(state);
	bus_connect(*state, VMBUS_VERSION_WIN10_V5_3);
	return 0;
}

static int teardown(void **state)
{
	bus_stop(*state);
	return 0;
}

/* Version negotiation. */

static void every_version_is_spoken(void **state)
{
	const uint32_t versions[] = { VMBUS_VERSION(5, 3), VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 1),
				      VMBUS_VERSION(5, 0), VMBUS_VERSION(4, 1), VMBUS_VERSION(4, 0),
				      VMBUS_VERSION(3, 0) };
	struct bus *bus = *state;

	for (unsigned int i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		bus_contact(bus, versions[i]);
		assert_int_equal(bus->message.bytes, sizeof(struct chanmsg_version_response));
		assert_int_equal(bus->message.version.supported, 1);
		assert_int_equal(bus->message.version.connection_state, 0);
		assert_int_equal(
			bus->message.version.msg_connection_id,
			versions[i] >= VMBUS_VERSION_WIN10_V5 ? VMBUS_MESSAGE_CONNECTION_ID_4 : 0);
	}
	assert_int_equal(bus_refused(bus), 0);
}

static void other_versions_are_declined(void **state)
{
	const uint32_t versions[] = { VMBUS_VERSION(6, 0),
				      VMBUS_VERSION(5, 4),
				      VMBUS_VERSION(2, 4),
				      VMBUS_VERSION(1, 1),
				      0,
				      0xFFFFFFFF };
	char text[32];
	struct bus *bus = *state;

	for (unsigned int i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		bus_contact(bus, versions[i]);
		assert_int_equal(bus->message.version.supported, 0);
		assert_string_equal(bus_state(bus, text), "disconnected");
	}
	bus_connect(bus, VMBUS_VERSION(3, 0)); /* and the next try works */
}

static void version_is_capped(void **state)
{
	struct bus *bus = bus_start(VMBUS_VERSION(5, 1), 1);

	(void)state;
	bus_contact(bus, VMBUS_VERSION(5, 2));
	assert_int_equal(bus->message.version.supported, 0);
	bus_contact(bus, VMBUS_VERSION(5, 1));
	assert_int_equal(bus->message.version.supported, 1);
	bus_stop(bus);
}

/* A host from before 5.0 has no connection id 4; guests then go straight to 4.1. */
static void old_host_has_no_connection_4(void **state)
{
	struct chanmsg_initiate_contact message = { .header.type = CHANMSG_INITIATE_CONTACT };
	struct bus *bus = bus_start(VMBUS_VERSION(4, 1), 1);

	(void)state;
	assert_int_equal(vmbus_post_message(bus->vmbus, 4, 1, &message, sizeof(message)),
			 TLFS_STATUS_INVALID_CONNECTION_ID);
	bus_contact(bus, VMBUS_VERSION(4, 1));
	assert_int_equal(bus->message.version.supported, 1);
	bus_stop(bus);
}

static void hypercall_parameters(void **state)
{
	const struct chanmsg_header message = { .type = CHANMSG_REQUEST_OFFERS };
	struct bus *bus = *state;
	uint8_t raw[CHANMSG_SIZE_MAX + 1] = { 0 };

	assert_int_equal(vmbus_post_message(bus->vmbus, 2, 1, &message, 8),
			 TLFS_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(vmbus_post_message(bus->vmbus, 0x2001, 1, &message, 8),
			 TLFS_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(vmbus_post_message(bus->vmbus, 1, 2, &message, 8),
			 TLFS_STATUS_INVALID_PARAMETER);
	assert_int_equal(vmbus_post_message(bus->vmbus, 1, 1, raw, sizeof(raw)),
			 TLFS_STATUS_INVALID_PARAMETER);
	assert_int_equal(vmbus_signal_event(bus->vmbus, 2, 0), TLFS_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(vmbus_signal_event(bus->vmbus, 0x2001, 0),
			 TLFS_STATUS_INVALID_CONNECTION_ID);
	bus_expect_nothing(bus);
}

static void version_on_the_wrong_connection(void **state)
{
	struct chanmsg_initiate_contact message = { .header.type = CHANMSG_INITIATE_CONTACT,
						    .version = VMBUS_VERSION(5, 3) };
	struct bus *bus = *state;

	bus_post(bus, &message, sizeof(message)); /* on 1 */
	bus_expect(bus, CHANMSG_VERSION_RESPONSE);
	assert_int_equal(bus->message.version.supported, 0);
	bus->message_id = VMBUS_MESSAGE_CONNECTION_ID_4;
	message.version = VMBUS_VERSION(4, 1);
	bus_post(bus, &message, sizeof(message));
	bus_expect(bus, CHANMSG_VERSION_RESPONSE);
	assert_int_equal(bus->message.version.supported, 0);
}

static void messages_go_where_the_guest_wants(void **state)
{
	struct chanmsg_initiate_contact message = { .header.type = CHANMSG_INITIATE_CONTACT,
						    .version = VMBUS_VERSION(5, 3),
						    .target_vcpu = 1,
						    .msg_sint = 2 };
	struct bus *bus = *state;

	bus->message_id = VMBUS_MESSAGE_CONNECTION_ID_4;
	bus_post(bus, &message, sizeof(message));
	bus_expect(bus, CHANMSG_VERSION_RESPONSE);
	assert_int_equal(bus->message.vp, 1);
	assert_int_equal(bus->message.sint, 2);
	assert_int_equal(bus->message.version.supported, 1);
	/* There is one that works: told so there, however the guest likes it. */
	message.msg_sint = 5;
	bus_post(bus, &message, sizeof(message));
	bus_expect(bus, CHANMSG_VERSION_RESPONSE);
	assert_int_equal(bus->message.sint, 2);
	assert_int_equal(bus->message.version.supported, 0);
	assert_int_equal(bus_refused(bus), 1);
	/* Before 5.0 the same bytes are an address. */
	bus->message_id = VMBUS_MESSAGE_CONNECTION_ID;
	message.version = VMBUS_VERSION(4, 0);
	bus_post(bus, &message, sizeof(message));
	bus_expect(bus, CHANMSG_VERSION_RESPONSE);
	assert_int_equal(bus->message.sint, TLFS_SINT_VMBUS);
}

static void contact_with_impossible_targets(void **state)
{
	const struct chanmsg_initiate_contact good = { .header.type = CHANMSG_INITIATE_CONTACT,
						       .version = VMBUS_VERSION(5, 3),
						       .msg_sint = 2 };
	struct chanmsg_initiate_contact lies[] = { good, good, good };
	struct bus *bus = *state;
	char text[32];

	lies[0].target_vcpu = BUS_VPS;
	lies[1].target_vcpu = 0xFFFFFFFF;
	lies[2].msg_vtl = 2;
	for (unsigned int i = 0; i < 3; i++) {
		bus_post(bus, &lies[i], sizeof(lies[i]));
		bus_expect_refused(bus, i);
	}
	assert_string_equal(bus_state(bus, text), "offered"); /* the connection it had lives on */
}

/* The gate. */

static void before_contact_nothing_is_heard(void **state)
{
	const uint32_t types[] = { CHANMSG_REQUEST_OFFERS, CHANMSG_OPEN,
				   CHANMSG_CLOSE,	   CHANMSG_GPADL_HEADER,
				   CHANMSG_GPADL_BODY,	   CHANMSG_GPADL_TEARDOWN,
				   CHANMSG_RELID_RELEASED, CHANMSG_UNLOAD,
				   CHANMSG_MODIFY };
	const uint32_t sizes[] = { 8, 148, 12, 36, 24, 16, 12, 8, 16 };
	struct bus *bus = *state;

	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		union plain message = { .header.type = types[i] };

		bus_post(bus, &message, sizes[i]);
		bus_expect_refused(bus, i);
	}
}

static void before_offers_no_channel_is_known(void **state)
{
	struct bus *bus = *state;

	bus_contact(bus, VMBUS_VERSION(5, 3));
	bus_post_relid(bus, CHANMSG_CLOSE, 1);
	bus_expect_refused(bus, 0);
}

static void short_and_long_messages(void **state)
{
	const struct {
		uint32_t type, min, max;
	} sizes[] = {
		{ CHANMSG_REQUEST_OFFERS, 8, 8 },   { CHANMSG_OPEN, 148, 148 },
		{ CHANMSG_CLOSE, 12, 12 },	    { CHANMSG_GPADL_HEADER, 20, 240 },
		{ CHANMSG_GPADL_BODY, 16, 240 },    { CHANMSG_GPADL_TEARDOWN, 16, 16 },
		{ CHANMSG_RELID_RELEASED, 12, 12 }, { CHANMSG_INITIATE_CONTACT, 40, 240 },
		{ CHANMSG_UNLOAD, 8, 8 },	    { CHANMSG_MODIFY, 16, 16 },
	};
	struct bus *bus = *state;
	uint64_t refused = 0;

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		union plain message = { .header.type = sizes[i].type };

		for (uint32_t bytes = 0; bytes <= CHANMSG_SIZE_MAX; bytes++) {
			if (bytes >= sizes[i].min && bytes <= sizes[i].max)
				continue;
			bus_post(bus, &message, bytes);
			refused++;
		}
	}
	bus_expect_nothing(bus);
	assert_int_equal(bus_refused(bus), refused);
}

static void unknown_types(void **state)
{
	struct bus *bus = *state;
	uint64_t refused = 0;

	for (uint32_t type = 0; type < 64; type++) {
		struct chanmsg_relid message = { .header.type = type };

		switch (type) {
		case CHANMSG_REQUEST_OFFERS:
		case CHANMSG_OPEN:
		case CHANMSG_CLOSE:
		case CHANMSG_GPADL_HEADER:
		case CHANMSG_GPADL_BODY:
		case CHANMSG_GPADL_TEARDOWN:
		case CHANMSG_RELID_RELEASED:
		case CHANMSG_INITIATE_CONTACT:
		case CHANMSG_UNLOAD:
		case CHANMSG_MODIFY:
			continue;
		}
		bus_post(bus, &message, sizeof(message));
		bus_expect_refused(bus, refused++);
	}
	bus_post(bus, &(struct chanmsg_header){ .type = 0xFFFFFFFF }, 8);
	bus_expect_refused(bus, refused);
}

static void mailbox_is_bounded(void **state)
{
	const struct chanmsg_header message = { .type = CHANMSG_INVALID };
	struct loop *loop = loop_create(8, NULL, NULL); /* never runs */
	struct synic synic = { .flushes = 0 };
	struct vmbus_config config = { .loop = loop, .synic = &synic };
	struct vmbus *vmbus;
	unsigned int taken = 0;

	(void)state;
	pthread_mutex_init(&synic.lock, NULL);
	vmbus = vmbus_create(&config);
	while (vmbus_post_message(vmbus, 1, 1, &message, 8) == TLFS_STATUS_SUCCESS)
		taken++;
	assert_int_equal(taken, 256);
	assert_int_equal(vmbus_post_message(vmbus, 1, 1, &message, 8),
			 TLFS_STATUS_INSUFFICIENT_BUFFERS);
	vmbus_destroy(vmbus);
	loop_destroy(loop);
}

/* Offers. */

static void offers_tell_what_is_there(void **state)
{
	const struct chanmsg_header request = { .type = CHANMSG_REQUEST_OFFERS };
	struct bus *bus = *state;

	bus_contact(bus, VMBUS_VERSION(5, 3));
	bus_post(bus, &request, sizeof(request));
	for (uint32_t relid = 1; relid <= 3; relid++) {
		const struct chanmsg_offer *offer = &bus_expect(bus, CHANMSG_OFFER)->offer;

		assert_int_equal(bus->message.bytes, 196);
		assert_int_equal(offer->relid, relid);
		assert_int_equal(offer->connection_id, 0x2000 | relid);
		assert_int_equal(offer->dedicated_interrupt, CHANMSG_OFFER_DEDICATED_INTERRUPT);
		assert_int_equal(offer->monitor_allocated, 0);
		assert_int_equal(offer->sub_channel_index, 0);
		assert_int_equal(offer->if_type.b[0], 1);
		assert_int_equal(offer->if_instance.b[0], relid - 1);
	}
	bus_expect(bus, CHANMSG_ALL_OFFERS_DELIVERED);
	assert_int_equal(bus->message.bytes, 8);
	bus_post(bus, &request, sizeof(request));
	bus_expect_refused(bus, 0);
}

static void later_offers_come_at_once(void **state)
{
	struct bus *bus = *state;

	assert_non_null(bus_offer(bus, 7));
	assert_int_equal(bus_expect(bus, CHANMSG_OFFER)->offer.relid, 4);
	assert_null(bus_offer(bus, 7)); /* the same GUIDs again */
	bus_expect_nothing(bus);
}

static void rescinded_relid_rests_until_released(void **state)
{
	struct bus *bus = *state;

	bus_rescind(bus, 1);
	assert_int_equal(bus_expect(bus, CHANMSG_RESCIND)->relid.relid, 2);
	assert_int_equal(bus->message.bytes, 12);
	assert_non_null(bus_offer(bus, 1)); /* back before the guest has let go */
	assert_int_equal(bus_expect(bus, CHANMSG_OFFER)->offer.relid, 4);
	bus_rescind(bus, 1);
	bus_expect(bus, CHANMSG_RESCIND);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 2);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 4);
	bus_expect_nothing(bus);
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 4);
	bus_expect_refused(bus, 0); /* twice */
	bus_post_relid(bus, CHANMSG_RELID_RELEASED, 1);
	bus_expect_refused(bus, 1); /* not rescinded */
}

static void relids_are_used_again(void **state)
{
	struct bus *bus = *state;
	bool seen[CHANNEL_RELID_MAX + 1] = { false };

	for (unsigned int i = 0; i < 2 * CHANNEL_RELID_MAX; i++) {
		uint32_t relid;

		assert_non_null(bus_offer(bus, 9));
		relid = bus_expect(bus, CHANMSG_OFFER)->offer.relid;
		assert_in_range(relid, 4, CHANNEL_RELID_MAX);
		seen[relid] = true;
		bus_rescind(bus, 9);
		bus_expect(bus, CHANMSG_RESCIND);
		bus_post_relid(bus, CHANMSG_RELID_RELEASED, relid);
	}
	for (unsigned int relid = 4; relid <= CHANNEL_RELID_MAX; relid++)
		assert_true(seen[relid]);
	assert_int_equal(bus_refused(bus), 0);
}

static void rescind_before_any_guest(void **state)
{
	struct bus *bus = *state;

	bus_rescind(bus, 1);
	bus_expect_nothing(bus);
	assert_int_equal(bus_channel_number(bus, 1, "relid"), 3);
}

/* The end of a connection. */

static void unload_forgets_all(void **state)
{
	const struct chanmsg_header unload = { .type = CHANMSG_UNLOAD };
	struct bus *bus = *state;
	char text[32];

	for (unsigned int i = 0; i < 100; i++) {
		struct guest *guest = guest_open(bus, 1 + i % 3, 4);

		bus_post(bus, &unload, sizeof(unload));
		bus_expect(bus, CHANMSG_UNLOAD_RESPONSE);
		assert_int_equal(bus->message.bytes, 8);
		assert_string_equal(bus_state(bus, text), "disconnected");
		assert_false(guest_ring(guest));
		guest_free(guest);
		bus_post(bus, &unload, sizeof(unload));
		bus_expect_refused(bus, i);
		bus_connect(bus, i % 2 ? VMBUS_VERSION(5, 3) : VMBUS_VERSION(4, 0));
	}
}

static void contact_anew_starts_over(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	struct guest *again;

	bus_gpadl(bus, 2, 77, (uint64_t[]){ 1, 2 }, 2);
	bus_connect(bus, VMBUS_VERSION(5, 2)); /* as after kexec, nothing closed */
	assert_int_equal(bus_channel_number(bus, 0, "ring_bytes_in"), 0);
	assert_int_equal(atomic_load(&bus->echo.closed), 1);
	again = guest_open(bus, 1, 4); /* same handle: it was forgotten */
	bus_gpadl(bus, 2, 77, (uint64_t[]){ 1, 2 }, 2);
	assert_int_equal(guest_send(again, 7, "hi", 2), 0);
	assert_true(guest_receive(again));
	guest_close(again);
	guest_free(guest);
	assert_int_equal(bus_refused(bus), 0);
}

static void contact_waits_for_requests_in_flight(void **state)
{
	struct bus *bus = *state;
	struct chanmsg_initiate_contact contact = { .header.type = CHANMSG_INITIATE_CONTACT,
						    .version = VMBUS_VERSION(5, 3),
						    .msg_sint = 2 };
	struct guest *guest = guest_open(bus, 1, 4);
	char text[32];

	bus->echo.hold = true;
	guest_send(guest, 1, "x", 1);
	while (atomic_load(&bus->echo.held) != 1)
		sched_yield();
	bus_post(bus, &contact, sizeof(contact));
	bus_post(bus, &(struct chanmsg_header){ .type = CHANMSG_REQUEST_OFFERS }, 8);
	bus_expect_nothing(bus);
	assert_string_equal(bus_state(bus, text), "resetting");
	echo_release(bus, 0);
	bus_expect(bus, CHANMSG_VERSION_RESPONSE);
	for (int i = 0; i < 3; i++)
		bus_expect(bus, CHANMSG_OFFER); /* what waited is heard now */
	bus_expect(bus, CHANMSG_ALL_OFFERS_DELIVERED);
	guest_free(guest);
}

static void reset_of_the_vm(void **state)
{
	struct bus *bus = *state;
	struct guest *guest = guest_open(bus, 1, 4);
	char text[32];

	bus_rescind(bus, 1);
	bus_reset(bus);
	assert_string_equal(bus_state(bus, text), "disconnected");
	assert_int_equal(atomic_load(&bus->echo.closed), 1);
	assert_int_equal(bus_channel_number(bus, 1, "relid"), 3); /* 2 was rescinded */
	bus_expect_nothing(bus);
	guest_free(guest);
	bus_connect(bus, VMBUS_VERSION(5, 3));
	guest = guest_open(bus, 1, 4);
	guest_close(guest);
}

#define CASE(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CONNECTED(name) cmocka_unit_test_setup_teardown(name, setup_connected, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_version_is_spoken),
		CASE(other_versions_are_declined),
		cmocka_unit_test(version_is_capped),
		cmocka_unit_test(old_host_has_no_connection_4),
		CASE(hypercall_parameters),
		CASE(version_on_the_wrong_connection),
		CASE(messages_go_where_the_guest_wants),
		CONNECTED(contact_with_impossible_targets),
		CASE(before_contact_nothing_is_heard),
		CASE(before_offers_no_channel_is_known),
		CONNECTED(short_and_long_messages),
		CONNECTED(unknown_types),
		cmocka_unit_test(mailbox_is_bounded),
		CASE(offers_tell_what_is_there),
		CONNECTED(later_offers_come_at_once),
		CONNECTED(rescinded_relid_rests_until_released),
		CONNECTED(relids_are_used_again),
		CASE(rescind_before_any_guest),
		CONNECTED(unload_forgets_all),
		CONNECTED(contact_anew_starts_over),
		CONNECTED(contact_waits_for_requests_in_flight),
		CONNECTED(reset_of_the_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
