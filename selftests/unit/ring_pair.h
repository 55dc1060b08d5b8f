/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel's two rings with both of their ends, each end with its own mapping of the same memory,
 * as guest and host have. The data pages are mapped twice in a row on both sides. Included once
 * per test program.
 */
#ifndef UNIT_RING_PAIR_H
#define UNIT_RING_PAIR_H

#include <linux/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"
#include "vmbus/ring.h"

#define PAIR_PAGE 4096u

/* One ring's memory as one side sees it. */
struct pair_view {
	struct ring_header *header;
	u8 *data;
};

struct pair {
	u32 size;
	struct pair_view up_guest, up_host; /* guest to host */
	struct pair_view down_guest, down_host; /* host to guest */
	struct ring_out out;
	struct ring_reader reader;
	struct ring_writer writer;
	struct ring_in in;
	struct packet packet; /* what pair_host_read() got */
	struct hvis_packet got; /* what pair_guest_read() got */
	u8 *host_copy,
		*guest_copy; /* exactly as large as told, so that ASAN sees one byte too many */
	u32 copy_bytes;
};

static inline struct pair_view pair_map(int fd, u32 size)
{
	u8 *base = mmap(NULL, PAIR_PAGE + 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_FIXED;

	if (base == MAP_FAILED || mmap(base, PAIR_PAGE + size, prot, flags, fd, 0) == MAP_FAILED ||
	    mmap(base + PAIR_PAGE + size, size, prot, flags, fd, PAIR_PAGE) == MAP_FAILED)
		abort();
	return (struct pair_view){ .header = (void *)base, .data = base + PAIR_PAGE };
}

static inline void pair_unmap(struct pair_view *view, u32 size)
{
	munmap(view->header, PAIR_PAGE + 2 * size);
}

static inline void pair_share(struct pair_view *guest, struct pair_view *host, u32 size)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, PAIR_PAGE + size))
		abort();
	*guest = pair_map(fd, size);
	*host = pair_map(fd, size);
	close(fd);
}

/* Both rings empty, with all indices at @start, as if a whole life lay behind them. */
static inline void pair_start_at(struct pair *pair, u32 start)
{
	ring_out_init(&pair->out, pair->up_guest.header, pair->up_guest.data, pair->size);
	ring_in_init(&pair->in, pair->down_guest.header, pair->down_guest.data, pair->size,
		     pair->guest_copy, pair->copy_bytes);
	pair->out.write = start;
	pair->in.read = start;
	pair->in.published = start;
	pair->in.write = start;
	pair->up_guest.header->read_index = start;
	pair->up_guest.header->write_index = start;
	pair->down_guest.header->read_index = start;
	pair->down_guest.header->write_index = start;
	ring_reader_init(&pair->reader, pair->up_host.header, pair->up_host.data, pair->size);
	ring_writer_init(&pair->writer, pair->down_host.header, pair->down_host.data, pair->size);
}

static inline struct pair *pair_create(u32 size, u32 copy_bytes)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->size = size;
	pair->copy_bytes = copy_bytes;
	pair->host_copy = malloc(copy_bytes);
	pair->guest_copy = malloc(copy_bytes);
	pair->packet.data = pair->host_copy;
	pair_share(&pair->up_guest, &pair->up_host, size);
	pair_share(&pair->down_guest, &pair->down_host, size);
	pair_start_at(pair, 0);
	return pair;
}

static inline void pair_destroy(struct pair *pair)
{
	pair_unmap(&pair->up_guest, pair->size);
	pair_unmap(&pair->up_host, pair->size);
	pair_unmap(&pair->down_guest, pair->size);
	pair_unmap(&pair->down_host, pair->size);
	free(pair->host_copy);
	free(pair->guest_copy);
	free(pair);
}

static inline u8 pair_pattern(u64 id, u32 i)
{
	return id * 31 + i * 7 + (i >> 8);
}

static inline void pair_fill(u8 *payload, u64 id, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		payload[i] = pair_pattern(id, i);
}

static inline bool pair_filled(const u8 *payload, u64 id, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		if (payload[i] != pair_pattern(id, i))
			return false;
	return true;
}

/*
 * The guest sends an in-band packet of @bytes in all, its payload made from @id. Return: as
 * ring_out_reserve().
 */
static inline int pair_guest_send(struct pair *pair, u64 id, u32 bytes)
{
	struct packet_desc *desc = ring_out_reserve(&pair->out, bytes);

	if (IS_ERR(desc))
		return PTR_ERR(desc);
	*desc = (struct packet_desc){
		.type = PACKET_INBAND,
		.offset8 = sizeof(*desc) / 8,
		.len8 = bytes / 8,
		.flags = PACKET_FLAG_COMPLETION_REQUESTED,
		.transaction_id = id,
	};
	pair_fill((u8 *)(desc + 1), id, bytes - sizeof(*desc));
	ring_out_commit(&pair->out);
	return 0;
}

static inline int pair_host_read(struct pair *pair)
{
	return ring_read(&pair->reader, &pair->packet, pair->copy_bytes);
}

/* The same the other way; the host's ring_write() makes the descriptor. */
static inline int pair_host_send(struct pair *pair, u64 id, u32 bytes)
{
	const struct packet_desc desc = { .type = PACKET_COMPLETION, .transaction_id = id };
	struct ring_piece piece = { .length = bytes - sizeof(desc) };
	u8 *payload = malloc(piece.length);
	int result;

	pair_fill(payload, id, piece.length);
	piece.bytes = payload;
	result = ring_write(&pair->writer, &desc, &piece, 1);
	free(payload);
	return result;
}

static inline int pair_guest_read(struct pair *pair)
{
	return ring_in_read(&pair->in, &pair->got);
}

#endif
