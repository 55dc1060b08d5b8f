/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An event loop on one io_uring, run by one thread. Everything that thread waits for (doorbells,
 * disk IO, sockets, calls from other threads) is a loop_op whose done() runs in that thread.
 * Invariant: only the loop's own thread touches its ring; other threads use loop_call() and
 * loop_stop().
 */
#ifndef HVIS_HOST_LOOP_H
#define HVIS_HOST_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Embed it in what waits. One op has at most one submission in flight. */
struct loop_op {
	void (*done)(struct loop_op *op, int result); /* CQE result: >= 0 or negative errno */
};

/* A function to run in another loop's thread. The caller owns it until run() has been called. */
struct loop_work {
	void (*run)(struct loop_work *work);
	struct loop_work *next;
};

/**
 * loop_create() - a loop, not yet running
 * @entries: submission queue size
 * @batch: called in the loop's thread after each batch of done() calls and before it
 *	sleeps; may be NULL. This is where a channel publishes its completions and signals once.
 */
struct loop *loop_create(unsigned int entries, void (*batch)(void *context), void *context);
void loop_destroy(struct loop *loop);

/**
 * loop_run() - run in the calling thread until loop_stop(). Return: 0 or negative errno of
 * io_uring.
 *
 * The first loop_run() ties the ring to its thread: later ones must come from the same thread.
 * Before it nothing is submitted, so until then any one thread may queue entries with loop_sqe(),
 * fewer than the queue holds.
 */
int loop_run(struct loop *loop);
/**
 * loop_stop() - make loop_run() return after the current batch. Any thread.
 *
 * What the same thread gave to loop_call() before still runs. Before loop_run(): that one returns
 * after one batch.
 */
void loop_stop(struct loop *loop);
/** loop_call() - run @work in the loop's thread, soon, in order. Any thread, does not block. */
void loop_call(struct loop *loop, struct loop_work *work);

/**
 * loop_sqe() - a submission entry whose completion calls @op->done(). The loop's thread only.
 *
 * Fill it with io_uring_prep_*() at once; the loop submits it before it sleeps. Never NULL: submits
 * to make room when the queue is full. @op NULL: its completion is ignored. (user_data is set by
 * loop_sqe: do not touch it; prep functions keep it on liburing 2.3.)
 */
struct io_uring_sqe *loop_sqe(struct loop *loop, struct loop_op *op);
struct io_uring *loop_ring(struct loop *loop);

/**
 * struct loop_counters - what a loop has asked of its io_uring; since it was created
 * @enters: system calls that submitted or waited
 * @sleeps: those of them that were made to wait for a completion
 * @submitted: entries submitted
 * @batches: times completions were found; @completed: how many in all
 */
struct loop_counters {
	uint64_t enters, sleeps, submitted, batches, completed;
};
/** loop_query() - read them. Any thread, while the loop lives. */
void loop_query(const struct loop *loop, struct loop_counters *counters);

/**
 * struct loop_eventfd - reads @fd (an eventfd) again and again
 * @fd: set by the owner
 * @fired: called after each read, in the loop's thread; set by the owner. Must not free the event.
 * @ended: called once after loop_eventfd_disarm(), when the event may be freed; may be NULL
 * @value: what the last read found
 *
 * The rest belongs to the loop.
 */
struct loop_eventfd {
	struct loop_op op;
	struct loop *loop;
	int fd;
	uint64_t value;
	uint64_t incoming; /* the kernel's while armed */
	bool armed;
	bool ending;
	void (*fired)(struct loop_eventfd *event);
	void (*ended)(struct loop_eventfd *event);
};
/**
 * loop_eventfd_arm() - start reading. The loop's thread (or, before loop_run(), as loop_sqe()
 * says).
 */
void loop_eventfd_arm(struct loop *loop, struct loop_eventfd *event);
/**
 * loop_eventfd_disarm() - stop reading; ended() tells when that is done, at once if it was not
 * armed. Loop's thread.
 */
void loop_eventfd_disarm(struct loop_eventfd *event);

#endif
