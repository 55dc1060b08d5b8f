// SPDX-License-Identifier: GPL-2.0
// links: host/netvsp.c host/netvsp_channel.c host/netvsp_conversation.c host/netvsp_area.c host/netvsp_tx.c host/netvsp_rx.c
// links: host/netvsp_out.c host/rndis.c host/rndis_control.c host/rndis_oid.c host/rndis_rss.c host/net_offload.c
// links: host/netvsp_spread.c host/rss.c host/gpa_direct.c host/provider.c host/guestmem.c host/pagemap.c host/fault_nvsp.c
/*
 * The network provider on channels of the test's own: the test is the guest and the network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netvsp_guest.h"
#include "netvsp_internal.h"

static uint32_t ranges(struct channel *channel)
{
	uint32_t head[2];

	memcpy(head, newest(channel)->body, sizeof(head));
	return head[1];
}

static int setup(void **state)
{
	(void)state;
	logged = 0;
	nic = model_start(0);
	assert_true(model_open(0));
	return 0;
}

static void versions_are_agreed_once(void **state)
{
	(void)state;
	assert_int_equal(init_status(0x70000), NVSP_STATUS_FAIL);
	assert_int_equal(init_status(NVSP_VERSION_5), NVSP_STATUS_SUCCESS);
	assert_int_equal(init_status(NVSP_VERSION_5), NVSP_STATUS_FAIL);
}

static void a_cap_on_the_version(void **state)
{
	(void)state;
	model_stop(nic);
	nic = model_start(NVSP_VERSION_4);
	assert_true(model_open(0));
	assert_int_equal(init_status(NVSP_VERSION_5), NVSP_STATUS_FAIL);
	assert_int_equal(init_status(NVSP_VERSION_4), NVSP_STATUS_SUCCESS);
}

static void buffers(void **state)
{
	const struct nvsp_message wrong = { .type = NVSP_SEND_RECV_BUF, .buffer = { 77, NVSP_RECV_BUF_ID } };
	const struct nvsp_message revoke = { .type = NVSP_REVOKE_RECV_BUF, .revoke = { NVSP_RECV_BUF_ID } };
	struct packet_desc desc = { .type = PACKET_INBAND };
	struct nvsp_recv_buf_complete complete;

	(void)state;
	assert_int_equal(give_recv().status, NVSP_STATUS_FAIL); /* before INIT */
	assert_int_equal(init_status(NVSP_VERSION_6_1), NVSP_STATUS_SUCCESS);
	assert_int_equal(ask(&wrong).recv_buf_complete.status, NVSP_STATUS_FAIL);
	complete = give_recv();
	assert_int_equal(complete.status, NVSP_STATUS_SUCCESS);
	assert_int_equal(complete.section_count, 1);
	assert_int_equal(complete.section.suballoc_bytes, 2048);
	assert_int_equal(complete.section.suballoc_count, MODEL_RECV_PAGES * 2);
	assert_int_equal(model.borrowed, 1);
	assert_int_equal(give_recv().status, NVSP_STATUS_FAIL); /* a second one */
	assert_int_equal(counter("refused"), 3);
	assert_int_equal(logged, 1);
	assert_true(model_open(1));
	model_packet(primary, &desc, NULL, 0, &revoke, sizeof(revoke));
	assert_int_equal(model.borrowed, 1); /* the sub-channel still has it */
	model_turn();
	assert_int_equal(model.borrowed, 0);
	assert_int_equal(give_recv().status, NVSP_STATUS_SUCCESS);
}

/* A message with @data at the end of its header, in @to. Return: its bytes. */
static uint32_t make_frame(uint8_t *to, uint32_t type, uint32_t value, const uint8_t *data, uint32_t bytes, uint32_t padding)
{
	bool ppi = type != UINT32_MAX;
	const uint32_t words[15] = { RNDIS_PACKET, 44 + (ppi ? 16u : 0) + bytes + padding, 36 + (ppi ? 16u : 0), bytes, 0, 0, 0,
				     ppi ? 36 : 0, ppi ? 16 : 0, 0, 0, 16, type, 12, value };
	uint32_t head = 44 + (ppi ? 16u : 0);

	memcpy(to, words, head);
	memcpy(to + head, data, bytes);
	memset(to + head + bytes, 0, padding);
	return head + bytes + padding;
}

static uint32_t head_of(uint32_t bytes)
{
	return bytes < RNDIS_HEAD_MAX ? bytes : RNDIS_HEAD_MAX;
}

static void frames_from_the_send_buffer(void **state)
{
	json_int_t sections, copied;
	uint8_t message[6144];
	uint32_t bytes, first;

	(void)state;
	bring_up();
	sections = counter("tx_section_bytes");
	copied = counter("copied_bytes");
	bytes = first = make_frame(message, UINT32_MAX, 0, tcp, sizeof(tcp), 4);
	bytes += make_frame(message + bytes, RNDIS_PPI_VLAN, 5 | 0x123 << 4, tcp, sizeof(tcp), 0);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 1, message, bytes), NVSP_STATUS_SUCCESS);
	assert_int_equal(model.sent, 2);
	assert_int_equal(model.last.bytes, sizeof(tcp) + 4);
	assert_memory_equal(model.last.data, tcp, 12);
	assert_memory_equal(model.last.data + 12, "\x81\x00\xa1\x23\x08\x00\x45", 7);
	assert_memory_equal(model.last.data + 18, tcp + 14, sizeof(tcp) - 14);
	/* The guest has copied all of it. We look at copies of the heads, and send one of the front that is changed. */
	assert_int_equal(counter("tx_section_bytes") - sections, bytes);
	assert_int_equal(counter("copied_bytes") - copied,
			 head_of(bytes) + head_of(bytes - first) + sizeof(tcp));
	bytes = make_frame(message, RNDIS_PPI_CHECKSUM, RNDIS_TX_IPV4 | RNDIS_TX_TCP_CHECKSUM | 34 << 16, tcp, sizeof(tcp), 0);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 2, message, bytes), NVSP_STATUS_SUCCESS);
	assert_int_equal(model.last.meta.flags, NET_CSUM_WANTED);
	assert_int_equal(model.last.meta.csum_start, 34);
	assert_int_equal(model.last.meta.csum_offset, 16);
	assert_memory_equal(model.last.data, tcp, sizeof(tcp));
	assert_int_equal(counter("tx_frames"), 3);
	assert_int_equal(counter("tx_csum"), 1);
}

/* The header in a section, the data in pages: lengths and the sum of the pseudo-header are filled in, in a copy. */
static void segmentation_out_of_both(void **state)
{
	static uint8_t frame[12000];
	uint8_t message[200];
	struct {
		uint32_t reserved, count;
		uint32_t bytes, offset;
		uint64_t pfns[3];
	} rest = { 0, 1, sizeof(frame), 100, { 300, 301, 302 } };
	const struct nvsp_message nvsp = { .type = NVSP_SEND_RNDIS_PKT, .rndis = { NVSP_CHANNEL_DATA, 3, 60 } };
	struct packet_desc desc = desc_of(PACKET_GPA_DIRECT, 9);
	struct nvsp_message answer;

	(void)state;
	bring_up();
	memcpy(frame, tcp, sizeof(tcp));
	make_frame(message, RNDIS_PPI_LSO, RNDIS_LSO_V2 | 34 << 20 | 1460, frame, 0, 0);
	((uint32_t *)message)[1] = 60 + sizeof(frame);
	((uint32_t *)message)[3] = sizeof(frame);
	for (uint32_t i = 0; i < 60; i++)
		model_page(200 + (3 * 6144 + i) / 4096)[(3 * 6144 + i) % 4096] = message[i];
	for (uint32_t i = 0; i < sizeof(frame); i++)
		model_page(300 + (100 + i) / 4096)[(100 + i) % 4096] = frame[i];
	assert_int_equal(model_packet(primary, &desc, &rest, sizeof(rest), &nvsp, sizeof(nvsp)), 0);
	memcpy(&answer, newest(primary)->body, sizeof(answer));
	assert_int_equal(answer.rndis_complete.status, NVSP_STATUS_SUCCESS);
	assert_int_equal(model.last.bytes, sizeof(frame));
	assert_int_equal(model.last.meta.gso, NET_GSO_TCP4);
	assert_int_equal(model.last.meta.mss, 1460);
	assert_int_equal(model.last.meta.header_bytes, 54);
	assert_int_equal(model.last.data[16] << 8 | model.last.data[17], sizeof(frame) - 14);
	/* 10.0.0.1 + 10.0.0.2 + 6 + the length of the segment: 0x1403 + 6 + 11966 */
	assert_int_equal(model.last.data[50] << 8 | model.last.data[51], 0x1403 + 6 + 11966);
	assert_int_equal(model_page(300)[116], 0); /* the guest's own is as it was */
}

static void what_is_refused_from_the_guest(void **state)
{
	const struct nvsp_message rndis = { .type = NVSP_SEND_RNDIS_PKT, .rndis = { 0, NVSP_NO_SECTION, 0 } };
	struct packet_desc desc = desc_of(PACKET_INBAND, 5);
	struct { uint32_t reserved, count, bytes, offset; uint64_t pfn; } far = { 0, 1, 100, 0, 1u << 20 }, cut = { 0, 2, 100, 0, 5 };
	static uint8_t message[6200];
	uint32_t bytes;

	(void)state;
	bring_up();
	bytes = make_frame(message, UINT32_MAX, 0, tcp, sizeof(tcp), 0);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 21, message, bytes), NVSP_STATUS_FAIL);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 0, message, bytes - 1), NVSP_STATUS_FAIL);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 0, message, 7), NVSP_STATUS_FAIL);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 0, message, 6145), NVSP_STATUS_FAIL);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_CONTROL, 0, message, bytes), NVSP_STATUS_FAIL);
	make_frame(message, UINT32_MAX, 0, tcp, 13, 0);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 0, message, 57), NVSP_STATUS_FAIL);
	make_frame(message, RNDIS_PPI_CHECKSUM, RNDIS_TX_TCP_CHECKSUM | 50 << 16, tcp, sizeof(tcp), 0);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 0, message, 120), NVSP_STATUS_FAIL);
	make_frame(message, RNDIS_PPI_LSO, RNDIS_LSO_V2 | RNDIS_LSO_IPV6 | 34 << 20 | 1460, tcp, sizeof(tcp), 0);
	assert_int_equal(transmit(primary, NVSP_CHANNEL_DATA, 0, message, 120), NVSP_STATUS_FAIL);
	assert_int_equal(model_packet(primary, &desc, NULL, 0, &rndis, sizeof(rndis)), 0);
	desc.type = PACKET_GPA_DIRECT;
	assert_int_equal(model_packet(primary, &desc, &far, sizeof(far), &rndis, sizeof(rndis)), 0);
	assert_int_equal(model_packet(primary, &desc, &cut, sizeof(cut), &rndis, sizeof(rndis)), 0);
	assert_int_equal(counter("tx_refused"), 11);
	assert_int_equal(model.sent, 0);
	assert_int_equal(logged, 1);
	assert_true(model_open(1)); /* and all that is not frames */
	assert_int_equal(transmit(&model.channels[1], NVSP_CHANNEL_CONTROL, 0, message, 100), NVSP_STATUS_FAIL);
	desc.type = PACKET_INBAND;
	assert_int_equal(model_packet(&model.channels[1], &desc, NULL, 0, "\1\0\0\0\0\0\0\0\0\0\0\0", 12), 0);
	assert_int_equal(counter("refused"), 1);
}

static void frames_to_the_guest(void **state)
{
	const uint8_t tagged[64] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 2, 0x81, 0, 0xa1, 0x23, 8, 0, 0x45 };
	const uint8_t other[64] = { 2, 0, 0, 0, 0, 8 };
	uint8_t range[2048];
	struct rndis_packet packet;
	json_int_t copied;
	uint64_t first;

	(void)state;
	bring_up();
	copied = counter("copied_bytes");
	deliver(0, 5, tcp, sizeof(tcp));
	assert_int_equal(ranges(primary), 5); /* in one packet */
	range_of(primary, 4, range, sizeof(range));
	memcpy(&packet, range + 8, sizeof(packet));
	assert_int_equal(packet.data_bytes, sizeof(tcp));
	assert_memory_equal(range + 8 + packet.data_offset, tcp, sizeof(tcp));
	first = newest(primary)->desc.transaction_id;
	deliver(0, 1, other, sizeof(other));
	assert_int_equal(counter("rx_filtered"), 1);
	deliver(0, 1, tagged, sizeof(tagged));
	range_of(primary, 0, range, sizeof(range));
	memcpy(&packet, range + 8, sizeof(packet));
	assert_int_equal(packet.data_bytes, sizeof(tagged) - 4);
	assert_memory_equal(range + 8 + packet.data_offset, tagged, 12);
	assert_memory_equal(range + 8 + packet.data_offset + 12, "\x08\x00\x45", 3);
	assert_memory_equal(range + 56, "\x35\x12\0\0", 4);
	give_back(primary, first);
	give_back(primary, first); /* twice */
	give_back(primary, 999); /* never sent */
	give_back(primary, 0);
	assert_int_equal(counter("refused"), 3);
	assert_int_equal(counter("rx_frames"), 6);
	assert_int_equal(counter("copied_bytes") - copied, 5 * sizeof(tcp) + sizeof(other) + sizeof(tagged)); /* of their fronts */
}

/* Until units come back nothing is read; then all goes on, and none is lost. */
static void no_unit_is_left(void **state)
{
	static uint64_t ids[300];
	unsigned int count = 0, before;

	(void)state;
	bring_up();
	while (counter("rx_no_buffer") == 0) {
		before = primary->written;
		deliver(0, 10, tcp, sizeof(tcp));
		if (primary->written > before)
			ids[count++] = newest(primary)->desc.transaction_id;
	}
	assert_int_equal(counter("rx_frames"), MODEL_RECV_PAGES * 2);
	assert_int_equal(model.next_times, 4);
	give_back(primary, ids[0]);
	model_turn();
	assert_int_equal(model.next_times, 0);
	assert_int_equal(ranges(primary), 4);
	assert_int_equal(counter("rx_frames"), MODEL_RECV_PAGES * 2 + 4);
}

static void no_room_in_the_ring(void **state)
{
	unsigned int before;

	(void)state;
	bring_up();
	before = primary->written;
	primary->full = true;
	deliver(0, 500, tcp, sizeof(tcp));
	assert_int_equal(primary->written, before);
	assert_true(primary->refused);
	assert_true(model.next_times > 0);
	primary->full = false;
	model_turn();
	assert_int_equal(primary->written, before + 1); /* what was in the making, all units that there are */
	assert_int_equal(ranges(primary), MODEL_RECV_PAGES * 2);
}

/* Where faults find the message that a packet points at: of the guest's in a section, of ours in the receive buffer. */
static void what_packets_point_at(void **state)
{
	const uint32_t words[6] = { RNDIS_INITIALIZE, 24, 1, 1, 0, 0x4000 };
	struct nvsp_message message = { .type = NVSP_SEND_RNDIS_PKT, .rndis = { NVSP_CHANNEL_CONTROL, 0, sizeof(words) } };
	struct packet packet = { .desc = desc_of(PACKET_INBAND, 1), .bytes = 16 + sizeof(message), .payload = 16 };
	uint8_t data[16 + sizeof(message)] = { 0 };
	struct iovec at;

	(void)state;
	bring_up();
	control_status(words, sizeof(words), NULL, 0);
	packet.data = data;
	memcpy(data + 16, &message, sizeof(message));
	at = netvsp_channel_ops.pointed(primary->state, &packet);
	assert_int_equal(at.iov_len, sizeof(words));
	assert_memory_equal(at.iov_base, words, sizeof(words));
	message.rndis.section = 4000;
	memcpy(data + 16, &message, sizeof(message));
	assert_int_equal(netvsp_channel_ops.pointed(primary->state, &packet).iov_len, 0);
	packet = (struct packet){ .desc = newest(primary)->desc, .bytes = newest(primary)->bytes,
				  .payload = newest(primary)->desc.offset8 * 8 - 16, .data = newest(primary)->body };
	at = netvsp_channel_ops.pointed(primary->state, &packet);
	assert_int_equal(at.iov_len, 2048);
	assert_int_equal(*(uint32_t *)at.iov_base, RNDIS_INITIALIZE | RNDIS_COMPLETION);
	memset(packet.data + 8, 0xFF, 8); /* a range that is nowhere */
	assert_int_equal(netvsp_channel_ops.pointed(primary->state, &packet).iov_len, 0);
}

static void a_coalesced_frame(void **state)
{
	static uint8_t frame[20000];
	struct {
		uint32_t words[7];
		struct ndis_offload_parameters parameters;
	} set = { { RNDIS_SET, 28 + sizeof(set.parameters), 3, RNDIS_OID_TCP_OFFLOAD_PARAMETERS, sizeof(set.parameters), 20 },
		  { .header = { NDIS_OBJECT_DEFAULT, 3, 28 }, .tcp4_csum = NDIS_OFFLOAD_TX_RX,
		    .tcp6_csum = NDIS_OFFLOAD_TX_RX, .rsc_ip4 = NDIS_OFFLOAD_ENABLED, .rsc_ip6 = NDIS_OFFLOAD_ENABLED } };
	uint32_t answer[64], done = 0;
	uint8_t range[2048];

	(void)state;
	bring_up();
	assert_int_equal(control_status((uint32_t *)&set, sizeof(set), answer, sizeof(answer)), NVSP_STATUS_SUCCESS);
	assert_true(model.offloads.rx_gso4 && model.offloads.rx_gso6 && model.offloads.rx_csum);
	for (uint32_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 3 + i / 256);
	memcpy(frame, tcp, sizeof(tcp));
	model.next.meta = (struct net_meta){ .flags = NET_CSUM_WANTED, .gso = NET_GSO_TCP4, .mss = 1460, .csum_start = 34,
					     .csum_offset = 16 };
	deliver(0, 1, frame, sizeof(frame));
	assert_int_equal(ranges(primary), (sizeof(frame) + 1919) / 1920);
	for (unsigned int i = 0; i < ranges(primary); i++) {
		struct rndis_packet packet;
		struct rndis_packet_id id;

		range_of(primary, i, range, sizeof(range));
		memcpy(&packet, range + 8, sizeof(packet));
		memcpy(&id, range + 8 + packet.ppi_offset + packet.ppi_bytes - 4, sizeof(id));
		assert_int_equal(id.version, RNDIS_PACKET_ID_V1);
		assert_int_equal(id.flags, RNDIS_PACKET_ID_SUBALLOC | (i ? 0 : RNDIS_PACKET_ID_FIRST) |
						   (i + 1 == ranges(primary) ? RNDIS_PACKET_ID_LAST : 0));
		assert_memory_equal(range + 8 + packet.data_offset, frame + done, packet.data_bytes);
		done += packet.data_bytes;
	}
	assert_int_equal(done, sizeof(frame));
}

/* Without the guest's consent nothing is left to it. */
static void a_checksum_left_to_us(void **state)
{
	uint8_t frame[sizeof(tcp)], range[2048];

	(void)state;
	bring_up();
	memcpy(frame, tcp, sizeof(tcp));
	model.next.meta = (struct net_meta){ .flags = NET_CSUM_WANTED, .csum_start = 34, .csum_offset = 16 };
	deliver(0, 1, frame, sizeof(frame));
	range_of(primary, 0, range, sizeof(range));
	assert_int_equal(((uint32_t *)range)[8], 0); /* no per-packet information */
	assert_memory_equal(range + RNDIS_PUT_BYTES, tcp, 50);
	assert_memory_not_equal(range + RNDIS_PUT_BYTES + 50, tcp + 50, 2);
}

static void sub_channels(void **state)
{
	const struct nvsp_message message = { .type = NVSP_SUBCHANNEL, .subchannel = { NVSP_SUBCHANNEL_ALLOCATE, 9 } };
	uint32_t words[19];
	struct nvsp_message answer;
	uint8_t frame[200];

	(void)state;
	bring_up();
	answer = ask(&message);
	assert_int_equal(answer.subchannel_complete.status, NVSP_STATUS_SUCCESS);
	assert_int_equal(answer.subchannel_complete.count, MODEL_CHANNELS - 1); /* as many as there are */
	assert_int_equal(model.subs_asked, MODEL_CHANNELS - 1);
	assert_int_equal(ask(&message).subchannel_complete.status, NVSP_STATUS_FAIL); /* once */
	assert_true(model_open(1));
	model_turn();
	assert_int_not_equal(newest(primary)->desc.type, PACKET_INBAND);
	assert_true(model_open(2));
	model_turn();
	assert_int_equal(newest(primary)->desc.type, PACKET_INBAND);
	assert_int_equal(newest(primary)->bytes, sizeof(words));
	memcpy(words, newest(primary)->body, sizeof(words));
	assert_int_equal(words[0], NVSP_SEND_INDIRECTION_TABLE);
	assert_int_equal(words[1], 16);
	assert_int_equal(words[2], 12);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(words[3 + i], i % 3);
	assert_int_equal(transmit(&model.channels[2], NVSP_CHANNEL_DATA, 4, frame,
				  make_frame(frame, UINT32_MAX, 0, tcp, sizeof(tcp), 0)), NVSP_STATUS_SUCCESS);
	assert_int_equal(model.sent, 1);
	deliver(1, 2, tcp, sizeof(tcp));
	assert_int_equal(ranges(&model.channels[1]), 2);
	/* A completion on another channel than the packet came on is one for nothing. */
	give_back(&model.channels[2], newest(&model.channels[1])->desc.transaction_id);
	assert_int_equal(counter("refused"), 1);
}

static void link_news(void **state)
{
	uint32_t words[16];

	(void)state;
	bring_up();
	netvsp_set_link(nic, false);
	model_turn();
	range_of(primary, 0, (uint8_t *)words, sizeof(words));
	assert_int_equal(words[0], RNDIS_INDICATE_STATUS);
	assert_int_equal(words[2], RNDIS_STATUS_MEDIA_DISCONNECT);
	deliver(0, 3, tcp, sizeof(tcp));
	assert_int_equal(counter("rx_dropped"), 3); /* they do not pile up */
	netvsp_set_link(nic, true);
	model_turn();
	range_of(primary, 0, (uint8_t *)words, sizeof(words));
	assert_int_equal(words[2], RNDIS_STATUS_MEDIA_CONNECT);
}

static void messages_that_are_none(void **state)
{
	const struct nvsp_message path = { .type = NVSP_SWITCH_DATA_PATH };
	struct packet_desc desc = desc_of(PACKET_INBAND, 66);

	(void)state;
	assert_int_equal(model_packet(primary, &desc, NULL, 0, &path, sizeof(path)), 0);
	assert_int_equal(newest(primary)->desc.transaction_id, 66);
	assert_int_equal(newest(primary)->bytes, 0);
	assert_int_equal(model_packet(primary, &desc, NULL, 0, "\xff\xff\xff\xff", 4), 0);
	assert_int_equal(model_packet(primary, &desc, NULL, 0, NULL, 0), 0);
	desc.type = PACKET_XFER_PAGES;
	assert_int_equal(model_packet(primary, &desc, NULL, 0, &path, sizeof(path)), 0);
	assert_int_equal(primary->completions, 4);
	assert_int_equal(counter("refused"), 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(versions_are_agreed_once), CASE(a_cap_on_the_version), CASE(buffers), CASE(frames_from_the_send_buffer),
		CASE(segmentation_out_of_both), CASE(what_is_refused_from_the_guest), CASE(frames_to_the_guest),
		CASE(no_unit_is_left), CASE(no_room_in_the_ring), CASE(a_coalesced_frame), CASE(what_packets_point_at), CASE(a_checksum_left_to_us),
		CASE(sub_channels), CASE(link_news), CASE(messages_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
