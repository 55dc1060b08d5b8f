// SPDX-License-Identifier: GPL-2.0
/*
 * Offers: which channels the host offers, and in which order they come and go. What becomes of a channel is told to
 * the layer above through the callbacks; opening and closing are channel.c's.
 * A relid is the host's again only when RELID_RELEASED was sent, once, after the device is gone and the driver has put
 * a sub-channel that it got.
 * Invariant: arrivals and departures run one at a time in the order of the host's messages, so a GUID that was
 * rescinded and offered again never names two devices.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uuid.h>
#include <asm/barrier.h>

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

/*
 * A rescinded channel no longer stands in the way: it is gone before a later offer becomes a device. Its sub-channels
 * stay with it, so those of a later offer of the same instance are never mixed up with them.
 */
static struct vmbus_channel *find_primary(const struct vmbus_guid *instance)
{
	struct vmbus_channel *channel;

	lockdep_assert_held(&offers()->lock);
	list_for_each_entry(channel, &offers()->channels, link)
		if (!channel->primary && !hvis_channel_rescinded(channel) &&
		    !memcmp(&channel->instance, instance, sizeof(*instance)))
			return channel;
	return NULL;
}

static struct vmbus_channel *find_sub(const struct vmbus_channel *primary, unsigned int index)
{
	struct vmbus_channel *channel;

	lockdep_assert_held(&offers()->lock);
	list_for_each_entry(channel, &offers()->channels, link)
		if (channel->primary == primary && channel->index == index && !hvis_channel_rescinded(channel))
			return channel;
	return NULL;
}

static const char *offer_refusal(const struct chanmsg_offer *offer, const struct vmbus_channel *primary)
{
	/* Number 0 is not a channel's: hosts have used its flag for the bus itself. */
	if (!offer->relid || offer->relid >= TLFS_EVENT_FLAGS)
		return "its number is out of range";
	if (find_relid(offer->relid))
		return "its number is in use";
	if (!offer->sub_channel_index)
		return primary ? "its instance is offered already" : NULL;
	if (!primary)
		return "its primary channel is not there";
	if (memcmp(&primary->type, &offer->if_type, sizeof(offer->if_type)))
		return "its primary channel is of another type";
	if (find_sub(primary, offer->sub_channel_index))
		return "that sub-channel is offered already";
	return NULL;
}

static void release_relid(u32 relid)
{
	const struct chanmsg_relid released = { .header.type = CHANMSG_RELID_RELEASED, .relid = relid };

	if (connect_is_up())
		chanmsg_post(&released, sizeof(released));
}

/* The number is the host's again when nobody uses the channel, whoever was last. */
static void drop_user(struct vmbus_channel *channel)
{
	const u32 relid = channel->relid;
	bool last;

	mutex_lock(&offers()->lock);
	last = !--channel->users;
	if (last)
		list_del(&channel->link);
	mutex_unlock(&offers()->lock);
	if (!last)
		return;
	/* Out of the list first: the host may reuse the number as soon as it hears of the release. */
	channel_put(channel);
	release_relid(relid);
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

	offers()->callbacks->left(channel);
	drop_user(channel);
}

static void add(const struct chanmsg_offer *offer, struct vmbus_channel *primary)
{
	struct vmbus_channel *channel = channel_create(offer, primary);

	if (!channel) {
		pr_err("channel %u ignored: no memory\n", offer->relid);
		return;
	}
	INIT_WORK(&channel->arrive, arrive);
	INIT_WORK(&channel->leave, leave);
	channel->users = 1;
	list_add_tail(&channel->link, &offers()->channels);
	if (primary)
		WRITE_ONCE(offers()->sub_count, offers()->sub_count + 1);
	else
		offers()->count++;
	queue_work(offers()->wq, &channel->arrive);
}

/** offer_handle() - OFFER; control worker */
void offer_handle(const void *message)
{
	const struct chanmsg_offer *offer = message;
	struct vmbus_channel *primary;
	const char *refusal;

	if (!connect_is_up())
		return;
	mutex_lock(&offers()->lock);
	primary = find_primary(&offer->if_instance);
	refusal = offer_refusal(offer, primary);
	if (refusal)
		pr_warn_ratelimited("offer of channel %u {%pUl} sub-channel %u ignored: %s\n", offer->relid,
				    offer->if_instance.b, offer->sub_channel_index, refusal);
	else
		add(offer, primary);
	mutex_unlock(&offers()->lock);
	wake_up_all(&offers()->changed);
}

/* Relids of offers that were refused: nothing to do but to say so. */
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
	wake_up_all(&offers()->changed);
}

/* Sub-channels for drivers. */

static struct vmbus_channel *take_sub(const struct vmbus_channel *primary, unsigned int index)
{
	struct vmbus_channel *channel;

	mutex_lock(&offers()->lock);
	channel = find_sub(primary, index);
	if (channel) {
		channel->users++;
		kref_get(&channel->ref);
	}
	mutex_unlock(&offers()->lock);
	return channel;
}

/**
 * hvis_sub_channel_get() - a sub-channel of a device, as soon as the host offers it
 * @device: whose
 * @index: from 1
 * @timeout_ms: how long to wait for the offer; 0: take what is there
 *
 * May sleep. The channel stays valid until hvis_sub_channel_put(), also when it or its device is rescinded.
 * Return: a closed channel; ERR_PTR(-ETIMEDOUT) not offered; -ENODEV the device was rescinded; -EINVAL index 0.
 */
struct vmbus_channel *hvis_sub_channel_get(struct vmbus_device *device, unsigned int index, unsigned int timeout_ms)
{
	const struct vmbus_channel *primary = device->channel;
	long left = msecs_to_jiffies(timeout_ms);
	struct vmbus_channel *channel;
	unsigned int seen;

	if (!index)
		return ERR_PTR(-EINVAL);
	for (;;) {
		seen = READ_ONCE(offers()->sub_count);
		/* The count before the list: an offer that came in between ends the wait at once. */
		smp_mb();
		channel = hvis_channel_rescinded(primary) ? ERR_PTR(-ENODEV) : take_sub(primary, index);
		if (channel)
			return channel;
		if (!left)
			return ERR_PTR(-ETIMEDOUT);
		left = wait_event_timeout(offers()->changed, READ_ONCE(offers()->sub_count) != seen ||
					  hvis_channel_rescinded(primary), left);
	}
}
EXPORT_SYMBOL_GPL(hvis_sub_channel_get);

/**
 * hvis_sub_channel_put() - give back what hvis_sub_channel_get() returned
 * @channel: closed; not used by the caller any more
 *
 * If the host has rescinded it, it may now use its number for another. May sleep, bounded.
 */
void hvis_sub_channel_put(struct vmbus_channel *channel)
{
	channel_abandon(channel);
	drop_user(channel);
	channel_put(channel);
}
EXPORT_SYMBOL_GPL(hvis_sub_channel_put);

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
	init_waitqueue_head(&offers()->changed);
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
	/* Backwards: sub-channels before their primary. */
	list_for_each_entry_safe_reverse(channel, next, &offers()->channels, link) {
		offers()->callbacks->left(channel);
		drop_user(channel);
	}
}
