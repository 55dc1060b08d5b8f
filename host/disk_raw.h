/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between disk_raw_open.c (finding out what the file is), disk_raw.c (doing IO on it) and
 * disk_raw_flush.c (flushes, one at a time). Nobody else includes this.
 */
#ifndef HVIS_HOST_DISK_RAW_H
#define HVIS_HOST_DISK_RAW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "disk.h"

/* Any loop's thread, under the lock. */
struct disk_flush {
	pthread_mutex_t lock;
	bool running; /* an fdatasync is in flight or being started */
	struct disk_request *members; /* of the run in flight */
	struct disk_request *waiting, **last; /* for the next one, oldest first */
};

struct disk_raw {
	struct disk disk; /* first: the one the others know */
	int fd; /* through the page cache; holds the lock */
	int direct_fd; /* the same file with O_DIRECT, or -1 */
	atomic_int lost; /* 0, or the error of the first flush that failed; any loop's thread */
	struct disk_flush flush;
};

/**
 * disk_raw_flush() - make stable what was written, then finish @request, which was a flush or a write
 *
 * The request's loop's thread. Covers what completed before the call.
 */
void disk_raw_flush(struct disk_request *request);
void disk_raw_flush_init(struct disk_raw *raw);
void disk_raw_flush_destroy(struct disk_raw *raw);

extern const struct disk_ops disk_raw_ops;

/** disk_raw_resize() - see disk_resize(). */
int disk_raw_resize(struct disk *disk, uint64_t bytes, char *error);

static inline struct disk_raw *disk_raw_of(struct disk *disk)
{
	return (struct disk_raw *)((char *)disk - offsetof(struct disk_raw, disk));
}

#endif
