// SPDX-License-Identifier: GPL-2.0
// links: host/netvsp.c host/netvsp_channel.c host/netvsp_conversation.c host/netvsp_area.c host/netvsp_tx.c host/netvsp_rx.c
// links: host/netvsp_out.c host/rndis.c host/rndis_control.c host/rndis_oid.c host/rndis_rss.c host/net_offload.c
// links: host/netvsp_spread.c host/rss.c host/gpa_direct.c host/provider.c host/guestmem.c host/pagemap.c host/fault_nvsp.c
/*
 * The network provider with a guest of the fuzzer's own: any message on any channel, RNDIS of any bytes from sections and
 * pages, completions true and false, frames of any bytes and promises from the network, which receives on one queue or on
 * several, rings that are full, receive-side scaling by tables and keys of any size, channels that open and close, a link that goes.
 * Properties: a packet that wants a completion gets one, at once, and no other does; a frame goes to the network with as many
 * bytes as it is said to have, and a checksum inside of it; what is given to the guest lies in the receive buffer, in units of
 * which no two are the guest's at a time; closing gives all buffers and queues back.
 */
#include "netvsp_model.h"
#include "quiet_log.h"
#include "tape.h"
#include "wire/ndis.h"

#define UNITS_MAX (MODEL_RECV_PAGES * 2)
#define GIVEN_MAX 800u /* more than channels have slots */

/* What the guest has: the packets that it was given, and which units are in them. */
static struct given {
	bool there;
	uint64_t id;
	unsigned int channel;
	uint32_t count, units[UNITS_MAX];
} given[GIVEN_MAX];
static bool owned[UNITS_MAX];
static uint32_t unit_bytes;

static void take_given(unsigned int number, const struct model_packet *packet)
{
	struct given *place = given;
	uint32_t head[2];

	while (place->there)
		place++;
	memcpy(head, packet->body, sizeof(head));
	MUST(packet->desc.offset8 * 8 == 24 + 8 * head[1] && head[1] && head[1] <= UNITS_MAX);
	*place = (struct given){ .there = true, .id = packet->desc.transaction_id, .channel = number, .count = head[1] };
	for (uint32_t i = 0; i < head[1]; i++) {
		struct packet_xfer_range range;

		memcpy(&range, packet->body + 8 + 8 * i, sizeof(range));
		MUST(range.byte_offset % unit_bytes == 0 && range.byte_count <= unit_bytes);
		place->units[i] = range.byte_offset / unit_bytes;
		MUST(place->units[i] < MODEL_RECV_PAGES * 4096 / unit_bytes && !owned[place->units[i]]);
		owned[place->units[i]] = true;
	}
}

static void disown(struct given *place)
{
	for (uint32_t i = 0; i < place->count; i++)
		owned[place->units[i]] = false;
	place->there = false;
}

/* Before anything else is written: the guest reads what there is. */
static void read_all(void)
{
	for (unsigned int i = 0; i < MODEL_CHANNELS; i++) {
		struct channel *channel = &model.channels[i];

		MUST(channel->written <= MODEL_WRITTEN);
		for (unsigned int j = 0; j < channel->written; j++)
			if (channel->packets[j].desc.type == PACKET_XFER_PAGES)
				take_given(i, &channel->packets[j]);
		channel->written = 0;
	}
}

/* Those of channels that are gone, or all when the buffer is. */
static void forget(int number)
{
	for (unsigned int i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (given[i].there && (number < 0 || given[i].channel == (unsigned int)number))
			disown(&given[i]);
}

static void turn(void)
{
	model_turn();
	read_all();
}

static void say(struct tape *tape, struct channel *channel, struct packet_desc desc, const void *rest, uint32_t rest_bytes,
		const void *payload, uint32_t bytes)
{
	uint64_t before = channel->completions;
	bool wants = tape_u8(tape) & 7;

	desc.flags = wants && desc.type != PACKET_COMPLETION ? PACKET_FLAG_COMPLETION_REQUESTED : 0;
	MUST(model_packet(channel, &desc, rest, rest_bytes, payload, bytes) == 0);
	MUST(channel->completions == before + desc.flags);
	read_all();
}

static void converse(struct tape *tape, struct channel *channel)
{
	static const uint32_t types[] = { NVSP_INIT, NVSP_SEND_NDIS_CONFIG, NVSP_SEND_NDIS_VERSION, NVSP_SEND_RECV_BUF,
					  NVSP_SEND_SEND_BUF, NVSP_REVOKE_RECV_BUF, NVSP_REVOKE_SEND_BUF, NVSP_SUBCHANNEL,
					  NVSP_SWITCH_DATA_PATH, 0 };
	static const uint32_t versions[] = { NVSP_VERSION_1, NVSP_VERSION_4, NVSP_VERSION_5, NVSP_VERSION_6_1 };
	struct packet_desc desc = { .type = PACKET_INBAND, .transaction_id = 7 };
	struct nvsp_message message = { .type = types[tape_u8(tape) % 10] };
	uint32_t bytes = tape_u8(tape) & 1 ? sizeof(message) : tape_below(tape, sizeof(message) + 1);

	tape_take(tape, message.raw, 16);
	message.ndis_config.mtu %= message.type == NVSP_SEND_NDIS_CONFIG ? 1515 : UINT32_MAX;
	if (message.type == NVSP_INIT)
		message.init.version_min = message.init.version_max = versions[message.raw[0] & 3];
	if (message.type == NVSP_SEND_RECV_BUF || message.type == NVSP_SEND_SEND_BUF)
		message.buffer = (struct nvsp_buffer){ message.raw[0] % 4,
						       message.type == NVSP_SEND_RECV_BUF ? NVSP_RECV_BUF_ID : 0 };
	say(tape, channel, desc, NULL, 0, &message, bytes);
	turn();
	if (message.type == NVSP_REVOKE_RECV_BUF && channel == &model.channels[0])
		forget(-1);
}

/* An RNDIS message of almost any bytes, but of a kind. Return: its bytes. */
static uint32_t make_rndis(struct tape *tape, uint8_t *to, uint32_t room)
{
	static const uint32_t oids[] = { RNDIS_OID_GEN_CURRENT_PACKET_FILTER, RNDIS_OID_802_3_MULTICAST_LIST,
					 RNDIS_OID_GEN_CONFIG_PARAMETER, RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS,
					 RNDIS_OID_TCP_OFFLOAD_PARAMETERS, RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES,
					 RNDIS_OID_GEN_SUPPORTED_LIST, RNDIS_OID_802_3_PERMANENT_ADDRESS };
	uint32_t bytes = 8 + tape_below(tape, 400), words[16] = { 0 };

	if (bytes > room)
		bytes = room;
	memset(to, 0, bytes);
	tape_take(tape, to, bytes < 120 ? bytes : 120);
	memcpy(words, to, bytes < 64 ? bytes : 64);
	words[0] %= 10;
	words[1] = words[1] & 1 ? bytes : words[1] % 500;
	if (words[0] == RNDIS_PACKET) {
		for (unsigned int i = 2; i < 9; i++)
			words[i] %= 128;
		words[12] %= 9;
		words[11] = words[11] & 1 ? 16 : words[11] % 32;
		words[13] %= 20;
	} else {
		words[3] = words[3] & 1 ? oids[words[3] / 2 % 8] : words[3];
		words[4] %= 300;
		words[5] = words[5] & 1 ? 20 : words[5] % 300;
	}
	memcpy(to, words, bytes < 64 ? bytes : 64);
	return bytes;
}

static void transmit(struct tape *tape, struct channel *channel)
{
	uint8_t bytes[1200];
	uint32_t length = 0, count = 1 + (tape_u8(tape) & 1);
	struct nvsp_message message = { .type = NVSP_SEND_RNDIS_PKT, .rndis = { .channel_type = tape_u8(tape) & 1 } };
	struct packet_desc desc = { .type = PACKET_INBAND, .transaction_id = 8 };
	struct { uint32_t reserved, count, bytes, offset; uint64_t pfns[2]; } rest = { 0, 1, 0, 0, { 300, 301 } };
	uint32_t rest_bytes = 0, in_section;

	while (count--)
		length += make_rndis(tape, bytes + length, sizeof(bytes) - length);
	in_section = tape_u8(tape) & 1 ? length : tape_below(tape, length + 1);
	message.rndis.section = in_section ? tape_u8(tape) % 24 : NVSP_NO_SECTION;
	message.rndis.section_bytes = in_section;
	for (uint32_t i = 0; i < in_section && message.rndis.section < 21; i++)
		model_page(200 + (message.rndis.section * 6144 + i) / 4096)[(message.rndis.section * 6144 + i) % 4096] = bytes[i];
	if (in_section < length) {
		desc.type = PACKET_GPA_DIRECT;
		rest.offset = tape_below(tape, 4096);
		rest.bytes = length - in_section;
		for (uint32_t i = 0; i < rest.bytes; i++)
			model_page(300 + (rest.offset + i) / 4096)[(rest.offset + i) % 4096] = bytes[in_section + i];
		rest_bytes = rest.offset + rest.bytes > 4096 ? 32 : 24;
		if (!tape_u8(tape))
			tape_take(tape, &rest, sizeof(rest));
	}
	say(tape, channel, desc, &rest, rest_bytes, &message, sizeof(message));
	turn();
}

/* Where the guest wants frames, mostly such as guests do; sizes, places and channels may be lies. */
static void spread(struct tape *tape, struct channel *channel)
{
	const struct nvsp_message message = { .type = NVSP_SEND_RNDIS_PKT,
					      .rndis = { NVSP_CHANNEL_CONTROL, NVSP_NO_SECTION, 0 } };
	static const uint32_t types[] = { NDIS_HASH_IPV4, NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4, NDIS_HASH_UDP_IPV4 | NDIS_HASH_IPV6,
					  NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6 };
	struct {
		uint32_t reserved, count, bytes, offset;
		uint64_t pfn;
	} rest = { 0, 1, 0, 0, 300 };
	struct {
		uint32_t words[7];
		struct ndis_rss_parameters parameters;
		uint32_t table[300];
		uint8_t key[NDIS_RSS_KEY_BYTES];
	} set = { .words = { RNDIS_SET, sizeof(set), 3, RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS, sizeof(set) - 28, 20 },
		  .parameters = { .header = { (uint8_t)tape_lie(tape, NDIS_OBJECT_RSS_PARAMETERS), 2, 40 },
				  .hash = tape_lie(tape, NDIS_HASH_TOEPLITZ) | types[tape_u8(tape) & 3],
				  .table_bytes = (uint16_t)tape_lie(tape, 1024u >> (tape_u8(tape) & 15)),
				  .table_offset = tape_lie(tape, sizeof(set.parameters)),
				  .key_bytes = (uint16_t)tape_lie(tape, NDIS_RSS_KEY_BYTES),
				  .key_offset = tape_lie(tape, sizeof(set.parameters) + sizeof(set.table)) } };
	struct packet_desc desc = { .type = PACKET_GPA_DIRECT, .transaction_id = 9 };

	if (!(tape_u8(tape) & 3))
		set.parameters.flags = tape_u8(tape) & 31;
	set.parameters.base_cpu = tape_u8(tape) & 7 ? 0 : tape_u8(tape) & 3;
	for (unsigned int i = 0; i < 300; i++)
		set.table[i] = i < 8 ? (tape_u8(tape) + i) % MODEL_CHANNELS : set.table[i % 8];
	set.table[tape_u8(tape)] = tape_lie(tape, 1);
	tape_take(tape, set.key, 8);
	for (unsigned int i = 0; i < sizeof(set.key); i++)
		set.key[i] ^= (uint8_t)(i * 37 + 11);
	memcpy(model_page(300), &set, sizeof(set));
	rest.bytes = sizeof(set);
	say(tape, channel, desc, &rest, sizeof(rest), &message, sizeof(message));
	turn();
}

static void give_back(struct tape *tape, struct channel *channel)
{
	const uint32_t words[2] = { NVSP_SEND_RNDIS_PKT_COMPLETE, tape_u8(tape) & 3 };
	struct packet_desc desc = { .type = PACKET_COMPLETION };
	struct given *place = &given[tape_below(tape, 64)];

	desc.transaction_id = place->there ? place->id : tape_u8(tape);
	if (place->there && &model.channels[place->channel] == channel)
		disown(place);
	else if (place->there)
		desc.transaction_id ^= 1ull << 40; /* no channel has used a slot so often */
	else
		for (unsigned int i = 0; i < GIVEN_MAX; i++) /* one that it has is not a lie */
			if (given[i].there && given[i].id == desc.transaction_id)
				return;
	say(tape, channel, desc, NULL, 0, words, tape_u8(tape) ? 8 : 0);
	turn();
}

static void deliver(struct tape *tape, unsigned int queue)
{
	static const uint32_t sizes[] = { 60, 1514, 1518, 9014, 20000, 65550, 14, 1 };
	uint8_t what = tape_u8(tape);

	if (!model.ready[queue])
		queue = 0;
	if (!model.ready[queue])
		return;
	tape_take(tape, model.next.data, 64);
	if (!(what & 8))
		memcpy(model.next.data, "\2\0\0\0\0\x9\2\0\0\0\0\2\x8\0\x45", 15);
	if (!(what & 8) && what & 4)
		model.next.data[23] = what & 2 ? 6 : 17;
	model.next_varies = what & 8 ? 0 : 29;
	model.next.bytes = sizes[what & 7];
	model.next.meta = (struct net_meta){ .flags = what >> 4 & 3, .gso = (what >> 6) % 3, .mss = tape_u16(tape),
					     .csum_start = tape_u16(tape), .csum_offset = tape_u8(tape) };
	model.next_times = 1 + tape_u8(tape) % 80;
	model.ready[queue](model.ready_context[queue]);
	turn();
}

static void step(struct tape *tape, struct netvsp *nic)
{
	unsigned int number = tape_u8(tape) % 4 ? 0 : tape_u8(tape) % MODEL_CHANNELS;
	struct channel *channel = &model.channels[number];

	if (!channel->state) {
		model_open(number);
		return;
	}
	switch (tape_u8(tape) % 10) {
	case 8:
		spread(tape, channel);
		break;
	case 0:
	case 1:
		converse(tape, channel);
		break;
	case 2:
	case 3:
		transmit(tape, channel);
		break;
	case 4:
		give_back(tape, channel);
		break;
	case 5:
	case 9:
		deliver(tape, number);
		break;
	case 6:
		channel->full = tape_u8(tape) & 1;
		netvsp_set_link(nic, tape_u8(tape) & 7);
		turn();
		break;
	default:
		if (tape_u8(tape) % 8)
			break;
		model_close(number);
		turn();
		forget(number ? (int)number : -1);
		break;
	}
}

/* Most runs begin with a guest that has said what all say, and wants all frames. */
static void bring_up(void)
{
	const struct nvsp_message messages[] = {
		{ .type = NVSP_INIT, .init = { NVSP_VERSION_6_1, NVSP_VERSION_6_1 } },
		{ .type = NVSP_SEND_NDIS_CONFIG, .ndis_config = { 1514, 0, NVSP_CAP_RSC } },
		{ .type = NVSP_SEND_RECV_BUF, .buffer = { MODEL_RECV, NVSP_RECV_BUF_ID } },
		{ .type = NVSP_SEND_SEND_BUF, .buffer = { MODEL_SEND, NVSP_SEND_BUF_ID } },
		{ .type = NVSP_SEND_RNDIS_PKT, .rndis = { NVSP_CHANNEL_CONTROL, 0, 24 } },
		{ .type = NVSP_SEND_RNDIS_PKT, .rndis = { NVSP_CHANNEL_CONTROL, 2, 32 } },
	};
	const uint32_t filter[8] = { RNDIS_SET, 32, 2, RNDIS_OID_GEN_CURRENT_PACKET_FILTER, 4, 20, 0, RNDIS_FILTER_PROMISCUOUS };
	const uint32_t initialize[6] = { RNDIS_INITIALIZE, 24, 1, 1, 0, 0x4000 };
	struct packet_desc desc = { .type = PACKET_INBAND, .flags = PACKET_FLAG_COMPLETION_REQUESTED };

	memcpy(model_page(200), initialize, sizeof(initialize));
	memcpy(model_page(203), filter, sizeof(filter)); /* section 2 */
	for (unsigned int i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		MUST(!model_packet(&model.channels[0], &desc, NULL, 0, &messages[i], sizeof(messages[i])));
	turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	uint8_t how = tape_u8(&tape);
	struct netvsp *nic = model_start_on(0, how & 8 ? 1 : MODEL_CHANNELS);

	forget(-1);
	unit_bytes = 2048;
	MUST(model_open(0));
	if (how % 8)
		bring_up();
	if (how & 16)
		MUST(model_open(1) && model_open(2));
	if (how & 32)
		spread(&tape, &model.channels[0]);
	if (how & 64)
		deliver(&tape, 0);
	while (tape_more(&tape))
		step(&tape, nic);
	model_stop(nic);
	return 0;
}
