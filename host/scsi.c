// SPDX-License-Identifier: GPL-2.0
/*
 * The engine: which commands there are, the gate each CDB passes, the steps of a command, and its
 * outcome. The commands themselves are in scsi_inquiry.c, scsi_mode.c, scsi_rw.c and scsi_unmap.c.
 * Invariant: drive() is the only caller of task->finished(), and touches nothing of the task
 * afterwards.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "scsi_internal.h"

enum command_flags {
	ANY_ADDRESS = 1, /* answered even where no LUN is, and whatever attention is owed */
	CHANGES = 2, /* alters the medium: refused on a read-only disk */
	TELLS = 4, /* has its own way to tell of a unit attention */
};

struct command {
	enum scsi_progress (*handler)(struct scsi_task *task);
	enum scsi_direction direction;
	unsigned int flags;
};

/* By operation code; an entry without handler is no command of ours. */
static const struct command commands[256] = {
	[0x00] = {scsi_test_unit_ready, SCSI_NO_DATA, 0},
	[0x03] = {scsi_request_sense, SCSI_DATA_IN, TELLS},
	[0x08] = {scsi_read, SCSI_DATA_IN, 0},
	[0x0A] = {scsi_write, SCSI_DATA_OUT, CHANGES},
	[0x12] = {scsi_inquiry, SCSI_DATA_IN, ANY_ADDRESS},
	[0x1A] = {scsi_mode_sense, SCSI_DATA_IN, 0},
	[0x1B] = {scsi_start_stop, SCSI_NO_DATA, 0},
	[0x25] = {scsi_read_capacity10, SCSI_DATA_IN, 0},
	[0x28] = {scsi_read, SCSI_DATA_IN, 0},
	[0x2A] = {scsi_write, SCSI_DATA_OUT, CHANGES},
	[0x2F] = {scsi_verify, SCSI_NO_DATA, 0},
	[0x35] = {scsi_synchronize_cache, SCSI_NO_DATA, 0},
	[0x41] = {scsi_write_same, SCSI_DATA_OUT, CHANGES},
	[0x42] = {scsi_unmap, SCSI_DATA_OUT, CHANGES},
	[0x5A] = {scsi_mode_sense, SCSI_DATA_IN, 0},
	[0x88] = {scsi_read, SCSI_DATA_IN, 0},
	[0x8A] = {scsi_write, SCSI_DATA_OUT, CHANGES},
	[0x8F] = {scsi_verify, SCSI_NO_DATA, 0},
	[0x91] = {scsi_synchronize_cache, SCSI_NO_DATA, 0},
	[0x93] = {scsi_write_same, SCSI_DATA_OUT, CHANGES},
	[0x9E] = {scsi_service_action_in16, SCSI_DATA_IN, 0},
	[0xA0] = {scsi_report_luns, SCSI_DATA_IN, ANY_ADDRESS},
	[0xA8] = {scsi_read, SCSI_DATA_IN, 0},
	[0xAA] = {scsi_write, SCSI_DATA_OUT, CHANGES},
};

/* CDB length by the group code in the top three bits of the operation code. */
static unsigned int cdb_bytes(uint8_t opcode)
{
	static const uint8_t lengths[8] = {6, 10, 10, 0, 16, 12, 0, 0};

	return lengths[opcode >> 5];
}

static enum scsi_progress check(struct scsi_task *task, uint32_t sense)
{
	memset(task->sense, 0, sizeof(task->sense));
	task->sense[0] = 0x70; /* current error, fixed format */
	task->sense[2] = (uint8_t)(sense >> 16);
	task->sense[7] = SCSI_SENSE_BYTES - 8;
	task->sense[12] = (uint8_t)(sense >> 8);
	task->sense[13] = (uint8_t)sense;
	task->sense_bytes = SCSI_SENSE_BYTES;
	task->status = SCSI_STATUS_CHECK_CONDITION;
	return SCSI_DONE;
}

/* Any worker may be the one to take it: the others find it gone. */
uint32_t scsi_attention(struct scsi_task *task)
{
	static const struct {
		unsigned int bit;
		uint32_t sense;
	} conditions[] = {
		{SCSI_ATTENTION_INQUIRY, SENSE_INQUIRY_CHANGED},
		{SCSI_ATTENTION_CAPACITY, SENSE_CAPACITY_CHANGED},
	};
	atomic_uint *owed = &task->lun->attentions;

	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]) &&
			   atomic_load_explicit(owed, memory_order_relaxed);
	     i++)
		if (atomic_fetch_and(owed, ~conditions[i].bit) & conditions[i].bit)
			return conditions[i].sense;
	return 0;
}

/* INFORMATION is 32 bits wide in fixed format; a larger LBA is left out, as SPC-4 has it. */
static void sense_information(struct scsi_task *task, uint64_t lba)
{
	if (lba > UINT32_MAX)
		return;
	task->sense[0] |= 0x80; /* VALID */
	put_be32(task->sense + 3, (uint32_t)lba);
}

enum scsi_progress scsi_good(struct scsi_task *task)
{
	task->status = SCSI_STATUS_GOOD;
	return SCSI_DONE;
}

enum scsi_progress scsi_check(struct scsi_task *task, uint32_t sense)
{
	if (task->lun)
		scsi_count(&task->lun->counters.refused, 1);
	return check(task, sense);
}

enum scsi_progress scsi_invalid_field(struct scsi_task *task, unsigned int byte, int bit)
{
	scsi_check(task, SENSE_INVALID_FIELD_IN_CDB);
	task->sense[15] = 0xC0; /* field pointer valid, into the CDB */
	if (bit >= 0)
		task->sense[15] |= (uint8_t)(0x08 | bit);
	put_be16(task->sense + 16, byte);
	return SCSI_DONE;
}

enum scsi_progress scsi_invalid_parameter(struct scsi_task *task, unsigned int byte)
{
	scsi_check(task, SENSE_INVALID_FIELD_IN_LIST);
	task->sense[15] = 0x80;
	put_be16(task->sense + 16, byte);
	return SCSI_DONE;
}

enum scsi_progress scsi_out_of_range(struct scsi_task *task, uint64_t lba)
{
	scsi_check(task, SENSE_LBA_OUT_OF_RANGE);
	sense_information(task, lba);
	return SCSI_DONE;
}

enum scsi_progress scsi_overrun(struct scsi_task *task, unsigned int byte)
{
	task->delivery = SCSI_OVERRUN;
	return scsi_invalid_field(task, byte, -1);
}

enum scsi_progress scsi_reply(struct scsi_task *task, uint32_t bytes, uint32_t allocation)
{
	uint32_t left, done = 0;

	if (bytes > allocation)
		bytes = allocation;
	if (bytes > task->bytes) {
		bytes = task->bytes;
		task->delivery = SCSI_OVERRUN;
	}
	for (unsigned int i = 0; done < bytes; i++, done += left) {
		left = bytes - done;
		if (left > task->iov[i].iov_len)
			left = (uint32_t)task->iov[i].iov_len;
		memcpy(task->iov[i].iov_base, task->scratch + done, left);
	}
	task->moved = bytes;
	return scsi_good(task);
}

void scsi_fetch(struct scsi_task *task, uint32_t bytes)
{
	uint32_t left, done = 0;

	for (unsigned int i = 0; done < bytes; i++, done += left) {
		left = bytes - done;
		if (left > task->iov[i].iov_len)
			left = (uint32_t)task->iov[i].iov_len;
		memcpy(task->scratch + done, task->iov[i].iov_base, left);
	}
}

bool scsi_in_range(const struct disk *disk, uint64_t lba, uint64_t blocks)
{
	uint64_t size = scsi_blocks(disk);

	return lba < size && blocks <= size - lba;
}

void scsi_block_address(const uint8_t *cdb, uint64_t *lba, uint64_t *blocks)
{
	switch (cdb_bytes(cdb[0])) {
	case 6:
		*lba = get_be32(cdb) & 0x1FFFFF;
		*blocks = cdb[4] ? cdb[4] : 256;
		break;
	case 10:
		*lba = get_be32(cdb + 2);
		*blocks = get_be16(cdb + 7);
		break;
	case 12:
		*lba = get_be32(cdb + 2);
		*blocks = get_be32(cdb + 6);
		break;
	default:
		*lba = get_be64(cdb + 2);
		*blocks = get_be32(cdb + 10);
		break;
	}
}

static bool device_error(int error)
{
	return error == EIO || error == ENODATA || error == EILSEQ || error == EREMOTEIO;
}

static uint32_t sense_of(const struct disk_request *request, int error)
{
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		return SENSE_SPACE_ALLOCATION_FAILED;
	if (error == EROFS || error == EPERM)
		return SENSE_WRITE_PROTECTED;
	if (!device_error(error))
		return SENSE_TARGET_FAILURE;
	return request->what == DISK_READ ? SENSE_READ_ERROR : SENSE_WRITE_ERROR;
}

/* What the backend's error means to the initiator, with the first block that did not make it. */
static enum scsi_progress disk_failed(struct scsi_task *task)
{
	const struct disk_request *request = &task->request;

	scsi_count(&task->lun->counters.errors, 1);
	check(task, sense_of(request, -task->error));
	if (request->what != DISK_FLUSH)
		sense_information(task, (request->offset + request->moved) /
						scsi_disk(task)->block_bytes);
	task->moved = 0;
	return SCSI_DONE;
}

static enum scsi_progress resume(struct scsi_task *task)
{
	return task->error ? disk_failed(task) : task->next(task);
}

/*
 * Run the steps of a command. A backend may finish a request inside disk_submit(): then `arrived`
 * is set and the loop goes on here, so that a command of a thousand steps on such a backend does
 * not recurse. Otherwise disk_finished() comes back here later, in this same thread.
 */
static void drive(struct scsi_task *task, enum scsi_progress progress)
{
	while (progress == SCSI_WAIT) {
		task->arrived = false;
		task->submitting = true;
		disk_submit(scsi_disk(task), &task->request);
		task->submitting = false;
		if (!task->arrived)
			return;
		progress = resume(task);
	}
	task->finished(task);
}

static void disk_finished(struct disk_request *request, int error)
{
	struct scsi_task *task =
		(struct scsi_task *)((char *)request - offsetof(struct scsi_task, request));

	task->error = error;
	task->arrived = true;
	if (!task->submitting)
		drive(task, resume(task));
}

enum scsi_progress scsi_run(struct scsi_task *task, enum disk_op what, uint64_t offset,
			    uint64_t bytes, enum scsi_progress (*next)(struct scsi_task *task))
{
	struct disk_request *request = &task->request;

	request->what = what;
	request->fua = false;
	request->offset = offset;
	request->bytes = bytes;
	request->iov = task->iov;
	request->iov_count = task->iov_count;
	request->disk = scsi_disk(task);
	request->loop = task->loop;
	request->moved = 0;
	request->step = 0;
	request->finished = disk_finished;
	task->next = next;
	return SCSI_WAIT;
}

static enum scsi_progress bad_request(struct scsi_task *task, unsigned int byte)
{
	task->delivery = SCSI_BAD_REQUEST;
	return scsi_invalid_field(task, byte, -1);
}

/*
 * The one gate: address, operation code, CDB length, direction, write protection. Handlers rely on
 * it.
 */
static enum scsi_progress start(struct scsi_task *task)
{
	const struct command *command = &commands[task->cdb[0]];
	unsigned int needed = cdb_bytes(task->cdb[0]);
	uint32_t attention = 0;

	if (!task->lun && !(command->flags & ANY_ADDRESS)) {
		task->delivery = SCSI_NO_LUN;
		return scsi_good(task);
	}
	if (task->cdb_length == 0 || task->cdb_length > SCSI_CDB_MAX || task->cdb_length < needed)
		return bad_request(task, 0);
	if (!command->handler)
		return scsi_check(task, SENSE_INVALID_OPCODE);
	if (task->cdb[needed - 1] & 0x04) /* NACA: we keep no ACA condition */
		return scsi_invalid_field(task, needed - 1, 2);
	if (command->direction != SCSI_NO_DATA && task->bytes &&
	    task->direction != command->direction)
		return bad_request(task, 0);
	if (!(command->flags & (ANY_ADDRESS | TELLS)))
		attention = scsi_attention(task);
	if (attention)
		return check(task, attention);
	if (command->flags & CHANGES && scsi_disk(task)->read_only)
		return scsi_check(task, SENSE_WRITE_PROTECTED);
	return command->handler(task);
}

void scsi_execute(struct scsi_task *task)
{
	struct scsi_target *target = task->target;

	task->status = SCSI_STATUS_GOOD;
	task->delivery = SCSI_DELIVERED;
	task->sense_bytes = 0;
	task->moved = 0;
	task->lun = NULL;
	task->disk = NULL;
	if (target && task->lun_number < SCSI_LUNS_MAX)
		task->disk = atomic_load(&target->luns[task->lun_number].disk);
	if (task->disk)
		task->lun = &target->luns[task->lun_number];
	drive(task, start(task));
}
