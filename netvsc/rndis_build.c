// SPDX-License-Identifier: GPL-2.0
/*
 * RNDIS messages for the host. What is built is written only, never read back: it lies in memory that the host sees.
 * Invariant: messages in a section begin at multiples of the host's alignment, each one's length reaching to the
 * beginning of the next, and all lie within the limits.
 */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "rndis_build.h"

#define PPI_BYTES (sizeof(struct rndis_ppi) + sizeof(u32))
#define FRAME_HEADER (sizeof(struct rndis_header) + sizeof(struct rndis_packet))

static_assert(FRAME_HEADER + 2 * PPI_BYTES <= NETVSC_HEADER_MAX);

static u32 ppi_count(const struct netvsc_send *send)
{
	return (send->lso || send->checksum) + send->tagged;
}

/** netvsc_header_bytes() - how long the header will be; a multiple of 4; any context */
u32 netvsc_header_bytes(const struct netvsc_send *send)
{
	return FRAME_HEADER + ppi_count(send) * PPI_BYTES;
}

static u8 *add_ppi(u8 *to, u32 type, u32 value)
{
	const struct rndis_ppi ppi = { .bytes = PPI_BYTES, .type = type, .value_offset = sizeof(ppi) };

	memcpy(to, &ppi, sizeof(ppi));
	memcpy(to + sizeof(ppi), &value, sizeof(value));
	return to + PPI_BYTES;
}

/**
 * netvsc_build_header() - what precedes a frame
 * @to: netvsc_header_bytes() of it, 4-aligned
 * @send: what goes with the frame
 * @data_bytes: of the frame, which follows at once
 *
 * Any context. Source: RNDIS_PACKET_MSG in MS-RNDIS. Return: its length.
 */
u32 netvsc_build_header(void *to, const struct netvsc_send *send, u32 data_bytes)
{
	u32 count = ppi_count(send), bytes = netvsc_header_bytes(send);
	const struct rndis_header header = { .type = RNDIS_PACKET, .length = bytes + data_bytes };
	const struct rndis_packet packet = {
		.data_offset = bytes - sizeof(header),
		.data_bytes = data_bytes,
		.ppi_offset = count ? sizeof(packet) : 0,
		.ppi_bytes = count * PPI_BYTES,
	};
	u8 *at = to;

	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), &packet, sizeof(packet));
	at += FRAME_HEADER;
	if (send->lso)
		at = add_ppi(at, RNDIS_PPI_LSO, send->lso);
	else if (send->checksum)
		at = add_ppi(at, RNDIS_PPI_CHECKSUM, send->checksum);
	if (send->tagged)
		add_ppi(at, RNDIS_PPI_VLAN, send->vlan);
	return bytes;
}

/** netvsc_vlan_ppi() - the opposite of netvsc_vlan_tci(); any context */
u32 netvsc_vlan_ppi(u16 tci)
{
	return tci >> 13 | (tci & 1u << 12 ? RNDIS_VLAN_CFI : 0) |
	       (u32)(tci & RNDIS_VLAN_ID_MASK) << RNDIS_VLAN_ID_SHIFT;
}

/**
 * netvsc_limits_derive() - what may go into one packet
 * @limits: filled in
 * @complete: the host's answer to INITIALIZE
 * @section_bytes: of the send buffer; 0: there are none
 *
 * Any context. Return: false: the host said something absurd, and one message per packet is what it gets.
 */
bool netvsc_limits_derive(struct netvsc_limits *limits, const struct rndis_initialize_complete *complete,
			  u32 section_bytes)
{
	bool sane = complete->alignment <= NETVSC_ALIGNMENT_LOG_MAX && complete->packets_max;

	limits->bytes = section_bytes;
	limits->messages = sane ? min(complete->packets_max, NETVSC_MESSAGES_MAX) : 1;
	limits->alignment = sane ? 1u << complete->alignment : 1;
	/* Never below what one message of the standard size needs: the host must take that in any case. */
	if (complete->transfer_max >= 2048)
		limits->bytes = min(section_bytes, complete->transfer_max);
	else
		limits->messages = 1;
	/* Message headers are written as u32s. */
	limits->alignment = max(limits->alignment, 4u);
	return sane;
}

static u32 next_at(const struct netvsc_batch *batch, const struct netvsc_limits *limits)
{
	return (batch->used + limits->alignment - 1) & ~(limits->alignment - 1);
}

/** netvsc_batch_fits() - may one more message of so many bytes come in? Any context. */
bool netvsc_batch_fits(const struct netvsc_batch *batch, const struct netvsc_limits *limits, u32 bytes)
{
	return batch->messages < limits->messages && bytes <= limits->bytes &&
	       next_at(batch, limits) <= limits->bytes - bytes;
}

/**
 * netvsc_batch_add() - make room for one more message
 * @batch: it fits
 * @limits: the host's
 * @section: where the batch is built; the length of the message before is corrected there
 * @bytes: of the message
 *
 * Any context. Return: where it begins.
 */
u32 netvsc_batch_add(struct netvsc_batch *batch, const struct netvsc_limits *limits, void *section, u32 bytes)
{
	u32 at = next_at(batch, limits);
	u32 length = at - batch->last_at;

	if (at != batch->used) {
		memset((u8 *)section + batch->used, 0, at - batch->used);
		memcpy((u8 *)section + batch->last_at + offsetof(struct rndis_header, length), &length, sizeof(length));
	}
	batch->messages++;
	batch->last_at = at;
	batch->used = at + bytes;
	return at;
}

/**
 * netvsc_build_rss() - the value of RECEIVE_SCALE_PARAMETERS
 * @to: where
 * @room: bytes there
 * @table: channel for each hash value
 * @entries: of @table; 0: switch it off
 * @key: NDIS_RSS_KEY_BYTES
 *
 * Any context. Source: NDIS_RECEIVE_SCALE_PARAMETERS. Return: its bytes, or 0 if there is no room.
 */
u32 netvsc_build_rss(void *to, u32 room, const u32 *table, u32 entries, const u8 *key)
{
	const u32 table_bytes = entries * sizeof(*table);
	const struct ndis_rss_parameters parameters = {
		.header = { NDIS_OBJECT_RSS_PARAMETERS, NDIS_RSS_PARAMETERS_REVISION, sizeof(parameters) },
		.flags = entries ? 0 : NDIS_RSS_DISABLE,
		.hash = NDIS_HASH_TOEPLITZ | NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6,
		.table_bytes = table_bytes,
		.table_offset = sizeof(parameters),
		.key_bytes = NDIS_RSS_KEY_BYTES,
		.key_offset = sizeof(parameters) + table_bytes,
	};
	u32 bytes = sizeof(parameters) + table_bytes + NDIS_RSS_KEY_BYTES;

	if (entries > NDIS_RSS_TABLE_MAX || bytes > room)
		return 0;
	memcpy(to, &parameters, sizeof(parameters));
	memcpy((u8 *)to + sizeof(parameters), table, table_bytes);
	memcpy((u8 *)to + parameters.key_offset, key, NDIS_RSS_KEY_BYTES);
	return bytes;
}
