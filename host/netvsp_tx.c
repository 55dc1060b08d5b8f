// SPDX-License-Identifier: GPL-2.0
/*
 * Frames from the guest: out of a section of the send buffer, out of pages, or both, one behind the other; one
 * RNDIS message or several. Each goes to the network as it lies in guest memory; where its headers have to be
 * changed, a copy of these takes their place.
 * Invariant: a packet is answered once, whatever is in it; what the guest may still change is copied before it is
 * believed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "gpa_direct.h"
#include "netvsp_internal.h"

#define ETHERNET_BYTES 14u
#define TAG_BYTES 4u
#define TCP_CHECKSUM 16u
#define UDP_CHECKSUM 6u

/* A frame on its way. */
struct out {
	struct net_meta meta;
	struct iovec *pieces;
	unsigned int count;
	uint32_t bytes;
	uint8_t front[NET_HEADER_MAX];
	uint32_t front_bytes;
};

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* Make the tag that per-packet information asks for part of the copied front. */
static void put_tag(struct out *out, uint32_t vlan)
{
	uint32_t tag = (vlan & RNDIS_VLAN_PRIORITY_MASK) << 13 | (vlan & RNDIS_VLAN_CFI ? 1u << 12 : 0) |
		       (vlan >> RNDIS_VLAN_ID_SHIFT & RNDIS_VLAN_ID_MASK);

	memmove(out->front + 12 + TAG_BYTES, out->front + 12, out->front_bytes - 12);
	put16(out->front + 12, 0x8100);
	put16(out->front + 14, tag);
	out->front_bytes += TAG_BYTES;
	out->bytes += TAG_BYTES;
}

/*
 * What guests leave undone in a frame that is to be cut: lengths, the IPv4 checksum, and in the TCP checksum field
 * the sum of a pseudo-header without its length, where virtio, and so tap, want it with it.
 */
static const char *prepare_lso(struct out *out, const struct rndis_frame *frame, const struct net_headers *headers)
{
	uint32_t mss = frame->lso & RNDIS_LSO_MSS_MASK, ip = headers->ip;

	if (!headers->transport || headers->protocol != IPPROTO_TCP || headers->end > out->front_bytes)
		return "segmentation of what is not TCP";
	if (!mss || mss > UINT16_MAX)
		return "segments of an impossible size";
	if (!(frame->lso & RNDIS_LSO_IPV6) == headers->v6)
		return "segmentation of another IP version";
	if (headers->v6) {
		put16(out->front + ip + 4, out->bytes - ip - 40);
	} else {
		put16(out->front + ip + 2, out->bytes - ip);
		net_ip4_checksum(out->front, headers);
	}
	put16(out->front + headers->transport + TCP_CHECKSUM,
	      net_fold(net_pseudo(out->front, headers, out->bytes - headers->transport)));
	out->meta = (struct net_meta){
		.flags = NET_CSUM_WANTED,
		.gso = headers->v6 ? NET_GSO_TCP6 : NET_GSO_TCP4,
		.header_bytes = headers->end,
		.mss = (uint16_t)mss,
		.csum_start = headers->transport,
		.csum_offset = TCP_CHECKSUM,
	};
	return NULL;
}

static const char *want_checksum(struct out *out, uint32_t csum, uint32_t start)
{
	uint32_t offset = csum & RNDIS_TX_TCP_CHECKSUM ? TCP_CHECKSUM : UDP_CHECKSUM;

	if (!start || start + offset + 2 > out->bytes)
		return "checksum outside of the frame";
	out->meta.flags = NET_CSUM_WANTED;
	out->meta.csum_start = (uint16_t)start;
	out->meta.csum_offset = (uint16_t)offset;
	return NULL;
}

#define TRANSPORT_CHECKSUMS (RNDIS_TX_TCP_CHECKSUM | RNDIS_TX_UDP_CHECKSUM)

/* The front is a copy that may be changed. */
static const char *edit_front(struct out *out, const struct rndis_frame *frame)
{
	uint32_t csum = frame->has_csum ? frame->csum : 0;
	struct net_headers headers;

	if (frame->has_vlan)
		put_tag(out, frame->vlan);
	net_headers(out->front, out->front_bytes, &headers);
	if (frame->has_lso)
		return prepare_lso(out, frame, &headers);
	if (csum & RNDIS_TX_IP_CHECKSUM && headers.ip && !headers.v6 && headers.transport)
		net_ip4_checksum(out->front, &headers);
	return csum & TRANSPORT_CHECKSUMS ? want_checksum(out, csum, headers.transport) : NULL;
}

/* Most frames are sent as they lie there. */
static bool needs_edit(const struct rndis_frame *frame)
{
	if (frame->has_lso || frame->has_vlan)
		return true;
	if (!frame->has_csum)
		return false;
	return frame->csum & RNDIS_TX_IP_CHECKSUM ||
	       (frame->csum & TRANSPORT_CHECKSUMS && !(frame->csum >> RNDIS_TX_TRANSPORT_OFFSET_SHIFT &
						       RNDIS_TX_TRANSPORT_OFFSET_MASK));
}

/* @list: pieces of the whole packet; @at: where the message begins in it. Return: NULL, or why it is refused. */
static const char *prepare(struct netvsp_channel *channel, const struct gpa_pieces *list, uint64_t at,
			   const struct rndis_frame *frame, struct out *out)
{
	uint64_t begin = at + frame->data_offset;
	uint32_t rest;
	const char *why;

	out->meta = (struct net_meta){ 0 };
	out->pieces = channel->frame;
	out->bytes = frame->data_bytes;
	if (!needs_edit(frame)) {
		out->count = net_slice(list->iov, list->count, begin, out->bytes, out->pieces, NETVSP_PIECES);
		if (!frame->has_csum || !(frame->csum & TRANSPORT_CHECKSUMS))
			return NULL;
		return want_checksum(out, frame->csum,
				     frame->csum >> RNDIS_TX_TRANSPORT_OFFSET_SHIFT & RNDIS_TX_TRANSPORT_OFFSET_MASK);
	}
	out->front_bytes = out->bytes < sizeof(out->front) - TAG_BYTES ? out->bytes : sizeof(out->front) - TAG_BYTES;
	rest = out->bytes - out->front_bytes;
	net_copy(list->iov, list->count, begin, out->front, out->front_bytes);
	netvsp_count(&channel->counters->copied_bytes, out->front_bytes);
	out->count = 1;
	if (rest)
		out->count += net_slice(list->iov, list->count, begin + out->front_bytes, rest, out->pieces + 1,
					NETVSP_PIECES - 1);
	why = edit_front(out, frame);
	out->pieces[0] = (struct iovec){ out->front, out->front_bytes };
	return why;
}

static void count_frame(struct netvsp_counters *counters, const struct out *out, int error)
{
	if (error) {
		netvsp_count(&counters->tx_dropped, 1);
		return;
	}
	netvsp_count(&counters->tx_frames, 1);
	netvsp_count(&counters->tx_segments, net_segments(&out->meta, out->bytes));
	netvsp_count(&counters->tx_bytes, out->bytes);
	if (out->meta.gso)
		netvsp_count(&counters->tx_lso, 1);
	else if (out->meta.flags)
		netvsp_count(&counters->tx_csum, 1);
}

static const char *send_frame(struct netvsp_channel *channel, const struct gpa_pieces *list, uint64_t at,
			      const struct rndis_frame *frame)
{
	const struct netvsp *netvsp = channel->netvsp;
	uint32_t max = frame->has_lso ? NET_FRAME_MAX - TAG_BYTES : netvsp->about.mtu + ETHERNET_BYTES + TAG_BYTES;
	const char *why;
	struct out out;
	int error;

	if (frame->data_bytes < ETHERNET_BYTES || frame->data_bytes > max)
		return "frame of an impossible length";
	why = prepare(channel, list, at, frame, &out);
	if (why)
		return why;
	if (!channel->link || !channel->config.running) {
		netvsp_count(&channel->counters->tx_dropped, 1);
		return NULL;
	}
	error = net_send(netvsp->net, channel->queue, &out.meta, out.pieces, out.count, out.bytes);
	channel->sent = true;
	count_frame(channel->counters, &out, error);
	return error == -EINVAL ? "frame that is not what it says it is" : NULL;
}

/* One message of a packet of data. Return: NULL, or why it is refused; @length: where the next one begins. */
static const char *send_message(struct netvsp_channel *channel, const struct gpa_pieces *list, uint64_t at,
				uint32_t *length)
{
	uint64_t left = list->bytes - at;
	uint32_t copied = left < RNDIS_HEAD_MAX ? (uint32_t)left : RNDIS_HEAD_MAX;
	struct rndis_header header;
	struct rndis_frame frame;
	uint8_t head[RNDIS_HEAD_MAX];
	const char *why;

	net_copy(list->iov, list->count, at, head, copied);
	netvsp_count(&channel->counters->copied_bytes, copied);
	memcpy(&header, head, sizeof(header));
	if (header.length < sizeof(header) || header.length > left)
		return "RNDIS message longer than its packet";
	if (header.type != RNDIS_PACKET)
		return "RNDIS control message among data";
	*length = header.length;
	why = rndis_parse_packet(head, copied < header.length ? copied : header.length, header.length, &frame);
	return why ? why : send_frame(channel, list, at, &frame);
}

static const char *send_messages(struct netvsp_channel *channel, const struct gpa_pieces *list)
{
	const char *why = NULL;
	uint32_t length = 0;
	uint64_t at = 0;

	while (!why && list->bytes - at >= sizeof(struct rndis_header)) {
		why = send_message(channel, list, at, &length);
		at += length;
	}
	return why ? why : at ? NULL : "packet without an RNDIS message";
}

static const char *add_section(const struct netvsp_channel *channel, const struct nvsp_rndis *rndis,
			       struct gpa_pieces *list)
{
	const struct netvsp_area *send = channel->send;

	if (rndis->section == NVSP_NO_SECTION)
		return NULL;
	if (!send || rndis->section >= send->units)
		return "section that is not in the send buffer";
	if (rndis->section_bytes > send->unit_bytes)
		return "more of a section than it has";
	list->count = netvsp_area_pieces(send, rndis->section * send->unit_bytes, rndis->section_bytes, list->iov, 0,
					 list->room);
	list->bytes = rndis->section_bytes;
	return NULL;
}

/* Where the message lies. Return: NULL, or why it is refused. */
static const char *gather(struct netvsp_channel *channel, const struct packet *packet, const struct nvsp_rndis *rndis,
			  struct gpa_pieces *list)
{
	const char *refused = add_section(channel, rndis, list), *why;

	if (refused || packet->desc.type != PACKET_GPA_DIRECT)
		return refused;
	if (gpa_direct_gather(channel_guestmem(channel->channel), packet, list, &refused, &why) < 0)
		return why;
	return refused;
}

struct iovec netvsp_tx_pointed(struct netvsp_channel *channel, const struct packet *packet)
{
	struct gpa_pieces list = { .iov = channel->pieces, .room = NETVSP_PIECES };
	const uint8_t *payload = packet->data + packet->payload;
	struct nvsp_rndis rndis;
	uint32_t type;

	if (packet->bytes - packet->payload < sizeof(type) + sizeof(rndis))
		return (struct iovec){ 0 };
	memcpy(&type, payload, sizeof(type));
	memcpy(&rndis, payload + sizeof(type), sizeof(rndis));
	if (type != NVSP_SEND_RNDIS_PKT || gather(channel, packet, &rndis, &list) || !list.count)
		return (struct iovec){ 0 };
	return list.iov[0];
}

void netvsp_transmit(struct netvsp_channel *channel, const struct packet *packet, struct nvsp_rndis rndis)
{
	struct nvsp_message answer = { .type = NVSP_SEND_RNDIS_PKT_COMPLETE };
	struct gpa_pieces list = { .iov = channel->pieces, .room = NETVSP_PIECES };
	const char *why = gather(channel, packet, &rndis, &list);

	netvsp_count(&channel->counters->tx_packets, 1);
	if (!why && rndis.section != NVSP_NO_SECTION)
		netvsp_count(&channel->counters->tx_section_bytes, rndis.section_bytes);
	if (!why && rndis.channel_type == NVSP_CHANNEL_CONTROL)
		why = netvsp_control(channel, list.iov, list.count, list.bytes);
	else if (!why)
		why = send_messages(channel, &list);
	if (why)
		netvsp_refuse(channel->netvsp, &channel->counters->tx_refused, why);
	answer.rndis_complete.status = why ? NVSP_STATUS_FAIL : NVSP_STATUS_SUCCESS;
	if (packet->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED)
		channel_complete(channel->channel, packet->desc.transaction_id, &answer, sizeof(answer));
}
