// SPDX-License-Identifier: GPL-2.0
/*
 * The host's end of a VMBus ring: read the guest's packets, append our own, and know when a signal
 * is owed. What a packet means is the channel's and the provider's business; so is the signalling
 * itself.
 * Invariant: nothing in shared memory is used twice: an index is loaded once, checked, and only the
 * copy is used; a descriptor is copied and only the copy is believed.
 */
#include "ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static uint32_t shared_load(const __u32 *field)
{
	return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static void shared_store(__u32 *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELEASE);
}

/* Between our store and the load of what the guest stored: both sides store first, then look. */
static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Bytes from index @from forward to index @to. */
static uint32_t distance(const struct ring *ring, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + ring->size - from;
}

static uint32_t advance(const struct ring *ring, uint32_t index, uint32_t bytes)
{
	index += bytes;
	return index >= ring->size ? index - ring->size : index;
}

static int ring_break(struct ring *ring, const char *rule)
{
	if (!ring->broken)
		ring->broken = rule;
	return -EIO;
}

/* Load an index the guest may have written; false: the ring is broken. */
static bool load_index(struct ring *ring, const __u32 *field, uint32_t *index)
{
	uint32_t value = shared_load(field);

	if (value >= ring->size)
		ring_break(ring, "ring index past the end");
	else if (value % 8)
		ring_break(ring, "ring index not a multiple of 8");
	else
		*index = value;
	return !ring->broken;
}

static void ring_init(struct ring *ring, struct ring_header *header, uint8_t *data, uint32_t size)
{
	*ring = (struct ring){ .header = header, .data = data, .size = size };
}

/**
 * ring_reader_init() - become the reader of the guest-to-host ring
 *
 * The guest has set up the header before it opened the channel, and may already have written
 * packets. Our own index is taken from there once; a bad one leaves the reader broken.
 */
void ring_reader_init(struct ring_reader *reader, struct ring_header *header, uint8_t *data,
		      uint32_t size)
{
	*reader = (struct ring_reader){ 0 };
	ring_init(&reader->ring, header, data, size);
	load_index(&reader->ring, &header->read_index, &reader->read);
	reader->published = reader->read;
	reader->write = reader->read;
}

/** ring_writer_init() - become the writer of the host-to-guest ring; see ring_reader_init(). */
void ring_writer_init(struct ring_writer *writer, struct ring_header *header, uint8_t *data,
		      uint32_t size)
{
	*writer = (struct ring_writer){ 0 };
	ring_init(&writer->ring, header, data, size);
	load_index(&writer->ring, &header->write_index, &writer->write);
	__atomic_fetch_or(&header->feature_bits, RING_FEATURE_PENDING_SEND_SIZE, __ATOMIC_RELAXED);
}

/* The rule that the packet described by @desc breaks, or NULL. */
static const char *packet_rule(const struct packet_desc *desc, uint32_t available, uint32_t room)
{
	uint32_t bytes = desc->len8 * 8u, payload = desc->offset8 * 8u;

	if (bytes < sizeof(*desc))
		return "packet shorter than its descriptor";
	if (bytes + RING_TRAILER > available)
		return "packet longer than what is in the ring";
	if (payload < sizeof(*desc) || payload > bytes)
		return "packet payload outside the packet";
	if (bytes > room)
		return "packet longer than its protocol has";
	return NULL;
}

/* See ring.h. The caller is the ring's only reader; does not block. */
int ring_read(struct ring_reader *reader, struct packet *packet, uint32_t room)
{
	struct ring *ring = &reader->ring;
	const uint8_t *from = ring->data + reader->read;
	uint32_t available;
	const char *rule;

	if (ring->broken)
		return -EIO;
	if (reader->write == reader->read &&
	    !load_index(ring, &ring->header->write_index, &reader->write))
		return -EIO;
	available = distance(ring, reader->read, reader->write);
	if (!available)
		return 0;
	if (available < sizeof(packet->desc) + RING_TRAILER)
		return ring_break(ring, "less than a packet in the ring");
	memcpy(&packet->desc, from, sizeof(packet->desc));
	rule = packet_rule(&packet->desc, available, room);
	if (rule)
		return ring_break(ring, rule);
	packet->bytes = packet->desc.len8 * 8u;
	packet->payload = packet->desc.offset8 * 8u;
	/* The descriptor that was checked, not what lies in the ring by now. */
	memcpy(packet->data, &packet->desc, sizeof(packet->desc));
	memcpy(packet->data + sizeof(packet->desc), from + sizeof(packet->desc),
	       packet->bytes - sizeof(packet->desc));
	reader->read = advance(ring, reader->read, packet->bytes + RING_TRAILER);
	return 1;
}

/*
 * The write index is loaded anew after the barrier: with an older one, room the guest has used
 * meanwhile would count as free before, and the crossing would be missed. If the guest already
 * wrote into the room given here, it has seen our index and needs no signal, whatever comes out.
 */
bool ring_reader_publish(struct ring_reader *reader)
{
	struct ring *ring = &reader->ring;
	uint32_t before = reader->published, pending, write, room_before, room_now;

	if (ring->broken || reader->read == before)
		return false;
	shared_store(&ring->header->read_index, reader->read);
	reader->published = reader->read;
	full_barrier();
	pending = shared_load(&ring->header->pending_send_size);
	if (!pending || !load_index(ring, &ring->header->write_index, &write))
		return false;
	room_before = ring->size - distance(ring, before, write);
	room_now = ring->size - distance(ring, reader->read, write);
	return room_before <= pending && room_now > pending;
}

bool ring_reader_waiting(const struct ring_reader *reader)
{
	return !reader->ring.broken && shared_load(&reader->ring.header->write_index) != reader->read;
}

void ring_reader_mask(struct ring_reader *reader)
{
	shared_store(&reader->ring.header->interrupt_mask, 1);
}

/*
 * Call after ring_reader_publish(): the guest judges by our published index whether we may sleep.
 */
bool ring_reader_unmask(struct ring_reader *reader)
{
	if (reader->ring.broken)
		return false;
	shared_store(&reader->ring.header->interrupt_mask, 0);
	full_barrier();
	return ring_reader_waiting(reader);
}

/**
 * ring_writer_room() - bytes that can be written now, trailer included
 *
 * The largest packet that fits is 8 bytes less. 0 when the ring is full or broken.
 */
uint32_t ring_writer_room(struct ring_writer *writer)
{
	struct ring *ring = &writer->ring;
	uint32_t read;

	if (ring->broken || !load_index(ring, &ring->header->read_index, &read))
		return 0;
	/* Equal indices mean empty, so the last 8 bytes stay free. */
	return ring->size - 8 - distance(ring, read, writer->write);
}

static uint8_t *put(uint8_t *to, const void *bytes, uint32_t length)
{
	if (length)
		memcpy(to, bytes, length);
	return to + length;
}

/*
 * Bytes in the ring of a packet with @count @pieces behind its descriptor, or 0 if no ring could
 * hold it.
 */
static uint32_t ring_bytes(const struct ring *ring, const struct ring_piece *pieces,
			   unsigned int count)
{
	uint64_t bytes = sizeof(struct packet_desc);

	for (unsigned int i = 0; i < count; i++)
		bytes += pieces[i].length;
	bytes = (bytes + 7) / 8 * 8;
	if (bytes / 8 > UINT16_MAX || bytes + RING_TRAILER > ring->size - 8)
		return 0;
	return bytes + RING_TRAILER;
}

/**
 * ring_write() - append one packet
 * @desc: type, flags and transaction id; len8 and offset8 are set here where the caller left them 0
 *	(other lengths than the true one are for a host that lies)
 * @pieces: what follows the descriptor, zero padded to 8 bytes
 *
 * The caller is the ring's only writer. The packet is published at once; the signal is owed until
 * ring_writer_must_signal(). Return: 0, -EAGAIN no room now, -EMSGSIZE never, -EIO broken.
 */
int ring_write(struct ring_writer *writer, const struct packet_desc *desc,
	       const struct ring_piece *pieces, unsigned int count)
{
	struct ring *ring = &writer->ring;
	uint32_t bytes = ring_bytes(ring, pieces, count);
	uint8_t *start = ring->data + writer->write, *to = start;
	uint64_t trailer = (uint64_t)writer->write << 32;
	struct packet_desc head = *desc;
	uint32_t room;

	if (!bytes)
		return -EMSGSIZE;
	room = ring_writer_room(writer);
	if (ring->broken)
		return -EIO;
	if (bytes > room)
		return -EAGAIN;
	if (!head.len8)
		head.len8 = (bytes - RING_TRAILER) / 8;
	if (!head.offset8)
		head.offset8 = sizeof(head) / 8;
	to = put(to, &head, sizeof(head));
	for (unsigned int i = 0; i < count; i++)
		to = put(to, pieces[i].bytes, pieces[i].length);
	memset(to, 0, start + bytes - RING_TRAILER - to);
	memcpy(start + bytes - RING_TRAILER, &trailer, sizeof(trailer));
	writer->write = advance(ring, writer->write, bytes);
	writer->batch += bytes;
	if (writer->batch > ring->size)
		writer->batch = ring->size;
	shared_store(&ring->header->write_index, writer->write);
	return 0;
}

/*
 * The guest may have gone to sleep at any point of the batch, where it found the ring empty: then
 * what is unread is part of this batch. More unread: the guest still has older packets, of which it
 * has been told. Nothing unread: it has them all. Counted in bytes, because a batch may be longer
 * than one lap of the ring.
 */
bool ring_writer_must_signal(struct ring_writer *writer)
{
	struct ring *ring = &writer->ring;
	uint32_t batch = writer->batch, read, unread;

	if (ring->broken || !batch)
		return false;
	writer->batch = 0;
	full_barrier();
	if (shared_load(&ring->header->interrupt_mask) ||
	    !load_index(ring, &ring->header->read_index, &read))
		return false;
	unread = distance(ring, read, writer->write);
	return unread && unread <= batch;
}

/*
 * Look at the room again afterwards: the guest may have made it just before it could see the wish.
 */
void ring_writer_want_room(struct ring_writer *writer, uint32_t bytes)
{
	shared_store(&writer->ring.header->pending_send_size, bytes);
	full_barrier();
}
