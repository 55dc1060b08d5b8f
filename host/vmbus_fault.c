// SPDX-License-Identifier: GPL-2.0
/*
 * What the bus does wrong on purpose: control messages in both directions, offers that come and go,
 * and what workers' rules leave to the bus thread. Which fault hits when is fault.c's decision.
 * Invariant: only messages are lied about; the bus's own state changes by its ordinary functions.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmbus_internal.h"

#define REORDER_MS 1000 /* until a message behind which nothing comes is let go */
#define AGAIN_MS 5 /* an offer has to wait: the guest has yet to release older ones */
#define AHEAD_MAX 16 /* offers of one device that the guest has not released */

enum held_kind {
	HELD_IN, /* a struct request */
	HELD_OUT, /* a message */
	HELD_OFFER, /* a struct again */
};

/* An offer that is to be made again, and how often it then goes and comes. */
struct again {
	struct channel_offer offer;
	char name[FAULT_NAME_BYTES];
	uint64_t ms, times;
};

static uint64_t value_or(const struct fault_action *action, enum fault_key key, uint64_t other)
{
	return fault_has(action, key) ? action->value[key] : other;
}

/* Where messages of a type have their relid; 0: nowhere. */
static uint32_t relid_offset(uint32_t type)
{
	switch (type) {
	case CHANMSG_OFFER:
		return offsetof(struct chanmsg_offer, relid);
	case CHANMSG_RESCIND:
	case CHANMSG_RELID_RELEASED:
	case CHANMSG_OPEN:
	case CHANMSG_OPEN_RESULT:
	case CHANMSG_CLOSE:
	case CHANMSG_GPADL_HEADER:
	case CHANMSG_GPADL_CREATED:
	case CHANMSG_GPADL_TEARDOWN:
	case CHANMSG_MODIFY:
	case CHANMSG_MODIFY_RESPONSE:
		return sizeof(struct chanmsg_header);
	default:
		return 0;
	}
}

/* Where messages to the guest have their NTSTATUS; 0: nowhere. */
static uint32_t status_offset(uint32_t type)
{
	switch (type) {
	case CHANMSG_OPEN_RESULT:
		return offsetof(struct chanmsg_open_result, status);
	case CHANMSG_GPADL_CREATED:
		return offsetof(struct chanmsg_gpadl_created, status);
	case CHANMSG_MODIFY_RESPONSE:
		return offsetof(struct chanmsg_modify_response, status);
	default:
		return 0;
	}
}

static bool read_u32(const uint8_t *message, uint32_t bytes, uint32_t offset, uint32_t *value)
{
	if (!offset || offset + sizeof(*value) > bytes)
		return false;
	memcpy(value, message + offset, sizeof(*value));
	return true;
}

static void write_u32(uint8_t *message, uint32_t bytes, uint32_t offset, uint64_t value)
{
	const uint32_t low = (uint32_t)value;

	if (offset && offset + sizeof(low) <= bytes)
		memcpy(message + offset, &low, sizeof(low));
}

static uint32_t type_of(const uint8_t *message, uint32_t bytes)
{
	uint32_t type = CHANMSG_INVALID;

	if (bytes >= sizeof(type))
		memcpy(&type, message, sizeof(type));
	return type;
}

static struct channel *find_named(const struct vmbus *vmbus, const char *name)
{
	struct channel *channel = vmbus->channels;

	while (channel && (channel->rescinded || strcmp(channel->name, name)))
		channel = channel->next;
	return channel;
}

static void describe(const struct vmbus *vmbus, struct fault_event *event, const uint8_t *message,
		     uint32_t bytes)
{
	uint32_t type = type_of(message, bytes), relid;
	const struct channel *channel;

	event->is[FAULT_IF_TYPE] = type;
	if (!read_u32(message, bytes, relid_offset(type), &relid))
		return;
	event->is[FAULT_IF_RELID] = relid;
	channel = vmbus_find(vmbus, relid);
	event->channel = channel ? channel->name : NULL;
}

/* A message on its way: a request of the guest's, or one of ours in the same clothes. */
struct mail {
	enum fault_direction direction;
	struct request request;
};

static void let_go(struct vmbus *vmbus, const struct mail *mail)
{
	if (mail->direction == FAULT_FROM_GUEST)
		vmbus_take(vmbus, &mail->request);
	else
		vmbus_give(vmbus, mail->request.raw, mail->request.bytes);
}

static void hold(struct vmbus *vmbus, const struct mail *mail, uint64_t ms, bool until_next)
{
	unsigned int kind = mail->direction == FAULT_FROM_GUEST ? HELD_IN : HELD_OUT;

	fault_hold_add(&vmbus->config.fault->messages, kind, ms, until_next, mail, sizeof(*mail),
		       NULL, 0);
}

static void duplicate(struct vmbus *vmbus, const struct mail *mail, struct fault_action *action)
{
	struct mail copy = *mail;

	if (fault_has(action, FAULT_KEY_OFFSET))
		fault_corrupt(action, NULL, copy.request.raw, copy.request.bytes);
	for (uint64_t times = value_or(action, FAULT_KEY_TIMES, 1); times--;)
		hold(vmbus, &copy, action->value[FAULT_KEY_MS], false);
}

/* A version is answered with yes or no, and a state that says why not. */
static void answer_reply(struct request *reply, uint64_t status)
{
	uint32_t type = type_of(reply->raw, reply->bytes);

	write_u32(reply->raw, reply->bytes, status_offset(type), status);
	if (type == CHANMSG_VERSION_RESPONSE &&
	    reply->bytes >= sizeof(struct chanmsg_version_response)) {
		reply->raw[offsetof(struct chanmsg_version_response, supported)] = !status;
		reply->raw[offsetof(struct chanmsg_version_response, connection_state)] =
			(uint8_t)status;
	}
}

/* Answer without having looked. Return: false if that type has no answer with a status. */
static bool answer_request(struct vmbus *vmbus, const struct request *request, uint32_t status)
{
	const struct chanmsg_gpadl_created created = {
		.header.type = CHANMSG_GPADL_CREATED,
		.relid = request->gpadl_header.relid,
		.gpadl = request->gpadl_header.gpadl,
		.status = status,
	};
	const struct chanmsg_modify_response modified = {
		.header.type = CHANMSG_MODIFY_RESPONSE,
		.relid = request->modify.relid,
		.status = status,
	};

	switch (type_of(request->raw, request->bytes)) {
	case CHANMSG_OPEN:
		request_open_result(vmbus, request->open.relid, request->open.open_id, status);
		return true;
	case CHANMSG_GPADL_HEADER:
		vmbus_reply(vmbus, &created, sizeof(created));
		return true;
	case CHANMSG_MODIFY:
		vmbus_reply(vmbus, &modified, sizeof(modified));
		return true;
	default:
		return false;
	}
}

static bool answer(struct vmbus *vmbus, struct mail *mail, const struct fault_action *action)
{
	uint64_t status = action->value[FAULT_KEY_STATUS];

	if (mail->direction == FAULT_FROM_GUEST)
		return !answer_request(vmbus, &mail->request, (uint32_t)status);
	answer_reply(&mail->request, status);
	return true;
}

/* What becomes of the message itself. Return: true: it goes on, perhaps changed. */
static bool change(struct vmbus *vmbus, struct mail *mail, struct fault_action *action)
{
	switch (action->verb) {
	case FAULT_DROP:
		return false;
	case FAULT_DELAY:
		hold(vmbus, mail, action->value[FAULT_KEY_MS], false);
		return false;
	case FAULT_REORDER:
		hold(vmbus, mail, value_or(action, FAULT_KEY_MS, REORDER_MS), true);
		return false;
	case FAULT_DUPLICATE:
		duplicate(vmbus, mail, action);
		return true;
	case FAULT_CORRUPT:
		fault_corrupt(action, NULL, mail->request.raw, mail->request.bytes);
		return true;
	case FAULT_ANSWER:
		return answer(vmbus, mail, action);
	default:
		return true;
	}
}

/* A message of our own invention: given bytes, or zeros of a type with what was named filled in. */
static void post(struct vmbus *vmbus, const struct fault_action *action)
{
	uint8_t message[CHANMSG_SIZE_MAX] = { 0 };
	uint32_t bytes = action->byte_count;
	const uint32_t type = (uint32_t)action->value[FAULT_KEY_TYPE];

	memcpy(message, action->bytes, bytes);
	if (fault_has(action, FAULT_KEY_TYPE)) {
		bytes = value_or(action, FAULT_KEY_LENGTH, CHANMSG_SIZE_MAX);
		write_u32(message, bytes, relid_offset(type), action->value[FAULT_KEY_RELID]);
		write_u32(message, bytes, status_offset(type), action->value[FAULT_KEY_STATUS]);
		memcpy(message, &type, bytes < sizeof(type) ? bytes : sizeof(type));
	}
	for (uint64_t times = value_or(action, FAULT_KEY_TIMES, 1); times--;)
		vmbus_give(vmbus, message, bytes);
}

/* An offer that is to be made again keeps its provider, as a channel would. */
static void use_provider(const struct channel_offer *offer, int by)
{
	if (offer->ops->used)
		offer->ops->used(offer->context, by);
}

static void hold_offer(struct vmbus *vmbus, const struct again *again, uint64_t ms)
{
	use_provider(&again->offer, 1);
	fault_hold_add(&vmbus->config.fault->messages, HELD_OFFER, ms, false, again,
		       sizeof(*again), NULL, 0);
}

/* The provider is told that its device has gone, or that it is this channel now. */
static void tell_provider(const struct channel_offer *offer, struct channel *channel)
{
	if (offer->ops->moved && !offer->sub_channel_index)
		offer->ops->moved(offer->context, channel);
}

static void take_away(struct vmbus *vmbus, struct channel *channel, uint64_t ms, uint64_t times)
{
	struct again again = { .offer = channel->offer, .ms = ms, .times = times };

	snprintf(again.name, sizeof(again.name), "%s", channel->name);
	tell_provider(&again.offer, NULL);
	vmbus_rescind(vmbus, channel);
	if (times)
		hold_offer(vmbus, &again, ms);
}

/* Farther ahead of the guest nothing new is shown: only messages pile up. */
static bool far_ahead(const struct vmbus *vmbus, const struct channel_offer *offer)
{
	unsigned int ahead = 0;

	for (const struct channel *channel = vmbus->channels; channel; channel = channel->next)
		ahead += channel->rescinded && !memcmp(&channel->offer.instance, &offer->instance, sizeof(offer->instance));
	return ahead >= AHEAD_MAX;
}

static void offer_again(struct vmbus *vmbus, const struct again *again)
{
	struct again next = *again;
	struct channel *channel;

	if (far_ahead(vmbus, &again->offer)) {
		hold_offer(vmbus, again, AGAIN_MS);
		return;
	}
	next.offer.name = next.name;
	channel = vmbus_offer(vmbus, &next.offer);
	if (!channel) {
		if (errno != EEXIST)
			hold_offer(vmbus, again, AGAIN_MS);
		return;
	}
	tell_provider(&next.offer, channel);
	if (again->times > 1 && fault_armed(vmbus->config.fault))
		take_away(vmbus, channel, again->ms, again->times - 1);
}

static void rescind(struct vmbus *vmbus, const struct fault_action *action)
{
	struct channel *channel = find_named(vmbus, action->channel);

	if (channel)
		take_away(vmbus, channel, action->value[FAULT_KEY_REOFFER],
			  fault_has(action, FAULT_KEY_REOFFER)
				  ? value_or(action, FAULT_KEY_TIMES, 1)
				  : 0);
}

/* What is done beside the message. A channel's worker lives while the channel is not closed. */
static void act(struct vmbus *vmbus, const struct fault_action *action)
{
	struct channel *channel;

	switch (action->verb) {
	case FAULT_RESCIND:
		rescind(vmbus, action);
		break;
	case FAULT_POST:
		post(vmbus, action);
		break;
	case FAULT_RAISE:
	case FAULT_STALL:
	case FAULT_RING:
	case FAULT_RAW:
	case FAULT_SEND:
		channel = find_named(vmbus, action->channel);
		if (channel && channel->state != CHANNEL_CLOSED)
			worker_fault_call(channel->worker, action);
		break;
	default:
		break;
	}
}

static void orders(struct loop_work *work)
{
	struct vmbus *vmbus =
		(struct vmbus *)((char *)work - offsetof(struct vmbus, fault_work));
	struct fault_order *order;

	atomic_store(&vmbus->fault_called, false);
	while ((order = fault_orders(vmbus->config.fault))) {
		act(vmbus, &order->action);
		free(order);
	}
}

/* Any thread. */
static void wake(void *context)
{
	struct vmbus *vmbus = context;

	if (!atomic_exchange(&vmbus->fault_called, true))
		loop_call(vmbus->config.loop, &vmbus->fault_work);
}

/*
 * What is done to channels comes later, as an order: the message may be one of several that a
 * handler sends while it walks them.
 */
static bool passes(struct vmbus *vmbus, struct mail *mail)
{
	struct fault *fault = vmbus->config.fault;
	struct fault_event event;
	struct fault_verdict verdict;
	bool goes_on;

	fault_event_init(&event, FAULT_MESSAGE, mail->direction);
	describe(vmbus, &event, mail->request.raw, mail->request.bytes);
	fault_decide(fault, &event, &verdict);
	goes_on = !verdict.silent;
	for (unsigned int i = 0; i < verdict.count; i++) {
		if (goes_on)
			goes_on = change(vmbus, mail, &verdict.actions[i]);
		if (verdict.actions[i].verb >= FAULT_RAISE)
			fault_order(fault, &verdict.actions[i]);
	}
	return goes_on;
}

static bool carry_out(struct vmbus *vmbus, struct mail *mail)
{
	unsigned int kind = mail->direction == FAULT_FROM_GUEST ? HELD_IN : HELD_OUT;

	if (passes(vmbus, mail)) {
		let_go(vmbus, mail);
		fault_hold_next(&vmbus->config.fault->messages, kind);
	}
	return true;
}

bool vmbus_fault_in(struct vmbus *vmbus, const struct request *request)
{
	struct mail mail = { .direction = FAULT_FROM_GUEST, .request = *request };

	return carry_out(vmbus, &mail);
}

bool vmbus_fault_out(struct vmbus *vmbus, const void *message, uint32_t bytes)
{
	struct mail mail = { .direction = FAULT_TO_GUEST, .request.bytes = bytes };

	memcpy(mail.request.raw, message, bytes);
	return carry_out(vmbus, &mail);
}

static void released(void *context, struct fault_held *held)
{
	if (held->kind == HELD_OFFER) {
		offer_again(context, (const struct again *)held->data);
		use_provider(&((const struct again *)held->data)->offer, -1);
	} else {
		let_go(context, (const struct mail *)held->data);
	}
}

int vmbus_fault_add(struct vmbus *vmbus, const char *rule, char *error)
{
	int id = fault_add(vmbus->config.fault, rule, error);
	struct fault_action action;

	if (id > 0 && fault_now(vmbus->config.fault, id, &action))
		act(vmbus, &action);
	return id;
}

unsigned int vmbus_fault_remove(struct vmbus *vmbus, unsigned int id)
{
	struct fault *fault = vmbus->config.fault;
	unsigned int removed = fault_remove(fault, id);

	for (struct channel *channel = vmbus->channels; channel; channel = channel->next)
		if (channel->state != CHANNEL_CLOSED)
			worker_fault_call(channel->worker, NULL);
	if (!fault_armed(fault))
		fault_hold_release(&fault->messages);
	return removed;
}

void vmbus_fault_start(struct vmbus *vmbus)
{
	struct fault *fault = vmbus->config.fault;

	vmbus->fault_work.run = orders;
	fault_hold_init(&fault->messages, vmbus->config.loop, released, vmbus);
	fault_attach(fault, wake, vmbus);
}

/* The loop has stopped; its timer goes with it. Nobody wakes us any more. */
void vmbus_fault_stop(struct vmbus *vmbus)
{
	if (vmbus->config.fault != fault_none())
		fault_attach(vmbus->config.fault, NULL, NULL);
}
