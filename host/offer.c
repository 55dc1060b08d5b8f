// SPDX-License-Identifier: GPL-2.0
/*
 * Offers: which channels there are, which of them the guest knows, and how one is taken away again.
 * Opening them is request.c's.
 * Invariant: a relid that the guest has been told is not given to another channel before the guest
 * has released it or the connection is over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "vmbus_internal.h"

#define NAME_BYTES 32 /* of a sub-channel: "scsi0.63" */

/* The next free one, round the circle, so that a relid rests as long as possible. 0: none. */
static uint32_t relid_take(struct vmbus *vmbus)
{
	for (uint32_t tried = 0; tried < CHANNEL_RELID_MAX; tried++) {
		uint32_t relid = vmbus->relid_next;

		vmbus->relid_next = relid % CHANNEL_RELID_MAX + 1;
		if (!vmbus->by_relid[relid])
			return relid;
	}
	return 0;
}

static bool same_device(const struct channel_offer *a, const struct channel_offer *b)
{
	return !memcmp(&a->instance, &b->instance, sizeof(a->instance)) &&
	       !memcmp(&a->type, &b->type, sizeof(a->type));
}

/* One that is being rescinded may be offered again: the guest tells them apart by the relid. */
static bool offered_already(const struct vmbus *vmbus, const struct channel_offer *offer)
{
	for (const struct channel *channel = vmbus->channels; channel; channel = channel->next)
		if (!channel->rescinded && same_device(&channel->offer, offer) &&
		    channel->offer.sub_channel_index == offer->sub_channel_index)
			return true;
	return false;
}

static void tell(struct vmbus *vmbus, struct channel *channel)
{
	const struct channel_offer *offer = &channel->offer;
	struct chanmsg_offer message = {
		.header.type = CHANMSG_OFFER,
		.if_type = offer->type,
		.if_instance = offer->instance,
		.flags = offer->sub_channel_index ? 0 : CHANMSG_OFFER_ENUMERATE,
		.sub_channel_index = offer->sub_channel_index,
		.relid = channel->relid,
		.dedicated_interrupt = CHANMSG_OFFER_DEDICATED_INTERRUPT,
		.connection_id = channel->connection_id,
	};

	channel->offered = true;
	vmbus_reply(vmbus, &message, sizeof(message));
}

static void append(struct vmbus *vmbus, struct channel *channel)
{
	struct channel **link = &vmbus->channels;

	while (*link)
		link = &(*link)->next;
	*link = channel;
}

struct channel *offer_add(struct vmbus *vmbus, const struct channel_host *host,
			  const struct channel_offer *offer)
{
	struct channel *channel;
	uint32_t relid;

	if (offered_already(vmbus, offer)) {
		errno = EEXIST;
		return NULL;
	}
	relid = relid_take(vmbus);
	if (!relid) {
		errno = ENOSPC;
		return NULL;
	}
	channel = channel_create(host, offer, relid);
	if (!channel)
		return NULL;
	append(vmbus, channel);
	vmbus->by_relid[relid] = channel;
	if (vmbus->state == BUS_OFFERED)
		tell(vmbus, channel);
	return channel;
}

void offer_remove(struct vmbus *vmbus, struct channel *channel)
{
	struct channel **link = &vmbus->channels;

	gpadl_forget(&vmbus->gpadls, channel->relid);
	while (*link != channel)
		link = &(*link)->next;
	*link = channel->next;
	vmbus->by_relid[channel->relid] = NULL;
	vmbus_count_removed(vmbus, channel);
	channel_destroy(channel);
}

void offer_forget(struct vmbus *vmbus)
{
	struct channel *next;

	for (struct channel *channel = vmbus->channels; channel; channel = next) {
		next = channel->next;
		channel->offered = false;
		if (channel->rescinded || channel->offer.sub_channel_index)
			offer_remove(vmbus, channel);
	}
}

static void offer_sub_channel(struct vmbus *vmbus, const struct channel *primary,
			      unsigned int index)
{
	struct channel_offer offer = primary->offer;
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s.%u", primary->name, index);
	offer.name = name;
	offer.sub_channel_index = (uint16_t)index;
	if (!offer_add(vmbus, &primary->host, &offer))
		log_warn("vmbus: cannot offer %s: %s", name, strerror(errno));
}

/* A primary that is closing by now gets none: they would only have to go again. */
void offer_sub_channels(struct vmbus *vmbus, struct channel *primary)
{
	unsigned int count = atomic_load(&primary->sub_channels);

	if (primary->state != CHANNEL_OPEN || primary->rescinded)
		return;
	for (unsigned int index = 1; index <= count; index++)
		offer_sub_channel(vmbus, primary, index);
}

/* A rescinded channel may leave the list at once, so the next one is looked up before. */
void offer_rescind_subs(struct vmbus *vmbus, const struct channel *primary)
{
	struct channel *next;

	if (primary->offer.sub_channel_index)
		return;
	for (struct channel *channel = vmbus->channels; channel; channel = next) {
		next = channel->next;
		if (channel->offer.sub_channel_index &&
		    same_device(&channel->offer, &primary->offer))
			vmbus_rescind(vmbus, channel);
	}
}

/* REQUEST_OFFERS, once per connection. */
const char *offer_request(struct vmbus *vmbus, const struct request *request)
{
	const struct chanmsg_header end = { .type = CHANMSG_ALL_OFFERS_DELIVERED };

	(void)request;
	vmbus->state = BUS_OFFERED;
	for (struct channel *channel = vmbus->channels; channel; channel = channel->next)
		if (!channel->rescinded)
			tell(vmbus, channel);
	vmbus_reply(vmbus, &end, sizeof(end));
	return NULL;
}

/*
 * See vmbus.h. An open channel reads no more, but what is in flight is finished, answered as long as
 * the guest has not closed the channel itself, and interrupted for; its rings stay mapped until then.
 * One that the guest never heard of goes at once, or at the end of the reset under way.
 */
void vmbus_rescind(struct vmbus *vmbus, struct channel *channel)
{
	struct chanmsg_relid message = { .header.type = CHANMSG_RESCIND, .relid = channel->relid };

	if (channel->rescinded)
		return;
	offer_rescind_subs(vmbus, channel);
	channel->rescinded = true;
	if (channel->offered && vmbus->state == BUS_OFFERED) {
		channel_close(channel, false);
		if (channel->state == CHANNEL_CLOSED)
			channel_unuse(channel);
		vmbus_reply(vmbus, &message, sizeof(message));
	} else if (vmbus->state != BUS_RESETTING) {
		offer_remove(vmbus, channel);
	}
}

/* RELID_RELEASED: the guest's GPADLs of that channel go with it, unannounced. */
const char *offer_released(struct vmbus *vmbus, const struct request *request)
{
	struct channel *channel = vmbus_find(vmbus, request->relid.relid);

	if (!channel)
		return "no such channel";
	if (!channel->rescinded)
		return "channel not rescinded";
	channel->released = true;
	channel->offered = false;
	if (channel->state == CHANNEL_CLOSED)
		offer_remove(vmbus, channel);
	return NULL;
}
