/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Things held back, for a time or until the next of their kind passes: messages of the bus thread,
 * packets of a worker. Each thread has a hold of its own, on its own loop.
 * Invariant: what is held is a private copy and is released at most once.
 */
#ifndef HVIS_HOST_FAULT_HOLD_H
#define HVIS_HOST_FAULT_HOLD_H

#include <pthread.h>

#include "loop.h"

#define FAULT_HELD_MAX 4096 /* per hold; more are lost, which is a fault, too */

struct fault_held {
	struct fault_held *next;
	uint64_t due; /* CLOCK_MONOTONIC, ns */
	unsigned int kind; /* the owner's */
	bool until_next;
	uint32_t bytes;
	uint8_t data[] __attribute__((aligned(8)));
};

struct fault_hold {
	struct loop *loop;
	struct loop_eventfd timer; /* a timerfd, made when it is first needed */
	struct fault_held *first; /* by due */
	unsigned int count;
	void (*release)(void *context, struct fault_held *held);
	void *context;
};

/**
 * fault_hold_init() - an empty hold of the loop's thread
 * @release: gets each thing when its time has come; may hold it again, must not free it
 */
void fault_hold_init(struct fault_hold *hold, struct loop *loop,
		     void (*release)(void *context, struct fault_held *held), void *context);
/**
 * fault_hold_add() - hold @bytes of @data and @more_bytes of @more for @ms
 * @until_next: or until fault_hold_next(), whichever is first
 */
void fault_hold_add(struct fault_hold *hold, unsigned int kind, uint64_t ms, bool until_next,
		    const void *data, uint32_t bytes, const void *more, uint32_t more_bytes);
/** fault_hold_next() - one of @kind has passed: release what waited for it. */
void fault_hold_next(struct fault_hold *hold, unsigned int kind);
/** fault_hold_release() - release everything now. */
void fault_hold_release(struct fault_hold *hold);
/** fault_hold_end() - forget everything. Return: true: ended() comes when the timer is done. */
bool fault_hold_end(struct fault_hold *hold, void (*ended)(struct loop_eventfd *timer));
/** fault_hold_free() - the loop does not use it any more. */
void fault_hold_free(struct fault_hold *hold);

#endif
