// SPDX-License-Identifier: GPL-2.0
/*
 * From the receive buffer to the kernel: one copy of each frame, to the linear part of an skb if it is small, else to pages of the
 * queue's pool, which come back when the kernel is done with them.
 * Long frames (RSC) take several pages, or, for an XDP program that wants its frame in one piece, one larger block.
 */
#include <linux/bpf.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/skbuff.h>
#include <net/xdp.h>
#include COMPAT_PAGE_POOL_H

#include "internal.h"

/* Up to here the copy into a fresh linear skb is cheaper than a page. */
#define COPY_MAX 256
/* Behind each first piece: what build_skb() keeps there. */
#define TAIL SKB_DATA_ALIGN(sizeof(struct skb_shared_info))
#define HALF (PAGE_SIZE / 2)

/**
 * struct source - what is still to be copied
 * @piece: where next
 * @skip: bytes of it that were copied
 */
struct source {
	const struct netvsc_piece *piece;
	u32 skip;
};

/* The only place that reads frames out of memory that the host can write. The pieces hold @bytes. */
static void copy(struct source *source, void *to, u32 bytes)
{
	while (bytes) {
		u32 part = min(source->piece->bytes - source->skip, bytes);

		memcpy(to, (u8 *)source->piece->at + source->skip, part);
		to += part;
		bytes -= part;
		source->skip += part;
		if (source->skip == source->piece->bytes) {
			source->piece++;
			source->skip = 0;
		}
	}
}

static struct sk_buff *copy_small(struct netvsc_queue *queue, struct source *source, u32 bytes)
{
	struct sk_buff *skb = napi_alloc_skb(&queue->napi, bytes);

	if (skb)
		copy(source, skb_put(skb, bytes), bytes);
	return skb;
}

static void add_page(struct xdp_buff *xdp, struct page *page, u32 offset, u32 bytes)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(xdp);
	skb_frag_t *frag;

	if (!xdp_buff_has_frags(xdp)) {
		shared->nr_frags = 0;
		shared->xdp_frags_size = 0;
		xdp_buff_set_frags_flag(xdp);
	}
	frag = &shared->frags[shared->nr_frags++];
	compat_frag_fill(frag, page, offset, bytes);
	shared->xdp_frags_size += bytes;
}

/* The rest of a long frame. Return: false: no memory. */
static bool copy_rest(struct netvsc_queue *queue, struct xdp_buff *xdp, struct source *source, u32 bytes)
{
	while (bytes) {
		u32 part = min_t(u32, bytes, PAGE_SIZE), offset;
		struct page *page = page_pool_dev_alloc_frag(queue->rx.pool, &offset, PAGE_SIZE);

		if (!page)
			return false;
		copy(source, page_address(page) + offset, part);
		add_page(xdp, page, offset, part);
		bytes -= part;
	}
	return true;
}

/* Into pages of the pool. Return: false: no memory. */
static bool copy_paged(struct netvsc_queue *queue, struct xdp_buff *xdp, struct source *source, u32 bytes, u32 headroom)
{
	u32 size = headroom + bytes + TAIL <= HALF ? HALF : PAGE_SIZE;
	u32 first = min_t(u32, bytes, size - headroom - TAIL), offset;
	struct page *page = page_pool_dev_alloc_frag(queue->rx.pool, &offset, size);

	if (!page)
		return false;
	xdp_init_buff(xdp, size, &queue->rx.info);
	xdp_prepare_buff(xdp, page_address(page) + offset, headroom, first, true);
	copy(source, xdp->data, first);
	if (copy_rest(queue, xdp, source, bytes - first))
		return true;
	xdp_return_buff(xdp);
	return false;
}

/* In one piece, however long. Return: false: no memory. */
static bool copy_large(struct netvsc_queue *queue, struct xdp_buff *xdp, struct source *source, u32 bytes, u32 headroom)
{
	u32 order = get_order(headroom + bytes + TAIL);
	struct page *page = alloc_pages(GFP_ATOMIC | __GFP_COMP | __GFP_NOWARN, order);

	if (!page)
		return false;
	xdp_init_buff(xdp, PAGE_SIZE << order, &queue->rx.large_info);
	xdp_prepare_buff(xdp, page_address(page), headroom, bytes, true);
	copy(source, xdp->data, bytes);
	return true;
}

static struct sk_buff *to_skb(struct netvsc_queue *queue, struct xdp_buff *xdp)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(xdp);
	u32 frags = xdp_buff_has_frags(xdp) ? shared->nr_frags : 0, frag_bytes = frags ? shared->xdp_frags_size : 0;
	struct sk_buff *skb = napi_build_skb(xdp->data_hard_start, xdp->frame_sz);

	if (!skb) {
		xdp_return_buff(xdp);
		return NULL;
	}
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (xdp->data != xdp->data_meta)
		skb_metadata_set(skb, xdp->data - xdp->data_meta);
	if (frags)
		xdp_update_skb_shared_info(skb, frags, frag_bytes, frags * PAGE_SIZE, false);
	if (xdp->rxq == &queue->rx.info)
		skb_mark_for_recycle(skb);
	return skb;
}

/* Return: NULL: no memory (counted), or the program took it. */
static struct sk_buff *copy_for_program(struct netvsc_queue *queue, struct source *source, u32 bytes, bool in_frags)
{
	const u32 one_page = PAGE_SIZE - XDP_PACKET_HEADROOM - TAIL;
	struct xdp_buff xdp;
	bool fine;

	if (bytes <= one_page || in_frags)
		fine = copy_paged(queue, &xdp, source, bytes, XDP_PACKET_HEADROOM);
	else
		fine = copy_large(queue, &xdp, source, bytes, XDP_PACKET_HEADROOM);
	if (!fine) {
		queue->rx.no_memory++;
		return NULL;
	}
	if (!netvsc_xdp_run(queue, &xdp))
		return NULL;
	return to_skb(queue, &xdp);
}

static struct sk_buff *copy_plain(struct netvsc_queue *queue, struct source *source, u32 bytes)
{
	struct sk_buff *skb = NULL;
	struct xdp_buff xdp;

	if (bytes <= COPY_MAX)
		skb = copy_small(queue, source, bytes);
	else if (copy_paged(queue, &xdp, source, bytes, NET_SKB_PAD + NET_IP_ALIGN))
		skb = to_skb(queue, &xdp);
	if (!skb)
		queue->rx.no_memory++;
	return skb;
}

static void pass(struct netvsc_queue *queue, struct sk_buff *skb, const struct netvsc_frame *frame)
{
	struct netvsc_rx *rx = &queue->rx;

	rx->packets++;
	rx->bytes += skb->len;
	rx->multicast += is_multicast_ether_addr(skb->data);
	skb->protocol = eth_type_trans(skb, queue->nv->netdev);
	skb_record_rx_queue(skb, queue->index);
	netvsc_offload_received(queue, skb, frame);
	napi_gro_receive(&queue->napi, skb);
}

/**
 * netvsc_rx_frame() - a frame came
 * @queue: on its channel
 * @frame: what the host says of it, the last part's if there are several
 * @pieces: in the receive buffer, checked to be inside
 * @count: of them
 * @bytes: in them
 *
 * In poll(). Copies it; the pieces are the host's again afterwards.
 */
void netvsc_rx_frame(struct netvsc_queue *queue, const struct netvsc_frame *frame, const struct netvsc_piece *pieces,
		     u32 count, u32 bytes)
{
	struct netvsc *nv = queue->nv;
	struct source source = { .piece = pieces };
	struct bpf_prog *prog;
	struct sk_buff *skb;

	if (bytes < ETH_HLEN || bytes > NETVSC_FRAME_MAX)
		return netvsc_refuse(nv, REFUSED_FRAME_SIZE);
	if (!READ_ONCE(nv->carrying)) {
		queue->rx.closed++;
		return;
	}
	rcu_read_lock();
	prog = rcu_dereference(nv->prog);
	if (prog)
		skb = copy_for_program(queue, &source, bytes, prog->aux->xdp_has_frags);
	else
		skb = copy_plain(queue, &source, bytes);
	if (skb)
		pass(queue, skb, frame);
	rcu_read_unlock();
}
