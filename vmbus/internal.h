/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of hvis_vmbus.ko: the one bus, its layers and what they call of each other. Drivers never include this.
 * Calls go down only: main -> device -> offer -> channel -> {chanmsg, ring_memory, pages, gpadl, ring} -> {synic, hypercall}.
 * News goes up through the callback tables that main.c hands to each layer's init.
 * Invariant: hvis_bus is the only mutable global of this module.
 */
#ifndef HVIS_VMBUS_INTERNAL_H
#define HVIS_VMBUS_INTERNAL_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "ring.h"
#include "synic.h"
#include "vmbus.h"
#include "wire/chanmsg.h"
#include "wire/hypercall.h"
#include "wire/tlfs.h"

/* How long a host may take to answer one control message; module parameter timeout_ms. */
#define VMBUS_TIMEOUT_MS 10000
/* UNLOAD makes the host write back what its disks still cache, so it may take this many times as long. */
#define VMBUS_UNLOAD_PATIENCE 10

/* hypercall.c */
/**
 * struct hypercall - the way into the hypervisor
 * @kernel_page: the kernel's own variable that points to its hypercall page; NULL: the page in our .text is used
 * @inputs: one HvPostMessage input block per possible CPU
 * @live: hypercalls may be made
 */
struct hypercall {
	void **kernel_page;
	struct tlfs_post_message *inputs;
	bool live;
};

int hypercall_init(void);
void hypercall_stop(void);
void hypercall_disable(void);
void hypercall_exit(void);
u16 hypercall_post_message(u32 connection_id, const void *payload, u32 bytes);
u16 hypercall_signal_event(u32 connection_id);

/* chanmsg.c */

/**
 * struct chanmsg_rule - the gate for one type of message from the host
 * @bytes_min: shorter ones are dropped; 0: the host never sends this type
 * @key_at: offset of the u32 that tells to which request it is the answer; 0: there is only one
 * @handle: process context, may sleep but not wait for the host; NULL: it is an answer to a struct chanmsg_call
 */
struct chanmsg_rule {
	u32 bytes_min;
	u32 key_at;
	void (*handle)(const void *message);
};

/**
 * struct chanmsg_call - a request of ours that is answered by a message
 * @link: in the list of calls that wait
 * @answer: message type that answers it
 * @key: what the answer has at key_at of its rule
 * @gone: becomes true, before chanmsg_fail_calls(), if there will be no answer; NULL: never
 * @xact: the answer
 */
struct chanmsg_call {
	struct list_head link;
	u32 answer;
	u32 key;
	const bool *gone;
	struct hvis_xact xact;
};

/**
 * struct chanmsg - messages on their way
 * @lock: guards @calls and the queue
 * @calls: requests that wait for an answer
 * @queue: from the interrupt to the worker, a circle of CHANMSG_QUEUE
 * @head: entries put in since load; @tail: taken out
 * @work: takes them out, one at a time in order; does not wait for the host
 * @wq: runs it
 * @rules: indexed by message type, CHANMSG_TYPE_COUNT long
 * @connection_id: where the host listens
 * @timeout_ms: how long it may take to answer
 */
struct chanmsg {
	spinlock_t lock;
	struct list_head calls;
	struct chanmsg_entry *queue;
	unsigned int head;
	unsigned int tail;
	struct work_struct work;
	struct workqueue_struct *wq;
	const struct chanmsg_rule *rules;
	u32 connection_id;
	unsigned int timeout_ms;
};

int chanmsg_init(const struct chanmsg_rule *rules, unsigned int timeout_ms);
void chanmsg_exit(void);
bool chanmsg_receive(const struct tlfs_message *message);
int chanmsg_post(const void *message, u32 bytes);
int chanmsg_post_to(u32 connection_id, const void *message, u32 bytes);
void chanmsg_call_begin(struct chanmsg_call *call, void *reply, u32 room);
int chanmsg_call_wait(struct chanmsg_call *call, unsigned int timeout_ms, const char *what);
void chanmsg_call_end(struct chanmsg_call *call);
int chanmsg_ask(struct chanmsg_call *call, const void *message, u32 bytes, const char *what);
void chanmsg_fail_calls(const bool *gone);

/* connect.c */

/* IDLE -> CONTACT -> CONNECTED -> LEFT, or back to IDLE if refused. LEFT (UNLOAD sent, or a crash) is for good. */
enum connection_state {
	CONNECTION_IDLE,
	CONNECTION_CONTACT,
	CONNECTION_CONNECTED,
	CONNECTION_LEFT,
};

/**
 * struct connection - what was agreed with the host
 * @state: enum connection_state
 * @version: VMBUS_VERSION()
 * @cpu: where the host's messages arrive; pinned
 * @interrupt_page: doorbell bits of channels that have no connection id of their own; guest-to-host is its second half
 * @monitor_pages: given to the host because the protocol wants them; not used
 */
struct connection {
	atomic_t state;
	u32 version;
	unsigned int cpu;
	void *interrupt_page;
	void *monitor_pages[2];
};

int connect_parse_version(const char *text, u32 *version);
int connect_start(u32 version_max);
int connect_request_offers(void);
void connect_stop(void);
void connect_shutdown(void);
void connect_crash(void);
bool connect_is_up(void);

/* offer.c */

/**
 * struct offer_callbacks - channels come and go; process context, those of one instance one at a time, may wait for the
 * host
 * @arrived: a new channel
 * @left: it was rescinded, or the bus goes down; nothing may use the channel after it returns
 */
struct offer_callbacks {
	void (*arrived)(struct vmbus_channel *channel);
	void (*left)(struct vmbus_channel *channel);
};

/**
 * struct offers - the channels that the host offers
 * @lock: guards @channels and their users; not held while anything waits for the host
 * @channels: all that hold a relid; a sub-channel comes after its primary
 * @count: primary channels offered since load
 * @sub_count: sub-channels offered since load
 * @changed: woken when @sub_count grows or a primary is rescinded
 * @strays: relids rescinded though no channel has them; @release: gives them back
 * @wq: runs the callbacks and @release
 */
struct offers {
	struct mutex lock;
	struct list_head channels;
	unsigned int count;
	unsigned int sub_count;
	wait_queue_head_t changed;
	DECLARE_BITMAP(strays, TLFS_EVENT_FLAGS);
	struct work_struct release;
	struct workqueue_struct *wq;
	const struct offer_callbacks *callbacks;
};

int offer_init(const struct offer_callbacks *callbacks);
void offer_settle(void);
void offer_exit(void);
void offer_handle(const void *message);
void offer_handle_rescind(const void *message);
ssize_t offer_show_cpus(const struct vmbus_channel *primary, char *text);
int offer_cpu_leaves(unsigned int cpu);
void offer_cpu_came(unsigned int cpu);

/* message_rules.c */
extern const struct chanmsg_rule message_rules[CHANMSG_TYPE_COUNT];

/* device.c */
extern const struct offer_callbacks device_offer_callbacks;
int device_init(struct device *parent);
void device_exit(void);

/* crash.c */
int crash_init(void);
void crash_exit(void);

/**
 * struct bus - the one bus
 * @next_id: the last GPADL handle or open id handed out
 * @root: our own place in the device tree
 * @parent: all devices on the bus hang below it
 * @active: channels that want their events, by relid; written by channel_io.c, read by the interrupt
 */
struct bus {
	struct hypercall hypercall;
	struct cpu_irqs cpu_irqs;
	struct synic synic;
	struct chanmsg chanmsg;
	struct connection connection;
	struct offers offers;
	atomic_t next_id;
	struct platform_device *root;
	struct device *parent;
	struct vmbus_channel __rcu *active[TLFS_EVENT_FLAGS];
};

extern struct bus hvis_bus;

#endif
