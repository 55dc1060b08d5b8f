// SPDX-License-Identifier: GPL-2.0
/*
 * Offers: which channels the host offers, and in which order they come and go. What becomes of a channel is told to
 * the layer above through the callbacks; opening and closing are channel.c's.
 * A relid is the host's again only when RELID_RELEASED was sent, after the device is gone.
 * Invariant: arrivals and departures run one at a time in the order of the host's messages, so a GUID that was
 * rescinded and offered again never names two devices.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>
#include <linux/uuid.h>

#include "channel.h"

static struct offers *offers(void)
{
	return &hvis_bus.offers;
}

static struct vmbus_channel *find_relid(u32 relid)
{
	struct vmbus_channel *channel;

	lockdep_assert_held(&offers()->lock);
	list_for_each_entry(channel, &offers()->channels, link)
		if (channel->relid == relid)
			return channel;
	return NULL;
}

/* A rescinded channel no longer stands in the way: it is gone before a later offer becomes a device. */
static bool instance_taken(const struct vmbus_guid *instance)
{
	struct vmbus_channel *channel;

	lockdep_assert_held(&offers()->lock);
	list_for_each_entry(channel, &offers()->channels, link)
		if (!hvis_channel_rescinded(channel) && !memcmp(&channel->instance, instance, sizeof(*instance)))
			return true;
	return false;
}

static const char *offer_refusal(const struct chanmsg_offer *offer)
{
	/* Number 0 is not a channel's: hosts have used its flag for the bus itself. */
	if (!offer->relid || offer->relid >= TLFS_EVENT_FLAGS)
		return "its number is out of range";
	if (find_relid(offer->relid))
		return "its number is in use";
	if (instance_taken(&offer->if_instance))
		return "its instance is offered already";
	return NULL;
}

static void release_relid(u32 relid)
{
	const struct chanmsg_relid released = { .header.type = CHANMSG_RELID_RELEASED, .relid = relid };

	if (connect_is_up())
		chanmsg_post(&released, sizeof(released));
}

static void forget(struct vmbus_channel *channel)
{
	mutex_lock(&offers()->lock);
	list_del(&channel->link);
	mutex_unlock(&offers()->lock);
	channel_put(channel);
}

static void arrive(struct work_struct *work)
{
	struct vmbus_channel *channel = container_of(work, struct vmbus_channel, arrive);

	if (!hvis_channel_rescinded(channel))
		offers()->callbacks->arrived(channel);
}

static void leave(struct work_struct *work)
{
	struct vmbus_channel *channel = container_of(work, struct vmbus_channel, leave);
	u32 relid = channel->relid;

	offers()->callbacks->left(channel);
	/* Out of the list first: the host may reuse the number as soon as it hears of the release. */
	forget(channel);
	release_relid(relid);
}

static void add(const struct chanmsg_offer *offer)
{
	struct vmbus_channel *channel = channel_create(offer);

	if (!channel) {
		pr_err("channel %u ignored: no memory\n", offer->relid);
		return;
	}
	INIT_WORK(&channel->arrive, arrive);
	INIT_WORK(&channel->leave, leave);
	list_add_tail(&channel->link, &offers()->channels);
	offers()->count++;
	queue_work(offers()->wq, &channel->arrive);
}

/** offer_handle() - OFFER; control worker */
void offer_handle(const void *message)
{
	const struct chanmsg_offer *offer = message;
	const char *refusal;

	if (!connect_is_up())
		return;
	if (offer->sub_channel_index) {
		pr_debug("sub-channel %u of %pUl not used\n", offer->sub_channel_index, offer->if_instance.b);
		return;
	}

	mutex_lock(&offers()->lock);
	refusal = offer_refusal(offer);
	if (refusal)
		pr_warn_ratelimited("offer of channel %u {%pUl} ignored: %s\n", offer->relid, offer->if_instance.b,
				    refusal);
	else
		add(offer);
	mutex_unlock(&offers()->lock);
}

/* Relids of offers that were never taken (a sub-channel, or one refused): nothing to do but to say so. */
static void release_strays(struct work_struct *work)
{
	unsigned int relid;

	for_each_set_bit(relid, offers()->strays, TLFS_EVENT_FLAGS) {
		clear_bit(relid, offers()->strays);
		release_relid(relid);
	}
}

/* Not from here: posting may have to wait, and the control worker must not. */
static void queue_stray_release(u32 relid)
{
	if (relid >= TLFS_EVENT_FLAGS)
		return;
	set_bit(relid, offers()->strays);
	queue_work(offers()->wq, &offers()->release);
}

/** offer_handle_rescind() - RESCIND; control worker */
void offer_handle_rescind(const void *message)
{
	const struct chanmsg_relid *rescind = message;
	struct vmbus_channel *channel;

	if (!connect_is_up())
		return;
	mutex_lock(&offers()->lock);
	channel = find_relid(rescind->relid);
	if (channel)
		kref_get(&channel->ref);
	mutex_unlock(&offers()->lock);
	if (!channel) {
		pr_debug("rescind of channel %u, which is not in use\n", rescind->relid);
		queue_stray_release(rescind->relid);
		return;
	}

	if (channel_rescind(channel))
		queue_work(offers()->wq, &channel->leave);
	else
		pr_warn_ratelimited("channel %u was rescinded twice\n", rescind->relid);
	channel_put(channel);
}

/**
 * offer_init() - ready for offers
 * @callbacks: kept by reference
 *
 * May sleep. Return: 0 or -ENOMEM.
 */
int offer_init(const struct offer_callbacks *callbacks)
{
	mutex_init(&offers()->lock);
	INIT_LIST_HEAD(&offers()->channels);
	INIT_WORK(&offers()->release, release_strays);
	offers()->callbacks = callbacks;
	offers()->wq = alloc_ordered_workqueue("hvis_offers", 0);
	return offers()->wq ? 0 : -ENOMEM;
}

/** offer_settle() - wait until all that has arrived so far has become a device; may sleep */
void offer_settle(void)
{
	flush_workqueue(offers()->wq);
}

/**
 * offer_exit() - undo offer_init(): every device goes. The connection is left, so that nothing new comes. May sleep.
 */
void offer_exit(void)
{
	struct vmbus_channel *channel, *next;

	/* A message of before may still be in the control worker. */
	flush_work(&hvis_bus.chanmsg.work);
	destroy_workqueue(offers()->wq);
	list_for_each_entry_safe(channel, next, &offers()->channels, link) {
		offers()->callbacks->left(channel);
		forget(channel);
	}
}
