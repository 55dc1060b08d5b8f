// SPDX-License-Identifier: GPL-2.0
// links: host/disk_raw.c host/disk_raw_flush.c host/disk_raw_open.c host/log.c host/error.c
/*
 * Flushes of one disk from several loops, which the test runs by hand: which fdatasync answers which
 * flush, and who hears of an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk.h"
#include "error.h"
#include "log.h"

#define LOOPS	    3
#define REQUESTS    8
#define IMAGE_BYTES 65536

/* Stands for host/loop.c. What is submitted waits until the test completes it. */
struct loop {
	struct io_uring_sqe sqe;
	struct loop_op *op; /* in flight */
	struct loop_work *calls, **last;
	pthread_mutex_t lock;
};

static struct loop loops[LOOPS];
static struct loop *current; /* whose thread the test is */

struct flush {
	struct disk_request request;
	bool finished;
	int error;
};

static struct flush flushes[REQUESTS];
static struct disk *disk;
static char path[64];

struct io_uring_sqe *loop_sqe(struct loop *loop, struct loop_op *op)
{
	assert_ptr_equal(loop, current);
	assert_null(loop->op);
	loop->op = op;
	return &loop->sqe;
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	work->next = NULL;
	pthread_mutex_lock(&loop->lock);
	*loop->last = work;
	loop->last = &work->next;
	pthread_mutex_unlock(&loop->lock);
}

static struct loop_work *next_call(struct loop *loop)
{
	struct loop_work *work;

	pthread_mutex_lock(&loop->lock);
	work = loop->calls;
	if (work)
		loop->calls = work->next;
	if (!loop->calls)
		loop->last = &loop->calls;
	pthread_mutex_unlock(&loop->lock);
	return work;
}

/* One turn of a loop: what others called. */
static void turn(unsigned int number)
{
	struct loop_work *work;

	current = &loops[number];
	while ((work = next_call(current)))
		work->run(work);
	current = NULL;
}

/* The operation in flight on a loop is over. */
static void complete(unsigned int number, int result)
{
	struct loop_op *op = loops[number].op;

	assert_non_null(op);
	current = &loops[number];
	loops[number].op = NULL;
	op->done(op, result);
	current = NULL;
}

static void finished(struct disk_request *request, int error)
{
	struct flush *flush = (struct flush *)request;

	assert_false(flush->finished);
	assert_ptr_equal(request->loop, current); /* each in its own thread */
	flush->finished = true;
	flush->error = error;
}

static void start(unsigned int number, unsigned int loop)
{
	struct flush *flush = &flushes[number];

	*flush = (struct flush){.request = {.what = DISK_FLUSH,
					    .disk = disk,
					    .loop = &loops[loop],
					    .finished = finished}};
	current = &loops[loop];
	disk_submit(disk, &flush->request);
	current = NULL;
}

static bool syncing(unsigned int loop)
{
	return loops[loop].op && loops[loop].sqe.opcode == IORING_OP_FSYNC;
}

static int setup(void **state)
{
	struct disk_options options = {.path = path};
	char why[ERROR_BYTES];
	int fd;

	(void)state;
	log_set_level(LOG_ERROR - 1);
	strcpy(path, "/tmp/hvis-flush-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, IMAGE_BYTES), 0);
	close(fd);
	disk = disk_raw_open(&options, why);
	assert_non_null(disk);
	for (unsigned int i = 0; i < LOOPS; i++) {
		loops[i] = (struct loop){.last = &loops[i].calls};
		pthread_mutex_init(&loops[i].lock, NULL);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	disk_close(disk);
	unlink(path);
	return 0;
}

/* A flush that comes while one runs is not answered by that one: it may not cover its data. */
static void a_later_flush_waits_for_the_next_run(void **state)
{
	(void)state;
	start(0, 0);
	assert_true(syncing(0));
	start(1, 1);
	start(2, 2);
	start(3, 1);
	assert_false(syncing(1));
	assert_false(syncing(2));
	complete(0, 0);
	turn(0);
	assert_true(flushes[0].finished);
	assert_false(flushes[1].finished || flushes[2].finished || flushes[3].finished);
	turn(1); /* the oldest that waits leads, in its own thread, and one run does for all */
	assert_true(syncing(1));
	turn(2);
	assert_false(syncing(2));
	start(4, 2); /* too late for that run */
	complete(1, 0);
	assert_true(flushes[1].finished && flushes[3].finished);
	assert_false(flushes[2].finished);
	turn(2);
	assert_true(flushes[2].finished && !flushes[4].finished);
	assert_true(syncing(2));
	complete(2, 0);
	assert_true(flushes[4].finished);
	for (unsigned int i = 0; i <= 4; i++)
		assert_int_equal(flushes[i].error, 0);
}

/* The kernel gives the error to one fdatasync only: all who could have lost data hear of it. */
static void an_error_reaches_all(void **state)
{
	(void)state;
	start(0, 0);
	start(1, 1);
	start(2, 2);
	complete(0, -EIO);
	assert_int_equal(flushes[0].error, -EIO);
	turn(1);
	complete(1, 0); /* the kernel has forgotten by now */
	turn(2);
	assert_true(flushes[1].finished && flushes[2].finished);
	assert_int_equal(flushes[1].error, -EIO);
	assert_int_equal(flushes[2].error, -EIO);
	start(3, 0);
	assert_true(flushes[3].finished);
	assert_int_equal(flushes[3].error, -EIO);
}

static void an_interrupted_run_is_repeated(void **state)
{
	(void)state;
	start(0, 0);
	start(1, 0);
	complete(0, -EINTR);
	assert_true(syncing(0));
	assert_false(flushes[0].finished);
	complete(0, 0);
	turn(0);
	complete(0, 0);
	assert_true(flushes[0].finished && flushes[1].finished);
}

/* A write with FUA that goes through the page cache is such a flush, once its data is there. */
static void fua_waits_like_a_flush(void **state)
{
	static uint8_t data[4096];
	struct iovec iov = {data, sizeof(data)};

	(void)state;
	start(0, 0);
	flushes[1] = (struct flush){.request = {.what = DISK_WRITE,
						.fua = true,
						.bytes = sizeof(data),
						.iov = &iov,
						.iov_count = 1,
						.disk = disk,
						.loop = &loops[1],
						.finished = finished}};
	current = &loops[1];
	disk_submit(disk, &flushes[1].request);
	assert_int_equal(loops[1].sqe.opcode, IORING_OP_WRITEV);
	assert_int_equal(loops[1].sqe.rw_flags, 0);
	complete(1, sizeof(data));
	assert_false(flushes[1].finished);
	assert_null(loops[1].op);
	complete(0, -EIO);
	turn(1);
	complete(1, 0);
	assert_int_equal(flushes[1].error, -EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_later_flush_waits_for_the_next_run),
		TEST(an_error_reaches_all),
		TEST(an_interrupted_run_is_repeated),
		TEST(fua_waits_like_a_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
