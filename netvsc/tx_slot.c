// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: what was sent and not answered. Taken under the transmit lock of the kernel's queue, given back by poll() of the channel.
 * Invariant: a slot belongs to the host from the moment its id is set, which is the last thing the sender does with it; so an
 * answer that is made up ends no more than a packet that was complete.
 */
#include <linux/log2.h>
#include <linux/slab.h>
#include <net/xdp.h>

#include "internal.h"

static bool pools_create(struct netvsc_tx *tx, u32 copy_slots)
{
	u32 copies = roundup_pow_of_two(max(copy_slots, 1u));

	tx->numbers = kvcalloc(copies + NETVSC_PAGE_SLOTS, sizeof(*tx->numbers), GFP_KERNEL);
	if (!tx->numbers)
		return false;
	netvsc_pool_init(&tx->copies, tx->numbers, copies, 0, copy_slots);
	netvsc_pool_init(&tx->pages, tx->numbers + copies, NETVSC_PAGE_SLOTS, copy_slots, NETVSC_PAGE_SLOTS);
	return true;
}

/**
 * netvsc_tx_create() - slots for a queue
 * @queue: its channel is open; it has none
 * @copy_slots: how many have a section of the send buffer
 * @first_section: which is the first one's
 *
 * May sleep. Answers may come already, from a host that makes them up, so the number of slots comes last.
 * Return: 0 or -ENOMEM; then netvsc_tx_destroy() is called all the same.
 */
int netvsc_tx_create(struct netvsc_queue *queue, u32 copy_slots, u32 first_section)
{
	struct netvsc_tx *tx = &queue->tx;
	u32 count = copy_slots + NETVSC_PAGE_SLOTS;

	tx->slots = kvcalloc(count, sizeof(*tx->slots), GFP_KERNEL);
	tx->headers = alloc_pages_exact(NETVSC_PAGE_SLOTS * NETVSC_HEADER_MAX, GFP_KERNEL | __GFP_ZERO);
	if (!tx->slots || !tx->headers || !pools_create(tx, copy_slots))
		return -ENOMEM;
	tx->copy_slots = copy_slots;
	tx->first_section = first_section;
	tx->batch = (struct netvsc_batch){};
	tx->batch_packets = 0;
	tx->batch_bytes = 0;
	tx->unkicked = false;
	tx->left = false;
	tx->done_packets = 0;
	tx->done_bytes = 0;
	smp_store_release(&tx->slot_count, count); /* after slots */
	return 0;
}

static void let_go(struct netvsc_slot *slot, int budget)
{
	switch (slot->owner) {
	case NETVSC_OWNS_SKB:
		napi_consume_skb(slot->skb, budget);
		break;
	case NETVSC_OWNS_XDP:
		xdp_return_frame(slot->frame);
		break;
	}
	slot->owner = NETVSC_OWNS_NOTHING;
}

/** netvsc_tx_destroy() - free the slots, and what lies in them; the channel is closed; may sleep */
void netvsc_tx_destroy(struct netvsc_queue *queue)
{
	struct netvsc_tx *tx = &queue->tx;
	u32 i;

	for (i = 0; i < tx->slot_count; i++) {
		if (tx->slots[i].id)
			let_go(&tx->slots[i], 0);
	}
	tx->slot_count = 0;
	kvfree(tx->slots);
	kvfree(tx->numbers);
	if (tx->headers)
		free_pages_exact(tx->headers, NETVSC_PAGE_SLOTS * NETVSC_HEADER_MAX);
	tx->slots = NULL;
	tx->numbers = NULL;
	tx->headers = NULL;
}

/**
 * netvsc_tx_sent() - a slot is the host's
 * @queue: its transmit lock is held
 * @number: of the slot, filled in; still in its pool
 * @id: of its packet, which is written but not committed
 *
 * Afterwards the sender touches neither the slot nor what it owns.
 */
void netvsc_tx_sent(struct netvsc_queue *queue, u32 number, u64 id)
{
	struct netvsc_tx *tx = &queue->tx;

	netvsc_pool_take(number < tx->copy_slots ? &tx->copies : &tx->pages);
	smp_store_release(&tx->slots[number].id, id); /* after what lies in it */
}

/**
 * netvsc_tx_answer() - the host has answered a packet with frames
 * @queue: on its channel
 * @packet: its private copy
 * @budget: of poll(), where this runs
 */
void netvsc_tx_answer(struct netvsc_queue *queue, const struct hvis_packet *packet, int budget)
{
	struct netvsc_tx *tx = &queue->tx;
	struct netvsc *nv = queue->nv;
	u32 slots = smp_load_acquire(&tx->slot_count); /* before slots */
	u32 number, answer[2];
	struct netvsc_slot *slot;

	if (packet->payload_bytes < sizeof(answer))
		return netvsc_refuse(nv, REFUSED_SHORT);
	memcpy(answer, packet->payload, sizeof(answer));
	if (answer[0] != NVSP_SEND_RNDIS_PKT_COMPLETE)
		return netvsc_refuse(nv, REFUSED_UNKNOWN_NVSP);
	if (!netvsc_id_parse(packet->transaction_id, queue->index, slots, &number))
		return netvsc_refuse(nv, REFUSED_UNKNOWN_ID);
	slot = &tx->slots[number];
	/* Before what lies in it. */
	if (smp_load_acquire(&slot->id) != packet->transaction_id)
		return netvsc_refuse(nv, REFUSED_STALE_ID);
	if (answer[1] != NVSP_STATUS_SUCCESS)
		netvsc_refuse(nv, REFUSED_SEND_STATUS);
	tx->done_packets += slot->packets;
	tx->done_bytes += slot->bytes;
	let_go(slot, budget);
	slot->id = 0;
	netvsc_pool_give(number < tx->copy_slots ? &tx->copies : &tx->pages, number);
}

/** netvsc_tx_idle() - has the host answered all? The transmit side is stopped. Any context. */
bool netvsc_tx_idle(const struct netvsc_queue *queue)
{
	const struct netvsc_tx *tx = &queue->tx;

	u32 free = READ_ONCE(tx->copies.given) - tx->copies.taken + READ_ONCE(tx->pages.given) - tx->pages.taken;

	return free == tx->slot_count;
}

static bool has_room(const struct netvsc_pool *pool, u32 count)
{
	return !count || pool->given - READ_ONCE(pool->taken) > count / 4;
}

/**
 * netvsc_tx_wake() - tell the kernel's queue what was answered, and go on if it waits for slots
 * @queue: poll() has read its ring
 *
 * Who stops the queue for want of a slot looks again afterwards, with a barrier between, as here.
 */
void netvsc_tx_wake(struct netvsc_queue *queue)
{
	struct netdev_queue *txq = netvsc_txq(queue);
	struct netvsc_tx *tx = &queue->tx;

	if (!tx->done_packets && !netif_tx_queue_stopped(txq))
		return;
	if (READ_ONCE(queue->nv->carrying))
		netdev_tx_completed_queue(txq, tx->done_packets, tx->done_bytes);
	tx->done_packets = 0;
	tx->done_bytes = 0;
	smp_mb(); /* slots given before the queue's state */
	if (netif_tx_queue_stopped(txq) && READ_ONCE(queue->nv->carrying) && has_room(&tx->copies, tx->copy_slots) &&
	    has_room(&tx->pages, NETVSC_PAGE_SLOTS))
		netif_tx_wake_queue(txq);
}
