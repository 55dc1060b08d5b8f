// SPDX-License-Identifier: GPL-2.0
/*
 * The commands that change blocks without carrying them: UNMAP and WRITE SAME.
 * Invariant: a list or a range is checked as a whole, on a private copy, before the first block is
 * touched.
 */
#include <string.h>

#include "scsi_internal.h"

#define CDB_ANCHOR 0x10
#define CDB_UNMAP  0x08
#define CDB_NDOB   0x01

static const uint8_t *descriptor(const struct scsi_task *task, unsigned int i)
{
	return task->scratch + 8 + 16 * i;
}

/* Unmap the next descriptor that names any block. */
static enum scsi_progress unmap_step(struct scsi_task *task)
{
	uint32_t block = scsi_disk(task)->block_bytes;
	const uint8_t *entry;

	while (task->blocks) {
		entry = descriptor(task, task->index++);
		if (!get_be32(entry + 8))
			continue;
		task->blocks -= get_be32(entry + 8);
		return scsi_run(task, DISK_UNMAP, get_be64(entry) * block,
				(uint64_t)get_be32(entry + 8) * block, unmap_step);
	}
	return scsi_good(task);
}

/* Check all descriptors; task->blocks becomes their sum. */
static enum scsi_progress unmap_descriptors(struct scsi_task *task, unsigned int count)
{
	const struct disk *disk = scsi_disk(task);

	for (unsigned int i = 0; i < count; i++) {
		uint64_t lba = get_be64(descriptor(task, i));
		uint32_t blocks = get_be32(descriptor(task, i) + 8);

		if (!scsi_in_range(disk, lba, blocks))
			return scsi_out_of_range(task, lba);
		task->blocks += blocks;
	}
	if (task->blocks > SCSI_UNMAP_BYTES_MAX / disk->block_bytes)
		return scsi_invalid_parameter(task, 16);
	scsi_count(&task->lun->counters.unmaps, 1);
	return unmap_step(task);
}

enum scsi_progress scsi_unmap(struct scsi_task *task)
{
	uint32_t bytes = get_be16(task->cdb + 7), listed;

	if (!scsi_disk(task)->can_unmap)
		return scsi_check(task, SENSE_INVALID_OPCODE);
	if (task->cdb[1] & 0x01) /* ANCHOR */
		return scsi_invalid_field(task, 1, 0);
	if (!bytes)
		return scsi_good(task);
	if (bytes < 8 || bytes > SCSI_SCRATCH_BYTES)
		return scsi_check(task, SENSE_PARAMETER_LIST_LENGTH);
	if (bytes > task->bytes)
		return scsi_overrun(task, 7);
	scsi_fetch(task, bytes);
	task->moved = bytes;
	listed = get_be16(task->scratch + 2);
	if (get_be16(task->scratch) < 6 + listed)
		return scsi_invalid_parameter(task, 0);
	if (listed % 16 || 8 + listed > bytes)
		return scsi_invalid_parameter(task, 2);
	task->blocks = 0;
	task->index = 0;
	return unmap_descriptors(task, listed / 16);
}

static bool all_zero(const uint8_t *data, uint32_t bytes)
{
	return !data[0] && !memcmp(data, data + 1, bytes - 1);
}

/* Write the next piece: every entry of the iovec is the one block in scratch memory. */
static enum scsi_progress pattern_step(struct scsi_task *task)
{
	uint32_t block = scsi_disk(task)->block_bytes;
	uint64_t offset = task->lba * block;
	unsigned int n = 0;

	if (!task->blocks)
		return scsi_good(task);
	for (; n < task->blocks && n < task->iov_room; n++)
		task->iov[n] = (struct iovec){task->scratch, block};
	task->iov_count = n;
	task->lba += n;
	task->blocks -= n;
	return scsi_run(task, DISK_WRITE, offset, (uint64_t)n * block, pattern_step);
}

/*
 * Zeros need no writing; anything else does, the UNMAP bit notwithstanding: unmapped blocks would
 * read as zero.
 */
static enum scsi_progress same_start(struct scsi_task *task, bool zero)
{
	uint32_t block = scsi_disk(task)->block_bytes;
	bool unmap = task->cdb[1] & CDB_UNMAP;

	if (!zero)
		return pattern_step(task);
	if (unmap)
		scsi_count(&task->lun->counters.unmaps, 1);
	return scsi_run(task, unmap ? DISK_UNMAP : DISK_ZERO, task->lba * block,
			task->blocks * block, scsi_good);
}

static bool same_flags_ok(struct scsi_task *task, enum scsi_progress *refused)
{
	uint8_t flags = task->cdb[1];

	if (flags & 0xE0) /* WRPROTECT */
		*refused = scsi_invalid_field(task, 1, 7);
	else if (flags & CDB_ANCHOR)
		*refused = scsi_invalid_field(task, 1, 4);
	else if (flags & CDB_UNMAP && !scsi_disk(task)->can_unmap)
		*refused = scsi_invalid_field(task, 1, 3);
	else if (flags & 0x06) /* obsolete PBDATA, LBDATA */
		*refused = scsi_invalid_field(task, 1, 2);
	else if (flags & CDB_NDOB && task->cdb[0] != 0x93)
		*refused = scsi_invalid_field(task, 1, 0);
	else
		return true;
	return false;
}

enum scsi_progress scsi_write_same(struct scsi_task *task)
{
	const struct disk *disk = scsi_disk(task);
	unsigned int length_byte = task->cdb[0] == 0x93 ? 10 : 7;
	enum scsi_progress refused;

	if (!same_flags_ok(task, &refused))
		return refused;
	scsi_block_address(task->cdb, &task->lba, &task->blocks);
	if (!scsi_in_range(disk, task->lba, task->blocks))
		return scsi_out_of_range(task, task->lba);
	if (!task->blocks || task->blocks > SCSI_SAME_BYTES_MAX / disk->block_bytes)
		return scsi_invalid_field(task, length_byte, -1);
	if (task->cdb[1] & CDB_NDOB)
		return same_start(task, true);
	if (disk->block_bytes > task->bytes)
		return scsi_overrun(task, length_byte);
	scsi_fetch(task, disk->block_bytes);
	task->moved = disk->block_bytes;
	return same_start(task, all_zero(task->scratch, disk->block_bytes));
}
