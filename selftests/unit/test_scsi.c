// SPDX-License-Identifier: GPL-2.0
// links: host/scsi.c host/scsi_inquiry.c host/scsi_mode.c host/scsi_rw.c host/scsi_unmap.c
/*
 * The SCSI engine against a disk in memory that can be told to fail, or to answer later: what each
 * command returns, and what each wrong command is told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scsi.h"

#define BLOCKS	     2048u
#define BUFFER_BYTES (256u << 10)
#define TRANSFER_MAX (128u << 10)
#define IOV_ROOM     40u
#define OPS_MAX	     2000u

struct op {
	enum disk_op what;
	bool fua;
	uint64_t offset, bytes;
};

/* A disk, its only LUN, one task and the initiator's buffer, in two pieces with a gap between. */
struct bench {
	struct scsi_target target;
	struct disk disk;
	uint8_t *medium;
	struct op ops[OPS_MAX];
	unsigned int op_count;
	unsigned int fail_at; /* this operation, counted from 1, */
	int fail_with; /* with this error */
	bool later; /* keep requests in held */
	struct disk_request *held;
	struct scsi_task task;
	struct iovec iov[IOV_ROOM];
	uint8_t *buffer;
	unsigned int finished;
};

static struct bench *bench_of(struct disk *disk)
{
	return (struct bench *)((char *)disk - offsetof(struct bench, disk));
}

static void copy(struct bench *bench, struct disk_request *request)
{
	uint8_t *at = bench->medium + request->offset;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < request->iov_count; i++) {
		if (request->what == DISK_READ)
			memcpy(request->iov[i].iov_base, at + bytes, request->iov[i].iov_len);
		else
			memcpy(at + bytes, request->iov[i].iov_base, request->iov[i].iov_len);
		bytes += request->iov[i].iov_len;
	}
	assert_int_equal(bytes, request->bytes);
}

static void answer(struct bench *bench, struct disk_request *request)
{
	if (bench->op_count == bench->fail_at) {
		request->finished(request, bench->fail_with);
		return;
	}
	if (request->what == DISK_READ || request->what == DISK_WRITE)
		copy(bench, request);
	else if (request->what != DISK_FLUSH)
		memset(bench->medium + request->offset, 0, request->bytes);
	request->moved = request->bytes;
	request->finished(request, 0);
}

static void submit(struct disk *disk, struct disk_request *request)
{
	struct bench *bench = bench_of(disk);

	assert_true(request->offset + request->bytes <= disk->bytes);
	assert_true(bench->op_count < OPS_MAX);
	bench->ops[bench->op_count++] =
		(struct op){request->what, request->fua, request->offset, request->bytes};
	if (bench->later)
		bench->held = request;
	else
		answer(bench, request);
}

static const struct disk_ops memory_ops = {.name = "memory", .submit = submit};

static void finished(struct scsi_task *task)
{
	struct bench *bench = (struct bench *)((char *)task - offsetof(struct bench, task));

	bench->finished++;
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	bench->disk.ops = &memory_ops;
	bench->disk.block_bytes = 512;
	bench->disk.physical_bytes = 4096;
	bench->disk.bytes = BLOCKS * 512;
	bench->disk.can_unmap = true;
	strcpy(bench->disk.id, "serial-1");
	bench->medium = malloc(BLOCKS * 4096);
	for (size_t i = 0; i < BLOCKS * 4096; i++)
		bench->medium[i] = (uint8_t)(i / 512 + i);
	bench->buffer = malloc(BUFFER_BYTES);
	bench->target.max_transfer_bytes = TRANSFER_MAX;
	bench->target.luns[0].disk = &bench->disk;
	bench->task.scratch = aligned_alloc(4096, SCSI_SCRATCH_BYTES);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	free(bench->task.scratch);
	free(bench->buffer);
	free(bench->medium);
	free(bench);
	return 0;
}

/* Run a CDB with @bytes of buffer (malloc'ed to the byte, so that ASAN sees one too many). */
static void run_length(struct bench *bench, enum scsi_direction direction, uint32_t bytes,
		       const uint8_t *cdb, uint8_t cdb_length)
{
	struct scsi_task *task = &bench->task;
	uint32_t first = bytes > 8 ? 8 : bytes;

	bench->buffer = realloc(bench->buffer, bytes ? bytes : 1);
	task->target = &bench->target;
	memset(task->cdb, 0, sizeof(task->cdb));
	memcpy(task->cdb, cdb, cdb_length < 16 ? cdb_length : 16);
	task->cdb_length = cdb_length;
	task->direction = direction;
	bench->iov[0] = (struct iovec){bench->buffer, first};
	bench->iov[1] = (struct iovec){bench->buffer + first, bytes - first};
	task->iov = bench->iov;
	task->iov_count = bytes > first ? 2 : !!bytes;
	task->iov_room = IOV_ROOM;
	task->bytes = bytes;
	task->finished = finished;
	bench->finished = 0;
	bench->op_count = 0;
	scsi_execute(task);
	assert_int_equal(bench->finished, bench->later ? 0 : 1);
}

#define RUN(bench, direction, bytes, ...)                                   \
	run_length(bench, direction, bytes, (const uint8_t[]){__VA_ARGS__}, \
		   sizeof((const uint8_t[]){__VA_ARGS__}))
#define IN(bench, bytes, ...)  RUN(bench, SCSI_DATA_IN, bytes, __VA_ARGS__)
#define OUT(bench, bytes, ...) RUN(bench, SCSI_DATA_OUT, bytes, __VA_ARGS__)
#define NONE(bench, ...)       RUN(bench, SCSI_NO_DATA, 0, __VA_ARGS__)

#define BE32(v)		       (uint8_t)((v) >> 24), (uint8_t)((v) >> 16), (uint8_t)((v) >> 8), (uint8_t)(v)
#define BE16(v)		       (uint8_t)((v) >> 8), (uint8_t)(v)
#define BE64(v)		       BE32((uint64_t)(v) >> 32), BE32(v)

static void assert_good(const struct bench *bench, uint32_t moved)
{
	assert_int_equal(bench->task.status, SCSI_STATUS_GOOD);
	assert_int_equal(bench->task.delivery, SCSI_DELIVERED);
	assert_int_equal(bench->task.sense_bytes, 0);
	assert_int_equal(bench->task.moved, moved);
}

static void assert_sense(const struct bench *bench, uint32_t sense)
{
	const uint8_t *data = bench->task.sense;

	assert_int_equal(bench->task.status, SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(bench->task.sense_bytes, 18);
	assert_int_equal(data[0] & 0x7F, 0x70);
	assert_int_equal(data[7], 10);
	assert_int_equal(data[2] << 16 | data[12] << 8 | data[13], sense);
}

static void assert_field(const struct bench *bench, unsigned int byte)
{
	assert_sense(bench, 0x052400);
	assert_int_equal(bench->task.sense[15] & 0xC0, 0xC0);
	assert_int_equal(bench->task.sense[16] << 8 | bench->task.sense[17], byte);
}

static void test_ready_and_sense(void **state)
{
	struct bench *bench = *state;

	NONE(bench, 0x00, 0, 0, 0, 0, 0);
	assert_good(bench, 0);
	IN(bench, 252, 0x03, 0, 0, 0, 252, 0);
	assert_good(bench, 18);
	assert_int_equal(bench->buffer[0], 0x70);
	assert_int_equal(bench->buffer[2], 0);
	IN(bench, 252, 0x03, 1, 0, 0, 252, 0);
	assert_field(bench, 1);
}

static void test_inquiry(void **state)
{
	struct bench *bench = *state;

	IN(bench, 96, 0x12, 0, 0, BE16(96), 0);
	assert_good(bench, 74);
	assert_memory_equal(bench->buffer + 8, "HVIS    VIRTUAL DISK    0001", 28);
	assert_int_equal(bench->buffer[0], 0);
	assert_int_equal(bench->buffer[4], 69);
	IN(bench, 96, 0x12, 0, 0, BE16(5), 0);
	assert_good(bench, 5);
	IN(bench, 96, 0x12, 0, 0, BE16(0), 0);
	assert_good(bench, 0);
	IN(bench, 96, 0x12, 0, 0x80, BE16(96), 0);
	assert_field(bench, 2);
	IN(bench, 96, 0x12, 2, 0, BE16(96), 0);
	assert_field(bench, 1);
	IN(bench, 96, 0x12, 1, 0xB7, BE16(96), 0);
	assert_field(bench, 2);
}

static void test_vpd(void **state)
{
	struct bench *bench = *state;
	static const uint8_t supported[] = {0, 0, 0, 6, 0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2};
	uint8_t naa[8];

	IN(bench, 255, 0x12, 1, 0x00, BE16(255), 0);
	assert_good(bench, sizeof(supported));
	assert_memory_equal(bench->buffer, supported, sizeof(supported));
	IN(bench, 255, 0x12, 1, 0x80, BE16(255), 0);
	assert_good(bench, 12);
	assert_memory_equal(bench->buffer, "\0\x80\0\x08serial-1", 12);
	IN(bench, 255, 0x12, 1, 0x83, BE16(255), 0);
	assert_good(bench, 4 + 12 + 4 + 8 + 8);
	assert_int_equal(bench->buffer[3], 32);
	assert_int_equal(bench->buffer[8] >> 4, 3); /* NAA locally assigned */
	assert_memory_equal(bench->buffer + 20, "HVIS    serial-1", 16);
	memcpy(naa, bench->buffer + 8, 8);
	IN(bench, 255, 0x12, 1, 0x83, BE16(255), 0);
	assert_memory_equal(bench->buffer + 8, naa, 8);
	strcpy(bench->disk.id, "serial-2");
	IN(bench, 255, 0x12, 1, 0x83, BE16(255), 0);
	assert_memory_not_equal(bench->buffer + 8, naa, 8);
	IN(bench, 255, 0x12, 1, 0xB1, BE16(255), 0);
	assert_good(bench, 64);
	assert_memory_equal(bench->buffer, "\0\xB1\0\x3C\0\x01", 6);
}

static void test_vpd_limits(void **state)
{
	struct bench *bench = *state;
	static const uint8_t limits[] = {
		0,
		0xB0,
		0,
		0x3C,
		1,
		0,
		BE16(8),
		BE32(256),
		BE32(0),
		BE32(0),
		BE32(8u << 20),
		BE32(255),
		BE32(8),
		BE32(0x80000000u),
		BE64(512u << 10),
	};

	IN(bench, 255, 0x12, 1, 0xB0, BE16(255), 0);
	assert_good(bench, 64);
	assert_memory_equal(bench->buffer, limits, sizeof(limits));
	IN(bench, 255, 0x12, 1, 0xB2, BE16(255), 0);
	assert_good(bench, 8);
	assert_memory_equal(bench->buffer, "\0\xB2\0\x04\0\xE4\x02\0", 8);
	bench->disk.can_unmap = false;
	IN(bench, 255, 0x12, 1, 0xB2, BE16(255), 0);
	assert_memory_equal(bench->buffer, "\0\xB2\0\x04\0\0\0\0", 8);
	IN(bench, 255, 0x12, 1, 0xB0, BE16(255), 0);
	assert_memory_equal(bench->buffer + 20, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void test_absent_lun(void **state)
{
	struct bench *bench = *state;

	bench->task.lun_number = 255;
	IN(bench, 96, 0x12, 0, 0, BE16(96), 0);
	assert_good(bench, 74);
	assert_int_equal(bench->buffer[0], 0x7F);
	IN(bench, 255, 0x12, 1, 0x80, BE16(255), 0);
	assert_int_equal(bench->task.delivery, SCSI_NO_LUN);
	bench->task.lun_number = 1;
	NONE(bench, 0x00, 0, 0, 0, 0, 0);
	assert_int_equal(bench->task.delivery, SCSI_NO_LUN);
	IN(bench, 512, 0x28, 0, BE32(0), 0, BE16(1), 0);
	assert_int_equal(bench->task.delivery, SCSI_NO_LUN);
	assert_int_equal(bench->op_count, 0);
	IN(bench, 16, 0xFF, 0, 0, 0, 0, 0);
	assert_int_equal(bench->task.delivery, SCSI_NO_LUN);
	IN(bench, 0, 0x12, 0);
	assert_int_equal(bench->task.delivery, SCSI_BAD_REQUEST);
}

static void test_report_luns(void **state)
{
	struct bench *bench = *state;

	bench->target.luns[7].disk = &bench->disk;
	bench->task.lun_number = 3; /* any will do */
	for (unsigned int select = 0; select < 3; select++) {
		IN(bench, 512, 0xA0, 0, select, 0, 0, 0, BE32(512), 0, 0);
		assert_good(bench, select == 1 ? 8 : 24);
		assert_int_equal(bench->buffer[3], select == 1 ? 0 : 16);
	}
	assert_memory_equal(bench->buffer + 8, "\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0", 16);
	IN(bench, 512, 0xA0, 0, 0x11, 0, 0, 0, BE32(512), 0, 0);
	assert_field(bench, 2);
	IN(bench, 512, 0xA0, 0, 0, 0, 0, 0, BE32(8), 0, 0);
	assert_field(bench, 6);
	IN(bench, 512, 0xA0, 0, 0, 0, 0, 0, BE32(16), 0, 0);
	assert_good(bench, 16);
	for (unsigned int i = 0; i < SCSI_LUNS_MAX; i++)
		bench->target.luns[i].disk = &bench->disk;
	IN(bench, 4096, 0xA0, 0, 0, 0, 0, 0, BE32(0xFFFFFFFFu), 0, 0);
	assert_good(bench, 8 + 64 * 8);
}

static void test_capacity(void **state)
{
	struct bench *bench = *state;

	IN(bench, 8, 0x25, 0, BE32(0), 0, 0, 0, 0);
	assert_good(bench, 8);
	assert_memory_equal(bench->buffer, ((uint8_t[]){BE32(BLOCKS - 1), BE32(512)}), 8);
	IN(bench, 8, 0x25, 0, BE32(1), 0, 0, 0, 0);
	assert_field(bench, 2);
	IN(bench, 32, 0x9E, 0x10, BE64(0), BE32(32), 0, 0);
	assert_good(bench, 32);
	assert_memory_equal(bench->buffer,
			    ((uint8_t[]){BE64(BLOCKS - 1), BE32(512), 0, 3, 0xC0, 0}), 16);
	IN(bench, 32, 0x9E, 0x12, BE64(0), BE32(32), 0, 0);
	assert_field(bench, 1);
	bench->disk.bytes = (1ull << 32) * 512; /* the last LBA still fits in 32 bits */
	IN(bench, 8, 0x25, 0, BE32(0), 0, 0, 0, 0);
	assert_memory_equal(bench->buffer, ((uint8_t[]){BE32(0xFFFFFFFFu), BE32(512)}), 8);
	bench->disk.bytes += 512ull << 4;
	IN(bench, 8, 0x25, 0, BE32(0), 0, 0, 0, 0);
	assert_memory_equal(bench->buffer, ((uint8_t[]){BE32(0xFFFFFFFFu), BE32(512)}), 8);
	bench->disk.can_unmap = false;
	IN(bench, 32, 0x9E, 0x10, BE64(0), BE32(12), 0, 0);
	assert_good(bench, 12);
	assert_memory_equal(bench->buffer, ((uint8_t[]){BE64((1ull << 32) + 15), BE32(512)}), 12);
}

static void test_mode_sense(void **state)
{
	struct bench *bench = *state;

	IN(bench, 192, 0x1A, 0, 0x3F, 0, 192, 0);
	assert_good(bench, 4 + 8 + 20 + 12);
	assert_memory_equal(bench->buffer, ((uint8_t[]){43, 0, 0x10, 8, BE32(BLOCKS), BE32(512)}),
			    12);
	assert_memory_equal(bench->buffer + 12, "\x08\x12\x04", 3);
	assert_memory_equal(bench->buffer + 32, "\x0A\x0A\0\x10", 4);
	bench->disk.read_only = true;
	IN(bench, 192, 0x5A, 8, 0x08, 0, 0, 0, 0, BE16(192), 0);
	assert_good(bench, 8 + 20);
	assert_memory_equal(bench->buffer, "\0\x1A\0\x90\0\0\0\0\x08\x12\x04", 11);
	IN(bench, 192, 0x5A, 8, 0x48, 0, 0, 0, 0, BE16(192), 0); /* changeable: nothing */
	assert_memory_equal(bench->buffer + 8, "\x08\x12\0\0", 4);
	IN(bench, 192, 0x1A, 8, 0xC8, 0, 192, 0);
	assert_sense(bench, 0x053900);
	IN(bench, 192, 0x1A, 8, 0x1C, 0, 192, 0);
	assert_field(bench, 2);
	IN(bench, 192, 0x1A, 8, 0x08, 1, 192, 0);
	assert_field(bench, 3);
	IN(bench, 192, 0x1A, 8, 0x3F, 0xFF, 192, 0);
	assert_field(bench, 3);
	IN(bench, 4, 0x1A, 8, 0x3F, 0, 4, 0);
	assert_good(bench, 4);
}

static void check_read(struct bench *bench, uint64_t lba, unsigned int blocks)
{
	assert_good(bench, blocks * 512);
	assert_int_equal(bench->op_count, 1);
	assert_int_equal(bench->ops[0].what, DISK_READ);
	assert_memory_equal(bench->buffer, bench->medium + lba * 512, blocks * 512);
}

static void test_read(void **state)
{
	struct bench *bench = *state;

	IN(bench, 512, 0x08, 0, BE16(0x123), 1, 0);
	check_read(bench, 0x123, 1);
	IN(bench, 256 * 512, 0x08, 0, BE16(2), 0, 0); /* 0 means 256 */
	check_read(bench, 2, 256);
	IN(bench, 1024, 0x28, 0x10, BE32(0x200), 0, BE16(2), 0); /* DPO */
	check_read(bench, 0x200, 2);
	IN(bench, 1024, 0xA8, 0, BE32(BLOCKS - 2), BE32(2), 0, 0);
	check_read(bench, BLOCKS - 2, 2);
	IN(bench, 1024, 0x88, 0, BE64(9), BE32(2), 0, 0);
	check_read(bench, 9, 2);
	IN(bench, 512, 0x28, 0, BE32(0), 0, BE16(0), 0); /* nothing */
	assert_good(bench, 0);
	assert_int_equal(bench->op_count, 0);
	IN(bench, 4096, 0x28, 0, BE32(0), 0, BE16(1), 0); /* buffer longer than the data */
	assert_good(bench, 512);
	IN(bench, 512, 0x28, 8, BE32(4), 0, BE16(1), 0); /* FUA: what is cached goes down first */
	assert_good(bench, 512);
	assert_int_equal(bench->op_count, 2);
	assert_int_equal(bench->ops[0].what, DISK_FLUSH);
	assert_memory_equal(bench->buffer, bench->medium + 4 * 512, 512);
	assert_int_equal(bench->target.luns[0].counters.reads, 7);
	assert_int_equal(bench->target.luns[0].counters.read_bytes,
			 (1 + 256 + 2 * 3 + 1 + 1) * 512);
}

static void test_write(void **state)
{
	struct bench *bench = *state;
	uint8_t pattern[1024];

	memset(pattern, 0x5A, sizeof(pattern));
	bench->buffer = realloc(bench->buffer, 1024);
	memcpy(bench->buffer, pattern, 1024);
	OUT(bench, 1024, 0x2A, 0, BE32(5), 0, BE16(2), 0);
	assert_good(bench, 1024);
	assert_false(bench->ops[0].fua);
	assert_memory_equal(bench->medium + 5 * 512, pattern, 1024);
	OUT(bench, 1024, 0x8A, 8, BE64(100), BE32(2), 0, 0);
	assert_good(bench, 1024);
	assert_true(bench->ops[0].fua);
	assert_memory_equal(bench->medium + 100 * 512, pattern, 1024);
	OUT(bench, 1024, 0xAA, 0x18, BE32(200), BE32(1), 0, 0);
	assert_good(bench, 512);
	assert_true(bench->ops[0].fua);
	assert_memory_equal(bench->medium + 200 * 512, pattern, 512);
	assert_memory_not_equal(bench->medium + 201 * 512, pattern, 512);
	OUT(bench, 512, 0x0A, 0, BE16(7), 1, 0);
	assert_good(bench, 512);
	assert_int_equal(bench->target.luns[0].counters.writes, 4);
}

static void test_4k_blocks(void **state)
{
	struct bench *bench = *state;

	bench->disk.block_bytes = 4096;
	bench->disk.bytes = BLOCKS * 4096;
	IN(bench, 8192, 0x28, 0, BE32(3), 0, BE16(2), 0);
	assert_good(bench, 8192);
	assert_memory_equal(bench->buffer, bench->medium + 3 * 4096, 8192);
	IN(bench, 512, 0x28, 0, BE32(3), 0, BE16(1), 0);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	IN(bench, 32, 0x9E, 0x10, BE64(0), BE32(32), 0, 0);
	assert_int_equal(bench->buffer[10], 0x10);
	assert_int_equal(bench->buffer[13], 0);
}

/* Every form of address that is not on the disk, up to those whose sum with the length wraps. */
static void test_out_of_range(void **state)
{
	struct bench *bench = *state;

	IN(bench, 512, 0x08, 0x1F, BE16(0xFFFF), 1, 0);
	assert_sense(bench, 0x052100);
	IN(bench, 512, 0x28, 0, BE32(BLOCKS), 0, BE16(1), 0);
	assert_sense(bench, 0x052100);
	assert_memory_equal(bench->task.sense, ((uint8_t[]){0xF0, 0, 5, BE32(BLOCKS)}), 7);
	IN(bench, 512, 0x28, 0, BE32(BLOCKS), 0, BE16(0), 0);
	assert_sense(bench, 0x052100);
	IN(bench, 1024, 0x28, 0, BE32(BLOCKS - 1), 0, BE16(2), 0);
	assert_sense(bench, 0x052100);
	IN(bench, 512, 0x88, 0, BE64(UINT64_MAX), BE32(1), 0, 0);
	assert_sense(bench, 0x052100);
	assert_int_equal(bench->task.sense[0], 0x70); /* does not fit the INFORMATION field */
	IN(bench, 512, 0x88, 0, BE64(UINT64_MAX - 1), BE32(0xFFFFFFFFu), 0, 0);
	assert_sense(bench, 0x052100);
	IN(bench, 512, 0x88, 0, BE64(1ull << 55), BE32(1), 0, 0); /* times 512 wraps to 0 */
	assert_sense(bench, 0x052100);
	OUT(bench, 512, 0x8A, 0, BE64(1ull << 55), BE32(1), 0, 0);
	assert_sense(bench, 0x052100);
	NONE(bench, 0x91, 0, BE64(UINT64_MAX), BE32(1), 0, 0);
	assert_sense(bench, 0x052100);
	NONE(bench, 0x8F, 0, BE64(BLOCKS - 1), BE32(2), 0, 0);
	assert_sense(bench, 0x052100);
	OUT(bench, 512, 0x93, 0, BE64(UINT64_MAX), BE32(2), 0, 0);
	assert_sense(bench, 0x052100);
	assert_int_equal(bench->op_count, 0);
	assert_int_equal(bench->target.luns[0].counters.refused, 11);
	assert_int_equal(bench->target.luns[0].counters.errors, 0);
}

static void test_lengths(void **state)
{
	struct bench *bench = *state;
	uint8_t before[512];

	/* Buffer shorter than the data: nothing moves. */
	IN(bench, 511, 0x28, 0, BE32(0), 0, BE16(1), 0);
	assert_field(bench, 7);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	assert_int_equal(bench->task.moved, 0);
	memcpy(before, bench->medium, 512);
	OUT(bench, 512, 0x8A, 0, BE64(0), BE32(2), 0, 0);
	assert_field(bench, 10);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	assert_memory_equal(bench->medium, before, 512);
	IN(bench, 0, 0x28, 0, BE32(0), 0, BE16(1), 0);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	/* Longer than page B0 allows. */
	IN(bench, 512, 0xA8, 0, BE32(0), BE32(257), 0, 0);
	assert_field(bench, 6);
	assert_int_equal(bench->task.delivery, SCSI_DELIVERED);
	IN(bench, TRANSFER_MAX, 0xA8, 0, BE32(0), BE32(256), 0, 0);
	assert_good(bench, TRANSFER_MAX);
	/* Protection information, NACA. */
	IN(bench, 512, 0x28, 0x20, BE32(0), 0, BE16(1), 0);
	assert_field(bench, 1);
	IN(bench, 512, 0x28, 0, BE32(0), 0, BE16(1), 4);
	assert_field(bench, 9);
	/* A reply that does not fit: what fits, and OVERRUN. */
	IN(bench, 10, 0x12, 0, 0, BE16(36), 0);
	assert_int_equal(bench->task.status, SCSI_STATUS_GOOD);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	assert_int_equal(bench->task.moved, 10);
}

/* For each command, every CDB shorter than it must be; and the wrong direction. */
static void test_cdb_lengths(void **state)
{
	struct bench *bench = *state;
	static const uint8_t opcodes[] = {
		0x00, 0x03, 0x08, 0x0A, 0x12, 0x1A, 0x1B, 0x25, 0x28, 0x2A, 0x2F, 0x35,
		0x41, 0x42, 0x5A, 0x88, 0x8A, 0x8F, 0x91, 0x93, 0x9E, 0xA0, 0xA8, 0xAA,
	};
	static const uint8_t needed[8] = {6, 10, 10, 0, 16, 12, 0, 0};
	uint8_t cdb[16] = {0};

	for (size_t i = 0; i < sizeof(opcodes); i++) {
		cdb[0] = opcodes[i];
		for (uint8_t length = 0; length < needed[opcodes[i] >> 5]; length++) {
			run_length(bench, SCSI_DATA_IN, 512, cdb, length);
			if (length == 0) /* then it is TEST UNIT READY without its CDB */
				assert_int_equal(bench->task.cdb[0], 0);
			assert_sense(bench, 0x052400);
			assert_int_equal(bench->task.delivery, SCSI_BAD_REQUEST);
		}
		run_length(bench, SCSI_DATA_IN, 512, cdb, 17);
		assert_int_equal(bench->task.delivery, SCSI_BAD_REQUEST);
		run_length(bench, SCSI_DATA_IN, 512, cdb, 255);
		assert_int_equal(bench->task.delivery, SCSI_BAD_REQUEST);
	}
	OUT(bench, 512, 0x28, 0, BE32(0), 0, BE16(1), 0);
	assert_int_equal(bench->task.delivery, SCSI_BAD_REQUEST);
	IN(bench, 512, 0x2A, 0, BE32(0), 0, BE16(1), 0);
	assert_int_equal(bench->task.delivery, SCSI_BAD_REQUEST);
	OUT(bench, 96, 0x12, 0, 0, BE16(96), 0);
	assert_int_equal(bench->task.delivery, SCSI_BAD_REQUEST);
	assert_int_equal(bench->op_count, 0);
}

/* All 256 operation codes with a CDB of zeros: each ends once, those we lack as they should. */
static void test_all_opcodes(void **state)
{
	struct bench *bench = *state;
	uint8_t cdb[16] = {0};
	unsigned int unknown = 0;

	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		cdb[0] = (uint8_t)opcode;
		run_length(bench, SCSI_NO_DATA, 0, cdb, 16);
		if (bench->task.status == SCSI_STATUS_CHECK_CONDITION &&
		    bench->task.sense[12] == 0x20) {
			assert_sense(bench, 0x052000);
			unknown++;
		}
	}
	assert_int_equal(unknown, 256 - 24);
	IN(bench, 64, 0x5E, 0, 0, 0, 0, 0, 0, BE16(64), 0); /* PERSISTENT RESERVE IN */
	assert_sense(bench, 0x052000);
	IN(bench, 64, 0xA3, 0x0C, 0, 0, 0, 0, BE32(64), 0, 0); /* REPORT SUPPORTED OPCODES */
	assert_sense(bench, 0x052000);
}

static void test_flush_and_stop(void **state)
{
	struct bench *bench = *state;

	NONE(bench, 0x35, 0, BE32(0), 0, BE16(0), 0);
	assert_good(bench, 0);
	assert_int_equal(bench->ops[0].what, DISK_FLUSH);
	NONE(bench, 0x91, 2, BE64(3), BE32(4), 0, 0);
	assert_int_equal(bench->op_count, 1);
	NONE(bench, 0x1B, 0, 0, 0, 0, 0);
	assert_int_equal(bench->op_count, 1);
	NONE(bench, 0x1B, 0, 0, 0, 1, 0);
	assert_good(bench, 0);
	assert_int_equal(bench->op_count, 0);
	NONE(bench, 0x1B, 0, 0, 0, 2, 0);
	assert_field(bench, 4);
	NONE(bench, 0x1B, 0, 0, 0, 0x30, 0);
	assert_field(bench, 4);
	bench->disk.read_only = true;
	NONE(bench, 0x35, 0, BE32(0), 0, BE16(0), 0);
	assert_good(bench, 0);
	assert_int_equal(bench->op_count, 0);
	assert_int_equal(bench->target.luns[0].counters.flushes, 3);
}

static void test_verify(void **state)
{
	struct bench *bench = *state;
	uint64_t bytes = 0;

	NONE(bench, 0x2F, 0, BE32(1), 0, BE16(2000), 0);
	assert_good(bench, 0);
	for (unsigned int i = 0; i < bench->op_count; i++) {
		assert_int_equal(bench->ops[i].what, DISK_READ);
		assert_int_equal(bench->ops[i].offset, 512 + bytes);
		bytes += bench->ops[i].bytes;
	}
	assert_int_equal(bytes, 2000 * 512);
	NONE(bench, 0x2F, 0, BE32(1), 0, BE16(0), 0);
	assert_good(bench, 0);
	NONE(bench, 0x2F, 2, BE32(1), 0, BE16(1), 0);
	assert_field(bench, 1);
	NONE(bench, 0x8F, 0x20, BE64(1), BE32(1), 0, 0);
	assert_field(bench, 1);
	bench->disk.bytes = 1ull << 40;
	NONE(bench, 0x8F, 0, BE64(1), BE32((512u << 10) + 1), 0, 0);
	assert_field(bench, 10);
}

static void put(struct bench *bench, const uint8_t *data, uint32_t bytes)
{
	bench->buffer = realloc(bench->buffer, bytes);
	memcpy(bench->buffer, data, bytes);
}
#define PUT(bench, ...) \
	put(bench, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_unmap(void **state)
{
	struct bench *bench = *state;
	static const uint8_t zero[1024];

	PUT(bench, BE16(54), BE16(48), BE32(0), BE64(10), BE32(2), BE32(0), BE64(20), BE32(0),
	    BE32(0), BE64(30), BE32(1), BE32(0));
	OUT(bench, 56, 0x42, 0, BE32(0), 0, BE16(56), 0);
	assert_good(bench, 56);
	assert_int_equal(bench->op_count, 2); /* the empty one is skipped */
	assert_int_equal(bench->ops[0].what, DISK_UNMAP);
	assert_int_equal(bench->ops[1].offset, 30 * 512);
	assert_memory_equal(bench->medium + 10 * 512, zero, 1024);
	assert_memory_not_equal(bench->medium + 31 * 512, zero, 512);
	OUT(bench, 0, 0x42, 0, BE32(0), 0, BE16(0), 0);
	assert_good(bench, 0);
	PUT(bench, BE16(6), BE16(0), BE32(0));
	OUT(bench, 8, 0x42, 0, BE32(0), 0, BE16(8), 0);
	assert_good(bench, 8);
	assert_int_equal(bench->op_count, 0);
}

/* One thing wrong at a time; none may reach the disk. */
static void test_unmap_refused(void **state)
{
	struct bench *bench = *state;
	static const struct {
		uint16_t length, listed;
		uint64_t lba;
		uint32_t blocks;
		uint32_t sense;
	} cases[] = {
		{22, 8, 10, 1, 0x052600}, /* not whole descriptors */
		{22, 24, 10, 1, 0x052600}, /* nor these */
		{22, 32, 10, 1, 0x052600}, /* more than was sent */
		{21, 16, 10, 1, 0x052600}, /* contradicts the length in front */
		{0, 16, 10, 1, 0x052600},	    {0xFFFF, 0xFFFF, 10, 1, 0x052600},
		{22, 16, BLOCKS, 1, 0x052100},	    {22, 16, BLOCKS - 1, 2, 0x052100},
		{22, 16, UINT64_MAX, 2, 0x052100},  {22, 16, 1ull << 55, 1, 0x052100},
		{22, 16, 0, 0xFFFFFFFFu, 0x052100},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		PUT(bench, BE16(cases[i].length), BE16(cases[i].listed), BE32(0),
		    BE64(cases[i].lba), BE32(cases[i].blocks), BE32(0));
		OUT(bench, 24, 0x42, 0, BE32(0), 0, BE16(24), 0);
		assert_sense(bench, cases[i].sense);
		assert_int_equal(bench->op_count, 0);
	}
	for (unsigned int length = 1; length < 8; length++) {
		OUT(bench, 24, 0x42, 0, BE32(0), 0, BE16(length), 0);
		assert_sense(bench, 0x051A00);
	}
	OUT(bench, 8192, 0x42, 0, BE32(0), 0, BE16(8192), 0);
	assert_sense(bench, 0x051A00);
	OUT(bench, 23, 0x42, 0, BE32(0), 0, BE16(24), 0);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	OUT(bench, 24, 0x42, 1, BE32(0), 0, BE16(24), 0);
	assert_field(bench, 1);
	bench->disk.can_unmap = false;
	OUT(bench, 24, 0x42, 0, BE32(0), 0, BE16(24), 0);
	assert_sense(bench, 0x052000);
}

/* A good descriptor in front of a bad one: all or nothing. And more in sum than page B0 allows. */
static void test_unmap_whole_list(void **state)
{
	struct bench *bench = *state;

	PUT(bench, BE16(38), BE16(32), BE32(0), BE64(10), BE32(2), BE32(0), BE64(BLOCKS), BE32(1),
	    BE32(0));
	OUT(bench, 40, 0x42, 0, BE32(0), 0, BE16(40), 0);
	assert_sense(bench, 0x052100);
	assert_int_equal(bench->op_count, 0);
	bench->disk.bytes = 1ull << 42;
	PUT(bench, BE16(38), BE16(32), BE32(0), BE64(0), BE32(8u << 20), BE32(0), BE64(0), BE32(1),
	    BE32(0));
	OUT(bench, 40, 0x42, 0, BE32(0), 0, BE16(40), 0);
	assert_sense(bench, 0x052600);
	assert_int_equal(bench->op_count, 0);
}

static void test_write_same(void **state)
{
	struct bench *bench = *state;
	static const uint8_t zero[512];
	uint8_t pattern[512];

	put(bench, zero, 512);
	OUT(bench, 512, 0x41, 0, BE32(4), 0, BE16(8), 0);
	assert_good(bench, 512);
	assert_int_equal(bench->op_count, 1);
	assert_int_equal(bench->ops[0].what, DISK_ZERO);
	assert_int_equal(bench->ops[0].bytes, 8 * 512);
	OUT(bench, 512, 0x93, 8, BE64(4), BE32(8), 0, 0);
	assert_int_equal(bench->ops[0].what, DISK_UNMAP);
	NONE(bench, 0x93, 9, BE64(40), BE32(8), 0, 0); /* NDOB */
	assert_good(bench, 0);
	assert_int_equal(bench->ops[0].what, DISK_UNMAP);
	NONE(bench, 0x93, 1, BE64(40), BE32(8), 0, 0);
	assert_int_equal(bench->ops[0].what, DISK_ZERO);
	/* A pattern is written, even with the UNMAP bit; more blocks than the iovec has room. */
	memset(pattern, 0, 512);
	pattern[511] = 1;
	put(bench, pattern, 512);
	OUT(bench, 512, 0x93, 8, BE64(50), BE32(101), 0, 0);
	assert_good(bench, 512);
	assert_int_equal(bench->op_count, 3);
	for (unsigned int i = 50; i < 151; i++)
		assert_memory_equal(bench->medium + i * 512, pattern, 512);
	assert_memory_not_equal(bench->medium + 151 * 512, pattern, 512);
	assert_memory_not_equal(bench->medium + 49 * 512, pattern, 512);
}

static void test_write_same_refused(void **state)
{
	struct bench *bench = *state;

	OUT(bench, 512, 0x93, 0, BE64(0), BE32(0), 0, 0); /* WSNZ */
	assert_field(bench, 10);
	OUT(bench, 512, 0x41, 0, BE32(0), 0, BE16(0), 0);
	assert_field(bench, 7);
	OUT(bench, 511, 0x93, 0, BE64(0), BE32(1), 0, 0);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	NONE(bench, 0x93, 0, BE64(0), BE32(1), 0, 0);
	assert_int_equal(bench->task.delivery, SCSI_OVERRUN);
	for (unsigned int flags = 0x02; flags < 0x100; flags <<= 1) {
		if (flags == 0x08)
			continue;
		OUT(bench, 512, 0x93, (uint8_t)flags, BE64(0), BE32(1), 0, 0);
		assert_field(bench, 1);
	}
	OUT(bench, 512, 0x41, 1, BE32(0), 0, BE16(1), 0); /* NDOB is for 16 bytes only */
	assert_field(bench, 1);
	bench->disk.can_unmap = false;
	OUT(bench, 512, 0x93, 8, BE64(0), BE32(1), 0, 0);
	assert_field(bench, 1);
	bench->disk.bytes = 1ull << 40;
	OUT(bench, 512, 0x93, 0, BE64(0), BE32((512u << 10) + 1), 0, 0);
	assert_field(bench, 10);
	assert_int_equal(bench->op_count, 0);
}

static void test_read_only(void **state)
{
	struct bench *bench = *state;

	bench->disk.read_only = true;
	OUT(bench, 512, 0x0A, 0, 0, 0, 1, 0);
	assert_sense(bench, 0x072700);
	OUT(bench, 512, 0x2A, 0, BE32(0), 0, BE16(1), 0);
	assert_sense(bench, 0x072700);
	OUT(bench, 512, 0x8A, 0, BE64(0), BE32(1), 0, 0);
	assert_sense(bench, 0x072700);
	OUT(bench, 24, 0x42, 0, BE32(0), 0, BE16(24), 0);
	assert_sense(bench, 0x072700);
	OUT(bench, 512, 0x93, 0, BE64(0), BE32(1), 0, 0);
	assert_sense(bench, 0x072700);
	assert_int_equal(bench->op_count, 0);
	IN(bench, 512, 0x28, 8, BE32(1), 0, BE16(1), 0);
	check_read(bench, 1, 1);
}

static void test_disk_errors(void **state)
{
	struct bench *bench = *state;
	static const struct {
		int error;
		uint32_t on_read, on_write;
	} cases[] = {
		{-EIO, 0x031100, 0x030C00},    {-ENODATA, 0x031100, 0x030C00},
		{-ENOSPC, 0x072707, 0x072707}, {-EDQUOT, 0x072707, 0x072707},
		{-EINVAL, 0x044400, 0x044400}, {-ENOMEM, 0x044400, 0x044400},
		{-EROFS, 0x072700, 0x072700},
	};

	bench->fail_at = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bench->fail_with = cases[i].error;
		IN(bench, 512, 0x28, 0, BE32(77), 0, BE16(1), 0);
		assert_sense(bench, cases[i].on_read);
		assert_memory_equal(bench->task.sense + 3, ((uint8_t[]){BE32(77)}), 4);
		assert_int_equal(bench->task.moved, 0);
		OUT(bench, 512, 0x2A, 0, BE32(77), 0, BE16(1), 0);
		assert_sense(bench, cases[i].on_write);
		NONE(bench, 0x35, 0, BE32(0), 0, BE16(0), 0);
		assert_sense(bench, cases[i].on_write);
	}
	assert_int_equal(bench->target.luns[0].counters.errors, 21);
	assert_int_equal(bench->target.luns[0].counters.refused, 0);
	bench->fail_at = 2; /* in the middle of a command of several steps */
	NONE(bench, 0x2F, 0, BE32(0), 0, BE16(2000), 0);
	assert_sense(bench, 0x072700);
	assert_int_equal(bench->op_count, 2);
}

static void test_later(void **state)
{
	struct bench *bench = *state;
	unsigned int steps = 0;

	bench->later = true;
	NONE(bench, 0x2F, 0, BE32(0), 0, BE16(2000), 0);
	while (!bench->finished) {
		assert_int_equal(bench->op_count, ++steps);
		answer(bench, bench->held);
	}
	assert_good(bench, 0);
	assert_true(steps > 2);
	IN(bench, 512, 0x28, 8, BE32(1), 0, BE16(1), 0);
	bench->later = false; /* the flush comes later, the read at once */
	answer(bench, bench->held);
	assert_int_equal(bench->finished, 1);
	assert_good(bench, 512);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ready_and_sense),
		TEST(test_inquiry),
		TEST(test_vpd),
		TEST(test_vpd_limits),
		TEST(test_absent_lun),
		TEST(test_report_luns),
		TEST(test_capacity),
		TEST(test_mode_sense),
		TEST(test_read),
		TEST(test_write),
		TEST(test_4k_blocks),
		TEST(test_out_of_range),
		TEST(test_lengths),
		TEST(test_cdb_lengths),
		TEST(test_all_opcodes),
		TEST(test_flush_and_stop),
		TEST(test_verify),
		TEST(test_unmap),
		TEST(test_unmap_refused),
		TEST(test_unmap_whole_list),
		TEST(test_write_same),
		TEST(test_write_same_refused),
		TEST(test_read_only),
		TEST(test_disk_errors),
		TEST(test_later),
	};

	return cmocka_run_group_tests_name("scsi", tests, NULL, NULL);
}
