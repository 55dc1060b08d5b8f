/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk: bytes behind a small set of operations. It knows no SCSI and no VMBus.
 * Requests are started on a loop and finish on that loop's thread; several loops may use one disk at a time.
 */
#ifndef HVIS_HOST_DISK_H
#define HVIS_HOST_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "loop.h"

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH, /* everything completed before it was submitted is stable when it completes */
	DISK_UNMAP, /* the range reads back as zero, its space is given up where the backend can */
	DISK_ZERO, /* the range reads back as zero and stays allocated where the backend can */
};

struct disk_request {
	struct loop_op op; /* the backend's, while in flight */
	enum disk_op what;
	bool fua; /* DISK_WRITE: stable before it completes */
	uint64_t offset;
	uint64_t bytes;
	struct iovec *iov; /* READ, WRITE: total length is bytes; the backend may alter it */
	unsigned int iov_count;
	struct disk *disk;
	struct loop *loop;
	uint64_t moved; /* the backend's: bytes done so far */
	unsigned int step; /* the backend's, as the rest */
	struct disk_request *next;
	struct loop_work work;
	int error;
	/* Called once in the loop's thread; error: 0 or negative errno. May run inside disk_submit(). */
	void (*finished)(struct disk_request *request, int error);
};

struct disk_ops {
	const char *name;
	void (*submit)(struct disk *disk, struct disk_request *request);
	void (*close)(struct disk *disk);
	int (*resize)(struct disk *disk, uint64_t bytes, char *error);
};

struct disk {
	const struct disk_ops *ops;
	_Atomic uint64_t bytes; /* changed by disk_resize() only */
	uint32_t block_bytes; /* logical: 512 or 4096 */
	uint32_t physical_bytes;
	bool read_only;
	bool can_unmap;
	bool buffered; /* O_DIRECT was refused */
	char id[32]; /* stable identity for VPD pages 80 and 83, printable, from the serial option or the file */
	char path[256];
};

/**
 * struct disk_options - parsed from --disk
 * @path: file or block device; NULL or "null:" for disk_null
 */
struct disk_options {
	const char *path;
	const char *serial;
	uint64_t null_bytes; /* size of a null disk */
	uint32_t block_bytes; /* 0: 512 */
	bool read_only;
	bool direct; /* try O_DIRECT */
	bool unmap; /* allow DISK_UNMAP */
};

/**
 * disk_raw_open(), disk_null_open() - open a backend
 * @error: ERROR_BYTES; on failure one line that says what is wrong; the caller names the file
 * Return: the disk, or NULL.
 */
struct disk *disk_raw_open(const struct disk_options *options, char *error);
struct disk *disk_null_open(const struct disk_options *options, char *error);

/** disk_open() - the backend that @options name; as above. */
static inline struct disk *disk_open(const struct disk_options *options, char *error)
{
	return options->path ? disk_raw_open(options, error) : disk_null_open(options, error);
}

/** disk_submit() - start a request. The range has been checked against the disk's size by the caller. */
static inline void disk_submit(struct disk *disk, struct disk_request *request)
{
	disk->ops->submit(disk, request);
}

/**
 * disk_resize() - make room for @bytes, or cut the end off
 * @bytes: a multiple of the block; not what it is now
 * @error: ERROR_BYTES; on failure one line that says what is wrong
 *
 * Changes what is behind the disk, not disk->bytes: where the disk grows, that comes after this, where it
 * shrinks before, when no request beyond the new end is in flight any more. One thread at a time.
 * Return: 0 or negative errno.
 */
static inline int disk_resize(struct disk *disk, uint64_t bytes, char *error)
{
	return disk->ops->resize(disk, bytes, error);
}

static inline void disk_close(struct disk *disk)
{
	disk->ops->close(disk);
}

#endif
