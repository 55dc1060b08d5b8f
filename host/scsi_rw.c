// SPDX-License-Identifier: GPL-2.0
/*
 * The commands that move blocks or ask for their safety: READ, WRITE, SYNCHRONIZE CACHE, VERIFY.
 * Data goes straight between the initiator's pages and the backend; VERIFY alone reads into scratch
 * memory.
 */
#include "scsi_internal.h"

#define CDB_FUA	    0x08
#define CDB_PROTECT 0xE0

/* Where a CDB has its transfer length, for field pointers. */
static unsigned int length_field(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0:
		return 4;
	case 1:
		return 7;
	case 5:
		return 6;
	default:
		return 10;
	}
}

static bool is_six(const uint8_t *cdb)
{
	return cdb[0] >> 5 == 0;
}

/* Cut the initiator's buffer to @bytes: it may be longer than what the CDB moves. */
static void trim(struct scsi_task *task, uint64_t bytes)
{
	unsigned int i;

	for (i = 0; bytes; i++) {
		if (task->iov[i].iov_len > bytes)
			task->iov[i].iov_len = bytes;
		bytes -= task->iov[i].iov_len;
	}
	task->iov_count = i;
}

/*
 * Take apart and check a READ or WRITE. Return: true to go on with task->lba and task->blocks, else
 * it is @refused.
 */
static bool transfer_ok(struct scsi_task *task, enum scsi_progress *refused)
{
	const uint8_t *cdb = task->cdb;
	const struct disk *disk = scsi_disk(task);

	scsi_block_address(cdb, &task->lba, &task->blocks);
	if (!is_six(cdb) && cdb[1] & CDB_PROTECT)
		*refused = scsi_invalid_field(task, 1, 7);
	else if (!scsi_in_range(disk, task->lba, task->blocks))
		*refused = scsi_out_of_range(task, task->lba);
	else if (task->blocks > task->target->max_transfer_bytes / disk->block_bytes)
		*refused = scsi_invalid_field(task, length_field(cdb), -1);
	else if (task->blocks * disk->block_bytes > task->bytes)
		*refused = scsi_overrun(task, length_field(cdb));
	else
		return true;
	return false;
}

static enum scsi_progress read_done(struct scsi_task *task)
{
	task->moved = (uint32_t)task->request.bytes;
	scsi_count(&task->lun->counters.reads, 1);
	scsi_count(&task->lun->counters.read_bytes, task->moved);
	return scsi_good(task);
}

static enum scsi_progress read_start(struct scsi_task *task)
{
	uint32_t block = scsi_disk(task)->block_bytes;

	return scsi_run(task, DISK_READ, task->lba * block, task->blocks * block, read_done);
}

/* With FUA the data has to come from the medium: what is cached above it goes there first. */
enum scsi_progress scsi_read(struct scsi_task *task)
{
	enum scsi_progress refused;

	if (!transfer_ok(task, &refused))
		return refused;
	if (!task->blocks)
		return scsi_good(task);
	trim(task, task->blocks * scsi_disk(task)->block_bytes);
	if (!is_six(task->cdb) && task->cdb[1] & CDB_FUA && !scsi_disk(task)->read_only)
		return scsi_run(task, DISK_FLUSH, 0, 0, read_start);
	return read_start(task);
}

static enum scsi_progress write_done(struct scsi_task *task)
{
	task->moved = (uint32_t)task->request.bytes;
	scsi_count(&task->lun->counters.writes, 1);
	scsi_count(&task->lun->counters.write_bytes, task->moved);
	return scsi_good(task);
}

enum scsi_progress scsi_write(struct scsi_task *task)
{
	uint32_t block = scsi_disk(task)->block_bytes;
	enum scsi_progress progress;

	if (!transfer_ok(task, &progress))
		return progress;
	if (!task->blocks)
		return scsi_good(task);
	trim(task, task->blocks * block);
	progress = scsi_run(task, DISK_WRITE, task->lba * block, task->blocks * block, write_done);
	task->request.fua = !is_six(task->cdb) && task->cdb[1] & CDB_FUA;
	return progress;
}

/*
 * The whole cache is flushed whatever the range, and IMMED is answered when it is done: both are
 * allowed.
 */
enum scsi_progress scsi_synchronize_cache(struct scsi_task *task)
{
	scsi_block_address(task->cdb, &task->lba, &task->blocks);
	if (!scsi_in_range(scsi_disk(task), task->lba, task->blocks))
		return scsi_out_of_range(task, task->lba);
	if (scsi_disk(task)->read_only)
		return scsi_good(task);
	scsi_count(&task->lun->counters.flushes, 1);
	return scsi_run(task, DISK_FLUSH, 0, 0, scsi_good);
}

/* Read the next piece to nowhere: every entry of the iovec is the same scratch memory. */
static enum scsi_progress verify_step(struct scsi_task *task)
{
	uint32_t block = scsi_disk(task)->block_bytes;
	uint64_t offset = task->lba * block, bytes = task->blocks * block, left;
	unsigned int n = 0;

	if (!bytes)
		return scsi_good(task);
	for (left = bytes; left && n < task->iov_room; n++) {
		task->iov[n].iov_base = task->scratch;
		task->iov[n].iov_len = left < SCSI_SCRATCH_BYTES ? left : SCSI_SCRATCH_BYTES;
		left -= task->iov[n].iov_len;
	}
	bytes -= left;
	task->iov_count = n;
	task->lba += bytes / block;
	task->blocks -= bytes / block;
	return scsi_run(task, DISK_READ, offset, bytes, verify_step);
}

enum scsi_progress scsi_verify(struct scsi_task *task)
{
	const struct disk *disk = scsi_disk(task);

	if (task->cdb[1] & CDB_PROTECT)
		return scsi_invalid_field(task, 1, 7);
	if (task->cdb[1] & 0x06) /* BYTCHK: we compare nothing */
		return scsi_invalid_field(task, 1, 2);
	scsi_block_address(task->cdb, &task->lba, &task->blocks);
	if (!scsi_in_range(disk, task->lba, task->blocks))
		return scsi_out_of_range(task, task->lba);
	if (task->blocks > SCSI_SAME_BYTES_MAX / disk->block_bytes)
		return scsi_invalid_field(task, length_field(task->cdb), -1);
	return verify_step(task);
}
