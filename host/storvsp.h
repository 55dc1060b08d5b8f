/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The storage provider: one synthetic SCSI controller, its conversation (VSTOR) and its LUNs.
 * It speaks VSTOR and hands CDBs to scsi.c; bytes are the disk backend's.
 */
#ifndef HVIS_HOST_STORVSP_H
#define HVIS_HOST_STORVSP_H

#include <jansson.h>
#include <stdint.h>

#include "disk.h"
#include "provider.h"

#define STORVSP_LUNS 64
#define STORVSP_SUBS_MAX 63

struct storvsp;

struct storvsp_options {
	struct loop *loop; /* the bus thread's; NULL where no disk is removed or resized */
	unsigned int controller; /* 0..; makes the instance GUID and the name "scsiN" */
	uint16_t version_max; /* VSTOR_VERSION(); 0: the newest */
	uint32_t max_transfer_bytes; /* 0: default */
	unsigned int sub_channels; /* that a guest may ask for beside the primary, at most STORVSP_SUBS_MAX */
};

struct storvsp *storvsp_create(const struct storvsp_options *options);
/**
 * storvsp_add_disk() - put @disk at @lun, and tell the guest
 *
 * Bus thread, as all that follows. Return: 0, -EEXIST, -EINVAL. Owns the disk from then on.
 */
int storvsp_add_disk(struct storvsp *storvsp, unsigned int lun, struct disk *disk);
/** storvsp_disk() - the disk at @lun, or NULL. */
struct disk *storvsp_disk(const struct storvsp *storvsp, unsigned int lun);

typedef provider_done storvsp_done;

/**
 * storvsp_remove_disk() - take the disk at @lun away, and tell the guest
 *
 * Commands that come from now on find no LUN; those in flight are finished first, then the disk is
 * closed and @done called. Return: 0, -ENOENT, -EBUSY (being resized), -ENOMEM.
 */
int storvsp_remove_disk(struct storvsp *storvsp, unsigned int lun, storvsp_done *done,
			void *context);
/**
 * storvsp_resize_disk() - give the disk at @lun another size, and tell the guest
 * @bytes: as disk_resize() wants it
 *
 * Where it shrinks, commands behind the new end are refused from now on, those in flight finished, and
 * then the end is cut off. @done may be called before this returns. Return: as storvsp_remove_disk().
 */
int storvsp_resize_disk(struct storvsp *storvsp, unsigned int lun, uint64_t bytes,
			storvsp_done *done, void *context);

/** storvsp_offer() - put the controller on the bus. Return: 0 or negative errno. */
int storvsp_offer(struct storvsp *storvsp, struct vmbus *vmbus);
/**
 * storvsp_leave() - take the controller off the bus
 * @done: called later when no channel uses it any more; storvsp_destroy() is allowed from then on
 */
void storvsp_leave(struct storvsp *storvsp, storvsp_done *done, void *context);
/** storvsp_destroy() - closes the disks. After vmbus_destroy(), or storvsp_leave()'s @done. */
void storvsp_destroy(struct storvsp *storvsp);
/** storvsp_query() - LUNs and their counters (reads, writes, bytes, flushes, errors) as JSON. */
json_t *storvsp_query(struct storvsp *storvsp);

#endif
