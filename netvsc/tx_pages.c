// SPDX-License-Identifier: GPL-2.0
/*
 * GPA_DIRECT packets: one range for each piece of a message, with as many page numbers as it touches.
 * Source: struct vmbus_channel_packet_multipage_buffer of Linux, and wire/packet.h.
 */
#include <linux/io.h>
#include <linux/mm.h>

#include "internal.h"

#define RANGE_HEAD (sizeof(struct gpa_range))

static u32 pages_of(const struct netvsc_piece *piece)
{
	return PFN_UP(offset_in_page(piece->at) + piece->bytes);
}

/**
 * netvsc_pages_bytes() - how long descriptor and ranges will be
 * @pieces: none of them empty
 * @count: of them
 *
 * Any context.
 */
u32 netvsc_pages_bytes(const struct netvsc_piece *pieces, u32 count)
{
	u32 bytes = sizeof(struct packet_gpa_direct);

	while (count--)
		bytes += RANGE_HEAD + pages_of(pieces++) * sizeof(u64);
	return bytes;
}

static u8 *put_range(u8 *to, const struct netvsc_piece *piece)
{
	const struct gpa_range range = { .byte_count = piece->bytes, .byte_offset = offset_in_page(piece->at) };
	u64 pfn = PHYS_PFN(virt_to_phys(piece->at));
	u32 i, pages = pages_of(piece);

	memcpy(to, &range, sizeof(range));
	to += sizeof(range);
	/* Side by side in physical memory, too: no piece is of vmalloc. */
	for (i = 0; i < pages; i++, pfn++, to += sizeof(pfn))
		memcpy(to, &pfn, sizeof(pfn));
	return to;
}

/**
 * netvsc_pages_build() - write descriptor and ranges
 * @packet: netvsc_pages_bytes() of ring memory, and behind them an NVSP message, which the caller writes
 * @pieces: in directly mapped memory
 * @count: of them
 * @id: transaction id
 *
 * Any context.
 */
void netvsc_pages_build(void *packet, const struct netvsc_piece *pieces, u32 count, u64 id)
{
	u32 bytes = netvsc_pages_bytes(pieces, count);
	const struct packet_gpa_direct direct = {
		.desc = {
			.type = PACKET_GPA_DIRECT,
			.offset8 = bytes / 8,
			.len8 = (bytes + sizeof(struct nvsp_message)) / 8,
			.flags = PACKET_FLAG_COMPLETION_REQUESTED,
			.transaction_id = id,
		},
		.range_count = count,
	};
	u8 *at = packet;

	memcpy(at, &direct, sizeof(direct));
	at += sizeof(direct);
	while (count--)
		at = put_range(at, pieces++);
}
