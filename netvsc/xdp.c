// SPDX-License-Identifier: GPL-2.0
/*
 * XDP on received frames, before the kernel has an skb, and frames that XDP sends. Frames that the host joined (RSC) work, too: in fragments, or
 * in one larger block for programs that know none (rx_frame.c).
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/filter.h>
#include <linux/smp.h>
#include <net/xdp.h>
#include COMPAT_PAGE_POOL_H

#include "internal.h"

/** netvsc_xdp_register() - a queue whose pool was just made gets what XDP knows it by; may sleep. Return: 0 or negative errno */
int netvsc_xdp_register(struct netvsc_queue *queue)
{
	struct net_device *netdev = queue->nv->netdev;
	struct netvsc_rx *rx = &queue->rx;
	int error;

	error = xdp_rxq_info_reg(&rx->info, netdev, queue->index, queue->napi.napi_id);
	if (error)
		return error;
	error = xdp_rxq_info_reg_mem_model(&rx->info, MEM_TYPE_PAGE_POOL, rx->pool);
	if (error)
		goto unregister;
	error = xdp_rxq_info_reg(&rx->large_info, netdev, queue->index, queue->napi.napi_id);
	if (error)
		goto unregister;
	error = xdp_rxq_info_reg_mem_model(&rx->large_info, MEM_TYPE_PAGE_ORDER0, NULL);
	if (!error)
		return 0;
	xdp_rxq_info_unreg(&rx->large_info);
unregister:
	xdp_rxq_info_unreg(&rx->info);
	return error;
}

/** netvsc_xdp_unregister() - undo netvsc_xdp_register(); may sleep */
void netvsc_xdp_unregister(struct netvsc_queue *queue)
{
	xdp_rxq_info_unreg(&queue->rx.large_info);
	xdp_rxq_info_unreg(&queue->rx.info);
}

/* Back to where it came from, on the queue's own transmit side. Return: false: the buffer is still ours. */
static bool send_back(struct netvsc_queue *queue, struct xdp_buff *xdp)
{
	struct netdev_queue *txq = netvsc_txq(queue);
	struct xdp_frame *frame = xdp_convert_buff_to_frame(xdp);
	int error = -ENETDOWN;

	if (!frame)
		return false;
	__netif_tx_lock(txq, smp_processor_id());
	if (READ_ONCE(queue->nv->carrying))
		error = netvsc_tx_frame(queue, frame);
	__netif_tx_unlock(txq);
	if (error)
		xdp_return_frame_rx_napi(frame);
	else
		WRITE_ONCE(queue->tx.left, true);
	return true;
}

/**
 * netvsc_xdp_run() - let the program decide about a frame
 * @queue: where it came; RCU is read-locked, and there is a program
 * @xdp: the frame
 *
 * In poll(). Return: true: it passes; false: it is gone.
 */
bool netvsc_xdp_run(struct netvsc_queue *queue, struct xdp_buff *xdp)
{
	struct bpf_prog *prog = rcu_dereference(queue->nv->prog);
	struct netvsc_rx *rx = &queue->rx;
	u32 act;

	if (!prog)
		return true;
	act = bpf_prog_run_xdp(prog, xdp);
	switch (act) {
	case XDP_PASS:
		rx->xdp_passed++;
		return true;
	case XDP_TX:
		if (!send_back(queue, xdp))
			break;
		rx->xdp_tx++;
		return false;
	case XDP_REDIRECT:
		if (xdp_do_redirect(queue->nv->netdev, xdp, prog))
			break;
		rx->redirected = true;
		rx->xdp_redirected++;
		return false;
	default:
		bpf_warn_invalid_xdp_action(queue->nv->netdev, prog, act);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(queue->nv->netdev, prog, act);
		fallthrough;
	case XDP_DROP:
		break;
	}
	rx->xdp_dropped++;
	xdp_return_buff(xdp);
	return false;
}

/**
 * netvsc_xdp_end() - what was redirected in this poll() goes out
 * @queue: the queue
 */
void netvsc_xdp_end(struct netvsc_queue *queue)
{
	if (queue->rx.redirected)
		xdp_do_flush();
	queue->rx.redirected = false;
}

/**
 * netvsc_xdp_xmit() - XDP redirects frames to this adapter
 * @netdev: of the adapter
 * @count: of @frames
 * @frames: those that are sent are ours
 * @flags: XDP_XMIT_FLUSH: the last ones of a batch
 *
 * In a softirq. Return: how many were sent, or negative errno.
 */
int netvsc_xdp_xmit(struct net_device *netdev, int count, struct xdp_frame **frames, u32 flags)
{
	struct netvsc *nv = netdev_priv(netdev);
	unsigned int cpu = smp_processor_id();
	struct netvsc_queue *queue = &nv->queues[cpu % READ_ONCE(nv->channels)];
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, queue->index);
	bool kick = false;
	int sent = 0;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	__netif_tx_lock(txq, cpu);
	if (READ_ONCE(nv->carrying) && queue->index < nv->channels) {
		while (sent < count && !netvsc_tx_frame(queue, frames[sent]))
			sent++;
		/* A batch that waited for more would wait for others' frames. */
		kick = netvsc_tx_push(queue);
	} else {
		sent = -ENETDOWN;
	}
	__netif_tx_unlock(txq);
	if (kick)
		netvsc_kick(queue);
	return sent;
}

static int set_program(struct net_device *netdev, struct bpf_prog *prog)
{
	struct netvsc *nv = netdev_priv(netdev);
	struct bpf_prog *old = rtnl_dereference(nv->prog);

	rcu_assign_pointer(nv->prog, prog);
	if (old) {
		synchronize_net();
		bpf_prog_put(old);
	}
	return 0;
}

/** netvsc_bpf() - a program comes or goes; the RTNL is held. Return: 0 or negative errno */
int netvsc_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	switch (bpf->command) {
	case XDP_SETUP_PROG:
		return set_program(netdev, bpf->prog);
	default:
		return -EINVAL;
	}
}
