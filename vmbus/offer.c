// SPDX-License-Identifier: GPL-2.0
/*
 * Offers: which channels the host offers, and in which order they come and go. What becomes of a channel is told to
 * the layer above through the callbacks; opening and closing are channel.c's.
 * A relid is the host's again only when RELID_RELEASED was sent, once, after the device is gone and the driver has put
 * a sub-channel that it got.
 * Invariant: what happens to one instance, its sub-channels included, happens one thing at a time in the order of the
 * host's messages, so a GUID that was rescinded and offered again never names two devices. Instances do not wait for
 * each other: a host that is silent to one driver's probe keeps no other device from coming or going.
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

/* Turns: an arrival or a departure. A primary channel has the queue of its instance, and the work that empties it. */

/* One that waits may still leave: nothing of it is there yet. */
static void start_turns(struct vmbus_channel *primary)
{
	if (primary->waits && !primary->leaves)
		return;
	kref_get(&primary->ref);
	if (!queue_work(offers()->wq, &primary->take_turns))
		channel_put(primary);
}

static void queue_turn(struct vmbus_channel *channel)
{
	struct vmbus_channel *primary = channel->primary ?: channel;

	lockdep_assert_held(&offers()->lock);
	if (list_empty(&channel->turn))
		list_add_tail(&channel->turn, &primary->turns);
	start_turns(primary);
}

/* The oldest channel of an instance, the only one that may have a device. */
static struct vmbus_channel *oldest_of(const guid_t *instance)
{
	struct vmbus_channel *channel;

	lockdep_assert_held(&offers()->lock);
	list_for_each_entry(channel, &offers()->channels, link)
		if (!channel->primary && !memcmp(&channel->instance, instance, sizeof(*instance)))
			return channel;
	return NULL;
}

/* A primary has left the list: the next of its instance may become a device, or follows it and does the same. */
static void promote(const guid_t *instance)
{
	struct vmbus_channel *head = oldest_of(instance);

	if (!head || !head->waits || head->leaves)
		return;
	head->waits = false;
	start_turns(head);
}

/* The number is the host's again when nobody uses the channel, whoever was last. */
static void drop_user(struct vmbus_channel *channel)
{
	const u32 relid = channel->relid;
	bool last;

	mutex_lock(&offers()->lock);
	last = !--channel->users;
	if (last) {
		list_del(&channel->link);
		if (!channel->primary)
			promote(&channel->instance);
	}
	mutex_unlock(&offers()->lock);
	if (!last)
		return;
	/* Out of the list first: the host may reuse the number as soon as it hears of the release. */
	channel_put(channel);
	release_relid(relid);
}

/* @leaves: whether it is the channel's last turn; said under the lock, so that there is only one. */
static struct vmbus_channel *take_turn(struct vmbus_channel *primary, bool *leaves)
{
	struct vmbus_channel *channel;

	mutex_lock(&offers()->lock);
	channel = list_first_entry_or_null(&primary->turns, struct vmbus_channel, turn);
	if (channel) {
		list_del_init(&channel->turn);
		*leaves = channel->leaves;
	}
	mutex_unlock(&offers()->lock);
	return channel;
}

static void take_turns(struct work_struct *work)
{
	struct vmbus_channel *primary = container_of(work, struct vmbus_channel, take_turns);
	struct vmbus_channel *channel;
	bool leaves;

	while ((channel = take_turn(primary, &leaves))) {
		if (leaves) {
			offers()->callbacks->left(channel);
			drop_user(channel);
		} else if (!hvis_channel_rescinded(channel)) {
			offers()->callbacks->arrived(channel);
		}
	}
	channel_put(primary);
}

static void add(const struct chanmsg_offer *offer, struct vmbus_channel *primary)
{
	struct vmbus_channel *channel = channel_create(offer, primary);

	if (!channel) {
		pr_err("channel %u ignored: no memory\n", offer->relid);
		return;
	}
	INIT_WORK(&channel->take_turns, take_turns);
	INIT_LIST_HEAD(&channel->turns);
	INIT_LIST_HEAD(&channel->turn);
	channel->users = 1;
	channel->waits = !primary && oldest_of(&channel->instance);
	list_add_tail(&channel->link, &offers()->channels);
	if (primary)
		WRITE_ONCE(offers()->sub_count, offers()->sub_count + 1);
	else
		offers()->count++;
	queue_turn(channel);
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

static void queue_departure(struct vmbus_channel *channel)
{
	mutex_lock(&offers()->lock);
	channel->leaves = true;
	queue_turn(channel);
	mutex_unlock(&offers()->lock);
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
		queue_departure(channel);
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
	offers()->wq = alloc_workqueue("hvis_offers", WQ_UNBOUND, 0);
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
