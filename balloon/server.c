// SPDX-License-Identifier: GPL-2.0
/*
 * The server: one thread that reads what the host says and does it. The gate is message.c; what a request means is inflate.c's, deflate.c's,
 * hot_add.c's and hot_remove.c's.
 *
 * One message is served to its end before the next is read, so nothing of a request can be overwritten by another; a host that asks for more
 * meanwhile finds it waiting in the ring, in order.
 * Invariant: only this thread receives, and each packet's payload is a private copy until the next one is received.
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>

#include "internal.h"
#include "trace.h"

static enum hvis_event_result event(struct vmbus_channel *channel, void *context)
{
	struct balloon *balloon = context;

	if (!hvis_channel_ready(channel))
		return HVIS_EVENT_DRAINED;
	WRITE_ONCE(balloon->called, true);
	wake_up(&balloon->wait);
	return HVIS_EVENT_POLLING;
}

static void send_room(struct vmbus_channel *channel, void *context)
{
	struct balloon *balloon = context;

	WRITE_ONCE(balloon->room, true);
	wake_up(&balloon->wait);
}

static void rescinded(struct vmbus_channel *channel, void *context)
{
	balloon_end(context);
}

/** balloon_channel_open() - the server is to be started first; may sleep, bounded by the bus. Return: 0 or negative errno. */
int balloon_channel_open(struct balloon *balloon)
{
	const struct hvis_channel_config config = {
		.send_bytes = BALLOON_RING_BYTES,
		.recv_bytes = BALLOON_RING_BYTES,
		.packet_max = BALLOON_PACKET_MAX,
		.cpu = HVIS_CPU_ANY,
		.event = event,
		.rescinded = rescinded,
		.send_room = send_room,
		.context = balloon,
	};

	return hvis_channel_open(balloon->device->channel, &config);
}

/**
 * balloon_send() - send a message, when there is room for it
 * @balloon: its channel is open
 * @message: copied
 * @bytes: its length
 *
 * May sleep, at most BALLOON_SEND_MS. Return: 0; -ETIMEDOUT: the host reads nothing; -ENODEV, -EIO: it is gone or broke the ring's rules.
 */
int balloon_send(struct balloon *balloon, const void *message, u32 bytes)
{
	long left = msecs_to_jiffies(BALLOON_SEND_MS);
	int error;

	for (;;) {
		/* Cleared before the ring is looked at, so that room made since is seen. */
		WRITE_ONCE(balloon->room, false);
		error = hvis_channel_send_inband(balloon->device->channel, message, bytes, 0, 0);
		if (error != -EAGAIN)
			return error;
		left = wait_event_timeout(balloon->wait, READ_ONCE(balloon->room) || balloon_is_gone(balloon), left);
		if (balloon_is_gone(balloon))
			return -ENODEV;
		if (!left) {
			dev_warn_ratelimited(&balloon->device->dev, "the host reads no messages\n");
			return -ETIMEDOUT;
		}
	}
}

static void take_info(struct balloon *balloon, const struct balloon_message *message)
{
	balloon->page_count_max = message->page_count_max;
	dev_info(&balloon->device->dev, "at most %llu MiB\n", message->page_count_max >> (20 - DM_PAGE_SHIFT));
}

static void serve_request(struct balloon *balloon, const struct balloon_message *message)
{
	switch (message->type) {
	case DM_BALLOON_REQUEST:
		return balloon_inflate(balloon, message->pages);
	case DM_UNBALLOON_REQUEST:
		return balloon_deflate(balloon, message);
	case DM_HOT_ADD_REQUEST:
		return balloon_hot_add_pages(balloon, message);
	case DM_HOT_REMOVE_REQUEST:
		return balloon_hot_remove(balloon, message);
	default:
		return take_info(balloon, message);
	}
}

static bool is_answer(u16 type)
{
	return type == DM_VERSION_RESPONSE || type == DM_CAPS_RESPONSE;
}

static enum balloon_refusal refusal_of(enum balloon_verdict verdict)
{
	switch (verdict) {
	case BALLOON_SHORT:
		return REFUSED_SHORT;
	case BALLOON_SIZE:
		return REFUSED_SIZE;
	case BALLOON_RANGES:
		return REFUSED_RANGE_COUNT;
	case BALLOON_INFO:
		return REFUSED_INFO;
	default:
		return REFUSED_MESSAGE_TYPE;
	}
}

static void serve(struct balloon *balloon, const struct hvis_packet *packet)
{
	struct balloon_message message;
	enum balloon_verdict verdict;

	if (packet->type != PACKET_INBAND)
		return balloon_refuse(balloon, REFUSED_PACKET_TYPE, 0, 0);
	verdict = balloon_message_check(&message, packet->payload, packet->payload_bytes);
	trace_balloon_heard(message.type, message.trans_id, packet->payload_bytes, verdict);
	if (verdict != BALLOON_FINE)
		return balloon_refuse(balloon, refusal_of(verdict), 0, 0);
	if (is_answer(message.type))
		return balloon_connect_answer(balloon, &message);
	/* What is known of a limit may come at any time. */
	if (READ_ONCE(balloon->state) != BALLOON_READY && message.type != DM_INFO)
		return balloon_refuse(balloon, REFUSED_STATE, 0, 0);
	serve_request(balloon, &message);
}

static void read_all(struct balloon *balloon)
{
	struct vmbus_channel *channel = balloon->device->channel;
	struct hvis_packet packet;
	int got = 1;

	while (got > 0 && !balloon_is_gone(balloon)) {
		got = hvis_channel_recv(channel, &packet);
		if (got > 0)
			serve(balloon, &packet);
	}
	if (!got)
		hvis_channel_resume(channel);
	else if (got < 0)
		balloon_end(balloon);
}

static int run(void *context)
{
	struct balloon *balloon = context;

	/* What bounds a request to remove memory: memory_block.c. */
	allow_signal(SIGALRM);
	while (!kthread_should_stop()) {
		wait_event_idle(balloon->wait, READ_ONCE(balloon->called) || kthread_should_stop());
		WRITE_ONCE(balloon->called, false);
		if (!kthread_should_stop())
			read_all(balloon);
	}
	return 0;
}

/** balloon_server_start() - the thread; may sleep. Return: 0 or negative errno. */
int balloon_server_start(struct balloon *balloon)
{
	struct task_struct *server = kthread_run(run, balloon, "hvis_balloon");

	if (IS_ERR(server))
		return PTR_ERR(server);
	balloon->server = server;
	return 0;
}

/** balloon_server_stop() - the device is GONE: wait for the end of what is being served; may sleep, bounded by what that may take */
void balloon_server_stop(struct balloon *balloon)
{
	/* Whatever it does to a memory block ends, too. */
	send_sig(SIGALRM, balloon->server, 1);
	kthread_stop(balloon->server);
}
