// SPDX-License-Identifier: GPL-2.0
/*
 * The event loop: owns one io_uring, the list of calls from other threads and the eventfd that
 * wakes the loop for them. Leaves what the completions mean to whoever embeds a loop_op.
 * Invariant: a thread that adds a call or a stop either sees the loop awake, and the loop then
 * looks again before it sleeps, or sees it asleep and wakes it.
 */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CQES_AT_ONCE 64

struct loop {
	struct io_uring ring;
	bool disabled; /* the ring waits for its thread (IORING_SETUP_R_DISABLED) */
	void (*batch)(void *context);
	void *context;
	struct loop_eventfd wake;
	_Atomic(struct loop_work *) calls; /* newest first */
	atomic_bool asleep; /* about to wait, or waiting: whoever takes it back to false wakes */
	atomic_bool stop;
	struct {
		_Atomic uint64_t enters, sleeps, submitted, batches, completed;
	} counters; /* written by the loop's thread */
};

/* One writer: no locked instruction needed. */
static void count(_Atomic uint64_t *counter, uint64_t by)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + by, memory_order_relaxed);
}

/* @result: of io_uring_submit() or its like; without entries it calls the kernel only to sleep. */
static int entered(struct loop *loop, bool slept, int result)
{
	if (result || slept)
		count(&loop->counters.enters, 1);
	if (slept)
		count(&loop->counters.sleeps, 1);
	if (result > 0)
		count(&loop->counters.submitted, result);
	return result;
}

/*
 * The ring knows which thread uses it, and runs completion work only when that thread asks for it:
 * best first.
 */
static const unsigned int ring_flags[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		IORING_SETUP_R_DISABLED,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		IORING_SETUP_R_DISABLED,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	0,
};

static int init_ring(struct loop *loop, unsigned int entries)
{
	int error = -EINVAL;

	for (size_t i = 0; i < sizeof(ring_flags) / sizeof(ring_flags[0]); i++) {
		struct io_uring_params params = {
			.flags = ring_flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = 4 * entries,
		};

		error = io_uring_queue_init_params(entries, &loop->ring, &params);
		loop->disabled = ring_flags[i] & IORING_SETUP_R_DISABLED;
		if (error != -EINVAL)
			break;
	}
	return error;
}

/*
 * The ring belongs to the thread that enables it. (liburing 2.3 declares io_uring_enable_rings but
 * lacks it.)
 */
static int enable_ring(struct loop *loop)
{
	if (!loop->disabled)
		return 0;
	if (syscall(__NR_io_uring_register, loop->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
		    0) < 0)
		return -errno;
	loop->disabled = false;
	return 0;
}

struct loop *loop_create(unsigned int entries, void (*batch)(void *context), void *context)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int error;

	if (!loop)
		return NULL;
	loop->batch = batch;
	loop->context = context;
	loop->wake.fd = eventfd(0, EFD_CLOEXEC);
	if (loop->wake.fd < 0)
		goto free_loop;
	error = init_ring(loop, entries);
	if (error) {
		errno = -error;
		goto close_wake;
	}
	return loop;

close_wake:
	error = errno;
	close(loop->wake.fd);
	errno = error;
free_loop:
	free(loop);
	return NULL;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	io_uring_queue_exit(&loop->ring);
	close(loop->wake.fd);
	free(loop);
}

struct io_uring *loop_ring(struct loop *loop)
{
	return &loop->ring;
}

void loop_query(const struct loop *loop, struct loop_counters *counters)
{
	*counters = (struct loop_counters){
		.enters = atomic_load_explicit(&loop->counters.enters, memory_order_relaxed),
		.sleeps = atomic_load_explicit(&loop->counters.sleeps, memory_order_relaxed),
		.submitted = atomic_load_explicit(&loop->counters.submitted, memory_order_relaxed),
		.batches = atomic_load_explicit(&loop->counters.batches, memory_order_relaxed),
		.completed = atomic_load_explicit(&loop->counters.completed, memory_order_relaxed),
	};
}

struct io_uring_sqe *loop_sqe(struct loop *loop, struct loop_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	while (!sqe) {
		if (loop->disabled)
			abort(); /* broken contract: too many before loop_run() */
		/*
		 * An error means the kernel is short of completion room or memory: let it finish
		 * something.
		 */
		if (entered(loop, false, io_uring_submit(&loop->ring)) < 0)
			io_uring_get_events(&loop->ring);
		sqe = io_uring_get_sqe(&loop->ring);
	}
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

static void submit_eventfd_read(struct loop_eventfd *event)
{
	struct io_uring_sqe *sqe = loop_sqe(event->loop, &event->op);

	io_uring_prep_read(sqe, event->fd, &event->incoming, sizeof(event->incoming), 0);
	event->armed = true;
}

static void eventfd_end(struct loop_eventfd *event)
{
	event->ending = false;
	if (event->ended)
		event->ended(event);
}

/*
 * Read on before telling, so that the owner finds the event armed in fired() and may disarm it
 * there.
 */
static void eventfd_done(struct loop_op *op, int result)
{
	struct loop_eventfd *event = (struct loop_eventfd *)op;

	event->armed = false;
	if (event->ending) {
		eventfd_end(event);
		return;
	}
	if (result == -EINTR || result == -EAGAIN) {
		submit_eventfd_read(event);
		return;
	}
	if (result != sizeof(event->incoming))
		return;
	event->value = event->incoming;
	submit_eventfd_read(event);
	event->fired(event);
}

void loop_eventfd_arm(struct loop *loop, struct loop_eventfd *event)
{
	event->op.done = eventfd_done;
	event->loop = loop;
	event->ending = false;
	submit_eventfd_read(event);
}

void loop_eventfd_disarm(struct loop_eventfd *event)
{
	if (!event->armed) {
		eventfd_end(event);
		return;
	}
	if (event->ending)
		return;
	event->ending = true;
	/* Whether the cancel or a last read wins the race: the read completes, once. */
	io_uring_prep_cancel(loop_sqe(event->loop, NULL), &event->op, 0);
}

static void wake_loop(struct loop *loop)
{
	const uint64_t one = 1;

	if (!atomic_exchange(&loop->asleep, false))
		return;
	while (write(loop->wake.fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* The calls are looked at after every wake-up anyway. */
static void woken(struct loop_eventfd *event)
{
	(void)event;
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	struct loop_work *newest = atomic_load_explicit(&loop->calls, memory_order_relaxed);

	do
		work->next = newest;
	while (!atomic_compare_exchange_weak(&loop->calls, &newest, work));
	wake_loop(loop);
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stop, true);
	wake_loop(loop);
}

static void run_calls(struct loop *loop)
{
	struct loop_work *work = atomic_exchange(&loop->calls, NULL);
	struct loop_work *oldest = NULL;

	while (work) {
		struct loop_work *next = work->next;

		work->next = oldest;
		oldest = work;
		work = next;
	}
	while (oldest) {
		work = oldest;
		oldest = work->next; /* run() may free the work or queue it again */
		work->run(work);
	}
}

static void run_completions(struct loop *loop)
{
	struct io_uring_cqe *cqes[CQES_AT_ONCE];
	struct {
		struct loop_op *op;
		int result;
	} finished[CQES_AT_ONCE];
	unsigned int ready = io_uring_peek_batch_cqe(&loop->ring, cqes, CQES_AT_ONCE);

	/* Give the entries back before done() may submit and so need room for new ones. */
	for (unsigned int i = 0; i < ready; i++) {
		finished[i].op = io_uring_cqe_get_data(cqes[i]);
		finished[i].result = cqes[i]->res;
	}
	io_uring_cq_advance(&loop->ring, ready);
	if (ready) {
		count(&loop->counters.batches, 1);
		count(&loop->counters.completed, ready);
	}
	for (unsigned int i = 0; i < ready; i++)
		if (finished[i].op)
			finished[i].op->done(finished[i].op, finished[i].result);
}

/* Submit what is queued and, unless there is something to do already, sleep: one system call. */
static int submit_and_wait(struct loop *loop)
{
	bool busy;
	int result;

	atomic_store(&loop->asleep, true);
	busy = atomic_load(&loop->calls) || atomic_load(&loop->stop) ||
	       io_uring_cq_ready(&loop->ring);
	if (busy) {
		/*
		 * Work that other threads woke us for meanwhile only leaves the eventfd counted up:
		 * harmless.
		 */
		atomic_store(&loop->asleep, false);
		result = entered(loop, false, io_uring_submit(&loop->ring));
	} else {
		result = entered(loop, true, io_uring_submit_and_wait(&loop->ring, 1));
		atomic_store(&loop->asleep, false);
	}
	/* EBUSY, EAGAIN: completions must be reaped first, which is what comes next. */
	if (result < 0 && result != -EINTR && result != -EBUSY && result != -EAGAIN)
		return result;
	return 0;
}

int loop_run(struct loop *loop)
{
	bool stop = false;
	int error = enable_ring(loop);

	if (!error && !loop->wake.armed) {
		loop->wake.fired = woken;
		loop_eventfd_arm(loop, &loop->wake);
	}
	while (!error && !stop) {
		error = submit_and_wait(loop);
		run_completions(loop);
		/*
		 * Look for the stop before the calls: what was called before loop_stop() still
		 * runs.
		 */
		stop = atomic_exchange(&loop->stop, false);
		run_calls(loop);
		if (loop->batch)
			loop->batch(loop->context);
	}
	return error;
}
