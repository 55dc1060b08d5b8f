// SPDX-License-Identifier: GPL-2.0
/*
 * Sending. Small frames are copied into a section of the send buffer, several into one section and one packet as long as more are
 * announced; others are sent by a list of the pages they lie in, behind a header in memory of ours. One doorbell for all that the kernel
 * hands over in a row, or more (tx_push.c). What is not answered yet lies in slots (tx_slot.c).
 *
 * Everything here runs under the transmit lock of the kernel's queue. If there is no room, the queue is stopped first and then looked at
 * once more, so that whoever makes room (poll(), netvsc_send_room()) either is seen or sees the queue stopped.
 * Invariant: when the lock is released, nothing waits in the batch or unkicked, or more is announced, or tx.left says that poll() or the
 * bell will see to it.
 */
#include <linux/skbuff.h>
#include <net/tcp.h>
#include <net/xdp.h>

#include "internal.h"

#define SECTION_PACKET (sizeof(struct packet_desc) + sizeof(struct nvsp_message))

/* Room in the ring, or ERR_PTR(-EAGAIN) and the kernel's queue stopped, to be restarted by netvsc_send_room(). */
static void *reserve(struct netvsc_queue *queue, u32 bytes, unsigned long *flags)
{
	struct netdev_queue *txq = netvsc_txq(queue);
	void *packet = hvis_channel_reserve(queue->channel, bytes, flags);
	bool was_stopped;

	if (packet != ERR_PTR(-EAGAIN))
		return packet;
	was_stopped = netif_tx_queue_stopped(txq);
	netif_tx_stop_queue(txq);
	smp_mb__after_atomic(); /* the queue's state before the wish */
	/* Only this one asks the host for a signal that finds the queue stopped. */
	packet = hvis_channel_reserve(queue->channel, bytes, flags);
	if (packet == ERR_PTR(-EAGAIN))
		queue->tx.ring_full++;
	else if (!was_stopped)
		netif_tx_start_queue(txq);
	return packet;
}

/* Return: the error, unless it is -EAGAIN, means that the channel is of no more use. */
static int failed(struct netvsc_queue *queue, const void *packet)
{
	int error = PTR_ERR(packet);

	if (error != -EAGAIN && error != -EMSGSIZE && !READ_ONCE(queue->gone))
		netvsc_queue_broken(queue);
	return error;
}

static u64 next_id(struct netvsc_queue *queue, u32 number)
{
	struct netvsc_slot *slot = &queue->tx.slots[number];

	slot->generation = netvsc_generation_next(slot->generation);
	return netvsc_id_make(slot->generation, queue->index, number);
}

static void forget_batch(struct netvsc_tx *tx)
{
	tx->batch = (struct netvsc_batch){};
	tx->batch_packets = 0;
	tx->batch_bytes = 0;
}

static void commit_batch(struct netvsc_queue *queue, u8 *packet, unsigned long flags)
{
	struct netvsc_tx *tx = &queue->tx;
	u32 number = tx->batch_slot;
	u64 id = next_id(queue, number);
	const struct packet_desc desc = {
		.type = PACKET_INBAND,
		.offset8 = sizeof(desc) / 8,
		.len8 = SECTION_PACKET / 8,
		.flags = PACKET_FLAG_COMPLETION_REQUESTED,
		.transaction_id = id,
	};
	const struct nvsp_message message = {
		.type = NVSP_SEND_RNDIS_PKT,
		.rndis = {
			.channel_type = NVSP_CHANNEL_DATA,
			.section = tx->first_section + number,
			.section_bytes = tx->batch.used,
		},
	};

	memcpy(packet, &desc, sizeof(desc));
	memcpy(packet + sizeof(desc), &message, sizeof(message));
	tx->slots[number].owner = NETVSC_OWNS_NOTHING;
	tx->slots[number].packets = tx->batch_packets;
	tx->slots[number].bytes = tx->batch_bytes;
	netvsc_tx_sent(queue, number, id);
	hvis_channel_commit(queue->channel, flags);
	tx->ring_packets++;
	tx->unkicked = true;
	forget_batch(tx);
}

/**
 * netvsc_tx_flush() - commit the messages that were gathered
 * @queue: its transmit lock is held
 *
 * Not kicked. Return: false: the ring has no room, and the kernel's queue is stopped; they stay.
 */
bool netvsc_tx_flush(struct netvsc_queue *queue)
{
	struct netvsc_tx *tx = &queue->tx;
	unsigned long flags;
	u8 *packet;

	if (!tx->batch.messages)
		return true;
	packet = reserve(queue, SECTION_PACKET, &flags);
	if (!IS_ERR(packet)) {
		commit_batch(queue, packet, flags);
		return true;
	}
	if (failed(queue, packet) == -EAGAIN)
		return false;
	tx->dropped += tx->batch.messages;
	forget_batch(tx);
	return true;
}

static bool out_of_slots(const struct netvsc_tx *tx)
{
	u32 number;

	return (tx->copy_slots && !tx->batch.messages && !netvsc_pool_peek(&tx->copies, &number)) ||
	       !netvsc_pool_peek(&tx->pages, &number);
}

/* Return: true: the queue is stopped for want of slots, so nobody will announce more. */
static bool stop_if_out(struct netvsc_queue *queue)
{
	struct netdev_queue *txq = netvsc_txq(queue);

	if (!out_of_slots(&queue->tx))
		return false;
	netif_tx_stop_queue(txq);
	smp_mb__after_atomic(); /* as netvsc_tx_wake() */
	if (!out_of_slots(&queue->tx)) {
		netif_tx_start_queue(txq);
		return false;
	}
	queue->tx.stopped++;
	return true;
}

/* Place for a message of @bytes in a section. Return: it, or NULL: there is none now, and the queue is stopped. */
static u8 *place(struct netvsc_queue *queue, u32 bytes)
{
	struct netvsc_tx *tx = &queue->tx;
	struct netvsc *nv = queue->nv;
	u8 *section;

	if (tx->batch.messages && !netvsc_batch_fits(&tx->batch, &nv->limits, bytes) && !netvsc_tx_flush(queue))
		return NULL;
	if (!tx->batch.messages && !netvsc_pool_peek(&tx->copies, &tx->batch_slot)) {
		stop_if_out(queue);
		return NULL;
	}
	section = nv->send_base + (tx->first_section + tx->batch_slot) * nv->send_section_bytes;
	return section + netvsc_batch_add(&tx->batch, &nv->limits, section, bytes);
}

static bool is_small(const struct netvsc_queue *queue, u32 bytes)
{
	return queue->tx.copy_slots && bytes <= READ_ONCE(netvsc_copy_limit) && bytes <= queue->nv->limits.bytes;
}

static int send_copy(struct netvsc_queue *queue, struct sk_buff *skb, const struct netvsc_send *send)
{
	struct netvsc_tx *tx = &queue->tx;
	u32 header = netvsc_header_bytes(send), bytes = skb->len;
	u8 *to = place(queue, header + bytes);

	if (!to)
		return -EAGAIN;
	netvsc_build_header(to, send, bytes);
	skb_copy_bits(skb, 0, to + header, bytes);
	tx->copied++;
	tx->batch_packets++;
	tx->batch_bytes += bytes;
	return 0;
}

static u32 pieces_of(const struct sk_buff *skb, struct netvsc_piece *pieces)
{
	u32 count = 0;
	int i;

	if (skb_headlen(skb))
		pieces[count++] = (struct netvsc_piece){ skb->data, skb_headlen(skb) };
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		if (skb_frag_size(frag))
			pieces[count++] = (struct netvsc_piece){ skb_frag_address(frag), skb_frag_size(frag) };
	}
	return count;
}

static void commit_pages(struct netvsc_queue *queue, u8 *packet, u32 number, const struct netvsc_piece *pieces, u32 count)
{
	const struct nvsp_message message = {
		.type = NVSP_SEND_RNDIS_PKT,
		.rndis = { .channel_type = NVSP_CHANNEL_DATA, .section = NVSP_NO_SECTION },
	};
	u64 id = next_id(queue, number);

	netvsc_pages_build(packet, pieces, count, id);
	memcpy(packet + netvsc_pages_bytes(pieces, count), &message, sizeof(message));
	netvsc_tx_sent(queue, number, id);
	queue->tx.ring_packets++;
	queue->tx.by_pages++;
	queue->tx.unkicked = true;
}

/*
 * By pages. @pieces[0] is left free for the header; @owner has the skb or frame, and how much of it BQL knows.
 * Return: 0; -EAGAIN: no room, the queue is stopped; other errors: the channel is of no use.
 */
static int send_pages(struct netvsc_queue *queue, const struct netvsc_send *send, struct netvsc_piece *pieces, u32 count,
		      u32 bytes, const struct netvsc_slot *owner)
{
	struct netvsc_tx *tx = &queue->tx;
	struct netvsc_slot *slot;
	unsigned long flags;
	u32 number;
	u8 *packet;

	if (!netvsc_tx_flush(queue))
		return -EAGAIN;
	if (!netvsc_pool_peek(&tx->pages, &number)) {
		stop_if_out(queue);
		return -EAGAIN;
	}
	pieces[0].at = tx->headers + (number - tx->copy_slots) * NETVSC_HEADER_MAX;
	pieces[0].bytes = netvsc_build_header(pieces[0].at, send, bytes);
	packet = reserve(queue, netvsc_pages_bytes(pieces, count) + sizeof(struct nvsp_message), &flags);
	if (IS_ERR(packet))
		return failed(queue, packet);
	slot = &tx->slots[number];
	slot->owner = owner->owner;
	slot->skb = owner->skb;
	slot->packets = owner->packets;
	slot->bytes = owner->bytes;
	/* Before the answer can come. */
	if (owner->packets)
		netdev_tx_sent_queue(netvsc_txq(queue), owner->bytes);
	commit_pages(queue, packet, number, pieces, count);
	hvis_channel_commit(queue->channel, flags);
	return 0;
}

static int send_skb_pages(struct netvsc_queue *queue, struct sk_buff *skb, const struct netvsc_send *send)
{
	const struct netvsc_slot owner = {
		.owner = NETVSC_OWNS_SKB, .skb = skb, .packets = 1, .bytes = skb->len,
	};
	struct netvsc_piece pieces[NETVSC_PIECES];
	u32 max = queue->nv->mdl_chain_max, count = 1 + pieces_of(skb, pieces + 1);

	if (max && count > max) {
		if (skb_linearize(skb))
			return -ENOMEM;
		queue->tx.linearized++;
		count = 1 + pieces_of(skb, pieces + 1);
	}
	return send_pages(queue, send, pieces, count, skb->len, &owner);
}

/* Return: whether the kernel wants the doorbell rung now. */
static bool finish_copied(struct netvsc_queue *queue, struct sk_buff *skb, bool more)
{
	u32 bytes = skb->len;

	dev_consume_skb_any(skb);
	return __netdev_tx_sent_queue(netvsc_txq(queue), bytes, more);
}

static int send(struct netvsc_queue *queue, struct sk_buff *skb, bool more, bool *kick)
{
	struct netvsc_send with = {};
	u32 bytes = skb->len;
	int error = netvsc_offload_of(skb, &with);

	if (error)
		return error;
	skb_tx_timestamp(skb);
	if (is_small(queue, netvsc_header_bytes(&with) + bytes)) {
		error = send_copy(queue, skb, &with);
		if (!error)
			*kick |= finish_copied(queue, skb, more);
	} else {
		error = send_skb_pages(queue, skb, &with);
	}
	if (!error) {
		queue->tx.packets++;
		queue->tx.bytes += bytes;
	}
	return error;
}

/**
 * netvsc_start_xmit() - the kernel has a frame to send
 * @skb: it
 * @netdev: of the adapter
 *
 * Return: NETDEV_TX_OK: sent, or dropped and counted; NETDEV_TX_BUSY: the queue is stopped, and it stays the kernel's.
 */
netdev_tx_t netvsc_start_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct netvsc *nv = netdev_priv(netdev);
	struct netvsc_queue *queue = &nv->queues[skb_get_queue_mapping(skb)];
	bool more = netdev_xmit_more(), kick = !more, ack = skb_is_tcp_pure_ack(skb);
	int error;

	if (unlikely(!READ_ONCE(nv->carrying) || queue->index >= nv->channels)) {
		netif_tx_stop_queue(netvsc_txq(queue));
		return NETDEV_TX_BUSY;
	}
	error = send(queue, skb, more, &kick);
	if (error && error != -EAGAIN) {
		queue->tx.dropped++;
		dev_kfree_skb_any(skb);
	}
	if (stop_if_out(queue) || netif_xmit_stopped(netvsc_txq(queue)) || (kick && !netvsc_tx_may_wait(queue, ack)))
		netvsc_tx_push_and_kick(queue);
	return error == -EAGAIN ? NETDEV_TX_BUSY : NETDEV_TX_OK;
}

static void copy_frame(u8 *to, const struct xdp_frame *frame)
{
	const struct skb_shared_info *shared = xdp_get_shared_info_from_frame((struct xdp_frame *)frame);
	u32 i;

	memcpy(to, frame->data, frame->len);
	to += frame->len;
	for (i = 0; xdp_frame_has_frags((struct xdp_frame *)frame) && i < shared->nr_frags; i++) {
		const skb_frag_t *frag = &shared->frags[i];

		memcpy(to, skb_frag_address(frag), skb_frag_size(frag));
		to += skb_frag_size(frag);
	}
}

static u32 pieces_of_frame(struct xdp_frame *frame, struct netvsc_piece *pieces)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_frame(frame);
	u32 i, count = 0;

	pieces[count++] = (struct netvsc_piece){ frame->data, frame->len };
	for (i = 0; xdp_frame_has_frags(frame) && i < shared->nr_frags; i++)
		pieces[count++] = (struct netvsc_piece){
			skb_frag_address(&shared->frags[i]), skb_frag_size(&shared->frags[i]),
		};
	return count;
}

static int send_frame_pages(struct netvsc_queue *queue, struct xdp_frame *frame, u32 bytes)
{
	const struct netvsc_slot owner = { .owner = NETVSC_OWNS_XDP, .frame = frame };
	const struct netvsc_send with = {};
	struct netvsc_piece pieces[NETVSC_PIECES];
	u32 count = 1 + pieces_of_frame(frame, pieces + 1);

	if (queue->nv->mdl_chain_max && count > queue->nv->mdl_chain_max)
		return -EMSGSIZE;
	return send_pages(queue, &with, pieces, count, bytes, &owner);
}

/**
 * netvsc_tx_frame() - send a frame of XDP's
 * @queue: its transmit lock is held
 * @frame: ours if it could be sent
 *
 * Neither flushed nor kicked. Return: 0 or negative errno.
 */
int netvsc_tx_frame(struct netvsc_queue *queue, struct xdp_frame *frame)
{
	const struct netvsc_send with = {};
	u32 bytes = xdp_get_frame_len(frame), header = netvsc_header_bytes(&with);
	int error;
	u8 *to;

	if (!is_small(queue, header + bytes)) {
		error = send_frame_pages(queue, frame, bytes);
	} else {
		to = place(queue, header + bytes);
		error = to ? 0 : -EAGAIN;
		if (to) {
			netvsc_build_header(to, &with, bytes);
			copy_frame(to + header, frame);
			xdp_return_frame(frame);
		}
	}
	queue->tx.xdp_sent += !error;
	queue->tx.xdp_errors += error != 0;
	return error;
}
