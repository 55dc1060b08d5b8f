/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The storage provider: one synthetic SCSI controller, its conversation (VSTOR) and its LUNs.
 * It speaks VSTOR and hands CDBs to scsi.c; bytes are the disk backend's.
 */
#ifndef HVIS_HOST_STORVSP_H
#define HVIS_HOST_STORVSP_H

#include <jansson.h>

#include "disk.h"
#include "vmbus.h"

#define STORVSP_LUNS 64
#define STORVSP_SUBS_MAX 63

struct storvsp;

struct storvsp_options {
	unsigned int controller; /* 0..; makes the instance GUID and the name "scsiN" */
	uint16_t version_max; /* VSTOR_VERSION(); 0: the newest */
	uint32_t max_transfer_bytes; /* 0: default */
	unsigned int sub_channels; /* that a guest may ask for beside the primary, at most STORVSP_SUBS_MAX */
};

struct storvsp *storvsp_create(const struct storvsp_options *options);
/** storvsp_add_disk() - put @disk at @lun. Return: 0, -EEXIST, -EINVAL. Owns the disk from then on. */
int storvsp_add_disk(struct storvsp *storvsp, unsigned int lun, struct disk *disk);
/** storvsp_offer() - put the controller on the bus. Bus thread. Return: 0 or negative errno. */
int storvsp_offer(struct storvsp *storvsp, struct vmbus *vmbus);
/** storvsp_destroy() - after vmbus_destroy(); closes the disks. */
void storvsp_destroy(struct storvsp *storvsp);
/** storvsp_query() - LUNs and their counters (reads, writes, bytes, flushes, errors) as JSON. */
json_t *storvsp_query(struct storvsp *storvsp);

#endif
