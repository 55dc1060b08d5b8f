/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of hvis_balloon share: one device. Pure logic has headers of its own: message.h, answer.h, ledger.h, floor.h.
 *
 * One thread (server.c) reads what the host says and does it, one message after the other, so requests that overlap queue up in the ring in
 * the order in which they came. Two more come from outside: status work (status.c), and whoever ran out of memory (pressure.c).
 * Invariant: a page leaves the ledger under balloon.lock, and only who took it out frees it.
 */
#ifndef HVIS_BALLOON_INTERNAL_H
#define HVIS_BALLOON_INTERNAL_H

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "answer.h"
#include "counters.h"
#include "floor.h"
#include "ledger.h"
#include "memory_block.h"
#include "message.h"
#include "refusal.h"
#include "vmbus.h"
#include "wire/dm.h"
#include "wire/packet.h"

#define BALLOON_RING_BYTES 16384
#define BALLOON_PACKET_MAX 8192

/* Bounds, in ms. */
#define BALLOON_SEND_MS 10000 /* room in the ring for an answer */
#define BALLOON_TELL_MS 1000 /* until the host hears of what was taken for it so far */
#define BALLOON_SETTLE_MS 1000 /* from when the host has read an answer until it is held to have acted on it */
#define BALLOON_FROZEN_MS 30000 /* a memory block on its way offline */
#define BALLOON_PRESSURE_MS 100 /* between two reports, however much happens */
#define BALLOON_REMOVE_MS 10000 /* a request to remove memory */
#define BALLOON_REMOVE_BLOCK_MS 4000 /* one block of it */
#define BALLOON_ONLINE_MS 5000 /* a memory block to go online, or offline again */

#define BALLOON_STEP_PAGES 4096u /* freed at a time; a multiple of the largest block */
#define BALLOON_TELL_PAGES (2048u * 256) /* told as soon as there are so many: 2 GiB */
#define BALLOON_SURRENDER_PAGES (32u * 256) /* given up each time the guest runs out of memory: 32 MiB */

/**
 * enum balloon_state - what the device does; changed by balloon_enter() alone
 * @BALLOON_NEGOTIATING: the host is asked for a version and told capabilities: it may not request anything
 * @BALLOON_READY: it may
 * @BALLOON_INFLATING: pages are being allocated for it
 * @BALLOON_DEFLATING: pages that it gave back are being freed
 * @BALLOON_ADDING: memory is being added
 * @BALLOON_REMOVING: memory is being removed
 * @BALLOON_GONE: there is no host any more, or the device is being removed; the end
 */
enum balloon_state {
	BALLOON_NEGOTIATING,
	BALLOON_READY,
	BALLOON_INFLATING,
	BALLOON_DEFLATING,
	BALLOON_ADDING,
	BALLOON_REMOVING,
	BALLOON_GONE,
	BALLOON_STATES,
};

/**
 * struct balloon_ask - the one question of the negotiation that waits for its answer (connect.c)
 * @lock: guards the rest
 * @xact: who waits, or NULL
 * @type: DM_* of the answer
 */
struct balloon_ask {
	spinlock_t lock;
	struct hvis_xact *xact;
	u16 type;
};

/**
 * struct balloon - one device
 * @device: the bus's side
 * @state: what it does; written under state_lock
 * @state_lock: innermost
 * @version: of the protocol
 * @host_flags: DM_CAPS_* that the host answered
 * @trans_id: of our last message
 * @ask: the negotiation
 * @server: the thread that serves the host's requests
 * @wait: it waits here; so does who waits for room in the ring, or for a memory block to come out of @ledger.frozen
 * @called: the host signalled
 * @room: the host made room
 * @limit: ends what the server does for too long, by a signal
 * @lock: guards @ledger, and the blocks whose pages are in it; taken in process context only
 * @ledger: what the host has
 * @told_at: when the last answer that named pages was sent, in jiffies
 * @tell_due: when the host is to hear of what was taken so far, in jiffies; the server's
 * @hurry: the guest is out of memory: who inflates stops
 * @gather_pfn: pageblocks from here down were not looked at by the last gathering
 * @answer: being made; the server's
 * @added: pages in memory blocks that we added; the server's
 * @added_blocks: the blocks, oldest first; struct balloon_added
 * @page_count_max: of an INFO: pages that the guest may have at most; 0: the host did not say
 * @report: sends a STATUS_REPORT
 * @reported_at: when the last one was sent, in jiffies
 * @early: a report is due because of pressure; bit 0
 * @oom: called when there is no memory
 * @hotplug: called when a memory block goes online or offline
 * @folder: in debugfs
 * @counters: see there
 * @refused: by reason
 */
struct balloon {
	struct vmbus_device *device;
	enum balloon_state state;
	spinlock_t state_lock;
	u32 version;
	u64 host_flags;
	atomic_t trans_id;
	struct balloon_ask ask;

	struct task_struct *server;
	wait_queue_head_t wait;
	bool called;
	bool room;
	struct timer_list limit;

	spinlock_t lock;
	struct ledger ledger;
	unsigned long told_at;
	unsigned long tell_due;
	bool hurry;
	u64 gather_pfn;
	struct balloon_answer answer;

	struct page_set added;
	struct list_head added_blocks;
	u64 page_count_max;

	struct delayed_work report;
	unsigned long reported_at;
	unsigned long early;
	struct notifier_block oom;
	struct notifier_block hotplug;
	struct dentry *folder;
	struct balloon_counters counters;
	atomic_t refused[REFUSALS];
};

/* main.c */
extern bool balloon_balloon;
extern bool balloon_hot_add;
extern bool balloon_movable;
extern unsigned int balloon_floor_mb;
extern unsigned int balloon_status_ms;
extern unsigned int balloon_connect_ms;
extern struct dentry *balloon_debugfs;
extern struct workqueue_struct *balloon_wq;

/* device.c */
int balloon_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id);
void balloon_remove(struct vmbus_device *device);
bool balloon_enter(struct balloon *balloon, enum balloon_state from, enum balloon_state to);
const char *balloon_state_name(enum balloon_state state);
void balloon_end(struct balloon *balloon);

static inline bool balloon_is_gone(const struct balloon *balloon)
{
	return READ_ONCE(balloon->state) == BALLOON_GONE;
}

/* connect.c */
int balloon_connect(struct balloon *balloon);
void balloon_connect_answer(struct balloon *balloon, const struct balloon_message *message);
void balloon_connect_fail(struct balloon *balloon, int error);

/* server.c */
int balloon_server_start(struct balloon *balloon);
void balloon_server_stop(struct balloon *balloon);
int balloon_channel_open(struct balloon *balloon);
int balloon_send(struct balloon *balloon, const void *message, u32 bytes);

/* block.c */
u64 balloon_block_take(struct balloon *balloon, unsigned int order, gfp_t flags);
u64 balloon_block_adopt(struct balloon *balloon, u64 pfn, unsigned int order);
void balloon_block_cut(struct balloon *balloon, u64 pfn);
void balloon_block_free(struct balloon_run run);
u64 balloon_block_hold(struct balloon *balloon, struct balloon_run run, bool hold);

/* gather.c */
u64 balloon_gather(struct balloon *balloon, u64 pages);

/* inflate.c */
void balloon_inflate(struct balloon *balloon, u32 pages);
bool balloon_tell_due(struct balloon *balloon);

/* deflate.c */
void balloon_deflate(struct balloon *balloon, const struct balloon_message *message);
u64 balloon_surrender(struct balloon *balloon, u64 pages);
void balloon_release(struct balloon *balloon, enum ledger_state state, struct balloon_run run);
void balloon_release_all(struct balloon *balloon);

/* hot_add.c */
void balloon_hot_add_pages(struct balloon *balloon, const struct balloon_message *message);
void balloon_added_forget(struct balloon *balloon);

/* hot_remove.c */
void balloon_hot_remove(struct balloon *balloon, const struct balloon_message *message);

/* hotplug_news.c */
int balloon_hotplug_start(struct balloon *balloon);
void balloon_hotplug_stop(struct balloon *balloon);
int balloon_thaw_wait(struct balloon *balloon);

/* status.c */
void balloon_status_work(struct work_struct *work);
void balloon_status_stop(struct balloon *balloon);
void balloon_status_soon(struct balloon *balloon);
u64 balloon_total(const struct balloon *balloon);
u64 balloon_fixed_floor(void);

/* pressure.c */
int balloon_pressure_start(struct balloon *balloon);
void balloon_pressure_stop(struct balloon *balloon);

/* debugfs.c */
void balloon_debugfs_start(struct balloon *balloon);
void balloon_debugfs_stop(struct balloon *balloon);

#endif
