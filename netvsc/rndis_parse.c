// SPDX-License-Identifier: GPL-2.0
/*
 * Received RNDIS messages: their layout is checked, and their per-packet information read. Pure functions on a private copy.
 * Invariant: no number from the host is used as an offset before it was compared with what it points into, and no sum of
 * two of them can wrap.
 */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "rndis_parse.h"

#define FRAME_HEADER (sizeof(struct rndis_header) + sizeof(struct rndis_packet))

/* Does [at, at + bytes) lie in [from, to)? */
static bool inside(u64 at, u64 bytes, u64 from, u64 to)
{
	return at >= from && at + bytes <= to;
}

static void take_value(struct netvsc_frame *frame, u32 type, const void *value)
{
	switch (type) {
	case RNDIS_PPI_CHECKSUM:
		frame->has |= NETVSC_HAS_CHECKSUM;
		memcpy(&frame->checksum, value, sizeof(u32));
		break;
	case RNDIS_PPI_VLAN:
		frame->has |= NETVSC_HAS_VLAN;
		memcpy(&frame->vlan, value, sizeof(u32));
		break;
	case RNDIS_PPI_HASH:
		frame->has |= NETVSC_HAS_HASH;
		memcpy(&frame->hash, value, sizeof(u32));
		break;
	case RNDIS_PPI_HASH_INFO:
		frame->has |= NETVSC_HAS_HASH_INFO;
		memcpy(&frame->hash_info, value, sizeof(u32));
		break;
	default:
		frame->has |= NETVSC_HAS_ID;
		memcpy(&frame->id, value, sizeof(frame->id));
		break;
	}
}

static bool is_known(u32 type)
{
	return type == RNDIS_PPI_CHECKSUM || type == RNDIS_PPI_VLAN || type == RNDIS_PPI_HASH ||
	       type == RNDIS_PPI_HASH_INFO || type == RNDIS_PPI_PACKET_ID;
}

/* @at: @left bytes of information. */
static enum netvsc_verdict parse_ppis(struct netvsc_frame *frame, const u8 *at, u32 left)
{
	struct rndis_ppi ppi;

	while (left) {
		if (left < sizeof(ppi))
			return NETVSC_PPI_BROKEN;
		memcpy(&ppi, at, sizeof(ppi));
		if (ppi.bytes < sizeof(ppi) || ppi.bytes > left || ppi.bytes % 4)
			return NETVSC_PPI_BROKEN;
		if (is_known(ppi.type)) {
			if (!inside(ppi.value_offset, sizeof(u32), sizeof(ppi), ppi.bytes))
				return NETVSC_PPI_BROKEN;
			take_value(frame, ppi.type, at + ppi.value_offset);
		} else {
			frame->unknown++;
		}
		at += ppi.bytes;
		left -= ppi.bytes;
	}
	return NETVSC_FINE;
}

/**
 * netvsc_parse_frame() - check a PACKET message and say where its frame is
 * @frame: filled in; meaningless if the verdict is not FINE
 * @head: private copy of its first bytes
 * @head_bytes: of the copy: all of the message, or NETVSC_HEAD_MAX
 * @bytes: of its range in the receive buffer, which may be longer than the message
 *
 * The caller has seen that the type is PACKET. Any context. Source: RNDIS_PACKET_MSG in MS-RNDIS.
 *
 * Return: a verdict.
 */
enum netvsc_verdict netvsc_parse_frame(struct netvsc_frame *frame, const void *head, u32 head_bytes, u32 bytes)
{
	const u32 base = sizeof(struct rndis_header);
	struct rndis_header header;
	struct rndis_packet packet;
	u64 length;

	memset(frame, 0, sizeof(*frame));
	if (bytes < FRAME_HEADER || head_bytes < FRAME_HEADER)
		return NETVSC_SHORT;
	memcpy(&header, head, sizeof(header));
	memcpy(&packet, (const u8 *)head + base, sizeof(packet));
	length = header.length;
	if (!inside(0, length, 0, bytes) || length < FRAME_HEADER)
		return NETVSC_LENGTH;
	if (!inside((u64)base + packet.data_offset, packet.data_bytes, FRAME_HEADER, length))
		return NETVSC_DATA_OUTSIDE;
	frame->data_at = base + packet.data_offset;
	frame->data_bytes = packet.data_bytes;
	if (!packet.ppi_bytes)
		return NETVSC_FINE;
	if (!inside((u64)base + packet.ppi_offset, packet.ppi_bytes, FRAME_HEADER, min_t(u64, length, head_bytes)))
		return NETVSC_PPI_OUTSIDE;
	return parse_ppis(frame, (const u8 *)head + base + packet.ppi_offset, packet.ppi_bytes);
}

/** netvsc_vlan_tci() - the tag of 802.1Q for what RNDIS_PPI_VLAN says; any context */
u16 netvsc_vlan_tci(u32 vlan)
{
	return (vlan & RNDIS_VLAN_PRIORITY_MASK) << 13 | (vlan & RNDIS_VLAN_CFI ? 1u << 12 : 0) |
	       (vlan >> RNDIS_VLAN_ID_SHIFT & RNDIS_VLAN_ID_MASK);
}

/* Return: the parts are forgotten. */
static enum netvsc_part broken(struct netvsc_parts *parts)
{
	parts->count = 0;
	return NETVSC_PART_BROKEN;
}

/**
 * netvsc_parts_add() - what does this range mean for the frame that is being put together?
 * @parts: of one packet; zeroed where a packet begins
 * @frame: the range, checked
 *
 * Any context. Source: the packet id as drivers/net/hyperv/rndis_filter.c of Linux understands it.
 */
enum netvsc_part netvsc_parts_add(struct netvsc_parts *parts, const struct netvsc_frame *frame)
{
	const struct rndis_packet_id *id = &frame->id;
	bool first = id->flags & RNDIS_PACKET_ID_FIRST, last = id->flags & RNDIS_PACKET_ID_LAST;

	if (!(frame->has & NETVSC_HAS_ID) || !(id->flags & RNDIS_PACKET_ID_SUBALLOC))
		return parts->count ? broken(parts) : NETVSC_PART_WHOLE;
	if (id->version != RNDIS_PACKET_ID_V1 || first != !parts->count || (parts->count && id->id != parts->id))
		return broken(parts);
	if (first)
		parts->bytes = 0;
	/* No wrap: the length of a range is less than the buffer's. */
	if (parts->bytes + frame->data_bytes > NETVSC_FRAME_MAX || parts->count == RNDIS_RSC_RANGES_MAX)
		return broken(parts);
	parts->id = id->id;
	parts->bytes += frame->data_bytes;
	parts->count++;
	return last ? NETVSC_PART_LAST : NETVSC_PART_MORE;
}
