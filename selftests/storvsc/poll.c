// SPDX-License-Identifier: GPL-2.0
/*
 * Polled IO (io_uring with IOPOLL) on LUN 0: it completes without an interrupt for those who poll, and soon for those who
 * do not. Needs the driver loaded with mq_poll=; without poll queues all is skipped.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <liburing.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "kselftest_harness.h"

#define DEPTH 16
#define BLOCK 4096

static char disk[32]; /* "sda" */

static bool find_disk(void)
{
	glob_t found;
	bool there = !glob("/sys/class/scsi_disk/*:0/device/block/*", 0, NULL, &found);

	if (there)
		snprintf(disk, sizeof(disk), "%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	return there;
}

static long read_number(const char *format, const char *name)
{
	char path[128], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), format, name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return atol(text);
}

static long reaped(void)
{
	long sum = 0;
	glob_t found;
	size_t i;

	if (glob("/sys/class/scsi_host/*/reaped", 0, NULL, &found))
		return -1;
	for (i = 0; i < found.gl_pathc; i++)
		sum += read_number("%s", found.gl_pathv[i]);
	globfree(&found);
	return sum;
}

/* All interrupts of the bus so far. */
static unsigned long interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	unsigned long sum = 0;
	char line[4096], *at;

	while (file && fgets(line, sizeof(line), file)) {
		if (!strstr(line, "hvis-synic") || !(at = strchr(line, ':')))
			continue;
		for (at++; isspace((unsigned char)*at) || isdigit((unsigned char)*at);) {
			char *end;
			unsigned long value = strtoul(at, &end, 10);

			if (end == at)
				break;
			sum += value;
			at = end;
		}
	}
	if (file)
		fclose(file);
	return sum;
}

/* Commands of the disk that are in flight. */
static long in_flight(void)
{
	char path[128];
	long reads = -1, writes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/block/%s/inflight", disk);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%ld %ld", &reads, &writes) != 2)
		reads = -1;
	if (file)
		fclose(file);
	return reads < 0 ? -1 : reads + writes;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * Nobody tells when the last one is back and the timer has counted it (one more than @counted, or -1: never mind), so
 * look every ms. Return: seconds it took, or -1.
 */
static double until_idle(double limit, long counted)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	double begin = now();

	while (in_flight() != 0 || reaped() <= counted) {
		if (now() - begin > limit)
			return -1;
		nanosleep(&pause, NULL);
	}
	return now() - begin;
}

FIXTURE(poll)
{
	struct io_uring ring;
	int fd;
	void *buffers;
};

FIXTURE_SETUP(poll)
{
	char path[64];

	ASSERT_TRUE(find_disk());
	if (read_number("/sys/block/%s/queue/io_poll", disk) != 1)
		SKIP(return, "no poll queues");
	snprintf(path, sizeof(path), "/dev/%s", disk);
	self->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, posix_memalign(&self->buffers, BLOCK, DEPTH * BLOCK));
	ASSERT_EQ(0, io_uring_queue_init(DEPTH, &self->ring, IORING_SETUP_IOPOLL));
}

FIXTURE_TEARDOWN(poll)
{
	if (!self->buffers)
		return;
	io_uring_queue_exit(&self->ring);
	free(self->buffers);
	close(self->fd);
}

static int submit_reads(struct io_uring *ring, int fd, char *buffers, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		io_uring_prep_read(io_uring_get_sqe(ring), fd, buffers + i * BLOCK, BLOCK, (uint64_t)i * BLOCK);
	return io_uring_submit(ring);
}

/* io_uring_submit() polls once on such a ring; this only submits. Return: how many. */
static int submit_reads_only(struct io_uring *ring, int fd, char *buffers, unsigned int count)
{
	unsigned int tail = *ring->sq.ktail, mask = *ring->sq.kring_mask, i;

	for (i = 0; i < count; i++)
		io_uring_prep_read(io_uring_get_sqe(ring), fd, buffers + i * BLOCK, BLOCK, (uint64_t)i * BLOCK);
	for (; ring->sq.sqe_head != ring->sq.sqe_tail; ring->sq.sqe_head++, tail++)
		ring->sq.array[tail & mask] = ring->sq.sqe_head & mask;
	io_uring_smp_store_release(ring->sq.ktail, tail);
	return (int)syscall(__NR_io_uring_enter, ring->ring_fd, count, 0, 0, NULL, 0);
}

/* Return: how many of @count came back whole. */
static unsigned int collect_reads(struct io_uring *ring, unsigned int count)
{
	struct io_uring_cqe *cqe;
	unsigned int good = 0;

	while (count--) {
		if (io_uring_wait_cqe(ring, &cqe))
			break;
		good += cqe->res == BLOCK;
		io_uring_cqe_seen(ring, cqe);
	}
	return good;
}

TEST_F(poll, pollers_need_no_interrupt)
{
	unsigned long before;
	int round;

	ASSERT_EQ(DEPTH, submit_reads(&self->ring, self->fd, self->buffers, DEPTH));
	ASSERT_EQ(DEPTH, collect_reads(&self->ring, DEPTH));
	before = interrupts();
	ASSERT_GT(before, 0);
	for (round = 0; round < 64; round++) {
		ASSERT_EQ(DEPTH, submit_reads(&self->ring, self->fd, self->buffers, DEPTH));
		ASSERT_EQ(DEPTH, collect_reads(&self->ring, DEPTH));
	}
	TH_LOG("%lu interrupts for %u reads", interrupts() - before, 64 * DEPTH);
	EXPECT_EQ(before, interrupts());
}

TEST_F(poll, what_nobody_polls_for_ends_soon)
{
	long before = reaped();
	double took;

	ASSERT_EQ(DEPTH, submit_reads_only(&self->ring, self->fd, self->buffers, DEPTH));
	took = until_idle(2, before);
	TH_LOG("idle after %.1f ms, %ld reaped", took * 1000, reaped() - before);
	EXPECT_GE(took, 0);
	EXPECT_GT(reaped(), before);
	EXPECT_EQ(DEPTH, collect_reads(&self->ring, DEPTH));
}

/* Polls for ever, or until it is killed. */
static void poller(int fd, void *buffers, int ready)
{
	struct io_uring ring;

	if (io_uring_queue_init(DEPTH, &ring, IORING_SETUP_IOPOLL))
		_exit(1);
	for (;;) {
		if (submit_reads(&ring, fd, buffers, DEPTH) != DEPTH || collect_reads(&ring, DEPTH) != DEPTH)
			_exit(2);
		if (ready >= 0 && write(ready, "", 1) != 1)
			_exit(3);
		ready = -1;
	}
}

TEST_F(poll, a_killed_poller_leaves_nothing)
{
	int pipes[2], status, round;
	char byte;
	pid_t child;

	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, pipe(pipes));
		child = fork();
		ASSERT_GE(child, 0);
		if (!child)
			poller(self->fd, self->buffers, pipes[1]);
		close(pipes[1]);
		ASSERT_EQ(1, read(pipes[0], &byte, 1));
		close(pipes[0]);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		EXPECT_GE(until_idle(2, -1), 0);
	}
	ASSERT_EQ(DEPTH, submit_reads(&self->ring, self->fd, self->buffers, DEPTH));
	EXPECT_EQ(DEPTH, collect_reads(&self->ring, DEPTH));
}

TEST_HARNESS_MAIN
