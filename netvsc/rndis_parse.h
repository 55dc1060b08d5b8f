/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a received RNDIS message says, without a kernel around it: compiled in user space for the unit tests and fuzzing.
 * The caller copies the head of a message out of the receive buffer first; these functions see that copy only, so what
 * the host changes afterwards has no effect.
 */
#ifndef HVIS_NETVSC_RNDIS_PARSE_H
#define HVIS_NETVSC_RNDIS_PARSE_H

#include <linux/types.h>

#include "wire/rndis.h"

/* Header and per-packet information of a frame lie within so many bytes, or the frame is refused. Hosts use up to 140. */
#define NETVSC_HEAD_MAX 512u

/* No frame is longer: 64 KiB of IP behind an Ethernet header with a VLAN tag. */
#define NETVSC_FRAME_MAX (65535u + 18u)

/**
 * enum netvsc_verdict - what is wrong with a message
 * @NETVSC_FINE: nothing
 * @NETVSC_SHORT: it does not hold what its type has
 * @NETVSC_LENGTH: its length is not that of its range
 * @NETVSC_DATA_OUTSIDE: its data lie outside of it
 * @NETVSC_PPI_OUTSIDE: its per-packet information lies outside of it, or far behind its header
 * @NETVSC_PPI_BROKEN: the information contradicts itself
 */
enum netvsc_verdict {
	NETVSC_FINE,
	NETVSC_SHORT,
	NETVSC_LENGTH,
	NETVSC_DATA_OUTSIDE,
	NETVSC_PPI_OUTSIDE,
	NETVSC_PPI_BROKEN,
};

#define NETVSC_HAS_CHECKSUM (1u << 0)
#define NETVSC_HAS_VLAN (1u << 1)
#define NETVSC_HAS_HASH (1u << 2)
#define NETVSC_HAS_ID (1u << 3)
#define NETVSC_HAS_HASH_INFO (1u << 4)

/**
 * struct netvsc_frame - one received frame, or part of one
 * @data_at: where it is, from the start of the message
 * @data_bytes: its length
 * @has: NETVSC_HAS_*: which of the next are valid
 * @checksum: RNDIS_RX_*
 * @vlan: RNDIS_VLAN_*
 * @hash: of the flow
 * @hash_info: NDIS_HASH_*: what of the frame was hashed
 * @id: which part of a frame it is
 * @unknown: how many pieces of information of a type unknown here it has; they do no harm
 */
struct netvsc_frame {
	u32 data_at;
	u32 data_bytes;
	u32 has;
	u32 checksum;
	u32 vlan;
	u32 hash;
	u32 hash_info;
	struct rndis_packet_id id;
	u32 unknown;
};

enum netvsc_verdict netvsc_parse_frame(struct netvsc_frame *frame, const void *head, u32 head_bytes, u32 bytes);
u16 netvsc_vlan_tci(u32 vlan);

/**
 * enum netvsc_part - what a part of a frame means for the frame that is being put together
 * @NETVSC_PART_WHOLE: it is a frame of its own
 * @NETVSC_PART_MORE: others follow
 * @NETVSC_PART_LAST: the frame is complete
 * @NETVSC_PART_BROKEN: it does not fit what came before; all of it is to be forgotten
 */
enum netvsc_part {
	NETVSC_PART_WHOLE,
	NETVSC_PART_MORE,
	NETVSC_PART_LAST,
	NETVSC_PART_BROKEN,
};

/**
 * struct netvsc_parts - a frame that comes in several ranges of one packet (RSC)
 * @count: parts so far; 0: none is under way
 * @bytes: in them
 * @id: of the frame
 */
struct netvsc_parts {
	u32 count;
	u32 bytes;
	u16 id;
};

enum netvsc_part netvsc_parts_add(struct netvsc_parts *parts, const struct netvsc_frame *frame);

#endif
