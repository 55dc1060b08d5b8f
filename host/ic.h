/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the integration services have in common: a device with one channel, the frame, its handshake, requests and their answers. A service
 * is a table of what it does (struct ic_kind) and a struct ic in its own device. Bytes: wire/ic.h.
 * Threads: all that a kind's functions do happens in the channel's worker thread.
 */
#ifndef HVIS_HOST_IC_H
#define HVIS_HOST_IC_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "channel.h"
#include "provider.h"
#include "wire/ic.h"

/* CLOSED: no driver. Then they follow each other; ENDED instead of READY where nothing could be agreed upon. ic.c alone changes it. */
enum ic_state {
	IC_CLOSED,
	IC_NEGOTIATING,
	IC_READY,
	IC_ENDED,
	IC_STATES,
};

/* What is refused, for counters. */
enum ic_refusal {
	IC_BAD_MESSAGE, /* not of its length, or nothing of this protocol */
	IC_OUT_OF_TURN, /* an answer to nothing */
	IC_BAD_ANSWER, /* what it says cannot be */
	IC_REFUSALS,
};

#define IC_PATIENCE_MS 10000u /* for an answer */
#define IC_SEND_MAX (IC_HEADERS + sizeof(struct ic_shutdown)) /* the longest message that any service sends */

struct ic;

/* The body of an answer that has passed the gate: @age 0 answers the newest request, 1 the one before, and so on. */
struct ic_answer {
	uint32_t status;
	const uint8_t *body;
	uint32_t bytes; /* at least the kind's answer_min */
	unsigned int age;
};

/**
 * struct ic_kind - what makes a service; all but the first are called by the worker, @ready, @answered, @timer, @called and @resumed only
 *	while the state is READY; those that may be NULL are marked
 * @versions: of its messages, oldest first
 * @answer_min: bytes that an answer has at least
 * @ready: versions are agreed
 * @timer: ic_wait() has come to its end; may be NULL
 * @called: somebody called ic_call(); may be NULL
 * @resumed: the VM was paused and goes on; timers go on by themselves; may be NULL
 * @gone: the driver has closed, or was never ready; may be NULL
 */
struct ic_kind {
	const char *name; /* of the channel */
	struct vmbus_guid type, instance;
	uint16_t message_type;
	const struct ic_version *versions;
	unsigned int version_count;
	uint32_t answer_min;
	void (*ready)(struct ic *ic);
	void (*answered)(struct ic *ic, const struct ic_answer *answer);
	void (*timer)(struct ic *ic);
	void (*called)(struct ic *ic);
	void (*resumed)(struct ic *ic);
	void (*gone)(struct ic *ic);
};

struct ic {
	const struct ic_kind *kind;
	struct ic_version version_max;
	struct provider provider; /* the bus thread's */

	/* Any thread, under the lock. */
	pthread_mutex_t lock;
	struct channel *channel; /* open */
	enum ic_state state;
	struct ic_version frame, message; /* agreed */
	bool silent; /* the guest has not answered in time */

	/* The worker's. */
	struct loop_eventfd timer;
	bool greeted, closing;
	uint8_t transaction; /* of the newest request */
	unsigned int waiting; /* so many of the newest have no answer yet */
	uint64_t left_ns; /* of the timer, while paused; 0: it does not run */
	uint8_t buffer[IC_SEND_MAX];
	bool logged[IC_REFUSALS];

	/* Written by the worker, read by anyone. */
	_Atomic uint64_t requests, answers, timeouts, skipped;
	_Atomic uint64_t refused[IC_REFUSALS];
};

/** ic_init() - @version_max 0.0: the newest. Return: 0 or negative errno. */
int ic_init(struct ic *ic, const struct ic_kind *kind, struct ic_version version_max);
/** ic_destroy() - after vmbus_destroy(). */
void ic_destroy(struct ic *ic);
/** ic_offer() - put the device on the bus. Bus thread. Return: 0 or negative errno. */
int ic_offer(struct ic *ic, struct vmbus *vmbus);

/** ic_call() - have kind->called() run in the worker, soon, if there is one. Any thread. */
void ic_call(struct ic *ic);
/** ic_trouble() - why the guest cannot be asked now; NULL: it can. Any thread. */
const char *ic_trouble(struct ic *ic);
/** ic_speaks() - whether the version that was agreed upon is @version or newer. Any thread. */
bool ic_speaks(struct ic *ic, struct ic_version version);

/**
 * ic_request() - send a request with this body
 *
 * Worker, READY. Return: false: the guest does not read what it was sent; nothing was sent, and it is counted.
 */
bool ic_request(struct ic *ic, const void *body, uint32_t bytes);
/** ic_wait() - have kind->timer() called in @ms; 0: not at all. Worker. */
void ic_wait(struct ic *ic, unsigned int ms);
/** ic_refuse() - count; the first of each kind is logged. Worker. */
void ic_refuse(struct ic *ic, enum ic_refusal what, const char *why);

/** ic_query() - versions and counters, as JSON; a service adds what is its own. */
json_t *ic_query(struct ic *ic);
/** ic_now() - CLOCK_MONOTONIC in ns. */
uint64_t ic_now(void);

static inline void ic_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
