// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus server's own thread of events: the mailbox that vCPUs and workers put into, the gate
 * that checks every message once, and what happens when a worker reports. What the messages do is
 * in connection.c, offer.c and request.c.
 * Invariant: the bus thread's state is touched in the bus thread only; others touch the mailbox,
 * under its lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "thread.h"
#include "vmbus_internal.h"
#include "wire/hypercall.h"

#define REFUSALS_LOGGED_MAX \
	32 /* per VM; further ones are only counted, so no guest can fill the log */

#define PAUSE_SECONDS 2 /* that workers have to hear of one */

#define IN(state)     (1u << (state))
#define IN_CONNECTION (IN(BUS_CONNECTED) | IN(BUS_OFFERED))
#define IN_ANY	      (IN(BUS_DISCONNECTED) | IN_CONNECTION)

/* One row per message that a guest may send. */
struct rule {
	const char *name;
	uint16_t bytes_min, bytes_max;
	uint32_t states;
	uint32_t version_min; /* 0: any */
	const char *(*handle)(struct vmbus *vmbus, const struct request *request);
};

#define EXACTLY(type) sizeof(type), sizeof(type)

static const struct rule rules[CHANMSG_TYPE_COUNT] = {
	[CHANMSG_REQUEST_OFFERS] = { "REQUEST_OFFERS", EXACTLY(struct chanmsg_header),
				     IN(BUS_CONNECTED), 0, offer_request },
	[CHANMSG_OPEN] = { "OPEN", EXACTLY(struct chanmsg_open), IN(BUS_OFFERED), 0, request_open },
	[CHANMSG_CLOSE] = { "CLOSE", EXACTLY(struct chanmsg_relid), IN(BUS_OFFERED), 0,
			    request_close },
	[CHANMSG_GPADL_HEADER] = { "GPADL_HEADER", sizeof(struct chanmsg_gpadl_header),
				   CHANMSG_SIZE_MAX, IN(BUS_OFFERED), 0, request_gpadl_header },
	[CHANMSG_GPADL_BODY] = { "GPADL_BODY", sizeof(struct chanmsg_gpadl_body), CHANMSG_SIZE_MAX,
				 IN(BUS_OFFERED), 0, request_gpadl_body },
	[CHANMSG_GPADL_TEARDOWN] = { "GPADL_TEARDOWN", EXACTLY(struct chanmsg_gpadl_teardown),
				     IN(BUS_OFFERED), 0, request_gpadl_teardown },
	[CHANMSG_RELID_RELEASED] = { "RELID_RELEASED", EXACTLY(struct chanmsg_relid),
				     IN(BUS_OFFERED), 0, offer_released },
	/* Versions to come append to it, and must be answered to be refused. */
	[CHANMSG_INITIATE_CONTACT] = { "INITIATE_CONTACT", sizeof(struct chanmsg_initiate_contact),
				       CHANMSG_SIZE_MAX, IN_ANY, 0, connection_contact },
	[CHANMSG_UNLOAD] = { "UNLOAD", EXACTLY(struct chanmsg_header), IN_CONNECTION, 0,
			     connection_unload },
	[CHANMSG_MODIFY] = { "MODIFYCHANNEL", EXACTLY(struct chanmsg_modify), IN(BUS_OFFERED),
			     VMBUS_VERSION_WIN10_V4_1, request_modify },
};

static const struct rule unknown_rule = { .name = "unknown message" };

/* Which rule a message falls under; @why: NULL, or what is wrong before any handler has seen it. */
static const struct rule *gate(const struct vmbus *vmbus, const struct request *request,
			       const char **why)
{
	const struct rule *rule = &unknown_rule;
	uint32_t type = 0;

	if (request->bytes >= sizeof(request->header))
		type = request->header.type;
	if (type < CHANMSG_TYPE_COUNT && rules[type].handle)
		rule = &rules[type];
	*why = NULL;
	if (!rule->handle)
		*why = "not a type that guests send";
	else if (request->bytes < rule->bytes_min)
		*why = "too short";
	else if (request->bytes > rule->bytes_max)
		*why = "too long";
	else if (!(rule->states & IN(vmbus->state)))
		*why = "not in this state of the connection";
	else if (vmbus->version < rule->version_min)
		*why = "not in the agreed version";
	return rule;
}

static void refuse(struct vmbus *vmbus, const struct rule *rule, const struct request *request,
		   const char *why)
{
	uint32_t type = request->bytes >= sizeof(request->header) ? request->header.type : 0;

	vmbus->counters.refused++;
	if (vmbus->refusals_logged >= REFUSALS_LOGGED_MAX)
		return;
	log_warn("vmbus: refused %s (type %u, %u bytes): %s%s", rule->name, type, request->bytes,
		 why,
		 ++vmbus->refusals_logged == REFUSALS_LOGGED_MAX ? "; more are only counted" : "");
}

static void count_type(uint64_t counters[CHANMSG_TYPE_COUNT + 1], const void *message,
		       uint32_t bytes)
{
	struct chanmsg_header header = { .type = CHANMSG_TYPE_COUNT };

	if (bytes >= sizeof(header))
		memcpy(&header, message, sizeof(header));
	counters[header.type < CHANMSG_TYPE_COUNT ? header.type : CHANMSG_TYPE_COUNT]++;
}

void vmbus_take(struct vmbus *vmbus, const struct request *request)
{
	const char *why;
	const struct rule *rule = gate(vmbus, request, &why);

	vmbus->counters.messages_in++;
	count_type(vmbus->counters.in, request->raw, request->bytes);
	if (!why)
		why = rule->handle(vmbus, request);
	if (why)
		refuse(vmbus, rule, request, why);
}

static void dispatch(struct vmbus *vmbus, const struct request *request)
{
	if (trace_mode(vmbus->config.trace))
		trace_control(vmbus->config.trace, TRACE_TO_HOST, request->connection_id,
			      request->raw, request->bytes);
	if (!fault_armed(vmbus->config.fault) || !vmbus_fault_in(vmbus, request))
		vmbus_take(vmbus, request);
}

static bool take(struct mailbox *mailbox, struct request *request)
{
	bool any;

	pthread_mutex_lock(&mailbox->lock);
	any = mailbox->count;
	if (any) {
		*request = mailbox->requests[mailbox->first];
		mailbox->first = (mailbox->first + 1) % MAILBOX_MAX;
		mailbox->count--;
	}
	pthread_mutex_unlock(&mailbox->lock);
	return any;
}

/* Any thread. The bus thread takes its turn soon. */
static void wake(struct vmbus *vmbus)
{
	struct mailbox *mailbox = &vmbus->mailbox;
	bool call;

	pthread_mutex_lock(&mailbox->lock);
	call = !mailbox->woken;
	mailbox->woken = true;
	pthread_mutex_unlock(&mailbox->lock);
	if (call)
		loop_call(vmbus->config.loop, &mailbox->wake);
}

static void channel_wakes(void *context)
{
	wake(context);
}

void vmbus_collect(struct vmbus *vmbus, struct channel *channel)
{
	struct gpadl *ring = channel->ring;
	uint32_t handle = ring->handle;

	channel_join(channel);
	channel->ring = NULL;
	channel->answer_open = false;
	if (gpadl_unpin(&vmbus->gpadls, ring) && vmbus->state != BUS_RESETTING)
		request_torndown(vmbus, handle);
	if (channel->rescinded)
		channel_unuse(channel);
	if (channel->released)
		offer_remove(vmbus, channel);
}

static void worker_opened(struct vmbus *vmbus, struct channel *channel)
{
	channel_opened(channel);
	if (channel->answer_open)
		request_open_result(vmbus, channel->relid, channel->open_id, NTSTATUS_SUCCESS);
	channel->answer_open = false;
}

/* A refusal is told when all of the attempt is gone, the doorbell too. */
static void worker_finished(struct vmbus *vmbus, struct channel *channel)
{
	uint32_t relid = channel->relid, open_id = channel->open_id;
	bool answer = channel->answer_open;

	vmbus_collect(vmbus, channel);
	if (answer)
		request_open_result(vmbus, relid, open_id, NTSTATUS_UNSUCCESSFUL);
}

/* What providers had borrowed and have returned, and the guest wants back. */
static void reap_gpadls(struct vmbus *vmbus)
{
	uint32_t handle;

	while (gpadl_reap(&vmbus->gpadls, &handle))
		if (vmbus->state != BUS_RESETTING)
			request_torndown(vmbus, handle);
}

static void take_reports(struct vmbus *vmbus)
{
	struct channel *next;

	for (struct channel *channel = vmbus->channels; channel; channel = next) {
		unsigned int reports = channel_reports(channel);

		next = channel->next;
		if (reports & CHANNEL_REPORT_OPENED)
			worker_opened(vmbus, channel);
		if (reports & CHANNEL_REPORT_SUBS)
			offer_sub_channels(vmbus, channel);
		if (reports & CHANNEL_REPORT_FINISHED)
			worker_finished(vmbus, channel);
	}
}

/*
 * While a reset waits for workers, messages stay in the mailbox; its end is a report, which wakes
 * us again. A turn ends after as many messages as the mailbox holds, so that a guest that posts
 * without end does not keep the loop from signals, the time limit and the control socket.
 */
static void bus_turn(struct loop_work *work)
{
	struct mailbox *mailbox = (struct mailbox *)((char *)work - offsetof(struct mailbox, wake));
	struct vmbus *vmbus = (struct vmbus *)((char *)mailbox - offsetof(struct vmbus, mailbox));
	unsigned int budget = MAILBOX_MAX;
	struct request request;

	pthread_mutex_lock(&mailbox->lock);
	mailbox->woken = false;
	pthread_mutex_unlock(&mailbox->lock);
	take_reports(vmbus);
	reap_gpadls(vmbus);
	connection_reset_step(vmbus);
	while (vmbus->state != BUS_RESETTING && take(mailbox, &request)) {
		dispatch(vmbus, &request);
		if (--budget)
			continue;
		wake(vmbus);
		return;
	}
}

/* See vmbus.h. */
uint16_t vmbus_post_message(struct vmbus *vmbus, uint32_t connection_id, uint32_t message_type,
			    const void *payload, uint32_t bytes)
{
	struct mailbox *mailbox = &vmbus->mailbox;
	bool known = connection_id == VMBUS_MESSAGE_CONNECTION_ID ||
		     (connection_id == VMBUS_MESSAGE_CONNECTION_ID_4 &&
		      vmbus->config.version_max >= VMBUS_VERSION_WIN10_V5);
	struct request *request;
	bool full;

	if (!known)
		return TLFS_STATUS_INVALID_CONNECTION_ID;
	if (message_type != TLFS_MESSAGE_TYPE_VMBUS || bytes > CHANMSG_SIZE_MAX)
		return TLFS_STATUS_INVALID_PARAMETER;
	pthread_mutex_lock(&mailbox->lock);
	full = mailbox->count == MAILBOX_MAX;
	if (!full) {
		request = &mailbox->requests[(mailbox->first + mailbox->count++) % MAILBOX_MAX];
		request->connection_id = connection_id;
		request->bytes = bytes;
		if (bytes)
			memcpy(request->raw, payload, bytes);
	}
	pthread_mutex_unlock(&mailbox->lock);
	wake(vmbus);
	return full ? TLFS_STATUS_INSUFFICIENT_BUFFERS : TLFS_STATUS_SUCCESS;
}

/*
 * Every channel has a doorbell of its own, which KVM rings while it is open: nothing else exists.
 */
uint16_t vmbus_signal_event(struct vmbus *vmbus, uint32_t connection_id, uint16_t flag)
{
	(void)vmbus;
	(void)connection_id;
	(void)flag;
	return TLFS_STATUS_INVALID_CONNECTION_ID;
}

void vmbus_give(struct vmbus *vmbus, const void *message, uint32_t bytes)
{
	const struct contact *contact = &vmbus->contact;

	vmbus->counters.messages_out++;
	count_type(vmbus->counters.out, message, bytes);
	if (trace_mode(vmbus->config.trace))
		trace_control(vmbus->config.trace, TRACE_TO_GUEST, contact->vp, message, bytes);
	if (!synic_post(vmbus->config.synic, contact->vp, contact->sint, message, bytes))
		return;
	if (!vmbus->counters.lost++)
		log_warn("vmbus: the guest does not take its messages");
}

void vmbus_reply(struct vmbus *vmbus, const void *message, uint32_t bytes)
{
	if (!fault_armed(vmbus->config.fault) || !vmbus_fault_out(vmbus, message, bytes))
		vmbus_give(vmbus, message, bytes);
}

struct channel *vmbus_find(const struct vmbus *vmbus, uint32_t relid)
{
	struct channel *channel = relid <= CHANNEL_RELID_MAX ? vmbus->by_relid[relid] : NULL;

	return channel && channel->offered ? channel : NULL;
}

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	const struct channel_host host = {
		.mem = vmbus->config.mem,
		.gpadls = &vmbus->gpadls,
		.synic = vmbus->config.synic,
		.fault = vmbus->config.fault,
		.trace = vmbus->config.trace,
		.pause = &vmbus->pause,
		.wake = channel_wakes,
		.context = vmbus,
	};

	return offer_add(vmbus, &host, offer);
}

/* A worker that ends just now does not post. What it left out, or posted too late, is of no later pause. */
void vmbus_pause(struct vmbus *vmbus, bool on)
{
	struct timespec end;
	unsigned int asked = 0;

	while (!sem_trywait(&vmbus->pause.heard))
		;
	atomic_store(&vmbus->pause.on, on);
	for (struct channel *channel = vmbus->channels; channel; channel = channel->next)
		asked += channel_pause(channel);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PAUSE_SECONDS;
	while (asked && (!sem_timedwait(&vmbus->pause.heard, &end) || errno == EINTR))
		asked--;
	if (asked)
		log_warn("%u channels have not heard within %d s that the VM is paused", asked, PAUSE_SECONDS);
}

struct vmbus *vmbus_create(const struct vmbus_config *config)
{
	struct vmbus *vmbus = calloc(1, sizeof(*vmbus));

	if (!vmbus)
		return NULL;
	vmbus->config = *config;
	if (!vmbus->config.version_max)
		vmbus->config.version_max = connection_newest();
	gpadl_table_init(&vmbus->gpadls, config->mem);
	vmbus->relid_next = 1;
	if (!vmbus->config.fault)
		vmbus->config.fault = fault_none();
	else
		vmbus_fault_start(vmbus);
	vmbus->mailbox.wake.run = bus_turn;
	pthread_mutex_init(&vmbus->mailbox.lock, NULL);
	sem_init(&vmbus->pause.heard, 0, 0);
	return vmbus;
}

bool vmbus_stop(struct vmbus *vmbus, unsigned int limit_ms)
{
	struct timespec until = thread_after(limit_ms * 1000000ull);
	bool ended = true;

	for (struct channel *channel = vmbus->channels; channel; channel = channel->next)
		channel_close(channel, true);
	for (struct channel *channel = vmbus->channels; channel; channel = channel->next)
		ended &= channel_ended(channel, &until);
	return ended;
}

void vmbus_destroy(struct vmbus *vmbus)
{
	if (!vmbus)
		return;
	vmbus_fault_stop(vmbus);
	vmbus_reset(vmbus);
	while (vmbus->channels)
		offer_remove(vmbus, vmbus->channels);
	sem_destroy(&vmbus->pause.heard);
	pthread_mutex_destroy(&vmbus->gpadls.lock);
	pthread_mutex_destroy(&vmbus->mailbox.lock);
	free(vmbus);
}
