/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the files of the storage provider: storvsp.c has the controller, storvsp_plug.c its LUNs that
 * come and go, storvsp_channel.c an open channel and its conversation, storvsp_srb.c the SCSI requests
 * on it, storvsp_barrier.c the wait for requests on all channels, storvsp_reset.c resets.
 */
#ifndef HVIS_HOST_STORVSP_INTERNAL_H
#define HVIS_HOST_STORVSP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "channel.h"
#include "scsi.h"
#include "storvsp.h"
#include "wire/vstor.h"

_Static_assert(STORVSP_LUNS == SCSI_LUNS_MAX, "LUNs of the controller and of the engine");

/*
 * The 1 MiB transfers that are asked of us, twice: room for one that starts inside a page, and
 * Linux's own soft limit (1280 KiB) fits. More would only make packets long: one of 2 MiB has 513
 * page numbers, 4.2 KiB of the ring.
 */
#define STORVSP_TRANSFER_DEFAULT	(2u << 20)
#define STORVSP_TRANSFER_MAX		(16u << 20)

/*
 * Requests in flight per channel; as many as a channel lets be unanswered. Beyond it: TASK SET
 * FULL.
 */
#define STORVSP_REQUESTS		1024u

#define STORVSP_PAGE			4096u

/* NTSTATUS of the packet as a whole, beside those in wire/chanmsg.h */
#define NTSTATUS_DEVICE_BUSY		0x80000011u
#define NTSTATUS_INVALID_DEVICE_REQUEST 0xC0000010u
#define NTSTATUS_REVISION_MISMATCH	0xC0000059u
#define NTSTATUS_NOT_SUPPORTED		0xC00000BBu

struct storvsp {
	unsigned int controller;
	uint16_t version_max;
	char name[16];
	struct scsi_target target;
	unsigned int sub_channels; /* that may be asked for */
	struct channel_ops ops;
	/* The bus thread's. */
	struct provider provider;
	uint64_t seen; /* LUNs that have had a disk */
	struct storvsp_job *jobs;

	/* Any thread, under the lock. */
	pthread_mutex_t lock;
	struct storvsp_channel *channels; /* open ones */
	unsigned int channel_count;
	struct storvsp_channel *primary; /* the newest, NULL: none is open */
	uint64_t moved, changed; /* LUNs of which the guest has to hear: came or went, changed */
	unsigned int resets_waiting;

	/* Written by workers, read by anyone. */
	atomic_bool ready; /* the primary channel is past END_INITIALIZATION */
	_Atomic uint32_t version; /* VSTOR version of the last END_INITIALIZATION, 0: none */
	_Atomic uint64_t refused; /* requests refused before they reached a LUN */
	_Atomic uint64_t full; /* answered with TASK SET FULL */
	_Atomic uint64_t resets;
	atomic_bool logged; /* the first refusal has been logged; the rest are counted */
};

/*
 * Where the guest is in the conversation, which it has on the primary channel; only the next state,
 * or BEGIN again, is accepted (storvsp_channel.c).
 */
enum storvsp_state {
	STORVSP_CLOSED, /* nothing said yet */
	STORVSP_BEGUN,
	STORVSP_VERSION_AGREED,
	STORVSP_PROPERTIES_TOLD,
	STORVSP_READY, /* SCSI requests and resets */
};

/* A SCSI request. */
struct storvsp_request {
	struct scsi_task task;
	struct storvsp_channel *channel;
	struct storvsp_request *next; /* in the free list */
	uint64_t transaction_id;
	uint64_t number; /* in the order of requests on its channel; 0: not in flight */
	struct vstor_packet packet; /* as it came; becomes the answer */
	struct iovec *iov; /* iov_room entries */
};

/* An open channel. What is not said otherwise belongs to its worker thread. */
struct storvsp_channel {
	struct storvsp *storvsp;
	struct channel *channel;
	bool sub; /* not the primary: it stays STORVSP_CLOSED and serves while storvsp->ready */
	enum storvsp_state state;
	bool subs_asked; /* CREATE_SUB_CHANNELS has been granted since it opened */
	bool notifies; /* the guest takes EVENT_NOTIFICATION */
	uint16_t version;
	bool closing;
	uint32_t in_flight;
	uint64_t number; /* of the newest request */
	struct storvsp_part *parts; /* of barriers, that wait for requests here */
	struct storvsp_request *free;
	struct storvsp_request *requests; /* STORVSP_REQUESTS */
	struct iovec *iovs;
	uint8_t *scratch;
	uint32_t iov_room; /* per request */
	/* Any thread, under storvsp->lock. */
	struct storvsp_channel *next;
	struct storvsp_part *asked; /* parts that it has not seen yet */
	struct storvsp_reset *resets; /* that came on it and wait */
	struct storvsp_reset *passed; /* that may be answered */
};

#define STORVSP_LUN_ANY (~0u)

/* What one channel has to do with a barrier. */
struct storvsp_part {
	struct storvsp_part *next;
	struct storvsp_barrier *barrier;
	uint64_t number; /* of the newest request it waits for */
	uint32_t waits_for; /* requests */
};

/*
 * Something that waits for the requests that are in flight now, on all open channels, to one LUN or to
 * any; later ones do not hold it up.
 */
struct storvsp_barrier {
	struct storvsp *storvsp;
	unsigned int lun; /* or STORVSP_LUN_ANY */
	unsigned int open; /* parts that are not done; under storvsp->lock */
	struct storvsp_part *parts;
	/* Once, in any thread; @here: the channel whose worker that is, or NULL. */
	void (*done)(struct storvsp_barrier *barrier, struct storvsp_channel *here);
};

/* storvsp_barrier.c */
/**
 * storvsp_barrier_start() - wait for what is in flight
 * @here: the channel in whose worker we are, NULL: none
 *
 * The caller has filled in storvsp, lun and done. done() may be called before this returns. Return: false:
 * out of memory, and nothing happens.
 */
bool storvsp_barrier_start(struct storvsp_barrier *barrier, struct storvsp_channel *here);
/** storvsp_barrier_asked() - take up what barriers ask of @channel. Its worker. */
void storvsp_barrier_asked(struct storvsp_channel *channel);
/** storvsp_barrier_passed() - request @number, to @lun, is done on @channel. Its worker. */
void storvsp_barrier_passed(struct storvsp_channel *channel, uint64_t number, unsigned int lun);

/* storvsp_reset.c */
/** storvsp_reset_start() - RESET_LUN, _ADAPTER or _BUS: answered now or later. */
void storvsp_reset_start(struct storvsp_channel *channel, uint64_t transaction_id,
			 struct vstor_packet *vstor);
/** storvsp_reset_answer() - answer those that have waited long enough. The channel's worker. */
void storvsp_reset_answer(struct storvsp_channel *channel);
/** storvsp_reset_abandon() - the channel closes: those that wait are not answered any more. */
void storvsp_reset_abandon(struct storvsp_channel *channel);

/* storvsp_plug.c */
/** storvsp_tell() - tell the guest of LUNs, as far as there is room. Worker of the primary. */
void storvsp_tell(struct storvsp_channel *channel);
/** storvsp_tell_nothing() - the guest is about to look at all LUNs anyway. */
void storvsp_tell_nothing(struct storvsp *storvsp);
/** storvsp_used() - the users of the controller on the bus. Bus thread. */
void storvsp_used(void *context, int by);
/** storvsp_moved() - faults took the controller away, or offer it again as @channel. Bus thread. */
void storvsp_moved(void *context, struct channel *channel);
/** storvsp_drop_jobs() - end what waits, as far as it goes; all workers are gone. */
void storvsp_drop_jobs(struct storvsp *storvsp);

/* storvsp_channel.c */
extern const struct channel_ops storvsp_channel_ops;
/** storvsp_pages_max() - pages the largest transfer can touch. */
uint32_t storvsp_pages_max(const struct storvsp *storvsp);
/** storvsp_request_get() - from the pool, counted in flight. Return: NULL if all are in flight. */
struct storvsp_request *storvsp_request_get(struct storvsp_channel *channel,
					    const struct packet *packet);
/**
 * storvsp_request_done() - answer with @request->packet, and back to the pool
 *
 * Answers resets that waited for it; tells a closing channel when it was the last. Touch nothing
 * afterwards.
 */
void storvsp_request_done(struct storvsp_request *request);
/**
 * storvsp_request_drop() - back to the pool unanswered: it did not pass the gate, and the channel
 * breaks.
 */
void storvsp_request_drop(struct storvsp_request *request);
/** storvsp_answer() - send @vstor back as COMPLETE_IO with @status. */
void storvsp_answer(struct storvsp_channel *channel, uint64_t transaction_id,
		    struct vstor_packet *vstor, uint32_t status);
/** storvsp_serves() - SCSI requests and resets are taken now. */
static inline bool storvsp_serves(const struct storvsp_channel *channel)
{
	return channel->sub ? atomic_load(&channel->storvsp->ready)
			    : channel->state == STORVSP_READY;
}

/** storvsp_refuse() - count, and log the first, a request that was refused. */
void storvsp_refuse(struct storvsp *storvsp, const char *why);

/* storvsp_srb.c */
/**
 * storvsp_execute() - EXECUTE_SRB
 * Return: 0; negative errno if the packet's own structure is wrong, with @why naming the rule.
 */
int storvsp_execute(struct storvsp_channel *channel, const struct packet *packet,
		    struct vstor_packet *vstor, const char **why);

#endif
