/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One channel: its offer, its state, its rings. What drivers may call is vmbus.h; this is for the layers of the bus.
 * Two lifetimes meet here and have nothing to do with each other: the host's offer (@rescinded, sticky) and our
 * open and close (@state). Ring memory belongs to @memory alone and goes only when the host is known to be done
 * with it; otherwise it is leaked on purpose.
 */
#ifndef HVIS_VMBUS_CHANNEL_H
#define HVIS_VMBUS_CHANNEL_H

#include <linux/smp.h>

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
 * struct ring_memory - the pages of both rings and the GPADL that shows them to the host
 * @pages: guest-to-host header, its data, host-to-guest header, its data
 * @count: of @pages
 * @send_pages: how many of them are the guest-to-host ring
 * @send: that ring, data mapped twice in a row
 * @recv: the other one, likewise
 * @gpadl: handle; 0: the host knows nothing of these pages
 */
struct ring_memory {
	struct page **pages;
	u32 count;
	u32 send_pages;
	void *send;
	void *recv;
	u32 gpadl;
};

int ring_memory_create(struct ring_memory *memory, u32 send_bytes, u32 recv_bytes, int node);
void ring_memory_destroy(struct ring_memory *memory);
void ring_memory_leak(struct ring_memory *memory, u32 relid, const char *why);
int ring_memory_share(struct ring_memory *memory, u32 relid, const bool *gone);
int ring_memory_unshare(struct ring_memory *memory, u32 relid, const bool *gone);

/**
 * struct vmbus_channel - one channel
 * @ref: held by the list of offers, the device, each sub-channel, and drivers that got it
 * @link: in offers.channels
 * @users: the offer, and a driver that got this sub-channel; the relid is released after the last; offers.lock
 * @arrive: work that makes it a device
 * @leave: work that takes it away after a rescind
 * @device: NULL until there is one; a sub-channel has none
 * @primary: of a sub-channel; otherwise NULL
 * @index: of a sub-channel, from 1; otherwise 0
 * @type: interface type of the offer
 * @instance: instance of the offer
 * @relid: its number
 * @connection_id: doorbell
 * @dedicated: the doorbell is its own; otherwise its bit in the interrupt page is set first
 * @lock: guards changes of @state and @rescinded, and calls of config.rescinded(); never held while waiting
 * @state: written under @lock and @out_lock, so either is enough to rely on it
 * @rescinded: the host took the offer back
 * @broken: the ring rule that the host broke, or NULL; sticky until closed
 * @config: of the driver that opened it
 * @cpu: gets its interrupts; pinned while not CLOSED
 * @memory: pages
 * @out_lock: guards @out and @want_room
 * @out: guest-to-host ring
 * @want_room: bytes that send_room() is owed for; 0: none
 * @in: host-to-guest ring; serialised by who reads
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
	struct work_struct arrive;
	struct work_struct leave;
	struct vmbus_device *device;
	struct vmbus_channel *primary;
	u16 index;
	guid_t type;
	guid_t instance;
	u32 relid;
	u32 connection_id;
	bool dedicated;

	struct mutex lock;
	enum channel_state state;
	bool rescinded;
	const char *broken;
	struct hvis_channel_config config;
	unsigned int cpu;
	struct ring_memory memory;

	spinlock_t out_lock;
	struct ring_out out;
	u32 want_room;

	struct ring_in in;
	void *in_copy;
	bool polling;
	struct irq_work again;
	call_single_data_t hand_over;
	bool handed_on;
};

/* channel.c */
struct vmbus_channel *channel_create(const struct chanmsg_offer *offer, struct vmbus_channel *primary);
void channel_put(struct vmbus_channel *channel);
bool channel_rescind(struct vmbus_channel *channel);
void channel_abandon(struct vmbus_channel *channel);

/* channel_io.c */
void channel_io_init(struct vmbus_channel *channel);
void channel_io_start(struct vmbus_channel *channel);
void channel_io_stop(struct vmbus_channel *channel);
void channel_event(u32 relid);
void channel_look(struct vmbus_channel *channel);

#endif
