/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One channel: its offer, its state, its rings. What drivers may call is vmbus.h; this is for the layers of the bus.
 * Two lifetimes meet here and have nothing to do with each other: the host's offer (@rescinded, sticky) and our
 * open and close (@state). Ring memory belongs to @memory alone and goes only when the host is known to be done
 * with it; otherwise it is leaked on purpose.
 */
#ifndef HVIS_VMBUS_CHANNEL_H
#define HVIS_VMBUS_CHANNEL_H

#include <linux/cache.h>
#include <linux/smp.h>
#include <linux/timer.h>

#include "internal.h"

/*
 * CLOSED -> OPENING -> OPEN -> CLOSING -> CLOSED. From OPENING also to CLOSED (refused), and from OPENING and
 * CLOSING to LOST: the host did not answer and may still use the pages. LOST is the end of the channel.
 */
enum channel_state {
	CHANNEL_CLOSED,
	CHANNEL_OPENING,
	CHANNEL_OPEN,
	CHANNEL_CLOSING,
	CHANNEL_LOST,
};

/**
 * struct shared_pages - single pages and the GPADL that shows them to the host
 * @pages: in the order that the host sees
 * @count: of @pages
 * @gpadl: handle; 0: the host knows nothing of these pages
 */
struct shared_pages {
	struct page **pages;
	u32 count;
	u32 gpadl;
};

int shared_pages_create(struct shared_pages *shared, u32 count, int node);
void shared_pages_destroy(struct shared_pages *shared);
void shared_pages_leak(struct shared_pages *shared, u32 relid, const char *what, const char *why);
int shared_pages_share(struct shared_pages *shared, u32 relid, const bool *gone);
int shared_pages_unshare(struct shared_pages *shared, u32 relid, const bool *gone);

/**
 * struct ring_memory - the pages of both rings
 * @shared: guest-to-host header, its data, host-to-guest header, its data
 * @send_pages: how many of them are the guest-to-host ring
 * @send: that ring, data mapped twice in a row
 * @recv: the other one, likewise
 */
struct ring_memory {
	struct shared_pages shared;
	u32 send_pages;
	void *send;
	void *recv;
};

int ring_memory_create(struct ring_memory *memory, u32 send_bytes, u32 recv_bytes, int node);
void ring_memory_destroy(struct ring_memory *memory);
void ring_memory_leak(struct ring_memory *memory, u32 relid, const char *why);

/**
 * struct vmbus_channel - one channel
 * @ref: held by the list of offers, the device, each sub-channel, and drivers that got it
 * @link: in offers.channels
 * @users: the offer, and a driver that got this sub-channel; the relid is released after the last; offers.lock
 * @take_turns: of a primary: work that lets it and its sub-channels arrive and leave, in order
 * @turns: of a primary: the channels that have something to do; offers.lock
 * @turn: in @turns of the primary
 * @waits: an older channel of the same instance has to go before it arrives; offers.lock
 * @leaves: its next turn is its last; offers.lock
 * @device: NULL until there is one; a sub-channel has none; @lock
 * @dir: its directory in sysfs, or NULL
 * @dirs: where the directories of a primary and its sub-channels are, or NULL
 * @primary: of a sub-channel; otherwise NULL
 * @index: of a sub-channel, from 1; otherwise 0
 * @type: interface type of the offer
 * @instance: instance of the offer
 * @relid: its number
 * @connection_id: doorbell
 * @monitor_id: number in the monitor pages, if @monitored: the host would like deferred doorbells, which we do not use
 * @dedicated: the doorbell is its own; otherwise its bit in the interrupt page is set first
 * @lock: guards changes of @state, @device and @rescinded, and calls of config.rescinded(); never held while waiting
 * @state: written under @lock and @out_lock, so either is enough to rely on it
 * @rescinded: the host took the offer back
 * @broken: the ring rule that the host broke, or NULL; sticky until closed
 * @config: of the driver that opened it
 * @cpu_lock: held by open, close and moves, also while they wait for the host; not by calls of config.reopen().
 *	Outside of @lock
 * @cpu: gets its interrupts; taken while not CLOSED. Changed under @cpu_lock, on the old CPU
 * @home: where it belongs when that is online, or HVIS_CPU_ANY; @cpu_lock
 * @unsure: the host did not answer a MODIFYCHANNEL, and may still do so; @cpu_lock
 * @watch: looks at the ring now and then until @watch_until (jiffies), after a move without an answer
 * @watch_until: written under @cpu_lock
 * @memory: pages
 * @out_lock: guards @out and @want_room
 * @out: guest-to-host ring
 * @want_room: bytes that send_room() is owed for; 0: none
 * @signals: doorbells for what was sent
 * @full_first: found @out full, the first time since there was room; @full_total: found it full
 * @in: host-to-guest ring; serialised by who reads. From here on written by the channel's CPU or its poller
 * @room_signals: doorbells for room made in @in
 * @interrupts: event flags taken; two CPUs may count at once while it moves, and lose one
 * @in_copy: its packet buffer
 * @polling: the driver's poller has @in, from the call of event() that answered POLLING to hvis_channel_resume()
 * @again: runs the event path once more from a fresh interrupt
 * @hand_over: runs it on the channel's CPU
 * @handed_on: that has happened since it was opened
 */
struct vmbus_channel {
	struct kref ref;
	struct list_head link;
	unsigned int users;
	struct work_struct take_turns;
	struct list_head turns;
	struct list_head turn;
	bool waits;
	bool leaves;
	struct vmbus_device *device;
	struct kobject *dir;
	struct kset *dirs;
	struct vmbus_channel *primary;
	u16 index;
	guid_t type;
	guid_t instance;
	u32 relid;
	u32 connection_id;
	u8 monitor_id;
	bool monitored;
	bool dedicated;

	struct mutex lock;
	enum channel_state state;
	bool rescinded;
	const char *broken;
	struct hvis_channel_config config;
	struct mutex cpu_lock;
	unsigned int cpu;
	unsigned int home;
	bool unsure;
	struct timer_list watch;
	unsigned long watch_until;
	struct ring_memory memory;

	spinlock_t out_lock;
	struct ring_out out;
	u32 want_room;
	u64 signals;
	u64 full_first;
	u64 full_total;

	/* Senders on other CPUs do not disturb the reader. */
	struct ring_in in ____cacheline_aligned_in_smp;
	u64 room_signals;
	u64 interrupts;
	void *in_copy;
	bool polling;
	struct irq_work again;
	call_single_data_t hand_over;
	bool handed_on;
};

/* channel.c */
struct vmbus_channel *channel_create(const struct chanmsg_offer *offer, struct vmbus_channel *primary);
void channel_put(struct vmbus_channel *channel);
struct vmbus_device *channel_device_get(struct vmbus_channel *channel);
void channel_device_set(struct vmbus_channel *channel, struct vmbus_device *device);
bool channel_rescind(struct vmbus_channel *channel);
void channel_abandon(struct vmbus_channel *channel);

/**
 * struct ring_figures - one ring as its header shows it now
 * @mask: its reader wants no signals
 * @readable: bytes between the indices, @writable: the others
 */
struct ring_figures {
	u32 mask;
	u32 read;
	u32 write;
	u32 readable;
	u32 writable;
};

/* channel_figures.c */
int channel_ring_figures(struct vmbus_channel *channel, struct ring_figures *out, struct ring_figures *in);
ssize_t channel_ring_read(struct vmbus_channel *channel, char *buffer, loff_t offset, size_t bytes);
bool channel_monitor_pending(const struct vmbus_channel *channel);
unsigned int channel_monitor_latency(const struct vmbus_channel *channel);

/* channel_io.c */
void channel_io_init(struct vmbus_channel *channel);
void channel_io_start(struct vmbus_channel *channel);
void channel_io_stop(struct vmbus_channel *channel);
void channel_event(u32 relid);
void channel_look(struct vmbus_channel *channel);
void channel_look_from_task(struct vmbus_channel *channel);

/* channel_move.c */
void channel_move_init(struct vmbus_channel *channel);
void channel_move_stop(struct vmbus_channel *channel);
int channel_set_cpu(struct vmbus_channel *channel, unsigned int cpu);
int channel_leave_cpu(struct vmbus_channel *channel, unsigned int cpu);
int channel_come_home(struct vmbus_channel *channel, unsigned int cpu);

#endif
