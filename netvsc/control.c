// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the host, one at a time, each with a time limit: NVSP messages answered by a completion, and RNDIS requests
 * answered by a message with their request id. All on the primary channel. What they say is nvsp.c's and rndis.c's.
 *
 * RNDIS requests lie in one page. A host that did not answer may still read it, so after a time-out nothing else is put there:
 * the adapter is silent, and requests fail at once, until a new connection.
 * Invariant: control.xact points at a waiting xact or is NULL, and changes only under control.lock.
 */
#include <linux/jiffies.h>

#include "internal.h"

/* How long the next request may take. 0: the conversation has used up its time. */
static unsigned int limit_ms(const struct netvsc *nv)
{
	if (!nv->deadline)
		return NETVSC_REQUEST_MS;
	return time_before(jiffies, nv->deadline) ? jiffies_to_msecs(nv->deadline - jiffies) : 0;
}

/** netvsc_control_init() - nobody waits; any context */
void netvsc_control_init(struct netvsc *nv)
{
	mutex_init(&nv->control.mutex);
	spin_lock_init(&nv->control.lock);
}

static u64 begin(struct netvsc_control *control, struct hvis_xact *xact)
{
	u64 id;

	spin_lock_bh(&control->lock);
	id = NETVSC_ID_CONTROL | ++control->sequence;
	control->id = id;
	control->request = 0;
	control->xact = xact;
	spin_unlock_bh(&control->lock);
	return id;
}

static int wait(struct netvsc *nv, struct hvis_xact *xact, int error, const char *step)
{
	struct netvsc_control *control = &nv->control;
	char what[96];

	if (!error && READ_ONCE(nv->gone))
		error = -ENODEV;
	if (!error) {
		snprintf(what, sizeof(what), "%s of %s", step, dev_name(&nv->device->dev));
		error = hvis_xact_wait(xact, limit_ms(nv), what);
	}
	spin_lock_bh(&control->lock);
	control->xact = NULL;
	spin_unlock_bh(&control->lock);
	if (error == -ETIMEDOUT) {
		control->silent = true;
		if (nv->connected)
			netvsc_reset_soon(nv);
	}
	return error;
}

static int may_ask(const struct netvsc *nv)
{
	lockdep_assert_held(&nv->control.mutex);
	if (READ_ONCE(nv->gone) || !nv->queues[0].opened)
		return -ENODEV;
	return nv->control.silent ? -ETIMEDOUT : 0;
}

/**
 * netvsc_nvsp_ask() - send an NVSP message and wait for its completion
 * @nv: the primary channel is open
 * @message: to be sent; the answer on success, zeroed behind its end
 * @bytes: of the answer
 * @step: its name, for the log line of a time-out
 *
 * May sleep, bounded. Return: 0; -ETIMEDOUT (now, or before on this connection); -ENODEV, -EIO: the channel is gone or
 * broken; -EAGAIN: the ring is full; -EPROTO: the answer is too short for a type.
 */
int netvsc_nvsp_ask(struct netvsc *nv, struct nvsp_message *message, u32 *bytes, const char *step)
{
	struct nvsp_message answer = {};
	struct hvis_xact xact;
	int error;

	mutex_lock(&nv->control.mutex);
	hvis_xact_init(&xact, &answer, sizeof(answer));
	error = may_ask(nv);
	if (!error) {
		u64 id = begin(&nv->control, &xact);

		error = hvis_channel_send_inband(nv->queues[0].channel, message, sizeof(*message), id,
						 PACKET_FLAG_COMPLETION_REQUESTED);
		error = wait(nv, &xact, error, step);
	}
	mutex_unlock(&nv->control.mutex);
	if (error)
		return error;
	if (xact.reply_bytes < sizeof(answer.type))
		return -EPROTO;
	*message = answer;
	*bytes = xact.reply_bytes;
	return 0;
}

/** netvsc_nvsp_tell() - send an NVSP message that has no answer; any context. Return: as hvis_channel_send_inband(). */
int netvsc_nvsp_tell(struct netvsc *nv, const struct nvsp_message *message)
{
	return hvis_channel_send_inband(nv->queues[0].channel, message, sizeof(*message), 0, 0);
}

/* The packet whose one page is the control page. */
static int send_page(struct netvsc *nv, u32 bytes, u64 id)
{
	const struct netvsc_piece piece = { nv->control.page, bytes };
	const struct nvsp_message message = {
		.type = NVSP_SEND_RNDIS_PKT,
		.rndis = { .channel_type = NVSP_CHANNEL_CONTROL, .section = NVSP_NO_SECTION },
	};
	u32 ranges = netvsc_pages_bytes(&piece, 1);
	unsigned long flags;
	u8 *packet;

	packet = hvis_channel_reserve(nv->queues[0].channel, ranges + sizeof(message), &flags);
	if (IS_ERR(packet))
		return PTR_ERR(packet);
	netvsc_pages_build(packet, &piece, 1, id);
	memcpy(packet + ranges, &message, sizeof(message));
	hvis_channel_commit(nv->queues[0].channel, flags);
	netvsc_kick(&nv->queues[0]);
	return 0;
}

/* Return: the length of the message, or 0: too long for the page. */
static u32 build(struct netvsc *nv, u32 request, const struct netvsc_request *ask)
{
	u32 bytes = sizeof(struct rndis_header) + ask->body_bytes + ask->value_bytes;
	const struct rndis_header header = { .type = ask->type, .length = bytes };
	u8 *at = nv->control.page;

	if (bytes > PAGE_SIZE)
		return 0;
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), ask->body, ask->body_bytes);
	/* Every request begins with its id. */
	memcpy(at + sizeof(header), &request, sizeof(request));
	if (ask->value_bytes)
		memcpy(at + sizeof(header) + ask->body_bytes, ask->value, ask->value_bytes);
	return bytes;
}

static int exchange(struct netvsc *nv, const struct netvsc_request *ask, struct hvis_xact *xact)
{
	struct netvsc_control *control = &nv->control;
	u64 id = begin(control, xact);
	u32 request = (u32)id ?: 1;
	u32 bytes = build(nv, request, ask);

	spin_lock_bh(&control->lock);
	control->request = ask->type == RNDIS_HALT ? 0 : request;
	spin_unlock_bh(&control->lock);
	return wait(nv, xact, bytes ? send_page(nv, bytes, id) : -EMSGSIZE, ask->step);
}

/**
 * netvsc_rndis_ask() - send an RNDIS request and wait for its answer
 * @nv: the primary channel is open
 * @ask: the request
 * @reply: the answer without its header, so from the request id on
 * @reply_bytes: room there; on success how long the answer is
 *
 * May sleep, bounded. Return: as netvsc_nvsp_ask(), and -EMSGSIZE: the request is longer than a page.
 */
int netvsc_rndis_ask(struct netvsc *nv, const struct netvsc_request *ask, void *reply, u32 *reply_bytes)
{
	struct hvis_xact xact;
	int error;

	mutex_lock(&nv->control.mutex);
	hvis_xact_init(&xact, reply, *reply_bytes);
	error = may_ask(nv);
	if (!error)
		error = exchange(nv, ask, &xact);
	mutex_unlock(&nv->control.mutex);
	*reply_bytes = error ? 0 : xact.reply_bytes;
	return error;
}

/*
 * The completion of the packet that asked. For an RNDIS request it says only that the host has read it; for HALT, which has no
 * other answer, that is all.
 */
static bool complete_packet(struct netvsc_control *control, const struct hvis_packet *packet)
{
	struct nvsp_message message = {};

	if (!control->xact || control->id != packet->transaction_id)
		return false;
	if (!control->request)
		return hvis_xact_complete(control->xact, packet->payload, packet->payload_bytes);
	memcpy(&message, packet->payload, min_t(u32, packet->payload_bytes, sizeof(message)));
	if (message.type == NVSP_SEND_RNDIS_PKT_COMPLETE && message.rndis_complete.status != NVSP_STATUS_SUCCESS)
		hvis_xact_fail(control->xact, -EREMOTEIO);
	return true;
}

/**
 * netvsc_control_answer() - a packet with a control id was completed
 * @nv: the adapter
 * @packet: on the primary channel
 *
 * Any context but hard interrupts. A late one, of a request that has had its answer already, is what an RNDIS request's completion
 * may be; so only ids that were never given are refused.
 */
void netvsc_control_answer(struct netvsc *nv, const struct hvis_packet *packet)
{
	struct netvsc_control *control = &nv->control;
	u64 sequence = packet->transaction_id & ~NETVSC_ID_CONTROL;
	bool known;

	spin_lock_bh(&control->lock);
	known = complete_packet(control, packet) || (sequence && sequence <= control->sequence);
	spin_unlock_bh(&control->lock);
	if (!known)
		netvsc_refuse(nv, REFUSED_CONTROL_ID);
}

/**
 * netvsc_control_rndis() - an RNDIS message that answers a request came
 * @nv: the adapter
 * @message: private copy
 * @bytes: of it, at least a header and a request id
 *
 * Any context but hard interrupts.
 */
void netvsc_control_rndis(struct netvsc *nv, const void *message, u32 bytes)
{
	struct netvsc_control *control = &nv->control;
	const u8 *body = (const u8 *)message + sizeof(struct rndis_header);
	bool first = false;
	u32 request;

	memcpy(&request, body, sizeof(request));
	spin_lock_bh(&control->lock);
	if (control->xact && control->request && control->request == request)
		first = hvis_xact_complete(control->xact, body, bytes - sizeof(struct rndis_header));
	spin_unlock_bh(&control->lock);
	if (!first)
		netvsc_refuse(nv, REFUSED_CONTROL_ID);
}

/** netvsc_control_fail() - nobody will answer the request that waits, if one does; any context but hard interrupts */
void netvsc_control_fail(struct netvsc *nv, int error)
{
	spin_lock_bh(&nv->control.lock);
	if (nv->control.xact)
		hvis_xact_fail(nv->control.xact, error);
	spin_unlock_bh(&nv->control.lock);
}
