// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: their making, and opening and closing the channel of one.
 * Invariant: NAPI of a queue is enabled exactly while its channel is open.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <net/xdp.h>
#include COMPAT_PAGE_POOL_H

#include "internal.h"

/* Frames of one poll and what the kernel still has of the one before, at 2 KiB each. */
#define POOL_PAGES 256

static void rescinded(struct vmbus_channel *channel, void *context)
{
	struct netvsc_queue *queue = context;
	struct netvsc *nv = queue->nv;

	WRITE_ONCE(queue->gone, true);
	if (queue->index) {
		netvsc_reset_soon(nv);
		return;
	}
	WRITE_ONCE(nv->gone, true);
	netvsc_control_fail(nv, -ENODEV);
	netif_carrier_off(nv->netdev);
	wake_up_all(&nv->sent);
}

/**
 * netvsc_queue_broken() - the host broke the rules of this queue's ring, or took its channel away
 * @queue: is of no more use
 *
 * Any context but hard interrupts.
 */
void netvsc_queue_broken(struct netvsc_queue *queue)
{
	WRITE_ONCE(queue->gone, true);
	if (!queue->index)
		netvsc_control_fail(queue->nv, -EIO);
	netvsc_reset_soon(queue->nv);
}

static unsigned int nth_online(u32 index)
{
	unsigned int cpu;

	index %= num_online_cpus();
	for_each_online_cpu(cpu) {
		if (!index--)
			return cpu;
	}
	return cpumask_first(cpu_online_mask);
}

static int create_pool(struct netvsc_queue *queue)
{
	const struct page_pool_params params = {
		.flags = COMPAT_PAGE_POOL_FRAGS,
		.pool_size = POOL_PAGES,
		.nid = NUMA_NO_NODE,
		.dev = &queue->nv->device->dev,
	};
	struct page_pool *pool = page_pool_create(&params);
	int error;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	queue->rx.pool = pool;
	error = netvsc_xdp_register(queue);
	if (error) {
		page_pool_destroy(pool);
		queue->rx.pool = NULL;
	}
	return error;
}

static void destroy_pool(struct netvsc_queue *queue)
{
	netvsc_xdp_unregister(queue);
	page_pool_destroy(queue->rx.pool);
	queue->rx.pool = NULL;
}

static void reset(struct netvsc_queue *queue)
{
	queue->gone = false;
	queue->owned = false;
	queue->collecting = false;
	queue->rx.range_count = 0;
	queue->rx.parts.count = 0;
	queue->rx.answers.head = 0;
	queue->rx.answers.tail = 0;
	queue->rx.redirected = false;
	queue->rx.given = 0;
	queue->owed = 0;
}

/**
 * netvsc_queue_open() - open the channel of a queue and begin to read it
 * @queue: closed, its channel set
 *
 * May sleep, bounded by the bus. Return: 0 or negative errno.
 */
int netvsc_queue_open(struct netvsc_queue *queue)
{
	const struct hvis_channel_config config = {
		.send_bytes = netvsc_ring_bytes,
		.recv_bytes = netvsc_ring_bytes,
		.packet_max = NETVSC_PACKET_MAX,
		.cpu = queue->nv->queue_count > 1 ? nth_online(queue->index) : HVIS_CPU_ANY,
		.event = netvsc_event,
		.rescinded = rescinded,
		.send_room = netvsc_send_room,
		.context = queue,
	};
	int error;

	reset(queue);
	error = create_pool(queue);
	if (error)
		return error;
	napi_enable(&queue->napi);
	error = hvis_channel_open(queue->channel, &config);
	if (error) {
		napi_disable(&queue->napi);
		destroy_pool(queue);
		return error;
	}
	queue->cpu = hvis_channel_cpu(queue->channel);
	queue->opened = true;
	return 0;
}

/**
 * netvsc_queue_close() - undo netvsc_queue_open()
 * @queue: open, or not (then nothing happens); nobody sends
 *
 * May sleep, bounded by the bus. An event that comes in between finds NAPI disabled, and is forgotten.
 */
void netvsc_queue_close(struct netvsc_queue *queue)
{
	if (!queue->opened)
		return;
	/* A bell that rings looks at it under the lock, and will not touch the channel any more. */
	__netif_tx_lock_bh(netvsc_txq(queue));
	queue->opened = false;
	__netif_tx_unlock_bh(netvsc_txq(queue));
	napi_disable(&queue->napi);
	hvis_channel_close(queue->channel);
	cancel_work_sync(&queue->restart);
	destroy_pool(queue);
}

/**
 * netvsc_queues_create() - as many queues as there may ever be channels
 * @nv: new, its queue_count set
 *
 * May sleep. Return: 0 or -ENOMEM.
 */
int netvsc_queues_create(struct netvsc *nv)
{
	u32 i;

	nv->queues = kvcalloc(nv->queue_count, sizeof(*nv->queues), GFP_KERNEL);
	if (!nv->queues)
		return -ENOMEM;
	if (netvsc_bells_create(nv))
		goto no_memory;
	for (i = 0; i < nv->queue_count; i++) {
		struct netvsc_queue *queue = &nv->queues[i];

		queue->nv = nv;
		queue->index = i;
		INIT_WORK(&queue->restart, netvsc_restart_work);
		queue->rx.ranges = kvcalloc(RNDIS_RSC_RANGES_MAX, sizeof(*queue->rx.ranges), GFP_KERNEL);
		if (!queue->rx.ranges)
			goto no_memory;
		netif_napi_add(nv->netdev, &queue->napi, netvsc_poll);
	}
	return 0;

no_memory:
	netvsc_queues_destroy(nv);
	return -ENOMEM;
}

/** netvsc_queues_destroy() - undo netvsc_queues_create(), also half-way; all are closed; may sleep */
void netvsc_queues_destroy(struct netvsc *nv)
{
	u32 i;

	netvsc_bells_destroy(nv);
	for (i = 0; i < nv->queue_count && nv->queues[i].rx.ranges; i++) {
		netif_napi_del(&nv->queues[i].napi);
		kvfree(nv->queues[i].rx.ranges);
	}
	kvfree(nv->queues);
	nv->queues = NULL;
}
