// SPDX-License-Identifier: GPL-2.0
/*
 * What the disk says of itself while it works: capacity, mode pages, sense, readiness.
 * Nothing here changes state: there is no MODE SELECT, and a stopped unit stays ready.
 */
#include <string.h>

#include "scsi_internal.h"

#define PAGE_CACHING	  0x08
#define PAGE_CONTROL	  0x0A
#define PAGE_ALL	  0x3F

#define CHANGEABLE_VALUES 1 /* page control */
#define SAVED_VALUES	  3

enum scsi_progress scsi_test_unit_ready(struct scsi_task *task)
{
	return scsi_good(task);
}

/*
 * Errors are reported with the command that met them, so there is nothing left to tell but a unit
 * attention.
 */
enum scsi_progress scsi_request_sense(struct scsi_task *task)
{
	uint32_t attention;

	if (task->cdb[1] & 0x01) /* DESC: we speak fixed format only */
		return scsi_invalid_field(task, 1, 0);
	memset(task->scratch, 0, SCSI_SENSE_BYTES);
	task->scratch[0] = 0x70;
	task->scratch[7] = SCSI_SENSE_BYTES - 8;
	attention = scsi_attention(task);
	task->scratch[2] = (uint8_t)(attention >> 16);
	task->scratch[12] = (uint8_t)(attention >> 8);
	task->scratch[13] = (uint8_t)attention;
	return scsi_reply(task, SCSI_SENSE_BYTES, task->cdb[4]);
}

static uint32_t page_caching(uint8_t *page, bool changeable)
{
	page[0] = PAGE_CACHING;
	page[1] = 0x12;
	if (!changeable)
		page[2] = 0x04; /* WCE: a write is stable after a flush or with FUA */
	return 20;
}

static uint32_t page_control(uint8_t *page, bool changeable)
{
	page[0] = PAGE_CONTROL;
	page[1] = 0x0A;
	if (!changeable)
		page[3] = 0x10; /* commands may be reordered */
	return 12;
}

/* Return: bytes written, 0 if there is no such page. */
static uint32_t mode_pages(uint8_t *data, uint8_t code, bool changeable)
{
	uint32_t bytes = 0;

	if (code == PAGE_CACHING || code == PAGE_ALL)
		bytes += page_caching(data, changeable);
	if (code == PAGE_CONTROL || code == PAGE_ALL)
		bytes += page_control(data + bytes, changeable);
	return bytes;
}

static uint32_t block_descriptor(uint8_t *data, const struct disk *disk)
{
	uint64_t blocks = scsi_blocks(disk);

	put_be32(data, blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks);
	put_be32(data + 4, disk->block_bytes); /* top byte reserved, and zero */
	return 8;
}

/* MODE SENSE 6 and 10 differ in their header: 4 or 8 bytes, lengths of 1 or 2. */
enum scsi_progress scsi_mode_sense(struct scsi_task *task)
{
	const uint8_t *cdb = task->cdb;
	bool ten = cdb[0] == 0x5A;
	uint32_t header = ten ? 8 : 4, described = 0, bytes, pages;
	uint8_t control = cdb[2] >> 6, *data = task->scratch;
	uint8_t parameter = 0x10 | (scsi_disk(task)->read_only ? 0x80 : 0); /* DPOFUA, WP */

	if (control == SAVED_VALUES)
		return scsi_check(task, SENSE_SAVING_NOT_SUPPORTED);
	if (cdb[3])
		return scsi_invalid_field(task, 3, -1);
	memset(data, 0, 64);
	if (!(cdb[1] & 0x08)) /* DBD */
		described = block_descriptor(data + header, scsi_disk(task));
	pages = mode_pages(data + header + described, cdb[2] & 0x3F, control == CHANGEABLE_VALUES);
	if (!pages)
		return scsi_invalid_field(task, 2, 5);
	bytes = header + described + pages;
	if (ten) {
		put_be16(data, bytes - 2);
		data[3] = parameter;
		put_be16(data + 6, described);
	} else {
		data[0] = (uint8_t)(bytes - 1);
		data[2] = parameter;
		data[3] = (uint8_t)described;
	}
	return scsi_reply(task, bytes, ten ? get_be16(cdb + 7) : cdb[4]);
}

/*
 * STOP makes what was written stable unless told not to; that is all a disk without a motor has to
 * do.
 */
enum scsi_progress scsi_start_stop(struct scsi_task *task)
{
	uint8_t how = task->cdb[4];

	if (how & 0xF0) /* power conditions */
		return scsi_invalid_field(task, 4, 7);
	if (how & 0x02) /* LOEJ: nothing to eject */
		return scsi_invalid_field(task, 4, 1);
	if (how & 0x05 || scsi_disk(task)->read_only) /* START, or STOP with NO_FLUSH */
		return scsi_good(task);
	scsi_count(&task->lun->counters.flushes, 1);
	return scsi_run(task, DISK_FLUSH, 0, 0, scsi_good);
}

enum scsi_progress scsi_read_capacity10(struct scsi_task *task)
{
	const struct disk *disk = scsi_disk(task);
	uint64_t last = scsi_blocks(disk) - 1;

	if (task->cdb[8] & 0x01) /* PMI is obsolete */
		return scsi_invalid_field(task, 8, 0);
	if (get_be32(task->cdb + 2))
		return scsi_invalid_field(task, 2, -1);
	put_be32(task->scratch, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	put_be32(task->scratch + 4, disk->block_bytes);
	return scsi_reply(task, 8, 8);
}

static unsigned int log2_of(uint32_t value)
{
	return value ? 31u - (unsigned int)__builtin_clz(value) : 0;
}

/* SERVICE ACTION IN (16): READ CAPACITY (16) is the one we have. */
enum scsi_progress scsi_service_action_in16(struct scsi_task *task)
{
	const struct disk *disk = scsi_disk(task);
	uint8_t *data = task->scratch;

	if ((task->cdb[1] & 0x1F) != 0x10)
		return scsi_invalid_field(task, 1, 4);
	if (task->cdb[14] & 0x01)
		return scsi_invalid_field(task, 14, 0);
	if (get_be64(task->cdb + 2))
		return scsi_invalid_field(task, 2, -1);
	memset(data, 0, 32);
	put_be64(data, scsi_blocks(disk) - 1);
	put_be32(data + 8, disk->block_bytes);
	data[13] = (uint8_t)log2_of(disk->physical_bytes / disk->block_bytes);
	if (disk->can_unmap)
		data[14] = 0x80 | 0x40; /* LBPME, LBPRZ */
	return scsi_reply(task, 32, get_be32(task->cdb + 10));
}
