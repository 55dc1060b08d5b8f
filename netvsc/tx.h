/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sending side of a queue: slots for what the host has not answered, and the batch that is being gathered.
 * Invariant: all of it is under the transmit lock of the kernel's queue, but for ids and what is given back to pools, which are
 * poll()'s.
 */
#ifndef HVIS_NETVSC_TX_H
#define HVIS_NETVSC_TX_H

#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/xdp.h>

#include "rndis_build.h"
#include "slot.h"
#include "vmbus.h"

struct netvsc_queue;

/* Frames that lie in pages of their own; those that are copied have a slot per section beside. */
#define NETVSC_PAGE_SLOTS 128u
#define NETVSC_COPY_SLOTS_MAX 1024u
/* Pieces of a frame that is sent by pages: its header, its linear part, its fragments. */
#define NETVSC_PIECES (MAX_SKB_FRAGS + 2)
/**
 * enum netvsc_owner - what a slot keeps until the host has answered
 * @NETVSC_OWNS_NOTHING: its frames were copied
 * @NETVSC_OWNS_SKB: the host reads its pages
 * @NETVSC_OWNS_XDP: likewise, of an xdp_frame
 */
enum netvsc_owner {
	NETVSC_OWNS_NOTHING,
	NETVSC_OWNS_SKB,
	NETVSC_OWNS_XDP,
};

/**
 * struct netvsc_slot - what the host owes us for one packet
 * @id: of the packet; 0: none. Written by who sends as the last of all, and by who takes the answer
 * @generation: of the last packet
 * @owner: which of @skb and @frame is valid
 * @packets: frames in it that the kernel's queue was told of, for netdev_tx_completed_queue()
 * @bytes: in these
 */
struct netvsc_slot {
	u64 id;
	u32 generation;
	u8 owner;
	u16 packets;
	u32 bytes;
	union {
		struct sk_buff *skb;
		struct xdp_frame *frame;
	};
};

/**
 * struct netvsc_piece - bytes of a frame that lie together in physical memory
 */
struct netvsc_piece {
	void *at;
	u32 bytes;
};

/**
 * struct netvsc_tx - the sending side, under the transmit lock of the kernel's queue unless said otherwise
 * @slots: those with a section first
 * @slot_count: how many
 * @copy_slots: how many have a section
 * @first_section: of the first slot
 * @copies: free slots with a section; given back by poll()
 * @pages: free slots without
 * @numbers: memory of both
 * @headers: NETVSC_HEADER_MAX for each slot without a section
 * @batch: messages in a section that were not sent yet
 * @batch_slot: where they are
 * @batch_packets: frames in them that the kernel's queue was told of; XDP's are not
 * @batch_bytes: bytes of these
 * @unkicked: something was committed and the host not told
 * @left: the batch, or what was not kicked, was left to poll() or to the bell
 * @acks: acknowledgements among that
 * @done_packets: answered in the poll() that runs now, and not yet told to the kernel's queue; poll()'s
 * @done_bytes: in these; likewise
 * @packets: and the following: statistics
 */
struct netvsc_tx {
	struct netvsc_slot *slots;
	u32 slot_count;
	u32 copy_slots;
	u32 first_section;
	struct netvsc_pool copies;
	struct netvsc_pool pages;
	u16 *numbers;
	void *headers;
	struct netvsc_batch batch;
	u32 batch_slot;
	u32 batch_packets;
	u32 batch_bytes;
	bool unkicked;
	bool left;
	u32 acks;

	u32 done_packets;
	u32 done_bytes;

	u64 packets;
	u64 bytes;
	u64 copied;
	u64 by_pages;
	u64 ring_packets;
	u64 kicks;
	u64 left_to_poll;
	u64 held;
	u64 stopped;
	u64 ring_full;
	u64 dropped;
	u64 linearized;
	u64 xdp_sent;
	u64 xdp_errors;
};

/* tx.c */
netdev_tx_t netvsc_start_xmit(struct sk_buff *skb, struct net_device *netdev);
bool netvsc_tx_flush(struct netvsc_queue *queue);
int netvsc_tx_frame(struct netvsc_queue *queue, struct xdp_frame *frame);

/* tx_push.c */
bool netvsc_tx_push(struct netvsc_queue *queue);
void netvsc_tx_push_and_kick(struct netvsc_queue *queue);
bool netvsc_tx_may_wait(struct netvsc_queue *queue, bool ack);
bool netvsc_tx_collect(struct netvsc_queue *queue);
void netvsc_tx_ring(struct netvsc_queue *queue);
void netvsc_tx_settle(struct netvsc_queue *queue);
void netvsc_restart_work(struct work_struct *work);

/* tx_slot.c */
int netvsc_tx_create(struct netvsc_queue *queue, u32 copy_slots, u32 first_section);
void netvsc_tx_destroy(struct netvsc_queue *queue);
void netvsc_tx_sent(struct netvsc_queue *queue, u32 number, u64 id);
void netvsc_tx_answer(struct netvsc_queue *queue, const struct hvis_packet *packet, int budget);
bool netvsc_tx_idle(const struct netvsc_queue *queue);
void netvsc_tx_wake(struct netvsc_queue *queue);

/* tx_pages.c */
u32 netvsc_pages_bytes(const struct netvsc_piece *pieces, u32 count);
void netvsc_pages_build(void *packet, const struct netvsc_piece *pieces, u32 count, u64 id);

#endif
