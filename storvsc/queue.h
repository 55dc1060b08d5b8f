/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hardware queues and the channels they use. A queue is what the block layer knows: tags, hence
 * slots. A link is one channel with its reader. Queue i has link i to itself while that is up, and
 * shares link 0, the primary channel, while it is not; so links come and go under a fixed number of
 * queues, and an answer finds its command by queue and tag in its id, not by where it arrived.
 * Invariant: a command is sent, answered and, if the link goes, failed on one link: slot.link.
 */
#ifndef HVIS_STORVSC_QUEUE_H
#define HVIS_STORVSC_QUEUE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/jump_label.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <scsi/scsi_cmnd.h>

#include "vmbus.h"
#include "map.h"

struct storvsc_host;

/**
 * struct storvsc_slot - what the host owes us under one tag
 * @id: transaction id of the packet it has not answered; 0: free. Only slot.c changes it
 * @cmd: the command lent out; valid for who took @id back
 * @generation: of the last packet
 * @address: target and LUN of @cmd, which may be read without owning it
 * @link: index of the link it was sent on, likewise
 * @sent: when, or 0 if nobody asked
 */
struct storvsc_slot {
	atomic64_t id;
	struct scsi_cmnd *cmd;
	u32 generation;
	u16 address;
	u16 link;
	u64 sent;
};

/**
 * struct storvsc_queue - one hardware queue of the block layer
 * @link: where its commands leave. Read under RCU; written under host->route_lock
 * @slots: one per tag
 * @full_since: when a command first found no room; 0: it has gone, or there was none
 * @ring_wait: latency.c's, as the next two. Written by who holds the ring's producer lock
 * @host: written by the ring's reader
 * @completion: likewise
 */
struct storvsc_queue {
	struct storvsc_link *link;
	struct storvsc_slot *slots;
	u64 full_since;
	u64 ring_wait[STORVSC_BUCKETS];
	u64 host[STORVSC_BUCKETS] ____cacheline_aligned_in_smp;
	u64 completion[STORVSC_BUCKETS];
} ____cacheline_aligned_in_smp;

/**
 * struct storvsc_link - one channel
 * @host: whose
 * @channel: the primary one, or a sub-channel we hold a reference on, or NULL. Changes under
 *	host->recovery, while the link is not up
 * @index: 0: the primary channel; else the sub-channel index; also the queue it belongs to
 * @cpu: whose commands it is for, and whose interrupts it takes
 * @up: commands may go here. Under host->route_lock
 * @opened: the channel needs closing. Under host->recovery
 * @flags: LINK_*
 * @polled: no interrupts for answers; constant while the channel is open
 * @sent: commands put into the ring. Written by who holds the ring's producer lock
 * @answered: commands taken from it. Written by the reader
 * @reaped: those of a polled link that nobody had polled for. Written by @reap
 * @poll_lock: held by the reader of a polled link; readers only try it
 * @reap: takes answers of a polled link nobody polls for
 * @rounds: odd while somebody takes answers from the ring; see storvsc_links_sync()
 * @bell: when the host is told of them
 * @drain: goes on reading where the interrupt had enough
 * @restart: the ring has room again
 * @drop: closes a sub-channel that is rescinded or broken
 */
struct storvsc_link {
	struct storvsc_host *host;
	struct vmbus_channel *channel;
	unsigned int index;
	unsigned int cpu;
	bool up;
	bool opened;
	bool polled;
	unsigned long flags;
#define LINK_STOPPED 0 /* the channel is about to be closed: start no round */
#define LINK_BROKEN 1 /* the host broke the protocol of this opening of the channel */
#define LINK_GONE 2 /* the channel was rescinded */
	unsigned int rounds;
	u32 answered;
	u32 reaped;
	spinlock_t poll_lock;
	struct delayed_work reap;
	u32 sent ____cacheline_aligned_in_smp;
	struct hvis_bell *bell;
	struct work_struct drain;
	struct work_struct restart;
	struct work_struct drop;
} ____cacheline_aligned_in_smp;

#define STORVSC_LINK_ANY 0xFFFF

#define STORVSC_QUEUES 64u /* so many with answers by interrupt at most */

/* queue.c */
int storvsc_links_create(struct storvsc_host *host);
void storvsc_queues_plan(struct storvsc_host *host, u32 channels);
int storvsc_queues_create(struct storvsc_host *host);
void storvsc_queues_destroy(struct storvsc_host *host);
void storvsc_map_queues(struct Scsi_Host *shost);
struct storvsc_slot *storvsc_slot_of(struct storvsc_host *host, struct scsi_cmnd *cmd);

/* link.c */
void storvsc_links_route(struct storvsc_host *host);
struct storvsc_link *storvsc_link_leave(struct storvsc_link *link);
int storvsc_link_open(struct storvsc_link *link);
void storvsc_link_close(struct storvsc_link *link);
u32 storvsc_links_get(struct storvsc_host *host);
u32 storvsc_links_open(struct storvsc_host *host);
void storvsc_links_close(struct storvsc_host *host);
void storvsc_link_kick(struct storvsc_link *link);
void storvsc_link_ring(void *context);
void storvsc_link_drop_work(struct work_struct *work);

/* slot.c */
u64 storvsc_slot_prepare(struct storvsc_slot *slot, struct scsi_cmnd *cmd, u32 queue, u32 link);
void storvsc_slot_lend(struct storvsc_slot *slot, u64 id);
struct scsi_cmnd *storvsc_slot_claim(struct storvsc_slot *slot, u64 id);
bool storvsc_slot_is_free(const struct storvsc_slot *slot);
bool storvsc_slots_outstanding(struct storvsc_host *host, u32 link, u32 address);
void storvsc_command_end(struct scsi_cmnd *cmd, u32 result, u32 moved);
void storvsc_slots_fail(struct storvsc_host *host, u32 link, int host_byte);

/* request.c */
int storvsc_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *cmd);
void storvsc_commit_rqs(struct Scsi_Host *shost, u16 hwq);
void storvsc_send_room(struct vmbus_channel *channel, void *context);
void storvsc_restart_work(struct work_struct *work);

/* completion.c */
enum hvis_event_result storvsc_event(struct vmbus_channel *channel, void *context);
void storvsc_drain_work(struct work_struct *work);
int storvsc_read_round(struct storvsc_link *link);
bool storvsc_links_sync(struct storvsc_host *host);

/* latency.c */
DECLARE_STATIC_KEY_FALSE(storvsc_latency_on);
void storvsc_latency_full(struct storvsc_queue *queue, u64 began);
u64 storvsc_latency_sent(struct storvsc_queue *queue, u64 began);
void storvsc_latency_answered(struct storvsc_queue *queue, u64 sent, u64 read);

/* Now, for latency.c; 0 while that is off. */
static inline u64 storvsc_clock(void)
{
	return static_branch_unlikely(&storvsc_latency_on) ? local_clock() : 0;
}

/* poll.c */
void storvsc_poll_init(struct storvsc_link *link);
int storvsc_mq_poll(struct Scsi_Host *shost, unsigned int hwq);
void storvsc_poll_arm(struct storvsc_link *link);
void storvsc_poll_forgo(struct request *request);
void storvsc_poll_stop(struct storvsc_link *link);

#endif
