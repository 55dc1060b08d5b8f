/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's view of one VMBus ring: as producer of the guest-to-host ring, as consumer of the
 * other. It knows memory and indices only: no channel, no hypercall, no lock. Two types for the
 * two directions, so that a write to the ring one reads from does not compile.
 * Invariant: the guest's own index lives here and is only ever written to shared memory; the
 * host's index is read once per use, checked, and then only the copy is used. Data is mapped twice
 * in a row, so no packet wraps.
 */
#ifndef HVIS_VMBUS_RING_H
#define HVIS_VMBUS_RING_H

#include <linux/types.h>

#include "vmbus.h"
#include "wire/packet.h"
#include "wire/ring.h"

/**
 * struct ring_out - guest to host; the caller serialises everything on it
 * @header: the header page
 * @data: data pages, mapped twice in a row
 * @size: bytes of one copy of the data
 * @write: written up to here and published
 * @reserved: packet bytes between ring_out_reserve() and ring_out_commit(), 0 outside
 * @batch: bytes committed since ring_out_must_signal() was last asked; @size stands for "a
 *	lap or more"
 * @broken: NULL, or the rule that the host broke; sticky
 */
struct ring_out {
	struct ring_header *header;
	u8 *data;
	u32 size;
	u32 write;
	u32 reserved;
	u32 batch;
	const char *broken;
};

/**
 * struct ring_in - host to guest; the caller serialises everything on it
 * @header: the header page
 * @data: data pages, mapped twice in a row
 * @size: bytes of one copy of the data
 * @read: consumed up to here
 * @published: what the host knows of @read
 * @write: last write index that was looked at, checked
 * @copy: private buffer that holds the packet last read, 8-aligned
 * @copy_bytes: its size; a larger packet breaks the ring
 * @broken: NULL, or the rule that the host broke; sticky
 */
struct ring_in {
	struct ring_header *header;
	u8 *data;
	u32 size;
	u32 read;
	u32 published;
	u32 write;
	u8 *copy;
	u32 copy_bytes;
	const char *broken;
};

void ring_out_init(struct ring_out *ring, struct ring_header *header, void *data, u32 size);
void *ring_out_reserve(struct ring_out *ring, u32 bytes);
void ring_out_commit(struct ring_out *ring);
bool ring_out_must_signal(struct ring_out *ring);
bool ring_out_want_room(struct ring_out *ring, u32 bytes);
bool ring_out_all_read(const struct ring_out *ring);

void ring_in_init(struct ring_in *ring, struct ring_header *header, void *data, u32 size,
		  void *copy, u32 copy_bytes);
int ring_in_read(struct ring_in *ring, struct hvis_packet *packet);
bool ring_in_ready(struct ring_in *ring);
bool ring_in_publish(struct ring_in *ring);
void ring_in_mask(struct ring_in *ring);
bool ring_in_unmask(struct ring_in *ring);

#endif
