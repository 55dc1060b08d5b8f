/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One channel of an adapter as a pair of queues: received packets and answers to sent ones come through the same ring,
 * so they share a NAPI context; what is sent has the transmit lock of the kernel's queue.
 * Invariant: the ring from the host is read by event() or, from the moment that answers POLLING until
 * hvis_channel_resume(), by poll() alone: queue.owned.
 */
#ifndef HVIS_NETVSC_QUEUE_H
#define HVIS_NETVSC_QUEUE_H

#include <linux/cache.h>
#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/xdp.h>

#include "rndis_parse.h"
#include "tx.h"
#include "vmbus.h"

struct netvsc;
struct page_pool;

/* Packets from the host whose answers are not in the ring yet. */
#define NETVSC_ANSWERS 512u

/**
 * struct netvsc_answers - packets of the host that are read, but whose answers are not in the ring yet
 * @ids: a ring; only poll() touches it
 * @head: answers put in; @tail: taken out
 */
struct netvsc_answers {
	u64 ids[NETVSC_ANSWERS];
	u32 head;
	u32 tail;
};

/**
 * struct netvsc_rx - the receiving side; only poll() touches it
 * @pool: pages that frames are copied into
 * @info: XDP's registration of them
 * @large_info: likewise of the larger blocks that programs without fragments get long frames in
 * @packet: being read; its ranges are valid until the next hvis_channel_recv()
 * @range: next of it
 * @range_count: 0: none is being read
 * @parts: of the frame being put together
 * @first: what the host said of it, with its first part
 * @ranges: where in the receive buffer these parts are
 * @head: private copy of the head of one message
 * @answers: as above
 * @redirected: XDP has to be flushed at the end of poll()
 * @given: units of the receive buffer that are given back in the poll() that runs; each answer that went into the ring counts as one more
 * @packets: and the following: statistics
 */
struct netvsc_rx {
	struct page_pool *pool;
	struct xdp_rxq_info info;
	struct xdp_rxq_info large_info;
	struct hvis_packet packet;
	u32 range;
	u32 range_count;
	struct netvsc_parts parts;
	struct netvsc_frame first;
	struct netvsc_piece *ranges;
	u32 head[NETVSC_HEAD_MAX / 4];
	struct netvsc_answers answers;
	bool redirected;
	u32 given;

	u64 packets;
	u64 bytes;
	u64 multicast;
	u64 joined;
	u64 no_memory;
	u64 closed;
	u64 checksum_good;
	u64 checksum_bad;
	u64 polls;
	u64 kicks;
	u64 left;
	u64 xdp_dropped;
	u64 xdp_passed;
	u64 xdp_tx;
	u64 xdp_redirected;
};

/**
 * struct netvsc_queue - one channel
 * @nv: whose
 * @channel: NULL while not connected
 * @index: 0: the primary channel
 * @cpu: that takes its interrupts
 * @opened: it needs closing
 * @gone: rescinded, or broken: nothing goes in or out any more
 * @owned: poll() has the ring
 * @collecting: poll() runs, or will run again soon: at its end it sends what was left to it (tx.left)
 * @owed: units of the receive buffer whose answers are in the ring, without the host having been told
 * @napi: reads it
 * @restart: the ring has room again: send the batch that waits, and wake the kernel's queue
 */
struct netvsc_queue {
	struct netvsc *nv;
	struct vmbus_channel *channel;
	unsigned int index;
	unsigned int cpu;
	bool opened;
	bool gone;
	bool owned;
	bool collecting;
	u32 owed;
	struct napi_struct napi;
	struct work_struct restart;
	struct netvsc_rx rx;
	struct netvsc_tx tx ____cacheline_aligned_in_smp;
} ____cacheline_aligned_in_smp;

/* queue.c */
int netvsc_queues_create(struct netvsc *nv);
void netvsc_queues_destroy(struct netvsc *nv);
int netvsc_queue_open(struct netvsc_queue *queue);
void netvsc_queue_close(struct netvsc_queue *queue);
void netvsc_queue_broken(struct netvsc_queue *queue);

/* poll.c */
enum hvis_event_result netvsc_event(struct vmbus_channel *channel, void *context);
int netvsc_poll(struct napi_struct *napi, int budget);
void netvsc_send_room(struct vmbus_channel *channel, void *context);

/* bell.c */
int netvsc_bells_create(struct netvsc *nv);
void netvsc_bells_destroy(struct netvsc *nv);
bool netvsc_bell_holds(struct netvsc_queue *queue, bool alone);
bool netvsc_bell_waits(struct netvsc_queue *queue);
bool netvsc_bell_later(struct netvsc_queue *queue);

/* rx.c */
void netvsc_rx_begin(struct netvsc_queue *queue, const struct hvis_packet *packet);
bool netvsc_rx_ranges(struct netvsc_queue *queue, int budget, int *work);
bool netvsc_rx_answer(struct netvsc_queue *queue, bool urgent);

/* rx_frame.c */
void netvsc_rx_frame(struct netvsc_queue *queue, const struct netvsc_frame *frame, const struct netvsc_piece *pieces,
		     u32 count, u32 bytes);

/* offload.c */
int netvsc_offload_of(struct sk_buff *skb, struct netvsc_send *send);
void netvsc_offload_received(struct netvsc_queue *queue, struct sk_buff *skb, const struct netvsc_frame *frame);

/* xdp.c */
struct sk_buff;
bool netvsc_xdp_run(struct netvsc_queue *queue, struct xdp_buff *xdp);
void netvsc_xdp_end(struct netvsc_queue *queue);

#endif
