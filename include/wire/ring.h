/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A VMBus ring: one header page, then data pages; one in each direction per channel.
 * Source: include/linux/hyperv.h (struct hv_ring_buffer) and drivers/hv/ring_buffer.c of Linux.
 *
 *	page 0   write_index | read_index | interrupt_mask | pending_send_size | ... | feature_bits @64
 *	page 1.. data, used as a circle
 *
 * Indices are byte offsets into the data, multiples of 8, below the data size. Equal indices mean empty,
 * so a ring is never filled to the last 8 bytes. The producer signals the consumer only if its write found
 * the ring empty and interrupt_mask is 0; the consumer signals the producer only if its read crossed
 * pending_send_size from "not enough room" to "enough".
 */
#ifndef HVIS_WIRE_RING_H
#define HVIS_WIRE_RING_H

#include <linux/types.h>

#define RING_FEATURE_PENDING_SEND_SIZE 1u /* the producer keeps pending_send_size up to date */

struct ring_header {
	__u32 write_index; /* producer */
	__u32 read_index; /* consumer */
	__u32 interrupt_mask; /* consumer: 1 while it is reading anyway */
	__u32 pending_send_size; /* producer: bytes it waits for, 0 if none */
	__u32 reserved1[12];
	__u32 feature_bits; /* producer, and the same value by the consumer */
	__u8 reserved2[4096 - 68];
};
_Static_assert(sizeof(struct ring_header) == 4096, "ring header page");
_Static_assert(__builtin_offsetof(struct ring_header, interrupt_mask) == 8, "interrupt_mask");
_Static_assert(__builtin_offsetof(struct ring_header, pending_send_size) == 12, "pending_send_size");
_Static_assert(__builtin_offsetof(struct ring_header, feature_bits) == 64, "feature_bits");

#define RING_PAGES_MIN 2 /* header and one page of data */
#define RING_TRAILER 8 /* behind each packet: its start offset in the upper 32 bits */

#endif
