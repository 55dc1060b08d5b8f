// SPDX-License-Identifier: GPL-2.0
/*
 * Flushes of one raw disk, one fdatasync at a time. The kernel tells of data that it could not write
 * back once, to one caller, and then takes the pages for clean: of two that run at once one fails
 * and the other succeeds, though the lost data may be what that other one promised. So those that
 * come while one runs wait for the next, which covers all of them; each hears its own run's result.
 * Invariant: whoever set `running` starts the next run or clears it, under the lock; a run's members
 * are taken when it starts, and later ones are never among them.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "disk_raw.h"
#include "log.h"

static void finish_called(struct loop_work *work)
{
	struct disk_request *request =
		(struct disk_request *)((char *)work - offsetof(struct disk_request, work));

	request->finished(request, request->error);
}

/* A request ends in its own loop's thread; it may be gone as soon as that has been asked for. */
static void finish(struct disk_request *request, const struct loop *here, int error)
{
	if (request->loop == here) {
		request->finished(request, error);
		return;
	}
	request->error = error;
	request->work.run = finish_called;
	loop_call(request->loop, &request->work);
}

static void submit(struct disk_request *leader)
{
	const struct disk_raw *raw = disk_raw_of(leader->disk);

	io_uring_prep_fsync(loop_sqe(leader->loop, &leader->op), raw->fd, IORING_FSYNC_DATASYNC);
}

/*
 * After a promise could not be kept, none is made any more: what was lost is not told apart, and the
 * next fdatasync would succeed. Return: the error for this run.
 */
static int keep(struct disk_raw *raw, int error)
{
	int kept = 0;

	if (error && atomic_compare_exchange_strong(&raw->lost, &kept, error))
		log_error("disk %s: flush failed: %s; no flush will succeed any more",
			  raw->disk.path, strerror(-error));
	return atomic_load(&raw->lost);
}

static void run_done(struct loop_op *op, int result);

/* In the thread of @leader, the first of those that wait: they are the run's members now. */
static void start_run(struct disk_request *leader)
{
	struct disk_flush *flush = &disk_raw_of(leader->disk)->flush;

	pthread_mutex_lock(&flush->lock);
	flush->members = flush->waiting;
	flush->waiting = NULL;
	flush->last = &flush->waiting;
	pthread_mutex_unlock(&flush->lock);
	leader->op.done = run_done;
	submit(leader);
}

static void start_called(struct loop_work *work)
{
	start_run((struct disk_request *)((char *)work - offsetof(struct disk_request, work)));
}

static void run_done(struct loop_op *op, int result)
{
	struct disk_request *leader =
		(struct disk_request *)((char *)op - offsetof(struct disk_request, op));
	struct disk_raw *raw = disk_raw_of(leader->disk);
	struct disk_request *request, *next;
	struct loop *here = leader->loop;
	int error;

	if (result == -EINTR || result == -EAGAIN) {
		submit(leader);
		return;
	}
	error = keep(raw, result < 0 ? result : 0);
	pthread_mutex_lock(&raw->flush.lock);
	request = raw->flush.members;
	raw->flush.members = NULL;
	next = raw->flush.waiting;
	raw->flush.running = next;
	pthread_mutex_unlock(&raw->flush.lock);
	/* Before the members hear of it: with the last of them the disk may be closed. */
	if (next) {
		next->work.run = start_called;
		loop_call(next->loop, &next->work);
	}
	while (request) {
		next = request->next;
		finish(request, here, error);
		request = next;
	}
}

void disk_raw_flush(struct disk_request *request)
{
	struct disk_raw *raw = disk_raw_of(request->disk);
	bool first;

	request->next = NULL;
	pthread_mutex_lock(&raw->flush.lock);
	first = !raw->flush.running;
	raw->flush.running = true;
	*raw->flush.last = request;
	raw->flush.last = &request->next;
	pthread_mutex_unlock(&raw->flush.lock);
	if (first)
		start_run(request);
}

void disk_raw_flush_init(struct disk_raw *raw)
{
	pthread_mutex_init(&raw->flush.lock, NULL);
	raw->flush.last = &raw->flush.waiting;
}

void disk_raw_flush_destroy(struct disk_raw *raw)
{
	pthread_mutex_destroy(&raw->flush.lock);
}
