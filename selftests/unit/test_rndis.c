// SPDX-License-Identifier: GPL-2.0
// links: host/rndis.c host/rndis_control.c host/rndis_oid.c host/rndis_rss.c
/*
 * RNDIS as bytes: what a guest's frames and requests say, what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rndis.h"
#include "wire/nvsp.h"

static uint64_t counter(void *context, enum rndis_counter which)
{
	(void)context;
	return 100 + which;
}

static const struct rndis_about about = {
	.mac = { 2, 4, 6, 8, 10, 12 }, .mtu = 1500, .nvsp_version = NVSP_VERSION_6_1, .channels_max = 4, .rsc = true,
	.link = true, .counter = counter,
};

static struct rndis_config config;
static struct rndis_answer answer;

struct sent {
	struct rndis_header header;
	struct rndis_packet packet;
	uint8_t rest[200];
};

static void make_packet(struct sent *sent, uint32_t ppi_bytes, uint32_t data_bytes)
{
	memset(sent, 0, sizeof(*sent));
	sent->header = (struct rndis_header){ RNDIS_PACKET, 44 + ppi_bytes + data_bytes };
	sent->packet = (struct rndis_packet){ .data_offset = 36 + ppi_bytes, .data_bytes = data_bytes,
					      .ppi_offset = ppi_bytes ? 36 : 0, .ppi_bytes = ppi_bytes };
}

static void put_ppi(struct sent *sent, uint32_t at, uint32_t type, uint32_t value)
{
	const uint32_t words[4] = { 16, type, 12, value };

	memcpy(sent->rest + at, words, sizeof(words));
}

static const char *parse(const struct sent *sent, struct rndis_frame *frame)
{
	return rndis_parse_packet((const uint8_t *)sent, sizeof(*sent), sent->header.length, frame);
}

static void a_frame_with_everything(void **state)
{
	struct rndis_frame frame;
	struct sent sent;

	(void)state;
	make_packet(&sent, 48, 60);
	put_ppi(&sent, 0, RNDIS_PPI_VLAN, 0x123);
	put_ppi(&sent, 16, RNDIS_PPI_HASH, 5);
	put_ppi(&sent, 32, RNDIS_PPI_CHECKSUM, 0x77);
	assert_null(parse(&sent, &frame));
	assert_int_equal(frame.data_offset, 44 + 48);
	assert_int_equal(frame.data_bytes, 60);
	assert_true(frame.has_vlan && frame.has_csum && !frame.has_lso);
	assert_int_equal(frame.vlan, 0x123);
	assert_int_equal(frame.csum, 0x77);
}

static void frames_that_lie(void **state)
{
	struct rndis_frame frame;
	struct sent sent;

	(void)state;
	make_packet(&sent, 0, 60);
	assert_non_null(rndis_parse_packet((const uint8_t *)&sent, 40, 40, &frame));
	sent.packet.data_offset = 35;
	assert_string_equal(parse(&sent, &frame), "RNDIS PACKET with data outside");
	sent.packet.data_offset = 37;
	assert_string_equal(parse(&sent, &frame), "RNDIS PACKET with data outside");
	sent.packet.data_offset = UINT32_MAX;
	sent.packet.data_bytes = 2;
	assert_string_equal(parse(&sent, &frame), "RNDIS PACKET with data outside");
	make_packet(&sent, 16, 60);
	put_ppi(&sent, 0, RNDIS_PPI_CHECKSUM, 0);
	sent.packet.ppi_bytes = 100;
	assert_string_equal(parse(&sent, &frame), "per-packet information outside the message");
	sent.packet.ppi_bytes = 14;
	assert_string_equal(parse(&sent, &frame), "per-packet information of an impossible length");
	sent.packet.ppi_bytes = 8;
	assert_string_equal(parse(&sent, &frame), "per-packet information cut short");
	sent.packet.ppi_bytes = 16;
	sent.rest[0] = 0;
	assert_string_equal(parse(&sent, &frame), "per-packet information of an impossible length");
	sent.rest[0] = 16;
	sent.rest[8] = 17;
	assert_string_equal(parse(&sent, &frame), "per-packet information with its value outside");
	sent.rest[8] = 14;
	assert_string_equal(parse(&sent, &frame), "per-packet information too short for its value");
}

/* What we write can be read by the same rules that guests have. */
static void a_frame_to_the_guest(void **state)
{
	const struct rndis_put put = { .flags = RNDIS_PUT_CSUM | RNDIS_PUT_HASH | RNDIS_PUT_VLAN | RNDIS_PUT_ID,
				       .csum = 1, .hash = 2, .hash_info = 9, .vlan = 3, .id_flags = 7, .skip = 4,
				       .data_bytes = 61 };
	const uint32_t hash[] = { 16, RNDIS_PPI_HASH, 12, 2, 16, RNDIS_PPI_HASH_INFO, 12, 9 };
	uint8_t bytes[300] = { 0 };
	struct rndis_frame frame;
	struct rndis_header header;

	(void)state;
	assert_int_equal(rndis_put_packet(bytes, &put), 196);
	memcpy(&header, bytes, sizeof(header));
	assert_int_equal(header.length, 196);
	assert_null(rndis_parse_packet(bytes, 196, 196, &frame));
	assert_int_equal(frame.data_offset, RNDIS_PUT_BYTES + 4);
	assert_int_equal(frame.data_bytes, 61);
	assert_true(frame.has_csum && frame.has_vlan);
	assert_int_equal(frame.csum, 1);
	assert_int_equal(frame.vlan, 3);
	assert_memory_equal(bytes + 44 + 16, hash, sizeof(hash));
}

static const char *say(uint32_t type, uint32_t oid, const void *value, uint32_t bytes)
{
	struct {
		struct rndis_header header;
		struct rndis_request request;
		uint8_t value[1400];
	} message = { { type, 28 + bytes }, { 77, oid, bytes, 20, 0 }, { 0 } };

	if (bytes)
		memcpy(message.value, value, bytes);
	return rndis_control(&config, &about, (const uint8_t *)&message, message.header.length, &answer);
}

static struct rndis_message *answered(void)
{
	return (struct rndis_message *)answer.message;
}

static void begin(void)
{
	const uint32_t message[6] = { RNDIS_INITIALIZE, 24, 9, 1, 0, 0x4000 };

	rndis_reset_config(&config, &about);
	assert_null(rndis_control(&config, &about, (const uint8_t *)message, sizeof(message), &answer));
	assert_int_equal(answered()->header.type, RNDIS_INITIALIZE | RNDIS_COMPLETION);
	assert_int_equal(answered()->initialize_complete.request_id, 9);
	assert_int_equal(answered()->initialize_complete.status, RNDIS_STATUS_SUCCESS);
	assert_true(config.running);
}

/* The value of a QUERY's answer, which must be of @bytes. */
static const void *ask(uint32_t oid, uint32_t bytes)
{
	assert_null(say(RNDIS_QUERY, oid, NULL, 0));
	assert_int_equal(answered()->header.type, RNDIS_QUERY | RNDIS_COMPLETION);
	assert_int_equal(answered()->header.length, answer.bytes);
	assert_int_equal(answered()->query_complete.request_id, 77);
	assert_int_equal(answered()->query_complete.status, RNDIS_STATUS_SUCCESS);
	assert_int_equal(answered()->query_complete.buffer_bytes, bytes);
	assert_int_equal(answered()->query_complete.buffer_offset, 16);
	return answer.message + 24;
}

static uint32_t ask_u32(uint32_t oid)
{
	uint32_t value;

	memcpy(&value, ask(oid, 4), sizeof(value));
	return value;
}

static void objects_are_answered(void **state)
{
	const struct ndis_offload *offload;

	(void)state;
	begin();
	assert_int_equal(ask_u32(RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE), 1500);
	assert_int_equal(ask_u32(RNDIS_OID_GEN_LINK_SPEED) / 10000, 10000);
	assert_int_equal(ask_u32(RNDIS_OID_GEN_MEDIA_CONNECT_STATUS), RNDIS_MEDIA_CONNECTED);
	assert_int_equal(ask_u32(RNDIS_OID_GEN_RCV_OK), 100 + RNDIS_RCV_OK);
	assert_memory_equal(ask(RNDIS_OID_802_3_PERMANENT_ADDRESS, 6), about.mac, 6);
	offload = ask(RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, sizeof(*offload));
	assert_int_equal(offload->header.bytes, sizeof(*offload));
	assert_true(offload->rsc_ip4);
	ask(RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES, sizeof(struct ndis_rss_capabilities));
	/* What nobody has is no mistake of the guest's. */
	assert_null(say(RNDIS_QUERY, 0x00020216, NULL, 0));
	assert_int_equal(answered()->query_complete.status, RNDIS_STATUS_NOT_SUPPORTED);
	assert_int_equal(answered()->query_complete.buffer_offset, 16);
}

static void an_older_guest_gets_fewer_offloads(void **state)
{
	const struct ndis_object older = { NDIS_OBJECT_OFFLOAD, NDIS_OFFLOAD_REVISION_1, 112 };

	(void)state;
	begin();
	assert_null(say(RNDIS_QUERY, RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, &older, sizeof(older)));
	assert_int_equal(answered()->query_complete.buffer_bytes, 112);
}

static uint32_t set_status(void)
{
	assert_int_equal(answered()->header.type, RNDIS_SET | RNDIS_COMPLETION);
	assert_int_equal(answered()->complete.request_id, 77);
	return answered()->complete.status;
}

static void what_is_set_is_kept(void **state)
{
	const uint32_t filter = RNDIS_FILTER_DIRECTED | RNDIS_FILTER_MULTICAST;
	const uint8_t list[12] = { 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 7 }, other[6] = { 1, 2, 3, 4, 5, 8 };
	const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	const struct ndis_offload_parameters parameters = {
		.header = { NDIS_OBJECT_DEFAULT, 3, sizeof(parameters) }, .tcp4_csum = NDIS_OFFLOAD_TX_RX,
		.tcp6_csum = NDIS_OFFLOAD_TX, .rsc_ip4 = NDIS_OFFLOAD_ENABLED };

	(void)state;
	begin();
	assert_null(say(RNDIS_SET, RNDIS_OID_GEN_CURRENT_PACKET_FILTER, &filter, 4));
	assert_null(say(RNDIS_SET, RNDIS_OID_802_3_MULTICAST_LIST, list, sizeof(list)));
	assert_true(rndis_wanted(&config, about.mac));
	assert_true(rndis_wanted(&config, list + 6));
	assert_false(rndis_wanted(&config, other));
	assert_false(rndis_wanted(&config, all));
	assert_null(say(RNDIS_SET, RNDIS_OID_TCP_OFFLOAD_PARAMETERS, &parameters, sizeof(parameters)));
	assert_int_equal(set_status(), RNDIS_STATUS_SUCCESS);
	assert_true(config.rx_csum4 && !config.rx_csum6 && config.rsc4 && !config.rsc6);
	assert_non_null(say(RNDIS_SET, RNDIS_OID_802_3_MULTICAST_LIST, list, 7));
	assert_int_equal(set_status(), RNDIS_STATUS_INVALID_LENGTH);
}

static void the_guest_sets_its_address(void **state)
{
	struct {
		struct rndis_config_parameter parameter;
		uint8_t name[28], value[24];
	} set = { { 20, 28, RNDIS_PARAMETER_STRING, 48, 24 }, { 0 }, { 0 } };
	const uint8_t mac[6] = { 0x02, 0x1A, 0xbc, 0xde, 0xf0, 0x12 };

	(void)state;
	begin();
	for (unsigned int i = 0; i < 14; i++)
		set.name[2 * i] = (uint8_t)RNDIS_PARAMETER_MAC[i];
	for (unsigned int i = 0; i < 12; i++)
		set.value[2 * i] = (uint8_t)"021Abcdef012"[i];
	assert_null(say(RNDIS_SET, RNDIS_OID_GEN_CONFIG_PARAMETER, &set, sizeof(set)));
	assert_memory_equal(config.mac, mac, 6);
	assert_memory_equal(ask(RNDIS_OID_802_3_CURRENT_ADDRESS, 6), mac, 6);
	set.value[0] = 'x';
	assert_non_null(say(RNDIS_SET, RNDIS_OID_GEN_CONFIG_PARAMETER, &set, sizeof(set)));
	set.parameter.value_offset = UINT32_MAX;
	assert_non_null(say(RNDIS_SET, RNDIS_OID_GEN_CONFIG_PARAMETER, &set, sizeof(set)));
	set.parameter.value_offset = 50;
	assert_non_null(say(RNDIS_SET, RNDIS_OID_GEN_CONFIG_PARAMETER, &set, sizeof(set)));
	assert_memory_equal(config.mac, mac, 6);
}

static void requests_that_lie(void **state)
{
	uint32_t message[8] = { RNDIS_QUERY, 28, 5, RNDIS_OID_GEN_LINK_SPEED, 4, 21, 0 };
	const uint8_t *bytes = (const uint8_t *)message;

	(void)state;
	rndis_reset_config(&config, &about);
	assert_string_equal(rndis_control(&config, &about, bytes, 28, &answer), "RNDIS message before INITIALIZE");
	begin();
	assert_string_equal(rndis_control(&config, &about, bytes, 28, &answer), "RNDIS request with its value outside");
	assert_int_equal(answered()->query_complete.request_id, 5); /* its sender waits */
	assert_int_not_equal(answered()->query_complete.status, RNDIS_STATUS_SUCCESS);
	assert_non_null(rndis_control(&config, &about, bytes, 27, &answer));
	assert_non_null(rndis_control(&config, &about, bytes, 7, &answer));
	message[1] = 27;
	assert_string_equal(rndis_control(&config, &about, bytes, 28, &answer), "RNDIS message too short for its type");
	message[0] = RNDIS_INDICATE_STATUS;
	assert_string_equal(rndis_control(&config, &about, bytes, 28, &answer), "RNDIS message that guests do not send");
	assert_int_equal(answer.bytes, 0);
}

static void keepalive_reset_and_halt(void **state)
{
	uint32_t message[3] = { RNDIS_KEEPALIVE, 12, 5 };
	const uint8_t *bytes = (const uint8_t *)message;

	(void)state;
	begin();
	assert_null(rndis_control(&config, &about, bytes, 12, &answer));
	assert_int_equal(answered()->header.type, RNDIS_KEEPALIVE | RNDIS_COMPLETION);
	assert_int_equal(answered()->complete.request_id, 5);
	message[0] = RNDIS_RESET;
	assert_null(rndis_control(&config, &about, bytes, 12, &answer));
	assert_int_equal(answered()->header.type, RNDIS_RESET | RNDIS_COMPLETION);
	assert_int_equal(answered()->reset_complete.status, RNDIS_STATUS_SUCCESS);
	message[0] = RNDIS_HALT;
	assert_null(rndis_control(&config, &about, bytes, 12, &answer));
	assert_int_equal(answer.bytes, 0);
	assert_false(config.running);
}

static const uint8_t key[NDIS_RSS_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

struct rss_message {
	struct ndis_rss_parameters parameters;
	uint32_t table[8];
	uint8_t key[NDIS_RSS_KEY_BYTES];
};

static struct rss_message rss_message(uint32_t hash)
{
	struct rss_message message = {
		.parameters = { .header = { NDIS_OBJECT_RSS_PARAMETERS, 2, 40 }, .hash = hash | NDIS_HASH_TOEPLITZ,
				.table_bytes = 32, .table_offset = 40, .key_bytes = 40, .key_offset = 72 },
		.table = { 0, 1, 2, 3, 0, 1, 2, 3 },
	};

	memcpy(message.key, key, sizeof(key));
	return message;
}

static void rss_that_lies(void **state)
{
	struct rss_message good = rss_message(NDIS_HASH_IPV4), bad = good;
	struct rndis_rss rss = { 0 }, before;

	(void)state;
	assert_int_equal(rndis_rss_set(&rss, (uint8_t *)&good, sizeof(good), 4), RNDIS_STATUS_SUCCESS);
	before = rss;
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&good, sizeof(good), 3), 0); /* channel 3 cannot be */
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&good, sizeof(good) - 1, 4), 0);
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&good, 39, 4), 0);
	bad.parameters.table_bytes = 28; /* not a power of two */
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 4), 0);
	bad.parameters.table_bytes = 0;
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 4), 0);
	bad = good;
	bad.parameters.table_offset = UINT32_MAX - 3;
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 4), 0);
	bad = good;
	bad.parameters.key_bytes = 39;
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 4), 0);
	assert_memory_equal(&rss, &before, sizeof(rss));
	bad = good; /* a table that would do without its base, and the base alone */
	bad.parameters.base_cpu = 1;
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 4), 0);
	assert_int_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 5), 0);
	assert_int_equal(rss.base, 1);
	bad.parameters.base_cpu = 2;
	bad.parameters.flags = NDIS_RSS_TABLE_UNCHANGED | NDIS_RSS_KEY_UNCHANGED | NDIS_RSS_HASH_UNCHANGED;
	assert_int_not_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 5), 0);
	bad.parameters.flags |= NDIS_RSS_BASE_CPU_UNCHANGED;
	assert_int_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 5), 0);
	assert_int_equal(rss.base, 1);
	bad.parameters.flags = NDIS_RSS_DISABLE;
	assert_int_equal(rndis_rss_set(&rss, (uint8_t *)&bad, sizeof(bad), 4), RNDIS_STATUS_SUCCESS);
	assert_false(rss.on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_with_everything),
		cmocka_unit_test(frames_that_lie),
		cmocka_unit_test(a_frame_to_the_guest),
		cmocka_unit_test(objects_are_answered),
		cmocka_unit_test(an_older_guest_gets_fewer_offloads),
		cmocka_unit_test(what_is_set_is_kept),
		cmocka_unit_test(the_guest_sets_its_address),
		cmocka_unit_test(requests_that_lie),
		cmocka_unit_test(keepalive_reset_and_halt),
		cmocka_unit_test(rss_that_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
