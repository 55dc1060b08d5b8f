/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One VMBus channel on the host: its offer, its rings, and the worker thread that serves it while
 * it is open. What its packets mean is the provider's business. States and who changes them are in
 * channel.c. Threads: the bus thread opens and closes; everything a provider's callbacks do happens
 * in the channel's worker thread, so a provider needs no lock for per-channel state.
 */
#ifndef HVIS_HOST_CHANNEL_H
#define HVIS_HOST_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "guestmem.h"
#include "loop.h"
#include "ring.h"
#include "wire/chanmsg.h"

struct channel;
struct fault_protocol;
struct vmbus;

/**
 * struct channel_ops - what a provider does on its channels
 * @open: worker thread, before the first packet; @context of the offer; returns the per-open state
 * or NULL: refused
 * @packet: worker thread; one packet, already copied out and valid only during the call. Answers
 * now
 *	or later by channel_complete()/channel_send(). Return: 0, or negative errno: the packet
 *	broke the protocol, @*why names the rule. A packet that asks for a completion gets exactly one
 *	channel_complete(): the channel counts those in flight, and reads on only while they are
 *	fewer than it could hold back
 * @close: worker thread; no packet() comes any more. Return true if nothing is in flight; else the
 *	provider calls channel_idle() when the last request is done, and only then memory goes and
 *	the guest hears of it
 * @closed: worker thread, last call: free the per-open state
 * @called: worker thread; somebody called channel_call(), or what channel_may_send() waited for is so.
 *	May be NULL
 * @turn: worker thread, may be NULL; the end of a batch of the loop, before the guest is interrupted for
 *	what was written in it: what was held back to be done for many packets at once is done now
 * @paused: worker thread, may be NULL; the VM is paused, from now on no packet comes and none should be sent, or it goes on
 * @used: bus thread; @by is 1 when a channel with @context is put on the bus, primary or sub-channel,
 *	and -1 when it can never open again and its worker is gone. May be NULL
 * @moved: bus thread, may be NULL; the device was taken away on purpose (@channel NULL), or offered
 *	again as @channel
 * @pointed: worker thread, may be NULL; asked only by faults (fault.h): where in guest memory that begins what
 *	@packet points at, as far as it is in one piece. It is one of the guest's, or one to it, whose data
 *	begins behind the descriptor
 * @faults: what rules can say of its packets; NULL: nothing
 */
struct channel_ops {
	void *(*open)(struct channel *channel, void *context);
	int (*packet)(void *state, struct packet *packet, const char **why);
	bool (*close)(void *state);
	void (*closed)(void *state);
	void (*called)(void *state);
	void (*turn)(void *state);
	void (*paused)(void *state, bool paused);
	void (*used)(void *context, int by);
	void (*moved)(void *context, struct channel *channel);
	struct iovec (*pointed)(void *state, const struct packet *packet);
	const struct fault_protocol *faults;
	uint32_t packet_max; /* largest packet the protocol has; a larger one breaks the channel */
	uint16_t completion_max; /* payload bytes of the largest completion */
};

/**
 * struct channel_offer - what a provider offers on the bus
 */
struct channel_offer {
	const char *name; /* for logs, statistics and traces: "scsi0" */
	struct vmbus_guid type;
	struct vmbus_guid instance;
	uint16_t sub_channel_index; /* 0: primary; the bus makes the others, see below */
	const struct channel_ops *ops;
	void *context;
};

/*
 * The numbers of a channel since it was offered; written by its worker, read by anyone (relaxed).
 */
struct channel_stats {
	_Atomic uint64_t doorbells; /* HvSignalEvent seen */
	_Atomic uint64_t interrupts; /* raised to the guest */
	_Atomic uint64_t merged; /* not raised: the channel's event flag was still set */
	_Atomic uint64_t packets_in, packets_out;
	_Atomic uint64_t bytes_in, bytes_out; /* ring bytes */
	_Atomic uint64_t ring_full; /* completions that had to wait for room */
	_Atomic uint64_t guest_ring_full; /* times the guest was told of room it had waited for */
	_Atomic uint64_t in_flight, in_flight_max; /* packets that want an answer and have none */
	_Atomic uint64_t refused; /* packets that broke the protocol */
};

/**
 * channel_complete() - answer a packet (PACKET_COMPLETION with its transaction id)
 *
 * Worker thread. Waits in a queue of the channel while the ring is full, in order; lost only once the
 * guest has closed the channel, or the connection is over. A rescinded one is still answered.
 * Signals are batched: the guest is interrupted at most once per loop batch.
 */
void channel_complete(struct channel *channel, uint64_t transaction_id, const void *payload,
		      uint32_t bytes);

/**
 * channel_send() - an unsolicited in-band packet to the guest; same contract as channel_complete().
 * Worker thread.
 */
void channel_send(struct channel *channel, const void *payload, uint32_t bytes);

/**
 * channel_try_send() - a packet of any type to the guest, if there is room for it
 * @desc: type, flags, transaction id, and offset8 where something precedes the payload; len8 0
 * @body: all that follows the descriptor, @bytes of it
 *
 * It is in the ring when this returns true. Where it says false, called() runs when there is room. What
 * the guest answers comes to packet(), as PACKET_COMPLETION: which ids it may name is the provider's
 * business. Worker thread.
 */
bool channel_try_send(struct channel *channel, const struct packet_desc *desc, const void *body,
		      uint32_t bytes);

/**
 * channel_call() - have called() run in the worker's thread, soon; calls may be merged
 *
 * Any thread, but between open() and the return of closed() only: the provider has a lock for that.
 */
void channel_call(struct channel *channel);

/**
 * channel_may_send() - nothing waits for room in the ring to the guest
 *
 * What is sent unasked while the guest does not read piles up, and ends in a broken channel. Where
 * this says false, called() runs when nothing waits any more. Worker thread.
 */
bool channel_may_send(struct channel *channel);

/**
 * channel_idle() - the last request after close() returned false is done; calls closed() at once.
 * Worker thread.
 */
void channel_idle(struct channel *channel);

/**
 * channel_ask_sub_channels() - have the bus offer sub-channels 1 to @count of this primary channel
 *
 * They are offered soon, by the bus thread, with the primary's GUIDs, ops and context. What cannot
 * be offered is logged; a guest waits for offers with a time limit. They are rescinded when the
 * primary is closed or rescinded. Once per open. Worker thread of the primary.
 */
void channel_ask_sub_channels(struct channel *channel, unsigned int count);

/** channel_sub_index() - 0: a primary channel. Any thread. */
unsigned int channel_sub_index(const struct channel *channel);

/** channel_wants_data() - whether a trace wants to know what transfers move. Any thread. */
bool channel_wants_data(const struct channel *channel);
/**
 * channel_data() - tell the trace what a transfer moves
 * @to_guest: the guest reads; then before its completion, otherwise when the request came
 * @pieces: guest memory, @bytes in all, or only as much of its front as is known
 *
 * Worker thread.
 */
void channel_data(struct channel *channel, bool to_guest, uint64_t transaction_id,
		  const struct iovec *pieces, unsigned int count, uint64_t bytes);

/** channel_loop() - the worker's loop, from open() to closed(). Worker thread. */
struct loop *channel_loop(struct channel *channel);

/*
 * Pages that the guest lends for longer than a packet, by GPADL. They stay the guest's memory: what is
 * read there may change at any time.
 */
struct channel_buffer {
	uint32_t bytes;
	struct channel_loan *loan;
	uint8_t *pages[]; /* of 4096 bytes */
};

/**
 * channel_borrow() - the pages of a GPADL that the guest made for @channel
 * @why: on failure, what is wrong with it
 *
 * A teardown by the guest waits for channel_return(). Worker thread. Return: NULL: refused.
 */
struct channel_buffer *channel_borrow(struct channel *channel, uint32_t handle, const char **why);
/** channel_return() - the guest may have them back. Before closed() of the last channel that uses them. */
void channel_return(struct channel_buffer *buffer);
/** channel_buffer_at() - the host's address of @offset, valid to the end of its page. */
static inline uint8_t *channel_buffer_at(const struct channel_buffer *buffer, uint32_t offset)
{
	return buffer->pages[offset / 4096] + offset % 4096;
}

/** channel_lends_gone() - gpadl_find_gone() of all GPADLs on the bus. Worker thread. */
bool channel_lends_gone(const struct channel *channel, uint64_t *pfn);

const struct guestmem *channel_guestmem(const struct channel *channel);
const char *channel_name(const struct channel *channel);

#endif
