// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the host that are no SCSI commands (initialisation, resets): one at a time, each with
 * an id of its own and a time limit, all on the primary channel. What they say is init.c's and error_handling.c's.
 * Invariant: host->control points at a waiting xact or is NULL, and changes only under
 * control_lock.
 */
#include "internal.h"

static u64 control_begin(struct storvsc_host *host, struct hvis_xact *xact)
{
	unsigned long flags;
	u64 id;

	spin_lock_irqsave(&host->control_lock, flags);
	id = STORVSC_ID_CONTROL | ++host->control_sequence;
	host->control_id = id;
	host->control = xact;
	spin_unlock_irqrestore(&host->control_lock, flags);
	return id;
}

static void control_end(struct storvsc_host *host)
{
	unsigned long flags;

	spin_lock_irqsave(&host->control_lock, flags);
	host->control = NULL;
	spin_unlock_irqrestore(&host->control_lock, flags);
}

/* Sends @packet under a new id and waits. */
static int control_exchange(struct storvsc_host *host, const struct vstor_packet *packet,
			    struct hvis_xact *xact, unsigned int timeout_ms, const char *step)
{
	struct vmbus_channel *channel = host->links[0].channel;
	u64 id = control_begin(host, xact);
	char what[96];
	int error;

	error = hvis_channel_send_inband(channel, packet, sizeof(*packet), id,
					 PACKET_FLAG_COMPLETION_REQUESTED);
	if (!error) {
		snprintf(what, sizeof(what), "%s of %s", step, dev_name(&host->device->dev));
		error = hvis_xact_wait(xact, timeout_ms, what);
	}
	control_end(host);
	return error;
}

/**
 * storvsc_control_ask() - send one control packet and wait for its answer
 * @host: the controller, its channel open; recovery is held
 * @packet: the request with operation and body filled in; the answer on success
 * @timeout_ms: how long the host may take
 * @step: its name, for the log line of a time-out
 *
 * May sleep. The status field of the answer is the caller's to judge.
 *
 * Return: 0; -ETIMEDOUT (already logged); -EPROTO: the answer is not a COMPLETE_IO; -ENODEV, -EIO:
 * the channel is gone or broken; -EAGAIN: the ring is full.
 */
int storvsc_control_ask(struct storvsc_host *host, struct vstor_packet *packet,
			unsigned int timeout_ms, const char *step)
{
	struct vstor_packet answer = {};
	struct hvis_xact xact;
	int error;

	lockdep_assert_held(&host->recovery);
	packet->flags = VSTOR_FLAG_REQUEST_COMPLETION;
	hvis_xact_init(&xact, &answer, sizeof(answer));
	error = control_exchange(host, packet, &xact, timeout_ms, step);
	if (error)
		return error;
	if (answer.operation != VSTOR_COMPLETE_IO)
		return -EPROTO;
	*packet = answer;
	return 0;
}

/**
 * storvsc_control_answer() - the host answered a control request
 * @host: the controller
 * @id: from the packet
 * @packet: private copy, of full length
 *
 * Any context.
 *
 * Return: false if nobody waits for this id: it is late, doubled or made up.
 */
bool storvsc_control_answer(struct storvsc_host *host, u64 id, const struct vstor_packet *packet)
{
	unsigned long flags;
	bool first = false;

	spin_lock_irqsave(&host->control_lock, flags);
	if (host->control && host->control_id == id)
		first = hvis_xact_complete(host->control, packet, sizeof(*packet));
	spin_unlock_irqrestore(&host->control_lock, flags);
	return first;
}

/**
 * storvsc_control_fail() - nobody will answer the control request that waits, if one does
 * @host: the controller
 * @error: for the waiter
 *
 * Any context.
 */
void storvsc_control_fail(struct storvsc_host *host, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&host->control_lock, flags);
	if (host->control)
		hvis_xact_fail(host->control, error);
	spin_unlock_irqrestore(&host->control_lock, flags);
}
