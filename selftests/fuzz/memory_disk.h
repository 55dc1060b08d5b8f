/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk in memory for the fuzz targets: it fails, or answers later and in another order, when the tape
 * says so, and checks every request it gets. Included once per target.
 * Invariant: no request leaves the medium, and each is finished once.
 */
#ifndef HVIS_FUZZ_MEMORY_DISK_H
#define HVIS_FUZZ_MEMORY_DISK_H

#include <errno.h>

#include "disk.h"
#include "tape.h"

#define MEDIUM_BYTES (64u << 10)
#define HELD_MAX     64u

struct memory_disk {
	struct disk disk;
	uint8_t *medium;
	struct tape *tape; /* decides what becomes of a request */
	struct disk_request *held[HELD_MAX];
	unsigned int held_count;
	uint64_t end; /* of the medium: what no request may go beyond */
	uint64_t changes; /* requests that alter the medium */
	unsigned int steps; /* requests since a command began */
	uint8_t slow; /* of 256 requests, so many are held back */
};

static struct memory_disk *memory_disk_of(struct disk *disk)
{
	return (struct memory_disk *)((char *)disk - offsetof(struct memory_disk, disk));
}

static void memory_disk_copy(struct memory_disk *disk, struct disk_request *request)
{
	uint8_t *at = disk->medium + request->offset;
	uint64_t done = 0;

	for (unsigned int i = 0; i < request->iov_count; i++) {
		struct iovec *piece = &request->iov[i];

		if (request->what == DISK_READ)
			memcpy(piece->iov_base, at + done, piece->iov_len);
		else
			memcpy(at + done, piece->iov_base, piece->iov_len);
		done += piece->iov_len;
	}
	MUST(done == request->bytes);
}

static void memory_disk_finish(struct memory_disk *disk, struct disk_request *request, int error)
{
	request->moved = error ? 0 : request->bytes;
	if (!error && (request->what == DISK_READ || request->what == DISK_WRITE))
		memory_disk_copy(disk, request);
	else if (!error && request->what != DISK_FLUSH)
		memset(disk->medium + request->offset, 0, request->bytes);
	request->finished(request, error);
}

static void memory_disk_submit(struct disk *base, struct disk_request *request)
{
	static const int errors[] = { EIO, ENOSPC, EROFS, ENOMEM };
	struct memory_disk *disk = memory_disk_of(base);
	uint8_t fate = tape_u8(disk->tape);

	MUST(request->offset <= disk->end && request->bytes <= disk->end - request->offset);
	MUST(request->offset % base->block_bytes == 0 && request->bytes % base->block_bytes == 0);
	MUST(request->what == DISK_READ || request->what == DISK_FLUSH || !base->read_only);
	MUST(request->what != DISK_UNMAP || base->can_unmap);
	MUST(request->what == DISK_FLUSH || request->bytes);
	MUST(request->what != DISK_READ || !request->fua);
	disk->changes += request->what != DISK_READ && request->what != DISK_FLUSH;
	disk->steps++;
	if (fate >= 256 - disk->slow && disk->held_count < HELD_MAX)
		disk->held[disk->held_count++] = request;
	else
		memory_disk_finish(disk, request, fate && fate <= 4 ? -errors[fate - 1] : 0);
}

/** memory_disk_release() - finish one of the requests held back. */
static void memory_disk_release(struct memory_disk *disk)
{
	unsigned int which = tape_below(disk->tape, disk->held_count);
	struct disk_request *request = disk->held[which];
	int error = tape_u8(disk->tape) == 1 ? -EIO : 0;

	disk->held[which] = disk->held[--disk->held_count];
	memory_disk_finish(disk, request, error);
}

/* Cut off, or put on again. What is in flight must have ended before it is cut off. */
static int memory_disk_resize(struct disk *base, uint64_t bytes, char *error)
{
	struct memory_disk *disk = memory_disk_of(base);

	(void)error;
	MUST(bytes <= MEDIUM_BYTES && bytes % base->block_bytes == 0);
	for (unsigned int i = 0; i < disk->held_count; i++)
		MUST(disk->held[i]->offset + disk->held[i]->bytes <= bytes);
	disk->end = bytes;
	return 0;
}

static void memory_disk_close(struct disk *base)
{
	struct memory_disk *disk = memory_disk_of(base);

	MUST(!disk->held_count);
}

/** memory_disk_start() - @shape: of its block size, whether it may be written to, and unmapped. */
static void memory_disk_start(struct memory_disk *disk, struct tape *tape, uint8_t shape)
{
	static const struct disk_ops ops = { .name = "memory",
					     .submit = memory_disk_submit,
					     .resize = memory_disk_resize,
					     .close = memory_disk_close };

	if (!disk->medium)
		disk->medium = malloc(MEDIUM_BYTES);
	for (uint32_t i = 0; i < MEDIUM_BYTES; i += 512)
		memset(disk->medium + i, (int)(i >> 9) + 1, 512);
	disk->tape = tape;
	disk->held_count = 0;
	disk->changes = 0;
	disk->end = MEDIUM_BYTES;
	disk->slow = 16;
	disk->disk = (struct disk){ .ops = &ops,
				    .bytes = MEDIUM_BYTES,
				    .block_bytes = shape & 1 ? 4096 : 512,
				    .physical_bytes = 4096,
				    .read_only = shape & 2,
				    .can_unmap = shape & 4 };
}

#endif
