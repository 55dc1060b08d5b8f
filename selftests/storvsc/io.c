// SPDX-License-Identifier: GPL-2.0
/*
 * Block IO through the driver under test, seen from user space: what is written is read back, at every size and
 * alignment; discard, write zeroes, flush and read-only do what the block layer promises.
 * Disks by LUN: 0 read-write 512-byte blocks, 1 read-write 4-KiB blocks, 2 read-only. All O_DIRECT.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kselftest_harness.h"

#define LUN_RW 0
#define LUN_4K 1
#define LUN_READ_ONLY 2
#define IO_MAX (1u << 20)
#define ALIGN 4096

/* Opens the block device of a LUN; -1 if there is none. */
static int open_lun(int lun, int flags)
{
	char pattern[96], path[64];
	glob_t found;
	int fd = -1;

	snprintf(pattern, sizeof(pattern), "/sys/class/scsi_disk/*:%d/device/block/*", lun);
	if (glob(pattern, 0, NULL, &found) == 0) {
		snprintf(path, sizeof(path), "/dev/%s", strrchr(found.gl_pathv[0], '/') + 1);
		fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	}
	globfree(&found);
	return fd;
}

/* A pattern that differs at every offset of the disk and in every round. */
static void fill(uint64_t *words, size_t bytes, uint64_t offset, uint64_t seed)
{
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		words[i] = (offset + i * 8 + seed) * 0x9E3779B97F4A7C15ull;
}

static bool filled(const uint64_t *words, size_t bytes, uint64_t offset, uint64_t seed)
{
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		if (words[i] != (offset + i * 8 + seed) * 0x9E3779B97F4A7C15ull)
			return false;
	return true;
}

static bool all_zero(const uint8_t *bytes, size_t count)
{
	return !*bytes && !memcmp(bytes, bytes + 1, count - 1);
}

FIXTURE(disk)
{
	int fd;
	uint8_t *out, *in;
};

FIXTURE_SETUP(disk)
{
	self->fd = open_lun(LUN_RW, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, posix_memalign((void **)&self->out, ALIGN, IO_MAX + ALIGN));
	ASSERT_EQ(0, posix_memalign((void **)&self->in, ALIGN, IO_MAX + ALIGN));
}

FIXTURE_TEARDOWN(disk)
{
	close(self->fd);
	free(self->out);
	free(self->in);
}

TEST_F(disk, every_size_comes_back)
{
	size_t bytes;

	for (bytes = 512; bytes <= IO_MAX; bytes = bytes * 3 / 2 / 512 * 512 + 512) {
		off_t offset = (off_t)bytes * 3;

		fill((uint64_t *)self->out, bytes, offset, bytes);
		ASSERT_EQ(bytes, pwrite(self->fd, self->out, bytes, offset));
		memset(self->in, 0xee, bytes);
		ASSERT_EQ(bytes, pread(self->fd, self->in, bytes, offset));
		ASSERT_TRUE(filled((uint64_t *)self->in, bytes, offset, bytes));
	}
}

/* Buffers that start inside a page: first and last page number of the range are partial. */
TEST_F(disk, unaligned_buffers_come_back)
{
	size_t skew;

	for (skew = 512; skew < ALIGN; skew += 512) {
		uint64_t *out = (uint64_t *)(self->out + skew), *in = (uint64_t *)(self->in + skew);
		size_t bytes = 64 * 1024 + skew;

		fill(out, bytes, 1 << 20, skew);
		ASSERT_EQ(bytes, pwrite(self->fd, out, bytes, 1 << 20));
		ASSERT_EQ(bytes, pread(self->fd, in, bytes, 1 << 20));
		ASSERT_TRUE(filled(in, bytes, 1 << 20, skew));
	}
}

TEST_F(disk, neighbours_stay_untouched)
{
	fill((uint64_t *)self->out, 3 * 512, 0, 7);
	ASSERT_EQ(3 * 512, pwrite(self->fd, self->out, 3 * 512, 8192));
	fill((uint64_t *)self->out, 512, 0, 8);
	ASSERT_EQ(512, pwrite(self->fd, self->out, 512, 8192 + 512));
	ASSERT_EQ(3 * 512, pread(self->fd, self->in, 3 * 512, 8192));
	EXPECT_TRUE(filled((uint64_t *)self->in, 512, 0, 7));
	EXPECT_TRUE(filled((uint64_t *)(self->in + 512), 512, 0, 8));
	EXPECT_TRUE(filled((uint64_t *)(self->in + 1024), 512, 1024, 7));
}

TEST_F(disk, discard_reads_back_zero)
{
	uint64_t range[2] = { 4 << 20, 1 << 20 };

	fill((uint64_t *)self->out, IO_MAX, 4 << 20, 1);
	ASSERT_EQ(IO_MAX, pwrite(self->fd, self->out, IO_MAX, 4 << 20));
	ASSERT_EQ(0, ioctl(self->fd, BLKDISCARD, range));
	ASSERT_EQ(IO_MAX, pread(self->fd, self->in, IO_MAX, 4 << 20));
	EXPECT_TRUE(all_zero(self->in, IO_MAX));
}

TEST_F(disk, write_zeroes)
{
	uint64_t range[2] = { 6 << 20, 256 << 10 };

	fill((uint64_t *)self->out, IO_MAX, 6 << 20, 2);
	ASSERT_EQ(IO_MAX, pwrite(self->fd, self->out, IO_MAX, 6 << 20));
	ASSERT_EQ(0, ioctl(self->fd, BLKZEROOUT, range));
	ASSERT_EQ(IO_MAX, pread(self->fd, self->in, IO_MAX, 6 << 20));
	EXPECT_TRUE(all_zero(self->in, 256 << 10));
	EXPECT_TRUE(filled((uint64_t *)(self->in + (256 << 10)), IO_MAX - (256 << 10), (6 << 20) + (256 << 10), 2));
}

TEST_F(disk, flush_succeeds)
{
	fill((uint64_t *)self->out, 4096, 0, 3);
	ASSERT_EQ(4096, pwrite(self->fd, self->out, 4096, 0));
	EXPECT_EQ(0, fsync(self->fd));
}

TEST_F(disk, end_of_disk)
{
	uint64_t bytes;

	ASSERT_EQ(0, ioctl(self->fd, BLKGETSIZE64, &bytes));
	fill((uint64_t *)self->out, 512, bytes - 512, 4);
	ASSERT_EQ(512, pwrite(self->fd, self->out, 512, bytes - 512));
	ASSERT_EQ(512, pread(self->fd, self->in, 4096, bytes - 512));
	EXPECT_TRUE(filled((uint64_t *)self->in, 512, bytes - 512, 4));
	EXPECT_EQ(0, pread(self->fd, self->in, 512, bytes));
}

struct worker {
	pthread_t thread;
	int number;
	int fd;
	int bad;
};

/* Each worker owns 1 MiB of the disk and rewrites it in pieces of changing size. */
static void *hammer(void *argument)
{
	struct worker *worker = argument;
	off_t base = (8 + worker->number) * (off_t)IO_MAX;
	uint8_t *buffer;
	int round;

	if (posix_memalign((void **)&buffer, ALIGN, IO_MAX))
		return NULL;
	for (round = 0; round < 24; round++) {
		size_t bytes = 4096u << (round % 7);
		off_t at = base + (round * 4096) % (IO_MAX - bytes + 4096) / 4096 * 4096;

		fill((uint64_t *)buffer, bytes, at, round);
		worker->bad |= pwrite(worker->fd, buffer, bytes, at) != (ssize_t)bytes;
		memset(buffer, 0, bytes);
		worker->bad |= pread(worker->fd, buffer, bytes, at) != (ssize_t)bytes;
		worker->bad |= !filled((uint64_t *)buffer, bytes, at, round);
	}
	free(buffer);
	return NULL;
}

TEST_F(disk, eight_threads_at_once)
{
	struct worker workers[8];
	int i;

	for (i = 0; i < 8; i++) {
		workers[i] = (struct worker){ .number = i, .fd = self->fd };
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, hammer, &workers[i]));
	}
	for (i = 0; i < 8; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(0, workers[i].bad);
	}
}

TEST(logical_block_sizes)
{
	int fd, size;

	fd = open_lun(LUN_RW, O_RDONLY);
	ASSERT_EQ(0, ioctl(fd, BLKSSZGET, &size));
	EXPECT_EQ(512, size);
	close(fd);
	fd = open_lun(LUN_4K, O_RDONLY);
	ASSERT_EQ(0, ioctl(fd, BLKSSZGET, &size));
	EXPECT_EQ(4096, size);
	close(fd);
}

TEST(four_kib_blocks_come_back)
{
	int fd = open_lun(LUN_4K, O_RDWR);
	uint64_t *out, *in;

	ASSERT_EQ(0, posix_memalign((void **)&out, ALIGN, 65536));
	ASSERT_EQ(0, posix_memalign((void **)&in, ALIGN, 65536));
	fill(out, 65536, 12288, 5);
	ASSERT_EQ(65536, pwrite(fd, out, 65536, 12288));
	ASSERT_EQ(65536, pread(fd, in, 65536, 12288));
	EXPECT_TRUE(filled(in, 65536, 12288, 5));
	EXPECT_EQ(-1, pread(fd, in, 512, 0));
	close(fd);
}

TEST(read_only_disk_refuses_writes)
{
	int fd = open_lun(LUN_READ_ONLY, O_RDONLY), read_only = 0;
	void *buffer;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, BLKROGET, &read_only));
	EXPECT_EQ(1, read_only);
	ASSERT_EQ(0, posix_memalign(&buffer, ALIGN, 4096));
	EXPECT_EQ(4096, pread(fd, buffer, 4096, 0));
	close(fd);
	fd = open_lun(LUN_READ_ONLY, O_RDWR);
	if (fd >= 0) {
		EXPECT_NE(4096, pwrite(fd, buffer, 4096, 0));
		close(fd);
	}
}

TEST_HARNESS_MAIN
