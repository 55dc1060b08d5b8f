/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus server: version negotiation, offers, GPADLs, open and close, rescind, unload.
 * All its state belongs to one thread, the bus thread (the process's main loop); HvPostMessage only
 * queues. Any INITIATE_CONTACT starts over: channels are closed and GPADLs forgotten first (kexec,
 * module reload).
 */
#ifndef HVIS_HOST_VMBUS_H
#define HVIS_HOST_VMBUS_H

#include <jansson.h>

#include "channel.h"
#include "fault.h"
#include "guestmem.h"
#include "loop.h"
#include "synic.h"
#include "trace.h"

struct vmbus;

struct vmbus_config {
	struct loop *loop; /* the bus thread's */
	struct synic *synic;
	const struct guestmem *mem;
	struct trace *trace; /* NULL: never traced */
	uint32_t version_max; /* VMBUS_VERSION(); 0: the newest we speak */
	struct fault *fault; /* NULL: none; destroyed only when the loop is gone */
};

struct vmbus *vmbus_create(const struct vmbus_config *config);
/**
 * vmbus_stop() - close all channels and wait until what they were asked is answered, @limit_ms at most for all together
 *
 * The VPs have stopped, and the loop has too. Bus thread. Return: false: a backend does not answer; vmbus_destroy() would wait for it.
 */
bool vmbus_stop(struct vmbus *vmbus, unsigned int limit_ms);
/**
 * vmbus_destroy() - close all channels, join their workers, free. The VPs have stopped, and
 * the loop has too, for good: a call of ours may still be queued in it. Bus thread.
 */
void vmbus_destroy(struct vmbus *vmbus);

/**
 * vmbus_post_message() - HvPostMessage from a guest
 * @payload: private copy of what the guest posted, at most 240 bytes
 *
 * Any vCPU thread; does not block. Return: TLFS_STATUS_SUCCESS, _INVALID_CONNECTION_ID,
 * _INVALID_PARAMETER, _INSUFFICIENT_BUFFERS (queue full: the guest retries).
 */
uint16_t vmbus_post_message(struct vmbus *vmbus, uint32_t connection_id, uint32_t message_type,
			    const void *payload, uint32_t bytes);

/**
 * vmbus_signal_event() - HvSignalEvent that KVM did not handle (shared doorbell, unknown id). Any
 * vCPU thread.
 */
uint16_t vmbus_signal_event(struct vmbus *vmbus, uint32_t connection_id, uint16_t flag);

/**
 * vmbus_offer() - put a channel on the bus; offered to the guest at once if it asked. Bus thread.
 * NULL: errno.
 */
struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer);
/**
 * vmbus_rescind() - take it away: RESCIND, then freed after the guest's RELID_RELEASED. Bus thread.
 */
void vmbus_rescind(struct vmbus *vmbus, struct channel *channel);

/**
 * vmbus_pause() - no channel is served any more, or all are again
 *
 * What is in flight is still finished. Returns when all have stopped, or after 2 s. The VPs are out of the guest. Bus thread.
 */
void vmbus_pause(struct vmbus *vmbus, bool on);

/**
 * vmbus_fault_add() - add a rule; one that is to be carried out at once is
 * @error: ERROR_BYTES
 *
 * Bus thread. Return: as fault_add().
 */
int vmbus_fault_add(struct vmbus *vmbus, const char *rule, char *error);
/**
 * vmbus_fault_remove() - remove rule @id; 0: all
 *
 * What it stalled goes on. With no rule left, all that was held back is let go. Bus thread.
 * Return: how many rules there were.
 */
unsigned int vmbus_fault_remove(struct vmbus *vmbus, unsigned int id);

/**
 * vmbus_query() - version, state, channels with their statistics, as JSON (new reference). Bus
 * thread.
 */
json_t *vmbus_query(struct vmbus *vmbus);
/**
 * vmbus_reset() - as after a guest reset: everything closed, nothing negotiated. Bus thread; done
 * when it returns.
 */
void vmbus_reset(struct vmbus *vmbus);

#endif
