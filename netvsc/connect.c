// SPDX-License-Identifier: GPL-2.0
/*
 * A connection with the host, from the first open channel to the last closed one, and whether frames may use it. When to make one
 * is device.c's.
 * Invariant: netvsc_disconnect() undoes any part of netvsc_connect(), so each failure is one call.
 */
#include <linux/jiffies.h>
#include <linux/rtnetlink.h>

#include "internal.h"

static unsigned int ms_left(unsigned long deadline)
{
	return time_before(jiffies, deadline) ? jiffies_to_msecs(deadline - jiffies) : 0;
}

static int get_sub(struct netvsc_queue *queue, unsigned long deadline)
{
	struct vmbus_channel *channel = hvis_sub_channel_get(queue->nv->device, queue->index, ms_left(deadline));

	if (IS_ERR(channel))
		return PTR_ERR(channel);
	queue->channel = channel;
	return 0;
}

static void put_sub(struct netvsc_queue *queue)
{
	if (queue->channel)
		hvis_sub_channel_put(queue->channel);
	queue->channel = NULL;
}

/*
 * Hosts rescind sub-channels when their primary is closed. One that was got before its rescind arrived cannot be opened; then
 * the new one is there, or comes soon.
 */
static int open_sub(struct netvsc_queue *queue, unsigned long deadline)
{
	int error = get_sub(queue, deadline);

	if (error)
		return error;
	error = netvsc_queue_open(queue);
	if (error == -ENODEV && !READ_ONCE(queue->nv->gone)) {
		put_sub(queue);
		error = get_sub(queue, deadline);
		if (!error)
			error = netvsc_queue_open(queue);
	}
	if (error)
		put_sub(queue);
	return error;
}

/* As many channels as are of use, and as come. Return: 0 or negative errno. */
static int open_subs(struct netvsc *nv)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(NETVSC_OFFERS_MS);
	u32 useful = min3(nv->wanted, nv->queue_count, max(nv->rss.host_queues, 1u));
	u32 offered = netvsc_nvsp_sub_channels(nv, useful - 1);
	u32 i;

	for (i = 1; i <= offered; i++) {
		if (open_sub(&nv->queues[i], deadline))
			break;
	}
	nv->channels = i;
	return READ_ONCE(nv->gone) ? -ENODEV : nv->control.silent ? -ETIMEDOUT : 0;
}

/* Each channel gets the same number of sections to itself. */
static int divide_sections(struct netvsc *nv)
{
	u32 each = min(nv->send_sections / nv->channels, NETVSC_COPY_SLOTS_MAX), i;
	int error = 0;

	for (i = 0; i < nv->channels && !error; i++)
		error = netvsc_tx_create(&nv->queues[i], each, i * each);
	return error;
}

static int converse(struct netvsc *nv)
{
	static int (*const steps[])(struct netvsc *nv) = {
		netvsc_nvsp_init,
		netvsc_buffers_share,
		netvsc_rndis_init,
		open_subs,
		divide_sections,
	};
	unsigned int i;
	int error = 0;

	for (i = 0; i < ARRAY_SIZE(steps) && !error; i++)
		error = steps[i](nv);
	if (error)
		return error;
	netvsc_rss_spread(nv);
	/* Without it everything arrives on the primary, which is no reason to have no network. */
	if (netvsc_rss_set(nv) && nv->channels > 1)
		dev_warn(&nv->device->dev, "the host does not take an indirection table\n");
	return nv->control.silent ? -ETIMEDOUT : 0;
}

/**
 * netvsc_connect() - open the channels and hold the conversation
 * @nv: not connected
 * @limit_ms: of the conversation; opening and closing channels has the bus's limits
 *
 * The RTNL is held, or nobody knows the adapter yet. May sleep. Frames do not flow before netvsc_carry().
 * Return: 0; negative errno, after a line in the log and with everything closed.
 */
int netvsc_connect(struct netvsc *nv, unsigned int limit_ms)
{
	int error;

	if (READ_ONCE(nv->gone))
		return -ENODEV;
	nv->control.silent = false;
	nv->mtu = nv->netdev->mtu;
	nv->channels = 1;
	nv->send_table_valid = false;
	nv->deadline = (jiffies + msecs_to_jiffies(limit_ms)) ?: 1;
	nv->queues[0].channel = nv->device->channel;
	error = netvsc_queue_open(&nv->queues[0]);
	if (error)
		dev_err(&nv->device->dev, "opening the channel failed: error %d\n", error);
	else
		error = converse(nv);
	nv->deadline = 0;
	if (error)
		netvsc_disconnect(nv);
	else
		nv->connected = true;
	return error;
}

static bool idle(const struct netvsc *nv)
{
	u32 i;

	for (i = 0; i < nv->channels; i++) {
		if (nv->queues[i].opened && !READ_ONCE(nv->queues[i].gone) && !netvsc_tx_idle(&nv->queues[i]))
			return false;
	}
	return true;
}

/* What was sent is answered, if the host is willing. */
static void drain(struct netvsc *nv)
{
	WRITE_ONCE(nv->draining, true);
	wait_event_timeout(nv->sent, READ_ONCE(nv->gone) || idle(nv), msecs_to_jiffies(NETVSC_DRAIN_MS));
	WRITE_ONCE(nv->draining, false);
}

/**
 * netvsc_disconnect() - close everything, and take the memory back
 * @nv: connected or in part; netvsc_stop_carrying() was called
 *
 * The RTNL is held, or nobody knows the adapter (any more). May sleep, bounded.
 */
void netvsc_disconnect(struct netvsc *nv)
{
	u32 i;

	if (nv->connected && !READ_ONCE(nv->gone)) {
		drain(nv);
		netvsc_rndis_halt(nv);
		netvsc_nvsp_revoke(nv);
	}
	nv->connected = false;
	for (i = nv->queue_count; i-- > 0;) {
		struct netvsc_queue *queue = &nv->queues[i];

		netvsc_queue_close(queue);
		if (i)
			put_sub(queue);
	}
	netvsc_buffers_unshare(nv);
	/* The host has let go of the pages, too. */
	for (i = 0; i < nv->queue_count; i++)
		netvsc_tx_destroy(&nv->queues[i]);
	nv->channels = 1;
}

/**
 * netvsc_carry() - frames may flow
 * @nv: connected, its net_device running; the RTNL is held
 *
 * May sleep, bounded.
 */
void netvsc_carry(struct netvsc *nv)
{
	struct net_device *netdev = nv->netdev;
	u32 i;

	netif_set_real_num_tx_queues(netdev, nv->channels);
	netif_set_real_num_rx_queues(netdev, nv->channels);
	for (i = 0; i < nv->channels; i++)
		netdev_tx_reset_queue(netdev_get_tx_queue(netdev, i));
	netvsc_offload_set(nv, netdev->features);
	if (netvsc_filter_set(nv, true))
		netdev_warn(netdev, "the host does not take a packet filter\n");
	WRITE_ONCE(nv->carrying, true);
	/* Also what came since netif_device_attach(), and was turned away: with nothing after it, nobody would ask for it. */
	netif_tx_wake_all_queues(netdev);
	if (READ_ONCE(nv->link_down) || READ_ONCE(nv->gone))
		netif_carrier_off(netdev);
	else
		netif_carrier_on(netdev);
}

/**
 * netvsc_stop_carrying() - no frame is on its way into a ring any more, nor will one be
 * @nv: the RTNL is held
 *
 * May sleep, bounded.
 */
void netvsc_stop_carrying(struct netvsc *nv)
{
	bool was = nv->carrying;
	u32 i;

	WRITE_ONCE(nv->carrying, false);
	/* Takes each queue's lock, so who sends under one has seen that. */
	netif_tx_disable(nv->netdev);
	for (i = 0; was && nv->connected && i < nv->channels; i++)
		netvsc_tx_settle(&nv->queues[i]);
	if (was && nv->connected && !READ_ONCE(nv->gone))
		netvsc_filter_set(nv, false);
}
