// SPDX-License-Identifier: GPL-2.0
/*
 * Links: opening and closing the channels of a controller one by one, and which of them the queues
 * use. The conversation is init.c's, what goes over a channel request.c's and completion.c's.
 *
 * A sub-channel may go at any time, by rescind or by breaking the protocol: its queue then uses the
 * primary channel, and the commands it had end with DID_SOFT_ERROR, which the SCSI layer repeats a
 * few counted times where a repetition is harmless.
 *
 * Invariant: whoever closes a link, or fails what was sent on it, takes its queue off it first,
 * waits for the RCU sections of storvsc_queuecommand() and rings the old link's bell, so nothing is
 * sent to a link that is closed, and nothing lies in its ring unannounced. A command that finds its
 * sub-channel gone or broken before that goes to the primary by itself.
 */
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>

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

/* A channel that is gone does not come up. */
static void set_up(struct storvsc_link *link, bool up)
{
	unsigned long flags;

	spin_lock_irqsave(&link->host->route_lock, flags);
	link->up = up && !test_bit(LINK_GONE, &link->flags);
	spin_unlock_irqrestore(&link->host->route_lock, flags);
}

/**
 * storvsc_link_leave() - a sub-channel takes no more commands: its queue uses the primary one
 * @link: a sub-channel that is gone or broken
 *
 * Any context. For who finds it so while sending, before the work or the rescind that ends what was
 * sent there has come to its turn: no command may fail because of that.
 *
 * Return: the primary link; for a caller in an RCU section in which the controller is RUNNING its
 * channel is open.
 */
struct storvsc_link *storvsc_link_leave(struct storvsc_link *link)
{
	set_up(link, false);
	storvsc_links_route(link->host);
	return &link->host->links[0];
}

/*
 * From here on the queue uses the primary. May sleep; the link is open or was just rescinded. The
 * wait is for who still sends on the link, whoever changed its route.
 */
static void detour(struct storvsc_link *link)
{
	storvsc_link_leave(link);
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

/* Give a sub-channel back; if the host took it away, it may now use its number again. */
static void release(struct storvsc_link *link)
{
	if (!link->index || !link->channel)
		return;
	hvis_sub_channel_put(link->channel);
	link->channel = NULL;
}

/* The commands of a sub-channel end, by the host's answers or by closing it. recovery is held. */
static void shut(struct storvsc_link *link)
{
	struct storvsc_host *host = link->host;

	detour(link);
	wait_event_timeout(host->answered,
			   !storvsc_slots_outstanding(host, link->index, STORVSC_ADDRESS_ANY),
			   msecs_to_jiffies(STORVSC_DRAIN_MS));
	storvsc_link_close(link);
	storvsc_slots_fail(host, link->index, DID_SOFT_ERROR);
}

/* Commands are sent on the primary meanwhile; then its bell is rung for those, see the invariant. */
static void reopen_sub(struct storvsc_link *link)
{
	unsigned int noio = memalloc_noio_save();

	shut(link);
	if (storvsc_link_open(link))
		release(link);
	memalloc_noio_restore(noio);
	storvsc_links_route(link->host);
	synchronize_rcu();
	storvsc_link_kick(&link->host->links[0]);
}

/*
 * The channel's CPU goes, and only a new opening moves it. Thread of CPU hotplug: who holds
 * recovery may be waiting for that thread's lock, so it is only tried. Left open, the channel keeps
 * its CPU online.
 */
static void reopen(struct vmbus_channel *channel, void *context)
{
	struct storvsc_link *link = context;
	struct storvsc_host *host = link->host;

	if (!mutex_trylock(&host->recovery))
		return;
	if (!link->index)
		storvsc_reopen(host);
	else if (link->opened && READ_ONCE(host->state) == STORVSC_RUNNING)
		reopen_sub(link);
	mutex_unlock(&host->recovery);
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
		.polled = link->polled,
		.event = link->polled ? NULL : storvsc_event,
		.rescinded = rescinded,
		.send_room = storvsc_send_room,
		.reopen = reopen,
		.context = link,
	};
	int error;

	lockdep_assert_held(&link->host->recovery);
	link->sent = link->answered;
	/* An event may come before this returns; a poller must not. */
	link->flags = link->polled ? BIT(LINK_STOPPED) : 0;
	error = hvis_channel_open(link->channel, &config);
	if (error)
		return error;
	if (link->polled)
		clear_bit_unlock(LINK_STOPPED, &link->flags);
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
	storvsc_poll_stop(link);
	hvis_bell_stop(link->bell);
	cancel_work_sync(&link->drain);
	hvis_channel_close(link->channel);
	cancel_work_sync(&link->drain);
	link->opened = false;
}

static unsigned int ms_left(unsigned long deadline)
{
	return time_before(jiffies, deadline) ? jiffies_to_msecs(deadline - jiffies) : 0;
}

static int get(struct storvsc_link *link, unsigned int timeout_ms)
{
	struct vmbus_channel *channel =
		hvis_sub_channel_get(link->host->device, link->index, timeout_ms);

	if (IS_ERR(channel))
		return PTR_ERR(channel);
	link->channel = channel;
	return 0;
}

/**
 * storvsc_links_get() - wait for the sub-channels the host agreed to offer
 * @host: after the conversation; recovery is held
 *
 * May sleep, STORVSC_OFFERS_MS for all. Takes them up to the first that does not come.
 *
 * Return: how many channels there are, with the primary.
 */
u32 storvsc_links_get(struct storvsc_host *host)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(STORVSC_OFFERS_MS);
	u32 i;

	for (i = 1; i <= host->sub_channels; i++) {
		if (get(&host->links[i], ms_left(deadline)))
			break;
	}
	return i;
}

/*
 * Hosts rescind sub-channels when their primary is closed; one that comes too late to stop us from
 * getting the old one makes opening it fail, and then the new one is there or comes soon.
 */
static int open_sub(struct storvsc_link *link, unsigned long deadline)
{
	int error = storvsc_link_open(link);

	if (error == -ENODEV) {
		release(link);
		error = get(link, ms_left(deadline));
		if (!error)
			error = storvsc_link_open(link);
	}
	if (error)
		release(link);
	return error;
}

/**
 * storvsc_links_open() - open the sub-channels that were got, and let the queues use them
 * @host: queues planned, no command on its way; recovery is held
 *
 * May sleep, bounded by the bus. Those that fail to open are given back.
 *
 * Return: how many channels are open, with the primary.
 */
u32 storvsc_links_open(struct storvsc_host *host)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(STORVSC_OFFERS_MS);
	u32 i, open = 1;

	for (i = 1; i < host->link_count; i++) {
		if (host->links[i].channel && !open_sub(&host->links[i], deadline))
			open++;
	}
	storvsc_links_route(host);
	return open;
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
		release(&host->links[i]);
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
	if (link->polled)
		storvsc_poll_arm(link);
}

/** storvsc_link_ring() - storvsc_link_kick() for the bell; @context: the link */
void storvsc_link_ring(void *context)
{
	storvsc_link_kick(context);
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
		release(link);
		dev_info(&host->device->dev, "sub-channel %u is %s: its CPUs use the primary one\n",
			 link->index, test_bit(LINK_GONE, &link->flags) ? "gone" : "broken");
	}
	mutex_unlock(&host->recovery);
}
