// SPDX-License-Identifier: GPL-2.0
/*
 * IO on a raw image or block device through the caller's io_uring: data straight from and to the
 * iovec. A request takes one submission after another until all its bytes are done; which kind the
 * next one is stands in request->step. What O_DIRECT or the file system cannot do is done in a
 * slower way, not refused. Flushes are disk_raw_flush.c's.
 * Invariant: one submission of a request is in flight at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "disk_raw.h"

/* A write of zeros takes its data from here, the same bytes again and again. */
#define ZERO_BYTES  65536u
#define ZERO_PIECES 16u
/*
 * Copies to or from the page cache of this size are left to the kernel's threads: else one request's copy holds up the next one's, and the
 * answers of both come after the last.
 */
#define ASYNC_BYTES (256u << 10)
#define ALLOCATE_BYTES_MAX \
	(1ull << 40) /* of one fallocate; keeps off_t arithmetic away from its end */

enum step {
	STEP_START, /* nothing submitted yet; must be 0 */
	STEP_DIRECT, /* readv or writev with O_DIRECT */
	STEP_BUFFERED, /* the same through the page cache */
	STEP_ALLOCATE, /* punch a hole, or zero a range */
	STEP_ZEROS, /* write zeros */
};

static _Alignas(4096) const uint8_t zeros[ZERO_BYTES];

/* The kernel only reads through them. */
#define ZERO_PIECE                                               \
	{                                                        \
		.iov_base = (void *)zeros, .iov_len = ZERO_BYTES \
	}
static const struct iovec zero_pieces[ZERO_PIECES] = {
	ZERO_PIECE, ZERO_PIECE, ZERO_PIECE, ZERO_PIECE, ZERO_PIECE, ZERO_PIECE,
	ZERO_PIECE, ZERO_PIECE, ZERO_PIECE, ZERO_PIECE, ZERO_PIECE, ZERO_PIECE,
	ZERO_PIECE, ZERO_PIECE, ZERO_PIECE, ZERO_PIECE,
};

static uint64_t left(const struct disk_request *request)
{
	return request->bytes - request->moved;
}

static void prepare_transfer(struct io_uring_sqe *sqe, int fd, const struct disk_request *request)
{
	unsigned int count = request->iov_count < IOV_MAX ? request->iov_count : IOV_MAX;
	uint64_t offset = request->offset + request->moved;

	if (request->what == DISK_READ)
		io_uring_prep_readv(sqe, fd, request->iov, count, offset);
	else
		io_uring_prep_writev2(sqe, fd, request->iov, count, offset,
				      request->fua && request->step == STEP_DIRECT ? RWF_DSYNC : 0);
}

static void prepare_allocate(struct io_uring_sqe *sqe, int fd, const struct disk_request *request)
{
	int how = request->what == DISK_UNMAP ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
	uint64_t bytes = left(request) < ALLOCATE_BYTES_MAX ? left(request) : ALLOCATE_BYTES_MAX;

	io_uring_prep_fallocate(sqe, fd, how | FALLOC_FL_KEEP_SIZE,
				(off_t)(request->offset + request->moved), (off_t)bytes);
}

static void prepare_zeros(struct io_uring_sqe *sqe, int fd, const struct disk_request *request)
{
	uint64_t bytes = left(request), offset = request->offset + request->moved;
	uint64_t pieces = bytes / ZERO_BYTES;

	if (pieces)
		io_uring_prep_writev(sqe, fd, zero_pieces,
				     pieces < ZERO_PIECES ? pieces : ZERO_PIECES, offset);
	else
		io_uring_prep_write(sqe, fd, zeros, (unsigned int)bytes, offset);
}

/* Promises that what it, or what was written before it, is on the medium when it is done. */
static bool promises(const struct disk_request *request)
{
	return request->what == DISK_FLUSH || (request->what == DISK_WRITE && request->fua);
}

/* See disk_raw_flush.c: after a promise could not be kept, none is made any more. */
static void finish(struct disk_request *request, int error)
{
	struct disk_raw *raw = disk_raw_of(request->disk);

	if (!error && promises(request))
		error = atomic_load(&raw->lost);
	request->finished(request, error);
}

/*
 * All bytes are moved. With O_DIRECT a write with FUA is stable by now (RWF_DSYNC), and an error was
 * its own; in the page cache its pages share the file's one error with everybody else's.
 */
static void transfer_ends(struct disk_request *request)
{
	if (request->what == DISK_WRITE && request->fua && request->step == STEP_BUFFERED)
		disk_raw_flush(request);
	else
		finish(request, 0);
}

static void submit_step(struct disk_request *request, enum step step)
{
	const struct disk_raw *raw = disk_raw_of(request->disk);
	struct io_uring_sqe *sqe = loop_sqe(request->loop, &request->op);

	request->step = step;
	switch (step) {
	case STEP_DIRECT:
		prepare_transfer(sqe, raw->direct_fd, request);
		break;
	case STEP_BUFFERED:
		prepare_transfer(sqe, raw->fd, request);
		if (left(request) >= ASYNC_BYTES)
			sqe->flags |= IOSQE_ASYNC;
		break;
	case STEP_ALLOCATE:
		prepare_allocate(sqe, raw->fd, request);
		break;
	default:
		prepare_zeros(sqe, raw->fd, request);
		break;
	}
}

/* Cut @bytes off the front of what is left to transfer. */
static void advance(struct disk_request *request, uint64_t bytes)
{
	while (bytes && bytes >= request->iov->iov_len) {
		bytes -= request->iov->iov_len;
		request->iov++;
		request->iov_count--;
	}
	if (bytes) {
		request->iov->iov_base = (uint8_t *)request->iov->iov_base + bytes;
		request->iov->iov_len -= bytes;
	}
}

/*
 * A short transfer goes on where it stopped. O_DIRECT refuses memory or offsets that are not
 * aligned to the file system's idea of a block with EINVAL: the page cache takes them. Nothing at
 * all means that the file has shrunk.
 */
static void transferred(struct disk_request *request, int result)
{
	if (result == -EINVAL && request->step == STEP_DIRECT) {
		submit_step(request, STEP_BUFFERED);
		return;
	}
	if (result <= 0 || (uint64_t)result > left(request)) {
		finish(request, result < 0 ? result : -EIO);
		return;
	}
	request->moved += (uint64_t)result;
	if (!left(request)) {
		transfer_ends(request);
		return;
	}
	advance(request, (uint64_t)result);
	submit_step(request, request->step);
}

/*
 * Where a hole or a zeroed range cannot be had (file system, alignment of a device), zeros are
 * written.
 */
static void allocated(struct disk_request *request, int result)
{
	uint64_t bytes = left(request) < ALLOCATE_BYTES_MAX ? left(request) : ALLOCATE_BYTES_MAX;

	if (result == -EOPNOTSUPP || result == -EINVAL) {
		submit_step(request, STEP_ZEROS);
		return;
	}
	if (result < 0) {
		finish(request, result);
		return;
	}
	request->moved += bytes;
	if (left(request))
		submit_step(request, STEP_ALLOCATE);
	else
		finish(request, 0);
}

static void zeroed(struct disk_request *request, int result)
{
	if (result <= 0 || (uint64_t)result > left(request)) {
		finish(request, result < 0 ? result : -EIO);
		return;
	}
	request->moved += (uint64_t)result;
	if (left(request))
		submit_step(request, STEP_ZEROS);
	else
		finish(request, 0);
}

static void step_done(struct loop_op *op, int result)
{
	struct disk_request *request =
		(struct disk_request *)((char *)op - offsetof(struct disk_request, op));

	if (result == -EINTR || result == -EAGAIN) {
		submit_step(request, request->step);
		return;
	}
	switch (request->step) {
	case STEP_DIRECT:
	case STEP_BUFFERED:
		transferred(request, result);
		break;
	case STEP_ALLOCATE:
		allocated(request, result);
		break;
	default:
		zeroed(request, result);
		break;
	}
}

static enum step first_step(const struct disk_raw *raw, const struct disk_request *request)
{
	if (request->what == DISK_UNMAP || request->what == DISK_ZERO)
		return STEP_ALLOCATE;
	return raw->direct_fd >= 0 ? STEP_DIRECT : STEP_BUFFERED;
}

static void submit(struct disk *disk, struct disk_request *request)
{
	request->op.done = step_done;
	request->disk = disk;
	request->moved = 0;
	if ((!request->bytes && request->what != DISK_FLUSH) ||
	    (promises(request) && atomic_load(&disk_raw_of(disk)->lost)))
		finish(request, 0);
	else if (request->what == DISK_FLUSH)
		disk_raw_flush(request);
	else
		submit_step(request, first_step(disk_raw_of(disk), request));
}

static void close_raw(struct disk *disk)
{
	struct disk_raw *raw = disk_raw_of(disk);

	if (raw->direct_fd >= 0)
		close(raw->direct_fd);
	close(raw->fd);
	disk_raw_flush_destroy(raw);
	free(raw);
}

const struct disk_ops disk_raw_ops = {
	.name = "raw", .submit = submit, .close = close_raw, .resize = disk_raw_resize};
