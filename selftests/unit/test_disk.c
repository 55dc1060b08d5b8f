// SPDX-License-Identifier: GPL-2.0
// links: host/disk_null.c host/disk_raw.c host/disk_raw_flush.c host/disk_raw_open.c host/log.c host/error.c
/*
 * The disk backends on real files, over a loop of the test's own that can cut a transfer short or
 * say that a step failed: what arrives in the file, what a slower way replaces, what is an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk.h"
#include "error.h"

#define IMAGE_BYTES (4u << 20)
#define SCRIPT_MAX  8
#define DO_IT	    1 /* as the kernel does it */
#define ONE_PIECE   2 /* transfer only the first entry of the iovec */

/* Stands for host/loop.c: one operation at a time, in the test's thread. */
struct loop {
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct loop_op *op;
	int script[SCRIPT_MAX]; /* DO_IT, ONE_PIECE, or the negative errno to answer */
	unsigned int steps;
	uint8_t opcodes[64]; /* of the steps taken */
};

struct io_uring_sqe *loop_sqe(struct loop *loop, struct loop_op *op)
{
	assert_null(loop->op);
	loop->op = op;
	loop->sqe = io_uring_get_sqe(&loop->ring);
	return loop->sqe;
}

/* One loop, so nobody calls another. */
void loop_call(struct loop *loop, struct loop_work *work)
{
	(void)loop;
	(void)work;
	abort();
}

static void step(struct loop *loop)
{
	int script = loop->steps < SCRIPT_MAX ? loop->script[loop->steps] : 0, result;
	struct loop_op *op = loop->op;
	struct io_uring_cqe *cqe;

	loop->opcodes[loop->steps++ % 64] = loop->sqe->opcode;
	if (script == ONE_PIECE)
		loop->sqe->len = 1;
	else if (script < 0)
		io_uring_prep_nop(loop->sqe);
	assert_int_equal(io_uring_submit(&loop->ring), 1);
	assert_int_equal(io_uring_wait_cqe(&loop->ring, &cqe), 0);
	result = script < 0 ? script : cqe->res;
	io_uring_cqe_seen(&loop->ring, cqe);
	loop->op = NULL;
	op->done(op, result);
}

struct bench {
	struct loop loop;
	char folder[64], path[96];
	struct disk *disk;
	struct disk_request request;
	bool finished;
	int error;
	char text[ERROR_BYTES];
};

static void finished(struct disk_request *request, int error)
{
	struct bench *bench = (struct bench *)((char *)request - offsetof(struct bench, request));

	assert_false(bench->finished);
	bench->finished = true;
	bench->error = error;
}

/* Run a request to its end. Return: its error. */
static int run(struct bench *bench, enum disk_op what, uint64_t offset, uint64_t bytes,
	       struct iovec *iov, unsigned int count)
{
	struct disk_request *request = &bench->request;
	bool fua = request->fua;

	*request = (struct disk_request){
		.what = what,
		.fua = fua,
		.offset = offset,
		.bytes = bytes,
		.iov = iov,
		.iov_count = count,
		.disk = bench->disk,
		.loop = &bench->loop,
		.finished = finished,
	};
	bench->finished = false;
	bench->loop.steps = 0;
	disk_submit(bench->disk, request);
	while (!bench->finished)
		step(&bench->loop);
	assert_null(bench->loop.op);
	return bench->error;
}

static int move(struct bench *bench, enum disk_op what, uint64_t offset, void *data, size_t bytes)
{
	struct iovec iov = {data, bytes};

	return run(bench, what, offset, bytes, &iov, 1);
}

static void script(struct bench *bench, int first, int second, int third)
{
	int steps[SCRIPT_MAX] = {first, second, third};

	memcpy(bench->loop.script, steps, sizeof(steps));
}

static void make_file(const char *path, uint64_t bytes)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const char *temporary = getenv("TMPDIR");

	snprintf(bench->folder, sizeof(bench->folder), "%.40s/hvis-disk-XXXXXX",
		 temporary ? temporary : "/tmp");
	assert_non_null(mkdtemp(bench->folder));
	snprintf(bench->path, sizeof(bench->path), "%s/image", bench->folder);
	make_file(bench->path, IMAGE_BYTES);
	assert_int_equal(io_uring_queue_init(8, &bench->loop.ring, 0), 0);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	if (bench->disk)
		disk_close(bench->disk);
	io_uring_queue_exit(&bench->loop.ring);
	unlink(bench->path);
	rmdir(bench->folder);
	free(bench);
	return 0;
}

static struct disk *open_disk(struct bench *bench, bool direct)
{
	struct disk_options options = {.path = bench->path, .direct = direct, .unmap = true};

	bench->disk = disk_raw_open(&options, bench->text);
	assert_non_null(bench->disk);
	return bench->disk;
}

static uint8_t *pattern(size_t bytes)
{
	uint8_t *data = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(i * 7 + i / 253);
	return data;
}

/* What the file holds, seen from outside. */
static void assert_file(const struct bench *bench, uint64_t offset, const void *data, size_t bytes)
{
	uint8_t *found = malloc(bytes);
	int fd = open(bench->path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, found, bytes, (off_t)offset), bytes);
	assert_memory_equal(found, data, bytes);
	close(fd);
	free(found);
}

static void test_geometry(void **state)
{
	struct bench *bench = *state;
	struct disk *disk = open_disk(bench, true);

	assert_int_equal(disk->bytes, IMAGE_BYTES);
	assert_int_equal(disk->block_bytes, 512);
	assert_int_equal(disk->physical_bytes, 4096);
	assert_false(disk->read_only);
	assert_string_equal(disk->path, bench->path);
	assert_int_equal(strlen(disk->id), 21);
}

/* More pieces than one system call takes, of odd sizes, with and without O_DIRECT. */
static void round_trip(struct bench *bench, bool direct)
{
	const unsigned int count = 3 * IOV_MAX + 5;
	struct iovec *iov = calloc(count, sizeof(*iov));
	size_t bytes = (size_t)count * 512;
	uint8_t *data = pattern(bytes), *back = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	open_disk(bench, direct);
	for (unsigned int i = 0; i < count; i++)
		iov[i] = (struct iovec){data + (size_t)(count - 1 - i) * 512, 512};
	assert_int_equal(run(bench, DISK_WRITE, 512, bytes, iov, count), 0);
	assert_int_equal(bench->request.moved, bytes);
	assert_true(bench->loop.steps >= 4);
	for (unsigned int i = 0; i < count; i++)
		iov[i] = (struct iovec){back + (size_t)(count - 1 - i) * 512, 512};
	assert_int_equal(run(bench, DISK_READ, 512, bytes, iov, count), 0);
	assert_memory_equal(data, back, bytes);
	assert_file(bench, 512, data + bytes - 512, 512);
	free(back);
	free(data);
	free(iov);
}

static void test_round_trip_direct(void **state)
{
	round_trip(*state, true);
}

static void test_round_trip_buffered(void **state)
{
	struct bench *bench = *state;

	round_trip(bench, false);
	assert_true(bench->disk->buffered);
}

/* Short transfers end in the middle of the iovec, and of one of its entries. */
static void test_short(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(16384), back[16384];
	struct iovec iov[3] = {{data, 4096}, {data + 4096, 512}, {data + 4608, 11776}};

	open_disk(bench, false);
	script(bench, ONE_PIECE, ONE_PIECE, DO_IT);
	assert_int_equal(run(bench, DISK_WRITE, 8192, 16384, iov, 3), 0);
	assert_int_equal(bench->loop.steps, 3);
	assert_file(bench, 8192, data, 16384);
	iov[0] = (struct iovec){back, 100};
	iov[1] = (struct iovec){back + 100, 16284};
	script(bench, ONE_PIECE, DO_IT, DO_IT);
	assert_int_equal(run(bench, DISK_READ, 8192, 16384, iov, 2), 0);
	assert_memory_equal(back, data, 16384);
	free(data);
}

static void test_interrupted(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(4096);

	open_disk(bench, true);
	script(bench, -EINTR, -EAGAIN, DO_IT);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), 0);
	assert_file(bench, 0, data, 4096);
	free(data);
}

/* Memory or offsets that O_DIRECT refuses never fail a request. */
static void test_misaligned(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(8192), *back = calloc(1, 8192);

	open_disk(bench, true);
	assert_int_equal(move(bench, DISK_WRITE, 512, data + 1, 1024), 0);
	assert_file(bench, 512, data + 1, 1024);
	assert_int_equal(move(bench, DISK_READ, 512, back + 3, 1024), 0);
	assert_memory_equal(back + 3, data + 1, 1024);
	assert_int_equal(move(bench, DISK_WRITE, 1536, data, 512), 0);
	assert_file(bench, 1536, data, 512);
	if (!bench->disk->buffered) {
		script(bench, -EINVAL, DO_IT, 0);
		assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), 0);
		assert_int_equal(bench->loop.steps, 2);
		assert_file(bench, 0, data, 4096);
		script(bench, -EINVAL, -EINVAL, 0); /* not for alignment then */
		assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), -EINVAL);
	}
	free(back);
	free(data);
}

static void test_errors(void **state)
{
	struct bench *bench = *state;
	uint8_t data[4096];

	open_disk(bench, false);
	script(bench, -ENOSPC, 0, 0);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), -ENOSPC);
	script(bench, -EIO, 0, 0);
	assert_int_equal(move(bench, DISK_READ, 0, data, 4096), -EIO);
	assert_int_equal(run(bench, DISK_FLUSH, 0, 0, NULL, 0), -EIO);
	assert_int_equal(run(bench, DISK_UNMAP, 0, 4096, NULL, 0), -EIO);
	script(bench, -EOPNOTSUPP, -ENOSPC, 0);
	assert_int_equal(run(bench, DISK_ZERO, 0, 4096, NULL, 0), -ENOSPC);
	script(bench, 0, 0, 0);
	assert_int_equal(truncate(bench->path, 4096), 0); /* somebody shrinks the file */
	assert_int_equal(move(bench, DISK_READ, 8192, data, 4096), -EIO);
}

static void test_flush_and_fua(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(4096);

	open_disk(bench, true);
	assert_int_equal(run(bench, DISK_FLUSH, 0, 0, NULL, 0), 0);
	assert_int_equal(bench->loop.opcodes[0], IORING_OP_FSYNC);
	bench->request.fua = true;
	assert_int_equal(move(bench, DISK_WRITE, 4096, data, 4096), 0);
	assert_file(bench, 4096, data, 4096);
	free(data);
}

/*
 * Linux tells of lost data once and then calls the rest clean: a flush that succeeds after one that
 * failed would promise what is not there.
 */
static void test_failed_flush_is_remembered(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(4096);

	open_disk(bench, false);
	script(bench, -EIO, 0, 0);
	assert_int_equal(run(bench, DISK_FLUSH, 0, 0, NULL, 0), -EIO);
	script(bench, DO_IT, 0, 0);
	assert_int_equal(run(bench, DISK_FLUSH, 0, 0, NULL, 0), -EIO);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), 0);
	assert_int_equal(move(bench, DISK_READ, 0, data, 4096), 0);
	bench->request.fua = true;
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), -EIO);
	free(data);
}

static void test_failed_fua_is_remembered(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(4096);

	open_disk(bench, false);
	script(bench, -ENOSPC, 0, 0); /* its own trouble, and nobody else's */
	bench->request.fua = true;
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), -ENOSPC);
	script(bench, DO_IT, DO_IT, 0);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), 0);
	assert_int_equal(bench->loop.opcodes[1], IORING_OP_FSYNC);
	script(bench, DO_IT, -EIO, 0);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), -EIO);
	script(bench, DO_IT, 0, 0);
	bench->request.fua = false;
	assert_int_equal(run(bench, DISK_FLUSH, 0, 0, NULL, 0), -EIO);
	free(data);
}

static uint64_t allocated(const struct bench *bench)
{
	struct stat st;

	assert_int_equal(stat(bench->path, &st), 0);
	assert_int_equal(st.st_size, IMAGE_BYTES);
	return (uint64_t)st.st_blocks * 512;
}

static void test_unmap_is_a_hole(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(IMAGE_BYTES), *zero = calloc(1, IMAGE_BYTES);

	open_disk(bench, true);
	if (!bench->disk->can_unmap)
		skip();
	assert_int_equal(move(bench, DISK_WRITE, 0, data, IMAGE_BYTES), 0);
	assert_int_equal(run(bench, DISK_FLUSH, 0, 0, NULL, 0), 0);
	assert_true(allocated(bench) >= IMAGE_BYTES);
	assert_int_equal(run(bench, DISK_UNMAP, 1 << 20, 2 << 20, NULL, 0), 0);
	assert_true(allocated(bench) <= (2 << 20) + 65536);
	assert_file(bench, 1 << 20, zero, 2 << 20);
	assert_file(bench, 0, data, 1 << 20);
	assert_file(bench, 3 << 20, data + (3 << 20), 1 << 20);
	/* A range that is no whole file system block. */
	assert_int_equal(run(bench, DISK_UNMAP, 512, 1024, NULL, 0), 0);
	assert_file(bench, 512, zero, 1024);
	assert_file(bench, 1536, data + 1536, 4096);
	free(zero);
	free(data);
}

static void test_zero(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(IMAGE_BYTES), *zero = calloc(1, IMAGE_BYTES);

	open_disk(bench, true);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, IMAGE_BYTES), 0);
	assert_int_equal(run(bench, DISK_ZERO, 4096, 1 << 20, NULL, 0), 0);
	assert_file(bench, 4096, zero, 1 << 20);
	assert_file(bench, 0, data, 4096);
	assert_file(bench, 4096 + (1 << 20), data + 4096 + (1 << 20), 4096);
	assert_true(allocated(bench) >= IMAGE_BYTES);
	free(zero);
	free(data);
}

/* Where the file system has no holes: zeros are written, whole pieces and a rest. */
static void test_zeros_instead(void **state)
{
	struct bench *bench = *state;
	uint8_t *data = pattern(IMAGE_BYTES), *zero = calloc(1, IMAGE_BYTES);
	const size_t bytes = (1 << 20) + 3 * 65536 + 512;

	open_disk(bench, true);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, IMAGE_BYTES), 0);
	script(bench, -EOPNOTSUPP, DO_IT, DO_IT);
	assert_int_equal(run(bench, DISK_UNMAP, 1536, bytes, NULL, 0), 0);
	assert_int_equal(bench->request.moved, bytes);
	assert_true(bench->loop.steps >= 4);
	assert_file(bench, 1536, zero, bytes);
	assert_file(bench, 0, data, 1536);
	assert_file(bench, 1536 + bytes, data + 1536 + bytes, 4096);
	script(bench, 0, 0, 0);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, IMAGE_BYTES), 0);
	script(bench, -EOPNOTSUPP, ONE_PIECE, DO_IT); /* a short write of zeros */
	assert_int_equal(run(bench, DISK_ZERO, 1536, bytes, NULL, 0), 0);
	assert_file(bench, 1536, zero, bytes);
	assert_file(bench, 1536 + bytes, data + 1536 + bytes, 4096);
	free(zero);
	free(data);
}

/* Try to open @path. Return: what is wrong with it, or "". */
static const char *refusal(struct bench *bench, const char *path, uint32_t block, bool read_only)
{
	struct disk_options options = {
		.path = path, .block_bytes = block, .read_only = read_only, .direct = true};
	struct disk *disk;

	strcpy(bench->text, "?");
	disk = disk_raw_open(&options, bench->text);
	if (!disk)
		return bench->text;
	disk_close(disk);
	return "";
}

static void test_open_refused(void **state)
{
	struct bench *bench = *state;
	char fifo[96];

	assert_string_equal(refusal(bench, "/nonexistent", 512, false),
			    "No such file or directory");
	assert_string_equal(refusal(bench, bench->folder, 512, false), "Is a directory");
	assert_string_equal(refusal(bench, bench->folder, 512, true), "Is a directory");
	assert_string_equal(refusal(bench, "/dev/null", 512, false),
			    "is neither a file nor a block device");
	snprintf(fifo, sizeof(fifo), "%s/fifo", bench->folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_string_equal(refusal(bench, fifo, 512, true),
			    "is neither a file nor a block device");
	unlink(fifo);
	make_file(bench->path, 0);
	assert_string_equal(refusal(bench, bench->path, 512, false), "is empty (0 bytes)");
	make_file(bench->path, 1000);
	assert_string_equal(refusal(bench, bench->path, 0, false),
			    "its length, 1000 bytes, is not a multiple of the 512-byte block");
	make_file(bench->path, 4096 + 512);
	assert_string_equal(refusal(bench, bench->path, 512, false), "");
	assert_string_equal(refusal(bench, bench->path, 4096, false),
			    "its length, 4608 bytes, is not a multiple of the 4096-byte block");
}

static void test_lock(void **state)
{
	struct bench *bench = *state;
	static const char taken[] = "is in use by another disk or another hvis-host";
	struct disk_options options = {.path = bench->path, .read_only = true};

	open_disk(bench, true);
	assert_string_equal(refusal(bench, bench->path, 512, false), taken);
	assert_string_equal(refusal(bench, bench->path, 512, true), taken);
	disk_close(bench->disk);
	bench->disk = disk_raw_open(&options, bench->text);
	assert_true(bench->disk->read_only);
	assert_false(bench->disk->can_unmap);
	assert_string_equal(refusal(bench, bench->path, 512, true), "");
	assert_string_equal(refusal(bench, bench->path, 512, false), taken);
}

static void test_identity(void **state)
{
	struct bench *bench = *state;
	struct disk_options options = {.path = bench->path, .serial = "abc"};
	char id[32], other[96];

	strcpy(id, open_disk(bench, true)->id);
	disk_close(bench->disk);
	assert_string_equal(open_disk(bench, false)->id, id);
	disk_close(bench->disk);
	bench->disk = disk_raw_open(&options, bench->text);
	assert_string_equal(bench->disk->id, "abc");
	disk_close(bench->disk);
	snprintf(other, sizeof(other), "%s/other", bench->folder);
	assert_int_equal(rename(bench->path, other), 0);
	strcpy(bench->path, other);
	assert_string_not_equal(open_disk(bench, true)->id, id);
}

static void test_null(void **state)
{
	struct bench *bench = *state;
	struct disk_options options = {
		.null_bytes = 1ull << 40, .block_bytes = 4096, .unmap = true};
	uint8_t data[4096], before[4096];

	memset(data, 0x55, sizeof(data));
	memcpy(before, data, sizeof(data));
	bench->disk = disk_null_open(&options, bench->text);
	assert_int_equal(bench->disk->bytes, 1ull << 40);
	assert_int_equal(bench->disk->block_bytes, 4096);
	assert_string_equal(bench->disk->id, "");
	assert_int_equal(move(bench, DISK_READ, (1ull << 40) - 4096, data, 4096), 0);
	assert_memory_equal(data, before, 4096);
	assert_int_equal(move(bench, DISK_WRITE, 0, data, 4096), 0);
	assert_int_equal(run(bench, DISK_FLUSH, 0, 0, NULL, 0), 0);
	assert_int_equal(run(bench, DISK_UNMAP, 0, 1ull << 30, NULL, 0), 0);
	assert_int_equal(bench->loop.steps, 0);
	options.null_bytes = 1000;
	assert_null(disk_null_open(&options, bench->text));
	assert_string_equal(bench->text,
			    "1000 bytes: must be a positive multiple of the 4096-byte block");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_geometry), TEST(test_round_trip_direct), TEST(test_round_trip_buffered),
		TEST(test_short),    TEST(test_interrupted),	   TEST(test_misaligned),
		TEST(test_errors),   TEST(test_flush_and_fua),	   TEST(test_unmap_is_a_hole),
		TEST(test_zero),     TEST(test_zeros_instead),	   TEST(test_open_refused),
		TEST(test_lock),     TEST(test_identity),	   TEST(test_null),
		TEST(test_failed_flush_is_remembered), TEST(test_failed_fua_is_remembered),
	};

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
