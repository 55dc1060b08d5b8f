// SPDX-License-Identifier: GPL-2.0
/*
 * RNDIS PACKET messages: what the guest's say, and those that we write. See rndis.h. Control is
 * rndis_control.c's.
 * Invariant: all offsets are checked against the message before they are used; sums cannot overflow.
 */
#include "rndis.h"

#include <stddef.h>
#include <string.h>

#define BODY sizeof(struct rndis_header) /* offsets of a message count from here */
#define HEAD (BODY + sizeof(struct rndis_packet))

/* Does [offset, offset + bytes) lie between the fixed part and the end of a body of @room bytes? */
static bool inside(uint32_t offset, uint32_t bytes, uint32_t room)
{
	return offset >= sizeof(struct rndis_packet) && offset <= room && bytes <= room - offset;
}

/* One piece of information; unknown ones are nobody's business. */
static const char *take_ppi(struct rndis_frame *frame, uint32_t type, const uint8_t *value, uint32_t bytes)
{
	bool *has = NULL;
	uint32_t *to = NULL;

	switch (type) {
	case RNDIS_PPI_CHECKSUM:
		has = &frame->has_csum;
		to = &frame->csum;
		break;
	case RNDIS_PPI_LSO:
		has = &frame->has_lso;
		to = &frame->lso;
		break;
	case RNDIS_PPI_VLAN:
		has = &frame->has_vlan;
		to = &frame->vlan;
		break;
	default:
		return NULL;
	}
	if (bytes < sizeof(*to))
		return "per-packet information too short for its value";
	memcpy(to, value, sizeof(*to));
	*has = true;
	return NULL;
}

static const char *parse_ppis(const uint8_t *at, uint32_t left, struct rndis_frame *frame)
{
	struct rndis_ppi ppi;
	const char *why;

	while (left) {
		if (left < sizeof(ppi))
			return "per-packet information cut short";
		memcpy(&ppi, at, sizeof(ppi));
		if (ppi.bytes < sizeof(ppi) || ppi.bytes > left || ppi.bytes % 4)
			return "per-packet information of an impossible length";
		if (ppi.value_offset < sizeof(ppi) || ppi.value_offset > ppi.bytes)
			return "per-packet information with its value outside";
		why = take_ppi(frame, ppi.type, at + ppi.value_offset, ppi.bytes - ppi.value_offset);
		if (why)
			return why;
		at += ppi.bytes;
		left -= ppi.bytes;
	}
	return NULL;
}

const char *rndis_parse_packet(const uint8_t *head, uint32_t copied, uint32_t length, struct rndis_frame *frame)
{
	struct rndis_packet packet;
	uint32_t room;

	*frame = (struct rndis_frame){ 0 };
	if (length < HEAD || copied < HEAD)
		return "RNDIS PACKET shorter than its header";
	room = length - BODY;
	memcpy(&packet, head + BODY, sizeof(packet));
	if (!packet.data_bytes || !inside(packet.data_offset, packet.data_bytes, room))
		return "RNDIS PACKET with data outside";
	frame->data_offset = packet.data_offset + BODY;
	frame->data_bytes = packet.data_bytes;
	if (!packet.ppi_bytes)
		return NULL;
	if (!inside(packet.ppi_offset, packet.ppi_bytes, room))
		return "per-packet information outside the message";
	if (packet.ppi_offset + packet.ppi_bytes + BODY > copied)
		return "more per-packet information than hosts look at";
	return parse_ppis(head + BODY + packet.ppi_offset, packet.ppi_bytes, frame);
}

/* What the guest reads is written in the order of its flags. Return: bytes. */
static uint32_t put_ppi(uint8_t *to, uint32_t type, const void *value)
{
	struct rndis_ppi ppi = { sizeof(ppi) + 4, type, sizeof(ppi) };

	memcpy(to, &ppi, sizeof(ppi));
	memcpy(to + sizeof(ppi), value, 4);
	return ppi.bytes;
}

uint32_t rndis_put_packet(uint8_t *to, const struct rndis_put *put)
{
	const struct rndis_packet_id id = { RNDIS_PACKET_ID_V1, put->id_flags, 0 };
	uint32_t bytes = (RNDIS_PUT_BYTES + put->skip + put->data_bytes + 3) / 4 * 4, at = HEAD;
	struct rndis_message message = {
		.header = { RNDIS_PACKET, bytes },
		.packet = { .data_offset = RNDIS_PUT_BYTES - BODY + put->skip, .data_bytes = put->data_bytes },
	};

	_Static_assert(HEAD + 5 * 16 <= RNDIS_PUT_BYTES, "room for all information");
	if (put->flags & RNDIS_PUT_CSUM)
		at += put_ppi(to + at, RNDIS_PPI_CHECKSUM, &put->csum);
	if (put->flags & RNDIS_PUT_HASH) {
		at += put_ppi(to + at, RNDIS_PPI_HASH, &put->hash);
		at += put_ppi(to + at, RNDIS_PPI_HASH_INFO, &put->hash_info);
	}
	if (put->flags & RNDIS_PUT_VLAN)
		at += put_ppi(to + at, RNDIS_PPI_VLAN, &put->vlan);
	if (put->flags & RNDIS_PUT_ID)
		at += put_ppi(to + at, RNDIS_PPI_PACKET_ID, &id);
	if (at > HEAD) {
		message.packet.ppi_offset = sizeof(struct rndis_packet);
		message.packet.ppi_bytes = at - HEAD;
	}
	memcpy(to, &message, HEAD);
	return bytes;
}

bool rndis_wanted(const struct rndis_config *config, const uint8_t mac[6])
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	uint32_t filter = config->filter;

	if (filter & RNDIS_FILTER_PROMISCUOUS)
		return true;
	if (!(mac[0] & 1))
		return filter & RNDIS_FILTER_DIRECTED && !memcmp(mac, config->mac, 6);
	if (!memcmp(mac, all, 6))
		return filter & RNDIS_FILTER_BROADCAST;
	if (filter & RNDIS_FILTER_ALL_MULTICAST)
		return true;
	for (uint32_t i = 0; filter & RNDIS_FILTER_MULTICAST && i < config->multicast_count; i++)
		if (!memcmp(mac, config->multicast[i], 6))
			return true;
	return false;
}
