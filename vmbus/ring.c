// SPDX-License-Identifier: GPL-2.0
/*
 * Both directions of a channel's ring, guest side: packets in and out of shared memory, and the
 * two questions of who must wake whom. Locking, hypercalls, interrupts and the log line of a
 * broken ring are channel.c's.
 * Invariant: nothing read from shared memory is used before it was checked, and nothing is read
 * twice for one purpose; a host that writes at the wrong moment can spoil its own packets only.
 *
 * The peer runs on another CPU even when this kernel is built for one, hence virt_*() barriers
 * throughout:
 *
 *	producer				consumer
 *	write packet				load write_index (acquire)
 *	store write_index (release)		copy packet
 *						store read_index (release)
 *	load read_index (acquire)
 *	overwrite what was consumed
 *
 * and twice the pattern "store mine, full barrier, load yours", where either side may be the one
 * that sleeps:
 *
 *	ring_out_must_signal()			host goes to sleep
 *	store write_index			store interrupt_mask = 0
 *	virt_mb					full barrier
 *	load interrupt_mask, read_index		load write_index: empty? sleep
 *
 *	ring_out_want_room()			host consumed
 *	store pending_send_size			store read_index
 *	virt_mb					full barrier
 *	load read_index: full? sleep		load pending_send_size
 *
 * With both barriers in place the two loads cannot both miss the other side's store, so at least
 * one side sees that there is something to do. ring_in_unmask() and ring_in_publish() are the
 * right-hand columns for the other ring.
 */
#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "ring.h"

static u32 ring_used(u32 write, u32 read, u32 size)
{
	return write >= read ? write - read : size - read + write;
}

static u32 ring_advance(u32 index, u32 bytes, u32 size)
{
	index += bytes;
	return index >= size ? index - size : index;
}

static bool index_valid(u32 index, u32 size)
{
	return index < size && index % 8 == 0;
}

/* Nobody else sees the ring yet: the host learns of it by the OPEN message, which comes later. */
static void header_init(struct ring_header *header)
{
	memset(header, 0, sizeof(*header));
	header->feature_bits = RING_FEATURE_PENDING_SEND_SIZE;
}

/**
 * ring_out_init() - an empty ring to the host
 * @ring: filled in
 * @header: the header page, not yet known to the host; cleared
 * @data: @size bytes mapped twice in a row
 * @size: a multiple of the page size
 *
 * Announces that we keep pending_send_size up to date (feature bit 0). Any context.
 */
void ring_out_init(struct ring_out *ring, struct ring_header *header, void *data, u32 size)
{
	*ring = (struct ring_out){ .header = header, .data = data, .size = size };
	header_init(header);
}

/* Bytes not used, read once from the host's index; 0 and broken if that index is impossible. */
static u32 out_free(struct ring_out *ring)
{
	/*
	 * Acquire: what we write next must not overtake the host's reading of what was there
	 * before.
	 */
	u32 read = virt_load_acquire(&ring->header->read_index);

	if (!index_valid(read, ring->size)) {
		ring->broken = "the host's read index is outside the ring or not 8-aligned";
		return 0;
	}
	return ring->size - ring_used(ring->write, read, ring->size);
}

/**
 * ring_out_reserve() - room for one packet, to be written in place
 * @ring: the ring
 * @bytes: descriptor, ranges and payload, without trailer; a multiple of 8, at least a descriptor
 *
 * Nothing happens in shared memory until ring_out_commit(); reserving again forgets the earlier
 * reservation. Equal indices mean empty, so 8 bytes at least always stay free. Any context, the
 * caller's lock.
 *
 * Return: contiguous memory that the host may read at any time (write it, do not read it back);
 * ERR_PTR(-EAGAIN) no room now, ask ring_out_want_room(); -EMSGSIZE it can never fit, or is no
 * packet; -EIO broken.
 */
void *ring_out_reserve(struct ring_out *ring, u32 bytes)
{
	u32 room;

	if (ring->broken)
		return ERR_PTR(-EIO);
	if (bytes < sizeof(struct packet_desc) || bytes % 8 || bytes >= ring->size - RING_TRAILER)
		return ERR_PTR(-EMSGSIZE);

	room = out_free(ring);
	if (ring->broken)
		return ERR_PTR(-EIO);
	if (room <= bytes + RING_TRAILER)
		return ERR_PTR(-EAGAIN);

	ring->reserved = bytes;
	return ring->data + ring->write;
}

/**
 * ring_out_commit() - publish the packet written since ring_out_reserve()
 * @ring: the ring, with a reservation
 *
 * The host may start on it at once, but a host that sleeps must be signalled:
 * ring_out_must_signal(), once for any number of commits. Any context, the caller's lock.
 */
void ring_out_commit(struct ring_out *ring)
{
	const u64 trailer = (u64)ring->write << 32;
	const u32 bytes = ring->reserved + RING_TRAILER;

	memcpy(ring->data + ring->write + ring->reserved, &trailer, sizeof(trailer));
	ring->write = ring_advance(ring->write, bytes, ring->size);
	ring->batch = min(ring->batch + bytes, ring->size);
	ring->reserved = 0;
	/* Release: packet and trailer are there for whoever sees the index. */
	virt_store_release(&ring->header->write_index, ring->write);
}

/**
 * ring_out_must_signal() - may the host be asleep on what was committed since this was last asked?
 * @ring: the ring
 *
 * The host sleeps only after it found the ring empty, published its read index and cleared
 * interrupt_mask. If it did so during this batch, its read index stands where the write index
 * stood at that moment: so some, but not more than this batch, is unread. If all is read there is
 * nothing to say, and if more is unread the host is still busy with earlier packets, and will come
 * to ours before it sleeps. Counting bytes instead of remembering where the batch began keeps this
 * right for a batch of more than one lap. Any context, the caller's lock.
 *
 * Return: true: signal the host now; false: it will look by itself, or the ring is (now) broken.
 */
bool ring_out_must_signal(struct ring_out *ring)
{
	u32 batch = ring->batch;
	u32 read, unread;

	if (ring->broken || !batch)
		return false;
	ring->batch = 0;

	/* Our write index before the host's mask and read index: see the head of this file. */
	virt_mb();
	if (READ_ONCE(ring->header->interrupt_mask))
		return false;
	/* A mask of 0 was stored after the read index that goes with it. */
	virt_rmb();
	read = READ_ONCE(ring->header->read_index);
	if (!index_valid(read, ring->size)) {
		ring->broken = "the host's read index is outside the ring or not 8-aligned";
		return false;
	}
	unread = ring_used(ring->write, read, ring->size);
	return unread && unread <= batch;
}

/**
 * ring_out_want_room() - ask the host for a signal once a packet of @bytes fits
 * @ring: the ring
 * @bytes: as for ring_out_reserve(); 0: no longer
 *
 * Asks first and looks again afterwards, so that room which the host made in between is not
 * missed. Any context, the caller's lock.
 *
 * Return: true: there is room after all (the wish is withdrawn), or the ring is broken: reserve
 * again and see; false: the host will signal. Always false for @bytes 0.
 */
bool ring_out_want_room(struct ring_out *ring, u32 bytes)
{
	u32 need = bytes + RING_TRAILER;

	if (!bytes) {
		WRITE_ONCE(ring->header->pending_send_size, 0);
		return false;
	}
	if (ring->broken)
		return true;

	WRITE_ONCE(ring->header->pending_send_size, need);
	/* Our wish before the host's read index: see the head of this file. */
	virt_mb();
	if (out_free(ring) <= need && !ring->broken)
		return false;

	WRITE_ONCE(ring->header->pending_send_size, 0);
	return true;
}

/**
 * ring_out_all_read() - has the host read all that was committed?
 * @ring: guest to host
 *
 * As far as its index says; a host that lies there only deceives itself. Any context, no lock.
 */
bool ring_out_all_read(const struct ring_out *ring)
{
	return READ_ONCE(ring->header->read_index) == READ_ONCE(ring->write);
}

/**
 * ring_in_init() - an empty ring from the host
 * @ring: filled in
 * @header: the header page, not yet known to the host; cleared
 * @data: @size bytes mapped twice in a row
 * @size: a multiple of the page size
 * @copy: private memory, 8-aligned, that packets are copied into
 * @copy_bytes: its size: the largest packet, descriptor included, that the ring accepts
 *
 * Interrupts start unmasked. Any context.
 */
void ring_in_init(struct ring_in *ring, struct ring_header *header, void *data, u32 size,
		  void *copy, u32 copy_bytes)
{
	*ring = (struct ring_in){
		.header = header, .data = data, .size = size, .copy = copy, .copy_bytes = copy_bytes
	};
	header_init(header);
}

static int in_break(struct ring_in *ring, const char *rule)
{
	ring->broken = rule;
	return -EIO;
}

/* Look at the host's write index once. Return: 0 or -EIO, broken. */
static int in_look(struct ring_in *ring)
{
	/* Acquire: packets are copied only after the index that covers them was seen. */
	u32 write = virt_load_acquire(&ring->header->write_index);

	if (!index_valid(write, ring->size))
		return in_break(ring,
				"the host's write index is outside the ring or not 8-aligned");
	ring->write = write;
	return 0;
}

/* Where the payload of a packet of this type may begin at the earliest. */
static u32 payload_offset_min(u16 type)
{
	switch (type) {
	case PACKET_XFER_PAGES:
		return sizeof(struct packet_xfer_pages);
	case PACKET_GPA_DIRECT:
		return sizeof(struct packet_gpa_direct);
	default:
		return sizeof(struct packet_desc);
	}
}

/*
 * The rule that @desc breaks, or NULL. @desc is a private copy; @available are the bytes that the
 * host published.
 */
static const char *desc_broken(const struct ring_in *ring, const struct packet_desc *desc,
			       u32 available)
{
	u32 bytes = desc->len8 * 8;
	u32 payload = desc->offset8 * 8;

	if (bytes < sizeof(*desc))
		return "a packet is shorter than its descriptor";
	if (bytes + RING_TRAILER > available)
		return "a packet is longer than what is in the ring";
	if (bytes > ring->copy_bytes)
		return "a packet is larger than this channel's protocol has";
	if (payload < payload_offset_min(desc->type))
		return "a packet's payload starts inside its descriptor";
	if (payload > bytes)
		return "a packet's payload starts behind its end";
	return NULL;
}

/*
 * Copy the next packet out. The descriptor first, to learn the length; what the host changes in
 * the ring after that has no effect, since only the copy is looked at and the descriptor is not
 * copied again.
 */
static int in_copy(struct ring_in *ring, u32 available)
{
	const u8 *from = ring->data + ring->read;
	const char *rule;
	struct packet_desc desc;

	if (available < sizeof(desc) + RING_TRAILER)
		return in_break(ring, "what is in the ring is shorter than a packet");
	memcpy(&desc, from, sizeof(desc));
	/* The compiler, too, must not go back to shared memory for what is checked now. */
	barrier();
	rule = desc_broken(ring, &desc, available);
	if (rule)
		return in_break(ring, rule);

	memcpy(ring->copy, &desc, sizeof(desc));
	memcpy(ring->copy + sizeof(desc), from + sizeof(desc), desc.len8 * 8 - sizeof(desc));
	return 0;
}

/**
 * ring_in_read() - the next packet from the host
 * @ring: the ring
 * @packet: describes the private copy, valid until the next call
 *
 * The space is not given back before ring_in_publish(), so several packets cost one publication.
 * Any context, the caller's lock.
 *
 * Return: 1 a packet, 0 the ring is empty, -EIO it is broken.
 */
int ring_in_read(struct ring_in *ring, struct hvis_packet *packet)
{
	const struct packet_desc *desc = (const void *)ring->copy;
	u32 payload;

	if (ring->broken)
		return -EIO;
	if (ring->read == ring->write && in_look(ring))
		return -EIO;
	if (ring->read == ring->write)
		return 0;
	if (in_copy(ring, ring_used(ring->write, ring->read, ring->size)))
		return -EIO;

	payload = desc->offset8 * 8;
	*packet = (struct hvis_packet){
		.type = desc->type,
		.flags = desc->flags,
		.transaction_id = desc->transaction_id,
		.payload = ring->copy + payload,
		.payload_bytes = desc->len8 * 8 - payload,
		.ranges = ring->copy + sizeof(*desc),
		.ranges_bytes = payload - sizeof(*desc),
	};
	ring->read = ring_advance(ring->read, desc->len8 * 8 + RING_TRAILER, ring->size);
	return 1;
}

/**
 * ring_in_ready() - would ring_in_read() return anything but 0?
 * @ring: the ring
 *
 * Any context, the caller's lock. Return: true also if the ring has just been found broken, which ring_in_read() tells.
 */
bool ring_in_ready(struct ring_in *ring)
{
	return ring->broken || ring->read != ring->write || in_look(ring) || ring->read != ring->write;
}

/**
 * ring_in_publish() - give the space of the packets read so far back to the host
 * @ring: the ring
 *
 * Before ring_in_unmask(), once per batch, or earlier to let the host go on. Any context, the
 * caller's lock.
 *
 * Return: true: the host waits for room and this publication made it: signal the host.
 */
bool ring_in_publish(struct ring_in *ring)
{
	u32 before, after, pending, write;

	if (ring->broken || ring->read == ring->published)
		return false;

	/* Release: our copies are complete before the host may overwrite. */
	virt_store_release(&ring->header->read_index, ring->read);
	before = ring->published;
	ring->published = ring->read;

	/* Our read index before the host's wish: see the head of this file. */
	virt_mb();
	pending = READ_ONCE(ring->header->pending_send_size);
	if (!pending)
		return false;
	/*
	 * A fresh write index, loaded after the wish that the host stored behind it: with an older
	 * one the ring would seem to have had that room already. An impossible one is for
	 * ring_in_read() or ring_in_unmask() to report.
	 */
	virt_rmb();
	write = READ_ONCE(ring->header->write_index);
	if (!index_valid(write, ring->size))
		return false;
	after = ring->size - ring_used(write, ring->read, ring->size);
	before = ring->size - ring_used(write, before, ring->size);
	return before <= pending && after > pending;
}

/**
 * ring_in_mask() - tell the host not to interrupt while we read anyway
 * @ring: the ring
 *
 * A hint: an interrupt that is already under way still comes. Any context, the caller's lock.
 */
void ring_in_mask(struct ring_in *ring)
{
	WRITE_ONCE(ring->header->interrupt_mask, 1);
}

/**
 * ring_in_unmask() - ask for interrupts again, and look once more
 * @ring: the ring, all that was read published (the host decides by the published index)
 *
 * Any context, the caller's lock.
 *
 * Return: true: go on with ring_in_read(), there is data that no interrupt will announce, or the
 * ring has just been found broken (said once); false: the next packet comes with an interrupt.
 */
bool ring_in_unmask(struct ring_in *ring)
{
	if (ring->broken)
		return false;

	/* Release: the host must not see interrupts wanted together with an older read index. */
	virt_store_release(&ring->header->interrupt_mask, 0);
	/* Our mask before the host's write index: see the head of this file. */
	virt_mb();
	return in_look(ring) || ring->read != ring->write;
}
