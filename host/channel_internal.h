/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel as the bus and its own worker see it: channel.c is the bus thread's half, worker.c the
 * other. The bus asks (open, close, retarget); the worker answers by report bits and a call of
 * host->wake().
 * Invariant: what the worker touches is freed only by channel_join(), after its thread has ended.
 */
#ifndef HVIS_HOST_CHANNEL_INTERNAL_H
#define HVIS_HOST_CHANNEL_INTERNAL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "channel.h"
#include "fault.h"
#include "gpadl.h"
#include "synic.h"
#include "trace.h"

/* A relid is the number of its channel's event flag; 0 is never used. */
#define CHANNEL_RELID_MAX	(TLFS_EVENT_FLAGS - 1u)
#define CHANNEL_IN_FLIGHT_MAX	1024u /* packets that want an answer and have none yet */
#define CHANNEL_UNSOLICITED_MAX 64u /* answers beyond those that may wait for room in the ring */

/*
 * Bus thread only. CLOSED -> OPENING: channel_open(). OPENING -> OPEN: channel_opened(). Either ->
 * CLOSING: channel_close(). Any -> CLOSED: channel_join().
 */
enum channel_state {
	CHANNEL_CLOSED,
	CHANNEL_OPENING, /* the provider has not agreed yet */
	CHANNEL_OPEN,
	CHANNEL_CLOSING, /* the provider finishes what is in flight */
};

/* What a worker reports; several may have come together. */
#define CHANNEL_REPORT_OPENED	1u
#define CHANNEL_REPORT_FINISHED 2u /* the thread ends now; without OPENED: the provider refused */
#define CHANNEL_REPORT_SUBS	4u /* sub_channels have been asked for */

/* The VM is paused, and workers say so when they have heard of it. */
struct channel_pause {
	atomic_bool on;
	sem_t heard;
};

/* What channels need of the bus they are on. */
struct channel_host {
	const struct guestmem *mem;
	struct gpadl_table *gpadls;
	struct synic *synic;
	struct fault *fault;
	struct trace *trace;
	struct channel_pause *pause;
	void (*wake)(void *context); /* any thread: a channel has a report */
	void *context;
};

struct channel_worker;

/* What the workers of a channel have cost. */
struct channel_work {
	uint64_t cpu_ns;
	struct loop_counters loop;
};

struct channel {
	/* Fixed since the offer. */
	struct channel_host host;
	struct channel_offer offer;
	char *name;
	uint32_t relid;
	uint32_t connection_id;
	/* The bus thread's. */
	struct channel *next;
	enum channel_state state;
	bool offered; /* the guest knows of it */
	bool rescinded; /* being taken away */
	bool released; /* the guest gave the relid back */
	bool used; /* the provider has been told so */
	bool answer_open; /* OPEN_RESULT is still owed */
	uint32_t open_id;
	struct gpadl *ring; /* pinned while not CLOSED */
	uint32_t ring_bytes[2]; /* of data: from the guest, to the guest */
	struct channel_worker *worker; /* while not CLOSED */
	bool doorbell; /* connected to connection_id */
	/* Both threads'. */
	pthread_mutex_t interrupt_lock; /* target_vp and sint, held across the interrupt itself */
	uint32_t target_vp;
	uint32_t sint;
	atomic_bool silent; /* the guest has let go of it: write to it no more */
	atomic_uint reports;
	atomic_uint sub_channels; /* with CHANNEL_REPORT_SUBS: how many */
	_Atomic(const char *) broken; /* the rule the guest broke since it opened */
	unsigned int breaks_logged; /* worker */
	struct channel_stats stats;
	struct trace_source trace; /* of the worker's records */
	struct channel_work work; /* bus thread: of the workers that have ended */
};

/* A checked OPEN. */
struct channel_open {
	struct gpadl *ring; /* one range, whole pages */
	struct gpadl_range range;
	uint32_t downstream_page;
	uint32_t target_vp;
	uint32_t sint;
	uint32_t open_id;
};

/**
 * channel_create() - a closed channel on @host. Return: NULL with errno set. Bus thread, as all
 * below.
 */
struct channel *channel_create(const struct channel_host *host, const struct channel_offer *offer,
			       uint32_t relid);
/** channel_destroy() - free a closed channel. */
void channel_destroy(struct channel *channel);

/**
 * channel_open() - start a worker on the rings
 *
 * Asynchronous: the worker reports OPENED, or FINISHED if the provider refuses. Return: NTSTATUS;
 * on failure nothing has changed and @why names the reason.
 */
uint32_t channel_open(struct channel *channel, const struct channel_open *open, const char **why);
/** channel_opened() - the worker reported OPENED. */
void channel_opened(struct channel *channel);
/**
 * channel_close() - ask the worker to end; it reports FINISHED once nothing is in flight. No-op
 * when closed.
 * @silent: from this moment on the guest is not interrupted for this channel, nor answered
 */
void channel_close(struct channel *channel, bool silent);
/**
 * channel_ended() - after channel_close(): wait for the worker's thread, no longer than until what thread_after() gave
 *
 * Return: false: what its provider has asked of others still is not answered, and says so in the log.
 */
bool channel_ended(struct channel *channel, const struct timespec *until);
/**
 * channel_join() - wait for the worker's thread and free what it used. Waits for requests in
 * flight.
 */
void channel_join(struct channel *channel);
/** channel_unuse() - tell the provider, once, that this channel will not open again. */
void channel_unuse(struct channel *channel);
/** channel_retarget() - later interrupts go to @vp; none goes to the old one after this returns. */
void channel_retarget(struct channel *channel, uint32_t vp);
/** channel_pause() - have its worker look at the bus's pause. Return: whether it will post the semaphore. */
bool channel_pause(struct channel *channel);
/** channel_work() - what its workers have cost since it was offered. */
void channel_work(const struct channel *channel, struct channel_work *work);
/** channel_reports() - take the report bits that have come since the last call. */
unsigned int channel_reports(struct channel *channel);

/* Between channel.c and worker.c. */
struct channel_rings {
	void *in; /* header page, data pages, data pages again */
	void *out;
	unsigned int in_pages; /* of the mapping */
	unsigned int out_pages;
	uint32_t in_bytes; /* of one copy of the data */
	uint32_t out_bytes;
};

/**
 * worker_create() - everything a worker needs, not yet running; owns @rings on success
 * @why: what failed
 *
 * Return: the worker, or NULL: errno EINVAL if the guest's ring headers are bad, otherwise the
 * host's trouble.
 */
struct channel_worker *worker_create(struct channel *channel, const struct channel_rings *rings,
				     const char **why);
/** worker_start() - run it. Return: 0 or negative errno. */
int worker_start(struct channel_worker *worker);
/** worker_pause() - have it look at the bus's pause, and then post its semaphore. */
void worker_pause(struct channel_worker *worker);
/** worker_stop() - tell it to close; at most once. */
void worker_stop(struct channel_worker *worker);
/** worker_ended() - wait for its thread, no longer than until then. Return: whether it has ended. */
bool worker_ended(struct channel_worker *worker, const struct timespec *until);
/** worker_join() - wait for its thread. */
void worker_join(struct channel_worker *worker);
/** worker_destroy() - free a worker that does not run. */
void worker_destroy(struct channel_worker *worker);
/** worker_fault_call() - have the worker look at its faults, and do @action, NULL: none. */
void worker_fault_call(struct channel_worker *worker, const struct fault_action *action);
/** worker_doorbell() - the eventfd that the guest's doorbell shall fire. */
int worker_doorbell(const struct channel_worker *worker);
/** worker_query() - add what @worker has cost to @work. Bus thread. */
void worker_query(const struct channel_worker *worker, struct channel_work *work);
/** worker_unmap() - undo the mapping of rings. */
void worker_unmap(const struct channel_rings *rings);

#endif
