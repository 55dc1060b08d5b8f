// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that does nothing, at once: for measuring the path to it. Writes are forgotten. A read
 * leaves the buffer as it is: not zero, not what was written; the guest sees its own memory, never
 * the host's. Nothing is promised about content, so no file system belongs here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "error.h"

static void submit(struct disk *disk, struct disk_request *request)
{
	(void)disk;
	request->moved = request->bytes;
	request->finished(request, 0);
}

static void close_null(struct disk *disk)
{
	free(disk);
}

static int resize(struct disk *disk, uint64_t bytes, char *error)
{
	(void)disk;
	(void)bytes;
	(void)error;
	return 0;
}

static const struct disk_ops null_ops = {
	.name = "null", .submit = submit, .close = close_null, .resize = resize};

/*
 * Without a serial option the id stays empty: whoever gives the disk its place names it after that.
 */
struct disk *disk_null_open(const struct disk_options *options, char *error)
{
	uint32_t block = options->block_bytes ? options->block_bytes : 512;
	struct disk *disk;

	if (!options->null_bytes || options->null_bytes % block ||
	    options->null_bytes > INT64_MAX) {
		error_set(error, "%llu bytes: must be a positive multiple of the %u-byte block", (unsigned long long)options->null_bytes, block);
		return NULL;
	}
	disk = calloc(1, sizeof(*disk));
	if (!disk) {
		error_set(error, "out of memory");
		return NULL;
	}
	disk->ops = &null_ops;
	disk->bytes = options->null_bytes;
	disk->block_bytes = block;
	disk->physical_bytes = 4096;
	disk->read_only = options->read_only;
	disk->can_unmap = options->unmap;
	snprintf(disk->id, sizeof(disk->id), "%s", options->serial ? options->serial : "");
	snprintf(disk->path, sizeof(disk->path), "null:");
	return disk;
}
