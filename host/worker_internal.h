/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker inside: worker.c (its thread, what it reads), worker_out.c (what it writes to the guest,
 * interrupts) and worker_fault.c (what it does wrong on purpose). All of it belongs to the worker's thread but what worker.c says otherwise.
 */
#ifndef HVIS_HOST_WORKER_INTERNAL_H
#define HVIS_HOST_WORKER_INTERNAL_H

#include <time.h>

#include "channel_internal.h"

/* Why a worker reads no packets: any of these. */
#define WORKER_HALT_CLOSING 1u
#define WORKER_HALT_FAULT   2u
#define WORKER_HALT_PAUSE   4u

/* What a worker needs to misbehave (worker_fault.c). */
struct worker_fault {
	struct fault_hold hold;
	struct loop_work work; /* the bus thread has something for us */
	pthread_mutex_t lock; /* called, orders */
	bool called; /* work is queued */
	struct fault_order *orders, **orders_end;
	uint64_t memory[FAULT_MEMORY]; /* of ops->faults */
};

struct channel_worker {
	struct channel *channel;
	const struct channel_ops *ops;
	struct loop *loop;
	pthread_t thread;
	bool joined;
	struct loop_work start;
	struct loop_work stop;
	struct loop_work pause;
	atomic_bool pausing; /* pause is queued */
	struct loop_work call; /* of the provider's called() */
	atomic_bool called; /* call is queued */
	bool recall; /* called() has to run when the backlog is empty */
	struct loop_op again; /* a no-op in the loop's ring: serve after what else is ready */
	bool again_armed;
	struct loop_eventfd doorbell;
	struct channel_rings rings;
	struct ring_reader in;
	struct ring_writer out;
	void *state; /* the provider's */
	unsigned int halt; /* WORKER_HALT_* */
	bool served; /* in this turn of the loop the ring was read */
	bool sent; /* and a packet was sent that answers nothing */
	bool stalled; /* masked; packets may be left to read when the backlog has drained */
	_Atomic clockid_t clock; /* of the thread's CPU time; 0 before it runs */
	_Atomic uint64_t cpu_ns; /* all of it, once the thread has ended */
	bool raise; /* an interrupt is owed beyond what ring_writer_must_signal() knows */
	uint32_t in_flight;
	uint8_t *packet; /* ops->packet_max bytes, rounded up */
	uint32_t packet_room;
	/* The backlog, a circle of answers. */
	uint8_t *backlog;
	uint32_t slot_bytes, backlog_max, backlog_first, backlog_count;
	uint32_t wanted; /* room asked of the guest */
	uint32_t room_wanted; /* by the provider, once the backlog is empty */
	struct worker_fault fault;
};

static inline void worker_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/** worker_flying() - @by packets more, or fewer, want an answer. */
static inline void worker_flying(struct channel_worker *worker, int by)
{
	struct channel_stats *stats = &worker->channel->stats;

	worker->in_flight += by;
	atomic_store_explicit(&stats->in_flight, worker->in_flight, memory_order_relaxed);
	if (worker->in_flight > atomic_load_explicit(&stats->in_flight_max, memory_order_relaxed))
		atomic_store_explicit(&stats->in_flight_max, worker->in_flight,
				      memory_order_relaxed);
}

static inline bool worker_broken(const struct channel_worker *worker)
{
	return atomic_load_explicit(&worker->channel->broken, memory_order_relaxed);
}

/**
 * worker_break() - the guest broke @rule: nothing more is read or written; other channels, and
 * CLOSE, are not affected. @rule lives as long as the process.
 */
void worker_break(struct channel_worker *worker, const char *rule);
/** worker_has_room() - nothing waits for room, and there is what the provider wanted. */
bool worker_has_room(struct channel_worker *worker);
/** worker_flush() - write the answers that wait, as far as there is room. */
void worker_flush(struct channel_worker *worker);
/**
 * worker_put() - write a packet, or queue it behind those that wait for room
 * @may_lose: where it can be neither written nor queued it is lost; else the channel breaks
 */
void worker_put(struct channel_worker *worker, const struct packet_desc *desc, const void *payload,
		uint32_t bytes, bool may_lose);
/** worker_interrupt() - raise the channel's interrupt at the VP it has now. */
void worker_interrupt(struct channel_worker *worker);
/** worker_raise() - the interrupt itself, with any event flag. */
void worker_raise(struct channel_worker *worker, uint32_t flag);
/** worker_pass() - hand a packet to the provider. */
void worker_pass(struct channel_worker *worker, struct packet *packet);

/* worker_trace.c: one branch each while no trace runs. */
void worker_trace_packet(struct channel_worker *worker, const struct packet *packet);
void worker_trace_answer(struct channel_worker *worker, const struct packet_desc *desc,
			 const void *payload, uint32_t bytes);

/** worker_trace_in() - what the guest wrote. */
static inline void worker_trace_in(struct channel_worker *worker, const struct packet *packet)
{
	if (trace_mode(worker->channel->trace.trace))
		worker_trace_packet(worker, packet);
}

/** worker_trace_out() - what has just been written for the guest, as ring_write() got it. */
static inline void worker_trace_out(struct channel_worker *worker, const struct packet_desc *desc,
				    const void *payload, uint32_t bytes)
{
	if (trace_mode(worker->channel->trace.trace))
		worker_trace_answer(worker, desc, payload, bytes);
}

/** worker_trace_doorbell() - heard so often. */
static inline void worker_trace_doorbell(struct channel_worker *worker, uint64_t times)
{
	if (trace_mode(worker->channel->trace.trace))
		trace_doorbell(&worker->channel->trace, (uint32_t)times);
}

/** worker_trace_interrupt() - given, @raised: with an interrupt. */
static inline void worker_trace_interrupt(struct channel_worker *worker, uint32_t vp, uint32_t flag,
					  bool raised)
{
	if (trace_mode(worker->channel->trace.trace))
		trace_interrupt(&worker->channel->trace, vp, flag, raised);
}

/** worker_out_create() - the backlog. Return: false when out of memory. */
bool worker_out_create(struct channel_worker *worker);

/*
 * Faults; each is asked only where fault_armed(). Return: true: it has been taken care of, the caller
 * does nothing more.
 */
bool worker_fault_in(struct channel_worker *worker, const struct packet *packet);
bool worker_fault_out(struct channel_worker *worker, const struct packet_desc *desc,
		      const void *body, uint32_t bytes);
bool worker_fault_interrupt(struct channel_worker *worker);
/** worker_fault_init() - of a worker that does not run yet. Bus thread. */
void worker_fault_init(struct channel_worker *worker);
/** worker_fault_end() - the last act. Return: true: @ended comes later. */
bool worker_fault_end(struct channel_worker *worker, void (*ended)(struct loop_eventfd *timer));
void worker_fault_free(struct channel_worker *worker);

#endif
