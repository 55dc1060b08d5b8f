// SPDX-License-Identifier: GPL-2.0
/*
 * Control messages both ways: posting with bounded retries, the queue from the interrupt to one ordered worker, the
 * gate that checks type and length once, and the calls that wait for an answer. What a message means is said by the
 * rules that main.c passes in.
 * Invariant: the worker never waits for the host, so an answer can always be delivered to whoever does. No message is
 * lost for want of memory: with the queue full it stays in its slot, which stops the host.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

#define RETRY_US_FIRST 500
#define RETRY_US_MAX 100000

#define CHANMSG_QUEUE 64

struct chanmsg_entry {
	u32 bytes;
	u8 data[CHANMSG_SIZE_MAX] __aligned(8);
};

static struct chanmsg *chanmsg(void)
{
	return &hvis_bus.chanmsg;
}

/* Posting. */

/*
 * Hosts have been seen to disown the connection, too, when messages come faster than they like. Only for the very first
 * message does it mean that nobody listens there.
 */
static bool is_worth_retrying(u16 status, const struct chanmsg_header *header)
{
	return status == TLFS_STATUS_INSUFFICIENT_BUFFERS || status == TLFS_STATUS_INSUFFICIENT_MEMORY ||
	       (status == TLFS_STATUS_INVALID_CONNECTION_ID && header->type != CHANMSG_INITIATE_CONTACT);
}

static int status_to_errno(u16 status)
{
	switch (status) {
	case TLFS_STATUS_SUCCESS:
		return 0;
	case TLFS_STATUS_INVALID_PORT_ID:
	case TLFS_STATUS_INVALID_CONNECTION_ID:
		return -ENXIO;
	case TLFS_STATUS_INSUFFICIENT_BUFFERS:
	case TLFS_STATUS_INSUFFICIENT_MEMORY:
		return -ENOBUFS;
	case TLFS_STATUS_ACCESS_DENIED:
		return -EACCES;
	default:
		return -EIO;
	}
}

/**
 * chanmsg_post_to() - send a control message to the host
 * @connection_id: where it listens
 * @message: starts with a struct chanmsg_header
 * @bytes: at most CHANMSG_SIZE_MAX
 *
 * While the host is short of buffers it is asked again after a growing pause, for timeout_ms in all. May sleep.
 * Return: 0; -ENXIO no such connection id; -ENOBUFS still short of buffers; -EACCES, -EIO refused.
 */
int chanmsg_post_to(u32 connection_id, const void *message, u32 bytes)
{
	const ktime_t end = ktime_add_ms(ktime_get(), chanmsg()->timeout_ms);
	unsigned long pause = RETRY_US_FIRST;
	u16 status;

	for (;;) {
		status = hypercall_post_message(connection_id, message, bytes);
		trace_control_out(message, bytes, status);
		if (!is_worth_retrying(status, message) || ktime_after(ktime_get(), end))
			return status_to_errno(status);
		fsleep(pause);
		pause = min_t(unsigned long, pause * 2, RETRY_US_MAX);
	}
}

/** chanmsg_post() - the same to the connection id in use; says so in the log if it fails */
int chanmsg_post(const void *message, u32 bytes)
{
	const struct chanmsg_header *header = message;
	int error = chanmsg_post_to(chanmsg()->connection_id, message, bytes);

	if (error)
		pr_err_ratelimited("control message %u could not be sent (error %d)\n", header->type, error);
	return error;
}

/* Calls: a message of ours and the message that answers it. */

/**
 * chanmsg_call_begin() - wait for an answer from now on; before the request is posted, so that none is missed
 * @call: answer, key and gone are set
 * @reply: where the answer goes; what a shorter one leaves out stays as it is
 * @room: its size
 *
 * Any context. Ended by chanmsg_call_wait() or chanmsg_call_end().
 */
void chanmsg_call_begin(struct chanmsg_call *call, void *reply, u32 room)
{
	hvis_xact_init(&call->xact, reply, room);
	spin_lock_irq(&chanmsg()->lock);
	list_add_tail(&call->link, &chanmsg()->calls);
	/* If it is not seen here, chanmsg_fail_calls() comes later and finds the call in the list. */
	if (call->gone && READ_ONCE(*call->gone))
		hvis_xact_fail(&call->xact, -ENODEV);
	spin_unlock_irq(&chanmsg()->lock);
}

/** chanmsg_call_end() - wait no more; nobody touches @call after this */
void chanmsg_call_end(struct chanmsg_call *call)
{
	spin_lock_irq(&chanmsg()->lock);
	list_del(&call->link);
	spin_unlock_irq(&chanmsg()->lock);
}

/**
 * chanmsg_call_wait() - wait for the answer, and end the call
 * @call: begun, its request posted
 * @timeout_ms: bound
 * @what: for the log
 *
 * May sleep; not in the worker. Return: 0, -ETIMEDOUT (logged), or the error of chanmsg_fail_calls().
 */
int chanmsg_call_wait(struct chanmsg_call *call, unsigned int timeout_ms, const char *what)
{
	int error = hvis_xact_wait(&call->xact, timeout_ms, what);

	chanmsg_call_end(call);
	return error;
}

/** chanmsg_ask() - post the one message of a begun call and wait for its answer; errors of post and wait */
int chanmsg_ask(struct chanmsg_call *call, const void *message, u32 bytes, const char *what)
{
	int error = chanmsg_post(message, bytes);

	if (error) {
		chanmsg_call_end(call);
		return error;
	}
	return chanmsg_call_wait(call, chanmsg()->timeout_ms, what);
}

/**
 * chanmsg_fail_calls() - nobody will answer these calls any more
 * @gone: what they were begun with; already true
 *
 * They end with -ENODEV. Any context.
 */
void chanmsg_fail_calls(const bool *gone)
{
	struct chanmsg_call *call;
	unsigned long flags;

	spin_lock_irqsave(&chanmsg()->lock, flags);
	list_for_each_entry(call, &chanmsg()->calls, link)
		if (call->gone == gone)
			hvis_xact_fail(&call->xact, -ENODEV);
	spin_unlock_irqrestore(&chanmsg()->lock, flags);
}

static void answer_call(const struct chanmsg_rule *rule, const struct chanmsg_entry *entry)
{
	const struct chanmsg_header *header = (const void *)entry->data;
	u32 key = rule->key_at ? *(const u32 *)(entry->data + rule->key_at) : 0;
	struct chanmsg_call *call;
	bool taken = false;

	spin_lock_irq(&chanmsg()->lock);
	list_for_each_entry(call, &chanmsg()->calls, link) {
		if (call->answer != header->type || call->key != key)
			continue;
		taken = hvis_xact_complete(&call->xact, entry->data, entry->bytes);
		if (taken)
			break;
	}
	spin_unlock_irq(&chanmsg()->lock);
	if (!taken)
		pr_warn_ratelimited("answer %u (%u) came too late or was never asked for\n", header->type, key);
}

/* From the interrupt to the worker. */

/**
 * chanmsg_receive() - a message arrived
 * @message: private copy of the slot
 *
 * Hard interrupt context. Return: false if the queue is full: try again after synic_resume().
 */
bool chanmsg_receive(const struct tlfs_message *message)
{
	struct chanmsg *c = chanmsg();
	struct chanmsg_entry *entry;
	unsigned long flags;
	bool room;

	if (message->message_type != TLFS_MESSAGE_TYPE_VMBUS || message->payload_size > CHANMSG_SIZE_MAX ||
	    message->payload_size < sizeof(struct chanmsg_header)) {
		pr_warn_ratelimited("message of type 0x%x with %u bytes ignored\n", message->message_type,
				    message->payload_size);
		return true;
	}

	spin_lock_irqsave(&c->lock, flags);
	room = c->head - c->tail < CHANMSG_QUEUE;
	if (room) {
		entry = &c->queue[c->head++ % CHANMSG_QUEUE];
		entry->bytes = message->payload_size;
		memcpy(entry->data, message->payload, entry->bytes);
		memset(entry->data + entry->bytes, 0, CHANMSG_SIZE_MAX - entry->bytes);
	}
	spin_unlock_irqrestore(&c->lock, flags);
	queue_work(c->wq, &c->work);
	return room;
}

static bool take_entry(struct chanmsg *c, struct chanmsg_entry *entry)
{
	bool any;

	spin_lock_irq(&c->lock);
	any = c->head != c->tail;
	if (any)
		*entry = c->queue[c->tail++ % CHANMSG_QUEUE];
	spin_unlock_irq(&c->lock);
	return any;
}

/* The gate: after it, a message is long enough for its type, and what it left out is zero. */
static void dispatch(const struct chanmsg_entry *entry)
{
	const struct chanmsg_header *header = (const void *)entry->data;
	const struct chanmsg_rule *rule;

	trace_control_in(entry->data, entry->bytes);
	rule = header->type < CHANMSG_TYPE_COUNT ? &chanmsg()->rules[header->type] : NULL;
	if (!rule || !rule->bytes_min) {
		pr_warn_ratelimited("control message of unknown type %u ignored\n", header->type);
		return;
	}
	if (entry->bytes < rule->bytes_min) {
		pr_warn_ratelimited("control message %u ignored: %u bytes, must have %u\n", header->type, entry->bytes,
				    rule->bytes_min);
		return;
	}
	if (rule->handle)
		rule->handle(entry->data);
	else
		answer_call(rule, entry);
}

static void work(struct work_struct *work)
{
	struct chanmsg *c = chanmsg();
	struct chanmsg_entry entry;

	do {
		while (take_entry(c, &entry)) {
			dispatch(&entry);
			cond_resched();
		}
		/* A slot refused after this look queued us again. */
		synic_resume();
	} while (READ_ONCE(c->head) != READ_ONCE(c->tail));
}

/**
 * chanmsg_init() - ready to receive
 * @rules: by message type; kept by reference
 * @timeout_ms: how long the host may take to answer
 *
 * May sleep. Return: 0 or -ENOMEM.
 */
int chanmsg_init(const struct chanmsg_rule *rules, unsigned int timeout_ms)
{
	struct chanmsg *c = chanmsg();

	spin_lock_init(&c->lock);
	INIT_LIST_HEAD(&c->calls);
	INIT_WORK(&c->work, work);
	c->rules = rules;
	c->timeout_ms = timeout_ms;
	c->connection_id = VMBUS_MESSAGE_CONNECTION_ID;
	c->queue = kcalloc(CHANMSG_QUEUE, sizeof(*c->queue), GFP_KERNEL);
	if (!c->queue)
		return -ENOMEM;
	/* Disks that write memory back may wait for an answer, to be opened again after an error. */
	c->wq = alloc_ordered_workqueue("hvis_control", WQ_MEM_RECLAIM);
	if (!c->wq) {
		kfree(c->queue);
		return -ENOMEM;
	}
	return 0;
}

/** chanmsg_exit() - undo chanmsg_init(); interrupts are off and nobody waits; may sleep */
void chanmsg_exit(void)
{
	destroy_workqueue(chanmsg()->wq);
	kfree(chanmsg()->queue);
}
