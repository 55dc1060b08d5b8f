// SPDX-License-Identifier: GPL-2.0
/*
 * NAPI: one context per channel reads the ring from the host, with its interrupts masked, until it is empty. What a packet
 * means is rx.c's, tx_slot.c's and control.c's.
 *
 * The ring belongs to event() or to poll(): see queue.h. If the answers to received packets do not fit the other ring, poll()
 * ends without giving it back, and netvsc_send_room() calls it again; so a host that reads nothing gets nothing read.
 */
#include <linux/netdevice.h>

#include "internal.h"

/* Packets without frames in one poll: a host that only sends completions must not keep the CPU. */
#define TURNS_MAX 1024

/**
 * netvsc_event() - the host signalled
 * @channel: of the queue
 * @context: the queue
 *
 * Hard interrupt context. Return: whether poll() reads.
 */
enum hvis_event_result netvsc_event(struct vmbus_channel *channel, void *context)
{
	struct netvsc_queue *queue = context;

	if (!hvis_channel_ready(channel))
		return HVIS_EVENT_DRAINED;
	WRITE_ONCE(queue->owned, true);
	napi_schedule_irqoff(&queue->napi);
	return HVIS_EVENT_POLLING;
}

/**
 * netvsc_send_room() - the ring to the host has room again
 * @channel: of the queue
 * @context: the queue
 *
 * Hard interrupt context. Whoever waited had stopped the kernel's queue, or kept the ring, before it asked for this.
 */
void netvsc_send_room(struct vmbus_channel *channel, void *context)
{
	struct netvsc_queue *queue = context;

	if (READ_ONCE(queue->owned))
		napi_schedule_irqoff(&queue->napi);
	if (netif_tx_queue_stopped(netdev_get_tx_queue(queue->nv->netdev, queue->index)))
		schedule_work(&queue->restart);
}

static void receive(struct netvsc_queue *queue, const struct hvis_packet *packet, int budget)
{
	struct netvsc *nv = queue->nv;

	switch (packet->type) {
	case PACKET_XFER_PAGES:
		return netvsc_rx_begin(queue, packet);
	case PACKET_COMPLETION:
		if (!(packet->transaction_id & NETVSC_ID_CONTROL))
			return netvsc_tx_answer(queue, packet, budget);
		if (queue->index)
			return netvsc_refuse(nv, REFUSED_CONTROL_ID);
		return netvsc_control_answer(nv, packet);
	case PACKET_INBAND:
		return netvsc_nvsp_unasked(nv, packet);
	default:
		netvsc_refuse(nv, REFUSED_PACKET_TYPE);
	}
}

enum round {
	ROUND_EMPTY, /* the ring is */
	ROUND_FULL, /* the budget is used up */
	ROUND_STALLED, /* answers do not get out */
	ROUND_BROKEN, /* the ring is, for good */
};

static enum round run(struct netvsc_queue *queue, int budget, int *work)
{
	int turns, got;

	for (turns = 0; turns < TURNS_MAX; turns++) {
		if (!netvsc_rx_ranges(queue, budget, work))
			return ROUND_FULL;
		if (!netvsc_rx_answer(queue, false))
			return ROUND_STALLED;
		got = hvis_channel_recv(queue->channel, &queue->rx.packet);
		if (got < 0)
			return ROUND_BROKEN;
		if (!got)
			return ROUND_EMPTY;
		receive(queue, &queue->rx.packet, budget);
	}
	return ROUND_FULL;
}

/* One doorbell for all answers, and one for what XDP sent, which the first one may have spared. */
static bool finish(struct netvsc_queue *queue, int work)
{
	bool all;

	netvsc_tx_wake(queue);
	netvsc_xdp_end(queue, work);
	all = netvsc_rx_answer(queue, true);
	if (unlikely(READ_ONCE(queue->nv->draining)))
		wake_up_all(&queue->nv->sent);
	return all;
}

/**
 * netvsc_poll() - read the ring
 * @napi: of the queue
 * @budget: frames at most; 0: somebody wants to send from a context where nothing may be received
 *
 * Return: frames received; @budget if there may be more.
 */
int netvsc_poll(struct napi_struct *napi, int budget)
{
	struct netvsc_queue *queue = container_of(napi, struct netvsc_queue, napi);
	enum round end;
	bool all;
	int work = 0;

	if (!budget)
		return 0;
	/* A busy-polling socket comes unasked. */
	if (!READ_ONCE(queue->owned)) {
		napi_complete_done(napi, 0);
		return 0;
	}
	queue->rx.polls++;
	end = run(queue, budget, &work);
	all = finish(queue, work);
	if (end == ROUND_FULL)
		return budget;
	if (end == ROUND_BROKEN)
		netvsc_queue_broken(queue);
	if (end != ROUND_EMPTY || !all) {
		napi_complete_done(napi, min(work, budget - 1));
		return min(work, budget - 1);
	}
	/* Before anybody else can poll, and taken back if nobody else does. */
	WRITE_ONCE(queue->owned, false);
	if (napi_complete_done(napi, work))
		hvis_channel_resume(queue->channel);
	else
		WRITE_ONCE(queue->owned, true);
	return work;
}
