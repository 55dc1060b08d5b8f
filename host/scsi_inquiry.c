// SPDX-License-Identifier: GPL-2.0
/*
 * Who is there: INQUIRY with its vital product data pages, and REPORT LUNS. Both are answered at
 * every address: an absent LUN describes itself as absent (peripheral qualifier 3), because Linux's
 * hv_storvsc turns any INQUIRY error into success and would otherwise take an empty answer for a
 * disk.
 */
#include <string.h>

#include "scsi_internal.h"

#define VENDOR		  "HVIS    "
#define PRODUCT		  "VIRTUAL DISK    "
#define REVISION	  "0001"

#define STANDARD_BYTES	  74
#define PERIPHERAL_ABSENT 0x7F /* qualifier 3, type 1Fh */

static enum scsi_progress inquiry_standard(struct scsi_task *task, uint32_t allocation)
{
	uint8_t *data = task->scratch;

	memset(data, 0, STANDARD_BYTES);
	data[0] = task->lun ? 0x00 : PERIPHERAL_ABSENT;
	data[2] = 0x06; /* SPC-4 */
	data[3] = 0x02; /* response data format */
	data[4] = STANDARD_BYTES - 5;
	data[7] = 0x02; /* CMDQUE: tagged commands */
	memcpy(data + 8, VENDOR, 8);
	memcpy(data + 16, PRODUCT, 16);
	memcpy(data + 32, REVISION, 4);
	put_be16(data + 58, 0x00A0); /* SAM-5 */
	put_be16(data + 60, 0x0460); /* SPC-4 */
	put_be16(data + 62, 0x04C0); /* SBC-3 */
	return scsi_reply(task, STANDARD_BYTES, allocation);
}

static uint32_t vpd_supported(uint8_t *page, const struct scsi_task *task)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2};

	(void)task;
	memcpy(page, pages, sizeof(pages));
	return sizeof(pages);
}

static uint32_t vpd_serial(uint8_t *page, const struct scsi_task *task)
{
	size_t bytes = strnlen(scsi_disk(task)->id, sizeof(scsi_disk(task)->id));

	memcpy(page, scsi_disk(task)->id, bytes);
	return (uint32_t)bytes;
}

/* 60 bits that depend on nothing but the identity: FNV-1a. */
static uint64_t identity_hash(const char *id, size_t bytes)
{
	uint64_t hash = 0xCBF29CE484222325ull;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)id[i]) * 0x100000001B3ull;
	return hash & 0x0FFFFFFFFFFFFFFFull;
}

/* Two names for the same disk: a locally assigned NAA, and vendor plus serial number. */
static uint32_t vpd_identification(uint8_t *page, const struct scsi_task *task)
{
	const char *id = scsi_disk(task)->id;
	size_t bytes = strnlen(id, sizeof(scsi_disk(task)->id));

	page[0] = 0x01; /* binary */
	page[1] = 0x03; /* this logical unit, NAA */
	page[3] = 8;
	put_be64(page + 4, 3ull << 60 | identity_hash(id, bytes));
	page[12] = 0x02; /* ASCII */
	page[13] = 0x01; /* this logical unit, T10 vendor identification */
	page[15] = (uint8_t)(8 + bytes);
	memcpy(page + 16, VENDOR, 8);
	memcpy(page + 24, id, bytes);
	return (uint32_t)(24 + bytes);
}

static uint32_t vpd_block_limits(uint8_t *page, const struct scsi_task *task)
{
	const struct disk *disk = scsi_disk(task);
	uint32_t granularity = disk->physical_bytes / disk->block_bytes;

	page[0] = 0x01; /* WSNZ: a WRITE SAME of no blocks is refused */
	put_be16(page + 2, granularity);
	put_be32(page + 4, task->target->max_transfer_bytes / disk->block_bytes);
	if (disk->can_unmap) {
		put_be32(page + 16, (uint32_t)(SCSI_UNMAP_BYTES_MAX / disk->block_bytes));
		put_be32(page + 20, SCSI_UNMAP_DESCRIPTORS);
		put_be32(page + 24, granularity);
		put_be32(page + 28, 0x80000000); /* aligned to block 0, and valid */
	}
	put_be64(page + 32, SCSI_SAME_BYTES_MAX / disk->block_bytes);
	return 0x3C;
}

static uint32_t vpd_characteristics(uint8_t *page, const struct scsi_task *task)
{
	(void)task;
	put_be16(page, 1); /* no rotation */
	return 0x3C;
}

static uint32_t vpd_provisioning(uint8_t *page, const struct scsi_task *task)
{
	if (scsi_disk(task)->can_unmap) {
		page[1] = 0x80 | 0x40 | 0x20 |
			  0x04; /* UNMAP, WRITE SAME 16 and 10 may unmap; unmapped reads zero */
		page[2] = 0x02; /* thin */
	}
	return 4;
}

struct vpd_page {
	uint8_t code;
	/* Fills in what follows the 4-byte header, at zeroed memory; returns its length. */
	uint32_t (*fill)(uint8_t *page, const struct scsi_task *task);
};

static const struct vpd_page vpd_pages[] = {
	{0x00, vpd_supported},
	{0x80, vpd_serial},
	{0x83, vpd_identification},
	{0xB0, vpd_block_limits},
	{0xB1, vpd_characteristics},
	{0xB2, vpd_provisioning},
};

static enum scsi_progress inquiry_vpd(struct scsi_task *task, uint8_t code, uint32_t allocation)
{
	uint32_t bytes;

	for (unsigned int i = 0; i < sizeof(vpd_pages) / sizeof(vpd_pages[0]); i++) {
		if (vpd_pages[i].code != code)
			continue;
		memset(task->scratch, 0, 256);
		bytes = vpd_pages[i].fill(task->scratch + 4, task);
		task->scratch[1] = code;
		put_be16(task->scratch + 2, bytes);
		return scsi_reply(task, 4 + bytes, allocation);
	}
	return scsi_invalid_field(task, 2, -1);
}

enum scsi_progress scsi_inquiry(struct scsi_task *task)
{
	const uint8_t *cdb = task->cdb;
	uint32_t allocation = get_be16(cdb + 3);

	if (cdb[1] & 0xFE) /* CMDDT is obsolete, the rest reserved */
		return scsi_invalid_field(task, 1, -1);
	if (cdb[1] & 0x01) {
		if (task->lun)
			return inquiry_vpd(task, cdb[2], allocation);
		task->delivery = SCSI_NO_LUN;
		return scsi_good(task);
	}
	if (cdb[2])
		return scsi_invalid_field(task, 2, -1);
	return inquiry_standard(task, allocation);
}

enum scsi_progress scsi_report_luns(struct scsi_task *task)
{
	uint8_t select = task->cdb[2], *entry = task->scratch + 8;
	uint32_t allocation = get_be32(task->cdb + 6);

	if (select > 2)
		return scsi_invalid_field(task, 2, -1);
	if (allocation < 16)
		return scsi_invalid_field(task, 6, -1);
	memset(task->scratch, 0, 8 + 8 * SCSI_LUNS_MAX);
	for (unsigned int i = 0; task->target && select != 1 && i < SCSI_LUNS_MAX; i++) {
		if (!atomic_load(&task->target->luns[i].disk))
			continue;
		entry[1] = (uint8_t)i; /* peripheral device addressing */
		entry += 8;
	}
	put_be32(task->scratch, (uint32_t)(entry - task->scratch - 8));
	return scsi_reply(task, (uint32_t)(entry - task->scratch), allocation);
}
