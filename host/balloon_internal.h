/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the files of the dynamic memory provider: balloon.c has the device and its numbers, balloon_channel.c the open channel and
 * its conversation, balloon_request.c what is asked of the guest, balloon_answer.c what it answers, balloon_plan.h decides what is next.
 */
#ifndef HVIS_HOST_BALLOON_INTERNAL_H
#define HVIS_HOST_BALLOON_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "balloon.h"
#include "balloon_plan.h"
#include "channel.h"
#include "wire/dm.h"

/*
 * Where the guest is. The first four follow each other, or CLOSED; one of the last four and READY take turns: there is one request at a time.
 * Who changes it: balloon_set_state() alone.
 */
enum balloon_state {
	BALLOON_CLOSED, /* no driver */
	BALLOON_OPENED, /* nothing agreed */
	BALLOON_AGREED, /* upon a version */
	BALLOON_READY, /* nothing is asked */
	BALLOON_ENDED, /* nothing could be agreed upon: the guest does without */
	BALLOON_TAKING, /* the guest is to give pages */
	BALLOON_GIVING, /* it gets some back */
	BALLOON_ADDING,
	BALLOON_REMOVING,
	BALLOON_STATES,
};

/* What is refused, for counters. */
enum balloon_refusal {
	BALLOON_BAD_MESSAGE, /* of an unknown kind, or not of its length */
	BALLOON_OUT_OF_TURN, /* an answer to nothing, a greeting again */
	BALLOON_BAD_RANGE,
	BALLOON_LENT, /* pages that a channel still uses */
	BALLOON_REFUSALS,
};

/* Seconds that a guest has for each; progress starts them anew. Adding may wait for user space, 5 s a block; so may removing. */
#define BALLOON_PATIENCE 10u
#define BALLOON_PATIENCE_BLOCKS 60u
#define BALLOON_STATUS_FRESH 10u /* seconds */
#define BALLOON_RETRY 5u /* seconds, after a refusal that may pass, */
#define BALLOON_RETRIES 5u /* at most so often for one target */

/* What the guest said last of itself; bytes. */
struct balloon_status {
	uint64_t at; /* CLOCK_MONOTONIC, ns; 0: nothing yet */
	uint64_t available, committed;
};

struct balloon {
	struct balloon_options options;
	struct memory *memory;
	struct provider provider; /* the bus thread's */

	/* Any thread, under the lock. */
	pthread_mutex_t lock;
	struct channel *channel; /* open */
	enum balloon_state state;
	uint64_t target; /* pages */
	uint32_t version; /* agreed; 0: none */
	uint64_t caps; /* that are used */
	uint64_t floor; /* pages, the guest's own */
	struct balloon_status status;
	const char *why; /* the target cannot be reached, for now; or NULL */
	bool silent; /* the guest has not answered in time, and still has not */

	/* Written by the worker, read by anyone. */
	_Atomic uint64_t requests[BALLOON_ACTS], statuses, timeouts, relieved;
	_Atomic uint64_t refused[BALLOON_REFUSALS];
	bool logged[BALLOON_REFUSALS]; /* the worker's: the first of each has been logged */
};

/* An open channel. All of it belongs to its worker. */
struct balloon_channel {
	struct balloon *balloon;
	struct channel *channel;
	struct loop_eventfd timer; /* of the request, or of the next try */
	uint32_t trans_id;
	uint64_t left_ns; /* of the timer, while the VM is paused */
	uint64_t target; /* that the plan was last made for */
	uint32_t able; /* set of 1 << enum balloon_act: by capabilities */
	uint32_t blocked; /* of those: not again before the target changes */
	unsigned int retries;
	uint64_t spared; /* bytes available when the guest could spare no more */
	uint64_t asked, got; /* pages of the request; given: also the rest to be sent */
	struct memory_range adding;
	bool closing;
	struct memory_range ranges[MEMORY_RANGES_MAX];
	uint8_t message[DM_MESSAGE_MAX]; /* to the guest */
};

static inline void balloon_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* balloon.c */
/** balloon_set_state() - where the guest is now. Its worker; the lock is taken inside. */
void balloon_set_state(struct balloon *balloon, enum balloon_state state);
/** balloon_refuse() - count; the first of each kind is logged. */
void balloon_refuse(struct balloon *balloon, enum balloon_refusal what, const char *why);
/** balloon_now() - CLOCK_MONOTONIC in ns. */
uint64_t balloon_now(void);

/* balloon_channel.c */
extern const struct channel_ops balloon_channel_ops;
/** balloon_send() - a message: channel->message, of which all but type and size beside what follows the header is filled in. */
void balloon_send(struct balloon_channel *channel, uint16_t type, uint32_t bytes);
/** balloon_wait() - have the timer fire in @seconds; 0: not at all. */
void balloon_wait(struct balloon_channel *channel, unsigned int seconds);

/* balloon_request.c */
/** balloon_step() - ask for what is next, if nothing is asked. */
void balloon_step(struct balloon_channel *channel);
/** balloon_give_more() - the rest of an unballoon request, as far as there is room in the ring. */
void balloon_give_more(struct balloon_channel *channel);
/** balloon_request_done() - the guest has answered; what is next? @block: it can do no more of this for now. */
void balloon_request_done(struct balloon_channel *channel, bool block);
/** balloon_late() - the timer fired. */
void balloon_late(struct balloon_channel *channel);

/* balloon_answer.c */
/** balloon_answer() - BALLOON_, UNBALLOON_, HOT_ADD_ or HOT_REMOVE_RESPONSE: a private copy of @bytes, header included and checked. */
void balloon_answer(struct balloon_channel *channel, const uint8_t *message, uint32_t bytes);

#endif
