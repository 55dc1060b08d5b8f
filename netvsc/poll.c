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
	if (netif_tx_queue_stopped(netvsc_txq(queue)))
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

/*
 * The host waits for an answer only when it runs out of the receive buffer. Until then frames that are sent soon, or the bell, tell it
 * of answers, too: a program that replies to what it receives needs one doorbell for both.
 */
static bool answers_may_wait(struct netvsc_queue *queue)
{
	const struct netvsc *nv = queue->nv;
	u32 owed = READ_ONCE(queue->owed) + queue->rx.given;

	if (owed > nv->recv_sections / (4 * nv->channels))
		return false;
	WRITE_ONCE(queue->owed, owed);
	if (!netvsc_bell_later(queue))
		return false;
	queue->rx.left++;
	return true;
}

/*
 * Answers, and frames that were left to us, which are mostly answers of another kind: with one doorbell. Return: false: the ring has no
 * room for all answers.
 */
static bool send_all(struct netvsc_queue *queue)
{
	bool all = netvsc_rx_answer(queue, true), kick = netvsc_tx_collect(queue);

	if (kick || !all || (queue->rx.given && !answers_may_wait(queue))) {
		queue->rx.kicks += queue->rx.given != 0;
		netvsc_kick(queue);
	}
	queue->rx.given = 0;
	return all;
}

/* Nothing is left to us from now on: who sees collecting set has left it before. */
static void stop_collecting(struct netvsc_queue *queue)
{
	WRITE_ONCE(queue->collecting, false);
	smp_mb(); /* collecting before left; netvsc_tx_may_wait() the other way round */
}

/* The host takes nothing, or the ring is broken: we keep it, and netvsc_send_room() calls poll() again, perhaps at once. */
static int stall(struct netvsc_queue *queue, int work, int budget)
{
	work = min(work, budget - 1);
	send_all(queue);
	napi_complete_done(&queue->napi, work);
	stop_collecting(queue);
	if (netvsc_tx_collect(queue))
		netvsc_kick(queue);
	return work;
}

/* The ring is empty. What the kernel sends in answer to the last frames, which it gets now, still goes with our answers. */
static int give_back(struct netvsc_queue *queue, int work)
{
	bool done;

	/* Before anybody else can poll, and taken back if nobody else does. */
	WRITE_ONCE(queue->owned, false);
	done = napi_complete_done(&queue->napi, work);
	if (!done)
		WRITE_ONCE(queue->owned, true);
	stop_collecting(queue);
	if (!send_all(queue)) {
		/* poll() knows how to wait for room. */
		WRITE_ONCE(queue->owned, true);
		napi_schedule(&queue->napi);
	} else if (done) {
		hvis_channel_resume(queue->channel);
	}
	return work;
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
	int work = 0;

	if (!budget)
		return 0;
	/* A busy-polling socket comes unasked. */
	if (!READ_ONCE(queue->owned)) {
		napi_complete_done(napi, 0);
		return 0;
	}
	queue->rx.polls++;
	WRITE_ONCE(queue->collecting, true);
	end = run(queue, budget, &work);
	netvsc_tx_wake(queue);
	netvsc_xdp_end(queue);
	if (unlikely(READ_ONCE(queue->nv->draining)))
		wake_up_all(&queue->nv->sent);
	switch (end) {
	case ROUND_FULL:
		send_all(queue);
		return budget;
	case ROUND_BROKEN:
		netvsc_queue_broken(queue);
		return stall(queue, work, budget);
	case ROUND_STALLED:
		return stall(queue, work, budget);
	default:
		return give_back(queue, work);
	}
}
