// SPDX-License-Identifier: GPL-2.0
/*
 * Opening a raw image or block device: what it is, how large, what it can do, and that nobody else
 * writes to it; and changing its size. IO is disk_raw.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "disk_raw.h"
#include "error.h"

/*
 * O_NONBLOCK so that a FIFO is refused below instead of waited for; it would make io_uring give up
 * early later.
 */
static int open_file(const struct disk_options *options, char *error)
{
	int fd = open(options->path,
		      (options->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == EROFS || errno == EACCES) && !options->read_only &&
	    !access(options->path, R_OK))
		return error_set(error, "%s for writing (\",ro\" opens it for reading)", strerror(errno));
	if (fd < 0)
		return error_set(error, "%s", strerror(errno));
	fcntl(fd, F_SETFL, 0);
	return fd;
}

static uint64_t file_size(int fd, const struct stat *st)
{
	uint64_t bytes = 0;

	if (S_ISREG(st->st_mode))
		return (uint64_t)st->st_size;
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		return 0;
	return bytes;
}

static int check_size(uint64_t bytes, uint32_t block, char *error)
{
	if (!bytes)
		return error_set(error, "is empty (0 bytes)");
	if (bytes % block)
		return error_set(error, "its length, %llu bytes, is not a multiple of the %u-byte block", (unsigned long long)bytes, block);
	return 0;
}

/*
 * One writer, or any number of readers. An open-file-description lock, because it also holds
 * between two disks of one process. File systems without locks are trusted.
 */
static int lock_file(int fd, bool read_only, char *error)
{
	struct flock lock = {.l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return 0;
	return error_set(error, "is in use by another disk or another hvis-host");
}

/*
 * The file once more with O_DIRECT. Return: the descriptor, or -1 where that is refused or the name
 * now means another.
 */
static int open_direct(const struct disk_options *options, const struct stat *st)
{
	int fd = open(options->path,
		      (options->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_DIRECT);
	struct stat again;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &again) && again.st_dev == st->st_dev && again.st_ino == st->st_ino)
		return fd;
	close(fd);
	return -1;
}

static bool device_can_unmap(dev_t device)
{
	static const char *const forms[] = {"/sys/dev/block/%u:%u/queue/discard_max_bytes",
					    "/sys/dev/block/%u:%u/../queue/discard_max_bytes"};
	unsigned long long bytes = 0;

	for (unsigned int i = 0; i < 2 && !bytes; i++) {
		char path[80];
		FILE *file;

		snprintf(path, sizeof(path), forms[i], major(device), minor(device));
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%llu", &bytes) != 1)
			bytes = 0;
		fclose(file);
	}
	return bytes;
}

/*
 * A hole behind the end changes nothing, but a file system without holes refuses it all the same.
 */
static bool can_unmap(const struct disk_raw *raw, const struct stat *st)
{
	if (S_ISBLK(st->st_mode))
		return device_can_unmap(st->st_rdev);
	return !fallocate(raw->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, st->st_size, 4096);
}

static uint32_t physical_bytes(int fd, const struct stat *st, uint32_t block)
{
	unsigned int bytes = 4096;

	if (S_ISBLK(st->st_mode) && ioctl(fd, BLKPBSZGET, &bytes))
		bytes = 4096;
	return bytes < block || bytes & (bytes - 1) ? block : bytes;
}

/* The same name for the same path on every run: FNV-1a of the absolute path. */
static void make_id(struct disk *disk, const struct disk_options *options)
{
	unsigned long long hash = 0xCBF29CE484222325ull;
	char *full;

	if (options->serial) {
		snprintf(disk->id, sizeof(disk->id), "%s", options->serial);
		return;
	}
	full = realpath(options->path, NULL);
	for (const char *c = full ? full : options->path; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001B3ull;
	free(full);
	snprintf(disk->id, sizeof(disk->id), "hvis-%016llx", hash);
}

static int examine(struct disk_raw *raw, const struct disk_options *options, char *error)
{
	struct disk *disk = &raw->disk;
	struct stat st;

	if (fstat(raw->fd, &st))
		return error_set(error, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return error_set(error, "%s", strerror(EISDIR));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(error, "is neither a file nor a block device");
	disk->bytes = file_size(raw->fd, &st);
	disk->block_bytes = options->block_bytes ? options->block_bytes : 512;
	if (check_size(disk->bytes, disk->block_bytes, error) ||
	    lock_file(raw->fd, options->read_only, error))
		return -1;
	if (options->direct)
		raw->direct_fd = open_direct(options, &st);
	disk->buffered = raw->direct_fd < 0;
	disk->physical_bytes = physical_bytes(raw->fd, &st, disk->block_bytes);
	disk->read_only = options->read_only;
	disk->can_unmap = options->unmap && !options->read_only && can_unmap(raw, &st);
	return 0;
}

struct disk *disk_raw_open(const struct disk_options *options, char *error)
{
	struct disk_raw *raw = calloc(1, sizeof(*raw));

	if (!raw) {
		error_set(error, "%s", strerror(ENOMEM));
		return NULL;
	}
	raw->direct_fd = -1;
	disk_raw_flush_init(raw);
	raw->disk.ops = &disk_raw_ops;
	raw->fd = open_file(options, error);
	if (raw->fd < 0)
		goto free_raw;
	if (examine(raw, options, error))
		goto close_fd;
	make_id(&raw->disk, options);
	snprintf(raw->disk.path, sizeof(raw->disk.path), "%s", options->path);
	return &raw->disk;

close_fd:
	close(raw->fd);
free_raw:
	disk_raw_flush_destroy(raw);
	free(raw);
	return NULL;
}

/* A device has the size it has, and so has a file that we only read: somebody else changes it. */
int disk_raw_resize(struct disk *disk, uint64_t bytes, char *error)
{
	const struct disk_raw *raw = disk_raw_of(disk);
	struct stat st;
	uint64_t now;
	int ret;

	if (fstat(raw->fd, &st)) {
		ret = -errno;
		error_set(error, "%s", strerror(-ret));
		return ret;
	}
	now = file_size(raw->fd, &st);
	if (now == bytes)
		return 0;
	if (!S_ISREG(st.st_mode) || disk->read_only) {
		error_set(error, "%s: its size is %llu bytes", disk->read_only ? "is opened for reading" : "is a block device",
			  (unsigned long long)now);
		return -EINVAL;
	}
	if (!ftruncate(raw->fd, (off_t)bytes))
		return 0;
	ret = -errno;
	error_set(error, "%s", strerror(-ret));
	return ret;
}
