// SPDX-License-Identifier: GPL-2.0
// links: netvsc/rndis_parse.c netvsc/rndis_build.c
/*
 * What the guest's network driver reads of a host that says anything: RNDIS messages, frames in parts, limits. Each message lies in an
 * exact allocation.
 * Properties: data and information that are accepted lie inside the message; parts stay within a frame's bounds and a packet's number of
 * ranges; after a broken part the next frame is clean; batches built by any limits lie inside their section.
 */
#include <stdlib.h>
#include <string.h>

#include "netvsc/rndis_build.h"
#include "netvsc/rndis_parse.h"

#include "tape.h"

#define HEAD 44u

/* Mostly well formed: header, information, data; with lies. Return: its bytes; *@message is freed by the caller. */
static u32 build(struct tape *tape, u8 **message)
{
	static const u32 types[] = { RNDIS_PPI_CHECKSUM, RNDIS_PPI_VLAN, RNDIS_PPI_HASH, RNDIS_PPI_PACKET_ID,
				     RNDIS_PPI_HASH_INFO, 99 };
	u32 ppis = tape_below(tape, 36), data = tape_below(tape, 2000), bytes = HEAD + 16 * ppis + data;
	struct rndis_header header = { RNDIS_PACKET, tape_lie(tape, bytes) };
	struct rndis_packet packet = {
		.data_offset = tape_lie(tape, HEAD - 8 + 16 * ppis), .data_bytes = tape_lie(tape, data),
		.ppi_offset = tape_lie(tape, HEAD - 8), .ppi_bytes = tape_lie(tape, 16 * ppis),
	};

	*message = calloc(1, bytes);
	memcpy(*message, &header, sizeof(header));
	memcpy(*message + 8, &packet, sizeof(packet));
	for (u32 i = 0; i < ppis; i++) {
		struct rndis_ppi ppi = { tape_lie(tape, 16), types[tape_below(tape, 6)], tape_lie(tape, 12) };
		struct rndis_packet_id id = {
			.version = (u8)tape_lie(tape, RNDIS_PACKET_ID_V1), .flags = tape_u8(tape) & 7, .id = tape_u8(tape) & 1,
		};

		memcpy(*message + HEAD + 16 * i, &ppi, sizeof(ppi));
		memcpy(*message + HEAD + 16 * i + 12, &id, sizeof(id));
	}
	return bytes;
}

static void receive(struct tape *tape, struct netvsc_parts *parts)
{
	u8 *message, *head;
	u32 bytes = build(tape, &message), head_bytes = bytes < NETVSC_HEAD_MAX ? bytes : NETVSC_HEAD_MAX;
	struct netvsc_frame frame;
	enum netvsc_part part;

	head = malloc(head_bytes);
	memcpy(head, message, head_bytes);
	if (netvsc_parse_frame(&frame, head, head_bytes, bytes) == NETVSC_FINE) {
		MUST(frame.data_at >= HEAD && frame.data_at <= bytes && frame.data_bytes <= bytes - frame.data_at);
		MUST(!(frame.has & ~(NETVSC_HAS_CHECKSUM | NETVSC_HAS_VLAN | NETVSC_HAS_HASH | NETVSC_HAS_ID |
				      NETVSC_HAS_HASH_INFO)));
		part = netvsc_parts_add(parts, &frame);
		MUST(part != NETVSC_PART_BROKEN || !parts->count);
		MUST(part != NETVSC_PART_WHOLE || !parts->count);
		MUST(parts->count <= RNDIS_RSC_RANGES_MAX);
		MUST(!parts->count || parts->bytes <= NETVSC_FRAME_MAX);
		if (part == NETVSC_PART_LAST)
			parts->count = 0;
	}
	free(head);
	free(message);
}

static void send(struct tape *tape)
{
	const struct rndis_initialize_complete complete = {
		.packets_max = tape_lie(tape, 8), .transfer_max = tape_lie(tape, 0x4000), .alignment = tape_lie(tape, 3),
	};
	const struct netvsc_send with = { .checksum = tape_u8(tape), .tagged = tape_u8(tape) & 1 };
	u32 section_bytes = 256 + 4 * tape_below(tape, 2000), header = netvsc_header_bytes(&with);
	struct netvsc_batch batch = {};
	struct netvsc_limits limits;
	u8 *section = malloc(section_bytes);

	netvsc_limits_derive(&limits, &complete, section_bytes);
	MUST(limits.messages && limits.messages <= NETVSC_MESSAGES_MAX && limits.bytes <= section_bytes);
	for (u32 n = 0; n < 2 * NETVSC_MESSAGES_MAX; n++) {
		u32 data = tape_below(tape, 1600), at;

		if (!netvsc_batch_fits(&batch, &limits, header + data))
			break;
		at = netvsc_batch_add(&batch, &limits, section, header + data);
		MUST(!(at % limits.alignment));
		netvsc_build_header(section + at, &with, data);
		memset(section + at + header, 0, data);
	}
	MUST(batch.messages <= limits.messages && batch.used <= section_bytes);
	free(section);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { .at = data, .left = bytes };
	struct netvsc_parts parts = {};

	while (tape_more(&tape)) {
		switch (tape_below(&tape, 4)) {
		case 0:
			parts.count = 0; /* another packet */
			break;
		case 1:
			send(&tape);
			break;
		default:
			receive(&tape, &parts);
		}
	}
	return 0;
}
