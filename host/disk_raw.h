/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between disk_raw_open.c (finding out what the file is) and disk_raw.c (doing IO on it). Nobody
 * else includes this.
 */
#ifndef HVIS_HOST_DISK_RAW_H
#define HVIS_HOST_DISK_RAW_H

#include <stdatomic.h>
#include <stddef.h>

#include "disk.h"

struct disk_raw {
	struct disk disk; /* first: the one the others know */
	int fd; /* through the page cache; holds the lock */
	int direct_fd; /* the same file with O_DIRECT, or -1 */
	atomic_int lost; /* 0, or the error of the first flush that failed; any loop's thread */
};

extern const struct disk_ops disk_raw_ops;

static inline struct disk_raw *disk_raw_of(struct disk *disk)
{
	return (struct disk_raw *)((char *)disk - offsetof(struct disk_raw, disk));
}

#endif
