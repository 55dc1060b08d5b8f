// SPDX-License-Identifier: GPL-2.0
// links: host/scsi.c host/scsi_inquiry.c host/scsi_mode.c host/scsi_rw.c host/scsi_unmap.c
/*
 * The SCSI engine: any CDB with any buffer, on disks that fail and answer late.
 * Properties: a command finishes exactly once; no byte outside its buffer is touched (each piece is malloc'ed to the
 * byte, so that ASAN sees it); what it says it moved fits; sense is there exactly with CHECK CONDITION; a command that
 * is refused changes nothing; what a good READ brought is what the medium has.
 */
#include "memory_disk.h"
#include "scsi_internal.h"

#define DISKS	     3u
#define IOV_ROOM     24u
#define TRANSFER_MAX (32u << 10)

static struct memory_disk disks[DISKS];
static struct scsi_target target;
static uint8_t *scratch;

struct run {
	struct scsi_task task;
	struct iovec iov[IOV_ROOM], own[IOV_ROOM]; /* the engine alters the first */
	unsigned int finished;
};

/* Those that there are, so that most CDBs get past the first look. */
static const uint8_t opcodes[] = { 0x00, 0x03, 0x08, 0x0A, 0x12, 0x1A, 0x1B, 0x25, 0x28,
				   0x2A, 0x2F, 0x35, 0x41, 0x42, 0x5A, 0x88, 0x8A, 0x8F,
				   0x91, 0x93, 0x9E, 0xA0, 0xA8, 0xAA };

static const uint8_t lengths[8] = { 6, 10, 10, 10, 16, 12, 16, 16 };

/* VPD pages. */
static const uint8_t pages[] = { 0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2 };

static void finished(struct scsi_task *task)
{
	struct run *run = (struct run *)((char *)task - offsetof(struct run, task));

	run->finished++;
}

static void put_cdb(struct tape *tape, struct scsi_task *task)
{
	uint8_t *cdb = task->cdb;

	tape_take(tape, cdb, SCSI_CDB_MAX);
	if (tape_u8(tape) < 240)
		cdb[0] = opcodes[cdb[0] % sizeof(opcodes)];
	task->cdb_length = lengths[cdb[0] >> 5];
	if (tape_u8(tape) == 1)
		task->cdb_length = tape_u8(tape);
	/* Small numbers where addresses and lengths are, most of the time. */
	if (tape_u8(tape) >= 16) {
		if (cdb[0] >> 5 == 4)
			memset(cdb + 2, 0, 7), memset(cdb + 10, 0, 3);
		else if (cdb[0] >> 5 && cdb[0] != 0x42)
			memset(cdb + 2, 0, 3), memset(cdb + 6, 0, 2);
	}
	if (cdb[0] == 0x12 && cdb[1] & 1)
		cdb[2] = tape_lie(tape, pages[cdb[2] % sizeof(pages)]);
	if (task->cdb_length < SCSI_CDB_MAX)
		memset(cdb + task->cdb_length, 0, SCSI_CDB_MAX - task->cdb_length);
}

/* UNMAP with a list that is nearly right. */
static void put_unmap(struct tape *tape, struct run *run)
{
	uint32_t count = 1 + tape_below(tape, 6), bytes = 8 + 16 * count;
	uint8_t *list = calloc(1, bytes), *cdb = run->task.cdb;

	memset(cdb, 0, SCSI_CDB_MAX);
	cdb[0] = 0x42;
	run->task.cdb_length = 10;
	put_be16(cdb + 7, tape_lie(tape, bytes));
	put_be16(list, tape_lie(tape, bytes - 2));
	put_be16(list + 2, tape_lie(tape, bytes - 8));
	for (uint32_t i = 0; i < count; i++) {
		put_be64(list + 8 + 16 * i, tape_lie(tape, tape_u8(tape)));
		put_be32(list + 16 + 16 * i, tape_lie(tape, tape_u8(tape) % 32));
	}
	run->own[0] = (struct iovec){ list, bytes };
	run->iov[0] = run->own[0];
	run->task.iov_count = 1;
	run->task.bytes = bytes;
	run->task.direction = SCSI_DATA_OUT;
}

/* Parameter lists and patterns come from the tape; the rest of the buffer is one byte over and over. */
static void put_buffer(struct tape *tape, struct run *run)
{
	uint32_t bytes = tape_u8(tape) < 32 ? tape_below(tape, 65536) : 512u * tape_below(tape, 100);
	unsigned int pieces = 1 + tape_below(tape, 4), i;
	uint8_t fill = tape_u8(tape);
	uint32_t left = bytes;

	for (i = 0; left && i < pieces; i++) {
		uint32_t length = i + 1 == pieces ? left : 1 + tape_below(tape, 4096) % left;

		run->own[i] = (struct iovec){ malloc(length), length };
		memset(run->own[i].iov_base, fill, length);
		tape_take(tape, run->own[i].iov_base,
			  run->task.direction == SCSI_DATA_OUT && length > 64 ? 64 : 0);
		left -= length;
	}
	memcpy(run->iov, run->own, sizeof(run->iov));
	run->task.iov_count = i;
	run->task.bytes = bytes;
}

static bool in_buffer(const struct run *run, uint64_t skip, uint8_t byte)
{
	unsigned int i = 0;

	while (skip >= run->own[i].iov_len)
		skip -= run->own[i++].iov_len;
	return ((uint8_t *)run->own[i].iov_base)[skip] == byte;
}

static void check_read(const struct run *run)
{
	const struct scsi_task *task = &run->task;
	const struct memory_disk *disk = &disks[task->lun_number];
	uint64_t lba, blocks;

	scsi_block_address(task->cdb, &lba, &blocks);
	MUST(task->moved == blocks * disk->disk.block_bytes);
	for (uint64_t i = 0; i < task->moved; i += 509)
		MUST(in_buffer(run, i, disk->medium[lba * disk->disk.block_bytes + i]));
}

static void check_outcome(const struct run *run, uint64_t changes)
{
	const struct scsi_task *task = &run->task;
	uint8_t op = task->cdb[0];

	MUST(run->finished == 1);
	MUST(task->moved <= task->bytes);
	MUST(task->status == SCSI_STATUS_GOOD || task->status == SCSI_STATUS_CHECK_CONDITION);
	MUST((task->status == SCSI_STATUS_CHECK_CONDITION) == (task->sense_bytes != 0));
	MUST(!task->sense_bytes || (task->sense[0] & 0x7F) == 0x70);
	MUST(!task->sense_bytes || task->sense[2]);
	MUST(task->delivery != SCSI_NO_LUN || (!task->lun && !task->moved));
	if (task->status == SCSI_STATUS_CHECK_CONDITION && (task->sense[2] & 0xF) == 5 && task->lun)
		MUST(disks[task->lun_number].changes == changes);
	if (task->status == SCSI_STATUS_GOOD && task->lun &&
	    (op == 0x08 || op == 0x28 || op == 0x88 || op == 0xA8))
		check_read(run);
}

static void execute(struct tape *tape)
{
	struct run run = { .task = { .target = &target, .iov_room = IOV_ROOM } };
	struct scsi_task *task = &run.task;
	struct memory_disk *disk;
	uint64_t changes;

	task->lun_number = tape_below(tape, DISKS);
	if (tape_u8(tape) == 1)
		task->lun_number = tape_u8(tape);
	if (tape_u8(tape) == 1)
		task->target = NULL;
	disk = &disks[task->lun_number % DISKS];
	changes = disk->changes;
	if (tape_u8(tape) % 16 == 15) {
		put_unmap(tape, &run);
	} else {
		put_cdb(tape, task);
		task->direction = tape_below(tape, 3);
		put_buffer(tape, &run);
	}
	task->iov = run.iov;
	task->scratch = scratch;
	task->finished = finished;
	disk->steps = 0;
	scsi_execute(task);
	while (!run.finished) {
		MUST(disk->held_count);
		memory_disk_release(disk);
	}
	MUST(!disk->held_count && disk->steps <= 400);
	check_outcome(&run, changes);
	for (unsigned int i = 0; i < IOV_ROOM; i++)
		free(run.own[i].iov_base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };

	if (!scratch)
		scratch = aligned_alloc(4096, SCSI_SCRATCH_BYTES);
	memset(&target, 0, sizeof(target));
	target.max_transfer_bytes = TRANSFER_MAX;
	for (unsigned int i = 0; i < DISKS; i++) {
		memory_disk_start(&disks[i], &tape, i == 0 ? 4 : tape_u8(&tape));
		snprintf(disks[i].disk.id, sizeof(disks[i].disk.id), "%.*s", 31 - 15 * (int)i,
			 "a disk with a long serial number");
		target.luns[i].disk = &disks[i].disk;
	}
	while (tape_more(&tape))
		execute(&tape);
	return 0;
}
