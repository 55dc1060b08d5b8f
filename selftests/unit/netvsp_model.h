/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the network provider sees of the world in tests and fuzz targets: channels that remember what is written to them,
 * buffers that a guest lends, and a network that delivers what it is told to and remembers what it was sent.
 * Included once per program; one thread.
 */
#ifndef HVIS_UNIT_NETVSP_MODEL_H
#define HVIS_UNIT_NETVSP_MODEL_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "netvsp.h"
#include "wire/nvsp.h"
#include "wire/rndis.h"

#define MODEL_PAGES 512u /* of guest memory */
#define MODEL_RECV 1u /* GPADL handles: pages 64 to 191, backwards */
#define MODEL_SEND 2u /* pages 200 to 231 */
#define MODEL_RECV_PAGES 128u
#define MODEL_SEND_PAGES 32u
#define MODEL_CHANNELS 3u
#define MODEL_WRITTEN 64u
#define MODEL_BODY 5000u
#define MODEL_FRAME 66000u

struct model_packet {
	struct packet_desc desc;
	uint32_t bytes; /* behind the descriptor */
	uint8_t body[MODEL_BODY];
};

struct channel {
	unsigned int sub;
	void *state;
	bool called, idle, full, refused; /* full: there is no room; refused: something met that */
	unsigned int calls;
	unsigned int written; /* since last looked at; the newest are kept */
	struct model_packet packets[MODEL_WRITTEN];
	uint64_t completions;
};

struct model_frame {
	uint32_t bytes;
	struct net_meta meta;
	uint8_t data[MODEL_FRAME];
};

static struct {
	struct guestmem *mem;
	const struct channel_ops *ops;
	void *context;
	struct channel channels[MODEL_CHANNELS];
	unsigned int subs_asked, borrowed;
	struct net net;
	struct net_offloads offloads;
	int send_error;
	uint64_t sent, queues;
	void (*ready[MODEL_CHANNELS])(void *context);
	void *ready_context[MODEL_CHANNELS];
	unsigned int next_times, next_varies; /* varies: which byte counts up from one to the next; 0: none */
	struct model_frame last, next; /* sent, to be received */
} model;

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	(void)vmbus;
	model.ops = offer->ops;
	model.context = offer->context;
	return &model.channels[0];
}

void vmbus_rescind(struct vmbus *vmbus, struct channel *channel)
{
	(void)vmbus;
	(void)channel;
	abort();
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	(void)loop;
	(void)work;
	abort();
}

static void model_write(struct channel *channel, const struct packet_desc *desc, const void *body, uint32_t bytes)
{
	struct model_packet *packet = &channel->packets[channel->written++ % MODEL_WRITTEN];

	if (bytes > MODEL_BODY)
		abort();
	packet->desc = *desc;
	packet->bytes = bytes;
	if (bytes)
		memcpy(packet->body, body, bytes);
}

void channel_complete(struct channel *channel, uint64_t transaction_id, const void *payload, uint32_t bytes)
{
	const struct packet_desc desc = { .type = PACKET_COMPLETION, .transaction_id = transaction_id };

	if (bytes > model.ops->completion_max)
		abort();
	channel->completions++;
	model_write(channel, &desc, payload, bytes);
}

void channel_send(struct channel *channel, const void *payload, uint32_t bytes)
{
	const struct packet_desc desc = { .type = PACKET_INBAND };

	if (bytes > model.ops->completion_max)
		abort();
	model_write(channel, &desc, payload, bytes);
}

bool channel_try_send(struct channel *channel, const struct packet_desc *desc, const void *body, uint32_t bytes)
{
	channel->refused |= channel->full;
	if (!channel->full)
		model_write(channel, desc, body, bytes);
	return !channel->full;
}

bool channel_may_send(struct channel *channel)
{
	channel->refused |= channel->full;
	return !channel->full;
}

void channel_call(struct channel *channel)
{
	channel->called = true;
	channel->calls++;
}

void channel_idle(struct channel *channel)
{
	(void)channel;
	abort(); /* the model's queues close at once */
}

void channel_ask_sub_channels(struct channel *channel, unsigned int count)
{
	(void)channel;
	model.subs_asked = count;
}

unsigned int channel_sub_index(const struct channel *channel)
{
	return channel->sub;
}

struct loop *channel_loop(struct channel *channel)
{
	return (struct loop *)channel;
}

const struct guestmem *channel_guestmem(const struct channel *channel)
{
	(void)channel;
	return model.mem;
}

const char *channel_name(const struct channel *channel)
{
	(void)channel;
	return "nic0";
}

static uint8_t *model_page(unsigned int page)
{
	return guestmem_ptr(model.mem, gpa(page * 4096ull), 4096);
}

struct channel_buffer *channel_borrow(struct channel *channel, uint32_t handle, const char **why)
{
	uint32_t pages = handle == MODEL_RECV ? MODEL_RECV_PAGES : MODEL_SEND_PAGES;
	struct channel_buffer *buffer;

	*why = "no such GPADL";
	if (channel->sub || (handle != MODEL_RECV && handle != MODEL_SEND))
		return NULL;
	buffer = malloc(sizeof(*buffer) + pages * sizeof(buffer->pages[0]));
	buffer->bytes = pages * 4096;
	for (unsigned int i = 0; i < pages; i++)
		buffer->pages[i] = model_page(handle == MODEL_RECV ? 191 - i : 200 + i);
	model.borrowed++;
	return buffer;
}

void channel_return(struct channel_buffer *buffer)
{
	model.borrowed--;
	free(buffer);
}

/* The network. A queue is its index, plus one. */
static struct net_queue *model_net_open(struct net *net, unsigned int index, struct loop *loop, void (*ready)(void *),
					void *context)
{
	(void)loop;
	if (index < net->queues_max) {
		model.ready[index] = ready;
		model.ready_context[index] = context;
	}
	model.queues++;
	return (struct net_queue *)(uintptr_t)(index + 1);
}

static int model_net_send(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
			  unsigned int count, size_t bytes)
{
	uint32_t at = 0;

	(void)queue;
	if (bytes > MODEL_FRAME)
		abort();
	for (unsigned int i = 0; i < count; i++) {
		memcpy(model.last.data + at, pieces[i].iov_base, pieces[i].iov_len);
		at += pieces[i].iov_len;
	}
	if (at != bytes || meta->csum_start + meta->csum_offset > bytes)
		abort();
	model.last.meta = *meta;
	model.last.bytes = at;
	model.sent++;
	return model.send_error;
}

static ssize_t model_net_receive(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces,
				 unsigned int count)
{
	uint32_t at = 0;

	if ((uintptr_t)queue > model.net.queues_max)
		abort(); /* it only sends */
	if (!model.next_times)
		return -EAGAIN;
	model.next_times--;
	for (unsigned int i = 0; i < count && at < model.next.bytes; i++) {
		uint32_t left = model.next.bytes - at;
		uint32_t part = pieces[i].iov_len < left ? pieces[i].iov_len : left;

		memcpy(pieces[i].iov_base, model.next.data + at, part);
		at += part;
	}
	*meta = model.next.meta;
	if (model.next_varies)
		model.next.data[model.next_varies]++;
	return at == model.next.bytes ? (ssize_t)at : -EMSGSIZE;
}

static struct net_offloads model_net_offloads(struct net *net, const struct net_offloads *offloads)
{
	(void)net;
	model.offloads = *offloads;
	return *offloads;
}

static void model_net_close(struct net_queue *queue, void (*closed)(void *), void *context)
{
	model.ready[(uintptr_t)queue - 1] = NULL;
	model.queues--;
	closed(context);
}

static void model_net_destroy(struct net *net)
{
	(void)net;
}

static const struct net_ops model_net_ops = {
	.name = "model",
	.open = model_net_open,
	.send = model_net_send,
	.receive = model_net_receive,
	.set_offloads = model_net_offloads,
	.close = model_net_close,
	.destroy = model_net_destroy,
};

/* A NIC with as many channels as the model has, on a network that receives on @queues. */
static struct netvsp *model_start_on(uint32_t version_max, unsigned int queues)
{
	const struct netvsp_options options = {
		.mac = { 2, 0, 0, 0, 0, 9 }, .channels = MODEL_CHANNELS, .version_max = version_max, .mtu = 9000 };
	static struct guestmem *mem; /* stays as it is from one to the next */
	struct netvsp *netvsp;

	if (!mem)
		mem = guestmem_create(MODEL_PAGES * 4096ull);
	memset(&model, 0, offsetof(__typeof__(model), last));
	model.next.meta = (struct net_meta){ 0 };
	model.mem = mem;
	model.net = (struct net){ .ops = &model_net_ops, .queues_max = queues, .channels_max = 64, .mtu_max = 9000,
				  .can_csum = true, .can_gso = true, .name = "model" };
	for (unsigned int i = 0; i < MODEL_CHANNELS; i++)
		model.channels[i].sub = i;
	netvsp = netvsp_create(&options, &model.net);
	if (!netvsp || netvsp_offer(netvsp, NULL))
		abort();
	return netvsp;
}

static __attribute__((unused)) struct netvsp *model_start(uint32_t version_max)
{
	return model_start_on(version_max, MODEL_CHANNELS);
}

/* What a worker's loop does at the end of a batch, until nobody is called any more. */
static void model_turn(void)
{
	bool again = true;

	while (again) {
		again = false;
		for (unsigned int i = 0; i < MODEL_CHANNELS; i++) {
			struct channel *channel = &model.channels[i];

			if (!channel->state)
				continue;
			if (channel->called || (channel->refused && !channel->full)) {
				channel->called = channel->refused = false;
				model.ops->called(channel->state);
				again = true;
			}
			model.ops->turn(channel->state);
		}
	}
}

static bool model_open(unsigned int index)
{
	struct channel *channel = &model.channels[index];

	channel->called = channel->refused = channel->full = false;
	channel->state = model.ops->open(channel, model.context);
	return channel->state;
}

static void model_close(unsigned int index)
{
	struct channel *channel = &model.channels[index];

	if (!channel->state)
		return;
	if (!model.ops->close(channel->state))
		abort();
	model.ops->closed(channel->state);
	channel->state = NULL;
}

static void model_stop(struct netvsp *netvsp)
{
	for (unsigned int i = 0; i < MODEL_CHANNELS; i++)
		model_close(i);
	netvsp_destroy(netvsp);
	if (model.borrowed || model.queues)
		abort();
}

/* A packet of the guest, as the ring gives it. Return: what packet() says. */
static int model_packet(struct channel *channel, const struct packet_desc *desc, const void *rest, uint32_t rest_bytes,
			const void *payload, uint32_t bytes)
{
	_Alignas(16) static uint8_t data[8192];
	struct packet packet = { .desc = *desc, .data = data };
	const char *why = NULL;

	memcpy(data, desc, sizeof(*desc));
	if (rest_bytes)
		memcpy(data + sizeof(*desc), rest, rest_bytes);
	packet.payload = (uint32_t)sizeof(*desc) + rest_bytes;
	if (bytes)
		memcpy(data + packet.payload, payload, bytes);
	packet.bytes = (packet.payload + bytes + 7) / 8 * 8;
	memset(data + packet.payload + bytes, 0, packet.bytes - packet.payload - bytes);
	return model.ops->packet(channel->state, &packet, &why);
}

#endif
