// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to the guest: from the network straight into the units of the receive buffer, the RNDIS header written in
 * front of them. See netvsp_out.c for the packets they go in.
 * Invariant: nothing is copied but the frame, once, by the network; a look at its headers takes a copy of those.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "log.h"
#include "netvsp_internal.h"

#define TURN_PACKETS 4u /* then let other things of the loop happen */
#define LOOK_BYTES 128u /* of a frame's front; less than a unit holds in its first page */
#define RANGES_DRAINED 64u
#define TAG_BYTES 4u
#define ETHERNET_BYTES 14u

static bool wants_frames(const struct netvsp_channel *channel)
{
	return channel->recv && channel->config.running && channel->config.filter && channel->link;
}

static bool has_rsc(const struct netvsp_channel *channel)
{
	return channel->config.rsc4 || channel->config.rsc6;
}

static uint32_t data_room(const struct netvsp_channel *channel)
{
	return channel->recv->unit_bytes - RNDIS_PUT_BYTES;
}

/* Units that the largest frame may need. */
static uint32_t units_wanted(const struct netvsp_channel *channel)
{
	return has_rsc(channel) ? (NET_FRAME_MAX + data_room(channel) - 1) / data_room(channel) : 1;
}

/* The places for data in the uppermost @units spare units, the last of them first. Return: pieces. */
static unsigned int make_pieces(struct netvsp_channel *channel, uint32_t units)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < units; i++) {
		uint32_t unit = channel->spare[channel->spare_count - 1 - i];

		count = netvsp_area_pieces(channel->recv, unit * channel->recv->unit_bytes + RNDIS_PUT_BYTES,
					   data_room(channel), channel->pieces, count, NETVSP_PIECES);
	}
	return count;
}

/* The tag goes out of the frame and into @put: the addresses move up, over it. */
static void take_tag(uint8_t *data, uint8_t *look, struct rndis_put *put)
{
	uint32_t tag = (uint32_t)look[14] << 8 | look[15];

	if (look[12] != 0x81 || look[13])
		return;
	put->flags |= RNDIS_PUT_VLAN;
	put->vlan = tag >> 13 | (tag >> 12 & 1 ? RNDIS_VLAN_CFI : 0) |
		    (tag & RNDIS_VLAN_ID_MASK) << RNDIS_VLAN_ID_SHIFT;
	put->skip = TAG_BYTES;
	memcpy(data + TAG_BYTES, look, 12);
}

/* A checksum that was left to us. It is written where it belongs. */
static void fill_checksum(struct netvsp_channel *channel, const struct net_meta *meta, unsigned int pieces, size_t bytes)
{
	size_t field = (size_t)meta->csum_start + meta->csum_offset;
	struct iovec *list = channel->frame;
	unsigned int count = net_slice(channel->pieces, pieces, meta->csum_start, bytes - meta->csum_start, list,
				       NETVSP_PIECES);
	uint16_t sum = (uint16_t)~net_fold(net_sum(list, count, 0, 0));
	uint8_t value[2] = { (uint8_t)(sum >> 8), (uint8_t)sum };

	for (unsigned int i = 0; i < 2; i++)
		if (net_slice(channel->pieces, pieces, field + i, 1, list, 1))
			*(uint8_t *)list[0].iov_base = value[i];
}

/* Whether the guest believes us in what we say of the checksum; else it has to be right. */
static void judge_checksum(struct netvsp_channel *channel, const struct net_meta *meta, const struct net_headers *headers,
			   unsigned int pieces, size_t bytes, struct rndis_put *put)
{
	bool believed = headers->v6 ? channel->config.rx_csum6 : channel->config.rx_csum4;

	if (!headers->transport || !believed) {
		if (meta->flags & NET_CSUM_WANTED && !meta->gso &&
		    (size_t)meta->csum_start + meta->csum_offset + 2 <= bytes)
			fill_checksum(channel, meta, pieces, bytes);
		return;
	}
	if (!(meta->flags & (NET_CSUM_WANTED | NET_CSUM_GOOD)))
		return;
	put->flags |= RNDIS_PUT_CSUM;
	put->csum = headers->protocol == IPPROTO_TCP ? RNDIS_RX_TCP_SUCCEEDED : RNDIS_RX_UDP_SUCCEEDED;
	if (!headers->v6)
		put->csum |= RNDIS_RX_IP_SUCCEEDED;
}

/* Return: where the frame goes; NULL: out on @channel. */
static struct netvsp_chain *spread(struct netvsp_channel *channel, const uint8_t *look, uint32_t length,
				   const struct net_headers *headers, struct rndis_put *put)
{
	uint32_t type = channel->rss ? rss_hash(channel->rss, look, length, headers, &put->hash) : 0;

	if (!type)
		return NULL;
	put->flags |= RNDIS_PUT_HASH;
	put->hash_info = type | NDIS_HASH_TOEPLITZ;
	return netvsp_spread_choose(channel, put->hash);
}

/* Headers in front of the parts of a frame, in as many units as it takes; they join @chain, or the batch. */
static void place(struct netvsp_channel *channel, struct netvsp_chain *chain, struct rndis_put *put, uint32_t bytes,
		  bool parted)
{
	uint32_t room = data_room(channel), done = 0, parts = (bytes + room - 1) / room;

	while (done < bytes) {
		uint32_t length;
		uint32_t unit = channel->spare[--channel->spare_count];
		uint8_t *at = channel_buffer_at(channel->recv->buffer, unit * channel->recv->unit_bytes);

		put->data_bytes = bytes - done < room ? bytes - done : room;
		if (parted) {
			put->flags |= RNDIS_PUT_ID;
			put->id_flags = RNDIS_PACKET_ID_SUBALLOC | (done ? 0 : RNDIS_PACKET_ID_FIRST) |
					(done + put->data_bytes == bytes ? RNDIS_PACKET_ID_LAST : 0);
		}
		done += put->data_bytes;
		put->data_bytes -= put->skip;
		length = rndis_put_packet(at, put);
		if (chain)
			netvsp_spread_add(channel, chain, unit, length, parts);
		else
			netvsp_out_add(channel, unit, length);
		parts = 0;
		put->flags = 0;
		put->skip = 0;
	}
}

static void drop(_Atomic uint64_t *counter)
{
	netvsp_count(counter, 1);
}

/* A frame lies in the uppermost spare units. */
static void take_frame(struct netvsp_channel *channel, const struct net_meta *meta, unsigned int pieces, uint32_t bytes)
{
	uint32_t unit = channel->spare[channel->spare_count - 1], length = bytes < LOOK_BYTES ? bytes : LOOK_BYTES;
	uint8_t *data = channel_buffer_at(channel->recv->buffer, unit * channel->recv->unit_bytes) + RNDIS_PUT_BYTES;
	struct netvsp_counters *counters = channel->counters;
	struct net_headers headers;
	struct netvsp_chain *chain;
	struct rndis_put put = { 0 };
	uint8_t look[LOOK_BYTES];
	bool parted = bytes > data_room(channel) || meta->gso;

	memcpy(look, data, length);
	netvsp_count(&counters->copied_bytes, length);
	if (bytes < ETHERNET_BYTES + TAG_BYTES || (parted && !has_rsc(channel))) {
		drop(&counters->rx_dropped);
		return;
	}
	if (!rndis_wanted(&channel->config, look)) {
		drop(&counters->rx_filtered);
		return;
	}
	net_headers(look, length, &headers);
	judge_checksum(channel, meta, &headers, pieces, bytes, &put);
	chain = spread(channel, look, length, &headers, &put);
	take_tag(data, look, &put);
	place(channel, chain, &put, bytes, parted);
	if (!chain)
		netvsp_count(&counters->rx_frames, 1);
	netvsp_count(&counters->rx_bytes, bytes);
	netvsp_count(&counters->rx_segments, net_segments(meta, bytes));
	if (parted)
		netvsp_count(&counters->rx_coalesced, 1);
}

static void network_failed(struct netvsp_channel *channel, int error)
{
	channel->ready = false;
	log_error("%s: %s: %s: no more frames are received", channel->netvsp->name, channel->netvsp->net->name,
		  strerror(error));
}

/* Return: false: there was none. */
static bool read_frame(struct netvsp_channel *channel, unsigned int pieces)
{
	const struct net_ops *ops = channel->netvsp->net->ops;
	struct net_meta meta = { 0 };
	ssize_t got = ops->receive(channel->queue, &meta, channel->pieces, pieces);

	if (got >= 0) {
		take_frame(channel, &meta, pieces, (uint32_t)got);
		return true;
	}
	if (got == -EMSGSIZE) {
		drop(&channel->counters->rx_dropped);
		return true;
	}
	channel->ready = false;
	if (got != -EAGAIN)
		network_failed(channel, (int)-got);
	return false;
}

/* Frames for one packet. */
static void fill_batch(struct netvsp_channel *channel)
{
	uint32_t max = netvsp_out_ranges_max(channel), units = units_wanted(channel);

	for (uint32_t reads = 0; reads < max && channel->ready && !channel->starved && channel->batch.count + units <= max;
	     reads++) {
		if (!netvsp_area_take(channel, units)) {
			/* What has been read goes on its way; the rest stays where it is. */
			channel->starved = true;
			netvsp_count(&channel->counters->rx_no_buffer, 1);
			return;
		}
		if (!read_frame(channel, make_pieces(channel, units)))
			return;
	}
}

/* Nobody wants them. Where they go does not matter, and they must not pile up. */
static void drain(struct netvsp_channel *channel)
{
	struct iovec piece = { channel->body, sizeof(channel->body) };
	struct net_meta meta;

	for (unsigned int i = 0; i < RANGES_DRAINED && channel->ready && channel->queue; i++) {
		ssize_t got = channel->netvsp->net->ops->receive(channel->queue, &meta, &piece, 1);

		if (got >= 0 || got == -EMSGSIZE)
			drop(&channel->counters->rx_dropped);
		else
			channel->ready = false;
	}
}

/* What can be done without waiting for the guest. */
static bool has_frames(const struct netvsp_channel *channel)
{
	return !channel->blocked && (channel->batch.count || (channel->ready && channel->queue && !channel->starved) ||
				     netvsp_spread_waiting(channel));
}

/* Frames of one packet, others' first: theirs need no unit. */
static void move_frames(struct netvsp_channel *channel)
{
	netvsp_spread_take(channel);
	fill_batch(channel);
	netvsp_spread_flush(channel);
	netvsp_out_send(channel);
}

void netvsp_receive(struct netvsp_channel *channel)
{
	for (unsigned int i = 0; i < TURN_PACKETS && has_frames(channel); i++) {
		/* What found no room last time. */
		if (!netvsp_out_send(channel))
			break;
		if (wants_frames(channel)) {
			move_frames(channel);
		} else {
			drain(channel);
			netvsp_spread_drop(channel);
		}
	}
	netvsp_spread_note(channel);
	if (has_frames(channel))
		channel_call(channel->channel);
}
