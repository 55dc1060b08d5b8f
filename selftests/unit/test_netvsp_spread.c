// SPDX-License-Identifier: GPL-2.0
// links: host/netvsp.c host/netvsp_channel.c host/netvsp_conversation.c host/netvsp_area.c host/netvsp_tx.c host/netvsp_rx.c
// links: host/netvsp_out.c host/rndis.c host/rndis_control.c host/rndis_oid.c host/rndis_rss.c host/net_offload.c
// links: host/netvsp_spread.c host/rss.c host/gpa_direct.c host/provider.c host/guestmem.c host/pagemap.c host/fault_nvsp.c
/*
 * Frames of a network that receives on one queue, spread over the channels of a NIC as its guest asks: which go where, in
 * which order, with which hash, and what becomes of them when a channel is stuck, closes, or loses its buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netvsp_guest.h"
#include "rss.h"

#define FLOW_AT 29u /* the byte of the source address by which these frames differ */
#define UNITS (MODEL_RECV_PAGES * 2)

struct rss_message {
	uint32_t words[7];
	struct ndis_rss_parameters parameters;
	uint32_t table[8];
	uint8_t key[NDIS_RSS_KEY_BYTES];
};

static struct rndis_rss wanted;

/* The guest wants frames on the channels of @table. */
static void set_rss(const uint32_t table[8], uint16_t flags)
{
	struct rss_message set = {
		.words = { RNDIS_SET, sizeof(set), 3, RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS,
			   sizeof(set) - sizeof(set.words), 20, 0 },
		.parameters = { .header = { NDIS_OBJECT_RSS_PARAMETERS, 2, 40 }, .flags = flags,
				.hash = NDIS_HASH_TOEPLITZ | NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4,
				.table_bytes = sizeof(set.table), .table_offset = offsetof(struct rss_message, table) - 28,
				.key_bytes = sizeof(set.key), .key_offset = offsetof(struct rss_message, key) - 28 },
	};
	uint32_t answer[64];

	memcpy(set.table, table, sizeof(set.table));
	for (unsigned int i = 0; i < sizeof(set.key); i++)
		set.key[i] = (uint8_t)(i * 37 + 11);
	assert_int_equal(control_status((uint32_t *)&set, sizeof(set), answer, sizeof(answer)), NVSP_STATUS_SUCCESS);
	assert_int_equal(answer[3], RNDIS_STATUS_SUCCESS);
	wanted = (struct rndis_rss){ .on = true, .hash = set.parameters.hash, .table_count = 8 };
	for (unsigned int i = 0; i < 8; i++)
		wanted.table[i] = (uint8_t)table[i];
	memcpy(wanted.key, set.key, sizeof(wanted.key));
}

/* By the table and the hash, where the nth frame goes. */
static unsigned int place_of(unsigned int number, uint32_t *hash)
{
	struct rss *rss = rss_create(&wanted);
	struct net_headers headers;
	uint8_t frame[sizeof(tcp)];
	unsigned int place;

	memcpy(frame, tcp, sizeof(tcp));
	frame[FLOW_AT] = (uint8_t)(tcp[FLOW_AT] + number);
	net_headers(frame, sizeof(frame), &headers);
	assert_int_equal(rss_hash(rss, frame, sizeof(frame), &headers, hash), NDIS_HASH_TCP_IPV4);
	place = rss_channel(rss, *hash);
	rss_drop(rss);
	return place;
}

/* What the guest was given on a channel since it last looked: the flow of each frame, and its hash. */
struct got {
	unsigned int count;
	uint8_t flows[UNITS];
	uint32_t hashes[UNITS]; /* 0: none was told */
};

static void take_range(struct got *got, const struct packet_xfer_range *range)
{
	struct rndis_packet head;
	uint8_t bytes[2048];
	uint32_t ppi[4];

	for (uint32_t i = 0; i < range->byte_count; i++)
		bytes[i] = model_page(191 - (range->byte_offset + i) / 4096)[(range->byte_offset + i) % 4096];
	memcpy(&head, bytes + 8, sizeof(head));
	got->flows[got->count] = bytes[8 + head.data_offset + FLOW_AT];
	got->hashes[got->count] = 0;
	for (uint32_t at = 0; at < head.ppi_bytes; at += 16) {
		memcpy(ppi, bytes + 8 + head.ppi_offset + at, sizeof(ppi));
		if (ppi[1] == RNDIS_PPI_HASH)
			got->hashes[got->count] = ppi[3];
		if (ppi[1] == RNDIS_PPI_HASH_INFO)
			assert_int_equal(ppi[3], NDIS_HASH_TOEPLITZ | NDIS_HASH_TCP_IPV4);
	}
	got->count++;
}

/* @back: the guest returns all that it got. */
static void look(unsigned int number, struct got *got, bool back)
{
	struct channel *channel = &model.channels[number];
	unsigned int packets = channel->written;

	assert_true(packets <= MODEL_WRITTEN);
	got->count = 0;
	for (unsigned int i = 0; i < packets; i++) {
		const struct model_packet *packet = &channel->packets[i];
		struct packet_xfer_range range;
		struct nvsp_message message;
		uint32_t head[2];

		if (packet->desc.type != PACKET_XFER_PAGES)
			continue;
		memcpy(head, packet->body, sizeof(head));
		memcpy(&message, packet->body + 8 + 8 * head[1], sizeof(message));
		if (message.rndis.channel_type == NVSP_CHANNEL_CONTROL)
			continue; /* an answer that was seen already */
		for (uint32_t j = 0; j < head[1]; j++) {
			memcpy(&range, packet->body + 8 + 8 * j, sizeof(range));
			take_range(got, &range);
		}
		if (back)
			give_back(channel, packet->desc.transaction_id);
	}
	channel->written = 0;
}

static void look_all(struct got got[MODEL_CHANNELS], bool back)
{
	for (unsigned int i = 0; i < MODEL_CHANNELS; i++)
		look(i, &got[i], back);
}

static void flows(unsigned int times)
{
	model.next_varies = FLOW_AT;
	deliver(0, times, tcp, sizeof(tcp));
}

/* All units are somebody's who can use them: so many frames are read before there are none. */
static void nothing_was_lost(void)
{
	struct got got;
	json_int_t starved = counter("rx_no_buffer");
	uint32_t count = 0;

	set_rss((const uint32_t[8]){ 0 }, NDIS_RSS_DISABLE);
	look(0, &got, false);
	for (unsigned int i = 0; i < 2 * UNITS && counter("rx_no_buffer") == starved; i++) {
		flows(8);
		look(0, &got, false);
		count += got.count;
	}
	assert_int_equal(count, UNITS);
}

static json_int_t queue_counter(unsigned int queue, const char *name)
{
	json_t *object = netvsp_query(nic);
	json_int_t value = json_integer_value(json_object_get(json_array_get(json_object_get(object, "queues"), queue), name));

	json_decref(object);
	return value;
}

static const uint32_t all_three[8] = { 0, 1, 2, 0, 1, 2, 1, 2 };

static int open_all(void **state)
{
	(void)state;
	logged = 0;
	nic = model_start_on(0, 1);
	assert_true(model_open(0));
	bring_up();
	assert_true(model_open(1) && model_open(2));
	model_turn();
	return 0;
}

static void frames_go_where_the_table_says(void **state)
{
	static struct got got[MODEL_CHANNELS];
	unsigned int seen[MODEL_CHANNELS] = { 0 }, calls[MODEL_CHANNELS];

	(void)state;
	set_rss(all_three, 0);
	look_all(got, true);
	for (unsigned int i = 0; i < MODEL_CHANNELS; i++)
		calls[i] = model.channels[i].calls;
	flows(60);
	look_all(got, true);
	assert_int_equal(model.channels[1].calls, calls[1] + 1); /* for all of them */
	assert_int_equal(model.channels[2].calls, calls[2] + 1);
	for (unsigned int i = 0; i < 60; i++) {
		uint32_t hash;
		unsigned int place = place_of(i, &hash);

		assert_true(seen[place] < got[place].count);
		assert_int_equal(got[place].flows[seen[place]], (uint8_t)(tcp[FLOW_AT] + i)); /* in their order */
		assert_int_equal(got[place].hashes[seen[place]], hash);
		seen[place]++;
	}
	for (unsigned int i = 0; i < MODEL_CHANNELS; i++) {
		assert_true(seen[i] > 5);
		assert_int_equal(got[i].count, seen[i]);
		assert_int_equal(queue_counter(i, "rx_frames"), seen[i]);
		assert_int_equal(queue_counter(i, "rx_taken_over"), i ? seen[i] : 0);
		assert_int_equal(queue_counter(i, "rx_handed_over"), i ? 0 : seen[1] + seen[2]);
	}
	assert_int_equal(counter("rx_frames"), 60);
	nothing_was_lost();
}

static void off_is_as_read(void **state)
{
	static struct got got[MODEL_CHANNELS];

	(void)state;
	flows(20); /* never set */
	look_all(got, true);
	assert_int_equal(got[0].count, 20);
	assert_int_equal(got[0].hashes[0], 0);
	set_rss(all_three, 0);
	set_rss(all_three, NDIS_RSS_DISABLE);
	look_all(got, true);
	flows(20);
	look_all(got, true);
	assert_int_equal(got[0].count, 20);
	assert_int_equal(got[0].hashes[19], 0);
	assert_int_equal(queue_counter(0, "rx_handed_over"), 0);
}

static void what_has_no_hash_goes_out_where_it_was_read(void **state)
{
	static struct got got[MODEL_CHANNELS];
	uint8_t arp[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 2, 8, 6 };

	(void)state;
	set_rss((const uint32_t[8]){ 1, 1, 1, 1, 1, 1, 1, 1 }, 0);
	look_all(got, true);
	deliver(0, 3, arp, sizeof(arp));
	look_all(got, true);
	assert_int_equal(got[0].count, 3);
	assert_int_equal(got[0].hashes[0], 0);
	assert_int_equal(got[1].count, 0);
}

/* Channel 2 is not open: what is for it goes out on the channel that reads, with its hash. */
static void a_channel_that_is_not_open(void **state)
{
	static struct got got[MODEL_CHANNELS];

	(void)state;
	model_close(2);
	set_rss((const uint32_t[8]){ 2, 2, 2, 2, 2, 2, 2, 2 }, 0);
	look_all(got, true);
	flows(10);
	look_all(got, true);
	assert_int_equal(got[0].count, 10);
	assert_int_not_equal(got[0].hashes[9], 0);
	assert_true(model_open(2));
	model_turn();
	flows(10);
	look_all(got, true);
	assert_int_equal(got[0].count, 0);
	assert_int_equal(got[2].count, 10);
}

/* What waits for a guest that takes nothing on it comes back as units, and later frames go out elsewhere. */
static void a_channel_that_closes_with_frames(void **state)
{
	static struct got got[MODEL_CHANNELS];

	(void)state;
	set_rss((const uint32_t[8]){ 1, 1, 1, 1, 1, 1, 1, 1 }, 0);
	look_all(got, true);
	model.channels[1].full = true;
	flows(10); /* one packet in the making */
	flows(20); /* and these behind it */
	flows(20);
	look_all(got, true);
	assert_int_equal(got[0].count + got[1].count, 0);
	model_close(1);
	flows(10);
	look_all(got, true);
	assert_int_equal(got[0].count, 10);
	nothing_was_lost();
}

static void a_stuck_channel_does_not_stop_the_others(void **state)
{
	static struct got got[MODEL_CHANNELS];
	unsigned int others = 0, stuck = 0;
	uint32_t hash;

	(void)state;
	set_rss(all_three, 0);
	look_all(got, true);
	model.channels[1].full = true;
	for (unsigned int round = 0; round < 200; round++) {
		flows(16);
		look_all(got, true);
		assert_int_equal(got[1].count, 0);
		others += got[0].count + got[2].count;
	}
	for (unsigned int i = 0; i < 16; i++)
		stuck += place_of(i, &hash) == 1;
	assert_int_equal(others, 200 * (16 - stuck));
	assert_true(counter("rx_dropped") > 0);
	assert_int_equal(model.next_times, 0);
	model.channels[1].full = false;
	model_turn();
	look(1, &got[1], true);
	assert_true(got[1].count >= UNITS / 4);
	assert_int_equal(counter("rx_dropped") + got[1].count, 200 * stuck);
	nothing_was_lost();
}

/* All units wait for one channel, whose worker has not come to it: then the reader waits, and nothing is lost. */
static void a_slow_channel_makes_the_reader_wait(void **state)
{
	static struct got got[MODEL_CHANNELS];
	void *slow = model.channels[1].state;

	(void)state;
	set_rss((const uint32_t[8]){ 1, 1, 1, 1, 1, 1, 1, 1 }, 0);
	look_all(got, true);
	model.channels[1].state = NULL; /* to model_turn(), not to the provider */
	flows(UNITS + 100);
	assert_int_equal(model.next_times, 100);
	assert_true(counter("rx_no_buffer") > 0);
	model.channels[1].state = slow;
	model_turn();
	look(1, &got[1], true);
	assert_int_equal(got[1].count, UNITS);
	model_turn();
	look(1, &got[1], true);
	assert_int_equal(got[1].count, 100);
	assert_int_equal(counter("rx_dropped"), 0);
	nothing_was_lost();
}

static void the_buffer_is_revoked_with_frames(void **state)
{
	const struct nvsp_message revoke = { .type = NVSP_REVOKE_RECV_BUF, .revoke = { NVSP_RECV_BUF_ID } };
	static struct got got[MODEL_CHANNELS];
	struct packet_desc desc = { .type = PACKET_INBAND };

	(void)state;
	set_rss(all_three, 0);
	look_all(got, true);
	model.channels[1].full = model.channels[2].full = true;
	flows(40);
	flows(40);
	assert_int_equal(model_packet(primary, &desc, NULL, 0, &revoke, sizeof(revoke)), 0);
	model_turn();
	assert_int_equal(model.borrowed, 1); /* the send buffer */
	model.channels[1].full = model.channels[2].full = false;
	assert_int_equal(give_recv().status, NVSP_STATUS_SUCCESS);
	model_turn();
	look_all(got, false);
	flows(16);
	look_all(got, true);
	assert_int_equal(got[0].count + got[1].count + got[2].count, 16);
	assert_true(got[1].count && got[2].count);
	nothing_was_lost();
}

static void a_coalesced_frame_stays_whole(void **state)
{
	static uint8_t frame[20000];
	struct {
		uint32_t words[7];
		struct ndis_offload_parameters parameters;
	} set = { { RNDIS_SET, sizeof(set), 3, RNDIS_OID_TCP_OFFLOAD_PARAMETERS, sizeof(set.parameters), 20 },
		  { .header = { NDIS_OBJECT_DEFAULT, 3, 28 }, .tcp4_csum = NDIS_OFFLOAD_TX_RX,
		    .tcp6_csum = NDIS_OFFLOAD_TX_RX, .rsc_ip4 = NDIS_OFFLOAD_ENABLED, .rsc_ip6 = NDIS_OFFLOAD_ENABLED } };
	static struct got got[MODEL_CHANNELS];
	uint32_t answer[64];

	(void)state;
	assert_int_equal(control_status((uint32_t *)&set, sizeof(set), answer, sizeof(answer)), NVSP_STATUS_SUCCESS);
	set_rss((const uint32_t[8]){ 2, 2, 2, 2, 2, 2, 2, 2 }, 0);
	look_all(got, true);
	memcpy(frame, tcp, sizeof(tcp));
	model.next.meta = (struct net_meta){ .gso = NET_GSO_TCP4, .header_bytes = 54, .mss = 1460 };
	deliver(0, 20, frame, sizeof(frame)); /* 11 units each: they take more than one packet, and more than there are units */
	for (unsigned int done = 0; done < 20;) {
		struct channel *channel = &model.channels[2];
		unsigned int parts = 0;

		assert_true(channel->written > 0);
		for (unsigned int i = 0; i < channel->written; i++) {
			assert_int_equal(((uint32_t *)channel->packets[i].body)[1] % 11, 0);
			parts += ((uint32_t *)channel->packets[i].body)[1];
		}
		look(2, &got[2], true);
		assert_int_equal(got[2].hashes[0], got[2].hashes[11 % parts]);
		assert_int_equal(got[2].hashes[1], 0); /* on the first part */
		done += parts / 11;
		model_turn();
	}
	assert_int_equal(counter("rx_coalesced"), 20);
	assert_int_equal(counter("rx_segments"), 20 * ((sizeof(frame) - 54 + 1459) / 1460));
	assert_int_equal(queue_counter(2, "rx_taken_over"), 20);
	set.parameters.rsc_ip4 = set.parameters.rsc_ip6 = NDIS_OFFLOAD_DISABLED;
	assert_int_equal(control_status((uint32_t *)&set, sizeof(set), answer, sizeof(answer)), NVSP_STATUS_SUCCESS);
	model.next.meta = (struct net_meta){ 0 };
	nothing_was_lost();
}

#define SPREAD(name) cmocka_unit_test_setup_teardown(name, open_all, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPREAD(frames_go_where_the_table_says),
		SPREAD(off_is_as_read),
		SPREAD(what_has_no_hash_goes_out_where_it_was_read),
		SPREAD(a_channel_that_is_not_open),
		SPREAD(a_channel_that_closes_with_frames),
		SPREAD(a_stuck_channel_does_not_stop_the_others),
		SPREAD(a_slow_channel_makes_the_reader_wait),
		SPREAD(the_buffer_is_revoked_with_frames),
		SPREAD(a_coalesced_frame_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
