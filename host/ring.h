/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's view of one VMBus ring: as reader of the guest-to-host ring, as writer of the other.
 * It knows memory and indices only: no channel, no interrupt. Two types for the two directions, so
 * that a write to the ring one reads from does not compile.
 * Invariant: the host's own index lives here, never re-read from shared memory; the guest's index
 * is read once per use, checked, and then only the copy is used. Data is mapped twice in a row, so
 * no packet wraps.
 */
#ifndef HVIS_HOST_RING_H
#define HVIS_HOST_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/packet.h"
#include "wire/ring.h"

struct ring {
	struct ring_header *header;
	uint8_t *data; /* size bytes, mapped twice */
	uint32_t size;
	const char *broken; /* NULL, or the rule the guest broke; sticky */
};

/* Guest to host. */
struct ring_reader {
	struct ring ring;
	uint32_t read; /* consumed up to here; published by ring_reader_publish() */
	uint32_t published;
	uint32_t write; /* last write index seen and checked */
};

/* Host to guest. */
struct ring_writer {
	struct ring ring;
	uint32_t write; /* written up to here and published */
	uint32_t batch; /* bytes written since ring_writer_must_signal() was last asked, at most size */
};

/* A packet copied out of the ring: no pointer into shared memory. */
struct packet {
	struct packet_desc desc;
	uint32_t bytes; /* of data: the descriptor, ranges and payload */
	uint32_t payload; /* offset of the payload in data, >= 16, <= bytes */
	uint8_t *data; /* the caller's buffer */
};

/**
 * ring_reader_init() - @header: the header page; @data: data pages mapped twice; @size: bytes of
 * one copy.
 */
void ring_reader_init(struct ring_reader *reader, struct ring_header *header, uint8_t *data,
		      uint32_t size);
void ring_writer_init(struct ring_writer *writer, struct ring_header *header, uint8_t *data,
		      uint32_t size);

/**
 * ring_read() - copy the next packet out
 * @packet: its data points to @room bytes
 *
 * Return: 1 a packet, 0 empty, -EIO broken (see ring.broken): an index past the end or not
 * 8-aligned, a length below the descriptor or beyond what is in the ring, a payload offset outside
 * the packet, a packet above @room.
 */
int ring_read(struct ring_reader *reader, struct packet *packet, uint32_t room);

/**
 * ring_reader_publish() - give consumed space back to the guest
 * Return: true if the guest waits for room (pending_send_size) and this made enough: signal it.
 */
bool ring_reader_publish(struct ring_reader *reader);
/** ring_reader_waiting() - has the guest written what was not read yet? */
bool ring_reader_waiting(const struct ring_reader *reader);
/** ring_reader_mask() - tell the guest not to ring while we read. */
void ring_reader_mask(struct ring_reader *reader);
/**
 * ring_reader_unmask() - ask for the doorbell again. Return: true if data came meanwhile: read on,
 * do not sleep.
 */
bool ring_reader_unmask(struct ring_reader *reader);

/**
 * ring_write() - append one packet: @desc, then the pieces
 *
 * len8 and offset8 are set from the lengths where they are 0. Return: 0, -EAGAIN no room, -EMSGSIZE never room,
 * -EIO broken.
 */
struct ring_piece {
	const void *bytes;
	uint32_t length;
};
int ring_write(struct ring_writer *writer, const struct packet_desc *desc,
	       const struct ring_piece *pieces, unsigned int count);
/** ring_writer_must_signal() - once per batch: true if the guest may be asleep on this ring. */
bool ring_writer_must_signal(struct ring_writer *writer);
/** ring_writer_want_room() - ask the guest to signal once @bytes are free (0: no longer). */
void ring_writer_want_room(struct ring_writer *writer, uint32_t bytes);
/** ring_writer_room() - bytes free for packets with their trailers; 0 if broken. */
uint32_t ring_writer_room(struct ring_writer *writer);

#endif
