// SPDX-License-Identifier: GPL-2.0
/*
 * Links: opening and closing the channels of a controller one by one, and which of them the queues
 * use. The conversation is init.c's, what goes over a channel request.c's and completion.c's.
 *
 * A sub-channel may go at any time, by rescind or by breaking the protocol: its queue then uses the
 * primary channel, and the commands it had end with DID_SOFT_ERROR, which the SCSI layer repeats a
 * few counted times where a repetition is harmless.
 *
 * Invariant: whoever changes a route waits for the RCU sections of storvsc_queuecommand() and rings
 * the old link's bell, so nothing is sent to a link that is not up, and nothing lies in its ring
 * unannounced.
 */
#include <linux/rcupdate.h>

#include "internal.h"

/**
 * storvsc_links_route() - let each queue use its own link, or else the primary
 * @host: the controller
 *
 * Any context. The caller does what the invariant asks for if commands may be on their way.
 */
void storvsc_links_route(struct storvsc_host *host)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&host->route_lock, flags);
	for (i = 0; i < host->queue_count; i++) {
		struct storvsc_link *own = &host->links[i];

		WRITE_ONCE(host->queues[i].link, own->up ? own : &host->links[0]);
	}
	spin_unlock_irqrestore(&host->route_lock, flags);
}

/* Return: whether the link changed. A channel that is gone does not come up. */
static bool set_up(struct storvsc_link *link, bool up)
{
	unsigned long flags;
	bool changed;

	spin_lock_irqsave(&link->host->route_lock, flags);
	up = up && !test_bit(LINK_GONE, &link->flags);
	changed = link->up != up;
	link->up = up;
	spin_unlock_irqrestore(&link->host->route_lock, flags);
	return changed;
}

/* From here on the queue uses the primary. May sleep; the link is open or was just rescinded. */
static void detour(struct storvsc_link *link)
{
	if (!set_up(link, false))
		return;
	storvsc_links_route(link->host);
	synchronize_rcu();
	if (!test_bit(LINK_GONE, &link->flags))
		storvsc_link_kick(link);
}

/*
 * Process context, perhaps while error handling waits under recovery, so only what needs none. The
 * host has stopped using the channel, but its memory stays until it is closed: by remove() if it is
 * the primary one, else by drop.
 */
static void rescinded(struct vmbus_channel *channel, void *context)
{
	struct storvsc_link *link = context;

	set_bit(LINK_GONE, &link->flags);
	if (!link->index)
		return storvsc_die(link->host);
	detour(link);
	storvsc_slots_fail(link->host, link->index, DID_SOFT_ERROR);
	queue_work(link->host->wq, &link->drop);
}

/**
 * storvsc_link_open() - open the channel of a link
 * @link: closed, its channel and cpu set; recovery is held
 *
 * May sleep, bounded by the bus. Commands may go there once storvsc_links_route() was called.
 *
 * Return: 0 or negative errno.
 */
int storvsc_link_open(struct storvsc_link *link)
{
	const struct hvis_channel_config config = {
		.send_bytes = link->host->ring_bytes,
		.recv_bytes = link->host->ring_bytes,
		.packet_max = STORVSC_PACKET_MAX,
		.cpu = link->cpu,
		.event = storvsc_event,
		.rescinded = rescinded,
		.send_room = storvsc_send_room,
		.context = link,
	};
	int error;

	lockdep_assert_held(&link->host->recovery);
	link->flags = 0;
	error = hvis_channel_open(link->channel, &config);
	if (error)
		return error;
	link->opened = true;
	set_up(link, true);
	return 0;
}

/**
 * storvsc_link_close() - close the channel of a link
 * @link: open or not, not up, so that nobody sends; recovery is held
 *
 * May sleep, within the bus's time limits. Afterwards the host touches no page of a command that
 * was sent there, and nobody takes answers from the ring. The first cancel ends reading outside the
 * interrupt, which closing would not wait for; the second catches work that an interrupt queued in
 * between, which then found the link stopped.
 */
void storvsc_link_close(struct storvsc_link *link)
{
	lockdep_assert_held(&link->host->recovery);
	if (!link->opened)
		return;
	set_bit(LINK_STOPPED, &link->flags);
	cancel_work_sync(&link->drain);
	hvis_channel_close(link->channel);
	cancel_work_sync(&link->drain);
	link->opened = false;
}

/**
 * storvsc_links_close() - close all channels, the primary last
 * @host: the controller, state not RUNNING and synchronize_rcu() called since; recovery is held
 *
 * May sleep.
 */
void storvsc_links_close(struct storvsc_host *host)
{
	u32 i = host->link_count;

	while (i--) {
		set_up(&host->links[i], false);
		storvsc_link_close(&host->links[i]);
	}
}

/**
 * storvsc_link_kick() - signal the host for what was sent on a link
 * @link: its channel open, or rescinded
 *
 * Any context.
 */
void storvsc_link_kick(struct storvsc_link *link)
{
	hvis_channel_kick(link->channel);
}

/**
 * storvsc_link_drop_work() - close a sub-channel that is rescinded or broken
 * @work: drop of a link
 *
 * Does nothing if error handling was first and has closed this opening of the channel. A broken
 * channel's commands end after it is closed: a host that writes nonsense may still be writing to
 * their pages.
 */
void storvsc_link_drop_work(struct work_struct *work)
{
	struct storvsc_link *link = container_of(work, struct storvsc_link, drop);
	struct storvsc_host *host = link->host;

	mutex_lock(&host->recovery);
	if (link->opened &&
	    (test_bit(LINK_GONE, &link->flags) || test_bit(LINK_BROKEN, &link->flags))) {
		detour(link);
		storvsc_link_close(link);
		storvsc_slots_fail(host, link->index, DID_SOFT_ERROR);
		dev_info(&host->device->dev, "sub-channel %u is %s: its CPUs use the primary one\n",
			 link->index, test_bit(LINK_GONE, &link->flags) ? "gone" : "broken");
	}
	mutex_unlock(&host->recovery);
}
