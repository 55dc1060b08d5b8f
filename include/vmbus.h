/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the bus (hvis_vmbus.ko) offers to its drivers, and all that they may call. struct vmbus_channel is
 * opaque here; its inside is vmbus/internal.h. Wire bytes are in include/wire/.
 *
 * Life of a channel as a driver sees it: probe() gets a closed channel -> hvis_channel_open() -> packets
 * both ways -> hvis_channel_close(), which every remove() must call, also after a rescind.
 * A host that breaks the ring protocol makes the channel broken for good: every call then fails with -EIO
 * until it is closed.
 */
#ifndef HVIS_VMBUS_H
#define HVIS_VMBUS_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/limits.h>
#include <linux/mod_devicetable.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct vmbus_channel;

/* In hvis_channel_config.cpu: the bus takes the online CPU that has the fewest channels. */
#define HVIS_CPU_ANY UINT_MAX

/**
 * struct vmbus_device - one offer of the host, a device on the bus "vmbus"
 * @dev: the device; dev_set_drvdata() is the driver's
 * @type: which protocol it speaks (the offer's interface type)
 * @instance: which of its kind it is, the same over re-offers
 * @channel: its primary channel, valid from probe() to the end of remove()
 */
struct vmbus_device {
	struct device dev;
	guid_t type;
	guid_t instance;
	struct vmbus_channel *channel;
};

#define to_vmbus_device(d) container_of(d, struct vmbus_device, dev)

/**
 * struct vmbus_driver - a driver of one or more interface types
 * @name: shown in sysfs
 * @id_table: interface types, ended by an all-zero entry
 * @probe: may sleep; the channel is closed; returns 0 or a negative errno
 * @remove: may sleep; must close the channel; also called after a rescind
 * @shutdown: may sleep; quiesce for power-off or kexec; may be NULL
 * @driver: the bus fills it in
 */
struct vmbus_driver {
	const char *name;
	const struct hv_vmbus_device_id *id_table;
	int (*probe)(struct vmbus_device *device, const struct hv_vmbus_device_id *id);
	void (*remove)(struct vmbus_device *device);
	void (*shutdown)(struct vmbus_device *device);
	struct device_driver driver;
};

int hvis_driver_register(struct vmbus_driver *driver, struct module *owner);
void hvis_driver_unregister(struct vmbus_driver *driver);

/**
 * enum hvis_event_result - what an event callback did
 * @HVIS_EVENT_DRAINED: it read until hvis_channel_recv() returned 0; the bus unmasks and looks once more
 * @HVIS_EVENT_POLLING: it, or a poller it woke, goes on reading later; event() is not called and interrupts of
 *	this ring stay masked until the poller calls hvis_channel_resume()
 */
enum hvis_event_result {
	HVIS_EVENT_DRAINED,
	HVIS_EVENT_POLLING,
};

/**
 * struct hvis_channel_config - how to open a channel
 * @send_bytes: data bytes of the guest-to-host ring, without its header page; rounded up to whole pages
 * @recv_bytes: the same for the host-to-guest ring
 * @packet_max: largest inbound packet in bytes, descriptor included; a larger one breaks the channel
 * @cpu: which CPU to interrupt, or HVIS_CPU_ANY. While it is offline another one is interrupted; when it comes
 *	online the channel moves there
 * @polled: the host-to-guest ring is masked for its whole life and event() is never called: the driver calls
 *	hvis_channel_recv() when it likes, and serialises its calls. Interrupts for room in the other ring still come
 * @event: the host signalled; hard interrupt context on the channel's CPU, never concurrently with itself, also while
 *	the channel moves to another CPU. May be NULL if @polled
 * @rescinded: the host took the channel away; process context, before remove(); no packet will be answered
 *	any more: fail what waits for the host so that remove() need not. May be NULL
 * @send_room: the host made room in a ring that had been full; hard interrupt context. May be NULL
 * @reopen: the channel's CPU goes offline and no message moves an open channel (VMBus before 4.1): close it and open
 *	it again before returning, and the bus takes another CPU. Process context, the thread of CPU hotplug with its
 *	lock held (so nothing that takes cpus_read_lock()), bounded; not concurrently with probe() and remove() of the
 *	device. NULL: the CPU stays online
 * @context: passed to the four
 * @user_data: up to 120 bytes passed to the host in OPEN, or NULL
 * @user_data_len: its length
 */
struct hvis_channel_config {
	u32 send_bytes;
	u32 recv_bytes;
	u32 packet_max;
	unsigned int cpu;
	bool polled;
	enum hvis_event_result (*event)(struct vmbus_channel *channel, void *context);
	void (*rescinded)(struct vmbus_channel *channel, void *context);
	void (*send_room)(struct vmbus_channel *channel, void *context);
	void (*reopen)(struct vmbus_channel *channel, void *context);
	void *context;
	const void *user_data;
	u32 user_data_len;
};

int hvis_channel_open(struct vmbus_channel *channel, const struct hvis_channel_config *config);
void hvis_channel_close(struct vmbus_channel *channel);
bool hvis_channel_rescinded(const struct vmbus_channel *channel);
u32 hvis_channel_version(const struct vmbus_channel *channel);
unsigned int hvis_channel_cpu(const struct vmbus_channel *channel);

/*
 * Sub-channels: more channels of the same device, offered by the host at the wish of the driver's own protocol. get()
 * waits for the offer and returns a closed channel; after close, put() gives it back. A host may rescind one at any
 * time (config.rescinded(), as for the primary) and offer its index again: put the old one, get the new one.
 */
struct vmbus_channel *hvis_sub_channel_get(struct vmbus_device *device, unsigned int index, unsigned int timeout_ms);
void hvis_sub_channel_put(struct vmbus_channel *channel);

/*
 * Sending. A packet is built in place, in ring memory that is mapped twice in a row, so it never wraps:
 *
 *	packet = hvis_channel_reserve(channel, bytes, &irq_flags);
 *	if (IS_ERR(packet))		-EAGAIN: no room now, send_room() will be called; -EIO, -ENODEV: for good
 *		return PTR_ERR(packet);
 *	... write descriptor, ranges, payload: bytes in all; write only, the host sees this memory ...
 *	hvis_channel_commit(channel, irq_flags);
 *	...
 *	hvis_channel_kick(channel);	once per batch: signals the host if it may be asleep
 *
 * Between reserve and commit the ring's producer lock is held and interrupts are off.
 */
void *hvis_channel_reserve(struct vmbus_channel *channel, u32 bytes, unsigned long *irq_flags);
void hvis_channel_commit(struct vmbus_channel *channel, unsigned long irq_flags);
void hvis_channel_kick(struct vmbus_channel *channel);
bool hvis_channel_all_read(struct vmbus_channel *channel);
int hvis_channel_send_inband(struct vmbus_channel *channel, const void *payload, u32 bytes, u64 transaction_id,
			     u16 flags);

/**
 * struct hvis_packet - an inbound packet, already copied out of the ring
 * @type: PACKET_* of wire/packet.h
 * @flags: PACKET_FLAG_*
 * @transaction_id: as sent by the host
 * @payload: private copy, valid until the next hvis_channel_recv() on this channel
 * @payload_bytes: a multiple of 8, checked against the ring
 * @ranges: what lies between descriptor and payload (transfer pages), private copy
 * @ranges_bytes: its length
 */
struct hvis_packet {
	u16 type;
	u16 flags;
	u64 transaction_id;
	const void *payload;
	u32 payload_bytes;
	const void *ranges;
	u32 ranges_bytes;
};

int hvis_channel_recv(struct vmbus_channel *channel, struct hvis_packet *packet);
bool hvis_channel_ready(struct vmbus_channel *channel);
void hvis_channel_resume(struct vmbus_channel *channel);
void hvis_channel_look(struct vmbus_channel *channel);

/*
 * Doorbells that may wait for more packets: instead of hvis_channel_kick() ask hvis_bell_holds(), hvis_bell_waits() or hvis_bell_later(), and
 * kick if it says no; else ring() is called when the task that sends sleeps, or a little later; after hvis_bell_later(), some milliseconds.
 */
struct hvis_bell;

struct hvis_bell *hvis_bell_create(unsigned int cpu, unsigned int late_ticks, unsigned int held_max, void (*ring)(void *context),
				   void *context);
bool hvis_bell_holds(struct hvis_bell *bell, bool more, bool alone);
bool hvis_bell_waits(struct hvis_bell *bell);
bool hvis_bell_later(struct hvis_bell *bell);
void hvis_bell_stop(struct hvis_bell *bell);
void hvis_bell_destroy(struct hvis_bell *bell);

/*
 * Memory of a driver that the host may use, beside the rings: create, share (the driver's own protocol then tells the
 * host the handle), close the channel, unshare, destroy. What the host does not give back is leaked.
 */
#define HVIS_MEMORY_MAX (31u << 20)

struct hvis_memory;

struct hvis_memory *hvis_memory_create(u32 bytes, int node);
void hvis_memory_destroy(struct hvis_memory *memory);
int hvis_memory_share(struct hvis_memory *memory, struct vmbus_channel *channel, u32 *gpadl);
bool hvis_memory_unshare(struct hvis_memory *memory);
void *hvis_memory_address(const struct hvis_memory *memory);
u32 hvis_memory_bytes(const struct hvis_memory *memory);

/* Hypercalls of other modules; who may call when is said in vmbus/hypercall.c. The status where there is nothing to call: */
#define HVIS_HYPERCALLS_OFF 0xFFFF
u64 hvis_hypercall(u64 control, u64 input, u64 second);

/*
 * One request that waits for one answer: init, send it, wait. Whoever brings the answer calls
 * hvis_xact_complete(); the first one wins, a late or second one is told so by false. The waiter's stack
 * may hold the xact: after hvis_xact_wait() returned, complete() no longer touches it as long as the
 * completer looked it up under the lock that the waiter takes to forget it.
 */
struct hvis_xact {
	struct completion done;
	int error;
	void *reply;
	u32 reply_room;
	u32 reply_bytes;
	bool answered;
	spinlock_t lock;
};

void hvis_xact_init(struct hvis_xact *xact, void *reply, u32 reply_room);
bool hvis_xact_complete(struct hvis_xact *xact, const void *reply, u32 bytes);
void hvis_xact_fail(struct hvis_xact *xact, int error);
int hvis_xact_wait(struct hvis_xact *xact, unsigned int timeout_ms, const char *what);

#endif
