// SPDX-License-Identifier: GPL-2.0
/*
 * Integration services: the channel of one, its handshake, and an answer to each request. The gate is ic_message.c's, what a request means is
 * the service's (vmbus_ic.h).
 *
 * One work item reads the ring until it is empty, answers each message in order, and then tells the service. A host that says something
 * wrong gets no answer, one line in the log at a limited rate, and is listened to further.
 * Invariant: only the work item receives, answers and changes the state, but for GONE, which is for good.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "ic_message.h"
#include "vmbus.h"
#include "vmbus_ic.h"
#include "wire/packet.h"
#include "wire/tlfs.h"

/* Bytes of each ring: the largest message, several times. */
#define RING_BYTES (4 * TLFS_PAGE_SIZE)
/* How long a host may leave a full ring unread before an answer is given up, ms. */
#define SEND_MS 5000

/* STRANGERS -> AGREED, and back by a handshake that comes to nothing; GONE at the end. */
enum ic_state {
	IC_STRANGERS,
	IC_AGREED,
	IC_GONE,
};

/**
 * struct hvis_ic - one service of one device
 * @device: the offer
 * @service: what it is
 * @context: the service's
 * @state: enum ic_state
 * @agreed: versions, if AGREED
 * @work: reads and answers
 * @room: woken when the host made room, or at the end
 * @has_room: it made room
 * @message: a copy of the message at work
 */
struct hvis_ic {
	struct vmbus_device *device;
	const struct hvis_ic_service *service;
	void *context;
	atomic_t state;
	struct ic_agreed agreed;
	struct work_struct work;
	wait_queue_head_t room;
	bool has_room;
	u8 message[IC_MESSAGE_MAX] __aligned(8);
};

static bool is_gone(const struct hvis_ic *ic)
{
	return atomic_read(&ic->state) == IC_GONE;
}

/* The state after a handshake; GONE stays. */
static void enter(struct hvis_ic *ic, enum ic_state to)
{
	int from = atomic_read(&ic->state);

	if (from != IC_GONE)
		atomic_cmpxchg(&ic->state, from, to);
}

static void refuse(struct hvis_ic *ic, const char *what)
{
	dev_warn_ratelimited(&ic->device->dev, "%s: the host sent %s\n", ic->service->name, what);
}

static int try_send(struct hvis_ic *ic, u32 bytes)
{
	/* Cleared before the ring is looked at, so that room made since is seen. */
	WRITE_ONCE(ic->has_room, false);
	return hvis_channel_send_inband(ic->device->channel, ic->message, bytes, 0, 0);
}

/* The message at work goes back. */
static void send(struct hvis_ic *ic)
{
	const struct ic_pipe_header *pipe = (const void *)ic->message;
	u32 bytes = sizeof(*pipe) + pipe->size;
	long left = msecs_to_jiffies(SEND_MS);
	int error = try_send(ic, bytes);

	while (error == -EAGAIN && left && !is_gone(ic)) {
		left = wait_event_timeout(ic->room, READ_ONCE(ic->has_room) || is_gone(ic), left);
		error = try_send(ic, bytes);
	}
	if (error && !is_gone(ic))
		dev_warn_ratelimited(&ic->device->dev, "%s: no answer could be sent (error %d)\n", ic->service->name, error);
}

static void negotiate(struct hvis_ic *ic)
{
	const struct hvis_ic_service *service = ic->service;
	struct ic_agreed *agreed = &ic->agreed;

	if (ic_message_agree(ic->message, service->versions, service->version_count, agreed)) {
		enter(ic, IC_AGREED);
		dev_info(&ic->device->dev, "%s %u.%u, frames %u.%u\n", service->name, agreed->message.major, agreed->message.minor,
			 agreed->frame.major, agreed->frame.minor);
	} else {
		enter(ic, IC_STRANGERS);
		refuse(ic, "a handshake with no version that we know");
	}
	ic_message_answer(ic->message, IC_STATUS_OK);
	send(ic);
}

static void serve(struct hvis_ic *ic, const struct ic_message *message)
{
	const struct hvis_ic_request request = {
		.version = ic->agreed.message,
		.bytes = message->body_bytes,
		.body = ic->message + IC_HEADERS,
	};
	u32 status = IC_STATUS_FAIL;

	if (atomic_read(&ic->state) != IC_AGREED)
		refuse(ic, "a request before the handshake");
	else if (message->type != ic->service->type)
		refuse(ic, "a request of another service");
	else
		status = ic->service->request(ic->context, &request);
	ic_message_answer(ic->message, status);
	send(ic);
}

static void take(struct hvis_ic *ic, const struct hvis_packet *packet)
{
	struct ic_message message;
	enum ic_verdict verdict;

	if (packet->type != PACKET_INBAND)
		return refuse(ic, "a packet that is no in-band data");
	verdict = ic_message_check(&message, packet->payload, packet->payload_bytes);
	if (verdict != IC_FINE)
		return refuse(ic, ic_verdict_text(verdict));
	memcpy(ic->message, packet->payload, message.bytes);
	if (message.type == IC_NEGOTIATE)
		negotiate(ic);
	else
		serve(ic, &message);
}

static void work(struct work_struct *item)
{
	struct hvis_ic *ic = container_of(item, struct hvis_ic, work);
	struct vmbus_channel *channel = ic->device->channel;
	struct hvis_packet packet;
	bool any = false;
	int got = 1;

	while (got > 0 && !is_gone(ic)) {
		got = hvis_channel_recv(channel, &packet);
		if (got > 0)
			take(ic, &packet);
		any |= got > 0;
	}
	if (any && ic->service->drained && !is_gone(ic))
		ic->service->drained(ic->context);
	if (!got)
		hvis_channel_resume(channel);
}

static enum hvis_event_result event(struct vmbus_channel *channel, void *context)
{
	struct hvis_ic *ic = context;

	if (!hvis_channel_ready(channel))
		return HVIS_EVENT_DRAINED;
	if (!is_gone(ic))
		queue_work(system_highpri_wq, &ic->work);
	return HVIS_EVENT_POLLING;
}

static void send_room(struct vmbus_channel *channel, void *context)
{
	struct hvis_ic *ic = context;

	WRITE_ONCE(ic->has_room, true);
	wake_up(&ic->room);
}

static void end(struct hvis_ic *ic)
{
	atomic_set(&ic->state, IC_GONE);
	wake_up_all(&ic->room);
}

static void rescinded(struct vmbus_channel *channel, void *context)
{
	end(context);
}

static int open(struct hvis_ic *ic)
{
	const struct hvis_channel_config config = {
		.send_bytes = RING_BYTES,
		.recv_bytes = RING_BYTES,
		.packet_max = IC_MESSAGE_MAX + 64,
		.cpu = HVIS_CPU_ANY,
		.event = event,
		.rescinded = rescinded,
		.send_room = send_room,
		.context = ic,
	};

	return hvis_channel_open(ic->device->channel, &config);
}

/**
 * hvis_ic_create() - serve a device
 * @device: of which nobody has opened the channel
 * @service: kept by reference
 * @context: for its callbacks, which may come before this returns
 *
 * May sleep, bounded by the bus. Return: for hvis_ic_destroy(); ERR_PTR(negative errno) after one line that says what failed.
 */
struct hvis_ic *hvis_ic_create(struct vmbus_device *device, const struct hvis_ic_service *service, void *context)
{
	struct hvis_ic *ic = kzalloc(sizeof(*ic), GFP_KERNEL);
	int error;

	if (!ic)
		return ERR_PTR(-ENOMEM);
	ic->device = device;
	ic->service = service;
	ic->context = context;
	INIT_WORK(&ic->work, work);
	init_waitqueue_head(&ic->room);
	error = open(ic);
	if (!error)
		return ic;
	dev_err(&device->dev, "%s: opening the channel failed: error %d\n", service->name, error);
	kfree(ic);
	return ERR_PTR(error);
}
EXPORT_SYMBOL_GPL(hvis_ic_create);

/** hvis_ic_destroy() - undo hvis_ic_create(); no callback runs when it returns; may sleep, bounded by the bus and the service */
void hvis_ic_destroy(struct hvis_ic *ic)
{
	end(ic);
	cancel_work_sync(&ic->work);
	hvis_channel_close(ic->device->channel);
	/* What the last event queued: it finds the end and touches nothing. */
	cancel_work_sync(&ic->work);
	kfree(ic);
}
EXPORT_SYMBOL_GPL(hvis_ic_destroy);
