/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What lies in a VMBus ring: packets of a descriptor, optional ranges, a payload, and an 8-byte trailer.
 * Source: include/linux/hyperv.h of Linux. Lengths and offsets in the descriptor count 8-byte units and
 * leave the trailer out.
 */
#ifndef HVIS_WIRE_PACKET_H
#define HVIS_WIRE_PACKET_H

#include "gpadl.h"

#define PACKET_INBAND 6
#define PACKET_XFER_PAGES 7
#define PACKET_GPADL 8
#define PACKET_GPA_DIRECT 9
#define PACKET_COMPLETION 11

#define PACKET_FLAG_COMPLETION_REQUESTED 1

struct packet_desc {
	__u16 type; /* PACKET_* */
	__u16 offset8; /* payload starts here, in 8-byte units from the start of the descriptor */
	__u16 len8; /* descriptor, ranges and payload, in 8-byte units */
	__u16 flags;
	__u64 transaction_id; /* 0: unsolicited, answered by nothing */
};
_Static_assert(sizeof(struct packet_desc) == 16, "packet descriptor");

/* Behind the descriptor of PACKET_GPA_DIRECT: range_count times { gpa_range, pfn[] }. */
struct packet_gpa_direct {
	struct packet_desc desc;
	__u32 reserved;
	__u32 range_count;
};
_Static_assert(sizeof(struct packet_gpa_direct) == 24, "GPA_DIRECT descriptor");

/* Behind the descriptor of PACKET_XFER_PAGES. */
struct packet_xfer_range {
	__u32 byte_count;
	__u32 byte_offset;
};
struct packet_xfer_pages {
	struct packet_desc desc;
	__u16 xfer_pageset_id;
	__u8 sender_owns_set;
	__u8 reserved;
	__u32 range_count;
};
_Static_assert(sizeof(struct packet_xfer_pages) == 24, "XFER_PAGES descriptor");

#endif
